import test, { type ExecutionContext } from 'ava'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Resources, Spec } from '../../src/spec/schema.gen.ts'
import { eventually, lacks, lines, Sandbox, type Result } from './harness.ts'

// What linux.resources does: each limit by its effect where it has one that can be seen, and by its file.

const MiB = 1 << 20

function withResources(t: ExecutionContext, resources: Resources, ...args: string[]): Sandbox {
  return new Sandbox(t, (spec) => {
    spec.linux!.resources = { ...spec.linux!.resources, ...resources }
    spec.process!.args = ['inside', ...args]
  })
}

/** What the program reads from files of its own cgroup. */
function filesOf(t: ExecutionContext, resources: Resources, ...files: string[]): string[] {
  const args = files.flatMap((file, index) => [...(index > 0 ? ['--'] : []), 'cat', `/sys/fs/cgroup/${file}`])
  const sandbox = withResources(t, resources, ...args)
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stderr, '')
  sandbox.assertClean(t)
  return lines(stdout)
}

function output(...command: string[]): string {
  return execFileSync(command[0]!, command.slice(1), { encoding: 'utf8' }).trim()
}

/** A block device of memory, gone after the test. */
function loopDevice(t: ExecutionContext, megabytes: number): { file: string; major: number; minor: number } {
  const backing = `/tmp/runt-loop-${process.pid}-${Math.random().toString(36).slice(2)}`
  output('modprobe', 'loop')
  writeFileSync(backing, '')
  truncateSync(backing, megabytes * MiB)
  const file = output('losetup', '--find', '--show', backing)
  t.teardown(() => output('losetup', '--detach', file))
  const { rdev } = statSync(file)
  return { file, major: (rdev >> 8) & 0xfff, minor: rdev & 0xff }
}

// covers: /linux/resources/memory/limit, /linux/resources/memory/reservation, /linux/resources/memory/swap
// covers: /linux/resources/unified/*, config-linux.md#unified/controllers, config-linux.md#unified/unknown
test('limits of memory are in their files, and those of unified beside them', (t) => {
  if (lacks(t, 'controllers')) return
  const files = ['memory.max', 'memory.low', 'memory.swap.max', 'memory.high', 'memory.oom.group']
  const memory = { limit: 64 * MiB, reservation: 16 * MiB, swap: 96 * MiB }
  const unified = { 'memory.high': String(48 * MiB), 'memory.oom.group': '1' }
  t.deepEqual(filesOf(t, { memory, unified }, ...files), [64 * MiB, 16 * MiB, 32 * MiB, 48 * MiB, 1].map(String))
  t.deepEqual(filesOf(t, { memory: { limit: -1 } }, ...files.slice(0, 3)), ['max', '0', 'max'])
  t.deepEqual(filesOf(t, { memory: { limit: MiB * 64, swap: MiB * 64 } }, files[2]!), ['0'])
  t.deepEqual(filesOf(t, { memory: { limit: MiB * 64, swap: -1 } }, files[2]!), ['max'])
})

// covers: /linux/resources/memory/swap
test('swap carries a container beyond its memory, as far as memory.swap says', (t) => {
  if (lacks(t, 'controllers')) return
  // Not a loop device: what it writes is charged to the container, which would run out of memory by swapping.
  output('modprobe', 'brd', 'rd_nr=1', 'rd_size=131072')
  const file = '/dev/ram0'
  output('mkswap', file)
  output('swapon', file)
  t.teardown(() => output('swapoff', file))
  const run = (swap: number): Result =>
    withResources(t, { memory: { limit: 24 * MiB, swap } }, 'memory', '48').runContainer()
  t.is(run(24 * MiB).status, 137)
  const { stdout, status } = run(96 * MiB)
  t.is(status, 0)
  t.is(lines(stdout).at(-1), 'memory 48')
})

// covers: /linux/resources/memory/checkBeforeUpdate, config-linux.md#memory/check-before-update
test('a limit below what a cgroup uses already is refused if checkBeforeUpdate says so', (t) => {
  if (lacks(t, 'controllers', 'runt')) return
  const name = `runt-used-${process.pid}`
  const cgroup = `/sys/fs/cgroup/${name}`
  const file = `/tmp/${name}`
  mkdirSync(cgroup)
  t.teardown(() => {
    output('rm', '-f', file)
    if (existsSync(cgroup)) rmdirSync(cgroup)
  })
  writeFileSync('/sys/fs/cgroup/cgroup.subtree_control', '+memory')
  // What a file of a tmpfs takes stays with the cgroup of who wrote it.
  output('sh', '-c', `echo 0 > ${cgroup}/cgroup.procs && head -c 8388608 /dev/zero > ${file}`)
  const run = (checkBeforeUpdate: boolean): Result => {
    const sandbox = withResources(t, { memory: { limit: 6 * MiB, checkBeforeUpdate } }, 'echo', 'hello')
    sandbox.configure((spec) => {
      spec.linux!.resources!.memory = { limit: 6 * MiB, checkBeforeUpdate }
      spec.linux!.cgroupsPath = `/${name}`
    })
    return sandbox.runContainer()
  }
  const { stderr, status } = run(true)
  t.is(status, 1)
  t.regex(stderr, /rejecting memory limit 6291456 <= usage \d+/)
  t.regex(stderr, /linux\.resources\.memory\.limit/)
})

// covers: /linux/resources/cpu/shares, /linux/resources/cpu/quota, /linux/resources/cpu/period
// covers: /linux/resources/cpu/burst, /linux/resources/cpu/idle, /linux/resources/cpu/cpus, /linux/resources/cpu/mems
// covers: /linux/resources/pids/limit
test('limits of processors and tasks are in their files', (t) => {
  if (lacks(t, 'controllers')) return
  const cpu = { shares: 2000, quota: 50000, period: 200000, burst: 20000, cpus: '0', mems: '0' }
  const files = ['cpu.weight', 'cpu.max', 'cpu.max.burst', 'cpuset.cpus', 'cpuset.mems', 'pids.max']
  t.deepEqual(filesOf(t, { cpu, pids: { limit: 77 } }, ...files), ['170', '50000 200000', '20000', '0', '0', '77'])
  t.deepEqual(filesOf(t, { cpu: { idle: 1 }, pids: { limit: -1 } }, 'cpu.idle', 'pids.max'), ['1', 'max'])
  t.deepEqual(filesOf(t, { cpu: { quota: -1 } }, 'cpu.max'), ['max 100000'])
})

// covers: /linux/resources/cpu/cpus
test('a cpuset confines the container to its processors', (t) => {
  if (lacks(t, 'controllers')) return
  for (const cpus of ['0', '1']) {
    t.is(withResources(t, { cpu: { cpus } }, 'affinity').runContainer().stdout, `affinity ${cpus}\n`)
  }
})

// covers: /linux/resources/cpu/idle, /linux/resources/cpu/shares
test('an idle container, and one with few shares, get little beside a busy process', async (t) => {
  if (lacks(t, 'controllers')) return
  for (const cpu of [{ idle: 1 }, { shares: 2 }]) {
    const sandbox = withResources(t, { cpu: { cpus: '1', ...cpu } }, 'sleep', '4', '--', 'burn', '3000')
    sandbox.detached(['run', '--detach', sandbox.id])
    // Busy while the container is, and not for ever: the container could hardly end.
    const busy = spawn('timeout', ['12', 'taskset', '-c', '1', 'sh', '-c', 'while :; do :; done'], { stdio: 'ignore' })
    t.teardown(() => busy.kill('SIGTERM'))
    await eventually(() => sandbox.output().startsWith('burned '), 'it burned')
    const used = Number(sandbox.output().split(' ')[1])
    t.true(used < 900, `${used} ms of 3000 with ${JSON.stringify(cpu)}`)
  }
})

// covers: /linux/resources/blockIO/throttleReadBpsDevice/*/rate, /linux/resources/blockIO/throttleWriteBpsDevice/*/rate
// covers: /linux/resources/blockIO/throttleReadIOPSDevice/*/rate, /linux/resources/blockIO/throttleWriteIOPSDevice/*/rate
// covers: /linux/resources/blockIO/throttleReadBpsDevice/*/major, /linux/resources/blockIO/throttleReadBpsDevice/*/minor
test('io.max slows what is written to a device', (t) => {
  if (lacks(t, 'controllers')) return
  const { major, minor } = loopDevice(t, 16)
  const device = { major, minor }
  const time = (blockIO: Resources['blockIO']): [number, string] => {
    const sandbox = new Sandbox(t, (spec) => {
      spec.linux!.devices = [{ path: '/dev/disk', type: 'b', ...device, fileMode: 0o600 }]
      spec.linux!.resources = {
        devices: [{ allow: true, type: 'b', ...device, access: 'rwm' }],
        ...(blockIO && { blockIO }),
      }
      spec.process!.args = ['inside', 'write-direct', '/dev/disk', '2048', '--', 'cat', '/sys/fs/cgroup/io.max']
    })
    const [wrote, max = ''] = lines(sandbox.runContainer().stdout)
    return [Number(wrote?.split(' ')[1]), max]
  }
  const [free] = time(undefined)
  const [slow, max] = time({
    throttleReadBpsDevice: [{ ...device, rate: 4 * MiB }],
    throttleWriteBpsDevice: [{ ...device, rate: MiB / 2 }],
    throttleReadIOPSDevice: [{ ...device, rate: 300 }],
    throttleWriteIOPSDevice: [{ ...device, rate: 400 }],
  })
  t.is(max, `${major}:${minor} rbps=${4 * MiB} wbps=${MiB / 2} riops=300 wiops=400`)
  t.true(slow > 2500, `2 MiB at half a MiB a second took ${slow} ms`)
  t.true(free < slow / 2, `and ${free} ms without a limit`)
})

// covers: /linux/resources/blockIO/weight, /linux/resources/blockIO/weightDevice/*/weight
test('weights of block devices go to bfq where it is loaded', (t) => {
  if (lacks(t, 'controllers')) return
  output('modprobe', 'bfq')
  t.deepEqual(filesOf(t, { blockIO: { weight: 500 } }, 'io.bfq.weight'), ['default 500'])
  const { file, major, minor } = loopDevice(t, 8)
  writeFileSync(`/sys/block/${path.basename(file)}/queue/scheduler`, 'bfq')
  const weightDevice = [{ major, minor, weight: 20 }]
  const seen = filesOf(t, { blockIO: { weight: 500, weightDevice } }, 'io.bfq.weight')
  t.deepEqual(seen, ['default 500', `${major}:${minor} 20`])
})

// covers: /linux/resources/hugepageLimits/*/pageSize, /linux/resources/hugepageLimits/*/limit
test('huge pages end where hugepageLimits says', (t) => {
  if (lacks(t, 'controllers')) return
  writeFileSync('/proc/sys/vm/nr_hugepages', '8')
  t.teardown(() => writeFileSync('/proc/sys/vm/nr_hugepages', '0'))
  const hugepageLimits = [{ pageSize: '2MB', limit: 4 * MiB }]
  const { stdout } = withResources(t, { hugepageLimits }, 'huge-pages', '4').runContainer()
  t.is(stdout, 'huge-pages: mmap: ENOMEM\nhuge pages 2\n')
  const sizes = ['hugetlb.2MB.max', 'hugetlb.2MB.rsvd.max']
  t.deepEqual(filesOf(t, { hugepageLimits }, ...sizes), [String(4 * MiB), String(4 * MiB)])
})

// covers: /linux/resources/devices/*/allow, /linux/resources/devices/*/type, /linux/resources/devices/*/major
// covers: /linux/resources/devices/*/minor, /linux/resources/devices/*/access, config-linux.md#allowed-device-list/order
test('a device that the rules deny answers EPERM, and the last rule decides', (t) => {
  // The device controller is a program, which needs no controller: this runs everywhere.
  if (lacks(t, 'runc')) return
  const fuse = { type: 'c', major: 10, minor: 229 } as const
  const open = (devices: Resources['devices']): string => {
    const sandbox = new Sandbox(t, (spec: Spec) => {
      spec.linux!.devices = [{ path: '/dev/fuse', ...fuse, fileMode: 0o666 }]
      spec.linux!.resources = devices === undefined ? {} : { devices }
      spec.process!.args = ['inside', 'open', '/dev/fuse']
    })
    return sandbox.runContainer().stdout
  }
  const deny = { allow: false, access: 'rwm' }
  t.is(open([deny]), 'open: open: EPERM\n')
  t.is(open([deny, { allow: true, ...fuse, access: 'rw' }]), 'opened\n')
  t.is(open([deny, { allow: true, ...fuse, access: 'r' }]), 'open: open: EPERM\n')
  t.is(open([{ allow: true, ...fuse, access: 'rwm' }, deny]), 'open: open: EPERM\n')
})

// covers: /linux/resources/unified/*
test('unified has the last word over the fields that say the same', (t) => {
  if (lacks(t, 'controllers')) return
  const resources = { pids: { limit: 50 }, unified: { 'pids.max': '60', 'cgroup.max.depth': '3' } }
  t.deepEqual(filesOf(t, resources, 'pids.max', 'cgroup.max.depth'), ['60', '3'])
})

// covers: config-linux.md#unified/missing-controller, config-linux.md#unified/conversion
test('what cannot be set is refused by field, file and value, and nothing is left', (t) => {
  if (lacks(t, 'runt')) return
  const refused = (resources: Resources, ...says: RegExp[]): void => {
    const sandbox = withResources(t, resources, 'echo', 'hello')
    const { status, stderr } = sandbox.runContainer()
    t.is(status, 1, stderr)
    for (const text of says) t.regex(stderr, text)
    sandbox.assertClean(t)
  }
  refused({ unified: { 'nonsense.max': '1' } }, /nonsense controller is not available/, /unified\["nonsense\.max"\]/)
  refused({ blockIO: { leafWeight: 100 } }, /blockIO\.leafWeight/, /has no equivalent in cgroup v2/)
  refused({ memory: { useHierarchy: false } }, /memory\.useHierarchy/)
  if (lacks(t, 'controllers')) return
  refused({ cpu: { cpus: '4000' } }, /cpuset\.cpus/, /"4000"/, /resources\.cpu\.cpus/)
  refused({ cpu: { quota: 10 } }, /cpu\.max/, /"10 100000"/, /resources\.cpu\.quota/, /1000/)
  refused({ cpu: { quota: 10000, burst: 20000 } }, /cpu\.max\.burst/, /may not exceed the quota/)
  refused({ rdma: { mlx5_9: { hcaHandles: 3 } } }, /rdma\.max/, /"mlx5_9 hca_handle=3"/, /no such device/)
  refused({ unified: { 'memory.nonsense': '1' } }, /memory\.nonsense/, /has no such limit/)
  refused({ unified: { 'memory.high': 'much' } }, /memory\.high/, /"much"/)
  const device = { major: 250, minor: 99, rate: 1 }
  refused({ blockIO: { throttleReadBpsDevice: [device] } }, /io\.max/, /"250:99 rbps=1"/, /no such device/)
  refused({ hugepageLimits: [{ pageSize: '3MB', limit: 0 }] }, /hugetlb\.3MB\.max/, /hugepageLimits\[0\]/)
})

// covers: /linux/resources/network/classID, /linux/resources/memory/kernel, runtime.md#warnings/goes-on
// covers: /linux/resources/memory/swappiness, /linux/resources/memory/disableOOMKiller, /linux/resources/cpu/realtimePeriod
test('what changes nothing in cgroup v2 is a warning in the log', (t) => {
  if (lacks(t, 'runt')) return
  // As they come from a daemon whose user gave flags that only cgroup v1 had.
  const memory = { kernel: 5, swappiness: 0, disableOOMKiller: true }
  const resources = { network: { classID: 1 }, memory, cpu: { realtimeRuntime: 900, realtimePeriod: 1000 } }
  const sandbox = withResources(t, resources, 'echo', 'hello')
  const log = path.join(sandbox.dir, 'log')
  const { stdout, status } = sandbox.run(['--debug', '--log', log, 'run', sandbox.id])
  t.deepEqual([stdout, status], ['hello\n', 0])
  const text = readFileSync(log, 'utf8')
  t.regex(text, /linux\.resources\.network\.classID has no effect/)
  for (const field of ['memory.kernel', 'memory.swappiness', 'memory.disableOOMKiller', 'cpu.realtimePeriod'])
    t.true(text.includes(`linux.resources.${field} has no effect`), field)
})
