/** Containers one after the other, whole lives by separate commands: nothing becomes more, and no cycle takes longer than the first. */
import { summarize } from '../../bench/statistics.ts'
import { courses, sample, settled, type Sample } from './counts.ts'
import { type Ground, type Report, short } from './ground.ts'

/** How often is counted. */
const samples = (cycles: number): number => (cycles < 1000 ? 12 : 50)

const steps = ['create', 'start', 'delete'] as const

/** How much longer the last cycles may take than the first, by their medians: what others do meanwhile is in it. */
const slower = 1.5

/** One whole life for each of these numbers of cycles. @returns milliseconds of each step */
function batch(ground: Ground, first: number, count: number): Record<(typeof steps)[number], number[]> {
  const { bench, peer } = ground
  const kinds = ground.kinds()
  const program = bench.program()
  for (let at = first; at < first + count; at++) {
    const id = bench.id()
    const { bundle } = kinds[at % kinds.length]!
    program.time('create', peer, ground.args('create', '--bundle', bundle, id), 0)
    program.time('start', peer, ground.args('start', id), 0)
    program.time('delete', peer, ground.args('delete', '--force', id), 0)
  }
  const found = program.execute()
  const times = (step: string): number[] => found.get(step)!.milliseconds
  return { create: times('create'), start: times('start'), delete: times('delete') }
}

/** Two containers that come to nothing, as what is made for them has to go all the same. */
function failing(ground: Ground, failures: string[]): void {
  const nowhere = ground.bundle('nowhere', (spec) =>
    spec.mounts!.push({ destination: '/there', type: 'bind', source: '/nowhere/at/all', options: ['bind'] }),
  )
  const nothing = ground.bundle('nothing', (spec) => (spec.process!.args = ['/bin/nothing']))
  for (const bundle of [nowhere, nothing]) {
    const id = ground.bench.id()
    const ends = [ground.run('create', '--bundle', bundle, id), ground.run('start', id)]
    ground.run('delete', '--force', id)
    if (ends.every(({ status }) => status === 0)) failures.push(`a container of ${bundle} was started`)
  }
}

export async function cycles(ground: Ground, count: number): Promise<Report> {
  const failures: string[] = []
  const size = Math.max(4, Math.ceil(count / samples(count) / 4) * 4)
  const times = { create: [] as number[], start: [] as number[], delete: [] as number[] }
  // What is kept for all containers of a kind, such as a compiled filter, is there before.
  batch(ground, 0, ground.kinds().length)
  failing(ground, failures)
  await ground.clean()
  const first = sample(ground.counts, 0)
  const taken: Sample[] = [first]
  for (let done = 0; done < count;) {
    const next = Math.min(size, count - done)
    const found = batch(ground, done, next)
    for (const step of steps) times[step].push(...found[step])
    failing(ground, failures)
    done += next
    taken.push(sample(ground.counts, done))
  }
  failures.push(...(await ground.clean()).map((what) => `left: ${what}`))
  taken.push(await settled(ground.counts, count, first))

  const courseOf = courses(ground.counts, taken)
  for (const { name, before, after, perCycle, judged, flat } of courseOf) {
    if (judged && !flat) failures.push(`${name}: ${before} before, ${after} after, ${perCycle} more with each cycle`)
  }
  const whole = times.create.map((time, at) => time + times.start[at]! + times.delete[at]!)
  const part = Math.min(1000, Math.floor(count / 3))
  const [early, late] = [summarize(whole.slice(0, part)), summarize(whole.slice(-part))]
  const growth = late.median / early.median
  if (count >= 1000 && growth > slower) failures.push(`the last ${part} cycles took ${short(growth)} × the first`)
  const figures: Report['figures'] = { cycles: count }
  for (const step of steps) figures[`${step}, median (ms)`] = summarize(times[step]).median
  figures[`first ${part} cycles, median (ms)`] = early.median
  figures[`last ${part} cycles, median (ms)`] = late.median
  figures['last ÷ first'] = Number(growth.toFixed(3))
  const rows = courseOf.map(({ name, own, before, most, after, perCycle, judged, flat }) => [
    ...[own ? name : `${name} (of the machine)`, short(before), short(most), short(after), short(perCycle)],
    judged ? (flat ? 'flat' : '**grows**') : 'not judged',
  ])
  return {
    scenario: 'cycles',
    figures,
    tables: [{ head: ['', 'before', 'most', 'after', 'more per cycle', ''], rows }],
    failures,
  }
}
