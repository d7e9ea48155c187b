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

const superblock: Readonly<Record<string, string>> = {
  sync: 'sync',
  dirsync: 'dirsync',
  mand: 'mand',
  lazytime: 'lazytime',
  // ext4's name for it, and the only one to have one: the others count versions anyway (ext4 too, since Linux 6.1).
  iversion: 'i_version',
}

const nothing: readonly string[] = ['defaults', 'async', 'nomand', 'nolazytime', 'noiversion', 'silent', 'loud']

const special: Readonly<Record<string, SpecialOption>> = {
  tmpcopyup: 'copyUp',
  'copy-symlink': 'copySymlink',
  'src-nofollow': 'sourceNoFollow',
  'dest-nofollow': 'destinationNoFollow',
  remount: 'remount',
}

/** Every option of the table, sorted: for `features`, and for who wrote one that is nearly it. */
export function knownMountOptions(): readonly string[] {
  const both = [...flags.flatMap(([on, off]) => [on, off]), ...[...accessTimes, ...propagations].map(([name]) => name)]
  both.push('bind', 'norelatime', 'idmap')
  return [
    ...both.flatMap((name) => [name, `r${name}`]),
    ...[superblock, special].flatMap((names) => Object.keys(names)),
    ...nothing,
  ].sort()
}

const found = new Map<string, MountOption | undefined>()

/** What an option is; undefined where it is not in the table. Mounts have the same few: each is looked for once. */
function optionOf(name: string): MountOption | undefined {
  if (!found.has(name)) {
    const below = name.startsWith('r') ? find(name.slice(1), true) : undefined
    found.set(name, find(name, false) ?? below)
  }
  return found.get(name)
}

/** @param recursive whether `name` had an `r` before it: with what is mounted below */
function find(name: string, recursive: boolean): MountOption | undefined {
  for (const [on, off, bit] of flags) {
    if (name === on) return { kind: 'attribute', set: bit, clear: 0, recursive }
    if (name === off) return { kind: 'attribute', set: 0, clear: bit, recursive }
  }
  for (const [known, set] of accessTimes)
    if (name === known) return { kind: 'attribute', set, clear: mountAttrAtime, recursive }
  for (const [known, type] of propagations) if (name === known) return { kind: 'propagation', type, recursive }
  if (name === 'bind' || name === 'idmap') return { kind: name, recursive }
  if (name === 'norelatime' || (!recursive && nothing.includes(name))) return { kind: 'nothing' }
  if (recursive) return undefined
  if (Object.hasOwn(superblock, name)) return { kind: 'superblock', parameter: superblock[name]! }
  return Object.hasOwn(special, name) ? { kind: 'special', field: special[name]! } : undefined
}

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
    const option = optionOf(name)
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
  const option = optionOf(name)
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
    return { message: `is ${quote(name)}, which no bind mount knows`, hint: didYouMean(name, knownMountOptions()) }
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
