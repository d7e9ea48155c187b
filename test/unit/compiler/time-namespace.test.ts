import test from 'ava'
import { clone } from '../../../src/plan/kernel.ts'
import { syncPoint } from '../../../src/plan/sync.ts'
import { defaultSpec } from '../../../src/spec/default.ts'
import type { Namespace } from '../../../src/spec/schema.gen.ts'
import { compileSample, inOrder, stepsOf } from './sample.ts'

const time: Namespace = { type: 'time' }
const own = (...more: Namespace[]): Namespace[] => [...defaultSpec().linux!.namespaces!, ...more]

test('a new time namespace is made for the next process, which is the first of the other new namespaces', (t) => {
  const { plan, parent } = compileSample({ linux: { namespaces: own(time) } })
  t.is(plan.cloneFlags, 0)
  t.like(stepsOf(plan, 'unshare'), [
    { flags: clone.NEWTIME, origin: '/linux/namespaces/6' },
    { flags: clone.NEWCGROUP },
  ])
  t.is(stepsOf(plan, 'fork').length, 1)
  t.is(Number(stepsOf(plan, 'fork')[0]!.flags) & (clone.NEWTIME | clone.NEWPID), clone.NEWPID)
  t.is(parent.timeOffsets, undefined)
  t.false(stepsOf(plan, 'sync').some(({ point }) => point === syncPoint.timeNamespace))
})

test('its offsets are set between', (t) => {
  const timeOffsets = { monotonic: { secs: -3 }, boottime: { secs: 1, nanosecs: 2 } }
  const { plan, parent } = compileSample({ linux: { namespaces: own(time), timeOffsets } })
  t.is(stepsOf(plan, 'sync')[0]!.point, syncPoint.timeNamespace)
  t.true(inOrder(plan, 'unshare', 'sync', 'fork'))
  t.deepEqual(parent.timeOffsets, {
    clocks: [
      { clock: 'monotonic', secs: -3, nanosecs: 0 },
      { clock: 'boottime', secs: 1, nanosecs: 2 },
    ],
    origin: '/linux/timeOffsets',
  })
})

test('a new user namespace is made before the time namespace that it owns', (t) => {
  const maps = [{ containerID: 0, hostID: 100000, size: 65536 }]
  const { plan } = compileSample({
    linux: { namespaces: own(time, { type: 'user' }), uidMappings: maps, gidMappings: maps },
  })
  const flags = stepsOf(plan, 'fork').map((step) => Number(step.flags))
  t.is(flags[0], clone.NEWUSER)
  t.is(flags[1]! & (clone.NEWUSER | clone.NEWPID | clone.NEWTIME), clone.NEWPID)
  t.true(inOrder(plan, 'fork', 'unshare', 'becomeRoot'))
})

test('a joined time namespace is joined like another', (t) => {
  const { plan } = compileSample({ linux: { namespaces: own({ ...time, path: '/proc/7/ns/time' }) } })
  t.like(stepsOf(plan, 'setns'), [{ type: clone.NEWTIME, mode: 0 }])
  t.deepEqual(stepsOf(plan, 'fork'), [])
})
