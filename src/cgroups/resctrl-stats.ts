/** What the resctrl filesystem tells of a container's class of service (Documentation/arch/x86/resctrl.rst). */
import type { Host } from '../host/host.ts'
import { codeOf, failed } from './failures.ts'
import { findResctrl, type SavedRdt } from './resctrl.ts'

/** Intel RDT; undefined is what this processor does not have, or the container did not ask to be monitored. */
export interface RdtStats {
  /** The L3 line of `schemata`: of the container's class, and of the root class. */
  l3CacheSchema?: string | undefined
  l3CacheSchemaRoot?: string | undefined
  /** info/L3, by name: `cbm_mask` in hexadecimal, `min_cbm_bits` and `num_closids` decimal. */
  l3Cache?: Readonly<Record<string, string>> | undefined
  /** The MB line of `schemata`: of the container's class, and of the root class. */
  memBwSchema?: string | undefined
  memBwSchemaRoot?: string | undefined
  /** info/MB, by name, decimal: `bandwidth_gran`, `delay_linear`, `min_bandwidth` (percent) and `num_closids`. */
  memBw?: Readonly<Record<string, string>> | undefined
  /** Memory traffic by domain of the cache: bytes in all, and of the own memory node. */
  traffic?: readonly { total: bigint; local: bigint }[] | undefined
  /** Bytes of cache in use by domain. */
  occupancy?: readonly bigint[] | undefined
}

/**
 * Reads what the class of a container has and, where it is monitored, uses.
 * @throws RuntError `NO_RESCTRL`, `RDT_READ`
 */
export async function readRdtStats(host: Host, { group, monitor }: SavedRdt): Promise<RdtStats> {
  const root = await findResctrl(host)
  const read = (file: string) => readFile(host, file)
  const schemata = await read(`${group}/schemata`)
  const schemataRoot = await read(`${root}/schemata`)
  const l3Cache = await info(read, `${root}/info/L3`, ['cbm_mask', 'min_cbm_bits', 'num_closids'])
  const memBw = await info(read, `${root}/info/MB`, ['bandwidth_gran', 'delay_linear', 'min_bandwidth', 'num_closids'])
  return {
    l3Cache,
    ...(l3Cache && { l3CacheSchema: line(schemata, 'L3'), l3CacheSchemaRoot: line(schemataRoot, 'L3') }),
    memBw,
    ...(memBw && { memBwSchema: line(schemata, 'MB'), memBwSchemaRoot: line(schemataRoot, 'MB') }),
    ...(monitor !== undefined && (await monitoring(host, root, monitor))),
  }
}

type Read = (file: string) => Promise<string | undefined>

async function readFile(host: Host, file: string): Promise<string | undefined> {
  try {
    return await host.files.readTextIfExists(file)
  } catch (error) {
    throw failed('RDT_READ', `read ${file}`, error)
  }
}

/** undefined where the resource is not there. */
async function info(read: Read, dir: string, names: readonly string[]): Promise<Record<string, string> | undefined> {
  const result: Record<string, string> = {}
  for (const name of names) {
    const text = await read(`${dir}/${name}`)
    if (text !== undefined) result[name] = text.trim()
  }
  return Object.keys(result).length === 0 ? undefined : result
}

function line(schemata: string | undefined, resource: string): string | undefined {
  const lines = (schemata ?? '').split('\n').map((each) => each.trim())
  return lines.find((each) => each.startsWith(`${resource}:`))
}

async function monitoring(host: Host, root: string, monitor: string): Promise<Pick<RdtStats, 'traffic' | 'occupancy'>> {
  const features = ((await readFile(host, `${root}/info/L3_MON/mon_features`)) ?? '').split('\n')
  const traffic: { total: bigint; local: bigint }[] = []
  const occupancy: bigint[] = []
  for (const domain of await domains(host, `${monitor}/mon_data`)) {
    const value = async (name: string): Promise<bigint> => {
      const text = ((await readFile(host, `${monitor}/mon_data/${domain}/${name}`)) ?? '').trim()
      // "Unavailable" and "Error", for a while.
      return /^[0-9]+$/.test(text) ? BigInt(text) : 0n
    }
    traffic.push({ total: await value('mbm_total_bytes'), local: await value('mbm_local_bytes') })
    occupancy.push(await value('llc_occupancy'))
  }
  return {
    traffic: features.some((feature) => feature.startsWith('mbm_')) ? traffic : undefined,
    occupancy: features.includes('llc_occupancy') ? occupancy : undefined,
  }
}

async function domains(host: Host, dir: string): Promise<string[]> {
  try {
    return (await host.files.list(dir)).filter((name) => name.startsWith('mon_L3_')).sort()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw failed('RDT_READ', `list ${dir}`, error)
  }
}
