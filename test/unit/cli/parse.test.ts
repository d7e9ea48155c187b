import test from 'ava'
import { UsageError } from '../../../src/errors.ts'
import { commands } from '../../../src/cli/commands.ts'
import { globalOptions } from '../../../src/cli/lifecycle.ts'
import { checkArguments } from '../../../src/cli/arguments.ts'
import { parseFlags } from '../../../src/cli/parse.ts'

const command = (name: string) => commands.find((row) => row.name === name)!
const parse = (name: string, ...argv: string[]) => {
  const row = command(name)
  const parsed = parseFlags(argv, row.options, row.stopAtArgument === true)
  checkArguments('runt', row, parsed)
  return parsed
}

test('a value follows its flag or an equals sign, with one dash or two, by its long or short name', (t) => {
  for (const argv of [
    ['--bundle', '/b', 'web'],
    ['--bundle=/b', 'web'],
    ['-bundle', '/b', 'web'],
    ['-bundle=/b', 'web'],
    ['-b', '/b', 'web'],
    ['-b=/b', 'web'],
    ['web', '--bundle', '/b'],
  ]) {
    const parsed = parse('create', ...argv)
    t.is(parsed.text('bundle'), '/b', argv.join(' '))
    t.is(parsed.id, 'web')
  }
})

test('a value may be empty, contain an equals sign or begin with a dash', (t) => {
  t.is(parse('create', '--bundle=', 'web').text('bundle'), '')
  t.is(parse('create', '--bundle', '-x', 'web').text('bundle'), '-x')
  t.deepEqual(parse('exec', '-e', 'A=1=2', 'web').texts('env'), ['A=1=2'])
})

test('a switch is on, or what it is set to', (t) => {
  t.true(parse('create', '--no-pivot', 'web').flag('no-pivot'))
  t.true(parse('create', '-no-pivot', 'web').flag('no-pivot'))
  t.true(parse('create', '--no-pivot=true', 'web').flag('no-pivot'))
  t.false(parse('create', '--no-pivot=false', 'web').flag('no-pivot'))
  t.false(parse('create', 'web').flag('no-pivot'))
  t.throws(() => parse('create', '--no-pivot=maybe', 'web'), { instanceOf: UsageError })
})

test('switches of one letter may be joined', (t) => {
  const parsed = parse('exec', '-dt', 'web', 'sh')
  t.true(parsed.flag('detach') && parsed.flag('tty'))
  t.throws(() => parse('exec', '-du', 'web', 'sh'), { message: 'unknown flag -du' })
})

test('a flag that is given twice counts as given last, a list keeps all and splits none', (t) => {
  t.is(parse('create', '-b', '/a', '--bundle=/b', 'web').text('bundle'), '/b')
  t.deepEqual(parse('exec', '-e', 'A=1,2', '--env=B=3', 'web').texts('env'), ['A=1,2', 'B=3'])
  t.deepEqual(parse('exec', '-g', '1', '-g', '2', 'web').numbers('additional-gids'), [1, 2])
})

test('exec and kill pass on what follows the container', (t) => {
  t.deepEqual(parse('exec', '-t', 'web', 'ls', '-l', '--', '--tty=false').args, [
    'web',
    'ls',
    '-l',
    '--',
    '--tty=false',
  ])
  t.deepEqual(parse('kill', '-a', 'web', '-9').args, ['web', '-9'])
})

test('after two dashes come arguments', (t) => {
  t.deepEqual(parse('create', '--', '-web').args, ['-web'])
})

test('the number of arguments is checked, in the words of runc', (t) => {
  const says = (message: string, ...argv: [string, ...string[]]) =>
    t.throws(() => parse(...argv), { instanceOf: UsageError, message })
  says('runt: "kill" requires a minimum of 1 argument(s)', 'kill')
  says('runt: "kill" requires a maximum of 2 argument(s)', 'kill', 'web', 'KILL', 'x')
  says('runt: "create" requires exactly 1 argument(s)', 'create')
  says('runt: "create" requires exactly 1 argument(s)', 'create', 'a', 'b')
})

test('a flag that does not exist is refused, and the nearest one named', (t) => {
  const error = t.throws(() => parse('create', '--pid-fil', 'x', 'web'), { instanceOf: UsageError })
  t.is(error.message, 'unknown flag --pid-fil')
  t.is(error.hint, 'did you mean --pid-file?')
  t.throws(() => parse('create', '-z', 'web'), { message: 'unknown flag -z' })
  t.throws(() => parse('create', '--=x', 'web'), { message: 'unknown flag --' })
})

test('a flag without its value is refused in words that podman looks for', (t) => {
  t.throws(() => parse('create', 'web', '--bundle'), { message: 'flag needs an argument: --bundle' })
})

test('values that cannot be are refused', (t) => {
  for (const value of ['-1', 'x', '1.5', '', '99999999999']) {
    t.throws(() => parse('create', `--preserve-fds=${value}`, 'web'), { instanceOf: UsageError }, value)
  }
  t.is(parse('create', '--preserve-fds=2', 'web').number('preserve-fds'), 2)
  t.throws(() => parse('list', '--format', 'yaml'), { message: '--format: "yaml" is not table or json' })
})

test('every flag and command has a text, and no two of one level the same name', (t) => {
  for (const options of [globalOptions, ...commands.map((row) => row.options)]) {
    const names = options.flatMap(({ name, short }) => (short === undefined ? [name] : [name, short]))
    t.is(new Set(names).size, names.length)
    for (const { doc, hidden, name } of options) t.true(hidden === true || doc.length > 10, name)
  }
  t.deepEqual(
    commands.map(({ name }) => name),
    [...commands.map(({ name }) => name)].sort(),
  )
})
