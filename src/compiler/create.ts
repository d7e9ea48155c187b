/**
 * Compiles config.json into the plan that makes a container. Pure: it reads nothing but its arguments.
 *
 * The order of the steps, and why:
 *   1. namespaces, and the user namespace's root
 *   2. names and kernel parameters of the namespaces
 *   3. mounts, devices and the console, below the root but before it is entered: their sources are the host's
 *   4. what is hidden and read-only
 *   5. the root is entered: the host's files are gone
 *   6. the program's user, privileges and environment (src/process/process.ts)
 */
import { InvalidConfigError, type ConfigProblem } from '../errors.ts'
import type { Register } from '../plan/fields.ts'
import { at, clone, kind, make, mountAttr } from '../plan/kernel.ts'
import { hostProc, maxRegisters, ownOrigin, PlanBuilder } from '../plan/plan.ts'
import { syncPoint } from '../plan/sync.ts'
import { addConsole, addDevConsole, addUseConsole } from '../process/console.ts'
import { addKeyLabel, hasLabels } from '../process/labels.ts'
import { addCreateContainerHooks, addStartContainerHooks, type HookFacts } from '../process/hooks.ts'
import { addProcess } from '../process/process.ts'
import { prepareRlimits } from '../process/rlimits.ts'
import { schedulingOf } from '../process/scheduling.ts'
import { addLateFilter } from '../process/seccomp.ts'
import {
  addDevices,
  bringsOwnDevices,
  cloneHostDevices,
  prepareDevices,
  type PreparedDevice,
} from '../rootfs/devices.ts'
import { addHiddenPaths, mountsToHold, type HeldMount } from '../rootfs/hidden.ts'
import { addIdmap, declareIdmaps } from '../rootfs/idmap.ts'
import {
  addLateReadonly,
  addMount,
  cloneSource,
  notifySocket,
  prepareMounts,
  prepareNotify,
  sharesEvents,
  type MountFacts,
  type PreparedMount,
} from '../rootfs/mounts.ts'
import type { OptionMessages } from '../rootfs/options.ts'
import { containerPath, hostPath } from '../rootfs/paths.ts'
import {
  addCovers,
  addPivot,
  addPropagation,
  addReadonlyRoot,
  addRootPropagation,
  cloneRoot,
  rootPropagation,
  type RootPropagation,
} from '../rootfs/root.ts'
import { keepsGroups, mountContextType } from '../spec/annotations.ts'
import { escapePointer } from '../spec/problem.ts'
import type { NamespaceType, Process, Spec } from '../spec/schema.gen.ts'
import { sysctlPath } from '../spec/sysctl.ts'
import type { Compiled, CreateFacts, ParentActions, RootOptions } from './facts.ts'
import { addBecomeRoot, addBeginning, addDropGroups, addKeyring, Namespaces } from './namespaces.ts'

export type { Compiled, CreateFacts, IdMap, ParentActions, ParentRlimit } from './facts.ts'

/** A configuration, read: what the parts of the compiler hand to each other. */
interface Prepared {
  spec: Spec
  process: Process
  facts: CreateFacts
  namespaces: Namespaces
  propagation: RootPropagation
  /** The container has a mount namespace of its own, new or joined. */
  ownMounts: boolean
  mounts: readonly PreparedMount[]
  devices: readonly PreparedDevice[]
}

/** What was taken from the host ahead of its turn, while it could still be reached. */
interface Early {
  root: Register | undefined
  /** The root is attached over itself already. */
  attached?: boolean
  trees: Map<PreparedMount, Register>
  /** The same with all rights of the host, for those that the container's user namespace may not reach. */
  ofHost: Map<PreparedMount, Register>
  /** User namespaces for the id mappings that mounts do not have yet. */
  userns: Map<PreparedMount, Register>
  devices: ReadonlyMap<PreparedDevice, Register> | undefined
  /** Mounts whose paths are hidden in the end. */
  held: HeldMount[]
}

/**
 * Compiles a configuration into the plan that makes a container. Pure: nothing is read and nothing done.
 * @param spec a configuration that passed validation (src/spec)
 * @throws InvalidConfigError with every problem found.
 */
export function compileCreate(spec: Spec, facts: CreateFacts): Compiled {
  // Nobody may run without a filter that was asked for.
  if (spec.linux?.seccomp !== undefined && facts.seccomp === undefined)
    throw new Error('linux.seccomp was not compiled')
  const problems: ConfigProblem[] = []
  const warnings: string[] = []
  const prepared = prepare(spec, facts, { problems, warnings })
  if (problems.length > 0) throw new InvalidConfigError('config.json', problems, 'invalid configuration')
  const { process, namespaces } = prepared

  const plan = new PlanBuilder()
  const joins = namespaces.declare(plan)
  const start = plan.input('start', ownOrigin, { kind: 'state', file: 'start' })
  const started = plan.input('started', ownOrigin, { kind: 'state', file: 'started' })
  const proc = hasLabels(process) ? plan.input('procfs', ownOrigin, hostProc) : undefined
  const hosts = needsHostProc(prepared) ? (proc ?? plan.input('procfs', ownOrigin, hostProc)) : undefined
  const userns = new Map(declareIdmaps(plan, prepared.mounts))
  facts.root?.declare(plan, mountFacts(spec, facts, namespaces).users, isPrivileged(facts))
  const early: Early = { root: undefined, trees: new Map(), ofHost: new Map(), userns, devices: undefined, held: [] }
  const listenFds = facts.listenFds ?? 0
  plan.plan.preserveFds = listenFds + (facts.preserveFds ?? 0)

  const oomPoint = addBeginning(plan, facts, process, true)
  const keepGroups = keepsGroups(spec.annotations)
  if (namespaces.membership('user') === 'joined' && !keepGroups) addDropGroups(plan, namespaces.origin('user'), facts)
  if (namespaces.membership('user') !== 'none') takeOfHost(plan, prepared, early)
  namespaces.add(plan, joins, { setTime: timeOffsetsOf(spec) !== undefined, hide: facts.euid !== 0 })
  addIsolation(plan, prepared, early, proc)
  addNames(plan, prepared, hosts)
  const root = addRoot(plan, prepared, early)
  const terminal = addMounts(plan, root, prepared, early)
  addRestrictions(plan, root, prepared, early)
  if (prepared.ownMounts) addPivot(plan, root, facts.noPivot === true, prepared.propagation)
  else plan.add('chroot', ownOrigin, { root })
  plan.add('close', ownOrigin, { fd: root })
  if (terminal !== undefined) addUseConsole(plan, terminal)

  const rlimits = prepareRlimits(process.rlimits ?? [])
  const ownUser = namespaces.membership('user') !== 'none'
  const setgroups = !ownUser && facts.inUserNamespace !== true
  addProcess(
    plan,
    process,
    {
      rlimits: ownUser ? [] : rlimits,
      listenFds,
      setgroups,
      keepGroups,
      permitted: ownUser ? undefined : facts.permitted,
      // process.execCPUAffinity is not for the container's first process: config.md#linux-process.
      cpus: [],
      privileged: !ownUser,
      domain: spec.linux ?? {},
      proc,
      seccomp: facts.seccomp,
    },
    warnings,
  )
  plan.add('waitForStart', ownOrigin, { start, started })
  addLateFilter(plan, process, facts.seccomp)
  addStartContainerHooks(plan, spec, hookFacts(prepared))
  plan.add('exec', '/process/args', {})
  refuseTooMany(plan)
  const parent = parentActions(prepared, ownUser ? rlimits : [], oomPoint)
  if (facts.attached === true) parent.attach = true
  return { plan: plan.plan, warnings, parent }
}

function hookFacts({ spec, facts }: Prepared): HookFacts {
  return { id: facts.id, bundle: facts.bundle, annotations: spec.annotations }
}

/** Registers are not used twice: what is asked for below the root is limited. */
function refuseTooMany({ plan }: PlanBuilder): void {
  if (plan.registers.length <= maxRegisters) return
  const message = `must have fewer items: with linux.devices they take ${plan.registers.length} descriptors, of at most ${maxRegisters}`
  throw new InvalidConfigError('config.json', [{ pointer: '/mounts', message }], 'invalid configuration')
}

function prepare(spec: Spec, facts: CreateFacts, messages: Required<OptionMessages>): Prepared {
  const { problems } = messages
  const namespaces = new Namespaces(spec.linux?.namespaces ?? [])
  const ownMounts = namespaces.membership('mount') !== 'none'
  if (!ownMounts && namespaces.membership('user') !== 'none') {
    problems.push({
      pointer: '/linux/namespaces',
      message: "must have a mount namespace with the user namespace, whose root may mount nothing in the machine's",
      hint: 'add { "type": "mount" } to linux.namespaces',
    })
  }
  if (facts.root !== undefined && namespaces.membership('mount') !== 'new') {
    problems.push({
      pointer: '/annotations/io.runt.layers',
      message: 'must come with a new mount namespace, in which the layers are mounted',
      hint: 'add { "type": "mount" } to linux.namespaces',
    })
  }
  const propagation = rootPropagation(spec.linux?.rootfsPropagation, facts.noPivot === true && ownMounts, problems)
  const known = mountFacts(spec, facts, namespaces)
  const mounts = [...prepareMounts(spec.mounts ?? [], known, messages)]
  if (facts.notify !== undefined) mounts.push(prepareNotify(facts.notify, known, messages))
  const configured = prepareDevices(spec.linux?.devices ?? [], problems)
  const devices = bringsOwnDevices(mounts) ? [] : configured
  const process = processOf(spec, facts)
  return { spec, process, facts, namespaces, propagation, ownMounts, mounts, devices }
}

function processOf({ process = { cwd: '/' } }: Spec, { notify }: CreateFacts): Process {
  return notify === undefined ? process : { ...process, env: [...(process.env ?? []), `NOTIFY_SOCKET=${notifySocket}`] }
}

function mountFacts(spec: Spec, facts: CreateFacts, namespaces: Namespaces): MountFacts {
  const { bundle, cgroupDir, cgroupRoot, links } = facts
  const { mountLabel, uidMappings = [], gidMappings = [] } = spec.linux ?? {}
  const member = (type: NamespaceType) => namespaces.membership(type)
  const option = labelOption(spec)
  return {
    bundle,
    cgroupDir,
    cgroupRoot,
    links,
    namespaces: { cgroup: member('cgroup'), network: member('network'), pid: member('pid'), ipc: member('ipc') },
    users: { membership: member('user'), path: namespaces.path('user'), uid: uidMappings, gid: gidMappings },
    label: mountLabel === undefined ? undefined : { text: mountLabel, option },
  }
}

function labelOption({ annotations }: Spec): string {
  return annotations?.[mountContextType] ?? 'context'
}

function parentActions(
  prepared: Prepared,
  rlimits: ParentActions['rlimits'],
  point: number = syncPoint.namespaces,
): ParentActions {
  const { spec, process, facts, namespaces } = prepared
  const { oomScoreAdj } = process
  const parent: ParentActions = { rlimits }
  if (facts.seccomp?.listener !== undefined) parent.listener = facts.seccomp.listener
  if (oomScoreAdj !== undefined) parent.oomScoreAdj = { value: oomScoreAdj, origin: '/process/oomScoreAdj', point }
  const timeOffsets = timeOffsetsOf(spec)
  if (timeOffsets !== undefined) parent.timeOffsets = timeOffsets
  if (namespaces.membership('user') !== 'none') Object.assign(parent, schedulingOf(process))
  if (namespaces.membership('user') === 'new') {
    const { uidMappings, gidMappings } = spec.linux!
    parent.idMaps = {
      uid: uidMappings ?? [],
      gid: gidMappings ?? [],
      uidOrigin: '/linux/uidMappings',
      gidOrigin: '/linux/gidMappings',
    }
  }
  const netDevices = Object.entries(spec.linux?.netDevices ?? {})
  if (netDevices.length > 0) {
    parent.netDevices = netDevices.map(([from, { name }]) => ({
      from,
      to: name === undefined || name === '' ? from : name,
      origin: `/linux/netDevices/${escapePointer(from)}`,
    }))
  }
  const delegate = facts.cgroupDir === undefined ? undefined : delegationOf(prepared)
  if (delegate !== undefined) parent.delegate = delegate
  return parent
}

/**
 * Only a container that sees its cgroup alone and may write there is given it (config-linux.md, "Cgroup ownership"). Without a user
 * namespace root has it already.
 */
function delegationOf({ spec, process, namespaces }: Prepared): ParentActions['delegate'] {
  if (namespaces.membership('cgroup') !== 'new') return undefined
  const index = (spec.mounts ?? []).findIndex(
    ({ source, destination, options }) =>
      source === 'cgroup' &&
      containerPath(destination) === '/sys/fs/cgroup' &&
      options?.some((option) => option === 'ro' || option === 'rro') !== true,
  )
  const uid = process.user?.uid ?? 0
  const mapped = namespaces.membership('user') !== 'none'
  return index < 0 || (uid === 0 && !mapped) ? undefined : { uid, mapped, origin: `/mounts/${index}` }
}

/** linux.timeOffsets (config-linux.md#offset-for-time-namespace), if there are any: those of a new namespace. */
function timeOffsetsOf({ linux }: Spec): ParentActions['timeOffsets'] {
  const clocks = Object.entries(linux?.timeOffsets ?? {}).map(([clock, { secs, nanosecs }]) => {
    return { clock, secs: secs ?? 0, nanosecs: nanosecs ?? 0 }
  })
  return clocks.length === 0 ? undefined : { clocks, origin: '/linux/timeOffsets' }
}

/** From the new namespaces to a process that is on its own in them. */
function addIsolation(plan: PlanBuilder, prepared: Prepared, early: Early, proc: Register | undefined): void {
  const { facts, namespaces, process } = prepared
  const user = namespaces.membership('user')
  // Without its ids a user namespace gives no right over anybody's files: a source may lie in a directory of the container's root.
  if (user === 'new') plan.add('sync', '/linux/uidMappings', { point: syncPoint.userNamespace })
  takeEarly(plan, prepared, early)
  if (facts.euid !== 0) plan.add('notDumpable', ownOrigin, {})
  if (user !== 'none') addBecomeRoot(plan, namespaces.origin('user'), process, keepsGroups(prepared.spec.annotations))
  // With a terminal, useConsole does it.
  if (process.terminal !== true) plan.add('setsid', ownOrigin, {})
  if (namespaces.membership('cgroup') === 'new')
    plan.add('unshare', namespaces.origin('cgroup'), { flags: clone.NEWCGROUP })
  if (proc !== undefined && facts.keyring !== undefined) addKeyLabel(plan, proc, process)
  addKeyring(plan, facts.keyring)
  plan.add('sync', ownOrigin, { point: syncPoint.namespaces })
}

/**
 * Takes what is to be id-mapped of the host's mounts, and maps it, before a user namespace of the container's own is entered:
 * afterwards init has no rights over the host's filesystems. Other containers' mounts get their mapping when they are made.
 * A source may lie where the container's ids may not go, such as a user's own directory: what is not to be mapped is taken too, and
 * used where it is out of reach later. Reached later, the kernel keeps the attributes of the host's mount locked.
 */
function takeOfHost(plan: PlanBuilder, prepared: Prepared, early: Early): void {
  const { facts, mounts } = prepared
  const privileged = isPrivileged(facts)
  for (const mount of mounts) {
    const userns = early.userns.get(mount)
    const tree = userns !== undefined || privileged ? cloneSource(plan, mount) : undefined
    if (tree === undefined) continue
    cutTies(plan, prepared, mount, tree)
    if (userns === undefined) {
      early.ofHost.set(mount, tree)
      continue
    }
    addIdmap(plan, tree, mount.idmap!, userns)
    early.trees.set(mount, tree)
    early.userns.delete(mount)
  }
  if (privileged && facts.root !== undefined) early.root = facts.root.mountEarly(plan, rootOptions(prepared))
}

/** Root of the machine, and not of a user namespace alone. */
function isPrivileged({ euid, inUserNamespace }: CreateFacts): boolean {
  return euid === 0 && inUserNamespace !== true
}

function rootOptions({ spec, facts }: Prepared): RootOptions {
  const { mountLabel } = spec.linux ?? {}
  return {
    trusted: isPrivileged(facts),
    context: mountLabel === undefined ? undefined : `${labelOption(spec)}=${mountLabel}`,
  }
}

/** The root: what is at its path, or what is made to be mounted there. */
function takeRoot(plan: PlanBuilder, prepared: Prepared): Register {
  const { spec, facts } = prepared
  return facts.root?.mount(plan, rootOptions(prepared)) ?? cloneRoot(plan, rootPath(spec, facts))
}

/**
 * For a tree that was taken in the host's mount namespace: it would share events with the host's mount, and what is mounted below
 * it, wherever the image's symlinks lead, would be mounted there too.
 */
function cutTies(plan: PlanBuilder, { propagation }: Prepared, mount: PreparedMount, tree: Register): void {
  if (propagation.sharesWithHost && sharesEvents(mount)) return
  const fields = { mount: tree, set: 0, clear: 0, propagation: propagation.before, flags: at.RECURSIVE }
  plan.add('mountAttributes', `${mount.origin}/source`, fields)
}

/**
 * Cuts the ties of the mount namespace. Before that, mounts that share events with the host have to be taken. Before the
 * user namespace's root is entered, who has no rights on the host's files, or parts of the host are covered, everything of
 * the host is.
 */
function takeEarly(plan: PlanBuilder, prepared: Prepared, early: Early): void {
  const { facts, namespaces, propagation, ownMounts, mounts, devices } = prepared
  const take = (mount: PreparedMount): void => {
    const tree = early.trees.has(mount) ? undefined : cloneSource(plan, mount, early.ofHost.get(mount))
    if (tree !== undefined) early.trees.set(mount, tree)
  }
  if (propagation.sharesWithHost) mounts.filter(sharesEvents).forEach(take)
  if (ownMounts) addPropagation(plan, propagation)
  const ownUser = namespaces.membership('user') !== 'none'
  const covers = coveredMounts(facts).length > 0
  if (ownUser || covers) {
    // Without rights on the host, root of the user namespace makes it: not before it is that.
    if (ownUser && facts.root !== undefined && early.root === undefined) facts.root.take(plan)
    else early.root ??= takeRoot(plan, prepared)
    mounts.forEach(take)
  }
  // The way to the root may be closed to the container's ids: for a rootless Podman's, it leads through the user's home.
  if (ownUser && ownMounts && !covers && early.root !== undefined) {
    attachRoot(plan, early.root, prepared)
    early.attached = true
  }
  if (ownUser || facts.inUserNamespace === true) early.devices = cloneHostDevices(plan, devices)
}

function rootPath(spec: Spec, facts: CreateFacts): string {
  return hostPath(facts.bundle, spec.root?.path ?? '')
}

function coveredMounts({ noPivot, kernelMounts }: CreateFacts): readonly string[] {
  return noPivot === true ? (kernelMounts ?? []) : []
}

/** A user namespace may not mount a procfs of the machine's pid namespace, not even one that nobody sees. */
function needsHostProc({ spec, facts, namespaces }: Prepared): boolean {
  const ofUser = namespaces.membership('user') !== 'none' || facts.inUserNamespace === true
  return ofUser && namespaces.membership('pid') === 'none' && Object.keys(spec.linux?.sysctl ?? {}).length > 0
}

/**
 * Names and parameters that belong to the namespaces.
 * @param hosts the host's procfs, where none can be mounted: who writes to it decides whose parameters those are, not the mount
 */
function addNames(plan: PlanBuilder, { spec, namespaces }: Prepared, hosts: Register | undefined): void {
  if (namespaces.membership('network') === 'new') plan.add('loopback', namespaces.origin('network'), {})
  if (spec.hostname !== undefined) plan.add('sethostname', '/hostname', { name: spec.hostname })
  if (spec.domainname !== undefined) plan.add('setdomainname', '/domainname', { name: spec.domainname })
  const parameters = Object.entries(spec.linux?.sysctl ?? {})
  if (parameters.length === 0) return
  const proc = hosts ?? addPrivateProc(plan)
  for (const [name, text] of parameters) {
    const path = `sys/${sysctlPath(name) ?? name}`
    plan.add('writeProc', `/linux/sysctl/${escapePointer(name)}`, { proc, path, text })
  }
  if (hosts === undefined) plan.add('close', '/linux/sysctl', { fd: proc })
}

/** Never the container's own /proc: CVE-2025-52881. */
function addPrivateProc(plan: PlanBuilder): Register {
  const proc = plan.register('private proc')
  const attributes = mountAttr.NOSUID | mountAttr.NODEV | mountAttr.NOEXEC
  plan.add('newMount', '/linux/sysctl', { dst: proc, type: 'proc', source: 'proc', parameters: [], attributes })
  return proc
}

/**
 * The root, attached over itself, where mounts can be attached to it in turn; in the machine's mount namespace to a directory
 * of the container's own, from which all is taken away at once in the end.
 */
function addRoot(plan: PlanBuilder, prepared: Prepared, early: Early): Register {
  const { spec, facts, propagation, ownMounts } = prepared
  const path = rootPath(spec, facts)
  const root = early.root ?? takeRoot(plan, prepared)
  if (!ownMounts) {
    // Neither the machine's root filesystem nor the directory's other copies are to get what is mounted here.
    addRootPropagation(plan, root, propagation.before, propagation)
    plan.add('attachHost', '/root/path', { mount: root, path: facts.mountPoint ?? path })
    addRootPropagation(plan, root, propagation.before, propagation)
    if (propagation.after !== 0) addRootPropagation(plan, root, propagation.after, propagation)
    return root
  }
  // Before the root hides one that lies in it.
  addCovers(plan, coveredMounts(facts))
  if (early.attached !== true) attachRoot(plan, root, prepared)
  return root
}

function attachRoot(plan: PlanBuilder, root: Register, { spec, facts }: Prepared): void {
  plan.add('attachHost', '/root/path', { mount: root, path: rootPath(spec, facts) })
}

/** All that is mounted or made below the root, and the hooks that see it from outside. @returns the console's register, if there is one */
function addMounts(plan: PlanBuilder, root: Register, prepared: Prepared, early: Early): Register | undefined {
  const { spec, process, mounts, devices, ownMounts } = prepared
  const holding = mountsToHold(mounts, spec.linux)
  const made = mounts.map((mount) => {
    const held = holding.has(mount)
    const tree = early.trees.get(mount) ?? (ownMounts ? undefined : cloneSource(plan, mount))
    if (!ownMounts && tree !== undefined) cutTies(plan, prepared, mount, tree)
    const register = addMount(plan, root, mount, { tree, userns: early.userns.get(mount), held })
    if (held && register !== undefined) early.held.push({ mount, made: register })
    return { mount, made: register }
  })
  if (devices.length > 0) addDevices(plan, root, devices, early.devices ?? new Map<PreparedDevice, Register>())
  let terminal: Register | undefined
  if (process.terminal === true) {
    terminal = addConsole(plan, root, process)
    addDevConsole(plan, root, terminal)
  }
  const cwd = containerPath(process.cwd)
  if (cwd !== '/') {
    const directory = plan.register(cwd)
    const fields = { make: make.directories, mode: 0o755, kind: kind.directory, optional: 0 }
    plan.add('openIn', '/process/cwd', { dst: directory, root, path: cwd, ...fields })
    plan.add('close', '/process/cwd', { fd: directory })
  }
  const { prestart, createRuntime } = spec.hooks ?? {}
  if (prestart?.length || createRuntime?.length) plan.add('sync', '/hooks', { point: syncPoint.mounted })
  addCreateContainerHooks(plan, spec, hookFacts(prepared), {
    rootfs: rootPath(spec, prepared.facts),
    environment: prepared.facts.hookEnvironment ?? [],
  })
  addLateReadonly(plan, made)
  return terminal
}

/** Nothing is made below the root from here on. */
function addRestrictions(plan: PlanBuilder, root: Register, { spec }: Prepared, { held }: Early): void {
  if (spec.root?.readonly === true) addReadonlyRoot(plan, root)
  addHiddenPaths(plan, root, spec.linux, held)
}
