/** Containers in scopes of a user's own systemd, without root. */
import test from 'ava'
import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import path from 'node:path'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { eventually, inVm } from '../integration/harness.ts'
import { gid, uid, UserSandbox } from '../integration/rootless.ts'

const service = `/sys/fs/cgroup/user.slice/user-${uid}.slice/user@${uid}.service`
const runtimeDir = `/run/user/${uid}`
const env = { XDG_RUNTIME_DIR: runtimeDir }

/** systemctl of the user, over the socket of their systemd. */
function systemctl(...args: string[]): string {
  const user = [
    'setpriv',
    '--reuid',
    String(uid),
    '--regid',
    String(gid),
    '--clear-groups',
    'systemctl',
    '--user',
    ...args,
  ]
  return spawnSync(user[0]!, user.slice(1), {
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', ...env },
  }).stdout.trim()
}

/** PAM and systemd look the user up. The machine's files go with the machine. */
function makeUser(): void {
  if (!inVm) throw new Error('this makes a user of the machine: it is for the virtual machine alone')
  for (const command of [
    ['groupadd', '--gid', String(gid), 'runttest'],
    ['useradd', '--uid', String(uid), '--gid', String(gid), '--no-create-home', '--shell', '/bin/sh', 'runttest'],
  ]) {
    const { status, stderr } = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
  }
}

const property = (unit: string, name: string): string => systemctl('show', unit, '--value', '-p', name)

const waits =
  (change: (spec: Spec) => void = () => undefined) =>
  (spec: Spec): void => {
    spec.process!.args = ['inside', 'wait']
    change(spec)
  }

test.serial('systemd of a user makes the scope, with limits, and every later command finds it', async (t) => {
  makeUser()
  const started = spawnSync('systemctl', ['start', `user@${uid}.service`], { encoding: 'utf8' })
  t.is(started.status, 0, started.stderr)
  const sandbox = new UserSandbox(
    t,
    waits((spec) => {
      spec.linux!.resources = { memory: { limit: 64 << 20 }, pids: { limit: 20 }, cpu: { shares: 2000 } }
    }),
  )
  const { id } = sandbox
  const unit = `runt-${id}.scope`
  const dir = `${service}/user.slice/${unit}`
  const file = (name: string) => readFileSync(`${dir}/${name}`, 'utf8').trim()
  const as = (...args: string[]) => sandbox.asUser(args, { env })
  // From a cgroup that is not the user's, as that of a session.
  const created = sandbox.asUserDetached(['--systemd-cgroup', 'create', id], { env })
  t.is(created.status, 0, created.stderr)
  const state = JSON.parse(as('state', id).stdout) as { pid: number; status: string }
  t.is(state.status, 'created')
  t.is(file('cgroup.procs'), String(state.pid), 'init alone is in the scope')
  t.is(file('memory.max'), String(64 << 20))
  t.is(file('pids.max'), '20')
  t.is(file('cpu.weight'), '170')
  t.is(property(unit, 'MemoryMax'), String(64 << 20))
  t.is(property(unit, 'TasksMax'), '20')
  t.is(property(unit, 'Delegate'), 'yes')

  t.is(as('start', id).stderr, '')
  const executed = as('exec', id, 'inside', 'cat', '/proc/self/cgroup')
  t.is(executed.status, 0, executed.stderr)
  t.is(executed.stdout.trim(), '0::/', 'in the cgroup namespace that shows the scope as its root')
  t.is(as('update', '--memory', '48m', '--pids-limit', '30', id).stderr, '')
  systemctl('daemon-reload')
  t.is(property(unit, 'MemoryMax'), String(48 << 20))
  t.is(file('memory.max'), String(48 << 20))
  t.is(file('pids.max'), '30')
  t.is(as('pause', id).stderr, '')
  t.is(file('cgroup.freeze'), '1')
  t.is(as('resume', id).stderr, '')
  t.is(as('kill', id, 'KILL').stderr, '')
  await eventually(() => (JSON.parse(as('state', id).stdout) as { status: string }).status === 'stopped', 'it stops')
  t.is(as('delete', id).stderr, '')
  t.is(property(unit, 'ActiveState'), 'inactive')
  t.false(existsSync(dir))
  sandbox.assertClean(t)
})

test.serial(
  "a user's systemd without a D-Bus daemon, a caller in a cgroup of the user's, and root of a user namespace",
  (t) => {
    const own = `${service}/runt-test`
    mkdirSync(own)
    t.teardown(() => {
      rmdirSync(own)
    })
    chownSync(own, uid, gid)
    const sandbox = new UserSandbox(t)
    const configure = (hostID: number): void => {
      sandbox.configureRootless((spec) => {
        spec.process!.args = ['inside', 'cat', '/proc/self/cgroup']
        // To see where it is.
        spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'cgroup')
        spec.linux!.cgroupsPath = `app-a.slice:test:${sandbox.id}`
        spec.linux!.uidMappings = [{ containerID: 0, hostID, size: 1 }]
        spec.linux!.gidMappings = [{ containerID: 0, hostID: hostID === 0 ? 0 : gid, size: 1 }]
      })
    }
    const expected = `0::${service.slice('/sys/fs/cgroup'.length)}/app.slice/app-a.slice/test-${sandbox.id}.scope`
    const direct = { ...env, DBUS_SESSION_BUS_ADDRESS: `unix:path=${runtimeDir}/systemd/private` }
    const args = ['--systemd-cgroup', 'run', sandbox.id]
    const cases: [string, Parameters<UserSandbox['asUser']>[1]][] = [
      ['directly', { env: direct, cgroup: own }],
      ['over the bus that is found', { env, cgroup: own }],
      ['as root of a user namespace', { env, cgroup: own, through: ['unshare', '--user', '--map-root-user'] }],
    ]
    for (const [name, options] of cases) {
      configure(options?.through === undefined ? uid : 0)
      const { status, stdout, stderr } = sandbox.asUser(args, options)
      t.is(status, 0, `${name}: ${stderr}`)
      t.is(stdout.trim(), expected, name)
    }
    t.is(property(`test-${sandbox.id}.scope`, 'ActiveState'), 'inactive')
    sandbox.assertClean(t)
  },
)

test.serial('a limit whose controller is not delegated to the user is an error with its field', (t) => {
  const sandbox = new UserSandbox(t, (spec) => {
    spec.linux!.resources = { hugepageLimits: [{ pageSize: '2MB', limit: 1 << 21 }] }
  })
  const { status, stderr } = sandbox.asUser(['--systemd-cgroup', 'run', sandbox.id], { env })
  t.is(status, 1)
  t.regex(stderr, /hugetlb controller is not available.*hugepageLimits/s)
  t.is(property(`runt-${sandbox.id}.scope`, 'ActiveState'), 'inactive')
  t.false(existsSync(path.join(runtimeDir, 'runt', sandbox.id)))
})
