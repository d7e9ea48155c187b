/**
 * A machine in memory: files, cgroups, processes that run plans. It outlives the commands that act on it (host.ts), so that a
 * test can look at what they left.
 */
import type { ExitStatus, InitMessage } from '../../src/host/host.ts'
import { directory, systemError, Tree, type Fifo, type OpenFile } from './tree.ts'

/** What a program, or init before it, does in a test. */
export interface Script {
  /** init fails at the first step of this name. */
  failStep?: { op: string; errno: number; subject?: string; detail?: Uint8Array }
  /** The program ends by itself, at once; else it runs until it is killed. */
  exits?: number
  /** init is killed when it comes to the first step of this name. */
  dieAt?: string
  /** When it ends, its cgroup has counted an OOM kill. */
  oomKilled?: true
  /** What a hook of this path ends with, instead of success. */
  hooks?: Record<string, ExitStatus | 'timeout'>
  /** Nothing is heard of it in time once it was started. */
  silent?: boolean
  /** SIGKILL does not end it: it waits in the kernel. */
  stuck?: boolean
}

/** The two ends of the socket between runt and init. */
export interface SocketPair {
  messages: InitMessage[]
  proceeds: number
  /** This side's end is open. */
  host: boolean
  /** Processes that hold the other end. */
  inits: number
}

export interface Process {
  pid: number
  startTime: number
  /** The command that reaps it; undefined: the machine's own init, at once. */
  parent: object | undefined
  /** undefined while it lives. */
  status: ExitStatus | undefined
  /** Reaped. */
  gone: boolean
  cgroup: string | undefined
  /** The pid namespace that it is in; it is the init of it if they are the same object. */
  pids: { init: Process | undefined }
  script: Script
  steps: readonly { op: string; [field: string]: unknown }[]
  at: number
  /** It told its sync point, and waits. */
  told: boolean
  socket: SocketPair | undefined
  /** What it was given: inputs of its plan. */
  files: OpenFile[]
  registers: OpenFile[]
  executed: boolean
}

export const cgroupRoot = '/sys/fs/cgroup'
export const resctrlRoot = '/sys/fs/resctrl'

export interface NetworkDevice {
  index: number
  up: boolean
  /** Stands for the bytes that only the addon reads. */
  addresses: string
}

export class World {
  readonly tree = new Tree()
  readonly processes = new Map<number, Process>()
  /** Descriptors that were sent away, by socket. */
  readonly sent: { socket: string; data: string }[] = []
  /** Pids of processes that commands waited for until they were ready (NOTIFY_SOCKET). */
  readonly ready: number[] = []
  /** Network devices by name, of the commands' own namespace (`self`) and of those of processes (their pids). */
  private readonly networks = new Map<string, Map<string, NetworkDevice>>()
  /** For the next processes. */
  script: Script = {}
  /** Hooks that were run: their path, and their standard input. */
  readonly hooks: { path: string; state: { status: string; pid?: number }; directory: string | undefined }[] = []
  /** A command that a test left at work. */
  creator: object | undefined
  stdout = ''
  stderr = ''

  network(owner: string): Map<string, NetworkDevice> {
    const devices = this.networks.get(owner) ?? new Map<string, NetworkDevice>()
    this.networks.set(owner, devices)
    return devices
  }
  private nextPid = 100
  private nextStart = 5000
  private waiters: { ready: () => boolean; wake: () => void }[] = []

  constructor() {
    for (const path of ['/run', '/sys/fs', '/proc', '/etc']) this.tree.makeParents(path)
    this.makeCgroup(cgroupRoot)
    this.write('/proc/self/cgroup', '0::/own/here\n')
    this.makeCgroup(`${cgroupRoot}/own`)
    this.write('/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n')
  }

  write(path: string, text: string): void {
    this.tree.makeParents(path.slice(0, path.lastIndexOf('/')))
    const node = this.tree.find(path)
    if (node?.kind === 'file') node.text = text
    else this.tree.add(path, { kind: 'file', text, mode: 0o644 }, 'open')
  }

  makeCgroup(path: string): void {
    this.tree.makeParents(path.slice(0, path.lastIndexOf('/')))
    this.tree.add(path, directory(), 'mkdir')
    for (const file of ['cgroup.controllers', 'cgroup.subtree_control'])
      this.write(`${path}/${file}`, 'cpu memory pids\n')
    for (const file of ['memory.max', 'pids.max', 'cgroup.kill']) this.write(`${path}/${file}`, 'max\n')
    this.write(`${path}/cgroup.freeze`, '0\n')
    this.write(`${path}/cgroup.type`, 'domain\n')
  }

  /** A mounted resctrl, with its root class and others. */
  mountResctrl(...classes: string[]): void {
    this.makeClass(resctrlRoot)
    this.write(`${resctrlRoot}/schemata`, '    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n')
    this.write(`${resctrlRoot}/info/last_cmd_status`, 'ok\n')
    for (const name of classes) this.makeClass(`${resctrlRoot}/${name}`)
  }

  makeClass(path: string): void {
    this.tree.makeParents(path)
    this.write(`${path}/tasks`, '')
    if (path.includes('/mon_groups/')) return
    this.write(`${path}/schemata`, '    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n')
    this.tree.makeParents(`${path}/mon_groups`)
  }

  /** Where classes and monitoring groups are made. */
  isResctrl(path: string): boolean {
    return path.startsWith(`${resctrlRoot}/`)
  }

  isCgroup(path: string): boolean {
    return path.startsWith(`${cgroupRoot}/`)
  }

  /** Living processes in the cgroup and below. */
  members(path: string): Process[] {
    return this.alive().filter(({ cgroup }) => cgroup === path || cgroup?.startsWith(`${path}/`) === true)
  }

  alive(): Process[] {
    return [...this.processes.values()].filter((process) => process.status === undefined)
  }

  /** Waits until a condition holds; it is looked at after every effect of any command. */
  async until(ready: () => boolean): Promise<void> {
    if (ready()) return
    await new Promise<void>((wake) => this.waiters.push({ ready, wake }))
  }

  changed(): void {
    const awake = this.waiters.filter(({ ready }) => ready())
    this.waiters = this.waiters.filter((waiter) => !awake.includes(waiter))
    for (const { wake } of awake) wake()
  }

  // ——— processes ———

  process(options: Partial<Process> & { parent: object | undefined }): Process {
    const process: Process = {
      pid: this.nextPid++,
      startTime: this.nextStart++,
      status: undefined,
      gone: false,
      cgroup: undefined,
      pids: { init: undefined },
      script: this.script,
      steps: [],
      at: 0,
      told: false,
      socket: undefined,
      files: [],
      registers: [],
      executed: false,
      ...options,
    }
    this.processes.set(process.pid, process)
    return process
  }

  /** Another process gets the number of one that is gone. */
  reuse(pid: number): Process {
    this.nextPid = pid
    const process = this.process({ parent: undefined, executed: true, script: {} })
    this.nextPid = Math.max(...this.processes.keys()) + 1
    return process
  }

  stat(process: Process): string {
    const state = process.status === undefined ? 'S' : 'Z'
    const fields = Array.from({ length: 30 }, () => '0')
    fields[0] = state
    // PF_EXITING
    if (process.status !== undefined) fields[6] = '4'
    fields[19] = String(process.startTime)
    return `${process.pid} (${process.executed ? 'a ) (b' : 'runt:init'}) ${fields.join(' ')}\n`
  }

  /** Lets a process run until it has to wait for something. */
  run(process: Process): void {
    while (process.status === undefined && !process.executed) {
      const step = process.steps[process.at]
      if (step === undefined) {
        this.exit(process, { kind: 'exited', code: 1 })
        return
      }
      if (process.script.dieAt === step.op) {
        this.exit(process, { kind: 'signaled', signal: 9 })
        return
      }
      if (process.script.failStep?.op === step.op) {
        this.fail(process)
        return
      }
      const next = this.step(process, step)
      if (next === 'waits') return
      if (next !== process) {
        this.run(next)
        return
      }
      process.at++
    }
  }

  /** @returns the process that goes on. */
  private step(process: Process, step: Process['steps'][number]): Process | 'waits' {
    const { socket } = process
    switch (step.op) {
      case 'sync':
        return this.sync(process, socket, step.point as number)
      case 'setns':
        // ESRCH: the process that it is to follow is gone.
        if (process.pids.init?.status !== undefined) {
          process.script = { ...process.script, failStep: { op: 'setns', errno: 3 } }
          this.fail(process)
          return 'waits'
        }
        return process
      case 'fork':
        return this.fork(process)
      case 'openConsole':
        socket?.messages.push({ type: 'descriptor', fd: -1, name: '/dev/pts/ptmx' })
        return process
      case 'waitForStart':
        return this.waitForStart(process)
      case 'exec':
        this.release(process)
        process.executed = true
        if (process.script.exits !== undefined) this.exit(process, { kind: 'exited', code: process.script.exits })
        return process
      default:
        return process
    }
  }

  private sync(process: Process, socket: SocketPair | undefined, point: number): Process | 'waits' {
    if (!process.told) socket?.messages.push({ type: 'reached', point })
    process.told = true
    if (socket?.host !== true) {
      this.exit(process, { kind: 'exited', code: 1 })
      return 'waits'
    }
    if (socket.proceeds === 0) return 'waits'
    socket.proceeds--
    process.told = false
    return process
  }

  private fork(process: Process): Process {
    const { socket, files, registers, steps, cgroup, script, parent, pids } = process
    const child = this.process({ socket, files, registers, steps, cgroup, script, parent, pids, at: process.at + 1 })
    if (socket !== undefined) {
      socket.inits++
      socket.messages.push({ type: 'forked', pid: child.pid })
    }
    process.files = []
    this.exit(process, { kind: 'exited', code: 0 })
    return child
  }

  private waitForStart(process: Process): Process | 'waits' {
    if (process.socket !== undefined) {
      process.socket.inits--
      process.socket = undefined
    }
    const start = process.registers.find((file) => file.path.endsWith('/start'))?.node as Fifo
    if (start.data.length === 0) return 'waits'
    start.data.shift()
    return process
  }

  private fail(process: Process): void {
    const wanted = process.script.failStep!
    const { errno, subject = '' } = wanted
    // Not a Buffer, which as JSON is something else.
    const detail = Uint8Array.from(wanted.detail ?? [])
    const message: InitMessage = { type: 'failed', step: process.at, errno, syscall: 'call', subject, detail }
    if (process.socket !== undefined) process.socket.messages.push(message)
    else {
      const started = process.registers.find((file) => file.path.endsWith('/started'))?.node as Fifo
      started.data.push(...Buffer.from(JSON.stringify(message)))
    }
    this.exit(process, { kind: 'exited', code: 1 })
  }

  exit(process: Process, status: ExitStatus): void {
    if (process.status !== undefined) return
    process.status = status
    if (process.script.oomKilled) this.write(`${process.cgroup}/memory.events`, 'oom 1\noom_kill 1\n')
    this.release(process)
    if (process.pids.init === process) {
      for (const other of this.alive()) {
        if (other.pids === process.pids) this.exit(other, { kind: 'signaled', signal: 9 })
      }
    }
    if (process.parent === undefined) this.reap(process)
  }

  kill(process: Process, signal: number): void {
    if (signal === 0 || process.status !== undefined || process.script.stuck === true) return
    this.exit(process, { kind: 'signaled', signal })
  }

  reap(process: Process): void {
    process.gone = true
    if (this.processes.get(process.pid) === process) this.processes.delete(process.pid)
  }

  /** Closes what a process holds: it executed its program, or ended. */
  private release(process: Process): void {
    if (process.socket !== undefined) process.socket.inits--
    process.socket = undefined
    for (const file of process.files) this.letGo(file)
    process.files = []
  }

  letGo(file: OpenFile): void {
    file.holders--
    if (file.holders > 0) return
    if (file.node.kind === 'fifo') file.node.opens.delete(file)
    if (file.node.kind === 'directory' && file.node.lockedBy === file) file.node.lockedBy = undefined
  }

  /** A command is gone: its children have another parent, its ends of sockets are closed. */
  orphan(parent: object): void {
    for (const process of [...this.processes.values()]) {
      if (process.parent !== parent) continue
      process.parent = undefined
      if (process.status !== undefined) this.reap(process)
    }
    this.runAll()
  }

  /** Every process looks whether it can go on. */
  runAll(): void {
    for (const process of this.alive()) this.run(process)
  }

  // ——— what tests look at ———

  /** What of containers there is: state, cgroups, processes. */
  remains(root = '/run/runt'): string[] {
    return [
      ...this.tree.paths(root),
      ...this.tree.paths('/store/containers'),
      ...this.tree
        .paths(cgroupRoot)
        .filter((path) => this.tree.find(path)?.kind === 'directory' && !path.endsWith('/own')),
      ...[...this.processes.values()].map(
        ({ pid, status }) => `process ${pid}${status === undefined ? '' : ' (zombie)'}`,
      ),
    ]
  }

  read(path: string): string | undefined {
    const node = this.tree.find(path)
    return node?.kind === 'file' ? node.text : undefined
  }

  missing(path: string): never {
    throw systemError('ENOENT', 'open', path)
  }
}
