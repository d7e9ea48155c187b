import test from 'ava'
import { main } from '../../../src/cli/main.ts'
import { RuntError, UsageError } from '../../../src/errors.ts'
import { validate } from '../../../src/runtime/validate.ts'
import { defaultSpec } from '../../../src/spec/default.ts'
import { failure, machine, succeed } from '../../simulated/commands.ts'
import { SimulatedHost } from '../../simulated/host.ts'
import type { World } from '../../simulated/world.ts'
import { changed, told } from '../spec/config.ts'

/** A machine whose bundle has the default configuration with changes. */
function bundleWith(changes: Readonly<Record<string, unknown>>): World {
  const world = machine()
  world.write('/bundle/config.json', JSON.stringify(changed(changes), null, 2))
  return world
}

async function findings(t: Parameters<typeof succeed>[0], changes: Readonly<Record<string, unknown>>) {
  const { problems, warnings } = await succeed(t, bundleWith(changes), (context) => validate({}, context))
  return { problems: told(problems), warnings: told(warnings) }
}

test('the default configuration is valid, with no warning', async (t) => {
  t.deepEqual(await findings(t, {}), { problems: [], warnings: [] })
})

test('problems of the specification and of the compiler are told at once, in the order of their lines', async (t) => {
  const world = bundleWith({
    '/process/cwd': 'relative',
    '/mounts/1/options/0': 'idmap',
    '/mounts/2/destination': '',
    '/mounts/-': { destination: '/data', type: 'bind', source: '/x', options: ['bind', 'nosiud'] },
    '/linux/resources/memory': { limit: 100, swap: 50 },
  })
  const { file, problems } = await succeed(t, world, (context) => validate({}, context))
  t.is(file, '/bundle/config.json')
  t.deepEqual(
    problems.map(({ pointer }) => pointer),
    [
      '/process/cwd',
      '/mounts/1/options/0',
      '/mounts/2/destination',
      '/mounts/7/options/1',
      '/linux/resources/memory/swap',
    ],
  )
  const lines = problems.map(({ line }) => line!)
  t.deepEqual(
    lines,
    [...lines].sort((a, b) => a - b),
  )
  t.is(problems[3]!.hint, 'did you mean nosuid?')
})

test('wrong namespaces and mappings keep nothing secret that does not depend on them', async (t) => {
  const rest = {
    '/mounts/-': { destination: '/data', type: 'bind', source: '/x', options: ['bind', 'nosiud'] },
    '/linux/resources/memory': { limit: 100, swap: 50 },
  }
  for (const [pointer, value] of [
    ['/linux/namespaces/0/type', 'pidd'],
    ['/linux/namespaces', 'all'],
    ['/linux/uidMappings', [{ containerID: 0, hostID: 'x', size: 1 }]],
  ] as const) {
    const world = bundleWith({ [pointer]: value, ...rest })
    const { problems } = await succeed(t, world, (context) => validate({}, context))
    const told = problems.map((problem) => problem.pointer)
    for (const expected of ['/mounts/7/options/1', '/linux/resources/memory/swap'])
      t.true(told.includes(expected), expected)
    t.is(told.filter((it) => it.startsWith(pointer)).length, 1)
    t.true(told.length <= 4, told.join())
  }
})

test('what follows from a problem alone is not told as another', async (t) => {
  const { problems } = await findings(t, { '/root': 1, '/linux/resources/cpu': { shares: -1 }, '/hooks': 'none' })
  t.deepEqual(
    problems.map((text) => text.split(' ')[0]),
    ['/root', '/linux/resources/cpu/shares', '/hooks'],
  )
})

test('an unknown field is a warning, with the one that may be meant', async (t) => {
  const spec = changed({ '/linux/maskedPath': [], '/process/user/grid': 5, '/annotations': { any: 'thing' } }) as {
    process: Record<string, unknown>
  }
  spec.process.argz = spec.process.args
  delete spec.process.args
  const world = machine()
  world.write('/bundle/config.json', JSON.stringify(spec, null, 2))
  const { problems, warnings } = await succeed(t, world, (context) => validate({}, context))
  t.deepEqual(told(problems), ['/process/args is required'])
  t.is(problems[0]!.hint, '"argz" beside it is unknown: rename it')
  t.deepEqual(
    warnings.map(({ pointer, hint }) => [pointer, hint]),
    [
      ['/process/user/grid', undefined],
      ['/process/argz', 'did you mean args?'],
      ['/linux/maskedPath', undefined],
    ],
  )
  t.regex(warnings[0]!.message, /is not a field of the specification/)
})

test('a warning of the compiler is told too', async (t) => {
  const { problems, warnings } = await findings(t, { '/process/capabilities/inheritable': ['CAP_SYS_ADMIN'] })
  t.deepEqual(problems, [])
  t.regex(warnings.join(), /CAP_SYS_ADMIN/)
})

// covers: config.md#root/directory
test('the root of a bundle must be a directory', async (t) => {
  const { problems } = await findings(t, { '/root/path': 'config.json' })
  t.deepEqual(problems, ['/root/path must be a directory, is /bundle/config.json: it is none'])
  t.regex((await findings(t, { '/root/path': 'nothing' })).problems.join(), /\/bundle\/nothing: there is nothing/)
})

test('a file is validated without its bundle', async (t) => {
  const world = bundleWith({ '/root/path': 'nothing' })
  for (const request of [{ bundle: '/bundle/config.json' }, { config: '/bundle/config.json' }]) {
    const { file, problems } = await succeed(t, world, (context) => validate(request, context))
    t.is(file, '/bundle/config.json')
    t.deepEqual(problems, [])
  }
})

test('a process object is validated by itself', async (t) => {
  const world = machine()
  world.write('/process.json', JSON.stringify({ args: ['sh'], cdw: '/', rlimits: [{ type: 'X', soft: 1, hard: 1 }] }))
  const { problems, warnings } = await succeed(t, world, (context) => validate({ process: '/process.json' }, context))
  t.deepEqual(told(problems), ['/cwd is required', '/rlimits/0/type must be a resource of getrlimit(2), is "X"'])
  t.is(problems[0]!.hint, '"cdw" beside it is unknown: rename it')
  t.deepEqual(told(warnings), ['/cdw is not a field of the specification, and is ignored'])
  const twice = await failure(t, world, (context) => validate({ process: '/process.json', bundle: '.' }, context))
  t.true(twice instanceof UsageError)
})

for (const [text, message] of [
  ['{', 'is not valid JSON: expected a name in double quotes or "}", found the end of the file'],
  ['', 'is empty'],
  ['[]', 'must be an object, is a list'],
  ['['.repeat(100_000), 'is nested too deeply'],
] as const) {
  test(`${JSON.stringify(text.slice(0, 9))} is no configuration`, async (t) => {
    const world = machine()
    world.write('/bundle/config.json', text)
    const { problems } = await succeed(t, world, (context) => validate({}, context))
    t.is(problems.length, 1)
    if (text.length < 9) t.is(problems[0]!.message, message)
  })
}

test('a bundle that is not there is a failure of the command', async (t) => {
  const error = await failure(t, machine(), (context) => validate({ bundle: '/none' }, context))
  t.true(error instanceof RuntError)
  t.is(error.origin, '--bundle')
  const world = machine()
  t.regex((await command(world, 'none')).stderr, /from: bundle-or-file/)
  t.regex((await command(world, '--bundle', 'none')).stderr, /from: --bundle/)
})

async function command(world: World, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  world.stdout = world.stderr = ''
  const host = new SimulatedHost(world, { euid: 1000 })
  const code = await main(
    { argv0: 'runt', args: ['validate', ...args], cwd: '/', env: {}, engine: 'node 20' },
    host.host,
  )
  host.end()
  return { code, stdout: world.stdout, stderr: world.stderr }
}

test('the command prints the problems, and leaves with 1 if there are any', async (t) => {
  const bad = bundleWith({ '/process/cwd': 'x', '/oddity': 1 })
  const { code, stdout, stderr } = await command(bad, 'bundle')
  t.is(code, 1)
  t.is(stderr, '')
  const [head, problem, warning, end] = stdout.split('\n')
  t.is(head, '/bundle/config.json has a problem and a warning')
  t.regex(problem!, /^ {2}config\.json:\d+:\d+: process\.cwd must be an absolute path/)
  t.regex(warning!, /^ {2}config\.json:\d+:\d+: warning: oddity is not a field/)
  t.is(end, '')
  t.deepEqual(await command(bundleWith({}), '--bundle', 'bundle'), {
    code: 0,
    stdout: '/bundle/config.json is valid\n',
    stderr: '',
  })
  t.is(
    (await command(bundleWith({ '/oddity': 1 }), 'bundle')).stdout.split('\n')[0],
    '/bundle/config.json is valid, with a warning',
  )
})

test('the command prints JSON', async (t) => {
  const world = bundleWith({ '/process/cwd': 'x', '/oddity': 1 })
  for (const flag of ['--json', '--format=json']) {
    const { code, stdout } = await command(world, flag, 'bundle')
    t.is(code, 1)
    const { file, valid, problems, warnings } = JSON.parse(stdout) as Record<string, unknown> & {
      problems: Record<string, unknown>[]
      warnings: Record<string, unknown>[]
    }
    t.is(file, '/bundle/config.json')
    t.false(valid)
    const { line, column, ...problem } = problems[0]!
    t.deepEqual(problem, {
      pointer: '/process/cwd',
      field: 'process.cwd',
      message: 'must be an absolute path, is a string ("x")',
    })
    t.is(typeof line, 'number')
    t.is(typeof column, 'number')
    t.is(warnings[0]!.field, 'oddity')
  }
})

test('a bundle that is given twice is a fault of the command line', async (t) => {
  const { code, stderr } = await command(machine(), '-b', 'bundle', 'bundle')
  t.is(code, 1)
  t.regex(stderr, /given twice/)
})

test('validation of a thousand mistakes ends', async (t) => {
  const world = machine()
  const spec = { ...defaultSpec(), mounts: Array.from({ length: 1500 }, () => ({ destination: '' })) }
  world.write('/bundle/config.json', JSON.stringify(spec))
  const { problems } = await succeed(t, world, (context) => validate({}, context))
  t.true(problems.length >= 1000)
})
