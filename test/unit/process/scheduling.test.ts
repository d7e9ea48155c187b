import test from 'ava'
import { compileExec } from '../../../src/compiler/exec.ts'
import { namespaceFlags, namespaceNames } from '../../../src/compiler/namespaces.ts'
import { clone } from '../../../src/plan/kernel.ts'
import { explainPlan } from '../../../src/plan/explain.ts'
import { defaultSpec } from '../../../src/spec/default.ts'
import type { Process } from '../../../src/spec/schema.gen.ts'
import { registerFaults } from '../compiler/registers.ts'
import { compileSample, indexOf, inOrder, stepsOf } from '../compiler/sample.ts'

const facts = { pid: 4242, namespaces: namespaceFlags(defaultSpec()), keyring: '_ses.web.1', euid: 0 }
const base: Process = { args: ['ls'], cwd: '/', user: { uid: 0, gid: 0 } }
const scheduler = { policy: 'SCHED_FIFO' as const, priority: 5, flags: ['SCHED_FLAG_RESET_ON_FORK' as const] }
const ioPriority = { class: 'IOPRIO_CLASS_RT' as const, priority: 1 }
const mappings = [{ containerID: 0, hostID: 1, size: 1 }]
const ownUser = {
  namespaces: [...defaultSpec().linux!.namespaces!, { type: 'user' as const }],
  uidMappings: mappings,
  gidMappings: mappings,
}

test('scheduling is set while the process has the rights for it', (t) => {
  const { plan, parent } = compileSample({ process: { scheduler, ioPriority } })
  t.true(inOrder(plan, 'cpuAffinity', 'ioPriority', 'scheduler', 'capabilities'))
  t.like(stepsOf(plan, 'scheduler'), [{ policy: 1, priority: 5, flags: 1, nice: 0, origin: '/process/scheduler' }])
  t.like(stepsOf(plan, 'ioPriority'), [{ ioClass: 1, priority: 1, origin: '/process/ioPriority' }])
  t.is(parent.scheduler, undefined)
})

test('for a user namespace, whose rights do not count, and for exec, which gave them up, the parent sets it', (t) => {
  for (const { plan, parent } of [
    compileSample({ process: { scheduler, ioPriority }, linux: ownUser }),
    compileExec({ ...base, scheduler, ioPriority }, facts),
    compileExec({ ...base, scheduler, ioPriority }, { ...facts, namespaces: facts.namespaces | clone.NEWUSER }),
  ]) {
    t.deepEqual([...stepsOf(plan, 'scheduler'), ...stepsOf(plan, 'ioPriority')], [])
    t.like(parent.scheduler, { policy: 1, priority: 5 })
    t.deepEqual(parent.ioPriority, { ioClass: 1, priority: 1 })
  }
})

test('memory policy and personality are set for the container and for exec', (t) => {
  const memoryPolicy = { mode: 'MPOL_BIND' as const, nodes: '0-1', flags: ['MPOL_F_STATIC_NODES' as const] }
  const domain = { memoryPolicy, personality: { domain: 'LINUX32' as const } }
  for (const { plan } of [compileSample({ linux: domain }), compileExec(base, { ...facts, domain })]) {
    t.like(stepsOf(plan, 'memoryPolicy'), [{ mode: 2 | (1 << 15), nodes: ['0', '1'] }])
    t.like(stepsOf(plan, 'personality'), [{ domain: 8 }])
    t.true(explainPlan(plan).includes('memoryPolicy mode MPOL_BIND|MPOL_F_STATIC_NODES, nodes [0, 1]'))
    t.true(explainPlan(plan).includes('personality domain LINUX32'))
  }
})

test('processors are for exec alone, and inherited ones are given up where none are named', (t) => {
  const execCPUAffinity = { initial: '0', final: '1-2' }
  t.like(stepsOf(compileSample({ process: { execCPUAffinity } }).plan, 'cpuAffinity'), [{ cpus: [], origin: '' }])
  const both = compileExec({ ...base, execCPUAffinity }, facts).plan
  t.deepEqual(both.cpus, [0])
  t.like(stepsOf(both, 'cpuAffinity'), [{ cpus: ['1', '2'], origin: '/process/execCPUAffinity/final' }])
  const initial = compileExec({ ...base, execCPUAffinity: { initial: '3' } }, facts).plan
  t.deepEqual([initial.cpus, stepsOf(initial, 'cpuAffinity')], [[3], []])
  const none = compileExec(base, facts).plan
  t.is(none.cpus, undefined)
  t.like(stepsOf(none, 'cpuAffinity'), [{ cpus: [] }])
})

const labels = { apparmorProfile: 'docker-default', selinuxLabel: 'system_u:system_r:container_t:s0:c1,c2' }

test('labels of the container are written to the host’s procfs, before rights and filter, and it is closed', (t) => {
  const { plan } = compileSample({ process: labels })
  t.deepEqual(registerFaults(plan), [])
  t.like(plan.inputs.at(-1), { source: { kind: 'path', path: '/proc', flags: 'path' } })
  t.like(stepsOf(plan, 'writeSelf'), [
    { path: 'attr/keycreate', text: labels.selinuxLabel, origin: '/process/selinuxLabel' },
    { path: 'attr/apparmor/exec', text: 'exec docker-default', origin: '/process/apparmorProfile' },
    { path: 'attr/exec', text: labels.selinuxLabel, origin: '/process/selinuxLabel' },
  ])
  t.true(inOrder(plan, 'writeSelf', 'joinSessionKeyring', 'pivotRoot', 'writeSelf', 'capabilities', 'waitForStart'))
  const proc = plan.inputs.at(-1)!.register
  const closed = indexOf(plan, 'close', (step) => 'fd' in step && step.fd === proc)
  t.true(closed < indexOf(plan, 'user') && closed > indexOf(plan, 'pivotRoot'))
  t.deepEqual(stepsOf(compileSample().plan, 'writeSelf'), [])
})

test('labels of exec are written before anything is joined, and nothing of the host is held after it', (t) => {
  const { plan } = compileExec({ ...base, ...labels }, { ...facts, namespaceLinks: { mnt: 'mnt:[1]', pid: 'pid:[2]' } })
  t.deepEqual(registerFaults(plan), [])
  t.true(inOrder(plan, 'writeSelf', 'writeSelf', 'writeSelf', 'setns', 'verifySelf', 'close', 'fork'))
  t.is(plan.steps.findLastIndex(({ op }) => op === 'writeSelf') < indexOf(plan, 'setns'), true)
  t.like(stepsOf(plan, 'verifySelf'), [{ links: ['ns/mnt', 'mnt:[1]', 'ns/pid_for_children', 'pid:[2]'] }])
  const unkeyed = compileExec({ ...base, ...labels }, { ...facts, keyring: undefined }).plan
  t.deepEqual(
    stepsOf(unkeyed, 'writeSelf').map(({ path }) => path),
    ['attr/apparmor/exec', 'attr/exec'],
  )
})

test('the links of namespaces have the names that /proc gives them', (t) => {
  t.deepEqual(namespaceNames(clone.NEWNS | clone.NEWPID | clone.NEWTIME), ['mnt', 'pid', 'time'])
  t.deepEqual(namespaceNames(0), [])
})
