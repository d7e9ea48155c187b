/**
 * Statistics as runc prints them: its names, its nesting, what it leaves out, and 64 bits to the last digit. The shape was made for
 * cgroup v1, and what only v1 has stays 0 (runc: types/events.go).
 */
import {
  maxUint64,
  type Amount,
  type CgroupStats,
  type ContainerEvent,
  type ContainerStats,
  type DeviceStats,
  type Pressure,
  type RdtStats,
} from '../runtime/stats.ts'

type Json = bigint | number | string | null | readonly Json[] | { readonly [name: string]: Json | undefined }

/** A line of `events`. */
export function eventLine(id: string, event: ContainerEvent): string {
  if (event.type === 'oom') return `${encode({ type: 'oom', id })}\n`
  return `${encode({ type: 'stats', id, data: statsData(event.stats) })}\n`
}

/** JSON.stringify knows no integers of 64 bits. What is undefined is left out. */
export function encode(value: Json): string {
  if (typeof value === 'bigint') return String(value)
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (isList(value)) return `[${value.map(encode).join(',')}]`
  const fields = Object.entries(value).flatMap(([name, field]) =>
    field === undefined ? [] : `${JSON.stringify(name)}:${encode(field)}`,
  )
  return `{${fields.join(',')}}`
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

/** runc leaves many fields out that are 0. */
function unlessZero(value: bigint): bigint | undefined {
  return value === 0n ? undefined : value
}

function statsData({ cpu, memory, pids, io, hugetlb, pressure, intelRdt = {} }: ContainerStats): Json {
  const ns = (microseconds: bigint): bigint => microseconds * 1000n
  return {
    cpu: {
      usage: { total: unlessZero(ns(cpu.usage)), kernel: ns(cpu.kernel), user: ns(cpu.user) },
      throttling: {
        periods: unlessZero(cpu.periods),
        throttledPeriods: unlessZero(cpu.throttledPeriods),
        throttledTime: unlessZero(ns(cpu.throttled)),
      },
      psi: pressureData(pressure.cpu),
    },
    cpuset: noCpuset,
    memory: {
      ...memoryData(memory),
      psi: pressureData(pressure.memory),
    },
    pids: { current: unlessZero(pids.current), limit: unlessZero(pids.limit ?? 0n) },
    blkio: {
      ioServiceBytesRecursive: devices(io, 'readBytes', 'writeBytes'),
      ioServicedRecursive: devices(io, 'reads', 'writes'),
      psi: pressureData(pressure.io),
    },
    hugetlb: Object.fromEntries(
      Object.entries(hugetlb).map(([size, { usage, refused }]) => [
        size,
        { usage: unlessZero(usage), failcnt: refused },
      ]),
    ),
    intel_rdt: rdtData(intelRdt),
    network_interfaces: null,
  }
}

const noCpuset = {
  cpu_exclusive: 0,
  mem_hardwall: 0,
  mem_exclusive: 0,
  memory_migrate: 0,
  memory_spread_page: 0,
  memory_spread_slab: 0,
  memory_pressure: 0,
  sched_load_balance: 0,
  sched_relax_domain_level: 0,
}

const nothing = { limit: 0, failcnt: 0 }

function memoryData(memory: CgroupStats['memory']): Record<string, Json | undefined> {
  if (memory === undefined) return { usage: nothing, swap: nothing, kernel: nothing, kernelTCP: nothing }
  const { stat, swap = { usage: 0n, limit: 0n } } = memory
  const raw = Object.fromEntries(Object.entries(stat).sort(([a], [b]) => (a < b ? -1 : 1)))
  return {
    cache: unlessZero(stat.file ?? 0n),
    usage: amount(memory),
    // v1 counted memory and swap together.
    swap: amount({ usage: memory.usage + swap.usage, limit: sum(memory.limit, swap.limit) }),
    kernel: nothing,
    kernelTCP: nothing,
    raw: Object.keys(raw).length === 0 ? undefined : raw,
  }
}

/** undefined is no limit. */
function sum(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  return a === undefined || b === undefined ? undefined : a + b
}

function amount({ usage, limit, peak = 0n }: Amount): Json {
  return { limit: limit ?? maxUint64, usage: unlessZero(usage), max: unlessZero(peak), failcnt: 0 }
}

function pressureData(pressure: Pressure | undefined): Json | undefined {
  if (pressure === undefined) return undefined
  const averages = ({ avg10, avg60, avg300, total }: Pressure['some']): Json => ({ avg10, avg60, avg300, total })
  return { some: averages(pressure.some), full: averages(pressure.full) }
}

type Counter = Exclude<keyof DeviceStats, 'major' | 'minor'>

function devices(io: CgroupStats['io'], read: Counter, write: Counter): Json | undefined {
  if (io === undefined || io.length === 0) return undefined
  const entry = ({ major, minor }: DeviceStats, op: string, value: bigint): Json => ({
    major: major === 0 ? undefined : major,
    minor: minor === 0 ? undefined : minor,
    op,
    value: unlessZero(value),
  })
  return io.flatMap((device) => [entry(device, 'Read', device[read]), entry(device, 'Write', device[write])])
}

function rdtData({ l3Cache, memBw, traffic, occupancy, ...schemas }: RdtStats): Json {
  const number = (text: string | undefined): bigint | undefined =>
    text === undefined || !/^[0-9]+$/.test(text) ? undefined : unlessZero(BigInt(text))
  return {
    l3_cache_info: l3Cache && {
      cbm_mask: l3Cache.cbm_mask,
      min_cbm_bits: number(l3Cache.min_cbm_bits),
      num_closids: number(l3Cache.num_closids),
    },
    l3_cache_schema_root: schemas.l3CacheSchemaRoot,
    l3_cache_schema: schemas.l3CacheSchema,
    mem_bw_info: memBw && {
      bandwidth_gran: number(memBw.bandwidth_gran),
      delay_linear: number(memBw.delay_linear),
      min_bandwidth: number(memBw.min_bandwidth),
      num_closids: number(memBw.num_closids),
    },
    mem_bw_schema_root: schemas.memBwSchemaRoot,
    mem_bw_schema: schemas.memBwSchema,
    mbm_stats: traffic?.map(({ total, local }) => ({ mbm_total_bytes: total, mbm_local_bytes: local })),
    cmt_stats: occupancy?.map((bytes) => ({ llc_occupancy: bytes })),
  }
}
