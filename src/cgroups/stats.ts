/**
 * The statistics of one cgroup, read once. Numbers are those of the kernel (Documentation/admin-guide/cgroup-v2.rst), exact to the last
 * of their 64 bits; what a controller would tell that the cgroup does not have is left out. Knows no container.
 */
import { RuntError } from '../errors.ts'
import type { Host } from '../host/host.ts'
import { codeOf, failed } from './failures.ts'
import { processes, readIfThere } from './fs.ts'

/** Processor time, in microseconds: cpu.stat, which every cgroup has. */
export interface CpuStats {
  /** Microseconds in all. */
  usage: bigint
  /** Microseconds in programs. */
  user: bigint
  /** Microseconds in the kernel. */
  kernel: bigint
  /** Periods of cpu.max that have passed; without a quota 0, as all that follow. */
  periods: bigint
  /** Periods in which the quota was used up. */
  throttledPeriods: bigint
  /** Microseconds of being held back. */
  throttled: bigint
  /** Periods in which time that was saved up was used (cpu.max.burst). */
  burstPeriods: bigint
  /** Microseconds used beyond the quota. */
  burst: bigint
}

/** An amount with its limit. */
export interface Amount {
  /** Bytes in use. */
  usage: bigint
  /** Bytes at most; undefined: no limit. */
  limit?: bigint | undefined
  /** Bytes in use at most so far; undefined where the kernel does not tell (memory: before 5.19, swap: before 6.5). */
  peak?: bigint | undefined
}

/** The memory controller. */
export interface MemoryStats extends Amount {
  /** Swap alone, in bytes; undefined where the kernel does not account for it. */
  swap?: Amount | undefined
  /** memory.stat, by name: bytes, pages or counts, as cgroup-v2.rst says. */
  stat: Readonly<Record<string, bigint>>
  /** memory.events, by name: how often `low`, `high`, `max`, `oom`, `oom_kill` and `oom_group_kill` came to pass. */
  events: Readonly<Record<string, bigint>>
}

/** Tasks. */
export interface PidsStats {
  /** Tasks; without the pids controller, processes. */
  current: bigint
  /** Tasks at most; undefined: no limit. */
  limit?: bigint | undefined
}

/** What went to and from one block device. */
export interface DeviceStats {
  major: number
  minor: number
  /** Bytes. */
  readBytes: bigint
  /** Bytes. */
  writeBytes: bigint
  /** Operations. */
  reads: bigint
  /** Operations. */
  writes: bigint
  /** Bytes that were discarded. */
  discardBytes: bigint
  /** Operations that discarded. */
  discards: bigint
}

/** Huge pages of one size. */
export interface HugetlbStats {
  /** Bytes in use. */
  usage: bigint
  /** Bytes at most; undefined: no limit. */
  limit?: bigint | undefined
  /** How often a page was refused because of the limit. */
  refused: bigint
}

/** Shares of the time in which tasks waited for a resource (Documentation/accounting/psi.rst). */
export interface PressureAverages {
  /** Percent of the last 10 seconds. */
  avg10: number
  /** Percent of the last 60 seconds. */
  avg60: number
  /** Percent of the last 300 seconds. */
  avg300: number
  /** Microseconds in all. */
  total: bigint
}

/** Pressure stall information of one resource. */
export interface Pressure {
  /** At least one task waited. */
  some: PressureAverages
  /** All tasks that had something to do waited. */
  full: PressureAverages
}

/** What the files of a cgroup tell. */
export interface CgroupStats {
  cpu: CpuStats
  /** undefined without the controller. */
  memory?: MemoryStats | undefined
  pids: PidsStats
  /** By device, as io.stat has them; undefined without the controller. */
  io?: readonly DeviceStats[] | undefined
  /** By the size of a page as in the names of the files (`2MB`). */
  hugetlb: Readonly<Record<string, HugetlbStats>>
  /** undefined where the kernel has no pressure stall information, or not of this resource. */
  pressure: { cpu?: Pressure | undefined; memory?: Pressure | undefined; io?: Pressure | undefined }
}

/** Which parts are read, for those who need not all: without the huge pages no directory is listed. */
export interface StatsParts {
  hugetlb: boolean
}

/**
 * Reads the statistics of a cgroup and of those below it.
 * @param path the cgroup's directory
 * @returns undefined if there is no such cgroup (any more)
 * @throws RuntError `CGROUP_READ` where a file cannot be read, or does not hold what the kernel writes
 */
export async function readStats(
  host: Host,
  path: string,
  parts: StatsParts = { hugetlb: true },
): Promise<CgroupStats | undefined> {
  const read = (file: string) => readFile(host, path, file)
  const cpu = await read('cpu.stat')
  if (cpu === undefined) return undefined
  const pressure = async (resource: string) => {
    const file = `${resource}.pressure`
    const text = await read(file)
    return text === undefined || text === '' ? undefined : parsePressure(text, `${path}/${file}`)
  }
  const io = await read('io.stat')
  return {
    cpu: parseCpu(cpu, `${path}/cpu.stat`),
    memory: await readMemory(path, read),
    pids: await readPids(host, path, read),
    io: io === undefined ? undefined : parseIo(io, `${path}/io.stat`),
    hugetlb: parts.hugetlb ? await readHugetlb(host, path, read) : {},
    pressure: { cpu: await pressure('cpu'), memory: await pressure('memory'), io: await pressure('io') },
  }
}

/** undefined where there is no such file, and for pressure that the kernel was told not to measure (psi=0: EOPNOTSUPP). */
async function readFile(host: Host, path: string, file: string): Promise<string | undefined> {
  try {
    return await readIfThere(host, `${path}/${file}`)
  } catch (error) {
    if (codeOf(error) === 'EOPNOTSUPP') return undefined
    throw failed('CGROUP_READ', `read ${path}/${file}`, error)
  }
}

type Read = (file: string) => Promise<string | undefined>

async function readAmount(path: string, prefix: string, read: Read): Promise<Amount | undefined> {
  const value = async (suffix: string) => {
    const text = await read(`${prefix}.${suffix}`)
    return text === undefined ? undefined : parseLimit(text, `${path}/${prefix}.${suffix}`)
  }
  const usage = await value('current')
  if (usage === undefined) return undefined
  return { usage, limit: await value('max'), peak: await value('peak') }
}

async function readMemory(path: string, read: Read): Promise<MemoryStats | undefined> {
  const memory = await readAmount(path, 'memory', read)
  const stat = await read('memory.stat')
  if (memory === undefined || stat === undefined) return undefined
  return {
    ...memory,
    swap: await readAmount(path, 'memory.swap', read),
    stat: parseFlat(stat, `${path}/memory.stat`),
    events: parseFlat((await read('memory.events')) ?? '', `${path}/memory.events`),
  }
}

async function readPids(host: Host, path: string, read: Read): Promise<PidsStats> {
  const current = await read('pids.current')
  if (current === undefined) return { current: BigInt((await processes(host, path)).length) }
  const limit = await read('pids.max')
  return {
    current: parseLimit(current, `${path}/pids.current`) ?? 0n,
    limit: limit === undefined ? undefined : parseLimit(limit, `${path}/pids.max`),
  }
}

async function readHugetlb(host: Host, path: string, read: Read): Promise<Record<string, HugetlbStats>> {
  const result: Record<string, HugetlbStats> = {}
  for (const size of await hugePageSizes(host, path)) {
    const amount = await readAmount(path, `hugetlb.${size}`, read)
    if (amount === undefined) continue
    const file = `hugetlb.${size}.events`
    const { max } = parseFlat((await read(file)) ?? '', `${path}/${file}`)
    result[size] = { usage: amount.usage, limit: amount.limit, refused: max ?? 0n }
  }
  return result
}

async function hugePageSizes(host: Host, path: string): Promise<string[]> {
  try {
    const names = await host.files.list(path)
    return names.flatMap((name) => /^hugetlb\.([^.]+)\.current$/.exec(name)?.[1] ?? []).sort()
  } catch (error) {
    if (['ENOENT', 'ENODEV', 'ENOTDIR'].includes(codeOf(error) ?? '')) return []
    throw failed('CGROUP_READ', `list cgroup ${path}`, error)
  }
}

// ——— the formats of the files ———

/** The largest value of 64 bits. */
export const maxUint64 = (1n << 64n) - 1n

function malformed(file: string, what: string): RuntError {
  return new RuntError(
    'CGROUP_READ',
    `read ${file}: ${JSON.stringify(what.slice(0, 100))} is not what the kernel writes`,
  )
}

/** An unsigned integer of 64 bits. Counters that the kernel lets fall below 0 for an instant count as 0. */
function parseUint(text: string, file: string, line: string): bigint {
  if (/^[0-9]+$/.test(text)) {
    const value = BigInt(text)
    if (value <= maxUint64) return value
  }
  if (/^-[0-9]+$/.test(text)) return 0n
  throw malformed(file, line)
}

/**
 * A file with one number.
 * @returns undefined for `max`
 * @throws RuntError `CGROUP_READ`
 */
export function parseLimit(text: string, file: string): bigint | undefined {
  const value = text.trim()
  return value === 'max' ? undefined : parseUint(value, file, value)
}

/**
 * A file of lines `name number` ("flat keyed").
 * @throws RuntError `CGROUP_READ`
 */
export function parseFlat(text: string, file: string): Record<string, bigint> {
  const result: Record<string, bigint> = {}
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [name = '', value, ...more] = line.split(' ')
    if (name === '' || value === undefined || more.length > 0) throw malformed(file, line)
    result[name] = parseUint(value, file, line)
  }
  return result
}

/**
 * cpu.stat.
 * @throws RuntError `CGROUP_READ`
 */
export function parseCpu(text: string, file: string): CpuStats {
  const flat = parseFlat(text, file)
  const value = (name: string): bigint => flat[name] ?? 0n
  return {
    usage: value('usage_usec'),
    user: value('user_usec'),
    kernel: value('system_usec'),
    periods: value('nr_periods'),
    throttledPeriods: value('nr_throttled'),
    throttled: value('throttled_usec'),
    burstPeriods: value('nr_bursts'),
    burst: value('burst_usec'),
  }
}

const deviceFields = {
  rbytes: 'readBytes',
  wbytes: 'writeBytes',
  rios: 'reads',
  wios: 'writes',
  dbytes: 'discardBytes',
  dios: 'discards',
} as const

/**
 * io.stat: lines `major:minor name=number …`. Before 5.18 the kernel wrote a device that had nothing to tell without ending its line,
 * so that the next one follows on it. Names that are not known (of io.latency, io.cost) are left out, and so is a device without any.
 * @throws RuntError `CGROUP_READ`
 */
export function parseIo(text: string, file: string): DeviceStats[] {
  const result: DeviceStats[] = []
  for (const line of text.split('\n')) {
    let device: DeviceStats | undefined
    let counted = false
    for (const word of line.split(' ').filter(Boolean)) {
      const numbers = /^([0-9]+):([0-9]+)$/.exec(word)
      if (numbers !== null) {
        device = noTraffic(Number(numbers[1]), Number(numbers[2]))
        counted = false
        continue
      }
      const [name = '', value] = word.split('=')
      if (device === undefined || value === undefined) throw malformed(file, line)
      if (!(name in deviceFields)) continue
      device[deviceFields[name as keyof typeof deviceFields]] = parseUint(value, file, line)
      if (!counted) result.push(device)
      counted = true
    }
  }
  return result
}

function noTraffic(major: number, minor: number): DeviceStats {
  return { major, minor, readBytes: 0n, writeBytes: 0n, reads: 0n, writes: 0n, discardBytes: 0n, discards: 0n }
}

/**
 * cpu.pressure, memory.pressure or io.pressure: lines `some avg10=… avg60=… avg300=… total=…` and `full …`, which processors have since 5.13.
 * @throws RuntError `CGROUP_READ`
 */
export function parsePressure(text: string, file: string): Pressure {
  const result: Pressure = { some: noPressure(), full: noPressure() }
  for (const line of text.split('\n')) {
    const [kind, ...words] = line.split(' ').filter(Boolean)
    if (kind !== 'some' && kind !== 'full') continue
    const averages = result[kind]
    for (const word of words) {
      const [name, value = ''] = word.split('=')
      if (name === 'total') averages.total = parseUint(value, file, line)
      if (name !== 'avg10' && name !== 'avg60' && name !== 'avg300') continue
      if (!/^[0-9]+(\.[0-9]+)?$/.test(value)) throw malformed(file, line)
      averages[name] = Number(value)
    }
  }
  return result
}

function noPressure(): PressureAverages {
  return { avg10: 0, avg60: 0, avg300: 0, total: 0n }
}
