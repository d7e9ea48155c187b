/**
 * From a bundle to a container that waits for start: what `create` and `run` share.
 *
 * First everything is checked and compiled, without effects. Then, in this order, so that an interruption at any point leaves
 * what `delete --force` can find and remove: directory and lock, state.json with the cgroup's place, fifos, the cgroup, init,
 * state.json with init's pid, init's set-up, state.json complete.
 */
import { compileCreate } from '../compiler/create.ts'
import { namespaceNames } from '../compiler/namespaces.ts'
import type { Compiled, CreateFacts } from '../compiler/facts.ts'
import { RuntError, StateError, type ConfigProblem } from '../errors.ts'
import { phase, type Fd, type Host } from '../host/host.ts'
import { syncPoint } from '../plan/sync.ts'
import { hasLabels } from '../process/labels.ts'
import type { Spec } from '../spec/schema.gen.ts'
import { invalidConfig, loadBundle, locate, type Bundle } from './bundle.ts'
import { cgroupDir, limitMemoryOf, makeCgroup, placeCgroup, whyDied } from './cgroup.ts'
import { absolute, notifyDirectory, stateDir, type Context } from './context.ts'
import { attempt, closeQuietly, Undo } from './failures.ts'
import { checkId } from './id.ts'
import { Init, type Handlers, type SpawnFacts } from './init.ts'
import { initialState, lateSteps, type StateFacts } from './initial-state.ts'
import { checkRootfs, layersOf, makeMountPoint, mountFacts, removeContainer, sharesMounts } from './mount-facts.ts'
import { ownNamespaceProblems } from './own-namespaces.ts'
import { sendPidfd, writePidFile } from './pidfile.ts'
import { canBeAttached } from './placed-cgroup.ts'
import { isEnding, kernelMounts } from './procfs.ts'
import type { CreateRequest } from './requests.ts'
import type { SavedState } from './state.ts'
import { makeContainer, makeFifos, saveState, timesFile } from './store.ts'
import { checkPreserved, checkTerminal, copyWindowSize, listenFds, requireTerminal } from './streams.ts'

/** A container that is `created`. Its lock is held; whoever established it calls `finish`, or `undo`. */
export interface Established {
  dir: string
  state: SavedState
  init: Init
  /** Master of the terminal, in the foreground. */
  console: Fd
  /** The container's cgroup, held until it was given to the container's user; -1: it is not. */
  cgroup: Fd
  /** Keeps the container's network namespace alive while `undo` may have to take devices out of it; -1: there are none. */
  network: Fd
  lock: Fd
  /** Takes the whole container back. */
  undo: Undo
  /** Moves init into its cgroup, at `syncPoint.begun`; undefined where it was made there. */
  attach?: (() => Promise<void>) | undefined
  /** Adds the place in config.json to an error of this container. */
  locate(error: unknown): Promise<unknown>
}

/** @param foreground the command relays the terminal itself */
export async function establish(context: Context, request: CreateRequest, foreground: boolean): Promise<Established> {
  checkId(request.id)
  const bundle = await loadBundle(context, request)
  if (request.tmpfsUpper === true) (await import('./layers.ts')).withTmpfsUpper(bundle.spec)
  const undo = new Undo()
  try {
    const prepared = await phase(context.host, 'prepare', () => prepare(context, request, bundle, foreground))
    return await phase(context.host, 'make', () => make(context, request, prepared, undo))
  } catch (error) {
    throw await locate(await undo.after(error), bundle.file, bundle.text)
  }
}

interface Prepared extends StateFacts {
  facts: CreateFacts
}

/** All that can be found wrong before anything was done. */
async function prepare(
  context: Context,
  request: CreateRequest,
  bundle: Bundle,
  foreground: boolean,
): Promise<Prepared> {
  const { host, log } = context
  const { spec } = bundle
  const caller = await callerOf(host)
  checkTerminal(spec.process?.terminal === true, foreground, request.consoleSocket)
  if (spec.process?.terminal === true && foreground) await requireTerminal(context)
  await checkRootfs(host, bundle)
  const problems = [...(await ownNamespaceProblems(host, spec)), ...(await machineProblems(host, spec))]
  if (caller.euid !== 0) {
    const { rootlessProblems } = await import('./rootless.ts')
    problems.push(...rootlessProblems(spec, caller.euid, caller.permitted))
  }
  if (problems.length > 0) throw await invalidConfig(bundle.file, bundle.text, problems)
  const listen = await listenFds(context)
  await checkPreserved(context, listen, request.preserveFds ?? 0)
  const unprivileged = isUnprivileged(context, caller)
  const placed = await placeCgroup(context, spec, request.id).catch((error: unknown) => {
    if (unprivileged) return goWithoutCgroup(error, spec)
    throw error
  })
  if (placed !== undefined && placed.problems.length > 0)
    throw await invalidConfig(bundle.file, bundle.text, placed.problems)
  const cgroup = placed && { ...placed.cgroup, unprivileged }
  const keyring = request.noNewKeyring === true ? undefined : await keyringName(host, request.id)
  const { intelRdt } = spec.linux ?? {}
  const rdt = intelRdt && (await (await import('./intel-rdt.ts')).placeRdt(host, request.id, intelRdt))
  const filter =
    spec.linux?.seccomp === undefined
      ? undefined
      : await (await import('./seccomp.ts')).prepareFilter(context, spec, bundle.text)
  const layers = await layersOf(context, bundle, request.id)
  if (layers !== undefined) {
    const { checkLayers, checkPlace } = await import('./layers.ts')
    await checkPlace(host, bundle)
    await checkLayers(host, layers)
  }
  const facts: CreateFacts = {
    id: request.id,
    bundle: bundle.dir,
    root: layers?.root,
    cgroupDir: cgroup && cgroupDir(cgroup.saved),
    cgroupRoot: cgroup?.saved.root,
    ...(await mountFacts(host, bundle, stateDir(context.globals, request.id))),
    noPivot: request.noPivot,
    kernelMounts: request.noPivot === true ? await kernelMounts(host) : undefined,
    keyring,
    preserveFds: request.preserveFds,
    listenFds: listen,
    notify: notifyDirectory(context.globals, request.id),
    ...caller,
    hookEnvironment: spec.hooks && (await import('./hooks.ts')).hookEnvironment(context, spec.hooks),
    seccomp: filter?.facts,
  }
  const compiled = phase(host, 'compile the plan', () => compileCreate(spec, facts))
  const warnings = [...bundle.warnings, ...(placed?.warnings ?? []), ...compiled.warnings]
  for (const warning of warnings) await log?.warn(warning)
  return { bundle, facts, compiled, cgroup, rdt, keyring, filter, layers }
}

/** What this machine does not have. */
async function machineProblems(host: Host, { process, linux }: Spec): Promise<ConfigProblem[]> {
  const problems: ConfigProblem[] = []
  if (process !== undefined && hasLabels(process)) {
    const { labelProblems } = await import('./labels.ts')
    problems.push(...(await labelProblems(host, process)))
  }
  if (linux?.memoryPolicy !== undefined) {
    const { memoryNodeProblems } = await import('./processors.ts')
    problems.push(...(await memoryNodeProblems(host, linux.memoryPolicy)))
  }
  return problems
}

/** Nobody else can have made a keyring of this name before: whoever knew it could share the container's keys. */
async function keyringName(host: Host, id: string): Promise<string> {
  return `_ses.${id}.${await attempt('name the session keyring', {}, () => host.system.random())}`
}

/** What the caller may do, as the compiler wants to know it. */
async function callerOf({ system }: Host) {
  const euid = await system.euid()
  const permitted = await attempt('learn what the caller may do', {}, () => system.permittedCapabilities())
  return { euid, permitted, inUserNamespace: await system.inUserNamespace() }
}

/** Whether failures that only root is spared are borne: `--rootless`, or what the caller is. */
function isUnprivileged({ globals }: Context, caller: { euid: number; inUserNamespace: boolean }): boolean {
  return globals.rootless === 'auto' ? caller.euid !== 0 || caller.inUserNamespace : globals.rootless
}

async function goWithoutCgroup(error: unknown, spec: Spec): Promise<undefined> {
  const { checkNeedsNoCgroup } = await import('./rootless.ts')
  checkNeedsNoCgroup(error, spec)
}

async function make(context: Context, request: CreateRequest, prepared: Prepared, undo: Undo): Promise<Established> {
  const { host } = context
  const { bundle } = prepared
  const { dir, lock } = await makeContainer(context, request.id)
  undo.push('release the lock', () => closeQuietly(host, lock))
  const state = await initialState(context, request, prepared)
  if (state.hooks?.poststop?.length) {
    undo.pushLast('run poststop hooks', async () => {
      const { runPoststop } = await import('./hooks.ts')
      await runPoststop(context, state, state.bundle)
    })
  }
  undo.pushLast(`remove ${dir}`, () => removeContainer(host, dir, state))
  await saveState(host, dir, state)
  if (prepared.layers !== undefined) {
    const { registerLayers } = await import('./layers.ts')
    await registerLayers(context, prepared.layers, request.id, undo)
  }
  if (prepared.filter !== undefined) {
    const { saveFilter } = await import('./seccomp.ts')
    await saveFilter(host, dir, prepared.filter.facts)
    await prepared.filter.keep()
  }
  await makeFifos(host, dir)
  const { notify } = prepared.facts
  if (notify !== undefined) await (await import('./notify.ts')).makeNotifyDirectory(host, notify)
  if (sharesMounts(state)) await makeMountPoint(host, dir)
  const cgroup = await phase(host, 'make the cgroup', () => cgroupFor(context, prepared, { dir, state }, undo))
  const { init, attach } = await spawnIn(host, prepared, { dir, state }, cgroup, undo)
  const established: Established = {
    dir,
    state,
    init,
    console: -1,
    cgroup: prepared.compiled.parent.delegate === undefined ? -1 : (cgroup?.cgroup.fd ?? -1),
    network: -1,
    lock,
    undo,
    attach,
    locate: (error) => locate(error, bundle.file, bundle.text),
  }
  undo.push('close the terminal', () => closeConsole(context, established))
  if (established.cgroup >= 0) undo.push('close the cgroup', () => closeCgroup(context, established))
  await context.log?.debug(`plan of ${prepared.compiled.plan.steps.length} steps runs in process ${init.name.pid}`)
  await record(context, established)
  await setUp(context, request, prepared, established)
  return established
}

/**
 * Makes the cgroup. Without it, where the caller may not make one and nothing needs one, the container is compiled anew.
 * @returns undefined where it has none
 */
async function cgroupFor(
  { host }: Context,
  prepared: Prepared,
  { dir, state }: { dir: string; state: SavedState },
  undo: Undo,
): Promise<Awaited<ReturnType<typeof makeCgroup>> | undefined> {
  if (prepared.cgroup === undefined) return undefined
  try {
    return await makeCgroup(host, prepared.cgroup, dir, undo)
  } catch (error) {
    const { spec } = prepared.bundle
    if (prepared.cgroup.unprivileged !== true) throw error
    await goWithoutCgroup(error, spec)
    prepared.cgroup = undefined
    prepared.compiled = compileCreate(spec, { ...prepared.facts, cgroupDir: undefined })
    state.cgroup = undefined
    Object.assign(state, lateSteps(prepared.compiled.plan))
    await saveState(host, dir, state)
    return undefined
  }
}

/** Spawns init in its cgroup; where the kernel lets the caller not, beside it, to be moved there before it does anything. */
async function spawnIn(
  host: Host,
  prepared: Prepared,
  { dir, state }: { dir: string; state: SavedState },
  made: Awaited<ReturnType<typeof cgroupFor>>,
  undo: Undo,
): Promise<{ init: Init; attach?: (() => Promise<void>) | undefined }> {
  const facts: SpawnFacts = {
    dir,
    cgroup: made?.cgroup.fd ?? -1,
    times: { path: `${dir}/${timesFile}`, lasting: true },
    openUserNamespace: async (maps, origin) =>
      (await import('./user-namespace.ts')).openUserNamespace(host, maps, origin),
  }
  let init: Init | undefined
  let attach: (() => Promise<void>) | undefined
  try {
    init = await Init.spawn(host, prepared.compiled.plan, facts, undo)
  } catch (error) {
    if (!canBeAttached(error, state.cgroup)) throw error
    attach = async () => {
      await (await import('./systemd.ts')).attachToUnit(host, state.cgroup!, state.pid)
      await made?.settled?.()
    }
    prepared.compiled = compileCreate(prepared.bundle.spec, { ...prepared.facts, attached: true })
    Object.assign(state, lateSteps(prepared.compiled.plan))
    init = await Init.spawn(host, prepared.compiled.plan, { ...facts, cgroup: -1 }, undo)
  } finally {
    if (made !== undefined) {
      const delegated = prepared.compiled.parent.delegate !== undefined
      if (init === undefined || !delegated) await closeQuietly(host, made.cgroup.fd)
      if (attach === undefined) await made.settled?.()
    }
  }
  return { init, attach }
}

/** Notes which process is the container's, so that it can be found and ended whatever happens to this one. */
async function record({ host }: Context, { dir, state, init }: Established): Promise<void> {
  state.pid = init.name.pid
  state.startTime = init.name.startTime
  await saveState(host, dir, state)
}

/** Lets go of an established container: it stays. The caller still has to close the pidfd if it keeps it. */
export async function finish({ host }: Context, established: Established, keepPidfd = false): Promise<void> {
  await established.init.release(keepPidfd)
  if (established.network >= 0) await closeQuietly(host, established.network)
  await closeQuietly(host, established.lock)
}

/** Goes through init's set-up with it, until it waits for start. */
async function setUp(
  context: Context,
  request: CreateRequest,
  prepared: Prepared,
  established: Established,
): Promise<void> {
  const { host, globals } = context
  const { parent, plan } = prepared.compiled
  const { init, state, dir, undo } = established
  const handlers: Handlers = {
    replaced: () => record(context, established),
    listener: async (fd) => {
      if (parent.listener === undefined) return
      const { sendListener } = await import('./seccomp-listener.ts')
      await sendListener(context, parent.listener, { fd, pid: init.name.pid, status: 'creating' }, state)
    },
    console: async (fd, name) => {
      established.console = fd
      if (request.consoleSocket === undefined) return copyWindowSize(host, fd)
      const socket = absolute(globals, request.consoleSocket)
      await attempt(`send the terminal to ${socket}`, { origin: '--console-socket' }, () =>
        host.sockets.sendDescriptor(socket, fd, name),
      )
      await closeConsole(context, established)
    },
    reached: async (point) => {
      await context.log?.debug(`init is at sync point ${point}`)
      if (point === syncPoint.begun && parent.attach === true) await established.attach?.()
      if (point === parent.oomScoreAdj?.point) await adjustOom(context, init.name.pid, parent.oomScoreAdj)
      if (point === syncPoint.userNamespace && parent.idMaps !== undefined) {
        const { writeIdMaps } = await import('./id-maps.ts')
        await writeIdMaps(context, init.name.pid, parent.idMaps)
      }
      if (point === syncPoint.timeNamespace && parent.timeOffsets !== undefined) {
        const { writeTimeOffsets } = await import('./clocks.ts')
        await writeTimeOffsets(host, init.name.pid, parent.timeOffsets)
      }
      if (point === syncPoint.namespaces) {
        if (prepared.cgroup !== undefined) await limitMemoryOf(host, prepared.cgroup)
        if (prepared.rdt !== undefined) {
          const { enterRdt } = await import('./intel-rdt.ts')
          await enterRdt(host, prepared.rdt, init.name.pid, undo)
        }
        if (parent.delegate !== undefined && established.cgroup >= 0) {
          const { giveCgroup } = await import('./delegate.ts')
          await giveCgroup(context, established.cgroup, prepared.cgroup!, init.name.pid, parent.delegate)
          await closeCgroup(context, established)
        }
        if (parent.netDevices !== undefined) {
          const { moveNetDevices } = await import('./net-devices.ts')
          established.network = await moveNetDevices(host, init.name.pid, parent.netDevices, undo)
        }
      }
      if (point === syncPoint.mounted) {
        const { runCreateHooks } = await import('./hooks.ts')
        await runCreateHooks(context, prepared.bundle.spec.hooks ?? {}, state, init.name.pid)
      }
      if (point !== syncPoint.ready) return
      await limit(context, init.name.pid, parent.rlimits)
      await schedule(context, init.name.pid, parent)
      await noteNamespaces(context, state)
      state.phase = 'created'
      await saveState(host, dir, state)
      await sendPidfd(context, request, init, 'standard')
      await writePidFile(context, request, init, undo)
    },
  }
  const failed = await converse(context, prepared, established, handlers)
  if (failed !== undefined) {
    const { stepError } = await import('./step-errors.ts')
    throw stepError(plan, { failed, architecture: await host.system.architecture(), spec: prepared.bundle.spec })
  }
  if (state.phase !== 'created') throw await died(context, prepared)
}

/** Talks with init, and tells of its death where something of it was not there any more. */
async function converse(
  context: Context,
  prepared: Prepared,
  { init, state }: Established,
  handlers: Handlers,
): Promise<Awaited<ReturnType<Init['converse']>>> {
  try {
    return await init.converse(handlers)
  } catch (error) {
    // What has ended has no files in /proc to read or to write.
    const gone = error instanceof RuntError && (error.code === 'ENOENT' || error.code === 'ESRCH')
    if (!gone || !(await isEnding(context.host, state))) throw error
    throw await died(context, prepared)
  }
}

/**
 * What `exec` compares: an init may leave its namespaces, and must not take others with it. Only root can look into an init, which
 * is hidden from all others; without it, the kernel lets a user go nowhere by `exec` where that user may not go anyway.
 */
async function noteNamespaces({ host }: Context, state: SavedState): Promise<void> {
  if (state.owner !== 0) return
  const names = namespaceNames(state.namespaces)
  const links = await attempt('read the namespaces of init', {}, () => host.processes.namespaces(state.pid, names))
  state.namespaceLinks = Object.fromEntries(names.map((name, index) => [name, links[index]!]))
}

/** init left without a word: most often the kernel killed it. */
async function died({ host }: Context, { cgroup, filter }: Prepared): Promise<Error> {
  if (cgroup !== undefined) {
    const error = await whyDied(host, cgroup)
    if (error !== undefined) return error
  }
  const error = 'container init died while it was being set up'
  if (filter !== undefined) {
    return new StateError('INIT_DIED', error, {
      origin: '/linux/seccomp',
      hint: 'its filter may have killed it: without process.noNewPrivileges it must allow capset, read, write and close; look into the kernel log',
    })
  }
  return new StateError('INIT_DIED', error, {
    hint: 'it was killed from outside, by "runt delete --force" or by the kernel: look into the kernel log',
  })
}

async function closeConsole({ host }: Context, established: Established): Promise<void> {
  const fd = established.console
  established.console = -1
  if (fd >= 0) await closeQuietly(host, fd)
}

async function closeCgroup({ host }: Context, established: Established): Promise<void> {
  const fd = established.cgroup
  established.cgroup = -1
  if (fd >= 0) await closeQuietly(host, fd)
}

export async function adjustOom(
  { host }: Context,
  pid: number,
  wanted: Compiled['parent']['oomScoreAdj'],
): Promise<void> {
  if (wanted === undefined) return
  await attempt(`set oom_score_adj to ${wanted.value}`, { origin: wanted.origin }, () =>
    host.files.writeExisting(`/proc/${pid}/oom_score_adj`, String(wanted.value)),
  )
}

export async function limit({ host }: Context, pid: number, limits: Compiled['parent']['rlimits']): Promise<void> {
  for (const { resource, soft, hard, origin } of limits) {
    await attempt('set resource limit', { origin }, () => host.processes.setLimit(pid, resource, soft, hard))
  }
}

/** Scheduling that only the machine's root can give: for containers with a user namespace. */
export async function schedule(
  { host }: Context,
  pid: number,
  { scheduler, ioPriority }: Compiled['parent'],
): Promise<void> {
  if (ioPriority !== undefined) {
    await attempt('set I/O priority', { origin: '/process/ioPriority' }, () =>
      host.processes.setIoPriority(pid, ioPriority.ioClass, ioPriority.priority),
    )
  }
  if (scheduler !== undefined) {
    await attempt('set scheduler', { origin: '/process/scheduler' }, () => host.processes.setScheduler(pid, scheduler))
  }
}
