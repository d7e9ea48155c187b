import test, { type ExecutionContext } from 'ava'
import { create } from '../../../src/runtime/create.ts'
import { deleteContainer } from '../../../src/runtime/delete.ts'
import { exec } from '../../../src/runtime/exec.ts'
import { start } from '../../../src/runtime/start.ts'
import type { IntelRdt } from '../../../src/spec/schema.gen.ts'
import { act, failure, machine, succeed } from '../../simulated/commands.ts'
import { resctrlRoot, type World } from '../../simulated/world.ts'

// No machine of ours has the hardware: resctrl is simulated, by what the kernel's documentation says of it.

function withRdt(rdt: IntelRdt, ...classes: string[]): World {
  const world = machine((spec) => (spec.linux!.intelRdt = rdt))
  world.mountResctrl(...classes)
  return world
}

const make = (t: ExecutionContext, world: World) => succeed(t, world, (context) => create({ id: 'web' }, context))
const remove = (t: ExecutionContext, world: World) =>
  succeed(t, world, (context) => deleteContainer({ id: 'web', force: true }, context))
const refused = (t: ExecutionContext, world: World) => failure(t, world, (context) => create({ id: 'web' }, context))
const file = (world: World, name: string) => world.read(`${resctrlRoot}/${name}`)
/** Directories that are not resctrl's own. */
const classes = (world: World): string[] =>
  world.tree
    .paths(resctrlRoot)
    .filter((path) => path.endsWith('/tasks'))
    .map((path) => path.slice(resctrlRoot.length + 1, -'/tasks'.length))
    .filter((name) => name !== '')
    .sort()

// covers: /linux/intelRdt, config-linux.md#intelrdt/task, config-linux.md#intelrdt/default-id
// covers: config-linux.md#intelrdt/removed, config-linux.md#intelrdt/nothing-to-write
test('without closID the class has the id of the container, and goes with it', async (t) => {
  const world = withRdt({})
  const { pid } = await make(t, world)
  t.is(file(world, 'web/tasks'), String(pid))
  t.is(file(world, 'web/schemata'), file(world, 'schemata'), 'nothing was written')
  await remove(t, world)
  t.deepEqual(classes(world), [])
  t.deepEqual(world.remains(), [])
})

// covers: config-linux.md#intelrdt/absent
test('without intelRdt nothing of resctrl is touched', async (t) => {
  const world = machine()
  world.mountResctrl()
  const { host } = await act(t, world, (context) => create({ id: 'web' }, context))
  t.deepEqual(
    host.effects.filter((effect) => effect.includes('resctrl')),
    [],
  )
})

// covers: config-linux.md#intelrdt/without-resctrl
test('without a mounted resctrl intelRdt is refused, with what to do', async (t) => {
  const world = machine((spec) => (spec.linux!.intelRdt = { closID: 'a' }))
  const error = await refused(t, world)
  t.is(error.message, 'find the resctrl filesystem: it is not mounted')
  t.is(error.origin, '/linux/intelRdt')
  t.regex(error.hint!, /mount -t resctrl/)
  t.deepEqual(world.remains(), [])
})

// covers: /linux/intelRdt/closID, /linux/intelRdt/l3CacheSchema, /linux/intelRdt/memBwSchema, /linux/intelRdt/schemata/*
// covers: config-linux.md#intelrdt/made-with-schema, config-linux.md#intelrdt/kept
test('a class that is named and missing is made with its schemata, and stays', async (t) => {
  const world = withRdt({ closID: 'gold', schemata: ['L3:0=7f0', 'MB:0=20;1=70'] })
  const { pid } = await make(t, world)
  t.is(file(world, 'gold/schemata'), 'L3:0=7f0\nMB:0=20;1=70\n')
  t.is(file(world, 'gold/tasks'), String(pid))
  await remove(t, world)
  t.deepEqual(classes(world), ['gold'])
})

// covers: config-linux.md#intelrdt/l3-then-mb, config-linux.md#intelrdt/schemata, config-linux.md#intelrdt/either
test('l3CacheSchema is written before memBwSchema, and schemata after both', async (t) => {
  const l3CacheSchema = 'L3:0=f\nMB:0=10'
  const both = withRdt({ l3CacheSchema, memBwSchema: 'MB:0=20' })
  await make(t, both)
  t.is(file(both, 'web/schemata'), 'L3:0=f\nMB:0=20\n')
  const one = withRdt({ l3CacheSchema: 'L3:0=f' })
  await make(t, one)
  t.is(file(one, 'web/schemata'), 'L3:0=f\n')
  const all = withRdt({ memBwSchema: 'MB:0=20', schemata: ['MB:0=30'] })
  const { host } = await act(t, all, (context) => create({ id: 'web' }, context))
  t.deepEqual(
    host.effects.filter((effect) => effect.includes('schemata')).map((effect) => effect.split(' ')[2]),
    ['MB:0=20\n', 'MB:0=30\n'],
  )
})

// covers: config-linux.md#intelrdt/must-exist
test('a class that is named without a schema must be there', async (t) => {
  const world = withRdt({ closID: 'gold' })
  const error = await refused(t, world)
  t.is(error.message, 'the class of service /sys/fs/resctrl/gold does not exist')
  t.is(error.origin, '/linux/intelRdt/closID')
  t.deepEqual([classes(world), world.remains()], [[], []])
  const there = withRdt({ closID: 'gold' }, 'gold')
  const { pid } = await make(t, there)
  t.is(file(there, 'gold/tasks'), String(pid))
  await remove(t, there)
  t.deepEqual(classes(there), ['gold'])
})

// covers: config-linux.md#intelrdt/compared
test('a class that is there must have what is asked for', async (t) => {
  for (const [rdt, field] of [
    [{ l3CacheSchema: 'L3:0=7f' }, 'l3CacheSchema'],
    [{ memBwSchema: 'MB:1=50' }, 'memBwSchema'],
    [{ l3CacheSchema: 'L2:0=ff' }, 'l3CacheSchema'],
  ] as const) {
    const error = await refused(t, withRdt({ closID: 'gold', ...rdt }, 'gold'))
    t.regex(error.message, /class of service \/sys\/fs\/resctrl\/gold exists and has not (L3|MB|L2):/)
    t.is(error.origin, `/linux/intelRdt/${field}`)
  }
  await make(t, withRdt({ closID: 'gold', l3CacheSchema: 'L3:1=7FF;0=07ff', memBwSchema: 'MB:0=100' }, 'gold'))
})

// covers: config-linux.md#intelrdt/default-clos
test('closID / is the root of resctrl, which stays', async (t) => {
  const world = withRdt({ closID: '/', enableMonitoring: true })
  const { pid } = await make(t, world)
  t.is(file(world, 'tasks'), String(pid))
  t.is(file(world, 'mon_groups/web/tasks'), String(pid))
  await remove(t, world)
  t.deepEqual(classes(world), [])
  t.is(file(world, 'tasks'), String(pid))
})

// covers: /linux/intelRdt/enableMonitoring, /linux/intelRdt/enableCMT, /linux/intelRdt/enableMBM
// covers: config-linux.md#intelrdt/monitoring
test('a monitoring group has the id of the container, and goes with it', async (t) => {
  for (const rdt of [{ enableMonitoring: true }, { enableCMT: true }, { enableMBM: true }]) {
    const world = withRdt({ closID: 'gold', ...rdt }, 'gold')
    const { pid } = await make(t, world)
    t.is(file(world, 'gold/mon_groups/web/tasks'), String(pid))
    t.is(file(world, 'gold/tasks'), String(pid))
    await remove(t, world)
    t.deepEqual(classes(world), ['gold'])
  }
})

test('what exec runs is in the class too', async (t) => {
  const world = withRdt({ enableMonitoring: true })
  await make(t, world)
  await succeed(t, world, (context) => start('web', context))
  const request = { id: 'web', args: ['/bin/true'], detach: true }
  const { pid } = await succeed(t, world, (context) => exec(request, context))
  t.is(file(world, 'web/tasks'), String(pid))
  t.is(file(world, 'web/mon_groups/web/tasks'), String(pid))
})

test('what the kernel says of a schema that it refuses is told', async (t) => {
  const rdt = { closID: 'gold', schemata: ['L3:0=5'] }
  const { host } = await act(t, withRdt(rdt), (context) => create({ id: 'web' }, context))
  const failAt = host.effects.findIndex((effect) =>
    effect.startsWith('files.writeExisting /sys/fs/resctrl/gold/schemata'),
  )
  const world = withRdt(rdt)
  world.write(`${resctrlRoot}/info/last_cmd_status`, 'The mask 5 has non-consecutive 1-bits\n')
  const { error } = await act(t, world, (context) => create({ id: 'web' }, context), { failAt, code: 'EINVAL' })
  t.is(
    (error as Error).message,
    'write "L3:0=5" to /sys/fs/resctrl/gold/schemata (The mask 5 has non-consecutive 1-bits): invalid argument',
  )
  t.is((error as { origin?: string }).origin, '/linux/intelRdt/schemata')
  t.deepEqual(classes(world), [])
})

test('whatever effect of create fails, no class is left', async (t) => {
  const rdt = { closID: 'gold', schemata: ['L3:0=f'], enableMonitoring: true }
  const { host } = await act(t, withRdt(rdt), (context) => create({ id: 'web' }, context))
  for (let failAt = 0; failAt < host.effects.length; failAt++) {
    const world = withRdt(rdt)
    const { error } = await act(t, world, (context) => create({ id: 'web' }, context), { failAt })
    if (error !== undefined) t.deepEqual(classes(world), [], host.effects[failAt])
  }
})

test('whatever instant create is killed at, delete --force leaves no class of the container', async (t) => {
  const rdt = { enableMonitoring: true }
  const { host } = await act(t, withRdt(rdt), (context) => create({ id: 'web' }, context))
  for (let killAt = 0; killAt < host.effects.length; killAt++) {
    const world = withRdt(rdt)
    await act(t, world, (context) => create({ id: 'web' }, context), { killAt })
    await remove(t, world)
    t.deepEqual(classes(world), [], host.effects[killAt])
  }
})
