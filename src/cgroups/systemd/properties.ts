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
}

const infinity = (1n << 64n) - 1n

const amount = (text: string): bigint => (text === 'max' ? infinity : BigInt(text))

/** A property of one number. */
const number =
  (name: string) =>
  (value: string): Property[] => [{ name, signature: 't', value: amount(value) }]

/** Microseconds: systemd works with multiples of 10 ms and rounds down, which would take away what was granted. */
const quotaStep = 10_000n
const second = 1_000_000n

function cpuMax(value: string, version: number): Property[] {
  const [quota = 'max', period = '100000'] = value.split(' ')
  const perSecond = quota === 'max' ? infinity : ((BigInt(quota) * second) / BigInt(period) / quotaStep) * quotaStep
  const exact = quota === 'max' || (BigInt(quota) * second) % (BigInt(period) * quotaStep) === 0n
  const properties: Property[] = [
    { name: 'CPUQuotaPerSecUSec', signature: 't', value: exact ? perSecond : perSecond + quotaStep },
  ]
  if (version >= 242) properties.push({ name: 'CPUQuotaPeriodUSec', signature: 't', value: BigInt(period) })
  return properties
}

/** A list such as `0-3,7` as systemd's bitmap: bit n of byte n / 8. */
export function bitmap(list: string): Uint8Array {
  const bits: number[] = []
  for (const part of list.split(',')) {
    const [first = '', last = first] = part.trim().split('-')
    if (first === '') continue
    for (let bit = Number(first); bit <= Number(last) && bit < 65_536; bit++) bits.push(bit)
  }
  const bytes = new Uint8Array(bits.length === 0 ? 0 : (Math.max(...bits) >> 3) + 1)
  for (const bit of bits) bytes[bit >> 3]! |= 1 << (bit & 7)
  return bytes
}

const bitmapOf =
  (name: string) =>
  (value: string, version: number): Property[] =>
    version >= 244 ? [{ name, signature: 'ay', value: bitmap(value) }] : []

const ioProperties: Readonly<Record<string, string>> = {
  rbps: 'IOReadBandwidthMax',
  wbps: 'IOWriteBandwidthMax',
  riops: 'IOReadIOPSMax',
  wiops: 'IOWriteIOPSMax',
}

/** `8:0 rbps=1000`: systemd names a device by a file. */
function ioMax(value: string): Property[] {
  const [device = '', ...limits] = value.split(' ')
  return limits.flatMap((limit) => {
    const [key = '', rate = ''] = limit.split('=')
    const name = ioProperties[key]
    return name === undefined ? [] : [{ name, signature: 'a(st)', value: [[`/dev/block/${device}`, amount(rate)]] }]
  })
}

function ioWeight(value: string): Property[] {
  const words = value.split(' ')
  const weight = BigInt(words.at(-1) ?? '0')
  if (words.length === 1 || words[0] === 'default') return [{ name: 'IOWeight', signature: 't', value: weight }]
  return [{ name: 'IODeviceWeight', signature: 'a(st)', value: [[`/dev/block/${words[0]}`, weight]] }]
}

/** The properties of what is written to a file, for systemd of that version. */
const table: Readonly<Record<string, (value: string, version: number) => Property[]>> = {
  'memory.max': number('MemoryMax'),
  'memory.high': number('MemoryHigh'),
  'memory.low': number('MemoryLow'),
  'memory.min': number('MemoryMin'),
  'memory.swap.max': number('MemorySwapMax'),
  'memory.zswap.max': (value, version) => (version >= 253 ? number('MemoryZSwapMax')(value) : []),
  'memory.oom.group': (value, version) =>
    version >= 253 ? [{ name: 'OOMPolicy', signature: 's', value: value === '1' ? 'kill' : 'continue' }] : [],
  'pids.max': number('TasksMax'),
  'cpu.weight': number('CPUWeight'),
  // 0 is systemd's word for idle; any weight ends it.
  'cpu.idle': (value, version) => (value === '1' && version >= 252 ? number('CPUWeight')('0') : []),
  'cpu.max': cpuMax,
  'cpuset.cpus': bitmapOf('AllowedCPUs'),
  'cpuset.mems': bitmapOf('AllowedMemoryNodes'),
  'io.max': ioMax,
  'io.weight': ioWeight,
}

/**
 * The properties that stand for the writes, a later write of one property replacing an earlier one, lists joined.
 * @param version of systemd: what it does not know yet is left out
 */
export function resourceProperties(writes: readonly CgroupWrite[], version: number): Property[] {
  const properties = new Map<string, Property>()
  for (const { file, value } of writes) {
    for (const property of table[file]?.(value, version) ?? []) {
      const before = properties.get(property.name)
      const list = property.signature.startsWith('a(') && before !== undefined
      properties.set(
        property.name,
        list
          ? { ...property, value: [...(before.value as DbusValue[]), ...(property.value as DbusValue[])] }
          : property,
      )
    }
  }
  return [...properties.values()]
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
    if (!/^[A-Z][A-Za-z]+$/.test(name)) {
      problems.push({ pointer, message: `names no property of systemd: "${name}"` })
      continue
    }
    try {
      const { signature, value } = parseVariant(text)
      properties.push(inSeconds(name) ? microseconds(name, value) : { name, signature, value })
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      problems.push({ pointer, message: `is no value in GVariant's text form: ${error.message}` })
    }
  }
  return properties
}

const inSeconds = (name: string): boolean => name.endsWith('Sec') && !name.endsWith('USec')

function microseconds(name: string, value: DbusValue): Property {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw new SyntaxError('seconds must be a number')
  const usec = typeof value === 'bigint' ? value * second : BigInt(Math.round(value * 1e6))
  return { name: `${name.slice(0, -'Sec'.length)}USec`, signature: 't', value: usec }
}
