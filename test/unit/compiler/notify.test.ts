import test from 'ava'
import { compileCreate } from '../../../src/compiler/create.ts'
import { explainPlan } from '../../../src/plan/explain.ts'
import { mountAttr } from '../../../src/plan/kernel.ts'
import { defaultSpec } from '../../../src/spec/default.ts'
import { registerFaults } from './registers.ts'
import { facts, indexOf } from './sample.ts'

const notify = '/run/runt/web/notify'
const { NOSUID, NODEV, NOEXEC, RDONLY } = mountAttr

test('who waits for readiness adds a read-only mount and a variable, each with its origin', (t) => {
  const { plan } = compileCreate(defaultSpec(), { ...facts, notify })
  const own = plan.steps.filter(({ origin }) => origin.startsWith('NOTIFY_SOCKET'))
  t.like(own, [
    { op: 'openTree', path: notify, origin: 'NOTIFY_SOCKET/source', flags: 0 },
    { op: 'mountAttributes', set: NOSUID | NODEV | NOEXEC | RDONLY, flags: 0 },
    { op: 'openLike', path: '/run/notify' },
    { op: 'attach' },
  ])
  t.true(explainPlan(plan).includes('NOTIFY_SOCKET=/run/notify/notify.sock'))
  t.deepEqual(registerFaults(plan), [])
})

test('with a user namespace its directory, which is closed to others, is taken before that is entered', (t) => {
  const spec = defaultSpec()
  spec.linux!.namespaces!.push({ type: 'user' })
  const mappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
  Object.assign(spec.linux!, { uidMappings: mappings, gidMappings: mappings })
  const { plan } = compileCreate(spec, { ...facts, notify })
  const taken = plan.steps.findIndex(({ origin }) => origin === 'NOTIFY_SOCKET/source')
  t.true(taken >= 0 && taken < indexOf(plan, 'becomeRoot'), String(taken))
})

test('where nobody waits, nothing is added', (t) => {
  const { plan } = compileCreate(defaultSpec(), facts)
  t.false(explainPlan(plan).includes('NOTIFY_SOCKET'))
})
