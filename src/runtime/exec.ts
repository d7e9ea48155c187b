/** `exec`: runs another process in a container. */
import { compileExec } from '../compiler/exec.ts'
import type { Compiled, ExecFacts } from '../compiler/facts.ts'
import { RuntError, StateError, UsageError, type ConfigProblem } from '../errors.ts'
import { openFlags, phase, type ExitStatus, type Fd, type Host } from '../host/host.ts'
import type { Plan } from '../plan/plan.ts'
import { syncPoint } from '../plan/sync.ts'
import { hasLabels } from '../process/labels.ts'
import { keepsGroups } from '../spec/annotations.ts'
import type { Process } from '../spec/schema.gen.ts'
import { invalidConfig, locate, sentence } from './bundle.ts'
import { isFrozen } from '../cgroups/fs.ts'
import { cgroupDir } from './cgroup.ts'
import { absolute, type Context } from './context.ts'
import { adjustOom, limit, schedule } from './establish.ts'
import { execProcess, type ExecProcess } from './exec-process.ts'
import { attempt, closeQuietly, isErrno, Undo } from './failures.ts'
import { Init, type SpawnFacts } from './init.ts'
import { sendPidfd, writePidFile } from './pidfile.ts'
import { canBeAttached } from './placed-cgroup.ts'
import type { ExecRequest } from './requests.ts'
import type { SavedState } from './state.ts'
import { deriveStatus } from './status.ts'
import { loadState, timesFile } from './store.ts'
import { checkPreserved, checkTerminal, copyWindowSize, listenFds, requireTerminal } from './streams.ts'

/** The process that `exec` made. */
export interface ExecResult {
  pid: number
  /** How the process ended; undefined when detached. */
  status?: ExitStatus | undefined
}

/**
 * Runs another process in a container. Returns once the process executed its program (detached), or ended. Takes no lock: processes may be started side by side, and
 * the container's end takes all of them with it.
 */
export async function exec(request: ExecRequest, context: Context): Promise<ExecResult> {
  const { host, log } = context
  const { dir, state } = await loadState(context, request.id)
  await checkStatus(context, dir, state, request)
  const wanted = await execProcess(context, request, state)
  checkTerminal(wanted.process.terminal === true, request.detach !== true, request.consoleSocket)
  if (wanted.process.terminal === true && request.detach !== true) await requireTerminal(context)
  const undo = new Undo()
  try {
    const facts = await phase(host, 'prepare', () => execFacts(context, request, dir, state, wanted))
    let compiled = phase(host, 'compile the plan', () => compileExec(wanted.process, facts))
    for (const warning of [...wanted.warnings, ...compiled.warnings]) await log?.warn(warning)
    let init: Init
    try {
      init = await spawn(context, request, compiled.plan, dir, state, undo)
    } catch (error) {
      if (!canBeAttached(error, state.cgroup)) throw error
      compiled = compileExec(wanted.process, { ...facts, attached: true })
      init = await Init.spawn(host, compiled.plan, spawnFacts(host, dir, state, -1), undo)
    }
    const console = await setUp(context, request, compiled, init, state, undo)
    // Not before: to conmon a pid file says that the program runs.
    await writePidFile(context, request, init, undo)
    const { pid } = init.name
    if (request.detach === true) {
      await init.release()
      return { pid }
    }
    const status = await phase(host, 'attend to the process', () =>
      attempt('attend to the process', {}, () =>
        host.processes.foreground({ pid, pidfd: init.descriptor, terminal: console.fd }),
      ),
    )
    await init.release()
    await console.close()
    return { pid, status }
  } catch (error) {
    const all = await undo.after(error)
    throw wanted.source === undefined ? all : await locate(all, wanted.source.file, wanted.source.text)
  }
}

async function checkStatus({ host }: Context, dir: string, state: SavedState, request: ExecRequest): Promise<void> {
  const status = await deriveStatus(host, dir, state)
  if (status === 'stopped') throw new StateError('STOPPED', 'cannot exec in a stopped container')
  if (status === 'creating') throw new StateError('CREATING', 'cannot exec in a container that is being created')
  if (status === 'paused' && request.ignorePaused !== true) {
    throw new StateError('PAUSED', 'cannot exec in a paused container (use --ignore-paused to override)')
  }
}

async function execFacts(
  context: Context,
  request: ExecRequest,
  dir: string,
  state: SavedState,
  { process, source }: ExecProcess,
): Promise<ExecFacts> {
  const problems = await machineProblems(context, process)
  const [first] = problems
  if (first !== undefined) {
    if (source === undefined) throw new RuntError('UNSUPPORTED', sentence(first), { hint: first.hint })
    const inFile = problems.map((problem) => ({ ...problem, pointer: problem.pointer.replace(/^\/process/, '') }))
    throw await invalidConfig(source.file, source.text, inFile)
  }
  const listen = await listenFds(context)
  await checkPreserved(context, listen, request.preserveFds ?? 0)
  return {
    pid: state.pid,
    namespaces: state.namespaces,
    namespaceLinks: state.namespaceLinks,
    keyring: state.keyring,
    domain: state.domain,
    keepGroups: keepsGroups(state.annotations),
    preserveFds: request.preserveFds,
    listenFds: listen,
    euid: await context.host.system.euid(),
    inUserNamespace: await context.host.system.inUserNamespace(),
    permitted: await attempt('learn what the caller may do', {}, () => context.host.system.permittedCapabilities()),
    seccomp:
      state.seccomp === undefined
        ? undefined
        : await (await import('./seccomp.ts')).loadFilter(context.host, dir, state),
  }
}

/** What this machine does not have. */
async function machineProblems({ host }: Context, process: Process): Promise<ConfigProblem[]> {
  const problems: ConfigProblem[] = []
  if (hasLabels(process)) {
    const { labelProblems } = await import('./labels.ts')
    problems.push(...(await labelProblems(host, process)))
  }
  if (process.execCPUAffinity !== undefined) {
    const { processorProblems } = await import('./processors.ts')
    problems.push(...(await processorProblems(host, process)))
  }
  return problems
}

async function spawn(
  context: Context,
  request: ExecRequest,
  plan: Plan,
  dir: string,
  state: SavedState,
  undo: Undo,
): Promise<Init> {
  const own = execCgroup(request, state)
  try {
    return await spawnIn(context, request, { plan, dir, cgroup: own }, state, undo)
  } catch (error) {
    const taken = error instanceof RuntError && (error.code === 'EBUSY' || error.code === 'EOPNOTSUPP')
    if (own === undefined || request.cgroup !== undefined || !taken) throw error
    const cgroup = await cgroupOfInit(context, own, state)
    if (cgroup === undefined) throw error
    return spawnIn(context, request, { plan, dir, cgroup }, state, undo)
  }
}

function spawnFacts({ trace }: Host, dir: string, target: SavedState, cgroup: Fd): SpawnFacts {
  // Processes of others may be made meanwhile.
  const times = trace && { path: `${dir}/${timesFile}.${trace.pid}`, lasting: false }
  return { dir, cgroup, target, times }
}

async function spawnIn(
  { host }: Context,
  request: ExecRequest,
  { plan, dir, cgroup: path }: { plan: Plan; dir: string; cgroup: string | undefined },
  state: SavedState,
  undo: Undo,
): Promise<Init> {
  let cgroup: Fd = -1
  if (path !== undefined) {
    if (request.ignorePaused !== true) await refuseFrozen(host, path, state)
    const details = { origin: request.cgroup === undefined ? undefined : '--cgroup' }
    cgroup = await attempt(`open cgroup ${path}`, details, () => openCgroup(host, path, request.cgroup === undefined))
  }
  try {
    return await Init.spawn(host, plan, spawnFacts(host, dir, state, cgroup), undo)
  } catch (error) {
    // A cgroup that was removed since it was opened takes no process: the container was deleted.
    const gone = error instanceof RuntError && (error.code === 'ENOENT' || error.code === 'ENODEV')
    if (!gone || path === undefined || !error.message.startsWith('spawn init')) throw error
    throw new StateError('STOPPED', 'cannot exec in a stopped container', { cause: error })
  } finally {
    if (cgroup >= 0) await closeQuietly(host, cgroup)
  }
}

/**
 * The container may freeze cgroups below its own, where the process would stand still before it is a program of its own, and runt,
 * which waits for that, with it.
 */
async function refuseFrozen(host: Host, path: string, state: SavedState): Promise<void> {
  const own = cgroupDir(state.cgroup!)
  for (let dir = path; dir.startsWith(`${own}/`); dir = dir.slice(0, dir.lastIndexOf('/'))) {
    if (!(await isFrozen(host, dir))) continue
    throw new StateError('PAUSED', `cannot exec in a frozen cgroup: ${dir} (use --ignore-paused to override)`, {
      hint: `thaw it with: echo 0 > ${dir}/cgroup.freeze`,
    })
  }
}

/** @param own whether it is the container's: not in the kernel's words, which daemons take for those of a missing program */
async function openCgroup(host: Host, path: string, own: boolean): Promise<Fd> {
  try {
    return await host.files.open(path, openFlags.directory | openFlags.path)
  } catch (error) {
    if (own && isErrno(error, 'ENOENT')) throw (await import('../cgroups/failures.ts')).goneError(path, error)
    throw error
  }
}

/**
 * A container that manages cgroups of its own (systemd) gives controllers to cgroups below its own, which then takes no
 * process. As in runc, processes go to where its init is now, which must be below.
 */
async function cgroupOfInit({ host }: Context, own: string, state: SavedState): Promise<string | undefined> {
  const text = (await host.files.readTextIfExists(`/proc/${state.pid}/cgroup`)) ?? ''
  const line = text.split('\n').find((candidate) => candidate.startsWith('0::'))
  const path = `${state.cgroup?.root ?? ''}${line?.slice('0::'.length) ?? ''}`
  return path.startsWith(`${own}/`) && !path.split('/').includes('..') ? path : undefined
}

/** Into the cgroup that the kernel lets this caller not enter: see `canBeAttached`. */
async function attach(context: Context, request: ExecRequest, state: SavedState, pid: number): Promise<void> {
  const own = cgroupDir(state.cgroup!)
  const path =
    (request.cgroup === undefined ? await cgroupOfInit(context, own, state) : execCgroup(request, state)) ?? own
  const { attachToUnit } = await import('./systemd.ts')
  await attachToUnit(context.host, state.cgroup!, pid, path.slice(own.length))
}

/** The container's cgroup, or the one below it that --cgroup names. */
function execCgroup(request: ExecRequest, state: SavedState): string | undefined {
  const dir = state.cgroup && cgroupDir(state.cgroup)
  if (request.cgroup === undefined) return dir
  const refuse = (why: string, hint?: string): UsageError =>
    new UsageError(`--cgroup ${request.cgroup} ${why}`, { origin: '--cgroup', hint })
  const controllers = /^([^/:]*):/.exec(request.cgroup)
  if (controllers !== null)
    throw refuse('names a controller', 'cgroup v2 has one hierarchy for all: give the path alone')
  const parts = request.cgroup.split('/').filter((part) => part !== '' && part !== '.')
  if (dir === undefined) throw refuse('is below no cgroup: the container was made without one')
  if (parts.includes('..')) throw refuse("is not a path below the container's cgroup")
  return [dir, ...parts].join('/')
}

/** The terminal's master in the foreground. */
interface Console {
  fd: Fd
  close(): Promise<void>
}

/** Goes through the process's set-up with it, until it executed its program. */
async function setUp(
  { host, globals }: Context,
  request: ExecRequest,
  { plan, parent }: Compiled,
  init: Init,
  state: SavedState,
  undo: Undo,
): Promise<Console> {
  const context = { host, globals }
  const console: Console = {
    fd: -1,
    close: async () => {
      const { fd } = console
      console.fd = -1
      if (fd >= 0) await closeQuietly(host, fd)
    },
  }
  undo.push('close the terminal', () => console.close())
  const progress = { ready: false }
  const failed = await init.converse({
    listener: async (fd) => {
      if (parent.listener === undefined) return
      const { sendListener } = await import('./seccomp-listener.ts')
      await sendListener(context, parent.listener, { fd, pid: init.name.pid, status: 'running' }, state)
    },
    console: async (fd, name) => {
      console.fd = fd
      if (request.consoleSocket === undefined) return copyWindowSize(host, fd)
      const socket = absolute(globals, request.consoleSocket)
      await attempt(`send the terminal to ${socket}`, { origin: '--console-socket' }, () =>
        host.sockets.sendDescriptor(socket, fd, name),
      )
      await console.close()
    },
    reached: async (point) => {
      if (point === syncPoint.begun && parent.attach === true) await attach(context, request, state, init.name.pid)
      if (point === parent.oomScoreAdj?.point) await adjustOom(context, init.name.pid, parent.oomScoreAdj)
      if (point !== syncPoint.ready) return
      progress.ready = true
      await limit(context, init.name.pid, parent.rlimits)
      await schedule(context, init.name.pid, parent)
      if (state.intelRdt !== undefined) {
        await (await import('./intel-rdt.ts')).joinRdt(host, state.intelRdt, init.name.pid)
      }
      await sendPidfd(context, request, init, 'setns')
      if (request.detach === true) return
      // From the program's first instruction on, signals are its own.
      undo.push('let signals through', () => host.processes.holdSignals(false))
      await host.processes.holdSignals(true)
    },
  })
  if (failed !== undefined) {
    // The container's last process left while its namespaces were joined (ESRCH), or one was to be made in them (ENOMEM).
    const gone = { setns: 'ESRCH', clone3: 'ENOMEM' }[failed.syscall]
    const { errnoCode } = await import('./errno.ts')
    if (errnoCode(failed.errno) === gone) throw new StateError('STOPPED', 'cannot exec in a stopped container')
    const { stepError } = await import('./step-errors.ts')
    throw stepError(plan, { failed, architecture: await host.system.architecture() })
  }
  if (!progress.ready) throw await (await import('./killed.ts')).whyDied(host, state)
  if ((state.resources?.memory?.limit ?? 0) > 0) {
    const { whyNotExecuted } = await import('./killed.ts')
    const error = await whyNotExecuted(host, state, init.name, 'process')
    if (error !== undefined) throw error
  }
  return console
}
