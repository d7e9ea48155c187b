/** Generated from src/spec/schema.json by scripts/generate-spec.ts: do not edit. */

/**
 * An integer of 32 bits without sign.
 */
export type Uint32 = number
/**
 * Kind of namespace.
 */
export type NamespaceType = 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup' | 'time'
/**
 * What happens to a system call.
 */
export type SeccompAction =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_LOG'
  | 'SCMP_ACT_NOTIFY'
/**
 * An architecture, by its name in libseccomp.
 */
export type SeccompArchitecture =
  | 'SCMP_ARCH_X86'
  | 'SCMP_ARCH_X86_64'
  | 'SCMP_ARCH_X32'
  | 'SCMP_ARCH_ARM'
  | 'SCMP_ARCH_AARCH64'
  | 'SCMP_ARCH_LOONGARCH64'
  | 'SCMP_ARCH_M68K'
  | 'SCMP_ARCH_MIPS'
  | 'SCMP_ARCH_MIPS64'
  | 'SCMP_ARCH_MIPS64N32'
  | 'SCMP_ARCH_MIPSEL'
  | 'SCMP_ARCH_MIPSEL64'
  | 'SCMP_ARCH_MIPSEL64N32'
  | 'SCMP_ARCH_PPC'
  | 'SCMP_ARCH_PPC64'
  | 'SCMP_ARCH_PPC64LE'
  | 'SCMP_ARCH_S390'
  | 'SCMP_ARCH_S390X'
  | 'SCMP_ARCH_PARISC'
  | 'SCMP_ARCH_PARISC64'
  | 'SCMP_ARCH_RISCV64'
  | 'SCMP_ARCH_SH'
  | 'SCMP_ARCH_SHEB'

/**
 * A container's configuration: config.json of the OCI runtime specification 1.3.0, for Linux.
 */
export interface Spec {
  /**
   * SemVer of the specification that the bundle complies with (config.md#specification-version).
   */
  ociVersion: string
  root?: Root
  /**
   * Mounts beyond the root, in the order in which they are made (config.md#mounts).
   */
  mounts?: Mount[]
  process?: Process
  /**
   * Host name that the container sees (config.md#hostname).
   */
  hostname?: string
  /**
   * NIS domain name that the container sees (config.md#domainname).
   */
  domainname?: string
  hooks?: Hooks
  /**
   * Free metadata; also settings of runtimes (config.md#annotations).
   */
  annotations?: {
    [k: string]: string
  }
  linux?: Linux
  /**
   * For virtual machines; ignored.
   */
  vm?: {}
  /**
   * For Windows; ignored.
   */
  windows?: {}
  /**
   * For Solaris; ignored.
   */
  solaris?: {}
  /**
   * For z/OS; ignored.
   */
  zos?: {}
  /**
   * For FreeBSD; ignored.
   */
  freebsd?: {}
}
/**
 * The container's root filesystem (config.md#root).
 */
export interface Root {
  /**
   * Directory, absolute or relative to the bundle.
   */
  path: string
  /**
   * The root is read-only inside the container. Default false.
   */
  readonly?: boolean
}
/**
 * A mount in the container (config.md#mounts).
 */
export interface Mount {
  /**
   * Path inside the container; a relative one counts from `/`.
   */
  destination: string
  /**
   * Type of the filesystem; without meaning for bind mounts.
   */
  type?: string
  /**
   * Device or dummy name; for bind mounts a path, absolute or relative to the bundle.
   */
  source?: string
  /**
   * Options as of mount(8); `bind` or `rbind` makes it a bind mount.
   */
  options?: string[]
  /**
   * Users of an id-mapped mount.
   */
  uidMappings?: IdMapping[]
  /**
   * Groups of an id-mapped mount.
   */
  gidMappings?: IdMapping[]
}
/**
 * A range of ids inside a user namespace and the range outside that it stands for (config-linux.md#user-namespace-mappings).
 */
export interface IdMapping {
  /**
   * First id inside.
   */
  containerID: number
  /**
   * First id outside.
   */
  hostID: number
  /**
   * How many ids.
   */
  size: number
}
/**
 * The program that the container runs, and how (config.md#process).
 */
export interface Process {
  /**
   * Standard streams are a new pseudoterminal. Default false.
   */
  terminal?: boolean
  consoleSize?: ConsoleSize
  /**
   * Working directory: an absolute path inside the container.
   */
  cwd: string
  /**
   * Environment: `NAME=value`.
   */
  env?: string[]
  /**
   * Program and arguments, as of execvp(3); at least one.
   */
  args?: string[]
  /**
   * For Windows; ignored.
   */
  commandLine?: string
  user?: User
  /**
   * Resource limits; each type at most once.
   */
  rlimits?: Rlimit[]
  capabilities?: Capabilities
  /**
   * The process can gain no privileges by execve(2) (PR_SET_NO_NEW_PRIVS). Default false.
   */
  noNewPrivileges?: boolean
  /**
   * Value of /proc/[pid]/oom_score_adj; left as it is when absent.
   */
  oomScoreAdj?: number
  /**
   * Name of the AppArmor profile.
   */
  apparmorProfile?: string
  /**
   * SELinux label of the process.
   */
  selinuxLabel?: string
  scheduler?: Scheduler
  ioPriority?: IoPriority
  execCPUAffinity?: ExecCpuAffinity
}
/**
 * Size of the terminal in characters; ignored without `terminal` (config.md#process).
 */
export interface ConsoleSize {
  /**
   * Rows.
   */
  height: number
  /**
   * Columns.
   */
  width: number
}
/**
 * Ids of the process, inside the container (config.md#posix-platform-user).
 */
export interface User {
  /**
   * User id.
   */
  uid: number
  /**
   * Group id.
   */
  gid: number
  /**
   * File mode creation mask; left as it is when absent.
   */
  umask?: number
  /**
   * Supplementary groups.
   */
  additionalGids?: Uint32[]
  /**
   * For Windows; ignored.
   */
  username?: string
}
/**
 * A resource limit of the process (config.md#posix-process).
 */
export interface Rlimit {
  /**
   * Name as of getrlimit(2): `RLIMIT_NOFILE`.
   */
  type: string
  /**
   * The limit that the kernel enforces; 2^64 - 1 is none.
   */
  soft: number
  /**
   * Ceiling of the soft limit; 2^64 - 1 is none.
   */
  hard: number
}
/**
 * Sets of capabilities, by their names in capabilities(7); an absent set is empty (config.md#linux-process).
 */
export interface Capabilities {
  /**
   * What the kernel checks.
   */
  effective?: string[]
  /**
   * Limit of what execve(2) can give.
   */
  bounding?: string[]
  /**
   * Kept over execve(2) for files that have them inheritable.
   */
  inheritable?: string[]
  /**
   * Limit of the effective set.
   */
  permitted?: string[]
  /**
   * Kept over execve(2) of ordinary programs.
   */
  ambient?: string[]
}
/**
 * Scheduling of the process, as of sched_setattr(2) (config.md#linux-process).
 */
export interface Scheduler {
  /**
   * Scheduling policy.
   */
  policy: 'SCHED_OTHER' | 'SCHED_FIFO' | 'SCHED_RR' | 'SCHED_BATCH' | 'SCHED_ISO' | 'SCHED_IDLE' | 'SCHED_DEADLINE'
  /**
   * Nice value, of SCHED_OTHER and SCHED_BATCH.
   */
  nice?: number
  /**
   * Static priority, of SCHED_FIFO and SCHED_RR.
   */
  priority?: number
  /**
   * Scheduling flags.
   */
  flags?: (
    | 'SCHED_FLAG_RESET_ON_FORK'
    | 'SCHED_FLAG_RECLAIM'
    | 'SCHED_FLAG_DL_OVERRUN'
    | 'SCHED_FLAG_KEEP_POLICY'
    | 'SCHED_FLAG_KEEP_PARAMS'
    | 'SCHED_FLAG_UTIL_CLAMP_MIN'
    | 'SCHED_FLAG_UTIL_CLAMP_MAX'
  )[]
  /**
   * Nanoseconds to run in a period, of SCHED_DEADLINE.
   */
  runtime?: number
  /**
   * Nanoseconds until the deadline, of SCHED_DEADLINE.
   */
  deadline?: number
  /**
   * Nanoseconds of a period, of SCHED_DEADLINE.
   */
  period?: number
}
/**
 * I/O priority of the process, as of ioprio_set(2) (config.md#linux-process).
 */
export interface IoPriority {
  /**
   * Scheduling class.
   */
  class: 'IOPRIO_CLASS_RT' | 'IOPRIO_CLASS_BE' | 'IOPRIO_CLASS_IDLE'
  /**
   * Priority in the class, 0 (highest) to 7.
   */
  priority?: number
}
/**
 * Processors on which a process started by exec runs (config.md#linux-process).
 */
export interface ExecCpuAffinity {
  /**
   * List of processors before it enters the container's cgroup: `0-3,7`.
   */
  initial?: string
  /**
   * List of processors after it entered the container's cgroup.
   */
  final?: string
}
/**
 * Programs to run at events of the container's life (config.md#posix-platform-hooks).
 */
export interface Hooks {
  /**
   * As `createRuntime`, before them; deprecated.
   */
  prestart?: Hook[]
  /**
   * In the runtime's namespaces, after the container's were made and before its root is entered.
   */
  createRuntime?: Hook[]
  /**
   * In the container's namespaces, before its root is entered.
   */
  createContainer?: Hook[]
  /**
   * Inside the container, before its program is executed.
   */
  startContainer?: Hook[]
  /**
   * In the runtime's namespaces, after the program was executed.
   */
  poststart?: Hook[]
  /**
   * In the runtime's namespaces, after the container was deleted.
   */
  poststop?: Hook[]
}
/**
 * A program to run at an event (config.md#posix-platform-hooks).
 */
export interface Hook {
  /**
   * Absolute path, in the mount namespace in which the hook runs.
   */
  path: string
  /**
   * Arguments with the program's name first, as of execv(3).
   */
  args?: string[]
  /**
   * Environment: `NAME=value`.
   */
  env?: string[]
  /**
   * Seconds after which the hook is ended.
   */
  timeout?: number
}
/**
 * What is particular to Linux (config-linux.md).
 */
export interface Linux {
  /**
   * New or joined namespaces; each type at most once.
   */
  namespaces?: Namespace[]
  /**
   * Users of the user namespace.
   */
  uidMappings?: IdMapping[]
  /**
   * Groups of the user namespace.
   */
  gidMappings?: IdMapping[]
  /**
   * Offsets of the time namespace, by clock: `monotonic`, `boottime` (config-linux.md#offset-for-time-namespace).
   */
  timeOffsets?: {
    [k: string]: TimeOffset
  }
  /**
   * Devices that the container has beside the default ones.
   */
  devices?: Device[]
  /**
   * Network devices to move into the container, by their name in the runtime's namespace (config-linux.md#network-devices).
   */
  netDevices?: {
    [k: string]: NetDevice
  }
  /**
   * The container's cgroup: a path, or `slice:prefix:name` for systemd (config-linux.md#cgroups-path).
   */
  cgroupsPath?: string
  resources?: Resources
  intelRdt?: IntelRdt
  memoryPolicy?: MemoryPolicy
  /**
   * Kernel parameters of the container's namespaces (config-linux.md#sysctl).
   */
  sysctl?: {
    [k: string]: string
  }
  seccomp?: Seccomp
  /**
   * Mount propagation of the root; recursive with an `r` (config-linux.md#rootfs-mount-propagation).
   */
  rootfsPropagation?: 'private' | 'rprivate' | 'slave' | 'rslave' | 'shared' | 'rshared' | 'unbindable' | 'runbindable'
  /**
   * Absolute paths in the container that cannot be read (config-linux.md#masked-paths).
   */
  maskedPaths?: string[]
  /**
   * Absolute paths in the container that are read-only (config-linux.md#readonly-paths).
   */
  readonlyPaths?: string[]
  /**
   * SELinux context of the container's mounts (config-linux.md#mount-label).
   */
  mountLabel?: string
  personality?: Personality
}
/**
 * A namespace that the container has to itself, or joins (config-linux.md#namespaces).
 */
export interface Namespace {
  type: NamespaceType
  /**
   * Absolute path of the namespace to join; absent: a new one.
   */
  path?: string
}
/**
 * Offset of a clock (config-linux.md#offset-for-time-namespace).
 */
export interface TimeOffset {
  /**
   * Seconds.
   */
  secs?: number
  /**
   * An integer of 32 bits without sign.
   */
  nanosecs?: number
}
/**
 * A device node in the container (config-linux.md#devices).
 */
export interface Device {
  /**
   * Character (`c`, `u`), block (`b`) or FIFO (`p`), as of mknod(1).
   */
  type: 'c' | 'b' | 'u' | 'p'
  /**
   * Absolute path inside the container.
   */
  path: string
  /**
   * Major number; required but for a FIFO.
   */
  major?: number
  /**
   * Minor number; required but for a FIFO.
   */
  minor?: number
  /**
   * An integer of 32 bits without sign.
   */
  fileMode?: number
  /**
   * An integer of 32 bits without sign.
   */
  uid?: number
  /**
   * An integer of 32 bits without sign.
   */
  gid?: number
}
/**
 * A network device to move into the container (config-linux.md#network-devices).
 */
export interface NetDevice {
  /**
   * Name inside the container; default: the same.
   */
  name?: string
}
/**
 * Limits and settings of the container's cgroup (config-linux.md#control-groups).
 */
export interface Resources {
  /**
   * Rules for devices, applied in order.
   */
  devices?: DeviceRule[]
  memory?: Memory
  cpu?: Cpu
  pids?: Pids
  blockIO?: BlockIo
  /**
   * Limits of huge pages (config-linux.md#huge-page-limits).
   */
  hugepageLimits?: HugepageLimit[]
  network?: NetworkClass
  /**
   * Limits of RDMA devices, by their names (config-linux.md#rdma).
   */
  rdma?: {
    [k: string]: Rdma
  }
  /**
   * Files of the cgroup v2 hierarchy and what is written to them (config-linux.md#unified).
   */
  unified?: {
    [k: string]: string
  }
}
/**
 * A rule for devices (config-linux.md#allowed-device-list).
 */
export interface DeviceRule {
  /**
   * Allow or deny.
   */
  allow: boolean
  /**
   * `a` (all, the default), `c` or `b`.
   */
  type?: string
  /**
   * Major number; absent or -1: all.
   */
  major?: number
  /**
   * Minor number; absent or -1: all.
   */
  minor?: number
  /**
   * Any of `r` (read), `w` (write), `m` (mknod).
   */
  access?: string
}
/**
 * Limits of memory in bytes; -1 is none (config-linux.md#memory).
 */
export interface Memory {
  /**
   * Memory.
   */
  limit?: number
  /**
   * Memory that is kept for the container (soft limit).
   */
  reservation?: number
  /**
   * Memory and swap together.
   */
  swap?: number
  /**
   * Kernel memory; cgroup v1 only.
   */
  kernel?: number
  /**
   * TCP buffers; cgroup v1 only.
   */
  kernelTCP?: number
  /**
   * 0 to 100; cgroup v1 only.
   */
  swappiness?: number
  /**
   * cgroup v1 only.
   */
  disableOOMKiller?: boolean
  /**
   * cgroup v1 only.
   */
  useHierarchy?: boolean
  /**
   * Refuse a new limit below what is used.
   */
  checkBeforeUpdate?: boolean
}
/**
 * Shares and limits of processors (config-linux.md#cpu).
 */
export interface Cpu {
  /**
   * Share relative to other cgroups.
   */
  shares?: number
  /**
   * Microseconds of processor time in a period; not positive: no limit.
   */
  quota?: number
  /**
   * Microseconds that may be saved up for later periods.
   */
  burst?: number
  /**
   * Microseconds of a period.
   */
  period?: number
  /**
   * cgroup v1 only.
   */
  realtimeRuntime?: number
  /**
   * cgroup v1 only.
   */
  realtimePeriod?: number
  /**
   * List of processors: `0-3,7`.
   */
  cpus?: string
  /**
   * List of memory nodes.
   */
  mems?: string
  /**
   * 1: SCHED_IDLE.
   */
  idle?: number
}
/**
 * Limit of processes (config-linux.md#pids).
 */
export interface Pids {
  /**
   * Number of tasks; negative: no limit.
   */
  limit?: number
}
/**
 * Weights and limits of block devices (config-linux.md#block-io).
 */
export interface BlockIo {
  /**
   * Weight on all devices.
   */
  weight?: number
  /**
   * cgroup v1 only.
   */
  leafWeight?: number
  /**
   * Weights on devices.
   */
  weightDevice?: WeightDevice[]
  /**
   * Bytes read in a second.
   */
  throttleReadBpsDevice?: ThrottleDevice[]
  /**
   * Bytes written in a second.
   */
  throttleWriteBpsDevice?: ThrottleDevice[]
  /**
   * Reads in a second.
   */
  throttleReadIOPSDevice?: ThrottleDevice[]
  /**
   * Writes in a second.
   */
  throttleWriteIOPSDevice?: ThrottleDevice[]
}
/**
 * Weight on a block device (config-linux.md#block-io).
 */
export interface WeightDevice {
  /**
   * Major number.
   */
  major: number
  /**
   * Minor number.
   */
  minor: number
  /**
   * Weight.
   */
  weight?: number
  /**
   * cgroup v1 only.
   */
  leafWeight?: number
}
/**
 * Limit of a block device (config-linux.md#block-io).
 */
export interface ThrottleDevice {
  /**
   * Major number.
   */
  major: number
  /**
   * Minor number.
   */
  minor: number
  /**
   * Bytes or operations in a second.
   */
  rate: number
}
/**
 * Limit of huge pages of a size (config-linux.md#huge-page-limits).
 */
export interface HugepageLimit {
  /**
   * `64KB`, `2MB`, `1GB`.
   */
  pageSize: string
  /**
   * Bytes.
   */
  limit: number
}
/**
 * Class and priorities of network traffic; cgroup v1 only (config-linux.md#network).
 */
export interface NetworkClass {
  /**
   * An integer of 32 bits without sign.
   */
  classID?: number
  /**
   * Priorities by interface.
   */
  priorities?: InterfacePriority[]
}
/**
 * Priority of traffic on a network interface (config-linux.md#network).
 */
export interface InterfacePriority {
  /**
   * Name in the runtime's namespace.
   */
  name: string
  /**
   * An integer of 32 bits without sign.
   */
  priority: number
}
/**
 * Limits of an RDMA device (config-linux.md#rdma).
 */
export interface Rdma {
  /**
   * An integer of 32 bits without sign.
   */
  hcaHandles?: number
  /**
   * An integer of 32 bits without sign.
   */
  hcaObjects?: number
}
/**
 * Intel Resource Director Technology (config-linux.md#intelrdt).
 */
export interface IntelRdt {
  /**
   * Name of the class of service; default: the container's id.
   */
  closID?: string
  /**
   * Lines for the `schemata` file.
   */
  schemata?: string[]
  /**
   * `L3:` line of the `schemata` file.
   */
  l3CacheSchema?: string
  /**
   * `MB:` line of the `schemata` file.
   */
  memBwSchema?: string
  /**
   * A monitoring group of the container's own.
   */
  enableMonitoring?: boolean
  /**
   * Until 1.2 of the specification.
   */
  enableCMT?: boolean
  /**
   * Until 1.2 of the specification.
   */
  enableMBM?: boolean
}
/**
 * NUMA memory policy, as of set_mempolicy(2) (config-linux.md#memory-policy).
 */
export interface MemoryPolicy {
  /**
   * Policy.
   */
  mode:
    | 'MPOL_DEFAULT'
    | 'MPOL_BIND'
    | 'MPOL_INTERLEAVE'
    | 'MPOL_WEIGHTED_INTERLEAVE'
    | 'MPOL_PREFERRED'
    | 'MPOL_PREFERRED_MANY'
    | 'MPOL_LOCAL'
  /**
   * List of memory nodes: `0-3,7`.
   */
  nodes?: string
  /**
   * Flags of the policy.
   */
  flags?: ('MPOL_F_NUMA_BALANCING' | 'MPOL_F_RELATIVE_NODES' | 'MPOL_F_STATIC_NODES')[]
}
/**
 * Filter of system calls (config-linux.md#seccomp).
 */
export interface Seccomp {
  defaultAction: SeccompAction
  /**
   * An integer of 32 bits without sign.
   */
  defaultErrnoRet?: number
  /**
   * Architectures of system calls beside the native one.
   */
  architectures?: SeccompArchitecture[]
  /**
   * Flags of seccomp(2).
   */
  flags?: (
    | 'SECCOMP_FILTER_FLAG_TSYNC'
    | 'SECCOMP_FILTER_FLAG_LOG'
    | 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'
    | 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'
  )[]
  /**
   * Unix socket to which the descriptor of SCMP_ACT_NOTIFY is sent.
   */
  listenerPath?: string
  /**
   * Text sent along with the descriptor.
   */
  listenerMetadata?: string
  /**
   * Rules.
   */
  syscalls?: SeccompRule[]
}
/**
 * What happens to some system calls (config-linux.md#seccomp).
 */
export interface SeccompRule {
  /**
   * Names of system calls; at least one.
   */
  names: string[]
  action: SeccompAction
  /**
   * An integer of 32 bits without sign.
   */
  errnoRet?: number
  /**
   * Conditions on arguments; all must hold.
   */
  args?: SeccompArgument[]
}
/**
 * A condition on an argument of a system call (config-linux.md#seccomp).
 */
export interface SeccompArgument {
  /**
   * An integer of 32 bits without sign.
   */
  index: number
  /**
   * Value; the mask of SCMP_CMP_MASKED_EQ.
   */
  value: number
  /**
   * Value of SCMP_CMP_MASKED_EQ.
   */
  valueTwo?: number
  /**
   * Comparison.
   */
  op:
    'SCMP_CMP_NE' | 'SCMP_CMP_LT' | 'SCMP_CMP_LE' | 'SCMP_CMP_EQ' | 'SCMP_CMP_GE' | 'SCMP_CMP_GT' | 'SCMP_CMP_MASKED_EQ'
}
/**
 * Execution domain, as of personality(2) (config-linux.md#personality).
 */
export interface Personality {
  /**
   * Execution domain.
   */
  domain: 'LINUX' | 'LINUX32'
  /**
   * None are defined.
   */
  flags?: string[]
}
