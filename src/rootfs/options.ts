/**
 * THE TABLE OF MOUNT OPTIONS: what each option of config.json means to the fd-based mount API.
 * What is not in it is a parameter of the filesystem, which the kernel judges.
 * Sources: mount(8), mount_setattr(2), config.md#linux-mount-options.
 */
import type { ConfigProblem } from '../errors.ts'
import { mountAttr, mountAttrAtime, propagation } from '../plan/kernel.ts'
import { didYouMean, quote } from '../spec/problem.ts'

type MountOption =
  /** Of the one mount, or with what is mounted below. */
  | { kind: 'attribute'; set: number; clear: number; recursive: boolean }
  | { kind: 'propagation'; type: number; recursive: boolean }
  | { kind: 'bind'; recursive: boolean }
  /** A setting of the filesystem itself: it would change the filesystem for everyone if set by a bind mount. */
  | { kind: 'superblock'; parameter: string }
  /** What the kernel does anyway. */
  | { kind: 'nothing' }
  | { kind: 'unsupported' }

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
for (const name of ['defaults', 'async', 'nomand', 'nolazytime', 'noiversion', 'silent', 'loud'])
  options.set(name, { kind: 'nothing' })
for (const name of ['iversion', 'tmpcopyup', 'idmap', 'ridmap', 'copy-symlink', 'src-nofollow', 'dest-nofollow'])
  options.set(name, { kind: 'unsupported' })

/** Every option of the table that runt carries out, sorted: for `features`. */
export const knownMountOptions: readonly string[] = [...options]
  .filter(([, option]) => option.kind !== 'unsupported')
  .map(([name]) => name)
  .sort()

export interface Attributes {
  set: number
  /** Includes all access time bits where an access time is named. */
  clear: number
}

export interface ParsedOptions {
  bind: false | 'bind' | 'rbind'
  attributes: Attributes
  recursive: Attributes
  propagation: { type: number; recursive: boolean; origin: string }[]
  /** `name=value` or `name`, for the filesystem. */
  parameters: string[]
}

/**
 * Reads the options of a mount, later ones overruling earlier ones.
 * @param pointer the mount's, for `problems`
 * @param isBind whether the mount's type makes it a bind mount even without `bind` or `rbind`
 */
export function parseMountOptions(
  list: readonly string[],
  isBind: boolean,
  pointer: string,
  problems: ConfigProblem[],
): ParsedOptions {
  const parsed: ParsedOptions = {
    bind: isBind ? 'bind' : false,
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
    const problem = apply(name, parsed, origin)
    if (problem) problems.push({ pointer: origin, ...problem })
  })
  return parsed
}

function apply(name: string, parsed: ParsedOptions, origin: string): Omit<ConfigProblem, 'pointer'> | undefined {
  const option = options.get(name)
  switch (option?.kind) {
    case undefined:
      return parameter(name, parsed)
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
      if (parsed.bind)
        return { message: `is ${quote(name)}, which a bind mount cannot set: it belongs to the filesystem` }
      parsed.parameters.push(option.parameter)
      return
    case 'unsupported':
      return { message: `is ${quote(name)}, which is not supported yet` }
    case 'bind':
    case 'nothing':
      return
  }
}

/** What the table does not know. */
function parameter(name: string, parsed: ParsedOptions): Omit<ConfigProblem, 'pointer'> | undefined {
  if (name === 'remount' && parsed.bind) return
  if (name === 'remount' || /^r?idmap=/.test(name)) return { message: `is ${quote(name)}, which is not supported yet` }
  if (parsed.bind)
    return { message: `is ${quote(name)}, which no bind mount knows`, hint: didYouMean(name, knownMountOptions) }
  if (name === '') return { message: 'must not be empty' }
  parsed.parameters.push(name)
  return
}
