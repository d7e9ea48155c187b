/**
 * `npm run bench:syscalls`: how many system calls each command makes, of all its processes until it has ended: those of runt, of runc and
 * of crun, where they are installed. For docs/performance.md.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { configs } from './configs.ts'

interface Runtime {
  name: string
  command: readonly string[]
}

const candidates: readonly Runtime[] = [
  { name: 'runt', command: [path.resolve('dist/bin/runt')] },
  { name: 'runc', command: ['runc'] },
  { name: 'crun', command: ['crun', '--cgroup-manager=disabled'] },
]

/** Calls that look at or open something by its path. */
const byPath = /^(?:open|openat|openat2|stat|lstat|newfstatat|statx|access|faccessat2?|readlink|readlinkat|getcwd)$/
const sleeping = /^(?:nanosleep|clock_nanosleep|sched_yield)$/

interface Counted {
  all: number
  byPath: number
  sleeps: number
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Runs a command to its end, and counts; what it leaves running goes on without being traced. */
async function count(dir: string, command: readonly string[]): Promise<Counted> {
  const log = path.join(dir, 'strace')
  rmSync(log, { force: true })
  const tracer = spawn('strace', ['-f', '-I', '2', '-q', '-e', 'signal=none', '-o', log, ...command], {
    cwd: path.join(dir, 'bundle'),
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  })
  const ended = new Promise<void>((resolve) => {
    tracer.on('exit', () => {
      resolve()
    })
  })
  // strace stays with what a command leaves running; the first line is the command's.
  let lines: string[] = []
  for (let over = false; !over;) {
    over = (await Promise.race([ended.then(() => 'over'), rest(20)])) === 'over'
    try {
      lines = readFileSync(log, 'utf8').split('\n')
    } catch {
      continue
    }
    const pid = /^\d+/.exec(lines[0] ?? '')?.[0]
    if (pid !== undefined && lines.some((line) => new RegExp(`^${pid} +(?:exit_group\\(|\\+\\+\\+)`).test(line))) break
  }
  // It has nothing more to do than to end.
  await Promise.race([ended, rest(300)])
  if (tracer.exitCode === null) tracer.kill('SIGTERM')
  await ended
  const calls = lines.flatMap((line) => /^\d+\s+([a-z_0-9]+)\(/.exec(line)?.[1] ?? [])
  return {
    all: calls.length,
    byPath: calls.filter((call) => byPath.test(call)).length,
    sleeps: calls.filter((call) => sleeping.test(call)).length,
  }
}

function prepare(dir: string): void {
  const bin = path.join(dir, 'bundle/rootfs/bin')
  for (const name of ['bin', 'proc', 'sys', 'dev', 'etc', 'tmp'])
    mkdirSync(path.join(dir, 'bundle/rootfs', name), { recursive: true })
  mkdirSync(path.join(dir, 'shared/dir'), { recursive: true })
  writeFileSync(path.join(dir, 'shared/file'), '')
  // Without an argument it does nothing, with one it waits.
  writeFileSync(
    path.join(dir, 'program.c'),
    '#include <unistd.h>\nint main(int count, char **) { if (count > 1) pause(); return 0; }\n',
  )
  const cc = ['-x', 'c++', '-static', '-O2', '-s', '-o', path.join(bin, 'program'), path.join(dir, 'program.c')]
  const { status, stderr } = spawnSync('cc', cc, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`cannot compile: ${stderr}`)
}

const dir = mkdtempSync(path.join(tmpdir(), 'runt-syscalls-'))
try {
  prepare(dir)
  const runtimes = candidates.filter(({ command }) => spawnSync(command[0]!, ['--version']).status === 0)
  console.log(`| config, command | ${runtimes.map(({ name }) => name).join(' | ')} |`)
  console.log(`| --- | ${runtimes.map(() => '---:').join(' | ')} |`)
  for (const config of ['default', 'Docker']) {
    const spec = configs[config]!(path.join(dir, 'shared'))
    const write = (...args: string[]): void => {
      const process = { ...spec.process!, args: ['/bin/program', ...args], terminal: false }
      writeFileSync(path.join(dir, 'bundle/config.json'), JSON.stringify({ ...spec, process }))
    }
    const rows = new Map<string, string[]>()
    for (const { name, command } of runtimes) {
      const id = `syscalls-${process.pid}`
      const line = [...command, '--root', path.join(dir, name)]
      const step = async (what: string, ...args: string[]): Promise<void> => {
        const { all, byPath: paths, sleeps } = await count(dir, [...line, ...args])
        const slept = sleeps > 0 ? `, ${sleeps} sleeps` : ''
        rows.set(what, [...(rows.get(what) ?? []), `${all} (${paths}${slept})`])
      }
      write()
      // The filter of system calls is in the cache after the first.
      const { status, stderr } = spawnSync(line[0]!, [...line.slice(1), 'run', id], {
        cwd: path.join(dir, 'bundle'),
        encoding: 'utf8',
      })
      if (status !== 0) throw new Error(`${name} run: ${stderr}`)
      await step('run', 'run', id)
      write('wait')
      await step('create', 'create', id)
      await step('state', 'state', id)
      await step('start', 'start', id)
      await step('exec', 'exec', id, '/bin/program')
      await step('kill', 'kill', id, 'KILL')
      await step('delete', 'delete', '--force', id)
    }
    for (const [what, cells] of rows) console.log(`| ${config}, \`${what}\` | ${cells.join(' | ')} |`)
  }
} finally {
  rmSync(dir, { recursive: true, force: true })
}
