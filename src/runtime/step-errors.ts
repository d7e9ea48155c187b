/**
 * Sentences for steps that failed in init: which field of config.json, what was tried, why, and where one is known the mend.
 * Loaded only when something failed.
 */
import { textOf } from '../bytes.ts'
import { StepError, withoutCall } from '../errors.ts'
import type { InitMessage } from '../host/host.ts'
import type { Plan } from '../plan/plan.ts'
import type { Step, StepName, StepOf } from '../plan/steps.ts'
import { knownMountOptions } from '../rootfs/options.ts'
import { didYouMean } from '../spec/problem.ts'
import type { Spec } from '../spec/schema.gen.ts'
import { errnoCode, errnoText } from './errno.ts'
import { whyNotExecuted } from './executable.ts'
import { fieldName } from './fields.ts'
import { hookOrigin, hookSentence, hookTitle, type HookOutcome } from './hooks.ts'

export type Failed = Extract<InitMessage, { type: 'failed' }>

/** A step as far as it is known: `start` has only what state.json keeps. */
export interface FailedStep {
  op: string
  origin: string
}

export interface FailureFacts {
  failed: Failed
  step: FailedStep
  /** As `System.architecture` says. */
  architecture: string
  /** The configuration, where it is at hand: names a mount by its destination. */
  spec?: Spec | undefined
}

/** What a step tries; ops that are not here have sentences of their own. */
const verbs: Readonly<Partial<Record<StepName, string>>> = {
  dieWithParent: 'tie the life of init to its parent',
  sync: 'report to runt',
  setns: 'join namespace',
  unshare: 'make namespaces',
  fork: 'make a process',
  dropGroups: 'leave supplementary groups',
  becomeRoot: 'become root of the user namespace',
  setsid: 'start a session',
  joinSessionKeyring: 'start session keyring',
  sethostname: 'set host name',
  setdomainname: 'set domain name',
  rlimit: 'set resource limit',
  cpuAffinity: 'bind to processors',
  scheduler: 'set scheduler',
  ioPriority: 'set I/O priority',
  memoryPolicy: 'set memory policy',
  personality: 'set personality',
  verifySelf: 'verify namespace',
  umask: 'set umask',
  keepCapabilities: 'keep capabilities',
  boundingSet: 'drop capabilities from the bounding set',
  capabilities: 'set capabilities',
  ambientCapabilities: 'set ambient capabilities',
  user: 'become the user',
  noNewPrivileges: 'set no_new_privs',
  notDumpable: 'protect init from other processes',
  propagation: 'change propagation of',
  openTree: 'bind',
  openTreeOr: 'bind',
  cloneTree: 'clone mount',
  newMount: 'mount',
  mountAttributes: 'set mount attributes',
  idmap: 'map the ids of the mount',
  overlay: 'mount the layers',
  reconfigure: 'reconfigure',
  label: 'give the SELinux label',
  copyUp: 'copy up',
  chroot: 'change the root',
  attach: 'attach mount',
  attachHost: 'attach mount',
  openIn: 'open',
  openLike: 'make mount point',
  close: 'close',
  mask: 'mask',
  readonlyPath: 'make read-only',
  mknod: 'make device',
  symlink: 'make link',
  verifyDevice: 'bind the device of the host',
  verifyNull: 'verify /dev/null',
  pivotRoot: 'change the root',
  writeProc: 'write /proc file',
  openConsole: 'open terminal',
  useConsole: 'use terminal',
  chownStreams: 'give standard streams to the user',
  home: 'look up the home directory',
  listenPid: 'set LISTEN_PID',
  waitForStart: 'wait for start',
  closeOnExec: 'keep descriptors from the program',
  seccomp: 'load the seccomp filter',
}

/** The error for a step of `plan` that failed. */
export function stepError(plan: Plan, facts: Omit<FailureFacts, 'step'>): StepError {
  const step: Step | undefined = plan.steps[facts.failed.step]
  return failedStep({ ...facts, step: step ?? { op: 'unknown', origin: '' } })
}

export function failedStep(facts: FailureFacts): StepError {
  const { failed, step } = facts
  return new StepError(
    sentence(facts),
    {
      step: failed.step,
      op: step.op,
      syscall: failed.syscall,
      errno: failed.errno,
      subject: failed.subject,
      detail: failed.detail,
    },
    { origin: originOf(facts), hint: hint(facts) },
  )
}

/** The program is the first of the arguments. */
function originOf({ failed, step: { op, origin } }: FailureFacts): string | undefined {
  if (origin === '') return undefined
  if (op === 'hook' && failed.errno === 0) return hookOrigin(origin, hookEnd(failed).outcome)
  return (op === 'program' || op === 'exec') && origin.endsWith('/args') ? `${origin}/0` : origin
}

function sentence(facts: FailureFacts): string {
  const { failed, step } = facts
  const why = errnoText(failed.errno)
  // The texts of the first three are what daemons look for.
  if (step.op === 'program') return programSentence(failed)
  if (step.op === 'exec') return `exec ${failed.subject}: ${why}`
  if (step.op === 'hook') return initHookSentence(facts)
  if (step.op === 'chdir') return `chdir to cwd (${JSON.stringify(failed.subject)}) set in config.json: ${why}`
  if (step.op === 'writeSelf') return `${subjectOf(facts)}write \`/proc/self/${failed.subject}\`: ${why}`
  if (step.op === 'verifySelf' && errnoCode(failed.errno) === 'ESTALE')
    return `the container's init has left the namespaces that it was created with (${failed.subject} is ${textOf(failed.detail)})`
  const verb = verbs[step.op as StepName] ?? 'read the plan'
  const subject = failed.subject === '' ? '' : ` ${failed.subject}`
  const call = failed.syscall === '' ? '' : ` (${failed.syscall})`
  return `${subjectOf(facts)}${verb}${subject}: ${why}${call}${kernelLog(facts)}`
}

function programSentence({ subject, errno }: Failed): string {
  const name = JSON.stringify(subject)
  // As execve(2) has it, EACCES: Docker's older clients and Podman know only that for their status 126, newer ones either.
  if (errnoCode(errno) === 'EISDIR') return `exec: ${name}: ${errnoText(errno)}: permission denied`
  if (errnoCode(errno) !== 'ENOENT') return `exec: ${name}: ${errnoText(errno)}`
  return subject.includes('/')
    ? `exec: ${name}: stat ${subject}: ${errnoText(errno)}`
    : `exec: ${name}: executable file not found in $PATH`
}

/** `exited N`, `killed N` or `timeout SECONDS`, and from the next line on the end of standard error; or a call that failed. */
function initHookSentence({ failed, step }: FailureFacts): string {
  const { origin } = step
  if (failed.errno !== 0) {
    if (failed.subject === '') return `${hookTitle(origin, '')}${errnoText(failed.errno)} (${failed.syscall})`
    const call = failed.syscall === 'execve' ? '' : ` (${failed.syscall})`
    return `${hookTitle(origin, failed.subject)}: ${errnoText(failed.errno)}${call}`
  }
  const { outcome, stderr } = hookEnd(failed)
  return hookSentence(origin, failed.subject, outcome, { stderr })
}

function hookEnd(failed: Failed): { outcome: HookOutcome; stderr: string } {
  const [first = '', ...lines] = textOf(failed.detail).split('\n')
  const [kind, number] = first.split(' ')
  let outcome: HookOutcome = { kind: 'timeout', seconds: Number(number) }
  if (kind === 'exited') outcome = { kind, code: Number(number) }
  if (kind === 'killed') outcome = { kind: 'signaled', signal: Number(number) }
  return { outcome, stderr: lines.join('\n') }
}

/** `mounts[3] → /data: ` */
function subjectOf({ step, spec }: FailureFacts): string {
  if (!step.origin.startsWith('/')) return step.origin === '' ? '' : `${step.origin}: `
  const mount = /^\/mounts\/(\d+)/.exec(step.origin)
  const destination = mount ? spec?.mounts?.[Number(mount[1])]?.destination : undefined
  return `${fieldName(step.origin)}${destination === undefined ? '' : ` → ${destination}`}: `
}

/** What the kernel's mount context said, for the calls that have one: lines of `e message`, `w message`. */
function kernelLog({ failed, step }: FailureFacts): string {
  if ((step.op !== 'newMount' && step.op !== 'reconfigure' && step.op !== 'overlay') || failed.detail.length === 0)
    return ''
  const lines = textOf(failed.detail)
    .split(/[\n\0]/)
    .map((line) => line.replace(/^[ewi] /, '').trim())
    .filter((line) => line !== '')
  return lines.length === 0 ? '' : ` (${lines.join('; ')})`
}

function hint(facts: FailureFacts): string | undefined {
  const { failed, step, architecture } = facts
  const code = errnoCode(failed.errno)
  if (code === 'ENOSYS') return withoutCall(failed.syscall)
  const filtered = filteredHint(facts, code)
  if (filtered !== undefined) return filtered
  if (step.op === 'exec') return whyNotExecuted(code, failed.detail, architecture)
  return hints[step.op as StepName]?.(code, failed, step)
}

/** A call that the filter forbids, which is in force by then. */
function filteredHint({ step, spec }: FailureFacts, code: string): string | undefined {
  if (spec?.linux?.seccomp === undefined || step.op !== 'capabilities' || code !== 'EPERM') return undefined
  return 'without process.noNewPrivileges the filter of linux.seccomp is in force by then, and must allow capset'
}

function missingSource(code: string): string | undefined {
  return code === 'ENOENT' ? 'the source of a bind mount must exist on the host' : undefined
}

/** The kernel names what the filesystem does not know; then it is no option of every mount either, but may be meant as one. */
function isUnknownOption(detail: Uint8Array): boolean {
  return textOf(detail).includes('Unknown parameter')
}

const hints: Partial<Record<StepName, (code: string, failed: Failed, step: FailedStep) => string | undefined>> = {
  program: (code, { subject }) => {
    if (code === 'ENOENT') {
      return subject.includes('/')
        ? 'the path counts from the root filesystem of the container'
        : 'PATH is taken from process.env; look whether the root filesystem has the program there'
    }
    if (code === 'EACCES') return 'the file is there, but the user of process.user may not execute it: chmod +x'
    return undefined
  },
  chdir: (code) =>
    code === 'ENOENT' || code === 'ENOTDIR' ? 'the path counts from the root filesystem of the container' : undefined,
  becomeRoot: (code) =>
    code === 'EINVAL' ? 'the user namespace maps neither id 0 nor the user and group of process.user' : undefined,
  user: (code, { syscall }) => {
    if (code === 'EINVAL') return 'the user namespace does not map the id'
    return code === 'EPERM' && syscall === 'setgroups'
      ? 'the user namespace allows nobody to set groups: leave out additionalGids, or map groups with newgidmap'
      : undefined
  },
  verifyDevice: () => 'in a user namespace devices are those of the host: the same path must be the same device there',
  hook: (code, { subject }) => {
    if (code !== 'ENOENT' || subject === '') return undefined
    return 'the path of a createContainer hook counts from the root of the host, that of a startContainer hook from the container'
  },
  openTree: missingSource,
  openTreeOr: missingSource,
  newMount: (code, { subject, detail }, step) => {
    if (code === 'ENODEV') return `the kernel has no filesystem ${subject}: see /proc/filesystems, or load its module`
    if (code === 'EBUSY') return 'another mount of this filesystem excludes these options'
    // Filesystems that know nothing of fsconfig(2) see the options only when they are mounted, all at once.
    if (code === 'EINVAL' && (subject.startsWith('lowerdir+=') || (subject === 'overlay' && listsLayers(step))))
      return 'before Linux 6.7 the list of layers may have 255 bytes: use shorter paths'
    if (code === 'EINVAL' && isUnknownOption(detail)) return didYouMean(subject, knownMountOptions())
    if (code === 'EINVAL' && subject.length > 255) return 'the kernel takes at most 255 bytes as the value of an option'
    return undefined
  },
  overlay: (code, { subject, detail }) => {
    if (code === 'ELOOP') return 'a layer must not lie in another, nor in the directory for changes'
    if (code === 'ENODEV') return 'the kernel has no overlayfs: modprobe overlay'
    if (code === 'ENOTDIR') return 'every layer must be a directory'
    if (code === 'EPERM' && subject === 'overlay') return 'overlayfs in a user namespace needs Linux 5.11'
    return code === 'EINVAL'
      ? `the filesystem of the directory for changes may not serve overlayfs (an overlay itself, NFS): name another with io.runt.upper or io.runt.store${detail.length === 0 ? '; the kernel log tells more' : ''}`
      : undefined
  },
  idmap: (code) => {
    if (code === 'EINVAL' || code === 'EOPNOTSUPP')
      return 'this kernel cannot map the ids of this filesystem: mount_setattr(2) lists those that it can'
    return code === 'EPERM'
      ? 'mapping ids needs root of the user namespace that the filesystem was mounted in'
      : undefined
  },
  copyUp: (code) => {
    if (code === 'ENOSPC') return 'what the directory holds does not fit: give the tmpfs a larger size='
    return code === 'EPERM' ? 'a user namespace may not make device nodes' : undefined
  },
  openIn: outside,
  openLike: outside,
  setns: (code) => {
    if (code === 'EINVAL') return 'the file is not a namespace of this type'
    return code === 'EPERM' ? 'joining needs CAP_SYS_ADMIN in the user namespace that owns it' : undefined
  },
  unshare: (code) => (code === 'EINVAL' ? 'the kernel has no namespaces of this type' : tooMany(code)),
  fork: tooMany,
  mknod: (code) =>
    code === 'EPERM' ? 'a user namespace, or a filesystem mounted nodev, does not allow device nodes' : undefined,
  cpuAffinity: (code) =>
    code === 'EINVAL' ? "none of these processors is online and in the container's cgroup" : undefined,
  scheduler: (code) => {
    if (code === 'EPERM') return 'this policy, or a nice value below that of runt, needs CAP_SYS_NICE'
    if (code === 'EBUSY') return 'the machine has not so much processor time left for SCHED_DEADLINE: see sched(7)'
    if (code === 'EOPNOTSUPP') return 'the kernel has no clamps of utilization (CONFIG_UCLAMP_TASK)'
    return code === 'EINVAL'
      ? 'the kernel has no such policy (SCHED_ISO never was in Linux), or not with these values'
      : undefined
  },
  ioPriority: (code) => (code === 'EPERM' ? 'IOPRIO_CLASS_RT needs CAP_SYS_NICE' : undefined),
  memoryPolicy: (code) =>
    code === 'EINVAL' ? 'no such node with memory in the cgroup, or the kernel is older than the policy' : undefined,
  writeSelf: (code, _failed, step) => {
    if (code === 'ENOENT')
      return `the profile ${profileOf(step)}is not loaded: see /sys/kernel/security/apparmor/profiles, and apparmor_parser(8)`
    if (code === 'EINVAL') return 'the kernel knows no such label'
    return code === 'EACCES' || code === 'EPERM' ? 'what runt itself is confined by does not allow it' : undefined
  },
  verifySelf: (code) =>
    code === 'ESTALE' ? 'processes are only started where the container was made; nsenter(1) goes after it' : undefined,
  rlimit: (code) => (code === 'EPERM' ? 'raising a hard limit needs CAP_SYS_RESOURCE on the host' : undefined),
  ambientCapabilities: (code) =>
    code === 'EPERM' ? 'an ambient capability must be permitted and inheritable as well' : undefined,
  seccomp: (code) => {
    if (code === 'EACCES')
      return 'without process.noNewPrivileges it takes CAP_SYS_ADMIN, which runt does not have: set process.noNewPrivileges'
    if (code === 'EBUSY') return 'runt itself runs under a filter with a listener, and the kernel takes one only'
    return code === 'EINVAL'
      ? 'the kernel does not know one of linux.seccomp.flags (WAIT_KILLABLE_RECV is of Linux 5.19), or has no seccomp filters'
      : undefined
  },
  pivotRoot: (code) =>
    code === 'EINVAL' ? 'a root on the initial ramfs cannot be pivoted: use --no-pivot' : undefined,
  openConsole: (code) => (code === 'ENOENT' ? 'a terminal needs the devpts mount on /dev/pts' : undefined),
}

/** The name of the AppArmor profile that the step asks for, with a space behind it; '' where the step is not known whole. */
function profileOf(step: FailedStep): string {
  const { text: request } = step as Partial<StepOf<'writeSelf'>>
  return request === undefined ? '' : `${request.replace(/^exec /, '')} `
}

/** Whether the layers of an overlay are parameters of their own. */
function listsLayers(step: FailedStep): boolean {
  const { parameters } = step as Partial<StepOf<'newMount'>>
  return parameters?.some((parameter) => parameter.startsWith('lowerdir+=')) === true
}

function outside(code: string): string | undefined {
  if (code === 'ELOOP') return 'a symlink on the way leads in a circle, or is not allowed there'
  if (code === 'EROFS') return 'the mount point does not exist, and the filesystem that should hold it is read-only'
  // The last component too: the mount point of a directory is one.
  return code === 'ENOTDIR' ? 'a component on the way is no directory, or a directory is mounted on a file' : undefined
}

function tooMany(code: string): string | undefined {
  if (code === 'ENOSPC' || code === 'EUSERS') return 'too many namespaces: see /proc/sys/user/max_*_namespaces'
  if (code === 'ENOMEM') return 'the pid namespace that should be joined has lost its init'
  return code === 'EAGAIN' ? 'too many processes: see ulimit -u and the pids.max of the cgroup' : undefined
}
