/**
 * Every function that the addon exports gets arguments that do not fit, of every kind and in every position, and has to refuse them by
 * name or to fail with a system call's errno: never to end its process. Which functions there are, and what they take, is found out when
 * this runs (addon-surface.mjs), where nothing can be written and nobody else's processes can be seen (confined.py).
 */
import test from 'ava'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const here = import.meta.dirname
const project = path.join(here, '../..')
const namespaces = ['--user', '--map-root-user', '--mount', '--net', '--ipc', '--uts', '--cgroup', '--pid']

/** Seconds for some ten thousand calls, which take four. */
const patience = 240

interface Engine {
  command: string[]
  addon: string
  env?: Record<string, string>
}

const engines: Record<string, () => Engine> = {
  Node: () => ({ command: [process.execPath, '--expose-gc'], addon: 'dist/runt.node' }),
  Bun: () => ({ command: [path.join(project, 'node_modules/bun/bin/bun.exe')], addon: 'dist/runt.node' }),
  'Node under ASAN and UBSAN': () => ({
    command: [process.execPath, '--expose-gc'],
    addon: 'build-asan/runt.node',
    env: {
      LD_PRELOAD: spawnSync('cc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).stdout.trim(),
      ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1',
    },
  }),
}

for (const [name, make] of Object.entries(engines)) {
  test(`no argument of any kind crashes the addon, and what does not fit is refused by name: ${name}`, (t) => {
    t.timeout((patience + 30) * 1000)
    const { command, addon, env = {} } = make()
    const directory = mkdtempSync(path.join(tmpdir(), 'runt-surface-'))
    t.teardown(() => {
      rmdirSync(directory)
    })
    const settings = Object.entries(env).map(([key, value]) => `${key}=${value}`)
    const { status, stdout, stderr } = spawnSync(
      'timeout',
      [
        ...['-s', 'KILL', String(patience), 'unshare', ...namespaces, '--fork', '--kill-child', '--mount-proc'],
        ...['python3', path.join(here, 'confined.py'), directory, 'env', ...settings, ...command],
        ...[path.join(here, 'addon-surface.mjs'), path.join(project, addon)],
      ],
      { encoding: 'utf8', maxBuffer: 64 << 20 },
    )
    const lines = stdout.split('\n').filter((line) => line !== '')
    const last = lines.filter((line) => line.startsWith('call ') || line.startsWith('learn ')).at(-1) ?? 'none'
    t.is(status, 0, `ended in ${last}: ${stderr.slice(0, 4000)}`)
    t.deepEqual(
      lines.filter((line) => line.startsWith('fault ')),
      [],
    )
    const done = lines.find((line) => line.startsWith('done ')) ?? `ended in ${last}`
    t.regex(done, /^done \d+ functions, \d+ arguments, \d+ calls, 0 faults$/)
    const [functions, , calls] = (done.match(/\d+/g) ?? []).map(Number)
    t.true(functions! >= 80 && calls! > 10_000, done)
  })
}
