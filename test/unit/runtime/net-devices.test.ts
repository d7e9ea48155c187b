import test from 'ava'
import { create } from '../../../src/runtime/create.ts'
import { explain } from '../../../src/runtime/explain.ts'
import { act, failure, machine, succeed } from '../../simulated/commands.ts'
import type { World } from '../../simulated/world.ts'

const eth0 = { index: 2, up: true, addresses: '10.0.0.1/24' }
const eth1 = { index: 3, up: false, addresses: '' }

function equipped(names: Record<string, { name?: string }> = { eth0: { name: 'net0' }, eth1: {} }): World {
  const world = machine((spec) => (spec.linux!.netDevices = names))
  world
    .network('self')
    .set('eth0', { ...eth0 })
    .set('eth1', { ...eth1 })
  return world
}

const own = (world: World) => Object.fromEntries(world.network('self'))

test('devices are moved into the namespace of init, renamed, with their addresses and up', async (t) => {
  const world = equipped()
  const { pid } = await succeed(t, world, (context) => create({ id: 'web' }, context))
  t.deepEqual(Object.fromEntries(world.network(String(pid))), {
    net0: { index: 102, up: true, addresses: '10.0.0.1/24' },
    eth1: { index: 103, up: true, addresses: '' },
  })
  t.deepEqual(own(world), {})
})

test('a device that is missing is told by its field, before another is moved', async (t) => {
  const world = equipped({ eth0: {}, eth9: {} })
  const error = await failure(t, world, (context) => create({ id: 'web' }, context))
  t.is(error.message, 'find network device eth9: no such device')
  t.is(error.origin, '/linux/netDevices/eth9')
  t.regex(error.hint!, /ip link/)
  t.deepEqual(own(world), { eth0, eth1 })
  t.deepEqual(world.remains(), [])
})

test('whatever effect of create fails, the devices are back as they were', async (t) => {
  const { host } = await act(t, equipped(), (context) => create({ id: 'web' }, context))
  let failures = 0
  for (let failAt = 0; failAt < host.effects.length; failAt++) {
    const world = equipped()
    const { error } = await act(t, world, (context) => create({ id: 'web' }, context), { failAt })
    if (error === undefined) continue
    failures++
    const { eth0: first, eth1: second, ...others } = own(world)
    t.like(first, { up: true, addresses: '10.0.0.1/24' }, host.effects[failAt])
    t.like(second, { up: false, addresses: '' }, host.effects[failAt])
    t.deepEqual(others, {}, host.effects[failAt])
  }
  t.true(failures > 20)
})

test('the plan tells what is moved', async (t) => {
  const text = await succeed(t, equipped(), (context) => explain({ id: 'web' }, context))
  t.regex(text, /move network device eth0 to the container as net0/)
})
