/**
 * Id-mapped mounts (config.md#posix-platform-mounts, options `idmap` and `ridmap`): which mapping a mount gets, and where the
 * user namespace comes from that carries it. mount_setattr(2) takes a mapping only in the form of a user namespace.
 */
import type { ConfigProblem } from '../errors.ts'
import type { Register } from '../plan/fields.ts'
import { at } from '../plan/kernel.ts'
import type { Input, PlanBuilder } from '../plan/plan.ts'
import type { IdMapping, Mount } from '../spec/schema.gen.ts'
import { fieldOf } from './paths.ts'
import type { IdmapOption, OptionMapping, ParsedOptions } from './options.ts'

/** The container's user namespace, as far as mounts are concerned. */
export interface UserNamespaceFacts {
  membership: 'new' | 'joined' | 'none'
  /** Of the one that is joined. */
  path?: string | undefined
  uid: readonly IdMapping[]
  gid: readonly IdMapping[]
}

/** A mount's mapping, checked. */
export interface PreparedIdmap {
  origin: string
  recursive: boolean
  /** Where the plan's input comes from: namespaces of the same mappings are made once. */
  source: Extract<Input['source'], { kind: 'userns' | 'path' }>
}

/** All ids as they are: for the kind of which `idmap=…` names no mappings. */
const unchanged: readonly IdMapping[] = [{ containerID: 0, hostID: 0, size: 0xffffffff }]

/** The mapping that a mount asks for; undefined where it asks for none, or for one that it cannot have. */
export function prepareIdmap(
  mount: Mount,
  options: ParsedOptions,
  pointer: string,
  users: UserNamespaceFacts,
  problems: ConfigProblem[],
): PreparedIdmap | undefined {
  const option = options.idmap
  const { uidMappings = [], gidMappings = [] } = mount
  if (uidMappings.length > 0 || gidMappings.length > 0) {
    const source = { kind: 'userns', uid: uidMappings, gid: gidMappings } as const
    return { origin: `${pointer}/uidMappings`, recursive: option?.recursive ?? false, source }
  }
  if (option === undefined) return undefined
  const { origin, recursive } = option
  if (option.uids !== undefined || option.gids !== undefined) {
    const uid = resolve(option.uids, users.uid, origin, problems)
    const gid = resolve(option.gids, users.gid, origin, problems)
    return { origin, recursive, source: { kind: 'userns', uid, gid } }
  }
  switch (users.membership) {
    case 'new':
      return { origin, recursive, source: { kind: 'userns', uid: users.uid, gid: users.gid } }
    case 'joined':
      return { origin, recursive, source: { kind: 'path', path: users.path ?? '', flags: 'readOnly' } }
    case 'none':
      problems.push({
        pointer: origin,
        message: 'needs mappings: the container has no user namespace whose own could be taken',
        hint: `add uidMappings and gidMappings to ${fieldOf(pointer)}`,
      })
      return undefined
  }
}

/** Ranges of an option as mappings; those that count in the container's user namespace are found in its mappings. */
function resolve(
  ranges: IdmapOption['uids'],
  ofContainer: readonly IdMapping[],
  pointer: string,
  problems: ConfigProblem[],
): readonly IdMapping[] {
  if (ranges === undefined) return unchanged
  return ranges.map((range) => {
    const { containerID, size } = range
    const hostID = range.relative ? hostIdOf(range, ofContainer) : range.hostID
    if (hostID === undefined) {
      problems.push({
        pointer,
        message: `must name ids of the container's user namespace: it does not map ${range.hostID}`,
      })
    }
    return { containerID, hostID: hostID ?? 0, size }
  })
}

function hostIdOf({ hostID: id }: OptionMapping, mappings: readonly IdMapping[]): number | undefined {
  const found = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size)
  return found && id - found.containerID + found.hostID
}

/** Declares the user namespaces as inputs, the same one for the same mappings; the mount's register is in the answer. */
export function declareIdmaps<M extends { idmap?: PreparedIdmap | undefined }>(
  plan: PlanBuilder,
  mounts: readonly M[],
): ReadonlyMap<M, Register> {
  const registers = new Map<M, Register>()
  const known = new Map<string, Register>()
  for (const mount of mounts) {
    if (mount.idmap === undefined) continue
    const { origin, source } = mount.idmap
    const key = JSON.stringify(source)
    const register = known.get(key) ?? plan.input('id mapping', origin, source)
    known.set(key, register)
    registers.set(mount, register)
  }
  return registers
}

/** Gives a detached mount its mapping. Needs the rights of the user namespace that the filesystem belongs to. */
export function addIdmap(plan: PlanBuilder, mount: Register, idmap: PreparedIdmap, userns: Register): void {
  plan.add('idmap', idmap.origin, { mount, userns, flags: idmap.recursive ? at.RECURSIVE : 0 })
}
