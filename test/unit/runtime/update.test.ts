import test, { type ExecutionContext } from 'ava'
import { InvalidConfigError, RuntError } from '../../../src/errors.ts'
import { kill } from '../../../src/runtime/kill.ts'
import { run } from '../../../src/runtime/run.ts'
import { update, type UpdateRequest } from '../../../src/runtime/update.ts'
import type { Resources } from '../../../src/spec/schema.gen.ts'
import { act, failure, machine, succeed } from '../../simulated/commands.ts'
import type { World } from '../../simulated/world.ts'

const cgroup = '/sys/fs/cgroup/own/web'

async function running(t: ExecutionContext, resources: Resources): Promise<World> {
  const world = machine((spec) => (spec.linux!.resources = resources))
  await succeed(t, world, (context) => run({ id: 'web', detach: true }, context))
  for (const file of ['cpu.max', 'cpu.weight', 'cpu.idle', 'cpu.max.burst', 'memory.swap.max'])
    world.write(`${cgroup}/${file}`, '')
  return world
}

const change = (t: ExecutionContext, world: World, resources: unknown, more: Partial<UpdateRequest> = {}) =>
  succeed(t, world, (context) => update({ id: 'web', resources, ...more }, context))
const files = (world: World, ...names: string[]) => names.map((name) => world.read(`${cgroup}/${name}`))

test('what is not named stays, and what depends on it is kept with it', async (t) => {
  const world = await running(t, { memory: { limit: 1000 }, pids: { limit: 5 } })
  await change(t, world, { memory: { swap: 1500 } })
  t.deepEqual(files(world, 'memory.max', 'memory.swap.max', 'pids.max'), ['1000', '500', '5'])
  await change(t, world, { memory: { limit: 1200 } })
  t.deepEqual(files(world, 'memory.max', 'memory.swap.max', 'pids.max'), ['1200', '300', '5'])
  await change(t, world, { memory: { swap: 2000 }, pids: { limit: 7 } })
  t.deepEqual(files(world, 'memory.max', 'memory.swap.max', 'pids.max'), ['1200', '800', '7'])
  await change(t, world, { memory: { limit: -1 } })
  t.deepEqual(files(world, 'memory.max', 'memory.swap.max'), ['max', 'max'])
})

test('no processes at all mean what they meant in the container’s configuration', async (t) => {
  for (const [version, pids] of [
    ['1.2.1', '5'],
    ['1.3.0', '1'],
  ] as const) {
    const world = machine((spec) => {
      spec.ociVersion = version
      spec.linux!.resources = { pids: { limit: 5 } }
    })
    await succeed(t, world, (context) => run({ id: 'web', detach: true }, context))
    await change(t, world, { memory: { limit: 1000 }, pids: { limit: 0 } })
    t.deepEqual(files(world, 'memory.max', 'pids.max'), ['1000', pids], version)
    await change(t, world, { pids: { limit: -1 } })
    t.deepEqual(files(world, 'pids.max'), ['max'], version)
  }
})

test('a quota keeps its period, a period its quota', async (t) => {
  const world = await running(t, {})
  await change(t, world, { cpu: { quota: 3000 } })
  t.deepEqual(files(world, 'cpu.max'), ['3000 100000'])
  await change(t, world, { cpu: { period: 50000 } })
  t.deepEqual(files(world, 'cpu.max'), ['3000 50000'])
  await change(t, world, { cpu: { quota: -1 } })
  t.deepEqual(files(world, 'cpu.max'), ['max 50000'])
})

test('an idle container gets no weight until it is idle no more', async (t) => {
  const world = await running(t, {})
  await change(t, world, { cpu: { shares: 2000 } })
  t.deepEqual(files(world, 'cpu.weight'), ['170'])
  world.write(`${cgroup}/cpu.weight`, 'untouched')
  await change(t, world, { cpu: { idle: 1 } })
  t.deepEqual(files(world, 'cpu.idle', 'cpu.weight'), ['1', 'untouched'])
})

test('the burst in force makes room for another quota', async (t) => {
  const world = await running(t, {})
  const { host } = await act(t, world, (context) =>
    update({ id: 'web', resources: { cpu: { quota: 5000, burst: 100 } } }, context),
  )
  const writes = host.effects.filter(
    (effect) => effect.startsWith('files.writeExisting') && effect.includes('/cpu.max'),
  )
  t.deepEqual(
    writes.map((effect) => effect.split('/').at(-1)),
    ['cpu.max.burst 0', 'cpu.max 5000 100000', 'cpu.max.burst 100'],
  )
})

test('every problem of the resources is told, with the fields of config.json', async (t) => {
  const world = await running(t, {})
  const resources = { memory: { limit: 'much' }, pids: { limit: 1.5 } }
  const error = await failure(t, world, (context) => update({ id: 'web', resources }, context))
  t.true(error instanceof InvalidConfigError)
  t.deepEqual(
    (error as unknown as InvalidConfigError).problems.map(({ pointer }) => pointer),
    ['/linux/resources/memory/limit', '/linux/resources/pids/limit'],
  )
  const less = await failure(t, world, (context) => update({ id: 'web', resources: { memory: { swap: 5 } } }, context))
  t.is((less as unknown as InvalidConfigError).problems[0]?.pointer, '/linux/resources/memory/swap')
})

test('when a value is refused, those before it are taken back', async (t) => {
  const resources = { pids: { limit: 9 }, memory: { limit: 2000 } }
  const known = { pids: { limit: 5 }, memory: { limit: 1000 } }
  const { host } = await act(t, await running(t, known), (context) => update({ id: 'web', resources }, context))
  const failAt = host.effects.findIndex((effect) => effect.includes('memory.max 2000'))
  const world = await running(t, known)
  const { error } = await act(t, world, (context) => update({ id: 'web', resources }, context), { failAt })
  t.regex((error as Error).message, /write "2000" to .*memory\.max/)
  t.deepEqual(files(world, 'pids.max', 'memory.max'), ['5', '1000'])
  await change(t, world, { memory: { limit: 3000 } })
  t.deepEqual(files(world, 'pids.max', 'memory.max'), ['5', '3000'])
})

test('limits that there were none of before are taken back to what their files said', async (t) => {
  const resources = { cpu: { quota: 5000, shares: 2000 }, memory: { limit: 2000, swap: 3000 } }
  const { host } = await act(t, await running(t, {}), (context) => update({ id: 'web', resources }, context))
  for (const last of [/cpu\.max 5000/, /^files\.writeAtomic .*state\.json/]) {
    const failAt = host.effects.findIndex((effect) => last.test(effect))
    const world = await running(t, {})
    const said = { 'memory.max': 'max', 'memory.swap.max': 'max', 'cpu.weight': '100', 'cpu.max': 'max 100000' }
    for (const [file, value] of Object.entries(said)) world.write(`${cgroup}/${file}`, `${value}\n`)
    const { error } = await act(t, world, (context) => update({ id: 'web', resources }, context), { failAt })
    t.true(error instanceof RuntError)
    t.deepEqual(
      files(world, ...Object.keys(said)).map((text) => text?.trim()),
      Object.values(said),
      String(last),
    )
  }
})

test('when the state cannot be written, the limits are what they were, and so is what is known of them', async (t) => {
  const device = (minor: number) => ({ allow: true, type: 'c', major: 1, minor, access: 'rwm' })
  const known = { pids: { limit: 5 }, memory: { limit: 1000 }, devices: [device(11)] }
  const resources = { pids: { limit: 9 }, memory: { limit: 2000 }, devices: [device(12)] }
  const { host } = await act(t, await running(t, known), (context) => update({ id: 'web', resources }, context))
  const failAt = host.effects.findIndex((effect) => /^files\.writeAtomic .*state\.json/.test(effect))
  const world = await running(t, known)
  const { error, host: failing } = await act(t, world, (context) => update({ id: 'web', resources }, context), {
    failAt,
    code: 'ENOSPC',
  })
  t.is((error as Error).message, 'write /run/runt/web/state.json: no space left on device')
  t.deepEqual(files(world, 'pids.max', 'memory.max'), ['5', '1000'])
  t.is(failing.effects.filter((effect) => effect.startsWith('cgroups.setDeviceFilter')).length, 2)
  await change(t, world, { memory: { limit: 3000 } })
  t.deepEqual(files(world, 'pids.max', 'memory.max'), ['5', '3000'])
})

test('a container that ended is not updated', async (t) => {
  const world = await running(t, {})
  await succeed(t, world, (context) => kill({ id: 'web', signal: 'KILL' }, context))
  const error = await failure(t, world, (context) => update({ id: 'web', resources: {} }, context))
  t.is(error.message, 'container not running')
})

test('a schema for a container without a class of service is refused', async (t) => {
  const world = await running(t, {})
  const error = await failure(t, world, (context) =>
    update({ id: 'web', resources: {}, memBwSchema: 'MB:0=20' }, context),
  )
  t.is(error.origin, '--mem-bw-schema')
})
