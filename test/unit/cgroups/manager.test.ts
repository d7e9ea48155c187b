import test from 'ava'
import { compileDevices } from '../../../src/cgroups/devices.ts'
import { compileResources } from '../../../src/cgroups/knobs.ts'
import {
  applyWrite,
  cgroupManager,
  cgroupPath,
  createCgroup,
  explainDeath,
  limitMemory,
} from '../../../src/cgroups/manager.ts'
import type { Resources } from '../../../src/spec/schema.gen.ts'
import { FakeCgroupfs, runtError } from './fake-cgroupfs.ts'

const root = '/sys/fs/cgroup'
const limits: Resources = { memory: { limit: 1 << 20 }, pids: { limit: 10 }, cpu: { shares: 1024, quota: 50000 } }

/** Makes a cgroup as the runtime does: memory last, and everything taken back if that fails. */
async function create(fake: FakeCgroupfs, path: string, resources: Resources = {}) {
  const { writes } = compileResources(resources)
  const devices = compileDevices(resources.devices).filter
  const cgroup = await createCgroup(fake.host, { root: fake.root, path: fake.root + path, writes, devices })
  try {
    await limitMemory(fake.host, cgroup.path, writes)
  } catch (error) {
    await fake.host.files.close(cgroup.fd)
    await cgroup.undo()
    throw error
  }
  return cgroup
}

test('memory is not limited before it is asked for', async (t) => {
  const fake = new FakeCgroupfs()
  const { writes } = compileResources({ memory: { limit: 4096 }, pids: { limit: 3 } })
  const devices = compileDevices(undefined).filter
  const { path } = await createCgroup(fake.host, { root: fake.root, path: `${fake.root}/c`, writes, devices })
  t.is(fake.get('/c')?.values.get('pids.max'), '3')
  t.is(fake.get('/c')?.values.get('memory.max'), undefined)
  await limitMemory(fake.host, path, writes)
  t.is(fake.get('/c')?.values.get('memory.max'), '4096')
})

const session = () => '/user.slice/session.scope'

test('an absolute cgroupsPath starts at the root of the hierarchy, whatever the own cgroup is', async (t) => {
  const own = (): string => {
    throw new Error('it was asked for')
  }
  const path = (asked: string) => cgroupPath('id', asked, own)
  t.is(await path('/a/b'), '/a/b')
  t.is(await path('//a/./b/'), '/a/b')
})

test('a relative cgroupsPath starts beside the own cgroup', async (t) => {
  t.is(await cgroupPath('id', 'a/b', session), '/user.slice/a/b')
  t.is(await cgroupPath('id', 'a', () => '/'), '/a')
})

test('without cgroupsPath the id names a cgroup beside the own one', async (t) => {
  t.is(await cgroupPath('web', undefined, session), '/user.slice/web')
  t.is(await cgroupPath('web', '', session), '/user.slice/web')
})

test("systemd's form of cgroupsPath is a name like another", async (t) => {
  t.is(await cgroupPath('id', 'system.slice:docker:web', session), '/user.slice/system.slice:docker:web')
})

test('a cgroupsPath that leaves its place, is the root or cannot be a name is refused', async (t) => {
  for (const asked of ['../x', '/a/../../b', '/', '//', './', 'a\nb', 'a\0b', `/${'ä'.repeat(128)}`]) {
    const error = await runtError(() => cgroupPath('id', asked, session))
    t.is(error.code, 'CGROUP_PATH', asked)
    t.is(error.origin, '/linux/cgroupsPath')
  }
  t.regex(
    (await runtError(() => cgroupPath('id', undefined, () => '/../..'))).message,
    /outside of the cgroup namespace/,
  )
})

test('--systemd-cgroup chooses systemd, unless cgroups are disabled', (t) => {
  t.is(cgroupManager({ systemdCgroup: false, cgroupManager: 'cgroupfs' }), 'cgroupfs')
  t.is(cgroupManager({ systemdCgroup: false, cgroupManager: 'systemd' }), 'systemd')
  t.is(cgroupManager({ systemdCgroup: true, cgroupManager: 'cgroupfs' }), 'systemd')
  t.is(cgroupManager({ systemdCgroup: true, cgroupManager: 'disabled' }), 'disabled')
})

test('where all controllers are on, a cgroup without limits takes five system calls', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/docker/other')
  await create(fake, '/docker/c')
  t.deepEqual(fake.calls, [
    `mkdir ${root}/docker/c`,
    `read ${root}/docker/c/cgroup.controllers`,
    `read ${root}/cgroup.controllers`,
    `open ${root}/docker/c`,
    'bpf',
  ])
})

test('a cgroup has its limits and its device filter before it is handed out', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/docker/other')
  const cgroup = await create(fake, '/docker/c', limits)
  const node = fake.get('/docker/c')
  t.deepEqual(Object.fromEntries(node?.values ?? []), {
    'pids.max': '10',
    'memory.max': '1048576',
    'cpu.weight': '100',
    'cpu.max': '50000 100000',
  })
  t.deepEqual(node?.devices, compileDevices(undefined).filter.program)
  t.is(cgroup.path, `${root}/docker/c`)
  t.is(fake.open.get(cgroup.fd), node)
})

test('missing ancestors are made, and every controller is passed on to the cgroup', async (t) => {
  const fake = new FakeCgroupfs()
  await create(fake, '/a/b/c', limits)
  t.deepEqual(fake.paths(), ['/a', '/a/b', '/a/b/c'])
  for (const path of ['', '/a', '/a/b']) t.deepEqual([...(fake.get(path)?.enabled ?? [])], fake.controllers, path)
  t.deepEqual([...(fake.get('/a/b/c')?.enabled ?? [])], [], 'the container itself passes nothing on')
})

test('a cgroup without limits is made where the hierarchy has no controllers', async (t) => {
  const fake = new FakeCgroupfs()
  fake.controllers = []
  await create(fake, '/c')
  t.deepEqual(fake.paths(), ['/c'])
})

test('devices that are all allowed need no filter on a new cgroup, but replace that of an old one', async (t) => {
  const everything = { devices: [{ allow: true, access: 'rwm' }] }
  const fresh = new FakeCgroupfs()
  await create(fresh, '/c', everything)
  t.is(fresh.get('/c')?.devices, undefined)
  const leftover = new FakeCgroupfs()
  leftover.add('/c', { devices: new Uint8Array(8) })
  await create(leftover, '/c', everything)
  t.deepEqual(leftover.get('/c')?.devices, compileDevices(everything.devices).filter.program)
})

test('an empty leftover is taken over, and not removed when the take-over fails', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/c')
  fake.failures.set(`write ${root}/c/pids.max`, 'EINVAL')
  await runtError(() => create(fake, '/c', limits))
  t.deepEqual(fake.paths(), ['/c'])
  fake.failures.clear()
  const cgroup = await create(fake, '/c', limits)
  t.is(fake.get('/c')?.values.get('pids.max'), '10')
  await cgroup.undo()
  t.deepEqual(fake.paths(), ['/c'])
})

test('a cgroup with processes in it or below it is refused', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/c/sub', { processes: [4, 5] })
  const error = await runtError(() => create(fake, '/c'))
  t.is(error.name, 'StateError')
  t.is(error.message, "container's cgroup is not empty: 2 process(es) found")
  t.deepEqual(fake.get('/c/sub')?.processes, [4, 5])
})

test('a frozen leftover is refused, with the way to thaw it', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/c', { frozen: true })
  const error = await runtError(() => create(fake, '/c'))
  t.is(error.message, "container's cgroup unexpectedly frozen")
  t.regex(error.hint ?? '', /echo 0 > \/sys\/fs\/cgroup\/c\/cgroup\.freeze/)
})

test('a path that names a file of cgroupfs is refused', async (t) => {
  const fake = new FakeCgroupfs()
  t.regex((await runtError(() => create(fake, '/cgroup.procs'))).message, /what is there is not a cgroup/)
  const below = await runtError(() => create(fake, '/cgroup.procs/c'))
  t.is(below.code, 'CGROUP_CREATE')
  t.regex(below.message, /not a directory/)
})

test('a limit whose controller the hierarchy lacks is an error of its field, and leaves nothing', async (t) => {
  const fake = new FakeCgroupfs()
  fake.controllers = ['cpu', 'pids']
  const error = await runtError(() => create(fake, '/a/c', limits))
  t.is(error.code, 'NO_CONTROLLER')
  t.is(error.origin, '/linux/resources/memory/limit')
  t.is(
    error.message,
    'the memory controller is not available in cgroup /sys/fs/cgroup/a/c: the hierarchy at /sys/fs/cgroup does not have it',
  )
  t.regex(error.hint ?? '', /cgroup_enable=memory/)
  t.deepEqual(fake.paths(), [])
})

test('processes of an ancestor that stand in the way of a limit are named', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/full', { processes: [77] })
  const error = await runtError(() => create(fake, '/full/c', limits))
  t.is(error.origin, '/linux/resources/pids/limit')
  t.regex(error.message, /\/sys\/fs\/cgroup\/full has processes of its own \(77\)/)
  t.regex(error.hint ?? '', /move them/)
  t.deepEqual(fake.paths(), ['/full'])
})

test('below an ancestor with processes a container without limits is made', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/full', { processes: [77] })
  await create(fake, '/full/c')
  t.is(fake.get('/full/c')?.type, 'domain')
})

test('threaded controllers alone are not turned on in a cgroup with processes, which would spoil those below', async (t) => {
  const fake = new FakeCgroupfs()
  fake.controllers = ['cpu', 'pids']
  fake.add('/full', { processes: [77] })
  await create(fake, '/full/c')
  t.is(fake.get('/full/c')?.type, 'domain')
  t.deepEqual([...(fake.get('/full')?.enabled ?? [])], [])
  t.is((await runtError(() => create(fake, '/full/d', { pids: { limit: 1 } }))).code, 'NO_CONTROLLER')
})

test('a controller that cannot be turned on does not keep the others off', async (t) => {
  const fake = new FakeCgroupfs()
  fake.failures.set(`+cpu ${root}`, 'EINVAL')
  await create(fake, '/c', { memory: { limit: 4096 } })
  t.deepEqual([...fake.top.enabled].sort(), ['cpuset', 'io', 'memory', 'pids'])
  const error = await runtError(() => create(fake, '/d', { cpu: { shares: 5 } }))
  t.is(error.origin, '/linux/resources/cpu/shares')
  t.regex(error.hint ?? '', /real-time/)
})

test('a hierarchy that may not be written tells how to have it delegated', async (t) => {
  const fake = new FakeCgroupfs()
  fake.failures.set(`write ${root}/cgroup.subtree_control`, 'EACCES')
  const error = await runtError(() => create(fake, '/c', limits))
  t.regex(error.message, /\/sys\/fs\/cgroup\/cgroup\.subtree_control: permission denied/)
  t.regex(error.hint ?? '', /Delegate=yes/)
})

test('a cgroup below threads is refused before anything is cloned into it', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/threads', { type: 'threaded' })
  const error = await runtError(() => create(fake, '/threads/c'))
  t.is(error.code, 'CGROUP_THREADED')
  t.is(error.origin, '/linux/cgroupsPath')
  t.deepEqual(fake.paths(), ['/threads'])
})

test('a value that the kernel refuses is named with its file and its field', async (t) => {
  const fake = new FakeCgroupfs()
  fake.failures.set(`write ${root}/c/cpu.max`, 'EINVAL')
  const error = await runtError(() => create(fake, '/c', limits))
  t.is(error.code, 'CGROUP_LIMIT')
  t.is(error.message, 'write "50000 100000" to /sys/fs/cgroup/c/cpu.max: invalid argument')
  t.is(error.origin, '/linux/resources/cpu/quota')
  t.regex(error.hint ?? '', /1000 to 1000000/)
  t.deepEqual(fake.paths(), [])
})

test('a file of a controller that is not there leads to the list of those that are', async (t) => {
  const { host } = new FakeCgroupfs()
  const write = { file: 'pids.max', value: '10', controller: 'pids', pointer: '/linux/resources/pids/limit' }
  const error = await runtError(() => applyWrite(host, '/sys/fs/cgroup/web', write))
  t.is(error.origin, '/linux/resources/pids/limit')
  t.is(error.hint, 'ls /sys/fs/cgroup/web shows those that it has')
})

test('a swap limit needs swap accounting only where it limits something', async (t) => {
  const fake = new FakeCgroupfs()
  await create(fake, '/none', { memory: { limit: 4096, swap: 4096 } })
  t.is(fake.get('/none')?.values.get('memory.max'), '4096')
  const error = await runtError(() => create(fake, '/some', { memory: { limit: 4096, swap: 8192 } }))
  t.is(error.origin, '/linux/resources/memory/swap')
  t.notRegex(error.message, /no such file/)
})

test('io.weight takes the weight where bfq is not loaded', async (t) => {
  const fake = new FakeCgroupfs()
  await create(fake, '/c', { blockIO: { weight: 500 } })
  t.is(fake.get('/c')?.values.get('io.weight'), '4950')
})

test('a device filter that the kernel refuses is an error of the rules', async (t) => {
  const fake = new FakeCgroupfs()
  fake.failures.set('bpf', 'EPERM')
  const error = await runtError(() => create(fake, '/c'))
  t.is(error.origin, '/linux/resources/devices')
  t.regex(error.hint ?? '', /CAP_BPF/)
  t.deepEqual(fake.paths(), [])
  t.is(fake.open.size, 0)
})

test('whichever effect fails, no cgroup and no descriptor is left', async (t) => {
  const fresh = () => {
    const fake = new FakeCgroupfs()
    fake.add('/there')
    fake.top.enabled.delete('io')
    return fake
  }
  const whole = fresh()
  await create(whole, '/there/a/b/c', limits)
  t.true(whole.calls.length > 15, whole.calls.join('\n'))
  for (let n = 0; n < whole.calls.length; n++) {
    const fake = fresh()
    fake.failAt = n
    let failure: unknown
    try {
      const cgroup = await create(fake, '/there/a/b/c', limits)
      await fake.host.files.close(cgroup.fd)
      await cgroup.undo()
    } catch (error) {
      failure = error
    }
    const call = whole.calls[n] ?? ''
    // A write of controllers is tried again one by one, and then every limit is in force.
    const triedAgain = call.startsWith('write') && call.includes('subtree_control')
    t.is((failure as Error | undefined)?.name, triedAgain ? undefined : 'RuntError', call)
    t.deepEqual(fake.paths(), ['/there'], call)
    t.is(fake.open.size, 0, call)
  }
})

test('what the clean-up could not do is told with the error that it followed', async (t) => {
  const fake = new FakeCgroupfs()
  fake.failures.set(`write ${root}/a/c/pids.max`, 'EINVAL')
  fake.failures.set(`rmdir ${root}/a/c`, 'EACCES')
  const error = await runtError(() => create(fake, '/a/c', limits))
  t.is(error.origin, '/linux/resources/pids/limit')
  t.deepEqual(
    error.cleanupErrors.map((failure) => failure.message),
    ['remove cgroup /sys/fs/cgroup/a/c: permission denied'],
  )
})

test('taking a cgroup back removes the ancestors that were made, but none that others use by now', async (t) => {
  const fake = new FakeCgroupfs()
  const first = await create(fake, '/a/b/one')
  await create(fake, '/a/two')
  await first.undo()
  t.deepEqual(fake.paths(), ['/a', '/a/two'])
})

test('taking a cgroup back ends what runs in it, unless it was there before', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/old')
  for (const path of ['/new/c', '/old']) {
    const cgroup = await create(fake, path)
    fake.add(path, { processes: [5], agony: 2 })
    await cgroup.undo()
  }
  t.deepEqual(fake.paths(), ['/old'])
  t.deepEqual(fake.get('/old')?.processes, [5])
})

test('a parent that another failing container takes away meanwhile is made again', async (t) => {
  const fake = new FakeCgroupfs()
  const { host } = fake
  const mkdir = host.files.mkdir.bind(host.files)
  let raced = false
  host.files.mkdir = async (path, mode) => {
    await mkdir(path, mode)
    if (path === `${root}/a` && !raced) {
      raced = true
      await host.files.rmdir(path)
    }
  }
  await createCgroup(host, { root, path: `${root}/a/c`, writes: [] })
  t.deepEqual(fake.paths(), ['/a', '/a/c'])
})

test('a start that the OOM killer ended is explained by the limit', async (t) => {
  const fake = new FakeCgroupfs()
  const node = fake.add('/c')
  t.is(await explainDeath(fake.host, `${root}/c`), undefined)
  node.values.set('memory.events', 'low 0\nmax 3\noom 1\noom_kill 1')
  t.is((await explainDeath(fake.host, `${root}/c`))?.origin, '/linux/cgroupsPath', 'the limit of an ancestor')
  node.values.set('memory.max', '4096')
  t.is((await explainDeath(fake.host, `${root}/c`))?.origin, '/linux/resources/memory/limit')
})

test('a start that was refused a process is explained by the limit', async (t) => {
  const fake = new FakeCgroupfs()
  fake.add('/c').values.set('pids.events', 'max 2')
  t.is((await explainDeath(fake.host, `${root}/c`))?.origin, '/linux/resources/pids/limit')
})
