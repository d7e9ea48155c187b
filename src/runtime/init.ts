/** A process that runs a plan: spawned, talked to until it executes the program or waits for start, and ended if need be. */
import { RuntError, StateError, SystemError, type ErrorDetails } from '../errors.ts'
import { openFlags, phase, type Fd, type Host, type InitMessage, type TimesFile } from '../host/host.ts'
import type { Input, Plan } from '../plan/plan.ts'
import { syncPoint } from '../plan/sync.ts'
import { encodePlan } from '../plan/wire.ts'
import { attempt, closeQuietly, explained, isErrno, type Undo } from './failures.ts'
import { openProcess, readStat, type ProcessName } from './procfs.ts'
import { SIGKILL } from './signals.ts'

export interface SpawnFacts {
  /** The container's state directory: inputs of kind `state` are files in it. */
  dir: string
  /** Directory of the cgroup to start in, or -1. */
  cgroup: Fd
  /** The process that inputs of the kinds `pidfd` and `root` name. */
  target?: ProcessName | undefined
  /** What becomes its standard output; this process's where it is undefined. */
  output?: Fd | undefined
  /** File in which init notes the times of its steps, where the command is traced. */
  times?: TimesFile | undefined
  /** Makes inputs of kind `userns`. */
  openUserNamespace?: (source: Extract<Input['source'], { kind: 'userns' }>, origin: string) => Promise<Fd>
}

/** What is done with init's messages. */
export interface Handlers {
  /** init is at a sync point and waits. */
  reached(point: number): Promise<void>
  /** Another process took over; `init.name` is it. */
  replaced?(): Promise<void>
  /** The descriptor of a seccomp listener; it is closed afterwards. */
  listener?(fd: Fd): Promise<void>
  /** The master of a terminal; the handler owns it. */
  console(fd: Fd, name: string): Promise<void>
}

export type Failed = Extract<InitMessage, { type: 'failed' }>

export class Init {
  /** The process that runs the plan now. */
  name: ProcessName
  private pidfd: Fd
  private socket: Fd
  /** A stage that handed over to another process and was not reaped yet. */
  private retired: { pid: number; pidfd: Fd } | undefined
  /** The file in which it notes the times of these steps, if it does. */
  private timed: { path: string; pids: number[]; steps: Plan['steps'] } | undefined
  private readonly host: Host

  private constructor(host: Host, pid: number, pidfd: Fd, socket: Fd) {
    this.host = host
    this.name = { pid, startTime: 0 }
    this.pidfd = pidfd
    this.socket = socket
  }

  /** Opens the plan's inputs and spawns the process; registers its end with `undo`. */
  static async spawn(host: Host, plan: Plan, facts: SpawnFacts, undo: Undo): Promise<Init> {
    const opened: Fd[] = []
    try {
      const inputs: Fd[] = []
      for (const input of plan.inputs) {
        const fd = await openInput(host, input, facts)
        opened.push(fd)
        inputs.push(fd)
      }
      const times = facts.times && (await host.trace?.openTimes(facts.times, plan.steps.length))
      if (times !== undefined) opened.push(times)
      const child = await spawn(host, plan, inputs, facts, times)
      const init = new Init(host, child.pid, child.pidfd, child.socket)
      undo.push('end init', () => init.end())
      if (times !== undefined) init.timed = { path: facts.times!.path, pids: [child.pid], steps: plan.steps }
      await init.learnStartTime()
      return init
    } finally {
      for (const fd of opened) await closeQuietly(host, fd)
    }
  }

  /** The process by a descriptor; stays this object's own. */
  get descriptor(): Fd {
    return this.pidfd
  }

  /** Talks with init until it closes its end, or fails. */
  async converse(handlers: Handlers): Promise<Failed | undefined> {
    if (this.timed === undefined) return this.talk(handlers)
    const { path, pids, steps } = this.timed
    try {
      return await this.talk(handlers)
    } finally {
      await this.host.trace?.takeTimes(path, { pids, from: 0, steps })
    }
  }

  private async talk(handlers: Handlers): Promise<Failed | undefined> {
    const { host } = this
    for (;;) {
      const message = await phase(host, 'wait for init', () =>
        attempt('hear from init', {}, () => host.processes.receive(this.socket)),
      )
      switch (message.type) {
        case 'reached':
          await phase(host, `at sync point ${nameOf(message.point)}`, () => handlers.reached(message.point))
          await this.proceed()
          break
        case 'forked':
          await this.follow(message.pid)
          await handlers.replaced?.()
          break
        case 'descriptor':
          await handlers.console(message.fd, message.name)
          break
        case 'listener':
          await this.takeListener(message.number, handlers)
          await this.proceed()
          break
        case 'failed':
          return message
        case 'closed':
          return undefined
      }
    }
  }

  /** init cannot send its listener: sendmsg(2) may be one of the calls that wait for the listener's answer. */
  private async takeListener(number: number, handlers: Handlers): Promise<void> {
    const details = {
      origin: '/linux/seccomp/listenerPath',
      hint: 'pidfd_getfd(2) needs CAP_SYS_PTRACE, and a kernel.yama.ptrace_scope below 3',
    }
    const fd = await attempt('take the seccomp listener out of init', details, () =>
      this.host.processes.pidfdGetFd(this.pidfd, number),
    )
    try {
      await handlers.listener?.(fd)
    } finally {
      await closeQuietly(this.host, fd)
    }
  }

  private async proceed(): Promise<void> {
    try {
      await this.host.processes.proceed(this.socket)
    } catch (error) {
      // init died at the sync point: the next message is the end of the talk.
      if (!isErrno(error, 'EPIPE', 'ECONNRESET')) throw await explained('answer init', error)
    }
  }

  /** The plan goes on in process `pid`, our child too; the old one leaves by itself. */
  private async follow(pid: number): Promise<void> {
    this.retired = { pid: this.name.pid, pidfd: this.pidfd }
    this.name = { pid, startTime: 0 }
    this.timed?.pids.push(pid)
    this.pidfd = -1
    this.pidfd = await attempt(`open process ${pid}`, {}, () => this.host.processes.pidfdOpen(pid))
    await this.learnStartTime()
    await this.reapRetired()
  }

  private async reap(pid: number): Promise<void> {
    try {
      await this.host.processes.wait(pid)
    } catch (error) {
      // The foreground has done so.
      if (!isErrno(error, 'ECHILD')) throw await explained(`wait for process ${pid}`, error)
    }
  }

  private async reapRetired(): Promise<void> {
    const retired = this.retired
    if (retired === undefined) return
    this.retired = undefined
    try {
      await attempt(`wait for process ${retired.pid}`, {}, () => this.host.processes.wait(retired.pid))
    } finally {
      await closeQuietly(this.host, retired.pidfd)
    }
  }

  private async learnStartTime(): Promise<void> {
    const { pid } = this.name
    const stat = await attempt(`read /proc/${pid}/stat`, {}, () => readStat(this.host, pid))
    // Our own child, not reaped: it is there even if it has died.
    if (stat === undefined)
      throw new RuntError('NO_PROC', `/proc has no process ${pid}`, {
        hint: 'runt needs /proc of its own pid namespace',
      })
    this.name = { pid, startTime: stat.startTime }
  }

  /** Closes this side's descriptors; the process goes on. With `keepPidfd` that one stays open, for the caller to close. */
  async release(keepPidfd = false): Promise<void> {
    const [socket, pidfd] = [this.socket, this.pidfd]
    this.socket = -1
    if (!keepPidfd) this.pidfd = -1
    if (socket >= 0) await closeQuietly(this.host, socket)
    if (!keepPidfd && pidfd >= 0) await closeQuietly(this.host, pidfd)
  }

  /**
   * Kills the process, waits for its end and closes everything. The socket goes first: init leaves at its next sync point when
   * nobody is there to talk to, should the signal fail.
   */
  async end(): Promise<void> {
    const { processes } = this.host
    if (this.socket >= 0) await closeQuietly(this.host, this.socket)
    this.socket = -1
    const { pid } = this.name
    if (pid <= 0) return
    try {
      if (this.pidfd >= 0) await processes.pidfdSignal(this.pidfd, SIGKILL)
    } catch (error) {
      if (!isErrno(error, 'ESRCH')) throw error
    } finally {
      if (this.pidfd >= 0) await closeQuietly(this.host, this.pidfd)
      this.pidfd = -1
      this.name = { pid: 0, startTime: 0 }
      await this.reapRetired()
      await this.reap(pid)
    }
  }
}

function nameOf(point: number): string {
  return Object.entries(syncPoint).find(([, value]) => value === point)?.[0] ?? String(point)
}

async function openInput(host: Host, input: Input, facts: SpawnFacts): Promise<Fd> {
  const { source } = input
  const details = { origin: input.origin === '' ? undefined : input.origin }
  switch (source.kind) {
    case 'path':
      return attempt(`open ${input.name} ${source.path}`, details, () =>
        host.files.open(source.path, openFlags[source.flags]),
      )
    case 'state':
      return attempt(`open ${input.name} ${facts.dir}/${source.file}`, details, () =>
        host.files.open(`${facts.dir}/${source.file}`, openFlags.readWrite | openFlags.noFollow),
      )
    case 'pidfd':
      return openTarget(host, source.pid, facts, details)
    case 'root': {
      const path = `/proc/${source.pid}/root`
      const root = await attempt(`open ${path}`, details, () =>
        host.files.open(path, openFlags.path | openFlags.directory),
      )
      try {
        // Of the process that was meant: it is still there.
        await closeQuietly(host, await openTarget(host, source.pid, facts, details))
      } catch (error) {
        await closeQuietly(host, root)
        throw error
      }
      return root
    }
    case 'userns':
      if (facts.openUserNamespace === undefined) throw new Error('nobody makes user namespaces here')
      return facts.openUserNamespace(source, input.origin)
  }
}

async function openTarget(host: Host, pid: number, facts: SpawnFacts, details: ErrorDetails): Promise<Fd> {
  const target = facts.target ?? { pid, startTime: -1 }
  const pidfd = await attempt(`open process ${target.pid}`, details, () => openProcess(host, target))
  if (pidfd === undefined) throw new StateError('NOT_RUNNING', 'container not running')
  return pidfd
}

/** @param times where init notes the times of its steps */
async function spawn(
  host: Host,
  plan: Plan,
  inputs: readonly Fd[],
  { cgroup, output }: SpawnFacts,
  times: Fd | undefined,
) {
  const bytes = phase(host, 'encode the plan', () => encodePlan(plan, times !== undefined))
  try {
    return await phase(host, 'clone init', () =>
      host.processes.spawn({
        plan: bytes,
        inputs: times === undefined ? inputs : [...inputs, times],
        cloneFlags: plan.cloneFlags,
        cgroup,
        preserveFds: plan.preserveFds,
        cpus: plan.cpus,
        output,
      }),
    )
  } catch (error) {
    const subject = error instanceof SystemError && error.path !== undefined ? `: ${error.path}` : ''
    throw await explained(`spawn init${subject}`, error, spawnHint(error, cgroup))
  }
}

function spawnHint(error: unknown, cgroup: Fd): { hint?: string; origin?: string } {
  if (error instanceof SystemError && error.syscall === 'sched_setaffinity')
    return {
      origin: '/process/execCPUAffinity/initial',
      hint: 'none of these processors is online, and runt may use it',
    }
  if (isErrno(error, 'ENOSPC', 'EUSERS')) {
    return { origin: '/linux/namespaces', hint: 'too many namespaces: see /proc/sys/user/max_*_namespaces' }
  }
  if (isErrno(error, 'EPERM')) return { hint: 'making namespaces needs root, or CAP_SYS_ADMIN' }
  if (isErrno(error, 'EAGAIN')) return { hint: 'too many processes: see ulimit -u and the pids.max of the cgroup' }
  if (isErrno(error, 'EBUSY', 'EOPNOTSUPP') && cgroup >= 0) {
    return {
      origin: '/linux/cgroupsPath',
      hint: 'a cgroup that gives controllers to its children, or is threaded, can hold no processes itself',
    }
  }
  // A number that --preserve-fds counts was free, and taken by the engine that runs the command.
  if (isErrno(error, 'EBADF')) return { origin: '--preserve-fds' }
  return {}
}
