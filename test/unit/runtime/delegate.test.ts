import test from 'ava'
import { create } from '../../../src/runtime/create.ts'
import { explain } from '../../../src/runtime/explain.ts'
import { act, machine, succeed } from '../../simulated/commands.ts'
import type { World } from '../../simulated/world.ts'

function writable(): World {
  return machine((spec) => {
    spec.process!.user = { uid: 5, gid: 5 }
    for (const mount of spec.mounts!)
      if (mount.options !== undefined) mount.options = mount.options.filter((option) => option !== 'ro')
  })
}

const given = (effects: readonly string[]) => effects.findIndex((effect) => effect.startsWith('cgroups.chown'))

test('the cgroup is given away once init is in its namespaces, and only if the configuration lets it be written to', async (t) => {
  const { host } = await act(t, writable(), (context) => create({ id: 'web' }, context))
  t.true(given(host.effects) > host.effects.findIndex((effect) => effect.startsWith('processes.spawn')))
  const readonly = await act(t, machine(), (context) => create({ id: 'web' }, context))
  t.is(given(readonly.host.effects), -1)
})

test('whatever effect of create fails, nothing is left and the descriptor of the cgroup is closed', async (t) => {
  const { host } = await act(t, writable(), (context) => create({ id: 'web' }, context))
  let failures = 0
  for (let failAt = 0; failAt < host.effects.length; failAt++) {
    const world = writable()
    const { error } = await act(t, world, (context) => create({ id: 'web' }, context), { failAt })
    if (error === undefined) continue
    failures++
    t.deepEqual(world.remains(), [], `effect ${failAt}, ${host.effects[failAt]!}`)
  }
  t.true(failures > 20)
})

test('the plan tells that the cgroup is given away', async (t) => {
  t.regex(await succeed(t, writable(), (context) => explain({ id: 'web' }, context)), /give the cgroup to user 5/)
})
