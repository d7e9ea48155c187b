/**
 * What of a cgroup's files systemd has a property for (org.freedesktop.systemd1(5), systemd.resource-control(5)): so that
 * `systemctl show` tells the truth, and a reload of systemd does not take the limits back. The files are written as well:
 * systemd does not know them all. Pure.
 */
import type { ConfigProblem } from '../../errors.ts'
import { escapePointer } from '../../spec/problem.ts'
import type { CgroupWrite } from '../knobs.ts'
import { parseVariant, type DbusValue } from './variant.ts'

export interface Property {
  name: string
  /** Of the value. */
  signature: string
  value: DbusValue
  /** JSON Pointer of the field of config.json that asked for it. */
  pointer: string
}

/** A property of a limit. What a file takes and the property does not is left to the file: the kernel judges it. */
type Bare = Omit<Property, 'pointer'>

const infinity = (1n << 64n) - 1n
const suffixes = 'KMGTPE'

/** A number as the kernel reads it from a file, with the suffixes of memparse; undefined if it is none, or lies outside. */
function amount(text: string, least = 0n, most = infinity): bigint | undefined {
  const trimmed = text.trim()
  if (trimmed === 'max') return infinity
  const match = /^([0-9]{1,20})([KMGTPE]?)$/i.exec(trimmed)
  if (match === null) return undefined
  const shift = match[2] === '' ? 0 : 10 * (suffixes.indexOf(match[2]!.toUpperCase()) + 1)
  const value = BigInt(match[1]!) << BigInt(shift)
  return value < least || value > most ? undefined : value
}

/** A property of one number, which systemd takes from `least` on. */
const number =
  (name: string, least = 0n, most = infinity) =>
  (value: string): Bare[] => {
    const found = amount(value, least, most)
    return found === undefined ? [] : [{ name, signature: 't', value: found }]
  }

/** systemd keeps the quota in whole hundredths of a processor, and rounds down, which would take away what was granted. */
const quotaStep = 10_000n
const second = 1_000_000n

function cpuMax(value: string, version: number): Bare[] {
  const [quotaText = 'max', periodText = '100000'] = value.trim().split(/\s+/)
  const quota = amount(quotaText, 1n)
  const period = amount(periodText, 1n, second)
  if (quota === undefined || period === undefined) return []
  const steps = (quota * second + period * quotaStep - 1n) / (period * quotaStep)
  const properties: Bare[] = [
    { name: 'CPUQuotaPerSecUSec', signature: 't', value: quota === infinity ? infinity : steps * quotaStep },
  ]
  if (version >= 242) properties.push({ name: 'CPUQuotaPeriodUSec', signature: 't', value: period })
  return properties
}

/** A list such as `0-3,7` as systemd's bitmap: bit n of byte n / 8. undefined for what is no such list. */
export function bitmap(list: string): Uint8Array | undefined {
  const bits = new Set<number>()
  let highest = -1
  for (const part of list.split(',')) {
    if (part.trim() === '') continue
    const match = /^\s*([0-9]{1,5})(?:-([0-9]{1,5}))?\s*$/.exec(part)
    if (match === null) return undefined
    for (let bit = Number(match[1]); bit <= Number(match[2] ?? match[1]); bit++) {
      bits.add(bit)
      highest = Math.max(highest, bit)
    }
  }
  const bytes = new Uint8Array((highest + 8) >> 3)
  for (const bit of bits) bytes[bit >> 3]! |= 1 << (bit & 7)
  return bytes
}

const bitmapOf =
  (name: string) =>
  (value: string, version: number): Bare[] => {
    const bits = version >= 244 ? bitmap(value) : undefined
    return bits === undefined ? [] : [{ name, signature: 'ay', value: bits }]
  }

const ioProperties: Readonly<Record<string, string>> = {
  rbps: 'IOReadBandwidthMax',
  wbps: 'IOWriteBandwidthMax',
  riops: 'IOReadIOPSMax',
  wiops: 'IOWriteIOPSMax',
}

const deviceNumbers = /^[0-9]+:[0-9]+$/

/** `8:0 rbps=1000`: systemd names a device by a file. */
function ioMax(value: string): Bare[] {
  const [device = '', ...limits] = value.trim().split(/\s+/)
  if (!deviceNumbers.test(device)) return []
  return limits.flatMap((limit) => {
    const [key = '', rate = ''] = limit.split('=')
    const [name, most] = [ioProperties[key], amount(rate)]
    if (name === undefined || most === undefined) return []
    return [{ name, signature: 'a(st)', value: [[`/dev/block/${device}`, most]] }]
  })
}

/** `50`, `default 50`, `8:0 50`. */
const weights =
  (convert: (weight: bigint) => bigint) =>
  (value: string): Bare[] => {
    const words = value.trim().split(/\s+/)
    const found = amount(words.at(-1) ?? '', 1n, 10_000n)
    if (found === undefined || words.length > 2) return []
    const weight = convert(found)
    if (words.length === 1 || words[0] === 'default') return [{ name: 'IOWeight', signature: 't', value: weight }]
    if (!deviceNumbers.test(words[0]!)) return []
    return [{ name: 'IODeviceWeight', signature: 'a(st)', value: [[`/dev/block/${words[0]}`, weight]] }]
  }

/** systemd has the weights of io.weight, 1 to 10000, and makes those of io.bfq.weight, 1 to 1000, of them: this is the way back. */
const fromBfq = (weight: bigint): bigint => (weight <= 100n ? weight : 100n + (weight - 100n) * 11n)

/** The properties of what is written to a file, for systemd of that version. */
const table: Readonly<Record<string, (value: string, version: number) => Bare[]>> = {
  'memory.max': number('MemoryMax', 1n),
  'memory.high': number('MemoryHigh', 1n),
  'memory.low': number('MemoryLow'),
  'memory.min': number('MemoryMin'),
  'memory.swap.max': number('MemorySwapMax'),
  'memory.zswap.max': (value, version) => (version >= 253 ? number('MemoryZSwapMax')(value) : []),
  'pids.max': number('TasksMax', 1n),
  'cpu.weight': number('CPUWeight', 1n, 10_000n),
  // 0 is systemd's word for idle, which would come back if its end was not told: "not set".
  'cpu.idle': (value, version) =>
    version >= 252 && /^[01]$/.test(value.trim())
      ? [{ name: 'CPUWeight', signature: 't', value: value.trim() === '1' ? 0n : infinity }]
      : [],
  'cpu.max': cpuMax,
  'cpuset.cpus': bitmapOf('AllowedCPUs'),
  'cpuset.mems': bitmapOf('AllowedMemoryNodes'),
  'io.max': ioMax,
  'io.weight': weights((weight) => weight),
  'io.bfq.weight': weights(fromBfq),
}

/**
 * The properties that stand for the writes, a later write of one property replacing an earlier one, lists joined.
 * @param version of systemd: what it does not know yet is left out
 */
export function resourceProperties(writes: readonly CgroupWrite[], version: number): Property[] {
  const properties = new Map<string, Property>()
  for (const { file, value, pointer } of writes) {
    for (const property of table[file]?.(value, version) ?? []) {
      const before = properties.get(property.name)
      const list = property.signature.startsWith('a(') && before !== undefined
      const joined = list ? [...(before.value as DbusValue[]), ...(property.value as DbusValue[])] : property.value
      properties.set(property.name, { ...property, value: joined, pointer })
    }
  }
  return [...properties.values()]
}

/** Those that a scope can only be made with: systemd takes no other value later. */
export function lastingProperties(writes: readonly CgroupWrite[], version: number): Property[] {
  const group = writes.findLast(({ file }) => file === 'memory.oom.group')
  if (group === undefined || version < 253) return []
  const policy = { 0: 'continue', 1: 'kill' }[group.value.trim()]
  return policy === undefined ? [] : [{ name: 'OOMPolicy', signature: 's', value: policy, pointer: group.pointer }]
}

/** Of annotations that become properties of the unit. */
export const annotationPrefix = 'org.systemd.property.'

/**
 * The properties that annotations ask for: `org.systemd.property.NAME` with a value in GVariant's text form. `…Sec` is in seconds
 * and becomes `…USec`, in microseconds.
 */
export function annotatedProperties(
  annotations: Readonly<Record<string, string>>,
  problems: ConfigProblem[],
): Property[] {
  const properties: Property[] = []
  for (const [key, text] of Object.entries(annotations)) {
    if (!key.startsWith(annotationPrefix)) continue
    const name = key.slice(annotationPrefix.length)
    const pointer = `/annotations/${escapePointer(key)}`
    if (!/^[A-Za-z]{3,}$/.test(name)) {
      problems.push({ pointer, message: `names no property of systemd: "${name}"` })
      continue
    }
    try {
      const { signature, value } = parseVariant(text)
      properties.push(inSeconds(name) ? microseconds(name, value, pointer) : { name, signature, value, pointer })
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      problems.push({ pointer, message: `is no value in GVariant's text form: ${error.message}` })
    }
  }
  return properties
}

const inSeconds = (name: string): boolean => /[a-z]Sec$/.test(name)

function microseconds(name: string, value: DbusValue, pointer: string): Property {
  const isNumber = typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))
  if (!isNumber) throw new SyntaxError('seconds must be a number')
  const usec = typeof value === 'bigint' ? value * second : BigInt(Math.round(value * 1e6))
  if (usec < 0n || usec > infinity)
    throw new SyntaxError('seconds must not be negative, nor beyond 64 bits of microseconds')
  return { name: `${name.slice(0, -'Sec'.length)}USec`, signature: 't', value: usec, pointer }
}
