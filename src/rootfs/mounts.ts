/**
 * config.json's mounts (config.md#mounts) as steps: a mount is made detached, given its attributes, and only then attached
 * to its place below the root, so that nothing ever sees it half-made.
 */
import type { ConfigProblem } from '../errors.ts'
import type { Register } from '../plan/fields.ts'
import { at, kind, make, mountAttr, propagation } from '../plan/kernel.ts'
import type { PlanBuilder } from '../plan/plan.ts'
import type { Mount } from '../spec/schema.gen.ts'
import { parseMountOptions, type Attributes, type ParsedOptions } from './options.ts'
import { containerPath, hostPath } from './paths.ts'

/** What mounts depend on beside their own fields. */
export interface MountFacts {
  bundle: string
  /** The container's cgroup on the host, for cgroup mounts in a cgroup namespace of its own. */
  cgroupDir: string | undefined
  /** The host's cgroup2 mount, for cgroup mounts without a cgroup namespace. */
  cgroupRoot: string | undefined
  cgroupNamespace: 'new' | 'joined' | 'none'
}

/** A mount, checked, before it becomes steps. */
export interface PreparedMount {
  /** `/mounts/N`. */
  origin: string
  /** Absolute, inside the container. */
  destination: string
  source: { from: 'host'; path: string; recursive: boolean } | { from: 'filesystem'; type: string; name: string }
  options: ParsedOptions
  /** Becomes read-only only after all is made that lies below it: tmpfs and /dev. */
  lateReadonly: boolean
}

/** Filesystems without a device: their superblock is not read-only because one mount is. */
const virtual = new Set(['proc', 'sysfs', 'tmpfs', 'ramfs', 'devpts', 'mqueue', 'cgroup2', 'devtmpfs'])

/** Reads all mounts of a configuration that was validated. */
export function prepareMounts(
  mounts: readonly Mount[],
  facts: MountFacts,
  problems: ConfigProblem[],
): readonly PreparedMount[] {
  return mounts.map((mount, index) => prepareMount(mount, `/mounts/${index}`, facts, problems))
}

function prepareMount(mount: Mount, origin: string, facts: MountFacts, problems: ConfigProblem[]): PreparedMount {
  const options = parseMountOptions(mount.options ?? [], mount.type === 'bind', origin, problems)
  const destination = containerPath(mount.destination)
  const source = sourceOf(mount, options, origin, facts, problems)
  const readonly = (options.attributes.set & mountAttr.RDONLY) !== 0
  const lateReadonly = readonly && source.from === 'filesystem' && (source.type === 'tmpfs' || destination === '/dev')
  return { origin, destination, source, options, lateReadonly }
}

function sourceOf(
  mount: Mount,
  options: ParsedOptions,
  origin: string,
  facts: MountFacts,
  problems: ConfigProblem[],
): PreparedMount['source'] {
  if (options.bind) {
    if (mount.source === undefined)
      problems.push({ pointer: `${origin}/source`, message: 'is required for a bind mount' })
    return { from: 'host', path: hostPath(facts.bundle, mount.source ?? ''), recursive: options.bind === 'rbind' }
  }
  if (mount.type === 'cgroup' || mount.type === 'cgroup2') return cgroupSource(mount, options, facts)
  return { from: 'filesystem', type: mount.type ?? '', name: mount.source ?? mount.type ?? '' }
}

/**
 * A cgroup mount shows what the container's cgroup namespace shows. A new mount of cgroup2 waits for an RCU grace period
 * (7 to 16 ms); a bind of the directory that would be its root costs nothing.
 */
function cgroupSource(mount: Mount, options: ParsedOptions, facts: MountFacts): PreparedMount['source'] {
  const path = { new: facts.cgroupDir, none: facts.cgroupRoot, joined: undefined }[facts.cgroupNamespace]
  // Parameters are for the filesystem, which only a new mount can be given.
  if (path === undefined || options.parameters.length > 0)
    return { from: 'filesystem', type: 'cgroup2', name: mount.source ?? 'cgroup' }
  return { from: 'host', path, recursive: false }
}

/** Takes the tree that a mount shows from the host, before anything can hide it. Nothing to do for other mounts. */
export function cloneSource(plan: PlanBuilder, mount: PreparedMount): Register | undefined {
  if (mount.source.from !== 'host') return
  const tree = plan.register(mount.destination)
  const flags = mount.source.recursive ? at.RECURSIVE : 0
  plan.add('openTree', `${mount.origin}/source`, { dst: tree, path: mount.source.path, flags })
  return tree
}

/** Whether the mount is to share events with the host's mount that it shows (options shared, rshared). */
export function sharesEvents(mount: PreparedMount): boolean {
  return mount.options.propagation.some(({ type }) => type === propagation.SHARED)
}

/**
 * Makes a mount and attaches it to its destination below the root.
 * @param tree what `cloneSource` gave, where that was already done
 */
export function addMount(
  plan: PlanBuilder,
  root: Register,
  mount: PreparedMount,
  tree: Register | undefined,
): Register {
  const { source, options, origin } = mount
  let made: Register
  if (source.from === 'host') {
    made = tree ?? cloneSource(plan, mount)!
    setAttributes(plan, made, options.attributes, 0, origin)
    setAttributes(plan, made, options.recursive, at.RECURSIVE, origin)
  } else {
    made = addFilesystem(plan, source.type, source.name, mount)
  }
  const target = plan.register(`${mount.destination} (place)`)
  const place = { dst: target, root, path: mount.destination }
  if (source.from === 'host') plan.add('openLike', `${origin}/destination`, { ...place, source: made })
  else plan.add('openIn', `${origin}/destination`, { ...place, ...mountPoint(source.type) })
  // As runc has it: a tmpfs on /tmp stays open to all.
  if (
    source.from === 'filesystem' &&
    source.type === 'tmpfs' &&
    !options.parameters.some((text) => text.startsWith('mode='))
  )
    plan.add('copyMode', origin, { mount: made, target })
  plan.add('attach', origin, { mount: made, target })
  plan.add('close', origin, { fd: target })
  for (const { type, recursive, origin: option } of options.propagation) {
    const flags = recursive ? at.RECURSIVE : 0
    plan.add('mountAttributes', option, { mount: made, set: 0, clear: 0, propagation: type, flags })
  }
  if (!mount.lateReadonly) plan.add('close', origin, { fd: made })
  return made
}

function setAttributes(
  plan: PlanBuilder,
  mount: Register,
  attributes: Attributes,
  flags: number,
  origin: string,
): void {
  if (attributes.set === 0 && attributes.clear === 0) return
  plan.add('mountAttributes', `${origin}/options`, { mount, ...attributes, propagation: 0, flags })
}

/** Directories are made where they are missing. CVE-2019-19921: /proc and /sys may not be reached through a symlink. */
function mountPoint(type: string): { make: number; mode: number; kind: number; optional: number } {
  const real = type === 'proc' || type === 'sysfs'
  return { make: make.directories, mode: 0o755, kind: real ? kind.realDirectory : kind.directory, optional: 0 }
}

function addFilesystem(plan: PlanBuilder, type: string, source: string, mount: PreparedMount): Register {
  const dst = plan.register(mount.destination)
  const { attributes, recursive, parameters } = mount.options
  const wanted = (attributes.set & ~recursive.clear) | recursive.set
  const readonly = (wanted & mountAttr.RDONLY) !== 0
  plan.add('newMount', mount.origin, {
    dst,
    type,
    source,
    // A read-only device can be opened only by a superblock that is read-only.
    parameters: readonly && !virtual.has(type) ? ['ro', ...parameters] : parameters,
    attributes: mount.lateReadonly ? wanted & ~mountAttr.RDONLY : wanted,
  })
  return dst
}

/** Makes those mounts read-only that had to wait, once everything below them is made. */
export function addLateReadonly(plan: PlanBuilder, mounts: readonly { mount: PreparedMount; made: Register }[]): void {
  for (const { mount, made } of mounts) {
    if (!mount.lateReadonly) continue
    const fields = { mount: made, set: mountAttr.RDONLY, clear: 0, propagation: 0, flags: 0 }
    plan.add('mountAttributes', `${mount.origin}/options`, fields)
    plan.add('close', mount.origin, { fd: made })
  }
}
