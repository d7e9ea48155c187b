/** What systemd knows of a container's limits: the properties as systemctl shows them, and what a reload of systemd leaves. */
import test from 'ava'
import { readFileSync } from 'node:fs'
import { Sandbox } from '../integration/harness.ts'
import { reload, show } from './units.ts'

const files = [
  'memory.max',
  'memory.high',
  'memory.low',
  'memory.min',
  'memory.swap.max',
  'pids.max',
  'cpu.weight',
  'cpu.max',
  'cpuset.cpus',
  'cpuset.mems',
  'io.max',
] as const

const MiB = 1 << 20

// covers: /linux/resources/unified
test.serial(
  'every limit that systemd knows is a property, and a reload changes no limit and no device, before and after update',
  (t) => {
    const disk = readFileSync('/proc/partitions', 'utf8')
    const [, major = '', minor = ''] = /^ *(\d+) +(\d+) +\d+ +(?:vd[a-z]|sd[a-z]|ram0|loop0)$/m.exec(disk) ?? []
    const sandbox = new Sandbox(t, (spec) => {
      spec.process!.args = ['inside', 'wait']
      // For local use (devices.txt): no driver has them, which is told, by ENXIO, to who may open them.
      spec.linux!.devices = [
        { path: '/dev/allowed', type: 'c', major: 240, minor: 1, fileMode: 0o666 },
        { path: '/dev/denied', type: 'c', major: 240, minor: 2, fileMode: 0o666 },
      ]
      spec.linux!.resources = {
        devices: [
          { allow: false, access: 'rwm' },
          { allow: true, type: 'c', major: 240, minor: 1, access: 'rw' },
        ],
        memory: { limit: 64 * MiB, reservation: 32 * MiB, swap: 96 * MiB },
        pids: { limit: 20 },
        cpu: { shares: 2000, quota: 50_000, period: 200_000, cpus: '0-1', mems: '0' },
        unified: { 'memory.high': String(48 * MiB), 'memory.min': '4M' },
        ...(major === ''
          ? {}
          : {
              blockIO: {
                throttleReadBpsDevice: [{ major: Number(major), minor: Number(minor), rate: MiB }],
                throttleWriteIOPSDevice: [{ major: Number(major), minor: Number(minor), rate: 100 }],
              },
            }),
      }
    })
    const { id } = sandbox
    const unit = `runt-${id}.scope`
    t.is(sandbox.detached(['--systemd-cgroup', 'create', id]).stderr, '')
    t.is(sandbox.run(['start', id]).stderr, '')
    const contents = () =>
      Object.fromEntries(
        files.map((name) => [name, readFileSync(`/sys/fs/cgroup/system.slice/${unit}/${name}`, 'utf8').trim()]),
      )
    const devices = () =>
      sandbox.run(['exec', id, 'inside', 'open', '/dev/allowed', '--', 'open', '/dev/denied']).stdout
    const expected = {
      MemoryMax: String(64 * MiB),
      MemoryHigh: String(48 * MiB),
      MemoryLow: String(32 * MiB),
      MemoryMin: String(4 * MiB),
      MemorySwapMax: String(32 * MiB),
      TasksMax: '20',
      CPUWeight: '170',
      CPUQuotaPerSecUSec: '250ms',
      CPUQuotaPeriodUSec: '200ms',
      AllowedCPUs: '0-1',
      AllowedMemoryNodes: '0',
      Delegate: 'yes',
      CollectMode: 'inactive-or-failed',
      ...(major === ''
        ? {}
        : {
            IOReadBandwidthMax: `/dev/block/${major}:${minor} ${MiB}`,
            IOWriteIOPSMax: `/dev/block/${major}:${minor} 100`,
          }),
    }
    t.deepEqual(show(unit, Object.keys(expected)), expected)
    const before = contents()
    t.like(before, { 'memory.min': String(4 * MiB), 'cpu.max': '50000 200000', 'cpuset.cpus': '0-1', 'pids.max': '20' })
    const opened = devices()
    t.regex(opened, /ENXIO\n.*EPERM/)

    reload()
    t.deepEqual(show(unit, Object.keys(expected)), expected)
    t.deepEqual(contents(), before)
    t.is(devices(), opened)

    const resources = {
      memory: { limit: 80 * MiB, swap: 96 * MiB },
      pids: { limit: 30 },
      cpu: { shares: 1024, quota: 100_000, period: 200_000, cpus: '0' },
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', major: 240, minor: 2, access: 'rw' },
      ],
    }
    const { stderr } = sandbox.run(['update', '--resources', '-', id], { input: JSON.stringify(resources) })
    t.is(stderr, '')
    const updated = contents()
    t.like(updated, {
      'memory.max': String(80 * MiB),
      'cpu.max': '100000 200000',
      'cpuset.cpus': '0',
      'pids.max': '30',
    })
    const swapped = devices()
    t.regex(swapped, /EPERM\n.*ENXIO/)
    reload()
    t.deepEqual(contents(), updated)
    t.is(devices(), swapped)
    t.like(show(unit, ['MemoryMax', 'TasksMax', 'CPUQuotaPerSecUSec', 'AllowedCPUs', 'MemoryHigh']), {
      MemoryMax: String(80 * MiB),
      TasksMax: '30',
      CPUQuotaPerSecUSec: '500ms',
      AllowedCPUs: '0',
      MemoryHigh: String(48 * MiB),
    })
    t.is(sandbox.run(['delete', '--force', id]).stderr, '')
    sandbox.assertClean(t)
  },
)

test.serial('a limit that the kernel or systemd refuses is an error with its field, and no unit is left', (t) => {
  const sandbox = new Sandbox(t)
  for (const [resources, words] of [
    [{ cpu: { cpus: '4000' } }, /cpuset\.cpus.*from: linux\.resources\.cpu\.cpus/s],
    [{ unified: { 'memory.high': 'lots' } }, /memory\.high.*from: linux\.resources\.unified/s],
  ] as const) {
    sandbox.configure((spec) => (spec.linux!.resources = resources as never))
    const { status, stderr } = sandbox.run(['--systemd-cgroup', 'run', sandbox.id])
    t.is(status, 1)
    t.regex(stderr, words)
    t.notRegex(stderr, /internal error|not cleaned up/)
    t.is(show(`runt-${sandbox.id}.scope`, ['ActiveState']).ActiveState, 'inactive')
  }
  sandbox.assertClean(t)
})
