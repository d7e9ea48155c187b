import test from 'ava'
import { delegateCgroup, hostUid } from '../../../src/cgroups/delegate.ts'
import { openFlags } from '../../../src/host/host.ts'
import { compileSample } from '../compiler/sample.ts'
import { FakeCgroupfs, runtError } from './fake-cgroupfs.ts'

test('an id is found in the lines of a uid_map', (t) => {
  const map = '         0     100000       1000\n      2000       5000          1\n'
  t.is(hostUid(map, 0), 100_000)
  t.is(hostUid(map, 999), 100_999)
  t.is(hostUid(map, 1000), undefined)
  t.is(hostUid(map, 2000), 5000)
  t.is(hostUid('', 0), undefined)
})

async function given(fake: FakeCgroupfs) {
  fake.add('/c')
  const fd = await fake.host.files.open(`${fake.root}/c`, openFlags.directory | openFlags.path)
  await delegateCgroup(fake.host, fd, `${fake.root}/c`, 7, '/mounts/6')
  return fake.get('/c')?.owner
}

test('a cgroup is given away with the files that the kernel lists', async (t) => {
  const fake = new FakeCgroupfs()
  t.deepEqual(await given(fake), { uid: 7, files: ['cgroup.procs', 'cgroup.threads', 'memory.reclaim'] })
})

// covers: config-linux.md#cgroup-ownership/without-list
test('without the kernel’s list, three files are given away', async (t) => {
  const fake = new FakeCgroupfs()
  fake.delegate = undefined
  t.deepEqual(await given(fake), { uid: 7, files: ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'] })
})

test('a cgroup that cannot be given away is an error of the mount that asks for it', async (t) => {
  const fake = new FakeCgroupfs()
  fake.failures.set('chown', 'EPERM')
  const error = await runtError(() => given(fake))
  t.is(error.message, 'give cgroup /sys/fs/cgroup/c to user 7: operation not permitted')
  t.is(error.origin, '/mounts/6')
})

test('a cgroup is given away with its own namespace, a mount to write to, and a user who has it not already', (t) => {
  const mount = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid'] }
  const other = [{ type: 'mount' as const }, { type: 'pid' as const }]
  const own = [...other, { type: 'cgroup' as const }]
  const user = { uid: 5, gid: 5 }
  const compiled = (
    change: Partial<typeof mount>,
    { namespaces = own, uid = 5 }: { namespaces?: { type: 'mount' | 'pid' | 'cgroup' | 'user' }[]; uid?: number } = {},
  ) => {
    const maps = [{ containerID: 0, hostID: 1000, size: 10 }]
    const mapped = namespaces.some(({ type }) => type === 'user')
    return compileSample({
      spec: { mounts: [{ ...mount, ...change }] },
      process: { user: { ...user, uid } },
      linux: { namespaces, ...(mapped && { uidMappings: maps, gidMappings: maps }) },
    }).parent.delegate
  }
  const inUserNamespace = [...own, { type: 'user' as const }]
  t.deepEqual(compiled({}), { uid: 5, mapped: false, origin: '/mounts/0' })
  t.deepEqual(compiled({}, { namespaces: inUserNamespace, uid: 0 }), { uid: 0, mapped: true, origin: '/mounts/0' })
  t.deepEqual(compiled({ destination: '/sys/fs//cgroup/' })?.uid, 5)
  t.is(compiled({}, { uid: 0 }), undefined)
  t.is(compiled({}, { namespaces: other }), undefined)
  t.is(compiled({ options: ['ro'] }), undefined)
  t.is(compiled({ options: ['rro'] }), undefined)
  t.is(compiled({ destination: '/sys/fs/cgroup/sub' }), undefined)
  t.is(compiled({ source: 'none' }), undefined)
})
