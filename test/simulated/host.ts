/**
 * One command's host on a simulated machine: every effect is recorded, the n-th can be made to fail, or be the one before which
 * the command is killed. Commands on the same machine take turns at every effect.
 */
import { createHash } from 'node:crypto'
import { decodePlan } from '../../src/plan/wire.ts'
import type {
  Child,
  ExitStatus,
  Fd,
  FileStatus,
  ForegroundRequest,
  Host,
  InitMessage,
  LockOutcome,
  ReadyRequest,
  SpawnRequest,
} from '../../src/host/host.ts'
import { openFlags } from '../../src/host/host.ts'
import { directory, systemError, type Fifo, type OpenFile } from './tree.ts'
import { cgroupRoot, resctrlRoot, type NetworkDevice, type Process, type SocketPair, type World } from './world.ts'

/** No code can handle it: whatever the command does after it, it meets it again. */
export class Killed extends Error {}

export interface HostOptions {
  /** Number of the effect that fails, from 0; its errno is EIO unless `code` says otherwise. */
  failAt?: number
  code?: string
  /** Number of the effect before which the command is killed. */
  killAt?: number
  euid?: number
  /** For turns among commands: 0 gives none. */
  seed?: number
}

type Held =
  | { kind: 'file'; file: OpenFile }
  | { kind: 'pidfd'; process: Process }
  | { kind: 'socket'; pair: SocketPair }
  | { kind: 'console' }
  /** Of a container's directory: its state.json, as it was last seen. */
  | { kind: 'watch'; file: string; seen: string | undefined }
  | { kind: 'network'; devices: Map<string, NetworkDevice> }

export class SimulatedHost {
  readonly effects: string[] = []
  readonly world: World
  readonly host: Host
  dead = false
  private readonly options: HostOptions
  private readonly held = new Map<Fd, Held>()
  private random: number
  /** Milliseconds that were waited in vain. */
  private clock = 0

  constructor(world: World, options: HostOptions = {}) {
    this.world = world
    this.options = options
    this.random = options.seed ?? 0
    this.host = {
      files: this.counted('files', this.files()),
      processes: this.counted('processes', this.processes()),
      // Nothing happens while it waits, and nobody reads what it prints any more.
      events: this.counted('events', {
        watchFiles: ([path]: readonly string[]) => this.hold({ kind: 'watch', ...this.watched(path!) }),
        catchSignals: () => undefined,
        waitFor: (fds: readonly Fd[]) => ({ ready: fds.map(() => false), signal: 0, unread: true }),
        typedKeys: () => false,
      }),
      sockets: this.counted('sockets', {
        sendDescriptor: (socket: string, fd: Fd, data: string) => {
          this.take(fd)
          world.sent.push({ socket, data })
        },
        notifySocket: () => this.hold({ kind: 'console' }),
        notifyHost: (address: string) => {
          if (address !== '/run/systemd/notify') throw systemError('ENOENT', 'connect', address)
          return this.hold({ kind: 'console' })
        },
      }),
      cgroups: this.counted('cgroups', {
        waitForEvent: (path: string, line: string, timeoutMs: number) =>
          this.within(timeoutMs, () => this.virtual(`${path}/cgroup.events`)?.split('\n').includes(line) !== false),
        setDeviceFilter: (fd: Fd) => void this.take(fd),
        chown: (fd: Fd) => void this.take(fd),
        tasksBelow: (path: string) => ({ processes: this.world.members(path).map(({ pid }) => pid), threads: [] }),
        removeBelow: (path: string) => this.removeBelow(path),
      }),
      networks: this.counted('networks', this.networks()),
      systemd: {
        open: () => {
          throw systemError('ENOENT', 'dlopen', 'libsystemd.so.0')
        },
        close: () => undefined,
        call: () => {
          throw systemError('EBADF', 'sd_bus_call')
        },
        property: () => {
          throw systemError('EBADF', 'sd_bus_call')
        },
      },
      seccomp: this.counted('seccomp', {
        digest: (text: string) => createHash('sha256').update(text).digest('hex'),
        library: () => ({ path: '/lib/libseccomp.so.2', version: '2.5.4' }),
        resolve: (names: readonly string[], architectures: readonly number[]) =>
          Int32Array.from({ length: names.length * architectures.length }, (_, index) => index % names.length),
        // Allows everything.
        compile: () => Uint8Array.from([6, 0, 0, 0, 0, 0, 0xff, 0x7f]),
      }),
      archives: {
        unpack: () => {
          throw systemError('ENOENT', 'dlopen', 'libarchive.so.13')
        },
        spool: () => {
          throw systemError('ENOENT', 'dlopen', 'libarchive.so.13')
        },
        step: () => ({ done: true, read: 0, unpacked: 0, entries: 0 }),
        finish: () => ({ digest: '', diffId: '' }),
        close: () => undefined,
        imageFiles: (_layers, paths) => paths.map(() => undefined),
        changes: () => {
          throw systemError('EPERM', 'open_tree')
        },
        changesStep: () => ({ done: true, changes: new Uint8Array() }),
        changesClose: () => undefined,
        export: () => {
          throw systemError('EPERM', 'open_tree')
        },
        exportStep: () => ({ done: true, entries: 0, size: 0, skipped: new Uint8Array(), skippedMore: 0 }),
        exportFinish: () => ({ digest: '', diffId: '', size: 0 }),
        exportClose: () => undefined,
      },
      output: {
        stdout: (text) => void (world.stdout += text),
        stderr: (text) => void (world.stderr += text),
      },
      system: {
        now: () => '2026-01-02T03:04:05.123456789Z',
        monotonic: () => this.clock,
        euid: () => options.euid ?? 0,
        permittedCapabilities: () => ((options.euid ?? 0) === 0 ? (1n << 41n) - 1n : 0n),
        egid: () => options.euid ?? 0,
        inUserNamespace: () => false,
        kernelRelease: () => '6.1.0',
        architecture: () => 'x64',
        random: () => '0123456789abcdef0123456789abcdef',
        ownCommand: () => ['/usr/bin/runt'],
      },
    }
  }

  /** Descriptors that the command did not close. */
  get leaks(): string[] {
    return [...this.held].map(([fd, held]) => `${fd} ${held.kind}${held.kind === 'file' ? ` ${held.file.path}` : ''}`)
  }

  /** The command's process ends, by itself or killed. */
  end(): void {
    this.dead = true
    for (const fd of [...this.held.keys()]) this.drop(fd)
    this.world.orphan(this)
    this.world.changed()
  }

  private counted<T extends object>(group: string, functions: T): T {
    const entries = Object.entries(functions) as [string, (...args: unknown[]) => unknown][]
    return Object.fromEntries(
      entries.map(([name, run]) => [name, (...args: unknown[]) => this.effect(`${group}.${name}`, args, run)]),
    ) as T
  }

  private async effect(name: string, args: unknown[], run: (...args: unknown[]) => unknown): Promise<unknown> {
    await this.turn()
    const number = this.effects.length
    this.effects.push(`${name} ${args.filter((arg) => typeof arg !== 'object').join(' ')}`)
    if (!this.dead && number === this.options.killAt) this.end()
    if (this.dead) throw new Killed(`killed at effect ${number}`)
    if (number === this.options.failAt) {
      // close(2) releases the descriptor whatever it answers.
      if (name === 'files.close') this.drop(args[0] as Fd)
      const path = typeof args[0] === 'string' ? args[0] : undefined
      throw systemError(this.options.code ?? 'EIO', name, path)
    }
    try {
      return await run(...args)
    } finally {
      this.world.runAll()
      this.world.changed()
    }
  }

  /** A pseudo-random number of steps of others. */
  private async turn(): Promise<void> {
    if (this.options.seed === undefined) return
    this.random = (Math.imul(this.random, 1103515245) + 12345) >>> 0
    for (let left = (this.random >>> 16) % 8; left > 0; left--) await Promise.resolve()
  }

  // ——— descriptors ———

  private hold(held: Held): Fd {
    let fd = 3
    while (this.held.has(fd)) fd++
    this.held.set(fd, held)
    return fd
  }

  private take(fd: Fd): Held {
    const held = this.held.get(fd)
    if (held === undefined) throw systemError('EBADF', 'fd', String(fd))
    return held
  }

  private drop(fd: Fd): void {
    const held = this.take(fd)
    this.held.delete(fd)
    if (held.kind === 'file') this.world.letGo(held.file)
    if (held.kind === 'socket') held.pair.host = false
  }

  private file(fd: Fd): OpenFile {
    const held = this.take(fd)
    if (held.kind !== 'file') throw systemError('EBADF', 'fd', String(fd))
    return held.file
  }

  private pidfd(fd: Fd): Process {
    const held = this.take(fd)
    if (held.kind !== 'pidfd') throw systemError('EBADF', 'pidfd', String(fd))
    return held.process
  }

  private pair(fd: Fd): SocketPair {
    const held = this.take(fd)
    if (held.kind !== 'socket') throw systemError('ENOTSOCK', 'socket', String(fd))
    return held.pair
  }

  // ——— files ———

  private files(): Host['files'] {
    const { tree } = this.world
    const text = (path: string): string => this.virtual(path) ?? this.text(path)
    return {
      readText: (path) => text(path),
      readTextIfExists: (path) => {
        try {
          return text(path)
        } catch (error) {
          if (['ENOENT', 'ENOTDIR'].includes((error as { code?: string }).code ?? '')) return undefined
          throw error
        }
      },
      writeExisting: (path, value) => this.writeExisting(path, value),
      writeAtomic: (path, value, mode = 0o600) => {
        const { directory: parent, name } = tree.parent(path, 'open')
        parent.children.set(name, { kind: 'file', text: value, mode })
      },
      writeNew: (path, value, mode) => tree.add(path, { kind: 'file', text: value, mode }, 'open'),
      append: (path, value, mode) => {
        const old = tree.find(path)
        if (old?.kind === 'file') old.text += value
        else tree.add(path, { kind: 'file', text: value, mode }, 'open')
      },
      status: (path) => this.status(path),
      readLink: (path) => this.readLink(path),
      realPath: (path) => {
        tree.get(path, 'realpath')
        return path
      },
      list: (path) => [...tree.directory(path, 'open').children.keys()],
      mkdir: (path) => {
        if (this.world.isResctrl(path)) {
          if (tree.find(path) !== undefined) throw systemError('EEXIST', 'mkdir', path)
          tree.parent(path, 'mkdir')
          this.world.makeClass(path)
          return
        }
        if (!this.world.isCgroup(path)) {
          tree.add(path, directory(), 'mkdir')
          return
        }
        tree.parent(path, 'mkdir')
        this.world.makeCgroup(path)
      },
      mkdirParents: (path) => tree.makeParents(path),
      rmdir: (path) => this.rmdir(path),
      unlink: (path) => tree.remove(path, 'unlink'),
      removeTree: (path) => {
        if (tree.find(path) !== undefined) tree.remove(path, 'unlink')
      },
      removeDeep: (path) => {
        if (tree.find(path) !== undefined) tree.remove(path, 'unlink')
      },
      unmount: () => undefined,
      chown: (path) => void tree.get(path, 'chown'),
      // Nothing that the simulated commands do renames.
      rename: (path) => {
        throw systemError('EXDEV', 'rename', path)
      },
      mkfifo: (path) => tree.add(path, { kind: 'fifo', data: [], opens: new Set() }, 'mkfifo'),
      open: (path, flags) => this.open(path, flags),
      close: (fd) => this.drop(fd),
      read: (fd) => this.read(fd),
      waitReadable: () => this.world.script.silent !== true,
      waitUnread: (fd, timeoutMs) => {
        const fifo = this.file(fd).node as Fifo
        return this.within(timeoutMs, () => ![...fifo.opens].some(({ read }) => read))
      },
      unread: (fd) => (this.file(fd).node as Fifo).data.length,
      write: (fd, data) => void (this.file(fd).node as Fifo).data.push(...data),
      lock: (fd, wait) => this.lock(fd, wait),
      // Nobody takes it exclusively here.
      lockShared: (fd) => void this.take(fd),
      lockWithin: (fd, watch, timeoutMs) => this.lockWithin(fd, watch, timeoutMs),
      filesystemType: (path) => {
        if (path === resctrlRoot && tree.find(path) !== undefined) return 0x7655821
        return path === cgroupRoot ? 0x63677270 : undefined
      },
    }
  }

  private text(path: string): string {
    const node = this.world.tree.get(path, 'open')
    if (node.kind !== 'file') throw systemError('EISDIR', 'read', path)
    return node.text
  }

  /** Files that the kernel makes up. */
  private virtual(path: string): string | undefined {
    const process = /^\/proc\/(\d+)\/stat$/.exec(path)
    if (process) {
      const found = this.world.processes.get(Number(process[1]))
      return found === undefined ? this.world.missing(path) : this.world.stat(found)
    }
    const cgroup = /^(\/sys\/fs\/cgroup\/.+)\/cgroup\.(procs|events|stat)$/.exec(path)
    if (!cgroup || this.world.tree.find(cgroup[1]!) === undefined) return undefined
    const members = this.world.members(cgroup[1]!)
    if (cgroup[2] === 'procs') return members.map(({ pid }) => `${pid}\n`).join('')
    if (cgroup[2] === 'events') {
      const frozen = this.world.read(`${cgroup[1]}/cgroup.freeze`)?.trim() === '1'
      return `populated ${members.length > 0 ? 1 : 0}\nfrozen ${frozen ? 1 : 0}\n`
    }
    return 'nr_descendants 0\n'
  }

  private writeExisting(path: string, text: string): void {
    const process = /^\/proc\/(\d+)\/\w+$/.exec(path)
    if (process) {
      if (!this.world.processes.has(Number(process[1]))) this.world.missing(path)
      return
    }
    const node = this.world.tree.get(path, 'open')
    if (node.kind !== 'file') throw systemError('EISDIR', 'open', path)
    node.text = text
    if (path.endsWith('/cgroup.kill')) {
      for (const member of this.world.members(path.slice(0, -'/cgroup.kill'.length))) this.world.kill(member, 9)
    }
  }

  private status(path: string): FileStatus | undefined {
    const descriptor = /^\/proc\/self\/fd\/(\d+)$/.exec(path)
    const base = { mode: 0o644, uid: 0, gid: 0, size: 0 }
    if (descriptor) return this.held.has(Number(descriptor[1])) ? { type: 'symlink', ...base } : undefined
    const node = this.world.tree.find(path)
    return node && { type: node.kind, ...base }
  }

  private readLink(path: string): string {
    if (path === '/proc/self') return '77'
    const network = /^\/proc\/(self|\d+)\/ns\/net$/.exec(path)
    if (network) return `net:[${network[1]}]`
    const descriptor = /^\/proc\/self\/fd\/(\d+)$/.exec(path)
    const file = this.file(Number(descriptor?.[1]))
    return file.node.kind === 'directory' && file.node.removed ? `${file.path} (deleted)` : file.path
  }

  private removeBelow(path: string): boolean {
    const node = this.world.tree.find(path)
    for (const [name, child] of node?.kind === 'directory' ? [...node.children] : []) {
      if (child.kind !== 'directory') continue
      if (!this.removeBelow(`${path}/${name}`) || this.world.members(`${path}/${name}`).length > 0) return false
      this.rmdir(`${path}/${name}`)
    }
    return true
  }

  private rmdir(path: string): void {
    const node = this.world.tree.directory(path, 'rmdir')
    if (this.world.isCgroup(path)) {
      const below = [...node.children.values()].some((child) => child.kind === 'directory')
      if (below || this.world.members(path).length > 0) throw systemError('EBUSY', 'rmdir', path)
    } else if (node.children.size > 0 && !this.world.isResctrl(path)) throw systemError('ENOTEMPTY', 'rmdir', path)
    this.world.tree.remove(path, 'rmdir')
  }

  private async open(path: string, flags: number): Promise<Fd> {
    const network = /^\/proc\/(self|\d+)\/ns\/net$/.exec(path)
    if (network) return this.hold({ kind: 'network', devices: this.world.network(network[1]!) })
    if ((flags & openFlags.create) !== 0 && this.world.tree.find(path) === undefined) this.world.write(path, '')
    const node = this.world.tree.get(path, 'open')
    const both = (flags & openFlags.readWrite) !== 0
    const write = both || (flags & openFlags.writeOnly) !== 0
    const read = both || !write
    if ((flags & openFlags.directory) !== 0 && node.kind !== 'directory') throw systemError('ENOTDIR', 'open', path)
    if (node.kind === 'directory' && write) throw systemError('EISDIR', 'open', path)
    const file: OpenFile = { node, path, read, write, holders: 1 }
    if (node.kind === 'fifo') {
      const others = (kind: 'read' | 'write') => [...node.opens].some((other) => other[kind])
      if (!both && (flags & openFlags.nonBlocking) === 0) await this.world.until(() => others(write ? 'read' : 'write'))
      if (write && !both && !others('read')) throw systemError('ENXIO', 'open', path)
      node.opens.add(file)
    }
    return this.hold({ kind: 'file', file })
  }

  private watched(dir: string): { file: string; seen: string | undefined } {
    return { file: `${dir}/state.json`, seen: this.world.read(`${dir}/state.json`) }
  }

  /** Waits for what others do, however many turns that takes. */
  private async within(timeoutMs: number, ready: () => boolean): Promise<boolean> {
    for (let turn = 0; turn < 20_000 && !ready(); turn++) await Promise.resolve()
    if (ready()) return true
    this.clock += timeoutMs
    return false
  }

  private async lockWithin(fd: Fd, watch: Fd, timeoutMs: number): Promise<LockOutcome> {
    const held = this.take(watch)
    if (held.kind !== 'watch') throw systemError('EBADF', 'poll')
    const { node } = this.file(fd)
    if (node.kind !== 'directory') throw systemError('EBADF', 'flock')
    const isChanged = (): boolean => this.world.read(held.file) !== held.seen
    if (!(await this.within(timeoutMs, () => node.lockedBy === undefined || isChanged()))) return 'late'
    if (node.lockedBy !== undefined) return 'changed'
    await this.lock(fd, true)
    return 'locked'
  }

  private async read(fd: Fd): Promise<Uint8Array> {
    const watch = this.take(fd)
    if (watch.kind === 'watch') {
      watch.seen = this.world.read(watch.file)
      return Uint8Array.of(0)
    }
    const fifo = this.file(fd).node as Fifo
    await this.world.until(() => fifo.data.length > 0 || ![...fifo.opens].some(({ write }) => write))
    return Uint8Array.from(fifo.data.splice(0))
  }

  private async lock(fd: Fd, wait: boolean): Promise<void> {
    const file = this.file(fd)
    const { node } = file
    if (node.kind !== 'directory') throw systemError('EBADF', 'flock', file.path)
    if (node.lockedBy !== undefined && !wait) throw systemError('EWOULDBLOCK', 'flock', file.path)
    while (node.lockedBy !== undefined) await this.world.until(() => node.lockedBy === undefined)
    // Killed while it waited: the descriptor is closed.
    if (!this.dead) node.lockedBy = file
  }

  // ——— network devices ———

  private networks(): Host['networks'] {
    const at = (fd: Fd): Map<string, NetworkDevice> => {
      const held = this.take(fd)
      if (held.kind !== 'network') throw systemError('EINVAL', 'setns')
      return held.devices
    }
    const named = (devices: Map<string, NetworkDevice>, index: number): [string, NetworkDevice] => {
      for (const entry of devices) if (entry[1].index === index) return entry
      throw systemError('ENODEV', 'netlink')
    }
    return {
      find: (fd, name) => {
        const device = at(fd).get(name)
        if (device === undefined) throw systemError('ENODEV', 'netlink', name)
        return { index: device.index, up: device.up, addresses: Buffer.from(device.addresses) }
      },
      move: (from, index, to, name) => {
        if (at(to).has(name)) throw systemError('EEXIST', 'netlink', name)
        const [old] = named(at(from), index)
        at(from).delete(old)
        at(to).set(old, { index: index + 100, up: false, addresses: '' })
        return index + 100
      },
      setUp: (fd, { index, up, addresses }, name) => {
        const [old] = named(at(fd), index)
        at(fd).delete(old)
        at(fd).set(name, { index, up, addresses: Buffer.from(addresses).toString() })
        return name
      },
    }
  }

  // ——— processes ———

  private processes(): Host['processes'] {
    return {
      spawn: (request) => this.spawn(request),
      receive: (socket) => this.receive(socket),
      decodeMessage: (packet) => {
        const message = JSON.parse(Buffer.from(packet).toString()) as Extract<InitMessage, { type: 'failed' }>
        return { ...message, detail: Uint8Array.from(Object.values(message.detail)) }
      },
      proceed: (socket) => {
        const pair = this.pair(socket)
        if (pair.inits === 0) throw systemError('EPIPE', 'sendmsg')
        pair.proceeds++
      },
      pidfdOpen: (pid) => {
        const process = this.world.processes.get(pid)
        if (process === undefined) throw systemError('ESRCH', 'pidfd_open')
        return this.hold({ kind: 'pidfd', process })
      },
      pipe: () => ({ reader: this.hold({ kind: 'console' }), writer: this.hold({ kind: 'console' }) }),
      pidfdGetFd: () => this.hold({ kind: 'console' }),
      pidfdSignal: (fd, signal) => {
        const process = this.pidfd(fd)
        if (process.gone) throw systemError('ESRCH', 'pidfd_send_signal')
        this.world.kill(process, signal)
      },
      pidfdWait: async (fd) => {
        const process = this.pidfd(fd)
        if (process.script.stuck === true) return false
        await this.world.until(() => process.status !== undefined)
        return true
      },
      wait: (pid) => this.wait(pid),
      foreground: ({ pid, pidfd }: ForegroundRequest) => {
        this.pidfd(pidfd)
        return this.wait(pid)
      },
      relayReady: ({ socket, host, pid, pidfd }: ReadyRequest) => {
        this.take(socket)
        this.take(host)
        this.pidfd(pidfd)
        this.world.ready.push(pid)
      },
      holdSignals: () => undefined,
      setLimit: () => undefined,
      setScheduler: () => undefined,
      setIoPriority: () => undefined,
      // A process that ended has none any more, reaped or not.
      namespaces: (pid, names) => {
        if (this.world.processes.get(pid)?.status !== undefined)
          throw systemError('ENOENT', 'readlink', `/proc/${pid}/ns`)
        return names.map((name) => `${name}:[${pid}]`)
      },
      becomeSubreaper: () => undefined,
      runHook: ({ path, stdin, directory }) => {
        this.world.hooks.push({ path, state: JSON.parse(stdin) as { status: string }, directory })
        const status = this.world.script.hooks?.[path] ?? { kind: 'exited', code: 0 }
        return { status, stdout: '', stderr: 'complaint\n' }
      },
      windowSize: () => undefined,
      setWindowSize: () => undefined,
    }
  }

  private spawn({ plan, inputs, cloneFlags, cgroup }: SpawnRequest): Child {
    const { steps } = decodePlan(plan)
    const registers = inputs.map((fd) => this.take(fd)).flatMap((held) => (held.kind === 'file' ? [held.file] : []))
    for (const file of registers) file.holders++
    const target = inputs.map((fd) => this.take(fd)).find((held) => held.kind === 'pidfd')
    const pair: SocketPair = { messages: [], proceeds: 0, host: true, inits: 1 }
    const process = this.world.process({
      parent: this,
      cgroup: cgroup < 0 ? undefined : this.file(cgroup).path,
      steps,
      socket: pair,
      files: [...registers],
      registers,
    })
    // CLONE_NEWPID
    if ((cloneFlags & 0x20000000) !== 0) process.pids.init = process
    else if (target?.kind === 'pidfd') process.pids = target.process.pids
    return {
      pid: process.pid,
      pidfd: this.hold({ kind: 'pidfd', process }),
      socket: this.hold({ kind: 'socket', pair }),
    }
  }

  private async receive(socket: Fd): Promise<InitMessage> {
    const pair = this.pair(socket)
    await this.world.until(() => pair.messages.length > 0 || pair.inits === 0)
    const message = pair.messages.shift() ?? { type: 'closed' }
    return message.type === 'descriptor' ? { ...message, fd: this.hold({ kind: 'console' }) } : message
  }

  private async wait(pid: number): Promise<ExitStatus> {
    const process = this.world.processes.get(pid)
    if (process?.parent !== this) throw systemError('ECHILD', 'waitid')
    await this.world.until(() => process.status !== undefined)
    this.world.reap(process)
    return process.status!
  }
}
