import test from 'ava'
import type { CgroupWrite } from '../../../src/cgroups/knobs.ts'
import {
  annotatedProperties,
  bitmap,
  lastingProperties,
  resourceProperties,
} from '../../../src/cgroups/systemd/properties.ts'
import { slicePath, unitPlace } from '../../../src/cgroups/systemd/unit.ts'
import { parseVariant } from '../../../src/cgroups/systemd/variant.ts'
import type { ConfigProblem } from '../../../src/errors.ts'

const infinity = (1n << 64n) - 1n

// covers: /linux/cgroupsPath
test('slice:prefix:name becomes a scope in its slice, which lies in those that its name says', (t) => {
  t.deepEqual(unitPlace('web', 'system.slice:docker:abc', 'x.slice'), {
    unit: 'docker-abc.scope',
    slice: 'system.slice',
    path: '/system.slice/docker-abc.scope',
  })
  t.is(
    unitPlace('web', 'kubepods-burstable-pod1.slice:cri:abc', 'x.slice').path,
    '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-abc.scope',
  )
  t.is(unitPlace('web', '-.slice:a:b', 'x.slice').path, '/a-b.scope')
  t.is(unitPlace('web', undefined, 'system.slice').path, '/system.slice/runt-web.scope')
  t.is(unitPlace('web', '::', 'user.slice').path, '/user.slice/web.scope')
  t.is(unitPlace('web', ':libpod:', 'user.slice').path, '/user.slice/libpod-web.scope')
  t.is(unitPlace('web', 'machine.slice:x:pod.slice', 'user.slice').path, '/pod.slice')
  t.is(slicePath('a-b-c.slice'), '/a.slice/a-b.slice/a-b-c.slice')
})

test('what names no unit and no slice is refused', (t) => {
  for (const path of [
    '/a/b',
    'a:b',
    'a:b:c:d',
    'system:a:b',
    'a/b.slice:c:d',
    'a--b.slice:c:d',
    '.slice:a:b',
    'system.slice:a b:c',
    'system.slice:a:ü',
  ])
    t.throws(() => unitPlace('web', path, 'system.slice'), { code: 'CGROUP_PATH' }, path)
})

const write = (file: string, value: string): CgroupWrite => ({
  file,
  value,
  pointer: '',
  controller: file.split('.')[0]!,
})
const of = (version: number, ...writes: CgroupWrite[]) =>
  Object.fromEntries(resourceProperties(writes, version).map(({ name, value }) => [name, value]))

test('limits become the properties of systemd', (t) => {
  t.deepEqual(
    of(
      252,
      write('memory.max', '1048576'),
      write('memory.swap.max', 'max'),
      write('pids.max', '10'),
      write('cpu.weight', '100'),
    ),
    { MemoryMax: 1_048_576n, MemorySwapMax: infinity, TasksMax: 10n, CPUWeight: 100n },
  )
  t.deepEqual(of(252, write('cpu.max', '50000 100000')), { CPUQuotaPerSecUSec: 500_000n, CPUQuotaPeriodUSec: 100_000n })
  // Rounded up to 10 ms: systemd would round down.
  t.deepEqual(of(241, write('cpu.max', '33333 100000')), { CPUQuotaPerSecUSec: 340_000n })
  t.deepEqual(of(241, write('cpu.max', 'max 100000')), { CPUQuotaPerSecUSec: infinity })
  t.deepEqual(of(252, write('cpu.weight', '100'), write('cpu.idle', '1')), { CPUWeight: 0n })
  t.deepEqual(of(251, write('cpu.idle', '1')), {})
  // The end of idleness has to be told: "not set".
  t.deepEqual(of(252, write('cpu.idle', '0')), { CPUWeight: infinity })
  t.deepEqual(of(252, write('cpu.idle', '0'), write('cpu.weight', '50')), { CPUWeight: 50n })
  t.deepEqual(of(252, write('hugetlb.2MB.max', '1')), {})
})

test('what a unit can only be made with is told apart from what can change', (t) => {
  const group = [write('memory.oom.group', '1')]
  t.deepEqual(of(253, ...group), {})
  t.like(lastingProperties(group, 253), [{ name: 'OOMPolicy', signature: 's', value: 'kill' }])
  t.like(lastingProperties([write('memory.oom.group', '0')], 253), [{ value: 'continue' }])
  t.deepEqual(lastingProperties(group, 252), [])
  t.deepEqual(lastingProperties([write('memory.oom.group', '7')], 253), [])
})

test('what systemd would refuse, or takes otherwise than the kernel, is left to the file', (t) => {
  for (const [file, value] of [
    ['memory.max', '0'],
    ['memory.max', 'much'],
    ['pids.max', '0'],
    ['cpu.weight', '10001'],
    ['cpu.weight', ''],
    ['cpu.max', 'abc 100000'],
    ['cpu.max', '1000 0'],
    ['cpu.max', '0'],
    ['cpuset.cpus', '0-10:1/2'],
    ['cpuset.cpus', 'all'],
    ['io.max', '8:0 rbps=x'],
    ['io.max', 'sda rbps=1'],
    ['io.weight', '8:0 1 2'],
    ['io.weight', '0'],
    ['cpu.idle', '2'],
  ] as const)
    t.deepEqual(of(252, write(file, value)), {}, `${file} ${value}`)
  t.deepEqual(of(252, write('memory.high', ' 64M\n')), { MemoryHigh: 64n << 20n })
  t.deepEqual(of(252, write('cpu.max', 'max')), { CPUQuotaPerSecUSec: infinity, CPUQuotaPeriodUSec: 100_000n })
})

test('weights for bfq become those of which systemd makes them again', (t) => {
  t.deepEqual(of(252, write('io.bfq.weight', '100'), write('io.bfq.weight', '8:0 500')), {
    IOWeight: 100n,
    IODeviceWeight: [['/dev/block/8:0', 4500n]],
  })
  // systemd's own conversion, cgroup-util.h.
  const back = (weight: number) =>
    weight <= 100 ? 100 - ((100 - weight) * 99) / 99 : 100 + ((weight - 100) * (1000 - 100)) / (10_000 - 100)
  for (const weight of [10, 99, 100, 101, 543, 1000]) {
    const { IOWeight } = of(252, write('io.bfq.weight', String(weight)))
    t.is(back(Number(IOWeight)), weight)
  }
})

test('a property knows the field that asked for it', (t) => {
  const asked = { ...write('pids.max', '5'), pointer: '/linux/resources/pids/limit' }
  t.is(resourceProperties([asked], 252)[0]?.pointer, '/linux/resources/pids/limit')
})

test('limits of devices become lists, one for each kind', (t) => {
  t.deepEqual(
    of(
      252,
      write('io.max', '8:0 rbps=1000 wiops=5'),
      write('io.max', '8:16 rbps=max'),
      write('io.weight', '50'),
      write('io.weight', '8:0 70'),
    ),
    {
      IOReadBandwidthMax: [
        ['/dev/block/8:0', 1000n],
        ['/dev/block/8:16', infinity],
      ],
      IOWriteIOPSMax: [['/dev/block/8:0', 5n]],
      IOWeight: 50n,
      IODeviceWeight: [['/dev/block/8:0', 70n]],
    },
  )
})

test('a list of processors becomes a bitmap', (t) => {
  t.deepEqual(bitmap('0-3,9'), Uint8Array.of(0b1111, 0b10))
  t.deepEqual(bitmap(''), new Uint8Array(0))
  t.deepEqual(of(252, write('cpuset.cpus', '1')), { AllowedCPUs: Uint8Array.of(2) })
  t.deepEqual(of(243, write('cpuset.cpus', '1')), {})
})

test('the text form of GVariant gives values with their types', (t) => {
  for (const [text, signature, value] of [
    ["'text'", 's', 'text'],
    ['"it\\"s"', 's', 'it"s'],
    ['true', 'b', true],
    ['5', 'i', 5n],
    ['-5', 'i', -5n],
    ['uint64 18446744073709551615', 't', infinity],
    ['@t 0x10', 't', 16n],
    ['byte 0x41', 'y', 65n],
    ['1.5', 'd', 1.5],
    ["['a', 'b']", 'as', ['a', 'b']],
    ['@as []', 'as', []],
    ['[uint32 1, 2]', 'au', [1n, 2n]],
    ["objectpath '/a'", 'o', '/a'],
  ] as const)
    t.deepEqual(parseVariant(text), { signature, value: value as never }, text)
  for (const text of [
    '',
    "'open",
    '[1, ',
    '[]',
    '1 2',
    'word',
    'uint64 -1',
    'byte 256',
    "[1, 'a']",
    "uint64 'a'",
    '@(ii) (1,2)',
    '{1:2}',
  ])
    t.throws(() => parseVariant(text), { instanceOf: SyntaxError }, text)
})

// covers: /annotations/*
test('annotations become properties, seconds as microseconds', (t) => {
  const problems: ConfigProblem[] = []
  t.deepEqual(
    annotatedProperties(
      { 'org.systemd.property.TimeoutStopUSec': 'uint64 5', 'org.systemd.property.RuntimeMaxSec': '7', other: 'x' },
      problems,
    ),
    [
      {
        name: 'TimeoutStopUSec',
        signature: 't',
        value: 5n,
        pointer: '/annotations/org.systemd.property.TimeoutStopUSec',
      },
      {
        name: 'RuntimeMaxUSec',
        signature: 't',
        value: 7_000_000n,
        pointer: '/annotations/org.systemd.property.RuntimeMaxSec',
      },
    ],
  )
  t.deepEqual(problems, [])
  annotatedProperties({ 'org.systemd.property.a/b': '1', 'org.systemd.property.Foo': "'x" }, problems)
  t.deepEqual(
    problems.map(({ pointer }) => pointer),
    ['/annotations/org.systemd.property.a~1b', '/annotations/org.systemd.property.Foo'],
  )
})

test('seconds may have any type of number, and must be one', (t) => {
  const usec = (text: string) => {
    const problems: ConfigProblem[] = []
    const [property] = annotatedProperties({ 'org.systemd.property.TimeoutStopSec': text }, problems)
    return property?.value ?? problems[0]?.message
  }
  for (const type of ['byte', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'])
    t.is(usec(`${type} 7`), 7_000_000n, type)
  t.is(usec('1.5'), 1_500_000n)
  t.is(usec('double 0.25'), 250_000n)
  for (const text of ["'7'", 'true', '-1', '1e999', 'uint64 18446744073709551615'])
    t.regex(String(usec(text)), /seconds must/, text)
})
