/**
 * `npm run bench [-- ROUNDS]`: how long `run` of /bin/true takes with the default config, against the runc and crun that are
 * installed, in one alternating run with a rest of 20 ms before each command. Prints medians, their spread and ratios as a table.
 * Needs root; bench/run.sh gives it a private mount namespace with cgroup v2.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { defaultSpec } from '../src/spec/default.ts'

const rounds = Number(process.argv[2] ?? 50)
const restMs = 20
const limit = Number(process.env.RUNT_BENCH_LIMIT ?? Infinity)

/** A bundle with the default config, whose only program is a static one that does nothing. */
function makeBundle(dir: string): string {
  const rootfs = path.join(dir, 'rootfs')
  for (const name of ['bin', 'proc', 'sys', 'dev']) mkdirSync(path.join(rootfs, name), { recursive: true })
  const source = path.join(dir, 'true.c')
  writeFileSync(source, 'int main(void) { return 0; }\n')
  compile(source, path.join(rootfs, 'bin/true'))
  const spec = defaultSpec()
  spec.process!.terminal = false
  // Older runtimes refuse a version that they do not know.
  spec.ociVersion = '1.0.2'
  spec.process!.args = ['/bin/true']
  writeFileSync(path.join(dir, 'config.json'), JSON.stringify(spec))
  return dir
}

function compile(source: string, target: string): void {
  const { status, stderr } = spawnSync('cc', ['-static', '-O2', '-s', '-o', target, source], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`cannot compile ${source}: ${stderr}`)
}

function version(command: string[]): string | undefined {
  const { status, stdout } = spawnSync(command[0]!, [...command.slice(1), '--version'], { encoding: 'utf8' })
  return status === 0 ? stdout.split('\n')[0]!.trim() : undefined
}

const median = (sorted: number[]): number => sorted[Math.floor(sorted.length / 2)]!

const dir = mkdtempSync(path.join(tmpdir(), 'runt-bench-'))
try {
  const bundle = makeBundle(dir)
  const timer = path.join(dir, 'time')
  compile(new URL('time.c', import.meta.url).pathname, timer)
  const candidates: [name: string, command: string[]][] = [
    ['runt', [path.resolve('dist/bin/runt')]],
    ['runt on node', ['node', path.resolve('dist/cli.js')]],
    ['runc', ['runc']],
    // Without controllers to delegate, crun's own manager has nothing to do; with them this is the faster of its ways.
    ['crun', ['crun', '--cgroup-manager=disabled']],
  ]
  const found = candidates.flatMap(([name, command]) => {
    const text = version(command)
    if (text === undefined) console.log(`${name}: not installed, left out`)
    return text === undefined ? [] : [{ name, command, text }]
  })
  const commands = found.map(({ name, command }) => {
    const root = path.join(dir, `state-${name.replaceAll(' ', '-')}`)
    return [...command, '--root', root, 'run', '--bundle', bundle, 'bench-{}'].join(' ')
  })
  // The first round fills caches and is not counted.
  const { status, stdout, stderr } = spawnSync(timer, [String(rounds + 1), String(restMs), ...commands], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(stderr)
  const times = found.map((): number[] => [])
  const memory = found.map(() => 0)
  stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number))
    .forEach(([index, nanoseconds, code, rss], line) => {
      if (code !== 0) throw new Error(`${found[index!]!.name} failed with ${code}: ${stderr}`)
      if (line < found.length) return
      times[index!]!.push(nanoseconds! / 1e6)
      memory[index!] = Math.max(memory[index!]!, rss!)
    })
  for (const list of times) list.sort((a, b) => a - b)
  const base = (name: string): number | undefined => {
    const index = found.findIndex((candidate) => candidate.name === name)
    return index < 0 ? undefined : median(times[index]!)
  }
  console.log(`\nrun of /bin/true, default config, ${rounds} rounds, alternating, ${restMs} ms of rest before each\n`)
  console.log('| runtime | median ms | 10 % … 90 % | × runc | × crun | peak MB | version |')
  console.log('| --- | ---: | --- | ---: | ---: | ---: | --- |')
  found.forEach(({ name, text }, index) => {
    const list = times[index]!
    const at = (part: number): string => list[Math.floor((list.length - 1) * part)]!.toFixed(1)
    const ratio = (other: string): string => {
      const value = base(other)
      return value === undefined ? '–' : (median(list) / value).toFixed(2)
    }
    const columns = [name, median(list).toFixed(1), `${at(0.1)} … ${at(0.9)}`, ratio('runc'), ratio('crun')]
    console.log(`| ${[...columns, (memory[index]! / 1024).toFixed(1), text].join(' | ')} |`)
  })
  const runc = base('runc')
  if (runc !== undefined && base('runt')! > limit * runc) {
    console.error(`\nrunt took more than ${limit} × runc`)
    process.exitCode = 1
  }
} finally {
  rmSync(dir, { recursive: true, force: true })
}
