import test from 'ava'
import { compileResources, knobs } from '../../../src/cgroups/knobs.ts'
import type { Resources } from '../../../src/spec/schema.gen.ts'
import { cpuMax, cpuWeight, decimal, ioWeight, pidsMax, swapMax } from '../../../src/cgroups/values.ts'

function writes(resources: Resources): string[] {
  const compiled = compileResources(resources)
  if (compiled.problems.length > 0) throw new Error(JSON.stringify(compiled.problems))
  return compiled.writes.map(({ file, value }) => `${file}=${value}`)
}

function problems(resources: Resources): string[] {
  return compileResources(resources).problems.map(({ pointer, message }) => `${pointer}: ${message}`)
}

test('cpu.shares become cpu.weight on the curve that runc and crun use', (t) => {
  const pairs = [
    [0, undefined],
    [1, 1],
    [2, 1],
    [3, 2],
    [1024, 100],
    [2000, 170],
    [22000, 1204],
    [262144, 10000],
    [1_000_000, 10000],
  ] as const
  for (const [shares, weight] of pairs) t.is(cpuWeight(shares), weight, `${shares}`)
})

test('cpu.weight grows with cpu.shares and stays within what the kernel takes', (t) => {
  let last = 0
  for (let shares = 1; shares <= 262144; shares += 1) {
    const weight = cpuWeight(shares) ?? 0
    if (weight < last || weight < 1 || weight > 10000 || !Number.isInteger(weight))
      return t.fail(`${shares}: ${weight}`)
    last = weight
  }
  t.is(last, 10000)
})

test('cpu.quota and cpu.period become cpu.max', (t) => {
  t.is(cpuMax(undefined, undefined), undefined)
  t.is(cpuMax(0, 0), undefined)
  t.is(cpuMax(50000, undefined), '50000 100000')
  t.is(cpuMax(50000, 20000), '50000 20000')
  t.is(cpuMax(-1, 20000), 'max 20000')
  t.is(cpuMax(-1, undefined), 'max 100000')
  t.is(cpuMax(undefined, 20000), 'max 20000')
  t.is(cpuMax(0, 20000), 'max 20000')
})

test('pids.limit 0 leaves room for init alone, and below 0 is no limit', (t) => {
  t.is(pidsMax(undefined), undefined)
  t.is(pidsMax(-1), 'max')
  t.is(pidsMax(-5), 'max')
  t.is(pidsMax(0), '1')
  t.is(pidsMax(77), '77')
})

test('memory.swap counts memory too, and memory.swap.max does not', (t) => {
  t.deepEqual(swapMax(0, -1), { value: 'max' })
  t.deepEqual(swapMax(undefined, -1), { value: 'max' })
  t.is(swapMax(undefined, undefined), undefined)
  t.is(swapMax(0, 1000), undefined)
  t.deepEqual(swapMax(-1, undefined), { value: 'max' })
  t.deepEqual(swapMax(-1, 1000), { value: 'max' })
  t.deepEqual(swapMax(5000, -1), { value: '5000' })
  t.deepEqual(swapMax(5000, 2000), { value: '3000' })
  t.deepEqual(swapMax(2000, 2000), { value: '0' })
  t.like(swapMax(1000, 2000), { problem: 'memory+swap limit should be >= memory limit' })
  t.like(swapMax(5000, undefined), { problem: 'unable to set swap limit without memory limit' })
  t.like(swapMax(5000, 0), { problem: 'unable to set swap limit without memory limit' })
})

test('a blkio weight becomes an io.weight in proportion', (t) => {
  t.is(ioWeight(10), 1)
  t.is(ioWeight(100), 910)
  t.is(ioWeight(500), 4950)
  t.is(ioWeight(1000), 10000)
})

test('a number that the JSON parser rounded up does not wrap to a small limit', (t) => {
  t.is(decimal(Number('18446744073709551615')), '18446744073709551615')
  t.is(decimal(Number('9223372036854775807'), 'int64'), '9223372036854775807')
  t.is(decimal(Number('9223372036854771712'), 'int64'), '9223372036854771712')
  t.deepEqual(writes({ memory: { limit: Number('9223372036854775807') } }), ['memory.max=9223372036854775807'])
})

test('no resources ask for no writes', (t) => {
  for (const resources of [undefined, {}, { memory: {}, cpu: {}, pids: {}, blockIO: {} }, { memory: { limit: 0 } }]) {
    t.deepEqual(compileResources(resources), { writes: [], problems: [], warnings: [] })
  }
})

test('limits of tasks, memory and processor time are written to their files, in order', (t) => {
  t.deepEqual(
    compileResources({
      cpu: { shares: 1024, quota: 20000, period: 50000 },
      pids: { limit: 100 },
      memory: { limit: 64 * 1024 * 1024 },
    }).writes,
    [
      { file: 'pids.max', value: '100', controller: 'pids', pointer: '/linux/resources/pids/limit' },
      { file: 'memory.max', value: '67108864', controller: 'memory', pointer: '/linux/resources/memory/limit' },
      { file: 'cpu.weight', value: '100', controller: 'cpu', pointer: '/linux/resources/cpu/shares' },
      { file: 'cpu.max', value: '20000 50000', controller: 'cpu', pointer: '/linux/resources/cpu/quota' },
    ],
  )
})

test('a period alone is what cpu.max comes from', (t) => {
  t.is(compileResources({ cpu: { period: 50000 } }).writes[0]?.pointer, '/linux/resources/cpu/period')
})

// covers: /linux/resources/memory/swap, /linux/resources/memory/reservation
test('swap is written before the limit, and the reservation after it', (t) => {
  t.deepEqual(writes({ memory: { limit: 2000, swap: 3000, reservation: 500 } }), [
    'memory.swap.max=1000',
    'memory.max=2000',
    'memory.low=500',
  ])
})

test('swap files may be missing only where nothing is lost', (t) => {
  const optional = (resources: Resources) => compileResources(resources).writes.map((write) => write.optional ?? false)
  t.deepEqual(optional({ memory: { limit: 2000, swap: 2000 } }), [true, false])
  t.deepEqual(optional({ memory: { limit: -1 } }), [true, false])
  t.deepEqual(optional({ memory: { limit: 2000, swap: 3000 } }), [false, false])
})

// covers: /linux/resources/cpu/burst, /linux/resources/cpu/idle
test('idle is written before the weight and burst after the quota', (t) => {
  t.deepEqual(writes({ cpu: { burst: 10000, quota: 20000, shares: 2000, idle: 0 } }), [
    'cpu.idle=0',
    'cpu.weight=170',
    'cpu.max=20000 100000',
    'cpu.max.burst=10000',
  ])
})

// covers: /linux/resources/blockIO/weight, /linux/resources/blockIO/weightDevice/*/major
// covers: /linux/resources/blockIO/weightDevice/*/minor, /linux/resources/blockIO/weightDevice/*/weight
test('block devices are weighted by bfq, or by io.weight where it is not loaded', (t) => {
  t.deepEqual(
    compileResources({ blockIO: { weight: 500, weightDevice: [{ major: 8, minor: 0, weight: 10 }] } }).writes,
    [
      {
        file: 'io.bfq.weight',
        value: '500',
        controller: 'io',
        pointer: '/linux/resources/blockIO/weight',
        fallback: { file: 'io.weight', value: '4950' },
      },
      {
        file: 'io.bfq.weight',
        value: '8:0 10',
        controller: 'io',
        pointer: '/linux/resources/blockIO/weightDevice/0',
        fallback: { file: 'io.weight', value: '8:0 1' },
      },
    ],
  )
})

// covers: /linux/resources/blockIO/throttleReadBpsDevice/*/major, /linux/resources/blockIO/throttleReadBpsDevice/*/minor
// covers: /linux/resources/blockIO/throttleReadBpsDevice/*/rate
// covers: /linux/resources/blockIO/throttleWriteBpsDevice/*/major, /linux/resources/blockIO/throttleWriteBpsDevice/*/minor
// covers: /linux/resources/blockIO/throttleWriteBpsDevice/*/rate
// covers: /linux/resources/blockIO/throttleReadIOPSDevice/*/major, /linux/resources/blockIO/throttleReadIOPSDevice/*/minor
// covers: /linux/resources/blockIO/throttleReadIOPSDevice/*/rate
// covers: /linux/resources/blockIO/throttleWriteIOPSDevice/*/major, /linux/resources/blockIO/throttleWriteIOPSDevice/*/minor
// covers: /linux/resources/blockIO/throttleWriteIOPSDevice/*/rate
test('throttled devices become lines of io.max, and rate 0 lifts a limit', (t) => {
  const device = { major: 8, minor: 16 }
  t.deepEqual(
    writes({
      blockIO: {
        throttleWriteIOPSDevice: [{ ...device, rate: 4 }],
        throttleReadBpsDevice: [
          { ...device, rate: 1 },
          { major: 9, minor: 0, rate: 0 },
        ],
        throttleWriteBpsDevice: [{ ...device, rate: 2 }],
        throttleReadIOPSDevice: [{ ...device, rate: 3 }],
      },
    }),
    ['io.max=8:16 rbps=1', 'io.max=9:0 rbps=max', 'io.max=8:16 wbps=2', 'io.max=8:16 riops=3', 'io.max=8:16 wiops=4'],
  )
})

// covers: /linux/resources/cpu/cpus, /linux/resources/cpu/mems, /linux/resources/hugepageLimits/*/pageSize
// covers: /linux/resources/hugepageLimits/*/limit, /linux/resources/rdma/*/hcaHandles, /linux/resources/rdma/*/hcaObjects, /linux/resources/unified
test('cpusets, huge pages, rdma and unified files are written in that order', (t) => {
  t.deepEqual(
    writes({
      unified: { 'memory.high': '5000', 'io.max': '8:0 rbps=1\n8:16 rbps=2\n' },
      rdma: { mlx5_0: { hcaHandles: 2, hcaObjects: 2000 }, mlx5_1: { hcaObjects: 3 }, mlx5_2: {} },
      hugepageLimits: [{ pageSize: '2MB', limit: 4194304 }],
      cpu: { cpus: '0-1', mems: '0' },
    }),
    [
      'cpuset.cpus=0-1',
      'cpuset.mems=0',
      'hugetlb.2MB.max=4194304',
      'hugetlb.2MB.rsvd.max=4194304',
      'rdma.max=mlx5_0 hca_handle=2 hca_object=2000',
      'rdma.max=mlx5_1 hca_object=3',
      'memory.high=5000',
      'io.max=8:0 rbps=1',
      'io.max=8:16 rbps=2',
    ],
  )
})

test('a unified file is attributed to its controller and its key', (t) => {
  t.like(compileResources({ unified: { 'hugetlb.2MB.max': '0' } }).writes[0], {
    controller: 'hugetlb',
    pointer: '/linux/resources/unified/hugetlb.2MB.max',
  })
  t.is(compileResources({ unified: { 'cgroup.max.depth': '1' } }).writes[0]?.controller, '')
})

// covers: /linux/resources/memory/useHierarchy, /linux/resources/blockIO/leafWeight
// covers: /linux/resources/blockIO/weightDevice/*/leafWeight, config-linux.md#unified/conversion
test('what cgroup v2 cannot do is a problem of its field, all of them at once', (t) => {
  t.deepEqual(
    problems({
      memory: { limit: -2, useHierarchy: false },
      blockIO: { weight: 5, leafWeight: 20, weightDevice: [{ major: 1, minor: 1, weight: 2000, leafWeight: 3 }] },
      hugepageLimits: [{ pageSize: '../x', limit: 1 }],
      unified: { 'a/b.c': '1', procs: '1' },
    }),
    [
      '/linux/resources/memory/limit: is -2; a limit is positive, or -1 for none',
      '/linux/resources/memory/useHierarchy: has no equivalent in cgroup v2',
      '/linux/resources/blockIO/weight: is 5; a weight is 10 to 1000',
      '/linux/resources/blockIO/weightDevice/0: is 2000; a weight is 10 to 1000',
      '/linux/resources/blockIO/leafWeight: has no equivalent in cgroup v2',
      '/linux/resources/blockIO/weightDevice/0/leafWeight: has no equivalent in cgroup v2',
      '/linux/resources/hugepageLimits/0/pageSize: "../x" is not a page size; one looks like 2MB',
      '/linux/resources/unified/a~1b.c: must be a file name (no slashes)',
      '/linux/resources/unified/procs: must be in the form CONTROLLER.PARAMETER',
    ],
  )
})

// covers: /linux/resources/memory/kernel, /linux/resources/memory/kernelTCP, /linux/resources/cpu/realtimePeriod
test('fields of cgroup v1 that ask for nothing are no problem', (t) => {
  t.deepEqual(
    compileResources({
      memory: { kernel: 0, kernelTCP: -1, disableOOMKiller: false, useHierarchy: true },
      cpu: { realtimePeriod: 0 },
      blockIO: { leafWeight: 0 },
    }),
    { writes: [], problems: [], warnings: [] },
  )
})

// covers: /linux/resources/memory/kernel, /linux/resources/memory/kernelTCP, /linux/resources/network/classID
// covers: /linux/resources/network/priorities/*/name, /linux/resources/network/priorities/*/priority
// covers: /linux/resources/memory/swappiness, /linux/resources/memory/disableOOMKiller, /linux/resources/cpu/realtimeRuntime
test('what changes nothing in cgroup v2 is a warning that names the field', (t) => {
  const { problems, warnings, writes } = compileResources({
    memory: { kernel: 5, kernelTCP: 6, swappiness: 0, disableOOMKiller: true },
    cpu: { realtimeRuntime: 100, realtimePeriod: 1000 },
    network: { classID: 1, priorities: [{ name: 'eth0', priority: 1 }] },
  })
  t.deepEqual([problems, writes], [[], []])
  t.deepEqual(
    warnings.map((text) => text.split(' has no effect: ')[0]),
    [
      ...['memory.kernel', 'memory.kernelTCP', 'memory.swappiness', 'memory.disableOOMKiller'],
      ...['cpu.realtimeRuntime', 'cpu.realtimePeriod', 'network.classID', 'network.priorities'],
    ].map((field) => `linux.resources.${field}`),
  )
})

// covers: /linux/resources/memory/checkBeforeUpdate
test('checkBeforeUpdate compares only limits that are some', (t) => {
  const check = (memory: NonNullable<Resources['memory']>) => compileResources({ memory }).check
  t.deepEqual(check({ limit: 5, swap: 9, checkBeforeUpdate: true }), { limit: 5, swap: 9 })
  t.deepEqual(check({ limit: -1, swap: -1, checkBeforeUpdate: true }), {})
  t.is(check({ limit: 5, checkBeforeUpdate: false }), undefined)
})

test('the table names every field once', (t) => {
  const pointers = knobs.map((knob) => knob.pointer)
  t.is(new Set(pointers).size, pointers.length)
})
