/**
 * runt.node, the native addon: what it offers, and where it is found. Knows no meaning of any call; direct.ts gives them theirs.
 *
 * Every function checks its arguments and throws a TypeError; system calls that fail are thrown as described in system-error.ts.
 */
import { RuntError } from '../errors.ts'
import { nodeProcess, ownEngine } from './engine.ts'
import type {
  ArchiveProgress,
  ArchiveSums,
  ArchiveWork,
  ChangesPart,
  ExitStatus,
  ExportPart,
  ExportSums,
  Fd,
  FileStatus,
  InitMessage,
  LockOutcome,
  Refused,
} from './host.ts'

/** What native/addon registers. */
export interface Addon {
  // files.cpp
  readText(path: string, maxBytes: number, missingOk: boolean): string | undefined
  writeExisting(path: string, text: string): void
  writeAtomic(path: string, text: string, mode: number, unnamed: boolean): void
  writeNew(path: string, text: string, mode: number): void
  append(path: string, text: string, mode: number): void
  /** Bits of `openFlags`. */
  open(path: string, flags: number): Fd
  close(fd: Fd): void
  read(fd: Fd, max: number): Uint8Array
  write(fd: Fd, data: Uint8Array): void
  /** False where nobody reads any more. */
  writeStream(fd: Fd, text: string): boolean
  // locks.cpp
  lock(fd: Fd, wait: boolean): void
  lockShared(fd: Fd): void
  lockWithin(fd: Fd, watch: Fd, timeoutMs: number): LockOutcome
  // directories.cpp
  status(path: string, follow: boolean): FileStatus | undefined
  readLink(path: string): string
  realPath(path: string): string
  list(path: string): string[]
  mkdir(path: string, mode: number): void
  mkdirParents(path: string, mode: number): void
  rmdir(path: string): void
  unlink(path: string): void
  removeTree(path: string): void
  unmount(path: string): void
  rename(path: string, target: string): void
  chown(path: string, uid: number, gid: number): void
  mkfifo(path: string, mode: number): void
  filesystemType(path: string): number | undefined
  // removal.cpp
  removeDeep(path: string): void
  // spawn.cpp
  spawn(
    plan: Uint8Array,
    inputs: readonly Fd[],
    cloneFlags: number,
    cgroup: Fd,
    preserveFds: number,
    cpus: readonly number[],
    output: Fd,
  ): { pid: number; pidfd: Fd; socket: Fd }
  // messages.cpp
  receive(socket: Fd): InitMessage
  proceed(socket: Fd): void
  decodeMessage(packet: Uint8Array): InitMessage
  // process.cpp
  pidfdOpen(pid: number): Fd
  pidfdGetFd(pidfd: Fd, number: number): Fd
  pidfdSignal(pidfd: Fd, signal: number): void
  pidfdWait(pidfd: Fd, timeoutMs: number): boolean
  unread(fd: Fd): number
  wait(pid: number): ExitStatus
  setLimit(pid: number, resource: number, soft: bigint, hard: bigint): void
  setScheduler(
    pid: number,
    policy: number,
    nice: number,
    priority: number,
    flags: bigint,
    runtime: bigint,
    deadline: bigint,
    period: bigint,
  ): void
  setIoPriority(pid: number, ioClass: number, priority: number): void
  namespaces(pid: number, names: readonly string[]): string[]
  becomeSubreaper(): void
  pipe(): { reader: Fd; writer: Fd }
  /** _exit(2): for the command, once all is written; the library never ends its caller. */
  exitNow(code: number): never
  // foreground.cpp
  holdSignals(hold: boolean): void
  foreground(pid: number, pidfd: Fd, terminal: Fd, notify: Fd, host: Fd): ExitStatus
  // hooks.cpp
  runHook(
    path: string,
    args: readonly string[],
    env: readonly string[],
    stdin: string,
    timeout: number,
    directory: string,
  ): { status: ExitStatus | 'timeout'; stdout: string; stderr: string }
  // terminal.cpp
  windowSize(terminal: Fd): { rows: number; columns: number } | undefined
  setWindowSize(terminal: Fd, rows: number, columns: number): void
  typedKeys(on: boolean): boolean
  // watch.cpp
  watchFiles(paths: readonly string[]): Fd
  catchSignals(signals: readonly number[]): void
  waitFor(fds: readonly Fd[], timeoutMs: number): { ready: boolean[]; signal: number; unread: boolean }
  // sockets.cpp
  sendDescriptor(socketPath: string, fd: Fd, data: string): void
  // notify.cpp
  notifySocket(directory: string): Fd
  notifyHost(address: string): Fd
  relayReady(socket: Fd, host: Fd, pid: number, pidfd: Fd): void
  // cgroups.cpp
  chownCgroup(cgroup: Fd, files: readonly string[], uid: number): void
  waitForCgroupEvent(path: string, line: string, timeoutMs: number): boolean
  cgroupTasksBelow(path: string): { processes: number[]; threads: number[] }
  removeCgroupsBelow(path: string): boolean
  // digest.cpp
  sha256(text: string): string
  // seccomp.cpp
  seccompLibrary(): { path: string; version: string }
  /** Words of 32 bits. */
  resolveSyscalls(names: readonly string[], architectures: Uint8Array): Uint8Array
  compileSeccomp(defaultAction: number, architectures: Uint8Array, optimize: number, rules: Uint8Array): Uint8Array
  // unpack.cpp
  unpackOpen(
    source: Fd,
    layers: readonly string[],
    directory: string,
    maxEntries: number,
    maxBytes: number,
    rights: number,
  ): ArchiveWork | Refused
  spoolOpen(source: Fd, directory: string, maxEntries: number, maxBytes: number): ArchiveWork | Refused
  unpackStep(work: ArchiveWork, milliseconds: number): ArchiveProgress | Refused
  unpackFinish(work: ArchiveWork): ArchiveSums
  unpackClose(work: ArchiveWork): void
  imageFiles(
    layers: readonly string[],
    paths: readonly string[],
    maxBytes: number,
    rights: number,
  ): (string | undefined)[]
  // changes.cpp
  changesOpen(directory: string, layers: readonly string[], maxEntries: number): number | Refused
  changesStep(work: number, milliseconds: number): ChangesPart | Refused
  changesClose(work: number): void
  // export.cpp
  exportOpen(
    directory: string,
    file: string,
    fd: Fd,
    compression: string,
    maxEntries: number,
    maxBytes: number,
  ): number | Refused
  exportStep(work: number, milliseconds: number): ExportPart | Refused
  exportFinish(work: number): ExportSums
  exportClose(work: number): void
  // devices.cpp
  setDeviceFilter(cgroup: Fd, program: Uint8Array): void
  // netlink.cpp
  netDevice(network: Fd, name: string): { index: number; up: boolean; addresses: Uint8Array }
  moveNetDevice(from: Fd, index: number, to: Fd, name: string): number
  setUpNetDevice(network: Fd, index: number, name: string, addresses: Uint8Array, up: boolean): string
  // systemd.cpp
  systemdOpen(address: string, direct: boolean, timeoutMs: number): number
  systemdClose(connection: number): void
  systemdCall(
    connection: number,
    member: string,
    signature: string,
    args: readonly unknown[],
    job: boolean,
    timeoutMs: number,
  ): { result: string } | { error: string; message: string }
  systemdProperty(connection: number, name: string, timeoutMs: number): string
  // system.cpp
  now(): string
  monotonic(): number
  euid(): number
  permittedCapabilities(): bigint
  egid(): number
  inUserNamespace(): boolean
  kernelRelease(): string
  random(): string
}

const fileName = 'runt.node'

/**
 * Where the addon may be, absolute, the most likely place first.
 * @param module directory of this module; undefined where the engine does not tell
 */
export function addonCandidates(module: string | undefined): string[] {
  if (module === undefined) return []
  const parent = parentOf(module)
  return [
    // dist/cli.js, dist/host/addon.js, and the sources in a working tree.
    `${module}/${fileName}`,
    `${parent}/${fileName}`,
    `${parentOf(parent)}/build/Release/${fileName}`,
  ]
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/**
 * The arguments, the program's path first, that start this command anew, whoever loaded this module.
 * @param executable of this process, absolute
 */
export function commandOf(executable: string): string[] {
  if (ownEngine !== undefined) return [executable]
  const { dirname = '', filename = '' } = import.meta as { dirname?: string; filename?: string }
  // As sources the engine may need what it was told to load for them.
  const sources = filename.endsWith('.ts')
  const options = sources ? nodeProcess.execArgv : []
  return [executable, ...options, `${parentOf(dirname)}/cli.${sources ? 'ts' : 'js'}`]
}

let loaded = ownEngine?.addon as Addon | undefined

/**
 * The addon, loaded on the first call; in the executable it is a part of it. By absolute path only: neither the working directory nor the
 * environment has a say. process.dlopen and not require: no module of Node's has to be loaded for it.
 *
 * @throws RuntError `ADDON`, naming every path that was tried
 */
export function loadAddon(module: string | undefined = ownDirectory()): Addon {
  if (loaded !== undefined) return loaded
  const failures: string[] = []
  for (const path of addonCandidates(module)) {
    const loading: { exports: unknown } = { exports: {} }
    try {
      nodeProcess.dlopen(loading, path)
      return (loaded = loading.exports as Addon)
    } catch (error) {
      failures.push(reason(path, error))
    }
  }
  throw new RuntError('ADDON', `load native addon: ${failures.join('; ') || 'no place to look for it is known'}`, {
    hint: 'build it with `npm run build` in a clone; the npm package has it for x86-64 and glibc only',
  })
}

function ownDirectory(): string | undefined {
  return (import.meta as { dirname?: string }).dirname
}

/** dlopen(3) mostly names the path itself. */
function reason(path: string, error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.startsWith(path) ? text : `${path}: ${text}`
}
