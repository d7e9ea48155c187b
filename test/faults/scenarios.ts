/**
 * The commands whose system calls are made to fail, and what must be so after each: the command failed and says what failed, or went on
 * and did all that it does without the fault; and delete --force leaves nothing.
 */
import type { ExecutionContext } from 'ava'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { errnoText } from '../../src/runtime/errno.ts'
import type { Process, Spec } from '../../src/spec/schema.gen.ts'
import { inVm, lines, Sandbox } from '../integration/harness.ts'
import { openUp, ownUsers } from '../integration/users.ts'
import { filesOf, inject, leftovers, type Action, type Injected, type Point } from './inject.ts'

/** What a program of the container sees of itself. Compared between a good run and one with a fault that was survived. */
const selfReport = [
  ['cat', '/proc/self/mountinfo'],
  ['cat', '/proc/self/status'],
  ['cat', '/proc/self/cgroup'],
  ['cat', '/proc/self/oom_score_adj'],
  ['cat', '/proc/self/uid_map'],
  ['cat', '/proc/sys/kernel/msgmax'],
  ['cat', '/sys/fs/cgroup/pids.max'],
  ['cat', '/sys/fs/cgroup/memory.max'],
  ['cat', '/sys/fs/cgroup/cpu.max'],
  // A device that no container may open.
  ['open', '/etc/kmsg'],
  ['ls', '/dev'],
  ['ls', '/proc/acpi'],
  ['fds'],
  ['rlimits'],
  ['keyring'],
  ['uname'],
  ['cwd'],
  ['env'],
  ['echo', 'reported'],
]
const verbs = (...more: string[][]): string[] => [
  'inside',
  ...[...selfReport, ...more].flatMap((verb) => [...verb, '--']).slice(0, -1),
]

/** The report without what differs from container to container. */
export function comparable(report: string): string {
  return lines(report.replaceAll('\r', ''))
    .filter(
      (line) =>
        !/^(Name|Pid|Tgid|Ngid|PPid|NS\w+|Vm\w+|Rss\w+|Hugetlb\w+|\w*ctxt\w*|SigQ|Threads|TracerPid|Speculation\w*|Cpus_\w+|Mems_\w+|State|FDSize|Sig\w+|Shd\w+|CoreDumping|THP_\w+|untag_mask|x86_\w+|Seccomp_filters):/.test(
          line,
        ),
    )
    .map((line) => line.replace(/^\d+ \d+ \d+:\d+ /, '').replace(/(master|shared):\d+/, '$1'))
    .map((line) => line.replace(/t\d+-\d+/g, 'ID').replace(/^keyring \d+ keyring;(\d+;\d+);(\w+);.*/, 'keyring $1 $2'))
    .map((line) => line.replace(/(pipe|socket|pts\/)[:\d[\]]+/, '$1').replace(/ino=\d+|inode \d+/g, ''))
    .join('\n')
}

function plain(spec: Spec): void {
  spec.process!.args = verbs(['wait'])
}

/** Of everything that this machine can do, something. */
function full(spec: Spec): void {
  plain(spec)
  const process: Process = spec.process!
  process.user = { uid: 1000, gid: 1000, additionalGids: [5, 6], umask: 0o27 }
  process.noNewPrivileges = true
  process.oomScoreAdj = 50
  process.rlimits!.push({ type: 'RLIMIT_CORE', hard: 0, soft: 0 })
  spec.hostname = 'faulty'
  spec.domainname = 'example'
  spec.root!.readonly = true
  spec.mounts!.push({ destination: '/data', type: 'bind', source: '/usr', options: ['rbind', 'ro', 'nosuid'] })
  spec.mounts!.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['size=1m', 'tmpcopyup'] })
  const linux = spec.linux!
  linux.sysctl = { 'kernel.msgmax': '4096' }
  linux.devices = [{ path: '/dev/own', type: 'c', major: 1, minor: 3, fileMode: 0o666, uid: 0, gid: 0 }]
  linux.rootfsPropagation = 'rslave'
  const errno = { action: 'SCMP_ACT_ERRNO', names: ['swapon', 'kexec_load'] } as const
  linux.seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: ['SCMP_ARCH_X86_64'],
    syscalls: [{ ...errno, names: [...errno.names] }],
  }
  linux.resources!.pids = { limit: 50 }
  if (inVm)
    linux.resources = { ...linux.resources, memory: { limit: 64 << 20 }, cpu: { quota: 50_000, period: 100_000 } }
  else delete linux.resources!.pids
  const hook = [{ path: '/bin/true' }]
  spec.hooks = {
    createRuntime: hook,
    createContainer: hook,
    startContainer: [{ path: '/bin/inside', args: ['inside', 'echo', 'hook'] }],
    poststart: hook,
    poststop: hook,
  }
}

function users(spec: Spec): void {
  plain(spec)
  ownUsers(spec)
  spec.process!.terminal = true
}

export interface Scenario {
  readonly name: string
  readonly config: (spec: Spec) => void
  readonly args: (id: string) => string[]
  /** What the container went through before; `kept`: all points share one that runs. */
  readonly before: 'nothing' | 'created' | 'running' | 'kept'
  /** What must be so if the command succeeds; `reported`: the program ran and saw all that it should. */
  readonly then: 'created' | 'reported' | 'printed' | 'gone' | 'ended'
}

const executed = verbs()

export const scenarios: readonly Scenario[] = [
  {
    name: 'create',
    config: plain,
    args: (id) => ['create', '--pid-file', 'pid', id],
    before: 'nothing',
    then: 'created',
  },
  { name: 'create-full', config: full, args: (id) => ['create', id], before: 'nothing', then: 'created' },
  {
    name: 'create-users',
    config: users,
    args: (id) => ['create', '--console-socket', '../console', id],
    before: 'nothing',
    then: 'created',
  },
  { name: 'start', config: full, args: (id) => ['start', id], before: 'created', then: 'reported' },
  { name: 'exec', config: plain, args: (id) => ['exec', id, ...executed], before: 'kept', then: 'printed' },
  {
    name: 'exec-full',
    config: full,
    args: (id) => ['exec', '--pid-file', 'pid', id, ...executed],
    before: 'kept',
    then: 'printed',
  },
  { name: 'delete', config: full, args: (id) => ['delete', id], before: 'created', then: 'gone' },
  { name: 'delete-force', config: full, args: (id) => ['delete', '--force', id], before: 'running', then: 'gone' },
  { name: 'kill', config: plain, args: (id) => ['kill', id, 'KILL'], before: 'running', then: 'ended' },
  {
    name: 'run',
    config: (spec) => (spec.process!.args = executed),
    args: (id) => ['run', id],
    before: 'nothing',
    then: 'printed',
  },
  { name: 'run-detached', config: plain, args: (id) => ['run', '--detach', id], before: 'nothing', then: 'reported' },
]

/** Calls that have no failure: the kernel's manual pages tell none, or nobody could do anything about it. */
export const cannotFail: Readonly<Record<string, string>> = {
  exit: 'does not return',
  exit_group: 'does not return',
  rt_sigreturn: 'does not return',
  getpid: 'is always successful',
  getppid: 'is always successful',
  gettid: 'is always successful',
  getuid: 'is always successful',
  geteuid: 'is always successful',
  getgid: 'is always successful',
  getegid: 'is always successful',
  umask: 'is always successful',
  set_tid_address: 'is always successful',
  rt_sigaction: 'has no failure with valid arguments',
  rt_sigprocmask: 'has no failure with valid arguments',
  futex: 'has no failure that the C library would take: it aborts the process',
}

/** Failures with which a command may well go on. Any other that it survives is a defect: somebody did not look. */
const survivable: readonly { role?: string; call: string; name?: RegExp; action?: Action; why: string }[] = [
  { role: 'loader', call: '', why: 'the C library’s loader does without its cache, and looks elsewhere' },
  { call: 'close', why: 'a descriptor is free whatever close(2) returns' },
  { call: 'munmap', why: 'the memory goes with the process' },
  { call: 'brk', why: 'malloc(3) takes memory by mmap(2)' },
  {
    role: 'runt',
    call: 'openat',
    name: /localtime$/,
    why: 'a time zone that cannot be read is UTC, in an example’s comment',
  },
  { role: 'runt', call: 'read', name: /zoneinfo|localtime/, why: 'the same' },
  {
    role: 'runt',
    call: 'newfstatat',
    name: /zoneinfo|localtime|^\/proc\/self\/exe$/,
    why: 'the same; whether anybody may change the executable, which is looked at where /proc is there',
  },
  { role: 'runt', call: 'lseek', name: /zoneinfo|localtime/, why: 'the same' },
  { role: 'runt', call: 'prlimit64', why: 'the stack’s size is taken for the usual one' },
  {
    role: 'runt',
    call: 'fcntl',
    name: /^\/|pipe|null/,
    why: 'standard streams that cannot be looked at are taken to be there',
  },
  { role: 'runt', call: 'openat', name: /\/bundle\/$/, why: 'a pid file without a temporary name: it gets one' },
  { role: 'runt', call: 'linkat', why: 'the same' },
  { role: 'runt', call: 'write', name: /\/bundle\/#\d+/, why: 'the same' },
  { role: 'runt', call: 'unlink', name: /\/pid$/, why: 'the same' },
  { role: 'runt', call: 'openat', name: /\.seccomp~/, why: 'without the cache a filter is compiled' },
  { role: 'runt', call: 'read', name: /\.seccomp~/, why: 'the same' },
  { role: 'init', call: 'prctl', why: 'PR_SET_NAME: how init is called while it works' },
  { role: 'init', call: 'sched_setaffinity', why: 'runt’s own binding to processors stays, as with runc' },
  { role: 'init2', call: 'sched_setaffinity', why: 'the same, in a process of exec' },
  { role: 'init2', call: 'setpgid', why: 'a filter may forbid it to a hook: then less is killed at its timeout' },
  { role: 'init2', call: 'prctl', why: 'the same' },
  { call: 'readlinkat', name: /^\w+$/, why: 'what is no symlink is opened as it is, and nothing that is one' },
  { role: 'runt', call: 'newfstatat', name: /\.seccomp~|libseccomp/, why: 'the same' },
  { role: 'runt', call: 'readlink', name: /^\/(usr$|(usr\/)?lib)/, why: 'the same: which library it was compiled by' },
  { role: 'runt', call: 'mkdir', name: /\.seccomp~/, why: 'the same' },
  { role: 'runt', call: 'prctl', why: 'PR_GET_CHILD_SUBREAPER: then it waits for no other children than its own' },
  {
    role: 'runt',
    call: 'rmdir',
    action: 'EBUSY',
    why: 'a cgroup from which a process is about to go: once more, for ten seconds',
  },
  { role: 'runt', call: 'getcwd', why: 'a working directory that has no name any more: then it is /' },
  { call: 'open_tree', name: /^\/sys\/fs\/cgroup/, action: 'EACCES', why: 'then a cgroup filesystem is mounted' },
  { role: 'init', call: 'ppoll', why: 'what a hook says is no more heard; its end is waited for' },
  { call: 'read', name: /^pipe:/, why: 'the same' },
  { role: 'runt', call: 'bpf', why: 'a program that is refused is loaded once more, for the reason' },
  { call: 'statx', name: /\/inside$/, action: 'EACCES', why: 'execvp(3): the next directory of PATH may have it' },
  {
    call: 'setgroups',
    action: 'EPERM',
    why: 'user_namespaces(7): who has made a user namespace may have been forbidden it',
  },
  { call: 'setsid', action: 'EPERM', why: 'it leads a group already' },
]

/** The errno that a call may well fail with on a busy or confined machine. */
const likely: Readonly<Record<string, Action>> = {
  ...each(
    'EMFILE',
    'open openat openat2 socket socketpair memfd_create pipe2 dup dup2 dup3 epoll_create1 pidfd_open signalfd4 accept4',
  ),
  ...each('ENOMEM', 'mmap mprotect mremap execve execveat clone fork vfork fsopen'),
  ...each('EAGAIN', 'clone3 setresuid'),
  ...each('ENOSPC', 'write mkdir mkdirat mknod mknodat rename renameat2 symlinkat ftruncate fsmount move_mount'),
  ...each('EBUSY', 'umount2 rmdir unlinkat pivot_root'),
  ...each(
    'EACCES',
    'stat lstat newfstatat statx statfs fstatfs readlink readlinkat access faccessat2 chdir fchdir fsconfig open_tree mount_setattr',
  ),
}
function each(action: Action, calls: string): Record<string, Action> {
  return Object.fromEntries(calls.split(' ').map((call) => [call, action]))
}
function mayBeSurvived({ role, call, name }: Point, action: Action): boolean {
  if (action === 'EINTR' || action.startsWith('kill')) return true
  return survivable.some(
    (one) =>
      (one.role === undefined || one.role === role) &&
      (one.call === '' || one.call === call) &&
      (one.action === undefined || one.action === action) &&
      (one.name === undefined || one.name.test(name)),
  )
}

/** Calls that a signal may interrupt. */
const interruptible = new Set(
  'read write open openat flock recvmsg sendmsg sendto recvfrom connect accept4 wait4 waitid poll ppoll epoll_wait epoll_pwait close'.split(
    ' ',
  ),
)

/** What a point is made to meet, one after the other. */
export function actionsAt(point: Point): Action[] {
  const actions: Action[] = []
  if (point.call === 'brk') actions.push('ENOMEM')
  else if (!(point.call in cannotFail)) {
    actions.push('EIO', likely[point.call] ?? 'EPERM')
    if (interruptible.has(point.call)) actions.push('EINTR')
  }
  actions.push('kill')
  if (point.role !== 'runt' && point.role !== 'loader') actions.push('killrunt')
  return actions
}

/** What a fault came to. */
export interface Outcome {
  point: Point
  action: Action
  /** `missed`: the command did not come to that call this time. */
  result: 'failed' | 'survived' | 'killed' | 'missed'
  /** What it said. */
  message: string
  /** What should not be so. */
  defects: string[]
}

const sleep = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

/** Waits for what ends by itself; undefined: it did. */
function whatStays(look: () => string[], ms = inVm ? 60_000 : 15_000): string[] {
  const end = Date.now() + ms
  for (;;) {
    const found = look()
    if (found.length === 0 || Date.now() > end) return found
    sleep(5)
  }
}

/** A scenario's containers. */
export class Stage {
  readonly scenario: Scenario
  readonly sandbox: Sandbox
  private readonly ends: (() => void)[] = []
  private readonly files: readonly string[]
  private readonly good: string = ''
  private kept: string | undefined
  /** The system calls of the command, where nothing fails. */
  readonly points: Point[]

  constructor(scenario: Scenario) {
    this.scenario = scenario
    // Everything that is made for a test is taken back at its end: here, by `close`.
    const context = { teardown: (end: () => void) => this.ends.push(end) } as unknown as ExecutionContext
    this.sandbox = new Sandbox(context, scenario.config)
    const { dir, bundle, rootfs } = this.sandbox
    spawnSync('mknod', [path.join(rootfs, 'etc/kmsg'), 'c', '1', '11'])
    openUp(this.sandbox)
    for (const file of ['terminal', 'pid']) writeFileSync(path.join(file === 'pid' ? bundle : dir, file), '')
    if (scenario.args('').includes('--console-socket')) this.listen()
    // The first command makes the state root and the caches.
    this.sandbox.create()
    this.sandbox.run(['delete', '--force', this.sandbox.id])
    this.files = filesOf(this.sandbox)
    const { injected, id } = this.inject()
    if (injected.status !== 0) throw new Error(`${scenario.name}: ${injected.stderr}`)
    this.points = injected.points
    this.good = this.seen(id, injected)
    if (scenario.then !== 'gone' && scenario.then !== 'ended' && !this.good.includes('reported'))
      throw new Error(`${scenario.name}: the program reports ${this.good}`)
    this.cleanUp(id, injected)
  }

  /** Takes terminals and copies what is written to them into a file. */
  private listen(): void {
    const { dir } = this.sandbox
    const script = fileURLToPath(new URL('terminals.py', import.meta.url))
    const child = spawn('python3', [script, path.join(dir, 'console'), path.join(dir, 'terminal')], { stdio: 'ignore' })
    this.ends.unshift(() => child.kill('SIGKILL'))
    if (whatStays(() => (existsSync(path.join(dir, 'console')) ? [] : ['no socket'])).length > 0)
      throw new Error('nobody takes terminals')
  }

  private inject(fault?: { point: Point; action: Action }): { id: string; injected: Injected } {
    const { sandbox, scenario } = this
    const id = this.prepare()
    const init = scenario.before === 'created' && scenario.name === 'start' ? sandbox.state(id).pid : undefined
    return { id, injected: inject(sandbox, scenario.args(id), fault, init) }
  }

  /** A container as the command expects it. */
  private prepare(): string {
    const { sandbox } = this
    const { before } = this.scenario
    if (before === 'kept' && this.kept !== undefined) return this.kept
    for (const file of ['terminal', 'stdout', 'stderr']) writeFileSync(path.join(sandbox.dir, file), '')
    const id = sandbox.newId()
    const commands = before === 'nothing' ? [] : before === 'created' ? [['create', id]] : [['run', '--detach', id]]
    for (const command of commands) {
      const { status, stderr } = sandbox.detached(command)
      if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`)
    }
    if (before === 'kept') this.kept = id
    return id
  }

  /** What the command, or the program in the container, shows where the command succeeded. */
  private seen(id: string, injected: Injected): string {
    const { sandbox, scenario } = this
    if (scenario.then === 'gone' || scenario.then === 'ended') return ''
    if (scenario.then === 'printed') return comparable(injected.stdout)
    if (scenario.then === 'created') {
      const { status, stderr } = sandbox.run(['start', id])
      if (status !== 0) return `start: ${stderr.trim()}`
    }
    const all = (): string =>
      ['inject.out', 'terminal', 'stdout'].map((name) => readFileSync(path.join(sandbox.dir, name), 'utf8')).join('')
    whatStays(() => (/^reported\r?$/m.test(all()) ? [] : ['nothing yet']))
    return comparable(all())
  }

  /** Removes the container; returns what is wrong. */
  private cleanUp(id: string, injected: Injected): string[] {
    const { sandbox, scenario } = this
    if (scenario.before === 'kept') {
      const status = sandbox.run(['state', id]).stdout
      if (status.includes('"status": "running"')) {
        // The container goes on, and all that was executed in it has left.
        const others = (): string[] =>
          leftovers(sandbox, '', injected.programs, this.files).filter((line) => /^(init|file|mount|BPF) /.test(line))
        return whatStays(others).map((line) => `left: ${line}`)
      }
      this.kept = undefined
      return ['the container ended', ...this.remove(id, injected)]
    }
    return this.remove(id, injected)
  }

  private remove(id: string, injected: Injected): string[] {
    const { sandbox } = this
    const { status, stderr } = sandbox.run(['delete', '--force', id])
    const defects = status === 0 && stderr === '' ? [] : [`delete --force: ${status} ${stderr}`]
    const left = whatStays(() => leftovers(sandbox, id, injected.programs, this.files))
    defects.push(...left.map((line) => `left: ${line}`))
    return defects
  }

  /** Runs the command with a fault, and judges. */
  meet(point: Point, action: Action): Outcome {
    const { sandbox, scenario } = this
    const { id, injected } = this.inject({ point, action })
    const { status, hit, late } = injected
    const stderr = injected.stderr
    const outcome: Outcome = { point, action, result: 'missed', message: stderr.trim(), defects: [] }
    const killedRunt =
      action === 'killrunt' || (action === 'kill' && (point.role === 'runt' || point.role === 'loader'))
    if (late) outcome.defects.push('it does not end')
    if (!hit) {
      if (status !== 0) outcome.defects.push(`without a fault it ends with ${status}`)
    } else if (killedRunt) {
      outcome.result = 'killed'
      if (status !== 137) outcome.defects.push(`killed, it ends with ${status}`)
    } else if (status !== 0) {
      outcome.result = 'failed'
      outcome.defects.push(...this.badMessage(point, action, injected))
      if (scenario.before === 'nothing' && scenario.then !== 'printed' && !stderr.includes('not cleaned up')) {
        const left = whatStays(() => leftovers(sandbox, id, injected.programs, this.files), inVm ? 10_000 : 3_000)
        outcome.defects.push(...left.map((line) => `left before delete --force: ${line}`))
      }
    } else {
      outcome.result = 'survived'
      // Hooks after start and after the end fail with a warning (runtime.md#lifecycle).
      const why = action.startsWith('kill')
        ? ''
        : errnoText(os.constants.errno[action as keyof typeof os.constants.errno])
      const told = stderr.includes('warning: ') && stderr.includes(why)
      if (!told && !mayBeSurvived(point, action)) outcome.defects.push('nobody looked at the failure')
      outcome.defects.push(...this.differences(id, injected, { point, action }))
    }
    outcome.defects.push(...this.cleanUp(id, injected))
    return outcome
  }

  /** What does not hold though the command succeeded. */
  private differences(id: string, injected: Injected, fault: { point: Point; action: Action }): string[] {
    const { sandbox, scenario } = this
    if (scenario.then === 'gone') {
      return whatStays(() => leftovers(sandbox, id, injected.programs, this.files)).map((line) => `left: ${line}`)
    }
    if (scenario.then === 'ended')
      return whatStays(() => (sandbox.run(['state', id]).stdout.includes('"stopped"') ? [] : ['it does not end']))
    // Who is killed between the go and the program's first instruction ends as the program would: with a container that has stopped.
    if (fault.action === 'kill' && fault.point.role.startsWith('init') && scenario.then === 'reported')
      return whatStays(() => (sandbox.run(['state', id]).stdout.includes('"stopped"') ? [] : ['it does not end']))
    const seen = this.seen(id, injected)
    if (seen === this.good) return []
    // init has nothing left to do but to wait for start, or was killed there: the command is over, and `start` says what became of it.
    const { role, call, nth } = this.points.findLast(({ role }) => role.startsWith('init')) ?? {}
    const waits = fault.point.role === role && fault.point.call === call && fault.point.nth === nth
    const ended = waits || (fault.action === 'kill' && fault.point.role.startsWith('init'))
    if (ended && seen.endsWith('cannot start a container that has stopped')) return []
    const [had, has] = [new Set(this.good.split('\n')), new Set(seen.split('\n'))]
    const lacking = [...had].filter((line) => !has.has(line)).map((line) => `- ${line}`)
    const added = [...has].filter((line) => !had.has(line)).map((line) => `+ ${line}`)
    if (lacking.length + added.length === 0) return []
    return [`survived, but the program sees: ${[...lacking, ...added].slice(0, 6).join(' | ')}`]
  }

  /** A message says what failed and why. */
  private badMessage(point: Point, action: Action, { status, stderr }: Injected): string[] {
    // Before main the C library's loader speaks.
    if (point.role === 'loader') return []
    const first = stderr.trim()
    // Who is killed between the last word with runt and the program's first instruction ends as the program would.
    if (first === '' && action === 'kill' && status === 137 && this.scenario.then === 'printed') return []
    if (first === '') return ['no message']
    // A container's init that died between commands, or while one began: the state says it.
    if (point.role === 'init' && first.endsWith('cannot start a container that has stopped')) return []
    if (/internal error|undefined|TypeError|ReferenceError|\bat .*\.js:/.test(first)) return ['an internal message']
    if (action === 'kill') return []
    if (/^[^\n]*\d+: (\w+|\w+ \/proc\/self\/fd\/\d+): [\w /]+$/.test(first)) return ['names a system call only']
    if (/: E[A-Z]+$/m.test(first)) return ['names an errno by its code']
    // By waitid(2) it is looked whether the process that a message names is a child; one that cannot be looked at is none.
    if (point.call === 'waitid' && first.endsWith('bad message')) return []
    // init names every failure of mmap(2) by the one that matters.
    if (point.call === 'mmap' && first.includes(errnoText(os.constants.errno.ENOMEM))) return []
    const why = errnoText(os.constants.errno[action as keyof typeof os.constants.errno])
    const named = first.includes(why) || /^ {2}(from|hint): /m.test(first)
    return named ? [] : [`does not say why (${why})`]
  }

  close(): void {
    if (this.kept !== undefined) this.sandbox.run(['delete', '--force', this.kept])
    for (const end of this.ends) end()
  }
}
