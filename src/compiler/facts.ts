/**
 * What the compiler is told beside the configuration, and what it answers: plain data, shared by create.ts and exec.ts.
 */
import type { Origin } from '../errors.ts'
import type { IdRange as IdMap, Plan, PlanBuilder } from '../plan/plan.ts'
import type { PreparedRlimit } from '../process/rlimits.ts'
import type { UserNamespaceFacts } from '../rootfs/idmap.ts'
import type { Register } from '../plan/fields.ts'
import type { Domain, IoPriorityFields, SchedulerFields } from '../process/scheduling.ts'

/** The filter of linux.seccomp, compiled. */
export interface SeccompFacts {
  /** struct sock_filter, one after the other. */
  program: Uint8Array
  /** SECCOMP_FILTER_FLAG_*; with NEW_LISTENER there is a listener. */
  flags: number
  /** Who answers for SCMP_ACT_NOTIFY. */
  listener?: SeccompListener | undefined
}

/** linux.seccomp.listenerPath and listenerMetadata. */
export interface SeccompListener {
  path: string
  metadata?: string | undefined
}

/** A root that is not the directory at root.path, but is mounted on it: src/rootfs/overlay.ts, which few configurations need. */
export interface RootMaker {
  /** Its inputs; a new plan begins. */
  declare(plan: PlanBuilder, users: UserNamespaceFacts, privileged: boolean): void
  /** Takes what it needs of the host. */
  take(plan: PlanBuilder): void
  /** Makes it, detached, of what was taken, or is taken now. */
  mount(plan: PlanBuilder, options: RootOptions): Register
  /** Makes it before the container's namespaces are entered. */
  mountEarly(plan: PlanBuilder, options: RootOptions): Register
}

/** How a root is made. */
export interface RootOptions {
  /** Who makes it may use what is kept for root of the machine. */
  trusted: boolean
  /** An option with the label of linux.mountLabel. */
  context?: string | undefined
}

/** What `create` knows beside config.json. */
export interface CreateFacts {
  id: string
  /** Absolute path of the bundle; relative paths of the configuration (root.path, bind sources) start here. */
  bundle: string
  /** The container's cgroup directory as the host sees it; undefined where cgroups are disabled. */
  cgroupDir?: string | undefined
  /** The host's cgroup2 mount (`/sys/fs/cgroup`), shown to containers without a cgroup namespace of their own. */
  cgroupRoot?: string | undefined
  /** Makes the root, which root.path then only has to be the place for; undefined: it is what is at root.path. */
  root?: RootMaker | undefined
  /** A directory of the container's own for its root, where it has no mount namespace: it is mounted there. */
  mountPoint?: string | undefined
  /** Sources of mounts with the option copy-symlink that are symlinks, with their targets. */
  links?: ReadonlyMap<string, string> | undefined
  noPivot?: boolean | undefined
  /** Where the host has its procfs and sysfs mounted: to be covered with `noPivot`, which leaves them below the root. */
  kernelMounts?: readonly string[] | undefined
  /** Name of the session keyring to start; undefined: the caller's stays (`--no-new-keyring`). */
  keyring?: string | undefined
  /** `--preserve-fds`: descriptors from 3 on that the program inherits, LISTEN_FDS not counted. */
  preserveFds?: number | undefined
  /** Sockets passed by systemd (LISTEN_FDS in runt's own environment); they come first, from descriptor 3 on. */
  listenFds?: number | undefined
  /** A directory of the host for the socket that the container tells its state to; undefined: nobody asks (NOTIFY_SOCKET). */
  notify?: string | undefined
  /** Effective user of the caller. */
  euid: number
  /** The caller is in a user namespace itself: it makes no device nodes, and may not be allowed setgroups(2). Default false. */
  inUserNamespace?: boolean | undefined
  /** Capabilities of the caller, beyond which it can give none; undefined: all. They do not bind a user namespace. */
  permitted?: bigint | undefined
  /** What createContainer hooks without an environment of their own get; undefined: nothing. */
  hookEnvironment?: readonly string[] | undefined
  /** Required if and only if the configuration has linux.seccomp. */
  seccomp?: SeccompFacts | undefined
  /** The process cannot be made in its cgroup, and is moved there at `syncPoint.begun`. */
  attached?: boolean | undefined
}

/** What `exec` knows beside the process. */
export interface ExecFacts {
  /** The container's init, through whose pidfd the namespaces are joined; the input named `init` carries it. */
  pid: number
  /** CLONE_NEW* of every namespace that config.json names: `namespaceFlags(spec)`. */
  namespaces: number
  /** The links of /proc/PID/ns by name, as the container's init was created with them; undefined: not known. */
  namespaceLinks?: Readonly<Record<string, string>> | undefined
  /** As in CreateFacts. */
  keyring?: string | undefined
  /** The container's. */
  domain?: Domain | undefined
  /** `keepsGroups` of the container's annotations. Default false. */
  keepGroups?: boolean | undefined
  preserveFds?: number | undefined
  listenFds?: number | undefined
  euid: number
  /** As in CreateFacts. */
  inUserNamespace?: boolean | undefined
  permitted?: bigint | undefined
  /** The container's. */
  seccomp?: SeccompFacts | undefined
  attached?: boolean | undefined
}

export type { IdRange as IdMap } from '../plan/plan.ts'

/** A line of /proc/PID/timens_offsets: time_namespaces(7). */
export interface ClockOffset {
  clock: string
  secs: number
  nanosecs: number
}

/** An item of linux.netDevices. `to` may be a template for the kernel: `eth%d`. */
export interface NetDeviceMove {
  from: string
  to: string
  origin: Origin
}

/**
 * What init cannot do for itself, because its user namespace has no say in it: the process that spawned it does it,
 * on the pid of the child (or of `forked`), at the sync point that each field names. Everything else is in the plan.
 */
export interface ParentActions {
  /**
   * At `syncPoint.userNamespace`: write /proc/PID/uid_map and gid_map (one write(2) each, all lines).
   * The plan reaches this point if and only if this is set.
   */
  idMaps?: { uid: readonly IdMap[]; gid: readonly IdMap[]; uidOrigin: Origin; gidOrigin: Origin }
  /** At `syncPoint.timeNamespace`: write /proc/PID/timens_offsets, a line for each clock. */
  timeOffsets?: { clocks: readonly ClockOffset[]; origin: Origin }
  /** At `syncPoint.begun`: move the process into its cgroup. */
  attach?: true
  /** At this sync point: write /proc/PID/oom_score_adj. */
  oomScoreAdj?: { value: number; origin: Origin; point: number }
  /** At `syncPoint.namespaces`: move devices of the own network namespace into the container's, where they are called `to`. */
  netDevices?: readonly NetDeviceMove[]
  /** At `syncPoint.namespaces`: give the container's cgroup to the user that this uid of the container's is outside. */
  delegate?: { uid: number; mapped: boolean; origin: Origin }
  /** At `syncPoint.ready`: sched_setattr(2) and ioprio_set(2). For containers with a user namespace, and for `exec`. */
  scheduler?: SchedulerFields | undefined
  ioPriority?: IoPriorityFields | undefined
  /** When init reports a listener: the descriptor is handed on (config-linux.md#containerprocessstate). */
  listener?: SeccompListener
  /** At `syncPoint.ready`: prlimit(2). Only for containers with a user namespace; the others' limits are steps. */
  rlimits: readonly PreparedRlimit[]
}

/** What comes out of the compiler. */
export interface Compiled {
  plan: Plan
  /** Sentences without a period, for the log: what was ignored, and where. */
  warnings: string[]
  parent: ParentActions
}

/** A limit that the process which spawned init sets, with prlimit(2). */
export type ParentRlimit = PreparedRlimit
