/** The ids that a user other than root may map: its own, and those of /etc/subuid and /etc/subgid. Loaded only for `unpack` and what it left. */
import type { Host, LayerRights } from '../host/host.ts'
import type { IdMapping } from '../spec/schema.gen.ts'
import { attempt } from './failures.ts'

/** Names of the values. */
export const layerRights = { all: 0, userNamespace: 1, oneId: 2 } as const satisfies Record<string, LayerRights>

/** Of a user namespace. */
export interface OwnIds {
  uid: readonly IdMapping[]
  gid: readonly IdMapping[]
}

/** user_namespaces(7): the kernel takes no more lines. */
const maxLines = 340

/**
 * A user namespace in which the caller is root, and the subordinate ids follow from 1 on. Without subordinate users, or without
 * subordinate groups, it has no other ids.
 * @throws RuntError where a file cannot be read
 */
export async function ownIds(host: Host): Promise<OwnIds> {
  const uid = await host.system.euid()
  const gid = await host.system.egid()
  const names = [String(uid), ...(await namesOf(host, uid))]
  const users = rangesOf(await read(host, '/etc/subuid'), names)
  const groups = rangesOf(await read(host, '/etc/subgid'), names)
  const whole = users.length > 0 && groups.length > 0
  return { uid: mapOf(uid, whole ? users : []), gid: mapOf(gid, whole ? groups : []) }
}

/** Whether there is no id but the root's. */
export function isOneId({ uid, gid }: OwnIds): boolean {
  return [uid, gid].some((list) => list.reduce((sum, { size }) => sum + size, 0) <= 1)
}

/** What this process may do with layers, by the kernel's word alone. */
export async function layerRightsOf(host: Host): Promise<LayerRights> {
  if (!(await host.system.inUserNamespace())) return layerRights.all
  return isOneId(await idsOfNamespace(host)) ? layerRights.oneId : layerRights.userNamespace
}

/** The ids of the user namespace that this process is in, as its parent has them. */
export async function idsOfNamespace(host: Host): Promise<OwnIds> {
  const [uid, gid] = [await read(host, '/proc/self/uid_map'), await read(host, '/proc/self/gid_map')]
  return { uid: parseMap(uid), gid: parseMap(gid) }
}

async function read(host: Host, path: string): Promise<string> {
  return (await attempt(`read ${path}`, {}, () => host.files.readTextIfExists(path))) ?? ''
}

async function namesOf(host: Host, uid: number): Promise<string[]> {
  const rows = (await read(host, '/etc/passwd')).split('\n').map((line) => line.split(':'))
  return rows.flatMap(([name, , id]) => (name !== undefined && name !== '' && id === String(uid) ? [name] : []))
}

interface Range {
  first: number
  size: number
}

/** subuid(5): `NAME-OR-ID:FIRST:COUNT`. What is no such line is somebody else's affair. */
function rangesOf(text: string, names: readonly string[]): Range[] {
  return text.split('\n').flatMap((line) => {
    const [owner, first, size, ...more] = line.trim().split(':')
    if (owner === undefined || !names.includes(owner) || more.length > 0) return []
    const range = { first: numberOf(first), size: numberOf(size) }
    return range.size > 0 && range.first + range.size <= 0xffffffff ? [range] : []
  })
}

function numberOf(text: string | undefined): number {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : NaN
}

function mapOf(own: number, ranges: readonly Range[]): IdMapping[] {
  const list: IdMapping[] = [{ containerID: 0, hostID: own, size: 1 }]
  let next = 1
  for (const { first, size } of ranges.slice(0, maxLines - 1)) {
    list.push({ containerID: next, hostID: first, size })
    next += size
  }
  return list
}

function parseMap(text: string): IdMapping[] {
  return text.split('\n').flatMap((line) => {
    const [containerID, hostID, size] = line.trim().split(/\s+/).map(Number)
    return size === undefined ? [] : [{ containerID: containerID!, hostID: hostID!, size }]
  })
}
