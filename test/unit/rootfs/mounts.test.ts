import test from 'ava'
import type { ConfigProblem } from '../../../src/errors.ts'
import { at, mountAttr, mountAttrAtime, propagation } from '../../../src/plan/kernel.ts'
import { PlanBuilder, type Plan } from '../../../src/plan/plan.ts'
import { addLateReadonly, addMount, prepareMounts, type MountFacts } from '../../../src/rootfs/mounts.ts'
import type { Mount } from '../../../src/spec/schema.gen.ts'

const facts: MountFacts = {
  bundle: '/bundle',
  cgroupDir: '/sys/fs/cgroup/web',
  cgroupRoot: '/sys/fs/cgroup',
  namespaces: { cgroup: 'new', network: 'new', pid: 'new', ipc: 'new' },
  users: { membership: 'none', uid: [], gid: [] },
}

const withCgroups = (cgroup: 'new' | 'joined' | 'none'): Partial<MountFacts> => ({
  namespaces: { ...facts.namespaces, cgroup },
})

/** The steps of mounts, without the origins and the closing of registers. */
function compile(mounts: Mount[], changed: Partial<MountFacts> = {}): { plan: Plan; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = []
  const builder = new PlanBuilder()
  const root = builder.register('root')
  const made = prepareMounts(mounts, { ...facts, ...changed }, { problems, warnings: [] }).map((mount) => ({
    mount,
    made: addMount(builder, root, mount, {}),
  }))
  addLateReadonly(builder, made)
  return { plan: builder.plan, problems }
}

const ops = (plan: Plan): string[] => plan.steps.filter(({ op }) => op !== 'close').map(({ op }) => op)

test('a bind mount gets its attributes before it is attached', (t) => {
  const { plan } = compile([{ destination: '/data', source: '/srv', options: ['rbind', 'ro', 'nosuid', 'exec'] }])
  t.deepEqual(ops(plan), ['openTree', 'mountAttributes', 'openLike', 'attach'])
  t.like(plan.steps[0], { path: '/srv', flags: at.RECURSIVE, origin: '/mounts/0/source' })
  t.like(plan.steps[1], {
    set: mountAttr.RDONLY | mountAttr.NOSUID,
    clear: mountAttr.NOEXEC,
    flags: 0,
    origin: '/mounts/0/options',
  })
  t.like(plan.steps[2], { path: '/data', root: 0, origin: '/mounts/0/destination' })
})

test('a bind mount without options changes nothing, and a relative source starts at the bundle', (t) => {
  const { plan } = compile([{ destination: 'data', source: 'vol', options: ['bind'] }])
  t.deepEqual(ops(plan), ['openTree', 'openLike', 'attach'])
  t.like(plan.steps[0], { path: '/bundle/vol', flags: 0 })
  t.like(plan.steps[1], { path: '/data' })
})

test('the type bind makes a bind mount even without the option', (t) => {
  t.is(ops(compile([{ destination: '/d', type: 'bind', source: '/s' }]).plan)[0], 'openTree')
  t.deepEqual(compile([{ destination: '/d', type: 'bind' }]).problems, [
    { pointer: '/mounts/0/source', message: 'is required for a bind mount' },
  ])
})

test('recursive attributes follow those of the mount alone', (t) => {
  const { plan } = compile([{ destination: '/d', source: '/s', options: ['rbind', 'rw', 'rro', 'rnoatime'] }])
  const [, own, all] = plan.steps
  t.like(own, { set: 0, clear: mountAttr.RDONLY, flags: 0 })
  t.like(all, { set: mountAttr.RDONLY | mountAttr.NOATIME, clear: mountAttrAtime, flags: at.RECURSIVE })
})

test('propagation is set after the mount is attached, as attaching may change it', (t) => {
  const { plan } = compile([{ destination: '/d', source: '/s', options: ['rbind', 'rslave', 'shared'] }])
  t.deepEqual(ops(plan), ['openTree', 'openLike', 'attach', 'mountAttributes', 'mountAttributes'])
  const [slave, shared] = plan.steps.filter(({ op }) => op === 'mountAttributes')
  t.like(slave, { propagation: propagation.SLAVE, flags: at.RECURSIVE, set: 0, origin: '/mounts/0/options/1' })
  t.like(shared, { propagation: propagation.SHARED, flags: 0, origin: '/mounts/0/options/2' })
})

test('a filesystem is made with its attributes, and its place may not be a symlink for proc and sysfs', (t) => {
  const { plan } = compile([
    { destination: '/proc', type: 'proc' },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['mode=1777', 'nodev'] },
  ])
  const [proc, procPlace] = plan.steps
  t.like(proc, { op: 'newMount', type: 'proc', source: 'proc', parameters: [], attributes: 0 })
  t.like(procPlace, { op: 'openIn', path: '/proc', make: 1, mode: 0o755, kind: 3 })
  const shm = plan.steps.filter(({ origin }) => origin.startsWith('/mounts/1'))
  t.like(shm[0], { source: 'shm', parameters: ['mode=1777'], attributes: mountAttr.NODEV })
  t.like(shm[1], { op: 'openIn', kind: 1 })
})

test('a read-only tmpfs, and anything on /dev, stays writable until all below it is made', (t) => {
  const { plan } = compile([
    { destination: '/tmp', type: 'tmpfs', options: ['ro', 'nosuid', 'mode=755'] },
    { destination: '/dev', type: 'devtmpfs', options: ['ro'] },
    { destination: '/tmp/inner', source: '/s', options: ['bind'] },
  ])
  const [tmp, dev] = plan.steps.filter((step) => step.op === 'newMount')
  t.like(tmp, { attributes: mountAttr.NOSUID })
  t.like(dev, { attributes: 0 })
  const late = plan.steps.filter((step) => step.op === 'mountAttributes')
  t.like(late, [
    { set: mountAttr.RDONLY, origin: '/mounts/0/options' },
    { set: mountAttr.RDONLY, origin: '/mounts/1/options' },
  ])
  t.true(plan.steps.indexOf(late[0]!) > plan.steps.findLastIndex(({ op }) => op === 'attach'))
  // The registers are still there then.
  t.is(late[0]!.mount, tmp!.dst)
})

test('a read-only filesystem on a device has a read-only superblock, a virtual one has not', (t) => {
  const parameters = (type: string) =>
    compile([{ destination: '/m', type, source: '/dev/sda1', options: ['ro', 'data=journal'] }]).plan.steps[0]
  t.like(parameters('ext4'), { parameters: ['ro', 'data=journal'], attributes: mountAttr.RDONLY })
  t.like(parameters('sysfs'), { parameters: ['data=journal'], attributes: mountAttr.RDONLY })
})

test('recursive attributes of a new filesystem are its own', (t) => {
  const { plan } = compile([{ destination: '/m', type: 'mqueue', options: ['rro', 'rnodev'] }])
  t.like(plan.steps[0], { attributes: mountAttr.RDONLY | mountAttr.NODEV })
  t.deepEqual(ops(plan), ['newMount', 'openIn', 'attach'])
})

const cgroup: Mount = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro', 'relatime'] }

test("a cgroup mount shows the container's own cgroup in a namespace of its own", (t) => {
  const { plan } = compile([cgroup])
  t.like(plan.steps[0], { op: 'openTree', path: '/sys/fs/cgroup/web', flags: 0 })
  t.like(plan.steps[1], { set: mountAttr.RDONLY, clear: mountAttrAtime })
})

test("a cgroup mount shows all cgroups where the container has the host's namespace", (t) => {
  t.like(compile([cgroup], withCgroups('none')).plan.steps[0], { op: 'openTree', path: '/sys/fs/cgroup' })
})

test('a cgroup mount is a new one where nothing can be bound', (t) => {
  const fresh = { op: 'newMount', type: 'cgroup2', source: 'cgroup' }
  t.like(compile([cgroup], withCgroups('joined')).plan.steps[0], fresh)
  t.like(compile([cgroup], { cgroupDir: undefined }).plan.steps[0], fresh)
  t.like(compile([{ ...cgroup, options: ['memory_recursiveprot'] }]).plan.steps[0], {
    ...fresh,
    parameters: ['memory_recursiveprot'],
  })
})

test('a tmpfs without a mode takes that of the directory it covers', (t) => {
  const [bare, given] = [[], ['mode=700']].map(
    (options) => compile([{ destination: '/t', type: 'tmpfs', options }]).plan,
  )
  t.deepEqual(ops(bare!), ['newMount', 'openIn', 'copyMode', 'attach'])
  t.deepEqual(ops(given!), ['newMount', 'openIn', 'attach'])
})
