/** The container's cgroup for the container's user (config-linux.md, "Cgroup ownership"). */
import test, { type ExecutionContext } from 'ava'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { eventually, lacks, lines, Sandbox } from './harness.ts'
import { openUp } from './users.ts'

const first = 300_000

/** A container with a user namespace whose cgroup is mounted to be written to. */
function writable(spec: Spec): void {
  spec.linux!.namespaces!.push({ type: 'user' })
  spec.linux!.uidMappings = [{ containerID: 0, hostID: first, size: 2000 }]
  spec.linux!.gidMappings = [{ containerID: 0, hostID: first, size: 2000 }]
  mountWritable(spec)
}

function mountWritable(spec: Spec): void {
  for (const mount of spec.mounts!)
    if (mount.type === 'cgroup') mount.options = mount.options!.filter((option) => option !== 'ro')
}

function sandboxWith(t: ExecutionContext, change: (spec: Spec) => void): Sandbox {
  const sandbox = new Sandbox(t, change)
  openUp(sandbox)
  return sandbox
}

/** Names in a cgroup that belong to this user; `.` is the cgroup itself. */
function ownedBy(cgroup: string, uid: number): string[] {
  return ['.', ...readdirSync(cgroup)].filter((name) => statSync(`${cgroup}/${name}`).uid === uid).sort()
}

/** What the kernel lists, as far as this cgroup has it. */
function delegated(cgroup: string): string[] {
  const list = lines(readFileSync('/sys/kernel/cgroup/delegate', 'utf8'))
  return ['.', ...list.filter((name) => existsSync(`${cgroup}/${name}`))].sort()
}

/** Where the container's cgroup is, below the mount of cgroup v2. */
function cgroupOf(pid: number): string {
  return `/sys/fs/cgroup${/^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))![1]!}`
}

const divide = [
  ...['mkdir', '/sys/fs/cgroup/child', '--', 'write', '/sys/fs/cgroup/child/cgroup.procs', '0'],
  ...['--', 'cat', '/proc/self/cgroup', '--', 'mkdir', '/sys/fs/cgroup/child/deeper'],
]

// covers: config-linux.md#cgroup-ownership/missing-files
test('root of a user namespace may divide the cgroup that it may write to, and change no limit of it', async (t) => {
  // Debian's runc does so only with systemd, and its crun is run without cgroups.
  if (lacks(t, 'runt')) return
  const sandbox = sandboxWith(t, (spec) => {
    writable(spec)
    spec.process!.args = ['inside', ...divide, '--', 'write', '/sys/fs/cgroup/cgroup.max.depth', '3', '--', 'wait']
  })
  t.is(sandbox.create().status, 0)
  const cgroup = cgroupOf(sandbox.state().pid)
  t.deepEqual(ownedBy(cgroup, first), delegated(cgroup))
  t.is(statSync(cgroup).gid, 0)
  t.is(statSync(`${cgroup}/..`).uid, 0, 'the parent is its owner’s')
  t.deepEqual(ownedBy(`${cgroup}/..`, first), [path.basename(cgroup)])
  t.is(sandbox.run(['start', sandbox.id]).status, 0)
  await eventually(() => lines(sandbox.output()).length >= 4, 'it wrote')
  const seen = lines(sandbox.output()).filter((line) => !/^\d+:[^:]/.test(line))
  t.deepEqual(seen, ['made', '0::/child', 'made', 'write: open: EACCES'])
  // What it made goes with it.
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  t.false(existsSync(cgroup))
  sandbox.assertClean(t)
})

test('the cgroup is given to the user of the program, whoever that is', (t) => {
  if (lacks(t, 'runt')) return
  for (const [change, owner] of [
    [writable, first + 1000],
    [mountWritable, 1000],
  ] as const) {
    const sandbox = sandboxWith(t, (spec) => {
      change(spec)
      spec.process!.user = { uid: 1000, gid: 1000 }
      spec.process!.args = ['inside', ...divide]
    })
    t.is(sandbox.create().status, 0)
    const cgroup = cgroupOf(sandbox.state().pid)
    t.deepEqual(ownedBy(cgroup, owner), delegated(cgroup))
    t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
    const { stdout } = sandbox.runContainer()
    t.true(stdout.includes('0::/child'), stdout)
    sandbox.assertClean(t)
  }
})

// cve: CVE-2023-25809
test('a cgroup that the container may not write to, or sees among others, stays with its owner', (t) => {
  if (lacks(t, 'runt')) return
  const readonly = (spec: Spec): void => {
    writable(spec)
    spec.mounts!.find(({ type }) => type === 'cgroup')!.options!.push('ro')
  }
  const elsewhere = (spec: Spec): void => {
    writable(spec)
    spec.mounts!.find(({ type }) => type === 'cgroup')!.destination = '/dev/cgroup'
  }
  const shared = (spec: Spec): void => {
    writable(spec)
    spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'cgroup')
  }
  for (const change of [readonly, elsewhere, shared]) {
    const sandbox = sandboxWith(t, (spec) => {
      change(spec)
      spec.process!.args = ['inside', 'mkdir', '/sys/fs/cgroup/child']
    })
    const created = sandbox.create()
    t.is(created.status, 0, created.stderr)
    t.deepEqual(ownedBy(cgroupOf(sandbox.state().pid), 0).includes('.'), true)
    t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
    sandbox.assertClean(t)
  }
  const sandbox = sandboxWith(t, (spec) => {
    readonly(spec)
    spec.process!.args = ['inside', 'mkdir', '/sys/fs/cgroup/child']
  })
  t.is(sandbox.runContainer().stdout, 'mkdir: mkdir: EROFS\n')
})

test('in a user namespace that is joined, the ids of that one count', (t) => {
  if (lacks(t, 'runt')) return
  const pod = sandboxWith(t, (spec) => {
    writable(spec)
    spec.process!.args = ['inside', 'wait']
  })
  t.is(pod.create().status, 0)
  const sandbox = sandboxWith(t, (spec) => {
    mountWritable(spec)
    spec.linux!.namespaces!.push({ type: 'user', path: `/proc/${pod.state().pid}/ns/user` })
    spec.process!.args = ['inside', 'wait']
  })
  const created = sandbox.create()
  t.is(created.status, 0, created.stderr)
  const cgroup = cgroupOf(sandbox.state().pid)
  t.deepEqual(ownedBy(cgroup, first), delegated(cgroup))
})
