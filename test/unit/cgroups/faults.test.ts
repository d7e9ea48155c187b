/** Cgroups that are not as they should be. */
import test from 'ava'
import { freezeCgroup } from '../../../src/cgroups/freezer.ts'
import { killCgroup, processes, removeCgroup } from '../../../src/cgroups/fs.ts'
import { compileResources } from '../../../src/cgroups/knobs.ts'
import { createCgroup } from '../../../src/cgroups/manager.ts'
import { applyUpdate } from '../../../src/cgroups/update.ts'
import type { Resources } from '../../../src/spec/schema.gen.ts'
import { FakeCgroupfs, runtError } from './fake-cgroupfs.ts'

function update(fake: FakeCgroupfs, path: string, resources: Resources): Promise<unknown> {
  const { writes } = compileResources(resources)
  const { host, root } = fake
  return applyUpdate(host, { root, path: root + path, writes, before: [], check: undefined, devices: undefined })
}

const tabs = (text: string) => text.replaceAll(' ', '\t')

/** A hybrid machine: v1 has memory, and pids is disabled. */
function hybrid(): FakeCgroupfs {
  const fake = new FakeCgroupfs()
  fake.controllers = []
  fake.v1 = tabs('#subsys_name hierarchy num_cgroups enabled\nmemory 4 61 1\npids 0 1 0\nblkio 7 1 1\n')
  return fake
}

test('a limit that cgroup v1 has the controller for is refused in the same words when it is changed', async (t) => {
  const fake = hybrid()
  const { writes } = compileResources({ memory: { limit: 4096 } })
  const created = await runtError(() =>
    createCgroup(fake.host, { root: fake.root, path: `${fake.root}/c`, writes, devices: undefined }),
  )
  fake.add('/c')
  const updated = await runtError(() => update(fake, '/c', { memory: { limit: 4096 } }))
  for (const error of [created, updated]) {
    t.is(error.code, 'NO_CONTROLLER')
    t.is(error.origin, '/linux/resources/memory/limit')
    t.regex(error.message, /^the memory controller is not available in cgroup .*does not have it, cgroup v1 has$/)
    t.regex(error.hint ?? '', /systemd.unified_cgroup_hierarchy=1/)
  }
  const rate = { major: 8, minor: 0, rate: 1 }
  const io = await runtError(() => update(fake, '/c', { blockIO: { throttleReadBpsDevice: [rate] } }))
  t.regex(io.message, /the io controller .* cgroup v1 has$/)
  const pids = await runtError(() => update(fake, '/c', { pids: { limit: 5 } }))
  t.regex(pids.message, /does not have it$/)
  t.is(pids.hint, 'it is disabled: boot with cgroup_enable=pids')
})

test('a controller that somebody took away is passed on again when a limit is changed', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/pod/c')
  fake.get('/pod')!.enabled.delete('pids')
  await update(fake, '/pod/c', { pids: { limit: 5 } })
  t.is(fake.get('/pod/c')?.values.get('pids.max'), '5')
})

test('a cgroup of another container that is called as a file of the controller is what to look for', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/pod/c')
  fake.get('/pod')!.enabled.delete('memory')
  fake.failures.set(`+memory ${fake.root}/pod`, 'EEXIST')
  const error = await runtError(() => update(fake, '/pod/c', { memory: { limit: 4096 } }))
  t.is(error.code, 'NO_CONTROLLER')
  t.regex(error.message, /the name of one of the controller's files$/)
  t.is(error.hint, 'find and remove it: ls -d /sys/fs/cgroup/pod/*/memory.*/')
})

test('a cgroup that was removed under a container is told as such', async (t) => {
  const fake = new FakeCgroupfs()
  for (const action of [
    () => update(fake, '/c', { pids: { limit: 5 } }),
    () => freezeCgroup(fake.host, `${fake.root}/c`, true),
  ]) {
    const error = await runtError(action)
    t.is(error.code, 'CGROUP_GONE')
    t.is(error.message, "the container's cgroup /sys/fs/cgroup/c was removed")
  }
})

test('without cgroup.kill every process is killed while it cannot fork', async (t) => {
  const fake = new FakeCgroupfs()
  fake.canKill = false
  fake.add('/c', { processes: [5, 6] })
  fake.add('/c/below', { processes: [7] })
  await killCgroup(fake.host, `${fake.root}/c`)
  t.deepEqual(
    fake.signals.map(([pid, signal]) => [pid, signal]),
    [
      [5, 9],
      [6, 9],
      [7, 9],
    ],
  )
  t.true(fake.signals[0]![2], 'frozen')
  t.false(fake.get('/c')!.frozen, 'and thawed again')
  await removeCgroup(fake.host, fake.root, `${fake.root}/c`)
  t.deepEqual(fake.paths(), [])
  t.is(fake.open.size, 0)
  await t.notThrowsAsync(killCgroup(fake.host, `${fake.root}/c`))
})

test('a cgroup that the container made one of threads has its processes listed once, and is removed', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/c', { processes: [5, 6], type: 'threaded' })
  t.deepEqual(await processes(fake.host, `${fake.root}/c`), [5, 6])
  await removeCgroup(fake.host, fake.root, `${fake.root}/c`)
  t.deepEqual(fake.paths(), [])
})
