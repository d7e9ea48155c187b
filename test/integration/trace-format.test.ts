/** Traces by the rules of the "Trace Event Format", whose readers drop, stretch or misplace what breaks them, and say nothing. */
import test, { type ExecutionContext } from 'ava'
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { lacks, Sandbox } from './harness.ts'

interface Slice {
  name: string
  /** Nanoseconds. */
  begin: number
  end: number
}

type Fields = Readonly<Record<string, unknown>>

/** What may stand in `args` of each event of metadata that is written here. */
const metadata: Readonly<Record<string, string>> = {
  process_name: 'name:string',
  process_sort_index: 'sort_index:number',
  thread_name: 'name:string',
}

const fieldsOf: Readonly<Record<string, string>> = {
  M: 'args name ph pid tid',
  X: 'args cat dur name ph pid tid ts',
}

/** Times are microseconds with three digits: whole nanoseconds, as Perfetto keeps them. */
function nanoseconds(t: ExecutionContext, value: unknown, what: string): number {
  if (typeof value !== 'number') throw new Error(`${what} is no number`)
  const rounded = Math.round(value * 1000)
  t.true(Number.isSafeInteger(rounded) && rounded >= 0 && Math.abs(value * 1000 - rounded) < 0.5, `${what}: ${value}`)
  return rounded
}

/** Slices of one track lie in each other or one after the other; those that begin together, the longer one first. */
function assertTrack(t: ExecutionContext, slices: readonly Slice[]): void {
  const open: Slice[] = []
  let last = 0
  for (const slice of slices) {
    t.true(slice.begin >= last, `${slice.name} stands after what began later`)
    last = slice.begin
    while (open.length > 0 && open.at(-1)!.end <= slice.begin) open.pop()
    const outer = open.at(-1)
    if (outer !== undefined)
      t.true(
        slice.end <= outer.end,
        `${slice.name} ends ${slice.end - outer.end} ns after ${outer.name}, in which it began`,
      )
    open.push(slice)
  }
}

/** @returns how many slices each track has */
function assertTrace(t: ExecutionContext, file: string): number[] {
  const trace = JSON.parse(readFileSync(file, 'utf8')) as Fields
  t.deepEqual(Object.keys(trace).sort(), ['displayTimeUnit', 'otherData', 'traceEvents'])
  t.is(trace.displayTimeUnit, 'ms')
  const tracks = new Map<string, Slice[]>()
  const named = new Map<string, Set<unknown>>()
  for (const event of trace.traceEvents as readonly Fields[]) {
    const { name, ph, pid, tid, args } = event
    t.is(
      Object.keys(event)
        .filter((field) => event[field] !== undefined)
        .sort()
        .join(' '),
      fieldsOf[String(ph)]!.split(' ')
        .filter((field) => field !== 'args' || args !== undefined)
        .join(' '),
      JSON.stringify(event),
    )
    t.true(typeof name === 'string' && name !== '')
    for (const id of [pid, tid]) t.true(Number.isInteger(id) && (id as number) > 0, JSON.stringify(event))
    const track = `${String(pid)}/${String(tid)}`
    if (ph === 'M') {
      const [key, type] = metadata[String(name)]!.split(':') as [string, 'string' | 'number']
      t.deepEqual(Object.keys(args as Fields), [key])
      t.is(typeof (args as Fields)[key], type)
      named.set(track, (named.get(track) ?? new Set()).add(name))
      continue
    }
    // A category with a comma would be two.
    t.regex(String(event.cat), /^(command|phase|call|step)$/)
    t.true(args === undefined || (typeof args === 'object' && args !== null && !Array.isArray(args)))
    const begin = nanoseconds(t, event.ts, `begin of ${String(name)}`)
    const slices = tracks.get(track) ?? []
    tracks.set(track, slices)
    slices.push({ name: String(name), begin, end: begin + nanoseconds(t, event.dur, `duration of ${String(name)}`) })
  }
  for (const [track, slices] of tracks) {
    t.deepEqual([...(named.get(track) ?? [])].sort(), Object.keys(metadata), track)
    assertTrack(t, slices)
  }
  t.is(named.size, tracks.size)
  return [...tracks.values()].map((slices) => slices.length)
}

test('traces of run, create, start, exec and delete keep the rules of their format', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
  })
  const dir = path.join(sandbox.dir, 'traces')
  mkdirSync(dir)
  const env = { ...process.env, RUNT_TRACE: `${dir}/%c.json` } as Record<string, string>
  t.is(sandbox.detached(['create', sandbox.id], { env }).status, 0)
  for (const args of [
    ['start', sandbox.id],
    ['exec', sandbox.id, 'inside', 'echo', 'hi'],
    ['delete', '--force', sandbox.id],
  ])
    t.is(sandbox.run(args, { env }).status, 0, args[0])
  t.is(sandbox.detached(['run', '--detach', sandbox.id], { env }).status, 0)
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  // Runt's own track and init's; exec's init is known by two numbers, before and after it joined the container.
  const tracks = { create: 2, start: 2, exec: 3, delete: 1, run: 2 }
  for (const [command, count] of Object.entries(tracks)) {
    const slices = assertTrace(t, `${dir}/${command}.json`)
    t.is(slices.length, count, command)
    t.true(slices[0]! > 5, command)
  }
  sandbox.assertClean(t)
})
