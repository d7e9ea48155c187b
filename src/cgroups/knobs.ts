/**
 * The table of what becomes of each field of `linux.resources`: which file of the container's cgroup is written, and how.
 * Pure: it compiles resources into writes, in the order in which they must be made, and does none of them.
 */
import type { ConfigProblem } from '../errors.ts'
import { escapePointer } from '../spec/problem.ts'
import type { Resources, ThrottleDevice } from '../spec/schema.gen.ts'
import { bytes, cpuMax, cpuWeight, decimal, ioRate, ioWeight, pidsMax, swapMax, type Converted } from './values.ts'

/** One write(2) to a file of the cgroup. */
export interface CgroupWrite {
  /** Name in the cgroup's directory. */
  file: string
  value: string
  /** JSON Pointer of the field that asked for it. */
  pointer: string
  /** Controller that provides the file; '' for the core's own (`cgroup.…`). */
  controller: string
  /** The kernel may lack the file, and then nothing is lost. */
  optional?: true
  /** What to write where the file is missing. */
  fallback?: { file: string; value: string }
}

/** `memory.checkBeforeUpdate`: limits that must lie above what the cgroup uses already. Bytes; undefined where there is none. */
export interface UsageCheck {
  limit?: number
  /** Of memory and swap together. */
  swap?: number
}

export interface CompiledResources {
  writes: CgroupWrite[]
  problems: ConfigProblem[]
  /** Sentences without a period: what has no effect in cgroup v2, and why. */
  warnings: string[]
  check?: UsageCheck
}

/** What a row gives: a write (the row's file and pointer unless it says otherwise), a problem, or why it has no effect. */
type Outcome =
  | {
      value: string
      file?: string
      pointer?: string
      controller?: string
      optional?: true
      fallback?: { file: string; value: string }
    }
  | { problem: string; pointer?: string; hint?: string }
  | { ignored: string; pointer?: string }

export interface Knob {
  /** Below /linux/resources. */
  pointer: string
  /** Name of the file; `<…>` stands for what the field's value fills in. '' where cgroup v2 has none. */
  file: string
  controller: string
  doc: string
  convert(resources: Resources): Outcome[]
}

const base = '/linux/resources'

/** An outcome of a conversion that has at most one. */
function one(converted: Converted): Outcome[] {
  return converted === undefined ? [] : [converted]
}

function text(value: string | number | undefined): Outcome[] {
  return value === undefined || value === '' ? [] : [{ value: String(value) }]
}

/**
 * A setting of a controller that v2 has too, but without it: refused if it asks for something (config-linux.md#unified), unless
 * Docker, Podman or nerdctl have a flag for it: then it is `ignored`, as in runc.
 */
function missing(asked: boolean, hint?: string, pointer?: string): Outcome[] {
  const more = { ...(hint === undefined ? {} : { hint }), ...(pointer === undefined ? {} : { pointer }) }
  return asked ? [{ problem: 'has no equivalent in cgroup v2', ...more }] : []
}

/** A setting that changes nothing in cgroup v2, where runc leaves it alone too: a warning if it asks for something. */
function ignored(asked: boolean, why: string): Outcome[] {
  return asked ? [{ ignored: why }] : []
}

function throttle(devices: readonly ThrottleDevice[] | undefined, key: string, field: string): Outcome[] {
  return (devices ?? []).map((device, index) => ({
    value: `${device.major}:${device.minor} ${key}=${ioRate(device.rate)}`,
    pointer: `/blockIO/${field}/${index}`,
  }))
}

/** A blkio weight lies between 10 and 1000; 0 is unset. */
function weights(weight: number | undefined, device: string, pointer: string): Outcome[] {
  if (!weight) return []
  if (weight < 10 || weight > 1000) return [{ problem: `is ${weight}; a weight is 10 to 1000`, pointer }]
  return [
    {
      value: `${device}${weight}`,
      pointer,
      // io.bfq.weight is there only while the bfq scheduler is loaded, and takes the value as it is.
      fallback: { file: 'io.weight', value: `${device}${ioWeight(weight)}` },
    },
  ]
}

function hugepages(resources: Resources): Outcome[] {
  return (resources.hugepageLimits ?? []).flatMap((entry, index): Outcome[] => {
    const pointer = `/hugepageLimits/${index}`
    if (!/^[1-9][0-9]*[KMG]B$/.test(entry.pageSize)) {
      return [{ problem: `"${entry.pageSize}" is not a page size; one looks like 2MB`, pointer: `${pointer}/pageSize` }]
    }
    const value = decimal(entry.limit)
    return [
      { value, pointer, file: `hugetlb.${entry.pageSize}.max` },
      // Reservations are accounted apart since Linux 5.7.
      { value, pointer, file: `hugetlb.${entry.pageSize}.rsvd.max`, optional: true },
    ]
  })
}

function rdma(resources: Resources): Outcome[] {
  return Object.entries(resources.rdma ?? {}).flatMap(([device, limits]): Outcome[] => {
    const pointer = `/rdma/${escapePointer(device)}`
    if (!/^[^\s]+$/.test(device)) return [{ problem: 'is not the name of a device', pointer }]
    const parts = [device]
    if (limits.hcaHandles !== undefined) parts.push(`hca_handle=${decimal(limits.hcaHandles)}`)
    if (limits.hcaObjects !== undefined) parts.push(`hca_object=${decimal(limits.hcaObjects)}`)
    return parts.length === 1 ? [] : [{ value: parts.join(' '), pointer }]
  })
}

function unified(resources: Resources): Outcome[] {
  return Object.entries(resources.unified ?? {}).flatMap(([file, value]): Outcome[] => {
    const pointer = `/unified/${escapePointer(file)}`
    if (file.includes('/')) return [{ problem: 'must be a file name (no slashes)', pointer }]
    const match = /^([a-z0-9_]+)\.[^\0]+$/.exec(file)
    if (match === null) return [{ problem: 'must be in the form CONTROLLER.PARAMETER', pointer }]
    const controller = match[1] === 'cgroup' ? '' : match[1]!
    const lines = value.split('\n').filter((line) => line !== '')
    return lines.map((line) => ({ value: line, pointer, file, controller }))
  })
}

const realtimeWay = 'real-time groups are not part of cgroup v2; process.scheduler makes a process a real-time one'

const networkGroups =
  'cgroup v2 has no net_cls and net_prio; match the cgroup itself with iptables -m cgroup --path, or eBPF'

/** In the order of the writes. */
export const knobs: readonly Knob[] = [
  {
    pointer: '/pids/limit',
    file: 'pids.max',
    controller: 'pids',
    doc: 'Tasks at most; below 0: no limit; 0: init alone, and no limit where ociVersion is below 1.3.',
    convert: (r) => text(pidsMax(r.pids?.limit)),
  },
  {
    // Before memory.max: a limit of memory alone would let the container swap until the next write.
    pointer: '/memory/swap',
    file: 'memory.swap.max',
    controller: 'memory',
    doc: 'Bytes of swap: swap minus limit. Without swap in the kernel, "none" and "no limit" need no file.',
    convert: (r) =>
      one(swapMax(r.memory?.swap, r.memory?.limit)).map((outcome) =>
        'value' in outcome && (outcome.value === 'max' || outcome.value === '0')
          ? { ...outcome, optional: true }
          : outcome,
      ),
  },
  {
    pointer: '/memory/limit',
    file: 'memory.max',
    controller: 'memory',
    doc: 'Bytes of memory at most; -1: no limit.',
    convert: (r) => one(bytes(r.memory?.limit)),
  },
  {
    pointer: '/memory/reservation',
    file: 'memory.low',
    controller: 'memory',
    doc: 'Bytes that reclaim leaves alone while it can.',
    convert: (r) => one(bytes(r.memory?.reservation)),
  },
  {
    pointer: '/memory/kernel',
    file: '',
    controller: '',
    doc: 'No effect, with a warning: kernel memory is part of memory.max, and kernels since 5.16 limit it nowhere else.',
    convert: (r) => ignored((r.memory?.kernel ?? 0) > 0, 'kernel memory counts towards memory.limit'),
  },
  {
    pointer: '/memory/kernelTCP',
    file: '',
    controller: '',
    doc: 'No effect, with a warning: the buffers of TCP are part of memory.max.',
    convert: (r) => ignored((r.memory?.kernelTCP ?? 0) > 0, 'the buffers of TCP count towards memory.limit'),
  },
  {
    pointer: '/memory/swappiness',
    file: '',
    controller: '',
    doc: 'No effect, with a warning: there is no swappiness of a cgroup.',
    convert: (r) =>
      ignored(r.memory?.swappiness !== undefined, 'memory.swap limits the swap that the container may use'),
  },
  {
    pointer: '/memory/disableOOMKiller',
    file: '',
    controller: '',
    doc: 'No effect, with a warning if true: the OOM killer cannot be disabled for a cgroup.',
    convert: (r) =>
      ignored(
        r.memory?.disableOOMKiller === true,
        'only process.oomScoreAdj -1000 exempts processes from being killed',
      ),
  },
  {
    pointer: '/memory/useHierarchy',
    file: '',
    controller: '',
    doc: 'Refused if false: accounting is always hierarchical.',
    convert: (r) => missing(r.memory?.useHierarchy === false, 'cgroup v2 always accounts hierarchically'),
  },
  {
    pointer: '/memory/checkBeforeUpdate',
    file: 'memory.current',
    controller: 'memory',
    doc: 'Before limit and swap are written: they are refused where they are not above what is used. Only read.',
    convert: () => [],
  },
  {
    pointer: '/blockIO/weight',
    file: 'io.bfq.weight',
    controller: 'io',
    doc: 'Proportional weight; io.weight, scaled, where bfq is not loaded.',
    convert: (r) => weights(r.blockIO?.weight, '', '/blockIO/weight'),
  },
  {
    pointer: '/blockIO/weightDevice',
    file: 'io.bfq.weight',
    controller: 'io',
    doc: 'The same for one device.',
    convert: (r) =>
      (r.blockIO?.weightDevice ?? []).flatMap((device, index) =>
        weights(device.weight, `${device.major}:${device.minor} `, `/blockIO/weightDevice/${index}`),
      ),
  },
  {
    pointer: '/blockIO/leafWeight',
    file: '',
    controller: '',
    doc: 'Refused, for one device too: inner cgroups have no tasks, so there is no leaf weight.',
    convert: (r) => [
      ...missing((r.blockIO?.leafWeight ?? 0) > 0),
      ...(r.blockIO?.weightDevice ?? []).flatMap(({ leafWeight }, index) =>
        missing((leafWeight ?? 0) > 0, undefined, `/blockIO/weightDevice/${index}/leafWeight`),
      ),
    ],
  },
  {
    pointer: '/blockIO/throttleReadBpsDevice',
    file: 'io.max',
    controller: 'io',
    doc: 'Bytes read a second at most.',
    convert: (r) => throttle(r.blockIO?.throttleReadBpsDevice, 'rbps', 'throttleReadBpsDevice'),
  },
  {
    pointer: '/blockIO/throttleWriteBpsDevice',
    file: 'io.max',
    controller: 'io',
    doc: 'Bytes written a second at most.',
    convert: (r) => throttle(r.blockIO?.throttleWriteBpsDevice, 'wbps', 'throttleWriteBpsDevice'),
  },
  {
    pointer: '/blockIO/throttleReadIOPSDevice',
    file: 'io.max',
    controller: 'io',
    doc: 'Reads a second at most.',
    convert: (r) => throttle(r.blockIO?.throttleReadIOPSDevice, 'riops', 'throttleReadIOPSDevice'),
  },
  {
    pointer: '/blockIO/throttleWriteIOPSDevice',
    file: 'io.max',
    controller: 'io',
    doc: 'Writes a second at most.',
    convert: (r) => throttle(r.blockIO?.throttleWriteIOPSDevice, 'wiops', 'throttleWriteIOPSDevice'),
  },
  {
    // Before cpu.weight: an idle cgroup (Linux 5.15) takes no weight, one that stops to be idle does.
    pointer: '/cpu/idle',
    file: 'cpu.idle',
    controller: 'cpu',
    doc: '1: runs only when nothing else wants to.',
    convert: (r) => text(r.cpu?.idle),
  },
  {
    pointer: '/cpu/shares',
    file: 'cpu.weight',
    controller: 'cpu',
    doc: 'Proportional share of the processors.',
    convert: (r) => text(r.cpu?.shares === undefined ? undefined : cpuWeight(r.cpu.shares)),
  },
  {
    pointer: '/cpu/quota',
    file: 'cpu.max',
    controller: 'cpu',
    doc: 'Microseconds of processor time in each period.',
    convert: (r) =>
      text(cpuMax(r.cpu?.quota, r.cpu?.period)).map((outcome) => ({
        ...outcome,
        pointer: r.cpu?.quota ? '/cpu/quota' : '/cpu/period',
      })),
  },
  {
    pointer: '/cpu/period',
    file: 'cpu.max',
    controller: 'cpu',
    doc: 'Microseconds of a period; written together with the quota.',
    convert: () => [],
  },
  {
    // After cpu.max: the kernel refuses a burst above the quota.
    pointer: '/cpu/burst',
    file: 'cpu.max.burst',
    controller: 'cpu',
    doc: 'Microseconds that may be saved up from earlier periods.',
    convert: (r) => text(r.cpu?.burst === undefined ? undefined : decimal(r.cpu.burst)),
  },
  {
    pointer: '/cpu/realtimeRuntime',
    file: '',
    controller: '',
    doc: 'No effect, with a warning: real-time groups are not part of cgroup v2.',
    convert: (r) => ignored(Boolean(r.cpu?.realtimeRuntime), realtimeWay),
  },
  {
    pointer: '/cpu/realtimePeriod',
    file: '',
    controller: '',
    doc: 'No effect, with a warning: real-time groups are not part of cgroup v2.',
    convert: (r) => ignored(Boolean(r.cpu?.realtimePeriod), realtimeWay),
  },
  {
    pointer: '/cpu/cpus',
    file: 'cpuset.cpus',
    controller: 'cpuset',
    doc: 'Processors to run on, as a list.',
    convert: (r) => text(r.cpu?.cpus),
  },
  {
    pointer: '/cpu/mems',
    file: 'cpuset.mems',
    controller: 'cpuset',
    doc: 'Memory nodes to take memory from, as a list.',
    convert: (r) => text(r.cpu?.mems),
  },
  {
    pointer: '/hugepageLimits',
    file: 'hugetlb.<size>.max',
    controller: 'hugetlb',
    doc: 'Bytes in huge pages of a size, used and (where accounted) reserved.',
    convert: hugepages,
  },
  {
    pointer: '/rdma',
    file: 'rdma.max',
    controller: 'rdma',
    doc: 'Handles and objects of an RDMA device.',
    convert: rdma,
  },
  {
    pointer: '/network/classID',
    file: '',
    controller: '',
    doc: 'No effect, with a warning: cgroup v2 has no net_cls.',
    convert: (r) => ignored((r.network?.classID ?? 0) > 0, networkGroups),
  },
  {
    pointer: '/network/priorities',
    file: '',
    controller: '',
    doc: 'No effect, with a warning: cgroup v2 has no net_prio.',
    convert: (r) => ignored((r.network?.priorities ?? []).length > 0, networkGroups),
  },
  {
    // Last, so that it wins over the fields above (OCI: unified overrides nothing that runt itself must set).
    pointer: '/unified',
    file: '<file>',
    controller: '<controller>',
    doc: 'Any file of cgroup v2, line by line.',
    convert: unified,
  },
]

/**
 * The writes that `linux.resources` asks for, in order, and all that is wrong with it.
 * Devices are not among them: see devices.ts.
 */
export function compileResources(resources: Resources | undefined): CompiledResources {
  const compiled: CompiledResources = { writes: [], problems: [], warnings: [] }
  if (resources === undefined) return compiled
  const { limit, swap, checkBeforeUpdate } = resources.memory ?? {}
  if (checkBeforeUpdate === true) compiled.check = { ...positive('limit', limit), ...positive('swap', swap) }
  const asked = Object.keys(resources).map((group) => `/${group}`)
  for (const knob of knobs) {
    if (!asked.some((group) => knob.pointer.startsWith(group))) continue
    for (const outcome of knob.convert(resources)) {
      const pointer = base + (outcome.pointer ?? knob.pointer)
      if ('ignored' in outcome) {
        compiled.warnings.push(`${pointer.slice(1).replaceAll('/', '.')} has no effect: ${outcome.ignored}`)
        continue
      }
      if ('problem' in outcome) {
        const { problem, hint } = outcome
        compiled.problems.push({ pointer, message: problem, ...(hint === undefined ? {} : { hint }) })
        continue
      }
      const { file, controller, pointer: _, ...rest } = outcome
      compiled.writes.push({ file: file ?? knob.file, controller: controller ?? knob.controller, pointer, ...rest })
    }
  }
  return compiled
}

function positive(name: 'limit' | 'swap', value: number | undefined): UsageCheck {
  return value !== undefined && value > 0 ? { [name]: value } : {}
}
