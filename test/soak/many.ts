/** Many containers alive at the same time. */
import { readdirSync, readFileSync } from 'node:fs'
import { summarize } from '../../bench/statistics.ts'
import { eventually, runtime } from '../integration/harness.ts'
import { courses, sample, settled } from './counts.ts'
import { type Ground, type Report, short } from './ground.ts'

/** How many commands make or remove them at the same time. */
const workers = 8

/** How many of the containers are asked after. */
const asked = 12

/** Resident memory of a process in KiB, without what it shares with others. */
function memoryOf(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1])
}

export async function many(ground: Ground, count: number): Promise<Report> {
  const { bench, peer } = ground
  const failures: string[] = []
  const figures: Report['figures'] = { containers: count }
  const bundle = ground.bundle()
  const prefix = `${bench.prefix}many-`
  const numbers = Array.from({ length: count }, (_, index) => index + 1)
  const sampled = numbers
    .filter((number) => number % Math.max(1, Math.floor(count / asked)) === 1 % count)
    .slice(0, asked)

  /** A command on every container. */
  const all = (what: string, ...args: string[]): void => {
    const start = performance.now()
    bench
      .program()
      .fill(peer, workers, 1, count, ground.args(...args))
      .execute()
    figures[`${what}, all of them (s)`] = Number(((performance.now() - start) / 1000).toFixed(2))
  }
  /** A command on some of them, or as often. */
  const some = (what: string, args: (id: string) => string[]): void => {
    const program = bench.program()
    for (const number of sampled) program.time('some', peer, ground.args(...args(`${prefix}${number}`)), 5)
    figures[`${what}, median (ms)`] = summarize(program.execute().get('some')!.milliseconds).median
  }
  const expect = (what: string, found: number, wanted: number): void => {
    if (found !== wanted) failures.push(`${what}: ${found} instead of ${wanted}`)
  }
  const listed = (status: string): ReturnType<Ground['list']> => {
    const found = ground.list().filter((container) => container.status === status)
    expect(`containers listed as ${status}`, found.length, count)
    return found
  }

  ground.must('run', '--detach', '--bundle', bundle, `${prefix}1`)
  some('state beside no other', () => ['state', `${prefix}1`])
  ground.must('delete', '--force', `${prefix}1`)
  await ground.clean()
  const before = sample(ground.counts, 0)
  all('create', 'create', '--bundle', bundle, `${prefix}{}`)
  const created = listed('created')
  if (runtime === 'runt') {
    // Its streams and its fifos.
    const open = created.map(({ pid }) => readdirSync(`/proc/${pid}/fd`).length)
    expect('descriptors of an init that waits', Math.max(...open), 5)
  }
  figures['memory of an init that waits, median (KiB)'] = summarize(created.map(({ pid }) => memoryOf(pid))).median
  all('start', 'start', `${prefix}{}`)
  const running = listed('running')
  expect('descriptors of a program', Math.max(...running.map(({ pid }) => readdirSync(`/proc/${pid}/fd`).length)), 3)
  some('state', (id) => ['state', id])
  some('exec', (id) => ['exec', id, '/bin/true'])
  some('ps', (id) => ['ps', '--format', 'json', id])
  some('list', () => ['list', '--quiet'])
  for (const number of sampled) {
    const pids = JSON.parse(ground.must('ps', '--format', 'json', `${prefix}${number}`)) as number[]
    const { pid } = JSON.parse(ground.must('state', `${prefix}${number}`)) as { pid: number }
    if (pids.length !== 1 || pids[0] !== pid)
      failures.push(`ps of container ${number}: ${pids.join(' ')} beside ${pid}`)
  }
  const during = sample(ground.counts, 1)
  all('kill', 'kill', `${prefix}{}`, 'KILL')
  await eventually(() => ground.list().every(({ status }) => status === 'stopped'), 'all are stopped')
  listed('stopped')
  all('delete', 'delete', `${prefix}{}`)
  expect('containers listed after all were deleted', ground.list().length, 0)
  failures.push(...(await ground.clean()).map((what) => `left: ${what}`))
  const after = await settled(ground.counts, 2, before)

  const found = courses(ground.counts, [before, during, after])
  for (const { name, own, before: first, after: last } of found)
    if (own && last > first) failures.push(`${name}: ${first} before, ${last} after`)
  const rows = found.map(({ name, own, before: first, most, after: last }) => [
    ...[own ? name : `${name} (of the machine)`, short(first), short(most), short(last)],
  ])
  return { scenario: 'many', figures, tables: [{ head: ['', 'before', 'alive', 'after'], rows }], failures }
}
