import test from 'ava'
import { compileExec, type ExecFacts } from '../../../src/compiler/exec.ts'
import { namespaceFlags } from '../../../src/compiler/namespaces.ts'
import { explainPlan } from '../../../src/plan/explain.ts'
import { clone } from '../../../src/plan/kernel.ts'
import { syncPoint } from '../../../src/plan/sync.ts'
import { defaultSpec } from '../../../src/spec/default.ts'
import type { Process } from '../../../src/spec/schema.gen.ts'
import { registerFaults } from './registers.ts'
import { indexOf, inOrder, stepsOf } from './sample.ts'

const facts: ExecFacts = {
  pid: 4242,
  namespaces: namespaceFlags(defaultSpec()),
  namespaceLinks: { mnt: 'mnt:[1]', pid: 'pid:[2]' },
  keyring: '_ses.web.RANDOM',
  euid: 0,
}
const ownUser = { ...facts, namespaces: facts.namespaces | clone.NEWUSER }

const process: Process = { args: ['ls', '-l'], cwd: '/', user: { uid: 1000, gid: 100, additionalGids: [4] } }

test('a process in the default container becomes this plan', (t) => {
  const { plan, warnings, parent } = compileExec({ ...defaultSpec().process!, args: ['ls'] }, facts)
  t.snapshot(explainPlan(plan))
  t.deepEqual(warnings, [])
  t.deepEqual(parent, { rlimits: [] })
})

test('registers of the plan are filled once and read only while they hold something', (t) => {
  t.deepEqual(registerFaults(compileExec({ ...process, terminal: true }, ownUser).plan), [])
})

test("namespaces that the configuration names are joined, new ones as well as others'", (t) => {
  const namespaces = [{ type: 'pid' as const, path: '/proc/1/ns/pid' }, { type: 'mount' as const }]
  t.is(namespaceFlags({ ociVersion: '1.0.0', linux: { namespaces } }), clone.NEWPID | clone.NEWNS)
  t.is(namespaceFlags({ ociVersion: '1.0.0' }), 0)
})

test('all namespaces are joined in one call through the pidfd, and the process is made in them', (t) => {
  const { plan } = compileExec(process, facts)
  t.is(plan.cloneFlags, 0)
  t.like(plan.inputs, [{ source: { kind: 'pidfd', pid: 4242 } }])
  t.like(stepsOf(plan, 'setns'), [{ fd: plan.inputs[0]!.register, type: facts.namespaces, mode: 0 }])
  t.true(inOrder(plan, 'notDumpable', 'setns', 'fork', 'setsid'))
})

test('without a pid namespace there is no second process', (t) => {
  const { plan } = compileExec(process, { ...facts, namespaces: clone.NEWNS })
  t.deepEqual(stepsOf(plan, 'fork'), [])
  t.deepEqual(stepsOf(compileExec(process, { ...facts, namespaces: 0 }).plan, 'setns'), [])
})

test('who may not leave groups is not asked to', (t) => {
  for (const less of [{ euid: 1000 }, { inUserNamespace: true }, { permitted: 0n }])
    t.deepEqual(stepsOf(compileExec(process, { ...ownUser, ...less }).plan, 'dropGroups'), [])
})

test('in a user namespace its root is entered, and limits are left to the parent', (t) => {
  const limited = { ...process, rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1, hard: 2 }] }
  const { plan, parent } = compileExec(limited, ownUser)
  t.true(inOrder(plan, 'dropGroups', 'setns', 'becomeRoot', 'user'))
  t.deepEqual(stepsOf(plan, 'rlimit'), [])
  t.deepEqual(parent.rlimits, [{ resource: 7, soft: 1n, hard: 2n, origin: '/process/rlimits/0' }])
  t.deepEqual(stepsOf(compileExec(process, facts).plan, 'becomeRoot'), [])
})

test('a user namespace may forbid to set groups', (t) => {
  t.like(stepsOf(compileExec(process, ownUser).plan, 'user'), [{ setgroups: 0 }])
  t.like(stepsOf(compileExec(process, { ...facts, inUserNamespace: true }).plan, 'user'), [{ setgroups: 0 }])
})

test('user, groups, directory and program are those of the process', (t) => {
  const { plan } = compileExec({ ...process, cwd: '/work', env: ['A=1', 'A=2'] }, facts)
  t.like(stepsOf(plan, 'user'), [{ uid: 1000, gid: 100, groups: ['4'], setgroups: 1 }])
  t.like(stepsOf(plan, 'chdir'), [{ path: '/work', make: 0 }])
  t.like(stepsOf(plan, 'program'), [{ args: ['ls', '-l'], env: ['A=2'] }])
  t.like(stepsOf(plan, 'home'), [{ uid: 1000 }])
})

test('the directory is entered as root, and the program is looked for as the user', (t) => {
  const { plan } = compileExec(process, facts)
  t.true(inOrder(plan, 'chdir', 'user', 'program', 'exec'))
})

test('privileges go in the order in which each step still has what it needs', (t) => {
  const { plan } = compileExec(
    { ...process, noNewPrivileges: true, rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }] },
    facts,
  )
  t.true(
    inOrder(
      plan,
      'chownStreams',
      'rlimit',
      'noNewPrivileges',
      'boundingSet',
      'keepCapabilities',
      'user',
      'capabilities',
      'ambientCapabilities',
      'program',
      'sync',
      'exec',
    ),
  )
})

test('no_new_privs is set only when it is asked for', (t) => {
  t.deepEqual(stepsOf(compileExec(process, facts).plan, 'noNewPrivileges'), [])
  t.deepEqual(stepsOf(compileExec({ ...process, noNewPrivileges: false }, facts).plan, 'noNewPrivileges'), [])
})

// cve: CVE-2022-29162
test('capabilities that exec adds never become inheritable or ambient', (t) => {
  const added = ['CAP_NET_RAW']
  const capabilities = { bounding: added, effective: added, permitted: added }
  const { plan } = compileExec({ ...process, capabilities }, facts)
  t.like(stepsOf(plan, 'capabilities').at(-1), { permitted: 1n << 13n, inheritable: 0n })
  t.like(stepsOf(plan, 'ambientCapabilities'), [{ mask: 0n }])
})

// cve: CVE-2016-9962
test('rights over the host are gone before init shows up in a pid namespace of the container', (t) => {
  const admin = 1n << 21n
  const { plan } = compileExec(process, facts)
  const [first] = stepsOf(plan, 'capabilities')
  t.true(inOrder(plan, 'setns', 'boundingSet', 'capabilities', 'fork', 'user'))
  t.is(BigInt(first!.permitted) & admin, 0n)
  t.is(first!.effective, first!.permitted)
  const asked = { ...process, capabilities: { permitted: ['CAP_SYS_ADMIN'], inheritable: ['CAP_SYS_ADMIN'] } }
  t.is(BigInt(stepsOf(compileExec(asked, facts).plan, 'capabilities')[0]!.permitted) & admin, admin)
})

test("a terminal comes from the container's devpts, after its root is the process's", (t) => {
  const { plan } = compileExec({ ...process, terminal: true, consoleSize: { height: 5, width: 6 } }, facts)
  t.true(inOrder(plan, 'setns', 'openRoot', 'openConsole', 'useConsole', 'user'))
  t.like(stepsOf(plan, 'openConsole'), [{ rows: 5, columns: 6, uid: 1000 }])
  t.deepEqual(stepsOf(plan, 'setsid'), [])
})

test('the process executes as soon as it is ready, and waits for no start', (t) => {
  const { plan } = compileExec(process, facts)
  t.deepEqual(stepsOf(plan, 'waitForStart'), [])
  t.is(
    indexOf(plan, 'sync', (step) => step.op === 'sync' && step.point === syncPoint.ready),
    plan.steps.length - 2,
  )
})

test('sockets of systemd come with their number and the pid', (t) => {
  const { plan } = compileExec({ ...process, env: ['LISTEN_FDS=9'] }, { ...facts, listenFds: 2, preserveFds: 1 })
  t.deepEqual(stepsOf(plan, 'program')[0]!.env, ['LISTEN_FDS=2'])
  t.true(inOrder(plan, 'program', 'listenPid', 'exec'))
  t.is(plan.preserveFds, 3)
})

test('an OOM score is set by the parent', (t) => {
  t.deepEqual(compileExec({ ...process, oomScoreAdj: -5 }, facts).parent.oomScoreAdj, {
    value: -5,
    origin: '/process/oomScoreAdj',
    point: syncPoint.ready,
  })
  const { plan, parent } = compileExec({ ...process, oomScoreAdj: -5 }, { ...facts, euid: 1000 })
  t.is(parent.oomScoreAdj?.point, syncPoint.begun, 'before it is hidden from a user')
  t.true(inOrder(plan, 'sync', 'notDumpable'))
})

test("the file mode creation mask is the configuration's, or runc's", (t) => {
  const last = (user: Process['user']) => stepsOf(compileExec({ ...process, user: user! }, facts).plan, 'umask').at(-1)
  t.like(last({ uid: 0, gid: 0, umask: 0o77 }), { mask: 0o77 })
  t.like(last({ uid: 0, gid: 0, umask: 0 }), { mask: 0 })
  t.like(last({ uid: 0, gid: 0 }), { mask: 0o22 })
})
