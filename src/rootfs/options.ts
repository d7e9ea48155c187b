/**
 * THE TABLE OF MOUNT OPTIONS: what each option of config.json means to the fd-based mount API.
 * What is not in it is a parameter of the filesystem, which the kernel judges.
 * Sources: mount(8), mount_setattr(2), config.md#linux-mount-options.
 */
import type { ConfigProblem } from '../errors.ts'
import { mountAttr, mountAttrAtime, propagation } from '../plan/kernel.ts'
import { didYouMean, quote } from '../spec/problem.ts'
import { fieldOf } from './paths.ts'

type MountOption =
  /** Of the one mount, or with what is mounted below. */
  | { kind: 'attribute'; set: number; clear: number; recursive: boolean }
  | { kind: 'propagation'; type: number; recursive: boolean }
  | { kind: 'bind'; recursive: boolean }
  /** A setting of the filesystem itself: it would change the filesystem for everyone if set by a bind mount. */
  | { kind: 'superblock'; parameter: string }
  /** What the kernel does anyway. */
  | { kind: 'nothing' }
  | { kind: 'idmap'; recursive: boolean }
  /** What runt does beside the mount; each has its field in ParsedOptions. */
  | { kind: 'special'; field: SpecialOption }

/** Options that are no flag of a mount and no parameter of a filesystem: where each stands, once given. */
type SpecialOption = 'copyUp' | 'copySymlink' | 'sourceNoFollow' | 'destinationNoFollow' | 'remount'

function attribute(set: number, clear: number, recursive: boolean): MountOption {
  return { kind: 'attribute', set, clear, recursive }
}

/** Attributes by the name that sets and the name that clears them. */
const flags: readonly (readonly [on: string, off: string, bit: number])[] = [
  ['ro', 'rw', mountAttr.RDONLY],
  ['nosuid', 'suid', mountAttr.NOSUID],
  ['nodev', 'dev', mountAttr.NODEV],
  ['noexec', 'exec', mountAttr.NOEXEC],
  ['nodiratime', 'diratime', mountAttr.NODIRATIME],
  ['nosymfollow', 'symfollow', mountAttr.NOSYMFOLLOW],
]

/** Access times: one setting of three values, of which relatime is the kernel's own. */
const accessTimes: readonly (readonly [name: string, value: number])[] = [
  ['noatime', mountAttr.NOATIME],
  ['atime', 0],
  ['relatime', 0],
  ['strictatime', mountAttr.STRICTATIME],
  ['nostrictatime', 0],
]

const propagations: readonly (readonly [name: string, type: number])[] = [
  ['shared', propagation.SHARED],
  ['slave', propagation.SLAVE],
  ['private', propagation.PRIVATE],
  ['unbindable', propagation.UNBINDABLE],
]

const options = new Map<string, MountOption>()
for (const [prefix, recursive] of [
  ['', false],
  ['r', true],
] as const) {
  for (const [on, off, bit] of flags) {
    options.set(prefix + on, attribute(bit, 0, recursive))
    options.set(prefix + off, attribute(0, bit, recursive))
  }
  for (const [name, value] of accessTimes) options.set(prefix + name, attribute(value, mountAttrAtime, recursive))
  for (const [name, type] of propagations) options.set(prefix + name, { kind: 'propagation', type, recursive })
  options.set(`${prefix}bind`, { kind: 'bind', recursive })
  options.set(`${prefix}norelatime`, { kind: 'nothing' })
}
for (const name of ['sync', 'dirsync', 'mand', 'lazytime']) options.set(name, { kind: 'superblock', parameter: name })
// ext4's name for it, and the only one to have one: the others count versions anyway (ext4 too, since Linux 6.1).
options.set('iversion', { kind: 'superblock', parameter: 'i_version' })
for (const name of ['defaults', 'async', 'nomand', 'nolazytime', 'noiversion', 'silent', 'loud'])
  options.set(name, { kind: 'nothing' })
options.set('idmap', { kind: 'idmap', recursive: false })
options.set('ridmap', { kind: 'idmap', recursive: true })
for (const [name, field] of [
  ['tmpcopyup', 'copyUp'],
  ['copy-symlink', 'copySymlink'],
  ['src-nofollow', 'sourceNoFollow'],
  ['dest-nofollow', 'destinationNoFollow'],
  ['remount', 'remount'],
] as const)
  options.set(name, { kind: 'special', field })

/** Every option of the table, sorted: for `features`. */
export const knownMountOptions: readonly string[] = [...options.keys()].sort()

export interface Attributes {
  set: number
  /** Includes all access time bits where an access time is named. */
  clear: number
}

/** A range of an id-mapped mount, as the options give it. */
export interface OptionMapping {
  /** First id of the source's filesystem. */
  containerID: number
  /** What it is in the mount: an id of the host, or with `relative` one of the container's user namespace. */
  hostID: number
  size: number
  relative: boolean
}

/** The option idmap or ridmap. */
export interface IdmapOption {
  recursive: boolean
  origin: string
  /** Of `idmap=uids=…;gids=…`, as crun has it; undefined where the option names no mappings. */
  uids?: readonly OptionMapping[]
  gids?: readonly OptionMapping[]
}

export interface ParsedOptions extends Partial<Record<SpecialOption, string>> {
  type: string | undefined
  bind: false | 'bind' | 'rbind'
  attributes: Attributes
  recursive: Attributes
  propagation: { type: number; recursive: boolean; origin: string }[]
  /** `name=value` or `name`, for the filesystem. */
  parameters: string[]
  idmap?: IdmapOption
}

/** What is said while options are read. */
export interface OptionMessages {
  problems: ConfigProblem[]
  /** Sentences with their place. */
  warnings?: string[]
}

/**
 * Reads the options of a mount, later ones overruling earlier ones.
 * @param pointer the mount's, for `messages`
 * @param type the mount's; `bind` makes it a bind mount even without the options `bind` and `rbind`
 */
export function parseMountOptions(
  list: readonly string[],
  type: string | undefined,
  pointer: string,
  { problems, warnings }: OptionMessages,
): ParsedOptions {
  const parsed: ParsedOptions = {
    type,
    bind: type === 'bind' ? 'bind' : false,
    attributes: { set: 0, clear: 0 },
    recursive: { set: 0, clear: 0 },
    propagation: [],
    parameters: [],
  }
  for (const name of list) {
    const option = options.get(name)
    if (option?.kind === 'bind') parsed.bind = option.recursive || parsed.bind === 'rbind' ? 'rbind' : 'bind'
  }
  list.forEach((name, index) => {
    const origin = `${pointer}/options/${index}`
    const problem = apply(name, parsed, origin, warnings)
    if (problem) problems.push({ pointer: origin, ...problem })
  })
  return parsed
}

function apply(
  name: string,
  parsed: ParsedOptions,
  origin: string,
  warnings: string[] = [],
): Omit<ConfigProblem, 'pointer'> | undefined {
  const option = options.get(name)
  switch (option?.kind) {
    case undefined:
      return parameter(name, parsed, origin)
    case 'attribute': {
      const target = option.recursive ? parsed.recursive : parsed.attributes
      target.set = (target.set & ~option.clear) | option.set
      target.clear = (target.clear & ~option.set) | option.clear
      return
    }
    case 'propagation':
      parsed.propagation.push({ type: option.type, recursive: option.recursive, origin })
      return
    case 'superblock':
      // mount(2) takes these as flags, and a bind mount leaves them aside.
      if (parsed.bind)
        warnings.push(`${fieldOf(origin)}: ignored ${quote(name)}: it belongs to the filesystem, not to a bind mount`)
      else if (name === option.parameter || parsed.type === 'ext4') parsed.parameters.push(option.parameter)
      return
    case 'idmap':
      parsed.idmap = { ...parsed.idmap, recursive: option.recursive, origin }
      return
    case 'special':
      parsed[option.field] = origin
      return
    case 'bind':
    case 'nothing':
      return
  }
}

/** What the table does not know. */
function parameter(name: string, parsed: ParsedOptions, origin: string): Omit<ConfigProblem, 'pointer'> | undefined {
  const mapped = /^(r?)idmap=(.*)$/.exec(name)
  if (mapped !== null) {
    const idmap: IdmapOption = { recursive: mapped[1] === 'r', origin }
    parsed.idmap = idmap
    return parseMappings(mapped[2]!, idmap)
      ? undefined
      : { message: `is ${quote(name)}, which no mapping is`, hint: mappingHint }
  }
  if (parsed.bind)
    return { message: `is ${quote(name)}, which no bind mount knows`, hint: didYouMean(name, knownMountOptions) }
  if (name === '') return { message: 'must not be empty' }
  parsed.parameters.push(name)
  return
}

const mappingHint = "write uids=ID-HOSTID-SIZE#…;gids=…, with @ before a range whose second id is the container's"

/** `uids=0-1000-10#@20-0-1;gids=…`: false where it is not that. */
function parseMappings(text: string, idmap: IdmapOption): boolean {
  for (const part of text.split(';')) {
    const name = part.slice(0, 5)
    if (name !== 'uids=' && name !== 'gids=') return false
    const ranges = part.slice(5).split('#').map(parseRange)
    if (!ranges.every((range) => range !== undefined)) return false
    idmap[name === 'uids=' ? 'uids' : 'gids'] = ranges
  }
  return true
}

function parseRange(text: string): OptionMapping | undefined {
  const match = /^(@?)(\d{1,10})-(\d{1,10})-(\d{1,10})$/.exec(text)
  if (match === null) return undefined
  const [containerID, hostID, size] = match.slice(2).map(Number) as [number, number, number]
  const last = 0xffffffff
  if (size < 1 || containerID + size > last || hostID + size > last) return undefined
  return { containerID, hostID, size, relative: match[1] === '@' }
}
