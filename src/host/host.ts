/**
 * The one door to the outside: every effect of a command goes through a `Host`.
 * Knows nothing of OCI. Implementations: direct.ts (this machine), and the tests' recording, failing and simulated ones.
 *
 * Functions may answer at once or with a promise; commands always `await` them.
 * They throw `SystemError` when a system call fails, and `RuntError` when they refuse.
 */

import type { Archives } from './archives.ts'

export type * from './archives.ts'

/** A value, or the promise of one: awaiting a plain value costs a microtask, not a turn of the event loop. */
export type Awaitable<T> = T | Promise<T>

/** An open file descriptor of the process in which the host lives; -1 is "none". */
export type Fd = number

export interface FileStatus {
  type: 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'char' | 'block'
  /** Permission bits. */
  mode: number
  uid: number
  gid: number
  size: number
}

/** Files of the host: never of a container's rootfs, which only init touches, through descriptors. */
export interface Files {
  /** UTF-8 text. `maxBytes` refuses larger files with EFBIG. */
  readText(path: string, maxBytes?: number): Awaitable<string>
  /** As `readText`; undefined where the file does not exist (ENOENT, ENOTDIR). */
  readTextIfExists(path: string): Awaitable<string | undefined>
  /** One write(2) of the whole text to an existing file: cgroup and proc files. */
  writeExisting(path: string, text: string): Awaitable<void>
  /**
   * Temporary file beside it, then rename(2): a reader sees the old or the new content, never a part. Mode 0600 unless told.
   * @param unnamed the temporary file has no name either, where the filesystem can do so: whoever is killed leaves none
   */
  writeAtomic(path: string, text: string, mode?: number, unnamed?: boolean): Awaitable<void>
  /** O_CREAT|O_EXCL: fails with EEXIST. */
  writeNew(path: string, text: string, mode: number): Awaitable<void>
  /** One write(2) with O_APPEND|O_CREAT, so that concurrent writers never mix lines. */
  append(path: string, text: string, mode: number): Awaitable<void>
  /** Follows no last symlink when `follow` is false (default true); undefined where nothing is there. */
  status(path: string, options?: { follow?: boolean }): Awaitable<FileStatus | undefined>
  /** The target of a symlink or magic link. */
  readLink(path: string): Awaitable<string>
  /** Absolute path without symlinks. */
  realPath(path: string): Awaitable<string>
  /** Names without `.` and `..`, in no order. */
  list(path: string): Awaitable<string[]>
  mkdir(path: string, mode: number): Awaitable<void>
  mkdirParents(path: string, mode: number): Awaitable<void>
  rmdir(path: string): Awaitable<void>
  unlink(path: string): Awaitable<void>
  /** Removes a directory of runt's own state and all in it; does not follow symlinks; missing is fine. */
  removeTree(path: string): Awaitable<void>
  /** Removes a directory and all in it, whoever made that: however deep, without leaving its filesystem or following links; missing is fine. */
  removeDeep(path: string): Awaitable<void>
  /** Takes away all that is mounted at a path, lazily (MNT_DETACH), no symlink followed; nothing there, or no such path, is fine. */
  unmount(path: string): Awaitable<void>
  /** rename(2) */
  rename(path: string, target: string): Awaitable<void>
  chown(path: string, uid: number, gid: number): Awaitable<void>
  mkfifo(path: string, mode: number): Awaitable<void>
  /** Flags as in `openFlags` below, always O_CLOEXEC. */
  open(path: string, flags: number): Awaitable<Fd>
  close(fd: Fd): Awaitable<void>
  /** Up to `max` bytes; empty at end of file. Blocks. */
  read(fd: Fd, max: number): Awaitable<Uint8Array>
  /** Waits until reading would not wait, or at most so many milliseconds (-1: for ever): poll(2). False: the time is over. */
  waitReadable(fd: Fd, timeoutMs: number): Awaitable<boolean>
  /**
   * Waits until nobody has the reading end of a pipe or fifo any more, of which this is the writing end, or at most so many
   * milliseconds. False: the time is over.
   */
  waitUnread(fd: Fd, timeoutMs: number): Awaitable<boolean>
  /** How many bytes that were written to a pipe or fifo, of which this is either end, nobody has read: FIONREAD. */
  unread(fd: Fd): Awaitable<number>
  write(fd: Fd, data: Uint8Array): Awaitable<void>
  /** flock(2), exclusive. Waits unless `wait` is false, when a held lock gives EAGAIN (of the same number as EWOULDBLOCK). Released by `close`. */
  lock(fd: Fd, wait: boolean): Awaitable<void>
  /** The same, shared (LOCK_SH). Waits. */
  lockShared(fd: Fd): Awaitable<void>
  /**
   * The same, exclusive, waiting at most so many milliseconds (`late`), and only until `watch` can be read (`changed`; -1: it is
   * none). Costs a process where it has to wait.
   */
  lockWithin(fd: Fd, watch: Fd, timeoutMs: number): Awaitable<LockOutcome>
  /** Type of the filesystem: statfs(2) f_type; undefined where the path does not exist. */
  filesystemType(path: string): Awaitable<number | undefined>
}

/** What became of a wait for a lock. */
export type LockOutcome = 'locked' | 'changed' | 'late'

/** open(2) flags that `Files.open` takes (values of x86-64 and arm64 alike, except O_DIRECTORY and O_NOFOLLOW: see direct.ts). */
export const openFlags = {
  readOnly: 1 << 0,
  writeOnly: 1 << 1,
  readWrite: 1 << 2,
  create: 1 << 3,
  nonBlocking: 1 << 4,
  directory: 1 << 5,
  noFollow: 1 << 6,
  /** O_PATH */
  path: 1 << 7,
} as const

/** What a process left with. */
export type ExitStatus = { kind: 'exited'; code: number } | { kind: 'signaled'; signal: number }

/** One message from init; the table of messages stands in native/common/protocol.h. */
export type InitMessage =
  /** A sync point was reached; init waits for `proceed`. */
  | { type: 'reached'; point: number }
  /** The plan went on in a new process (joined pid namespace): `pid` as this host sees it, a child of this process. */
  | { type: 'forked'; pid: number }
  /** A descriptor, with its name: the master of a console, a seccomp listener. */
  | { type: 'descriptor'; fd: Fd; name: string }
  /** The descriptor of a seccomp listener, by its number in init, which waits for `proceed` until it was taken. */
  | { type: 'listener'; number: number }
  /** A warning: the step did what it could. */
  | { type: 'failed'; step: number; errno: number; syscall: string; subject: string; detail: Uint8Array }
  /** Every copy of init's end is closed: it executed the program, waits for start, or died. */
  | { type: 'closed' }

export interface SpawnRequest {
  /** The encoded plan. */
  plan: Uint8Array
  /** Descriptors that fill the plan's first registers, in order. */
  inputs: readonly Fd[]
  /** CLONE_NEW* bits. */
  cloneFlags: number
  /** Directory of the cgroup to start in (CLONE_INTO_CGROUP), or -1. */
  cgroup: Fd
  /** Processors on which it starts; none: those of this process. */
  cpus?: readonly number[] | undefined
  /** How many descriptors from 3 on the program inherits (`--preserve-fds`, LISTEN_FDS). */
  preserveFds: number
  /** What becomes its standard output; this process's where it is undefined. */
  output?: Fd | undefined
}

/** A process running a plan. The caller closes `socket` and `pidfd`. */
export interface Child {
  pid: number
  pidfd: Fd
  socket: Fd
}

export interface ForegroundRequest {
  pid: number
  pidfd: Fd
  /** The container's terminal, relayed with standard input and output (raw mode, window size); -1 without one. */
  terminal: Fd
  /** Sockets of `notifySocket` and `notifyHost`: that the container is ready is told with this process's pid. */
  notify?: { socket: Fd; host: Fd } | undefined
}

/** Who is told, by whom, and of which process, that a container is ready. */
export interface ReadyRequest {
  /** Of `notifySocket`. */
  socket: Fd
  /** Of `notifyHost`. */
  host: Fd
  pid: number
  pidfd: Fd
}

/** struct sched_attr of sched_setattr(2). */
export interface SchedulerAttributes {
  policy: number
  flags: number | bigint
  nice: number
  priority: number
  runtime: number | bigint
  deadline: number | bigint
  period: number | bigint
}

export interface HookRequest {
  path: string
  args: readonly string[]
  env: readonly string[]
  stdin: string
  /** Milliseconds; 0 = none. */
  timeout: number
  /** Its working directory; that of this process where it is undefined. */
  directory?: string | undefined
}

export interface Processes {
  spawn(request: SpawnRequest): Awaitable<Child>
  /** The next message of init; blocks. */
  receive(socket: Fd): Awaitable<InitMessage>
  /** A packet that did not come over the socket: what init wrote to the `started` fifo. EBADMSG where it is none. */
  decodeMessage(packet: Uint8Array): Awaitable<InitMessage>
  /** Lets init go on after `reached`. */
  proceed(socket: Fd): Awaitable<void>
  /** pidfd_open(2). ESRCH where there is no such process. */
  pidfdOpen(pid: number): Awaitable<Fd>
  /** pidfd_getfd(2): a descriptor of another process, by its number there. */
  pidfdGetFd(pidfd: Fd, number: number): Awaitable<Fd>
  /** pidfd_send_signal(2). */
  pidfdSignal(pidfd: Fd, signal: number): Awaitable<void>
  /** Waits until the process is gone, whosever child it is; false when `timeoutMs` passed first (-1: no limit). */
  pidfdWait(pidfd: Fd, timeoutMs: number): Awaitable<boolean>
  /** Reaps a child of this process. */
  wait(pid: number): Awaitable<ExitStatus>
  /**
   * Signals that `foreground` would forward wait for it from now on, so that none is lost between the program's start and
   * the call; false gives them their former meaning back.
   */
  holdSignals(hold: boolean): Awaitable<void>
  /** Forwards signals and relays the terminal until the child ends; reaps it. */
  foreground(request: ForegroundRequest): Awaitable<ExitStatus>
  /**
   * Waits until the container says READY=1 (sd_notify(3)) and tells the host so, with MAINPID and BARRIER; returns where the
   * container ends without a word.
   */
  relayReady(request: ReadyRequest): Awaitable<void>
  /** prlimit(2) on another process; 2^64-1 is RLIM_INFINITY. */
  setLimit(pid: number, resource: number, soft: bigint, hard: bigint): Awaitable<void>
  /** sched_setattr(2) on another process; flags and times (nanoseconds) have 64 bits. */
  setScheduler(pid: number, attributes: SchedulerAttributes): Awaitable<void>
  /** ioprio_set(2) on another process: IOPRIO_CLASS_* and the priority in it. */
  setIoPriority(pid: number, ioClass: number, priority: number): Awaitable<void>
  /** The links of /proc/PID/ns with these names, like `mnt:[4026531840]`: the namespaces that a process is in. */
  namespaces(pid: number, names: readonly string[]): Awaitable<string[]>
  /** PR_SET_CHILD_SUBREAPER */
  becomeSubreaper(): Awaitable<void>
  /** pipe(2): both ends, which the caller closes. */
  pipe(): Awaitable<{ reader: Fd; writer: Fd }>
  /** Runs a program of the host and returns its status and the end of what it printed (at most 64 KiB of each). */
  runHook(request: HookRequest): Awaitable<{ status: ExitStatus | 'timeout'; stdout: string; stderr: string }>
  /** `struct winsize` of a terminal. */
  windowSize(terminal: Fd): Awaitable<{ rows: number; columns: number } | undefined>
  setWindowSize(terminal: Fd, rows: number, columns: number): Awaitable<void>
}

/** Why a wait ended; all false and 0: its time was over. */
export interface Woken {
  /** For each descriptor, whether it can be read or its other end is closed. */
  ready: readonly boolean[]
  /** One signal of those that came; 0: none. */
  signal: number
  /** Standard output has no reader any more. */
  unread: boolean
}

/** What a command waits for that goes on for as long as somebody wants it to. */
export interface Events {
  /**
   * inotify(7): a descriptor that can be read when one of the files was modified or removed, or in one that is a directory a file
   * was modified or replaced. The caller closes it.
   */
  watchFiles(paths: readonly string[]): Awaitable<Fd>
  /** From now on these signals end `waitFor` instead of this process; none: they have their former meaning again. */
  catchSignals(signals: readonly number[]): Awaitable<void>
  /** Sleeps until a descriptor can be read, a caught signal came, standard output has no reader, or the time is over (-1: no limit). */
  waitFor(fds: readonly Fd[], timeoutMs: number): Awaitable<Woken>
  /**
   * Has the terminal at standard input hand on every key at once, without showing it; false puts it back to what it was.
   * False if standard input is no terminal.
   */
  typedKeys(on: boolean): Awaitable<boolean>
}

export interface Sockets {
  /** Connects to a stream socket, sends the data (up to 16 MiB) with the descriptor (SCM_RIGHTS) and closes the connection. */
  sendDescriptor(socketPath: string, fd: Fd, data: string): Awaitable<void>
  /** Binds the datagram socket `notify.sock` in a directory, for every user to write to, in place of one that is there. */
  notifySocket(directory: string): Awaitable<Fd>
  /** A datagram socket that is connected to what NOTIFY_SOCKET names: a path, or `@` and an abstract name. */
  notifyHost(address: string): Awaitable<Fd>
}

/** What lives in cgroups, by number. */
export interface CgroupTasks {
  processes: readonly number[]
  /** Of threaded cgroups, which list no processes. */
  threads: readonly number[]
}

export interface Cgroups {
  /** Loads a BPF_PROG_TYPE_CGROUP_DEVICE program and attaches it in place of earlier ones (BPF_CGROUP_DEVICE). */
  setDeviceFilter(cgroup: Fd, program: Uint8Array): Awaitable<void>
  /** Gives a cgroup's directory, and those of these files in it that are there, to a user; their group stays. */
  chown(cgroup: Fd, files: readonly string[], uid: number): Awaitable<void>
  /**
   * Waits until the cgroup.events of a cgroup's directory has that line (`populated 0`, `frozen 1`), or at most so many milliseconds.
   * The kernel may tell 10 ms late. True also where there is no such cgroup (any more); false: the time is over.
   */
  waitForEvent(path: string, line: string, timeoutMs: number): Awaitable<boolean>
  /**
   * What lives in the cgroups below a directory of cgroup v2, however they are named and nested, in no order: processes, and of
   * threaded cgroups the threads. Of a missing one, nothing.
   */
  tasksBelow(path: string): Awaitable<CgroupTasks>
  /**
   * Removes the cgroups below a directory of cgroup v2, however they are named and nested; the directory itself stays. A
   * missing one is fine. False if there are processes in one of them.
   */
  removeBelow(path: string): Awaitable<boolean>
}

/** A network device, as far as moving it to another namespace takes that from it. */
export interface NetDevice {
  /** Its number in its namespace. */
  index: number
  /** Whether it is up (IFF_UP). */
  up: boolean
  /** Its permanent addresses of global scope, of any family: for `setUp` alone to read. */
  addresses: Uint8Array
}

/** Network devices, by rtnetlink(7). A namespace is an open file such as /proc/PID/ns/net. */
export interface Networks {
  /** ENODEV where the namespace has no device of that name. */
  find(network: Fd, name: string): Awaitable<NetDevice>
  /**
   * Moves a device to another namespace, whole or not at all, and returns its number there. It arrives down, without addresses
   * and with the name that it has: EEXIST where `name`, which it is to get, is taken there. `name` may be a template (`eth%d`).
   */
  move(from: Fd, index: number, to: Fd, name: string): Awaitable<number>
  /** Gives a device a name, its addresses, and `up`; returns the name, which the kernel completes where it is a template. */
  setUp(network: Fd, device: NetDevice, name: string): Awaitable<string>
}

/** One call of a method of systemd's manager over D-Bus (org.freedesktop.systemd1(5)). */
export interface SystemdCall {
  member: string
  /** Of the arguments, by the D-Bus specification. */
  signature: string
  /** A value for each type of the signature; lists and structs are arrays, a variant is `[signature, value]`. */
  args: readonly unknown[]
  /** Whether the method starts a job, which is to be waited for. */
  job: boolean
  timeoutMs: number
}

/** The job's result (`done` where there is none), or the name and the text of the error that systemd answered with. */
export type SystemdAnswer = { result: string } | { error: string; message: string }

/** Where a systemd is spoken to. */
export interface SystemdAddress {
  /** D-Bus server address; '' is the system's bus. */
  address: string
  /** What answers there is systemd itself, and no daemon that passes messages on. */
  direct: boolean
  timeoutMs: number
}

/** Talk with a systemd, over connections that the caller closes. SystemError of `dlopen` where libsystemd is missing. */
export interface Systemd {
  open(address: SystemdAddress): Awaitable<number>
  /** One that is closed already is fine. */
  close(connection: number): Awaitable<void>
  call(connection: number, request: SystemdCall): Awaitable<SystemdAnswer>
  /** A property of the manager that is a string. */
  property(connection: number, name: string, timeoutMs: number): Awaitable<string>
}

/** What is compiled to a filter of system calls. Numbers are those of linux/seccomp.h, linux/audit.h and libseccomp's seccomp.h. */
export interface FilterRequest {
  /** SCMP_ACT_*, with its data. */
  defaultAction: number
  /** SCMP_ARCH_*; the native one is always there. */
  architectures: readonly number[]
  /** 2: a binary tree; 1: by priority and number of conditions (the library's default). */
  optimize: 1 | 2
  /**
   * Rules, one after the other, in words of 64 bits: number of the system call (its 32 bits), action, number of conditions,
   * and for each condition the argument's index, SCMP_CMP_*, and two values.
   */
  rules: BigUint64Array
}

/** Filters of system calls. All but `digest` load libseccomp: SystemError of `dlopen` where there is none. */
export interface Seccomp {
  /** SHA-256 of a text (as UTF-8), in hexadecimal. */
  digest(text: string): Awaitable<string>
  /** Where libseccomp was found (may be a symlink), and its version. */
  library(): Awaitable<{ path: string; version: string }>
  /** Numbers of system calls: those of the first architecture, then of the next; -1 for a name that the library does not know. */
  resolve(names: readonly string[], architectures: readonly number[]): Awaitable<Int32Array>
  /**
   * The filter as struct sock_filter, one after the other. Throws SystemError with `syscall` `seccomp_arch_add` or
   * `seccomp_rule_add` and as `path` the index of the architecture or rule that the library refused.
   */
  compile(request: FilterRequest): Awaitable<Uint8Array>
}

export interface Output {
  stdout(text: string): Awaitable<void>
  stderr(text: string): Awaitable<void>
}

/** Facts of the machine and of the calling process that commands decide by. */
export interface System {
  /** Wall clock, RFC 3339 in UTC with nanoseconds: `2026-01-02T03:04:05.123456789Z`. */
  now(): Awaitable<string>
  /** Milliseconds since some moment in the past, with fractions: for durations, as no change of the wall clock moves it. */
  monotonic(): Awaitable<number>
  /** Effective user of the caller. */
  euid(): Awaitable<number>
  egid(): Awaitable<number>
  /** Whether the caller is in another user namespace than the machine's first one. */
  inUserNamespace(): Awaitable<boolean>
  /** Mask of the capabilities that this process may use and hand on (capabilities(7), permitted set). */
  permittedCapabilities(): Awaitable<bigint>
  /** `6.1.0-13-amd64` */
  kernelRelease(): Awaitable<string>
  /** `x64` or `arm64`. */
  architecture(): Awaitable<string>
  /** 128 random bits of the kernel, in hexadecimal. */
  random(): Awaitable<string>
  /** The arguments that start the command runt as this very program, the path of an executable first. */
  ownCommand(): Awaitable<string[]>
}

/** Steps of a plan that init notes the times of: native/common/protocol.h. */
export interface TimedSteps {
  /** Pids of init: the first, and the next after each step `fork`. */
  pids: readonly number[]
  /** Index in the plan of the first of `steps`. */
  from: number
  steps: readonly { op: string; origin: string }[]
}

/** A file for the times of init's steps. */
export interface TimesFile {
  path: string
  /** Whether a later command takes times from it too; else it is removed when they were taken. */
  lasting: boolean
}

/** Where a command's time goes, for whoever asked for it. Never the reason of a failure. */
export interface Trace {
  /** Of the command. */
  readonly pid: number
  /** Runs an action and notes how long it takes; what is noted meanwhile lies below it. */
  phase<T>(name: string, action: () => T): T
  /**
   * Makes a file in which init can note the times of so many steps.
   * @returns its descriptor, for the caller to close; undefined where it cannot be made
   */
  openTimes(file: TimesFile, steps: number): Awaitable<Fd | undefined>
  /** Takes what init has noted so far; that takes the place of what was taken from the same file before. */
  takeTimes(path: string, steps: TimedSteps): Awaitable<void>
}

/** Runs a part of a command under its name in the trace, if there is one. */
export function phase<T>({ trace }: Host, name: string, action: () => T): T {
  return trace === undefined ? action() : trace.phase(name, action)
}

/** Everything that commands do and learn outside of themselves. `directHost` gives one for this machine; tests have others. */
export interface Host {
  readonly files: Files
  readonly processes: Processes
  readonly events: Events
  readonly sockets: Sockets
  readonly cgroups: Cgroups
  readonly networks: Networks
  readonly systemd: Systemd
  readonly seccomp: Seccomp
  readonly archives: Archives
  readonly output: Output
  readonly system: System
  /** Present only where somebody asked where the time goes. */
  readonly trace?: Trace | undefined
}
