import test, { type ExecutionContext } from 'ava'
import { eventLine } from '../../../src/cli/stats-json.ts'
import type { Woken } from '../../../src/host/host.ts'
import type { Context } from '../../../src/runtime/context.ts'
import { kill } from '../../../src/runtime/kill.ts'
import { run } from '../../../src/runtime/run.ts'
import { stats, watchEvents } from '../../../src/runtime/stats.ts'
import { act, failure, machine, succeed } from '../../simulated/commands.ts'
import type { World } from '../../simulated/world.ts'

const cgroup = '/sys/fs/cgroup/own/web'

async function running(t: ExecutionContext): Promise<World> {
  const world = machine()
  await succeed(t, world, (context) => run({ id: 'web', detach: true }, context))
  world.write(`${cgroup}/cpu.stat`, 'usage_usec 5\nuser_usec 3\nsystem_usec 2\n')
  return world
}

const oomKills = (world: World, count: number) =>
  world.write(`${cgroup}/memory.events`, `oom ${count}\noom_kill ${count}\n`)

/** What comes to pass at each wait, one after the other; the last one has to end it. */
function scripted(
  context: Context,
  ...waits: ((timeoutMs: number) => Partial<Woken> | Promise<Partial<Woken>>)[]
): Context {
  let time = 0
  const waitFor = async (fds: readonly number[], timeoutMs: number): Promise<Woken> => {
    const woken = await waits.shift()!(timeoutMs)
    if (woken.ready === undefined && woken.signal === undefined) time += timeoutMs
    return { ready: fds.map(() => false), signal: 0, unread: false, ...woken }
  }
  const { host } = context
  const events = { ...host.events, waitFor }
  const system = { ...host.system, monotonic: () => time }
  const files = { ...host.files, read: () => new Uint8Array() }
  return { ...context, host: { ...host, events, system, files } }
}

test('a container tells what its cgroup tells', async (t) => {
  const world = await running(t)
  const { id, cpu, memory, pids } = await succeed(t, world, (context) => stats('web', context))
  t.deepEqual([id, cpu.usage, memory, pids.current], ['web', 5n, undefined, 1n])
})

test('there is nothing to tell of a container that has ended, or is not there', async (t) => {
  const world = await running(t)
  t.like(await failure(t, world, (context) => stats('nope', context)), { code: 'NOT_FOUND' })
  await succeed(t, world, (context) => kill({ id: 'web', signal: 'KILL' }, context))
  for (const command of [
    (context: Context) => stats('web', context),
    (context: Context) => watchEvents({ id: 'web', interval: 1000 }, context, () => undefined),
  ]) {
    const error = await failure(t, world, command)
    t.is(error.message, 'container with id web is not running')
    t.is(error.code, 'NOT_RUNNING')
  }
})

test('a container without a cgroup says so', async (t) => {
  const world = machine()
  const flags = { cgroupManager: 'disabled' } as const
  await succeed(t, world, (context) => run({ id: 'web', detach: true }, context), {}, flags)
  t.is((await failure(t, world, (context) => stats('web', context))).code, 'NO_CGROUP')
})

test('statistics come at each interval, and OOM kills when they happen, until nobody reads them', async (t) => {
  const world = await running(t)
  oomKills(world, 3)
  const told: string[] = []
  const timeouts: number[] = []
  const { value } = await act(t, world, (context) => {
    const wait = (action?: () => void, woken: Partial<Woken> = {}) => {
      return (timeoutMs: number) => {
        timeouts.push(timeoutMs)
        action?.()
        return woken
      }
    }
    const waits = [
      wait(),
      wait(() => oomKills(world, 5), { ready: [true, false] }),
      wait(() => undefined, { ready: [true, false] }),
      wait(),
      wait(() => undefined, { unread: true }),
    ]
    return watchEvents({ id: 'web', interval: 1000.5 }, scripted(context, ...waits), ({ type }) => void told.push(type))
  })
  t.is(value, 0)
  t.deepEqual(told, ['stats', 'oom', 'oom', 'stats'])
  // Never 0: nothing is polled.
  t.deepEqual(timeouts, [1001, 1000, 1000, 1000, 1001])
})

test('the end of the container ends it, after the OOM kill that was the cause', async (t) => {
  const world = await running(t)
  oomKills(world, 0)
  const told: string[] = []
  const { value } = await act(t, world, (context) =>
    watchEvents(
      { id: 'web', interval: 1000 },
      scripted(context, async () => {
        oomKills(world, 1)
        await succeed(t, world, (other) => kill({ id: 'web', signal: 'KILL' }, other))
        return { ready: [true, true] }
      }),
      ({ type }) => void told.push(type),
    ),
  )
  t.is(value, 0)
  t.deepEqual(told, ['oom'])
})

test('a signal ends it, and is told', async (t) => {
  const world = await running(t)
  const { value } = await act(t, world, (context) =>
    watchEvents(
      { id: 'web', interval: 1000 },
      scripted(context, () => ({ signal: 15 })),
      () => t.fail(),
    ),
  )
  t.is(value, 15)
})

test('what cannot be read at one interval is a warning, and is read again at the next', async (t) => {
  const world = await running(t)
  const warnings: string[] = []
  const told: string[] = []
  await act(t, world, (context) => {
    const waits = [
      () => (world.write(`${cgroup}/cpu.stat`, 'nonsense\n'), {}),
      () => (world.write(`${cgroup}/cpu.stat`, 'usage_usec 6\n'), {}),
      () => ({ signal: 2 }),
    ]
    const log = { warn: (text: string) => void warnings.push(text), debug: () => undefined }
    const quiet = { ...scripted(context, ...waits), log }
    return watchEvents({ id: 'web', interval: 10 }, quiet, ({ type }) => void told.push(type))
  })
  t.is(warnings.length, 1)
  t.regex(warnings[0]!, /^statistics of web: read .*cpu\.stat: "nonsense"/)
  t.deepEqual(told, ['stats'])
})

test('a class of Intel RDT is told with its schemas and, where it is monitored, what it uses', async (t) => {
  const world = machine((spec) => (spec.linux!.intelRdt = { l3CacheSchema: 'L3:0=f;1=f', enableMonitoring: true }))
  world.mountResctrl()
  await succeed(t, world, (context) => run({ id: 'web', detach: true }, context))
  world.write(`${cgroup}/cpu.stat`, 'usage_usec 5\n')
  const root = '/sys/fs/resctrl'
  const l3 = { cbm_mask: '7ff', min_cbm_bits: '1', num_closids: '16' }
  for (const [name, text] of Object.entries(l3)) world.write(`${root}/info/L3/${name}`, `${text}\n`)
  const rdt = () => succeed(t, world, async (context) => (await stats('web', context)).intelRdt)
  t.like(await rdt(), { l3Cache: l3, l3CacheSchemaRoot: 'L3:0=7ff;1=7ff', memBw: undefined, occupancy: undefined })
  t.is((await rdt())?.l3CacheSchema, 'L3:0=f;1=f')

  const mb = { bandwidth_gran: '10', delay_linear: '1', min_bandwidth: '10', num_closids: '8' }
  for (const [name, text] of Object.entries(mb)) world.write(`${root}/info/MB/${name}`, `${text}\n`)
  world.write(`${root}/info/L3_MON/mon_features`, 'llc_occupancy\nmbm_total_bytes\nmbm_local_bytes\n')
  const data = `${root}/web/mon_groups/web/mon_data`
  world.write(`${data}/mon_L3_01/llc_occupancy`, 'Unavailable\n')
  world.write(`${data}/mon_L3_00/llc_occupancy`, '9007199254740993\n')
  world.write(`${data}/mon_L3_00/mbm_total_bytes`, '7\n')
  world.write(`${data}/mon_L3_00/mbm_local_bytes`, '5\n')
  const all = await succeed(t, world, (context) => stats('web', context))
  t.deepEqual(all.intelRdt?.occupancy, [9007199254740993n, 0n])
  t.true(
    eventLine('web', { type: 'stats', stats: all }).includes(
      '"intel_rdt":{"l3_cache_info":{"cbm_mask":"7ff","min_cbm_bits":1,"num_closids":16},"l3_cache_schema_root":"L3:0=7ff;1=7ff",' +
        '"l3_cache_schema":"L3:0=f;1=f","mem_bw_info":{"bandwidth_gran":10,"delay_linear":1,"min_bandwidth":10,"num_closids":8},' +
        '"mem_bw_schema_root":"MB:0=100;1=100","mbm_stats":[{"mbm_total_bytes":7,"mbm_local_bytes":5},' +
        '{"mbm_total_bytes":0,"mbm_local_bytes":0}],"cmt_stats":[{"llc_occupancy":9007199254740993},{"llc_occupancy":0}]}',
    ),
  )
})
