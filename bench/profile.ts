/**
 * `npm run bench:profile [-- ROUNDS]`: where a `run` of a static program that does nothing goes, with the default config: the median of
 * each phase of runt's traces, indented as they nest, and of init's groups of steps. 20 ms of rest before each; the first does not count.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { defaultSpec } from '../src/spec/default.ts'
import { summarize } from './statistics.ts'

const rounds = Number(process.argv[2] ?? 30)
const restMs = 20

interface Event {
  name: string
  cat?: string
  ts: number
  dur: number
  args?: { origin?: string }
}

/** A phase as often as it was, or the steps of one part of config.json, all together; in the order in which they begin. */
interface Row {
  name: string
  depth: number
  ms: number
}

function makeBundle(dir: string): void {
  for (const name of ['bin', 'proc', 'sys', 'dev']) mkdirSync(path.join(dir, 'rootfs', name), { recursive: true })
  writeFileSync(path.join(dir, 'true.c'), 'int main(void) { return 0; }\n')
  const cc = ['-static', '-O2', '-s', '-o', path.join(dir, 'rootfs/bin/true'), path.join(dir, 'true.c')]
  const { status, stderr } = spawnSync('cc', cc, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`cannot compile: ${stderr}`)
  const spec = defaultSpec()
  spec.process!.terminal = false
  spec.process!.args = ['/bin/true']
  writeFileSync(path.join(dir, 'config.json'), JSON.stringify(spec))
}

function rowsOf(events: readonly Event[]): Row[] {
  const rows = new Map<string, Row>()
  const add = (name: string, depth: number, microseconds: number): void => {
    const row = rows.get(name) ?? { name, depth, ms: 0 }
    row.ms += microseconds / 1000
    rows.set(name, row)
  }
  const open: number[] = []
  for (const { name, cat, ts, dur } of events) {
    if (cat !== 'command' && cat !== 'phase') continue
    while (open.length > 0 && open.at(-1)! <= ts) open.pop()
    add(name, open.length, dur)
    open.push(ts + dur)
  }
  for (const { name, cat, dur, args } of events) {
    if (cat !== 'step') continue
    const waits = name === 'sync' || name === 'waitForStart'
    add(`init: ${waits ? 'waits for runt' : (args?.origin?.split('/')[1] ?? '') || 'the rest'}`, 0, dur)
  }
  return [...rows.values()]
}

const dir = mkdtempSync(path.join(tmpdir(), 'runt-profile-'))
try {
  makeBundle(dir)
  const file = path.join(dir, 'trace.json')
  const samples = new Map<string, { depth: number; values: number[] }>()
  for (let round = 0; round <= rounds; round++) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, restMs)
    const args = ['--root', '/run/runt-profile', '--trace', file, 'run', '--bundle', dir, `profile-${process.pid}`]
    const { status, stderr } = spawnSync('dist/bin/runt', args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    const { traceEvents } = JSON.parse(readFileSync(file, 'utf8')) as { traceEvents: Event[] }
    if (round === 0) continue
    for (const { name, depth, ms } of rowsOf(traceEvents)) {
      const sample = samples.get(name) ?? { depth, values: [] }
      sample.values.push(ms)
      samples.set(name, sample)
    }
  }
  console.log(`run of /bin/true, default config, ${rounds} rounds, ${restMs} ms of rest before each\n`)
  console.log('| phase | median ms |\n| --- | ---: |')
  for (const [name, { depth, values }] of samples)
    console.log(`| ${'&emsp;'.repeat(depth)}${name} | ${summarize(values).median.toFixed(2)} |`)
} finally {
  rmSync(dir, { recursive: true, force: true })
  rmSync('/run/runt-profile', { recursive: true, force: true })
}
