/** The completion of shells: what bash offers is asked of bash; zsh and fish read theirs and know every command. */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { commands } from '../../../src/cli/commands.ts'
import { globalOptions, helpOption } from '../../../src/cli/lifecycle.ts'
import { completion } from '../../../src/cli/completion.ts'

const table = { commands, globalOptions, helpOption }

function shell(t: ExecutionContext, program: string, args: string[], cwd?: string): string {
  const env = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', LC_ALL: 'C.UTF-8' }
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', cwd, env, timeout: 60_000 })
  t.is(status, 0, `${error?.message ?? ''}${stderr}`)
  return stdout
}

/** What bash offers for a line that is typed up to its end; readline has split it, with `=` as a word of its own. */
function offered(t: ExecutionContext, words: string[], cwd?: string): string[] {
  const script = `${completion('bash', table)}
runt() { printf 'asked %s\\n' "$*" >&3; printf 'web\\nworker\\n'; }
exec 3>&2
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_runt
printf '%s\\n' "\${COMPREPLY[@]}"`
  return shell(t, 'bash', ['-uc', script, 'runt', ...words], cwd)
    .split('\n')
    .filter(Boolean)
}

test('bash offers commands, flags, values and containers', (t) => {
  const cases: [words: string[], offers: string[]][] = [
    [
      ['runt', 'st'],
      ['start', 'state'],
    ],
    [
      ['runt', '--root', '/x', 'st'],
      ['start', 'state'],
    ],
    [
      ['runt', '--root', '=', '/x', 'st'],
      ['start', 'state'],
    ],
    [['runt', '--log-f'], ['--log-format']],
    [
      ['runt', '--log-format', ''],
      ['text', 'json'],
    ],
    [
      ['runt', '--log-format', '='],
      ['text', 'json'],
    ],
    [['runt', '--log-format', '=', 'j'], ['json']],
    [['runt', 'list', '--format', 'js'], ['json']],
    [
      ['runt', 'delete', '--'],
      ['--force', '--help'],
    ],
    [
      ['runt', 'delete', ''],
      ['web', 'worker'],
    ],
    [['runt', 'delete', '--force', 'we'], ['web']],
    [['runt', 'exec', '--cwd', '/tmp', 'wo'], ['worker']],
    [['runt', 'exec', '--cwd', ''], []],
    [['runt', 'exec', 'web', 'we'], []],
    [['runt', 'kill', 'web', ''], []],
    [['runt', 'run', ''], []],
    [
      ['runt', 'completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
  ]
  for (const [words, offers] of cases) t.deepEqual(offered(t, words), offers, words.join(' '))
})

test('bash offers files and directories where they are meant', (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'runt-completion-'))
  t.teardown(() => {
    rmSync(dir, { recursive: true })
  })
  mkdirSync(path.join(dir, 'a directory'))
  writeFileSync(path.join(dir, 'a file'), '')
  t.deepEqual(offered(t, ['runt', 'run', '--bundle', 'a'], dir), ['a directory'])
  t.deepEqual(offered(t, ['runt', 'run', '-b', 'a'], dir), ['a directory'])
  t.deepEqual(offered(t, ['runt', 'run', '--pid-file', 'a'], dir).sort(), ['a directory', 'a file'])
  t.deepEqual(offered(t, ['runt', 'validate', 'a'], dir).sort(), ['a directory', 'a file'])
})

test('bash asks for the containers of the root that the line names', (t) => {
  const script = `${completion('bash', table)}
runt() { printf '%s\\n' "$*"; }
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_runt
printf '%s ' "\${COMPREPLY[@]}"`
  const asked = (...words: string[]) => shell(t, 'bash', ['-uc', script, 'runt', 'runt', ...words, 'state', '']).trim()
  t.is(asked(), 'list --quiet')
  t.is(asked('--root', '/x'), '--root /x list --quiet')
  t.is(asked('--debug', '--root', '=', '/x'), '--root /x list --quiet')
})

test('fish reads its completion, and offers what it says', (t) => {
  const ask = (line: string): string[] =>
    shell(t, 'fish', ['--no-config', '-c', `${completion('fish', table)}\ncomplete -C ${JSON.stringify(line)}`])
      .split('\n')
      .filter(Boolean)
      .map((offer) => offer.split('\t')[0]!)
  t.deepEqual(ask('runt '), commands.map(({ name }) => name).sort())
  t.deepEqual(ask('runt st'), ['start', 'state'])
  t.deepEqual(ask('runt delete --'), ['--force', '--help'])
  t.deepEqual(ask('runt list --format '), ['json', 'table'])
  t.deepEqual(ask('runt completion '), ['bash', 'fish', 'zsh'])
})

test('zsh reads its completion, and has every command and flag', (t) => {
  const script = completion('zsh', table)
  const load = `autoload -U compinit; compinit -D -u; ${script}\nwhence -w _runt; print $_comps[runt]`
  t.deepEqual(shell(t, 'zsh', ['-fc', load]).trim().split('\n'), ['_runt: function', '_runt'])
  for (const { name, options } of commands) {
    t.true(script.includes(`\n      ${name})\n`), name)
    for (const option of options) if (option.hidden !== true) t.true(script.includes(`--${option.name}`), option.name)
  }
})
