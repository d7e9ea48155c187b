/**
 * config.json's mounts (config.md#mounts) as steps: a mount is made detached, given its attributes, and only then attached
 * to its place below the root, so that nothing ever sees it half-made.
 */
import { utf8Length } from '../bytes.ts'
import type { ConfigProblem } from '../errors.ts'
import type { Register } from '../plan/fields.ts'
import { at, keep, kind, make, mountAttr, propagation } from '../plan/kernel.ts'
import type { PlanBuilder } from '../plan/plan.ts'
import type { Mount } from '../spec/schema.gen.ts'
import { addIdmap, prepareIdmap, type PreparedIdmap, type UserNamespaceFacts } from './idmap.ts'
import { parseMountOptions, type Attributes, type OptionMessages, type ParsedOptions } from './options.ts'
import { containerPath, fieldOf, hostPath } from './paths.ts'

/** What mounts depend on beside their own fields. */
export interface MountFacts {
  bundle: string
  /** The container's cgroup on the host, for cgroup mounts in a cgroup namespace of its own. */
  cgroupDir: string | undefined
  /** The host's cgroup2 mount, for cgroup mounts without a cgroup namespace. */
  cgroupRoot: string | undefined
  /** How the container has the namespaces by which the kernel decides who may mount what. */
  namespaces: Readonly<Record<'cgroup' | 'network' | 'pid' | 'ipc', 'new' | 'joined' | 'none'>>
  users: UserNamespaceFacts
  /** linux.mountLabel, and the name of the option that carries it. */
  label?: { text: string; option: string } | undefined
  /** Sources that are symlinks, with their targets, as far as a mount has the option copy-symlink. */
  links?: ReadonlyMap<string, string> | undefined
}

type MountSource =
  | { from: 'host'; path: string; recursive: boolean }
  /** `label`: linux.mountLabel where the root directory is to have it, and no option can give it. */
  | { from: 'filesystem'; type: string; name: string; label?: string }
  /** No mount: a symlink in the container, as the source is one. */
  | { from: 'link'; target: string }
  /** What is mounted at the destination already. */
  | { from: 'destination' }

/** A mount, checked, before it becomes steps. */
export interface PreparedMount {
  /** `/mounts/N`. */
  origin: string
  /** Absolute, inside the container. */
  destination: string
  source: MountSource
  options: ParsedOptions
  idmap: PreparedIdmap | undefined
  /** Becomes read-only only after all is made that lies below it: tmpfs and /dev. */
  lateReadonly: boolean
}

/** Filesystems without a device: their superblock is not read-only because one mount is. */
const virtual = new Set(['proc', 'sysfs', 'tmpfs', 'ramfs', 'devpts', 'mqueue', 'cgroup2', 'devtmpfs'])

/** Reads all mounts of a configuration that was validated. */
export function prepareMounts(
  mounts: readonly Mount[],
  facts: MountFacts,
  messages: Required<OptionMessages>,
): readonly PreparedMount[] {
  return mounts.map((mount, index) => prepareMount(mount, `/mounts/${index}`, facts, messages))
}

/** Where a container finds the socket that it tells its state to, as runc has it. */
const notifyDirectory = '/run/notify'
export const notifySocket = `${notifyDirectory}/notify.sock`

/** The mount that shows that socket in the container: of its directory, as the socket is made when the container is started. */
export function prepareNotify(source: string, facts: MountFacts, messages: Required<OptionMessages>): PreparedMount {
  const options = ['bind', 'nosuid', 'noexec', 'nodev', 'ro']
  return prepareMount({ destination: notifyDirectory, source, options }, 'NOTIFY_SOCKET', facts, messages)
}

function prepareMount(
  mount: Mount,
  origin: string,
  facts: MountFacts,
  messages: Required<OptionMessages>,
): PreparedMount {
  const { problems } = messages
  const options = parseMountOptions(mount.options ?? [], mount.type, origin, messages)
  const destination = containerPath(mount.destination)
  const source = sourceOf(mount, options, origin, facts, messages)
  const readonly = (options.attributes.set & mountAttr.RDONLY) !== 0
  const lateReadonly = readonly && source.from === 'filesystem' && (source.type === 'tmpfs' || destination === '/dev')
  const idmap = prepareIdmap(mount, options, origin, facts.users, problems)
  checkCombinations(mount, options, problems)
  return { origin, destination, source, options, idmap, lateReadonly }
}

/** Options that exclude each other, or that only one kind of mount has. */
function checkCombinations(mount: Mount, options: ParsedOptions, problems: ConfigProblem[]): void {
  const refuse = (pointer: string | undefined, message: string): void => {
    if (pointer !== undefined) problems.push({ pointer, message })
  }
  const { bind, copyUp, copySymlink, sourceNoFollow, destinationNoFollow } = options
  if (bind !== false || mount.type !== 'tmpfs') refuse(copyUp, 'is "tmpcopyup", which only a tmpfs can have')
  if (bind === false) {
    refuse(copySymlink, 'is "copy-symlink", which only a bind mount can have')
    refuse(sourceNoFollow, 'is "src-nofollow", which only a bind mount can have')
  }
  if (copySymlink !== undefined) {
    refuse(sourceNoFollow, 'is "src-nofollow", which excludes "copy-symlink"')
    refuse(destinationNoFollow, 'is "dest-nofollow", which excludes "copy-symlink"')
  }
}

function sourceOf(
  mount: Mount,
  options: ParsedOptions,
  origin: string,
  facts: MountFacts,
  messages: Required<OptionMessages>,
): MountSource {
  if (options.bind) {
    if (mount.source === undefined)
      messages.problems.push({ pointer: `${origin}/source`, message: 'is required for a bind mount' })
    const path = hostPath(facts.bundle, mount.source ?? '')
    const target = options.copySymlink === undefined ? undefined : facts.links?.get(path)
    if (target !== undefined) return { from: 'link', target }
    return { from: 'host', path, recursive: options.bind === 'rbind' }
  }
  if (options.remount !== undefined) return { from: 'destination' }
  if (mount.type === 'cgroup' || mount.type === 'cgroup2') return cgroupSource(mount, options, facts)
  const path = hostsInstead(mount, options, facts)
  if (path !== undefined) return { from: 'host', path, recursive: true }
  fitParameters(mount, options, origin, facts, messages)
  const filesystem = { from: 'filesystem', type: mount.type ?? '', name: mount.source ?? mount.type ?? '' } as const
  // That of an ipc namespace which was there before has got its label, or is the host's.
  if (facts.label === undefined || mount.type !== labelledLater || facts.namespaces.ipc !== 'new') return filesystem
  return { ...filesystem, label: facts.label.text }
}

/**
 * A cgroup mount shows what the container's cgroup namespace shows. A new mount of cgroup2 waits for an RCU grace period
 * (7 to 16 ms); a bind of the directory that would be its root costs nothing.
 */
function cgroupSource(mount: Mount, options: ParsedOptions, facts: MountFacts): MountSource {
  const path = { new: facts.cgroupDir, none: facts.cgroupRoot, joined: undefined }[facts.namespaces.cgroup]
  // Parameters are for the filesystem, which only a new mount can be given.
  if (path === undefined || options.parameters.length > 0)
    return { from: 'filesystem', type: 'cgroup2', name: mount.source ?? 'cgroup' }
  return { from: 'host', path, recursive: false }
}

/** Filesystems of a namespace that the container may share with the host, and where the host has them. */
const ofNamespace: Readonly<Record<string, readonly ['network' | 'pid' | 'ipc', path: string]>> = {
  sysfs: ['network', '/sys'],
  proc: ['pid', '/proc'],
  mqueue: ['ipc', '/dev/mqueue'],
}

/**
 * A user namespace may not mount the filesystem of a namespace that belongs to the host: then the host's mount is bound, as
 * crun has it.
 */
function hostsInstead(mount: Mount, options: ParsedOptions, facts: MountFacts): string | undefined {
  const [namespace, path] = ofNamespace[mount.type ?? ''] ?? []
  if (namespace === undefined || facts.users.membership === 'none' || facts.namespaces[namespace] !== 'none') return
  // They are for a new mount.
  return options.parameters.length > 0 ? undefined : path
}

/** Filesystems that SELinux labels file by file, or that have no files of their own. */
const unlabelled = new Set(['proc', 'sysfs', 'cgroup2'])

/** The kernel makes it with its ipc namespace, too early for an option: its root is labelled once it is mounted. */
const labelledLater = 'mqueue'

/** Adds, splits and drops parameters of a new filesystem, as this container needs it. */
function fitParameters(
  { type }: Mount,
  options: ParsedOptions,
  origin: string,
  { users, label }: MountFacts,
  { warnings }: Required<OptionMessages>,
): void {
  const { parameters } = options
  if (type === 'overlay') options.parameters = parameters.flatMap(splitLayers)
  const byOption = !unlabelled.has(type ?? '') && type !== labelledLater
  if (label !== undefined && byOption && !parameters.some((text) => /^\w*context=/.test(text)))
    options.parameters = [...options.parameters, `${label.option}=${label.text}`]
  if (type !== 'devpts' || users.membership !== 'new') return
  // The default of Docker and others is group 5, `tty`; the kernel refuses an id that the user namespace does not have.
  options.parameters = parameters.filter((text) => {
    const gid = /^gid=(\d+)$/.exec(text)?.[1]
    if (
      gid === undefined ||
      users.gid.some(({ containerID, size }) => +gid >= containerID && +gid < containerID + size)
    )
      return true
    warnings.push(`${fieldOf(origin)}: ignored ${text}: the container's user namespace has no such group`)
    return false
  })
}

/** fsconfig(2): at most 255 bytes of a value. */
const longestValue = 255

/** A list of layers that is too long for one parameter becomes one for each layer (Linux 6.7), which are not unescaped. */
function splitLayers(parameter: string): string[] {
  const name = 'lowerdir='
  if (!parameter.startsWith(name) || utf8Length(parameter) - name.length <= longestValue) return [parameter]
  const layers = parameter.slice(name.length).match(/(?:\\.|[^:\\])+/gs) ?? []
  return layers.map((layer) => `lowerdir+=${layer.replace(/\\(.)/gs, '$1')}`)
}

/**
 * Takes the tree that a mount shows from the host, before anything can hide it. Nothing to do for other mounts.
 * @param other the tree as it was taken with rights that this process may not have any more
 */
export function cloneSource(plan: PlanBuilder, mount: PreparedMount, other?: Register): Register | undefined {
  const { source, options, origin } = mount
  if (source.from !== 'host') return
  const dst = plan.register(mount.destination)
  const { path } = source
  const flags = (source.recursive ? at.RECURSIVE : 0) | (options.sourceNoFollow === undefined ? 0 : at.SYMLINK_NOFOLLOW)
  if (other === undefined) plan.add('openTree', `${origin}/source`, { dst, path, flags })
  else plan.add('openTreeOr', `${origin}/source`, { dst, other, path, flags })
  return dst
}

/** Whether the mount is to share events with the host's mount that it shows (options shared, rshared). */
export function sharesEvents(mount: PreparedMount): boolean {
  return mount.options.propagation.some(({ type }) => type === propagation.SHARED)
}

/** What was done for a mount ahead of its turn. */
export interface Taken {
  /** What `cloneSource` gave. */
  tree?: Register | undefined
  /** The user namespace of its id mapping, which it does not have yet. */
  userns?: Register | undefined
  /** The register is used later, and stays open. */
  held?: boolean
}

/**
 * Makes a mount and attaches it to its destination below the root.
 * @returns the mount's register, where something is to be done with it in the end
 */
export function addMount(plan: PlanBuilder, root: Register, mount: PreparedMount, taken: Taken): Register | undefined {
  const { source, options, origin } = mount
  switch (source.from) {
    case 'link':
      addLink(plan, root, mount, source.target)
      return undefined
    case 'destination':
      addRemount(plan, root, mount)
      return undefined
    case 'host':
    case 'filesystem':
  }
  let made: Register
  if (source.from === 'host') {
    made = taken.tree ?? cloneSource(plan, mount)!
    // Of a filesystem's stead, with all that is mounted below the host's.
    const flags = options.bind === false && source.recursive ? at.RECURSIVE : 0
    setAttributes(plan, made, options.attributes, flags, origin)
    setAttributes(plan, made, options.recursive, at.RECURSIVE, origin)
  } else {
    made = addFilesystem(plan, source.type, source.name, mount)
    if (source.label !== undefined) plan.add('label', '/linux/mountLabel', { mount: made, text: source.label })
  }
  const target = addTarget(plan, root, mount, made)
  if (source.from === 'filesystem' && source.type === 'tmpfs') addCover(plan, mount, made, target)
  if (taken.userns !== undefined) addIdmap(plan, made, mount.idmap!, taken.userns)
  plan.add('attach', origin, { mount: made, target })
  plan.add('close', origin, { fd: target })
  addPropagations(plan, made, options)
  if (!mount.lateReadonly && taken.held !== true) plan.add('close', origin, { fd: made })
  return made
}

/** Opens the place that a mount is to cover; what is missing is made, like the source. */
function addTarget(plan: PlanBuilder, root: Register, mount: PreparedMount, made: Register): Register {
  const { source, options, origin, destination: path } = mount
  const from = `${origin}/destination`
  const dst = plan.register(`${path} (place)`)
  if (options.destinationNoFollow !== undefined) {
    const fields = { make: make.nothing, mode: 0, kind: kind.entry, optional: 0 }
    plan.add('openIn', from, { dst, root, path, ...fields })
  } else if (source.from === 'host' && !isKernels(options.type)) {
    plan.add('openLike', from, { dst, root, path, source: made })
  } else {
    plan.add('openIn', from, { dst, root, path, ...mountPoint(options.type) })
  }
  return dst
}

/** What a tmpfs takes over from the directory that it covers. */
function addCover(plan: PlanBuilder, { options, origin }: PreparedMount, made: Register, target: Register): void {
  const gives = (name: string): boolean => options.parameters.some((text) => text.startsWith(name))
  if (options.copyUp !== undefined) {
    const owner = gives('uid=') || gives('gid=') ? 0 : 1
    plan.add('copyUp', options.copyUp, { mount: made, target, owner })
  }
  // As runc and crun have it: a tmpfs on /tmp stays open to all, and so does one whose directory had to be made for it.
  if (!gives('mode=')) plan.add('copyMode', origin, { mount: made, target })
}

function addPropagations(plan: PlanBuilder, mount: Register, options: ParsedOptions): void {
  for (const { type, recursive, origin } of options.propagation) {
    const flags = recursive ? at.RECURSIVE : 0
    plan.add('mountAttributes', origin, { mount, set: 0, clear: 0, propagation: type, flags })
  }
}

/** The option copy-symlink: the link itself, with what it says, which counts from the container's root. */
function addLink(plan: PlanBuilder, root: Register, mount: PreparedMount, target: string): void {
  const { destination, options } = mount
  const origin = options.copySymlink ?? mount.origin
  const cut = destination.lastIndexOf('/')
  const dir = plan.register(`${destination} (directory)`)
  const fields = { make: make.directories, mode: 0o755, kind: kind.directory, optional: 0 }
  plan.add('openIn', `${mount.origin}/destination`, {
    dst: dir,
    root,
    path: destination.slice(0, cut) || '/',
    ...fields,
  })
  plan.add('symlink', origin, { dir, name: destination.slice(cut + 1), target, keep: keep.same })
  plan.add('close', origin, { fd: dir })
}

/** The option remount: other attributes for what is mounted there, and other parameters for its filesystem if there are any. */
function addRemount(plan: PlanBuilder, root: Register, mount: PreparedMount): void {
  const { origin, destination: path, options } = mount
  const target = plan.register(path)
  const fields = { make: make.nothing, mode: 0, kind: kind.any, optional: 0 }
  plan.add('openIn', `${origin}/destination`, { dst: target, root, path, ...fields })
  if (options.parameters.length > 0) plan.add('reconfigure', origin, { target, parameters: options.parameters })
  setAttributes(plan, target, options.attributes, 0, origin)
  setAttributes(plan, target, options.recursive, at.RECURSIVE, origin)
  addPropagations(plan, target, options)
  plan.add('close', origin, { fd: target })
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

/** CVE-2019-19921: /proc and /sys may not be reached through a symlink. */
function isKernels(type: string | undefined): boolean {
  return type === 'proc' || type === 'sysfs'
}

/** Directories are made where they are missing. */
function mountPoint(type: string | undefined): { make: number; mode: number; kind: number; optional: number } {
  const which = isKernels(type) ? kind.realDirectory : kind.directory
  return { make: make.directories, mode: 0o755, kind: which, optional: 0 }
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
export function addLateReadonly(
  plan: PlanBuilder,
  mounts: readonly { mount: PreparedMount; made: Register | undefined }[],
): void {
  for (const { mount, made } of mounts) {
    if (!mount.lateReadonly || made === undefined) continue
    const fields = { mount: made, set: mountAttr.RDONLY, clear: 0, propagation: 0, flags: 0 }
    plan.add('mountAttributes', `${mount.origin}/options`, fields)
    plan.add('close', mount.origin, { fd: made })
  }
}
