import test from 'ava'
import {
  findCgroupRoot,
  isFrozen,
  isPopulated,
  killCgroup,
  ownCgroup,
  processes,
  removeCgroup,
} from '../../../src/cgroups/fs.ts'
import { FakeCgroupfs, runtError } from './fake-cgroupfs.ts'

const root = '/sys/fs/cgroup'

test('the hierarchy at /sys/fs/cgroup is found with one system call', async (t) => {
  const fake = new FakeCgroupfs()
  t.is(await findCgroupRoot(fake.host), '/sys/fs/cgroup')
  t.deepEqual(fake.calls, ['statfs /sys/fs/cgroup'])
})

test('on a hybrid system the hierarchy is found at /sys/fs/cgroup/unified', async (t) => {
  const fake = new FakeCgroupfs()
  fake.root = '/sys/fs/cgroup/unified'
  t.is(await findCgroupRoot(fake.host), '/sys/fs/cgroup/unified')
})

test('elsewhere the hierarchy is found by mountinfo, where it is mounted whole and not covered', async (t) => {
  const fake = new FakeCgroupfs()
  fake.root = '/mnt/c groups'
  fake.mountinfo = [
    '22 1 0:5 / /proc rw - proc proc rw',
    '40 1 0:30 /a/part /mnt/part rw,nosuid shared:4 - cgroup2 none rw',
    '42 1 0:30 / /mnt/covered rw,nosuid shared:4 - cgroup2 none rw',
    '41 1 0:30 / /mnt/c\\040groups rw,nosuid shared:4 - cgroup2 none rw',
    '',
  ].join('\n')
  t.is(await findCgroupRoot(fake.host), '/mnt/c groups')
})

test('without cgroup v2 the error says how to get it', async (t) => {
  const fake = new FakeCgroupfs()
  fake.root = '/nowhere'
  fake.mountinfo = '40 1 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n'
  const error = await runtError(() => findCgroupRoot(fake.host))
  t.is(error.code, 'NO_CGROUP2')
  t.regex(error.hint ?? '', /systemd\.unified_cgroup_hierarchy=1/)
})

test('the own cgroup is the one of the v2 hierarchy', async (t) => {
  const fake = new FakeCgroupfs()
  fake.own = '9:name=systemd:/x\n4:memory:/y\n0::/user.slice/a:b\n'
  t.is(await ownCgroup(fake.host), '/user.slice/a:b')
  fake.own = '4:memory:/y\n'
  t.is((await runtError(() => ownCgroup(fake.host))).code, 'NO_CGROUP2')
})

test('a cgroup is populated by processes in it or below it', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/c')
  t.false(await isPopulated(fake.host, `${root}/c`))
  fake.add('/c/sub', { processes: [7] })
  t.true(await isPopulated(fake.host, `${root}/c`))
  t.is(await isPopulated(fake.host, `${root}/missing`), undefined)
})

test('a cgroup is frozen when it was told to be', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/c')
  t.false(await isFrozen(fake.host, `${root}/c`))
  fake.add('/c', { frozen: true })
  t.true(await isFrozen(fake.host, `${root}/c`))
  t.false(await isFrozen(fake.host, `${root}/missing`))
})

test('the processes of a cgroup are those of the whole tree below it', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/c', { processes: [1, 2] })
  fake.add('/c/sub/deep', { processes: [3] })
  fake.add('/other', { processes: [4] })
  t.deepEqual((await processes(fake.host, `${root}/c`)).sort(), [1, 2, 3])
  t.deepEqual(await processes(fake.host, `${root}/missing`), [])
})

test('the processes of a cgroup without others below it take two reads', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/c', { processes: [1] })
  t.deepEqual(await processes(fake.host, `${root}/c`), [1])
  t.deepEqual(fake.calls, [`read ${root}/c/cgroup.procs`, `read ${root}/c/cgroup.stat`])
})

test('killing a cgroup is one write, and fine where it is missing', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/c', { processes: [1, 2] })
  fake.add('/c/sub', { processes: [3] })
  await killCgroup(fake.host, `${root}/c`)
  t.deepEqual(fake.calls, [`write ${root}/c/cgroup.kill`])
  t.deepEqual(await processes(fake.host, `${root}/c`), [])
  await killCgroup(fake.host, `${root}/missing`)
})

test('an empty cgroup is removed with one system call, and its ancestors stay', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/docker/c')
  await removeCgroup(fake.host, root, `${root}/docker/c`)
  t.deepEqual(fake.calls, [`rmdir ${root}/docker/c`])
  t.deepEqual(fake.paths(), ['/docker'])
})

test('removing a missing cgroup is fine', async (t) => {
  const fake = new FakeCgroupfs()
  await removeCgroup(fake.host, root, `${root}/gone/c`)
  t.deepEqual(fake.paths(), [])
})

test('removing a missing cgroup of a read-only hierarchy is fine', async (t) => {
  const fake = new FakeCgroupfs()
  fake.failures.set(`rmdir ${root}/c`, 'EROFS')
  await removeCgroup(fake.host, root, `${root}/c`)
  fake.add('/c')
  t.regex((await runtError(() => removeCgroup(fake.host, root, `${root}/c`))).message, /read-only file system/)
})

test('a cgroup is removed with all below it, processes killed', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/c', { processes: [1] })
  fake.add('/c/a/b', { processes: [2] })
  fake.add('/c/d')
  await removeCgroup(fake.host, root, `${root}/c`)
  t.deepEqual(fake.paths(), [])
})

test('an empty tree below a cgroup is removed without waiting', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/c/a/b')
  await removeCgroup(fake.host, root, `${root}/c`)
  t.deepEqual(fake.paths(), [])
  t.is(fake.waited, 0)
})

test('removal waits for killed processes to leave, and no longer', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/c', { processes: [1], agony: 5 })
  await removeCgroup(fake.host, root, `${root}/c`)
  t.deepEqual(fake.paths(), [])
  t.is(fake.waited, 5)
  t.is(fake.calls.filter((call) => call.startsWith('wait ')).length, 1)
})

test('what was spared by a kill is killed again, later and later', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/c', { processes: [1], agony: 200 })
  await removeCgroup(fake.host, root, `${root}/c`)
  t.deepEqual(fake.paths(), [])
  t.is(fake.waited, 200)
  t.is(fake.calls.filter((call) => call.endsWith('/cgroup.kill')).length, 4)
})

test('removal gives up after ten seconds and names the processes that do not die', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/c', { processes: [11, 12], agony: Infinity })
  const error = await runtError(() => removeCgroup(fake.host, root, `${root}/c`))
  t.is(error.code, 'CGROUP_BUSY')
  t.is(error.message, 'remove cgroup /sys/fs/cgroup/c: 2 process(es) do not die: 11, 12')
  t.true(fake.waited >= 10_000 && fake.waited < 10_200, `${fake.waited}`)
})

test('nothing outside of the hierarchy, nor its root, is ever removed or killed', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/c', { processes: [1] })
  for (const path of [root, `${root}/`, `${root}/.`, `${root}/c/..`, `${root}//c`, '/sys/fs', `${root}x/c`, 'c', '']) {
    t.is((await runtError(() => removeCgroup(fake.host, root, path))).code, 'CGROUP_PATH', path)
  }
  t.is((await runtError(() => removeCgroup(fake.host, '', '/etc'))).code, 'CGROUP_PATH')
  t.deepEqual(fake.calls, [])
})
