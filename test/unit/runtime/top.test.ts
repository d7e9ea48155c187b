import test, { type ExecutionContext } from 'ava'
import type { Context } from '../../../src/runtime/context.ts'
import { deleteContainer } from '../../../src/runtime/delete.ts'
import { run } from '../../../src/runtime/run.ts'
import { processors, Sampler } from '../../../src/runtime/top.ts'
import { act, failure, machine, succeed } from '../../simulated/commands.ts'
import type { World } from '../../simulated/world.ts'

async function running(t: ExecutionContext, ...ids: string[]): Promise<World> {
  const world = machine()
  for (const id of ids) {
    await succeed(t, world, (context) => run({ id, detach: true }, context))
    use(world, id, 0, 0)
  }
  return world
}

function use(world: World, id: string, cpu: number, io: number): void {
  const write = (file: string, text: string) => world.write(`/sys/fs/cgroup/own/${id}/${file}`, text)
  write('cpu.stat', `usage_usec ${cpu}\nuser_usec 0\nsystem_usec 0\n`)
  write('io.stat', `8:0 rbytes=${io} wbytes=${2 * io}\n8:16 rbytes=${io} wbytes=0\n`)
  write('memory.current', '1000\n')
  write('memory.max', '4000\n')
  write('memory.stat', 'inactive_file 300\n')
  write('pids.current', '7\n')
  write('pids.max', 'max\n')
  write('cpu.pressure', 'some avg10=1.50 avg60=0.00 avg300=0.00 total=5\n')
}

/** A clock that is set by hand. */
function at(context: Context, clock: { time: number }): Context {
  const system = { ...context.host.system, monotonic: () => clock.time }
  return { ...context, host: { ...context.host, system } }
}

test('rates are what came to pass between two looks, however long', async (t) => {
  const world = await running(t, 'web')
  await succeed(t, world, async (context) => {
    const clock = { time: 1000 }
    const sampler = new Sampler(at(context, clock), [])
    const [first] = await sampler.look()
    t.deepEqual([first?.cpu, first?.io], [undefined, undefined])
    t.like(first, { id: 'web', status: 'running', memory: { used: 700, total: 1000, limit: 4000 } })
    t.deepEqual(first?.pids, { current: 7, limit: undefined })
    t.deepEqual(first?.pressure, { cpu: 1.5, memory: undefined, io: undefined })
    clock.time += 2500
    use(world, 'web', 1_250_000, 5000)
    const [second] = await sampler.look()
    t.deepEqual([second?.cpu, second?.io], [50, { read: 4000, write: 4000 }])
    clock.time += 100
    const [third] = await sampler.look()
    t.deepEqual([third?.cpu, third?.io], [0, { read: 0, write: 0 }])
  })
})

test('containers come and go while it looks, and one of the same name begins anew', async (t) => {
  const world = await running(t, 'a')
  await succeed(t, world, async (context) => {
    const clock = { time: 0 }
    const sampler = new Sampler(at(context, clock), [])
    const ids = async () => {
      clock.time += 1000
      return (await sampler.look()).map(({ id, cpu }) => `${id} ${cpu}`)
    }
    t.deepEqual(await ids(), ['a undefined'])
    await succeed(t, world, (other) => run({ id: 'b', detach: true }, other))
    use(world, 'b', 5, 5)
    t.deepEqual(await ids(), ['a 0', 'b undefined'])
    await succeed(t, world, (other) => deleteContainer({ id: 'a', force: true }, other))
    t.deepEqual(await ids(), ['b 0'])
    await succeed(t, world, (other) => run({ id: 'a', detach: true }, other))
    use(world, 'a', 900_000, 5)
    t.deepEqual(await ids(), ['a undefined', 'b 0'])
    world.write('/run/runt/b/state.json', 'damaged')
    t.deepEqual(await ids(), ['a 0'])
  })
})

test('only those that are named are looked at, and a name without a container is an error', async (t) => {
  const world = await running(t, 'a', 'b', 'c')
  const looked = await succeed(t, world, (context) => new Sampler(context, ['c', 'a', 'c']).look())
  t.deepEqual(
    looked.map(({ id }) => id),
    ['c', 'a'],
  )
  await succeed(t, world, (context) => new Sampler(context, ['a']).check())
  t.is((await failure(t, world, (context) => new Sampler(context, ['a', 'x']).check())).code, 'NOT_FOUND')
})

test('a container without a cgroup, or that has ended, is there and uses nothing that is known', async (t) => {
  const world = machine()
  const flags = { cgroupManager: 'disabled' } as const
  await succeed(t, world, (context) => run({ id: 'web', detach: true }, context), {}, flags)
  const [usage] = (await act(t, world, (context) => new Sampler(context, []).look())).value!
  t.like(usage, { id: 'web', status: 'running', cpu: undefined, memory: undefined, pids: undefined })
})

test('processors are those that are in use', async (t) => {
  const world = machine()
  t.is(await succeed(t, world, processors), 1)
  world.write('/sys/devices/system/cpu/online', '0-2,5\n')
  t.is(await succeed(t, world, processors), 4)
})
