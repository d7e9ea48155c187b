/**
 * A cgroup v2 hierarchy in memory, behind the parts of `Host` that src/cgroups uses: what the kernel allows and refuses,
 * as far as it matters there. Every effect is counted, and any one can be made to fail.
 */
import { RuntError, SystemError } from '../../../src/errors.ts'
import type { FileStatus, Host } from '../../../src/host/host.ts'

const errnos: Record<string, number> = {
  EPERM: 1,
  ENOENT: 2,
  EIO: 5,
  EBADF: 9,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  ENOTDIR: 20,
  EINVAL: 22,
  EROFS: 30,
  EOPNOTSUPP: 95,
}

export function systemError(code: string, syscall: string, path?: string): SystemError {
  return new SystemError(code, errnos[code] ?? 5, syscall, path)
}

const controllerFiles: Record<string, string[]> = {
  cpu: ['cpu.weight', 'cpu.max', 'cpu.max.burst', 'cpu.idle'],
  memory: ['memory.max', 'memory.low', 'memory.high', 'memory.events'],
  pids: ['pids.max', 'pids.events'],
  io: ['io.weight', 'io.max'],
  cpuset: ['cpuset.cpus', 'cpuset.mems'],
  hugetlb: ['hugetlb.2MB.max'],
}
const threaded = new Set(['cpu', 'cpuset', 'pids'])

export interface FakeCgroup {
  children: Map<string, FakeCgroup>
  processes: number[]
  enabled: Set<string>
  /** Contents that were written. */
  values: Map<string, string>
  frozen: boolean
  type: string
  devices: Uint8Array | undefined
  /** Milliseconds that killed processes live on for. */
  agony: number
  /** Whom it was given to, with which files. */
  owner: { uid: number; files: readonly string[] } | undefined
}

function newCgroup(): FakeCgroup {
  return {
    children: new Map(),
    processes: [],
    enabled: new Set(),
    values: new Map(),
    frozen: false,
    type: 'domain',
    devices: undefined,
    agony: 0,
    owner: undefined,
  }
}

export class FakeCgroupfs {
  readonly top = newCgroup()
  /** Mount point. */
  root = '/sys/fs/cgroup'
  /** What the root offers. */
  controllers = ['cpuset', 'cpu', 'io', 'memory', 'pids']
  mountinfo = ''
  own = '0::/user.slice/session.scope\n'
  /** /proc/cgroups */
  v1: string | undefined
  /** /sys/kernel/cgroup/delegate */
  delegate: string | undefined = 'cgroup.procs\ncgroup.threads\nmemory.reclaim\n'
  /** The effects so far, `name path`. */
  readonly calls: string[] = []
  /** Errors to answer with, by `name path`; kept until deleted. */
  readonly failures = new Map<string, string>()
  /** A kernel before 5.14 has no cgroup.kill. */
  canKill = true
  /** Number of the effect that fails with EIO, from 0; -1: none. */
  failAt = -1
  readonly open = new Map<number, FakeCgroup>()
  /** Signals that were sent: to which process, which one, and whether its cgroup was frozen then. */
  readonly signals: [pid: number, signal: number, frozen: boolean][] = []
  private readonly pidfds = new Map<number, number>()
  /** Milliseconds. */
  waited = 0
  private nextFd = 3

  /** Makes a cgroup and its ancestors, passing every controller on, as systemd does. */
  add(path: string, options: Partial<FakeCgroup> = {}): FakeCgroup {
    let node = this.top
    for (const name of path.split('/').filter(Boolean)) {
      for (const controller of this.controllers) node.enabled.add(controller)
      let next = node.children.get(name)
      if (next === undefined) node.children.set(name, (next = newCgroup()))
      node = next
    }
    return Object.assign(node, options)
  }

  get(path: string): FakeCgroup | undefined {
    return path
      .split('/')
      .filter(Boolean)
      .reduce<FakeCgroup | undefined>((node, name) => node?.children.get(name), this.top)
  }

  /** Paths of all cgroups, sorted. */
  paths(node = this.top, path = ''): string[] {
    const below = [...node.children].flatMap(([name, child]) => this.paths(child, `${path}/${name}`))
    return path === '' ? below.sort() : [path, ...below]
  }

  private all(node = this.top): FakeCgroup[] {
    return [node, ...[...node.children.values()].flatMap((child) => this.all(child))]
  }

  get host(): Host {
    const files: Partial<Host['files']> = {
      filesystemType: (path) => this.effect('statfs', path, () => (path === this.root ? 0x63677270 : 0x01021994)),
      readText: (path) => this.effect('read', path, () => this.read(path)),
      readTextIfExists: (path) =>
        this.effect('read', path, () => {
          try {
            return this.read(path)
          } catch (error) {
            if (error instanceof SystemError && ['ENOENT', 'ENOTDIR'].includes(error.code)) return undefined
            throw error
          }
        }),
      writeExisting: (path, text) => this.effect('write', path, () => this.write(path, text)),
      mkdir: (path) => this.effect('mkdir', path, () => this.mkdir(path)),
      rmdir: (path) => this.effect('rmdir', path, () => this.rmdir(path)),
      status: (path) => this.effect('status', path, () => this.status(path)),
      list: (path) => this.effect('list', path, () => [...this.cgroup(path).children.keys(), ...this.files(path)]),
      open: (path) =>
        this.effect('open', path, () => {
          this.open.set(this.nextFd, this.cgroup(path))
          return this.nextFd++
        }),
      // A failing close(2) has closed nevertheless.
      close: (fd) => {
        if (!this.open.delete(fd)) throw systemError('EBADF', 'close')
        this.effect('close', '', () => undefined)
      },
    }
    const cgroups: Host['cgroups'] = {
      setDeviceFilter: (fd, program) =>
        this.effect('bpf', '', () => {
          const cgroup = this.open.get(fd)
          if (cgroup === undefined) throw systemError('EBADF', 'bpf')
          cgroup.devices = program
        }),
      chown: (fd, files, uid) =>
        this.effect('chown', '', () => {
          const cgroup = this.open.get(fd)
          if (cgroup === undefined) throw systemError('EBADF', 'fchownat')
          cgroup.owner = { uid, files }
        }),
      waitForEvent: (path, line, timeoutMs) =>
        this.effect('wait', path, () => this.waitForEvent(path, line, timeoutMs)),
      tasksBelow: (path) => this.effect('tasks below', path, () => this.tasksBelow(this.cgroup(path))),
      removeBelow: (path) => this.effect('remove below', path, () => this.removeBelow(path)),
    }
    const processes: Partial<Host['processes']> = {
      pidfdOpen: (pid) => {
        const cgroup = this.all().find((node) => node.processes.includes(pid))
        if (cgroup === undefined) throw systemError('ESRCH', 'pidfd_open')
        this.open.set(this.nextFd, cgroup)
        this.pidfds.set(this.nextFd, pid)
        return this.nextFd++
      },
      pidfdSignal: (pidfd, signal) => {
        const pid = this.pidfds.get(pidfd)
        const cgroup = this.open.get(pidfd)
        if (pid === undefined || cgroup === undefined) throw systemError('EBADF', 'pidfd_send_signal')
        this.signals.push([pid, signal, cgroup.frozen])
        cgroup.processes = cgroup.processes.filter((process) => process !== pid)
      },
    }
    const system: Partial<Host['system']> = {
      monotonic: () => this.waited,
    }
    // Whatever else src/cgroups would reach for does not exist.
    return { files, cgroups, processes, system } as unknown as Host
  }

  private effect<T>(name: string, path: string, action: () => T): T {
    const call = path === '' ? name : `${name} ${path}`
    this.calls.push(call)
    if (this.calls.length - 1 === this.failAt) throw systemError('EIO', name, path)
    const code = this.failures.get(call)
    if (code !== undefined) throw systemError(code, name, path)
    return action()
  }

  private waitForEvent(path: string, line: string, timeoutMs: number): boolean {
    const end = this.waited + timeoutMs
    for (;;) {
      const below = path.slice(this.root.length)
      if (this.get(below) === undefined || this.read(`${path}/cgroup.events`).split('\n').includes(line)) return true
      if (this.waited >= end) return false
      this.waited++
      this.tick(this.top)
    }
  }

  private tick(node: FakeCgroup): void {
    if (node.agony > 0 && --node.agony === 0) node.processes = []
    for (const child of node.children.values()) this.tick(child)
  }

  private split(path: string): [parent: string, name: string] {
    const at = path.lastIndexOf('/')
    return [path.slice(0, at), path.slice(at + 1)]
  }

  private cgroup(path: string, syscall = 'open'): FakeCgroup {
    const below = path === this.root ? '' : path.startsWith(`${this.root}/`) ? path.slice(this.root.length) : undefined
    const found = below === undefined ? undefined : this.get(below)
    if (found !== undefined) return found
    const [parent, name] = this.split(path)
    if (below !== undefined && this.get(this.split(below)[0]) !== undefined && this.files(parent).includes(name)) {
      throw systemError('ENOTDIR', syscall, path)
    }
    throw systemError('ENOENT', syscall, path)
  }

  private available(dir: string): string[] {
    if (dir === this.root) return this.controllers
    const [parent] = this.split(dir)
    return this.controllers.filter((controller) => this.cgroup(parent).enabled.has(controller))
  }

  private files(dir: string): string[] {
    const core = ['cgroup.controllers', 'cgroup.procs', 'cgroup.stat', 'cgroup.subtree_control']
    if (dir === this.root) return core
    const own = this.available(dir).flatMap((controller) => controllerFiles[controller] ?? [])
    const kill = this.canKill ? ['cgroup.kill'] : []
    return [...core, 'cgroup.events', 'cgroup.freeze', ...kill, 'cgroup.threads', 'cgroup.type', ...own]
  }

  private populated(node: FakeCgroup): boolean {
    return node.processes.length > 0 || [...node.children.values()].some((child) => this.populated(child))
  }

  private read(path: string): string {
    if (path === '/proc/self/mountinfo') return this.mountinfo
    if (path === '/sys/kernel/cgroup/delegate' && this.delegate !== undefined) return this.delegate
    if (path === '/proc/self/cgroup') return this.own
    // Threads 1005 and 2005 are of process 5.
    const thread = /^\/proc\/(\d+)\/status$/.exec(path)
    if (thread !== null) return `Name:\tx\nTgid:\t${Number(thread[1]) % 1000}\n`
    if (path === '/proc/cgroups' && this.v1 !== undefined) return this.v1
    const [dir, name] = this.split(path)
    const node = this.cgroup(dir)
    if (!this.files(dir).includes(name)) throw systemError('ENOENT', 'open', path)
    switch (name) {
      case 'cgroup.controllers':
        return `${this.available(dir).join(' ')}\n`
      case 'cgroup.subtree_control':
        return `${[...node.enabled].join(' ')}\n`
      case 'cgroup.procs':
        if (node.type === 'threaded') throw systemError('EOPNOTSUPP', 'read', path)
        return node.processes.map((pid) => `${pid}\n`).join('')
      case 'cgroup.threads':
        return node.processes.flatMap((pid) => [`${pid}\n`, `${1000 + pid}\n`]).join('')
      case 'cgroup.events':
        return `populated ${Number(this.populated(node))}\nfrozen ${Number(node.frozen)}\n`
      case 'cgroup.freeze':
        return `${Number(node.frozen)}\n`
      case 'cgroup.type':
        return `${node.type}\n`
      case 'cgroup.stat':
        return `nr_descendants ${this.paths(node, 'x').length - 1}\nnr_dying_descendants 0\n`
      default:
        return `${node.values.get(name) ?? ''}\n`
    }
  }

  private write(path: string, text: string): void {
    const [dir, name] = this.split(path)
    const node = this.cgroup(dir)
    if (!this.files(dir).includes(name)) throw systemError('ENOENT', 'open', path)
    if (name === 'cgroup.subtree_control') this.enable(dir, node, text.split(' '))
    else if (name === 'cgroup.kill') {
      if (node.type === 'threaded') throw systemError('EOPNOTSUPP', 'write', path)
      this.kill(node)
    } else if (name === 'cgroup.freeze') node.frozen = text === '1'
    else node.values.set(name, text)
  }

  private enable(dir: string, node: FakeCgroup, words: string[]): void {
    const path = `${dir}/cgroup.subtree_control`
    const controllers = words.map((word) => word.slice(1))
    for (const controller of controllers) {
      if (!this.available(dir).includes(controller)) throw systemError('ENOENT', 'write', path)
      const failure = this.failures.get(`+${controller} ${dir}`)
      if (failure !== undefined) throw systemError(failure, 'write', path)
    }
    if (dir !== this.root && node.processes.length > 0) {
      if (!controllers.every((controller) => threaded.has(controller))) throw systemError('EBUSY', 'write', path)
      for (const child of node.children.values()) child.type = 'domain invalid'
    }
    for (const controller of controllers) node.enabled.add(controller)
  }

  private kill(node: FakeCgroup): void {
    if (node.agony === 0) node.processes = []
    for (const child of node.children.values()) this.kill(child)
  }

  private mkdir(path: string): void {
    const [parent, name] = this.split(path)
    const node = this.cgroup(parent, 'mkdir')
    if (node.children.has(name) || this.files(parent).includes(name)) throw systemError('EEXIST', 'mkdir', path)
    const child = newCgroup()
    if (node.type !== 'domain') child.type = 'domain invalid'
    node.children.set(name, child)
  }

  private rmdir(path: string): void {
    const node = this.cgroup(path, 'rmdir')
    if (node.children.size > 0 || node.processes.length > 0) throw systemError('EBUSY', 'rmdir', path)
    const [parent, name] = this.split(path)
    this.cgroup(parent).children.delete(name)
  }

  private tasksBelow({ children }: FakeCgroup): { processes: number[]; threads: number[] } {
    const found: { processes: number[]; threads: number[] } = { processes: [], threads: [] }
    for (const child of children.values()) {
      if (child.type === 'threaded') found.threads.push(...child.processes.flatMap((pid) => [pid, 1000 + pid]))
      else found.processes.push(...child.processes)
      const below = this.tasksBelow(child)
      found.processes.push(...below.processes)
      found.threads.push(...below.threads)
    }
    return found
  }

  private removeBelow(path: string): boolean {
    for (const name of [...this.cgroup(path).children.keys()]) {
      const child = `${path}/${name}`
      if (!this.removeBelow(child) || this.cgroup(child).processes.length > 0) return false
      this.rmdir(child)
    }
    return true
  }

  private status(path: string): FileStatus | undefined {
    const [dir, name] = this.split(path)
    const base = { mode: 0o755, uid: 0, gid: 0, size: 0 }
    try {
      this.cgroup(path)
      return { type: 'directory', ...base }
    } catch {
      return this.files(dir).includes(name) ? { type: 'file', ...base } : undefined
    }
  }
}

/** The RuntError that the action throws; anything else fails the test. */
export async function runtError(action: () => unknown): Promise<RuntError> {
  try {
    await action()
  } catch (error) {
    if (error instanceof RuntError) return error
    throw error
  }
  throw new Error('it did not throw')
}
