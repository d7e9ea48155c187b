/**
 * THE TABLE OF STEPS. Everything that init can do is a row here: TypeScript's step types, the encoder and
 * `runt explain` derive from it, and scripts/generate.ts writes native/common/steps.gen.h from it.
 *
 * To add a step: add a row, run `npm run generate`, and write `run(const XStep &, Machine &)` in native/init;
 * the compiler of either language points out what is missing.
 *
 * Knows nothing of OCI: a row is a system call (or a fixed few) with its arguments.
 */
import type { FieldKind, FieldValues } from './fields.ts'

interface StepRow {
  /** What it does; becomes the comment of the C++ struct. */
  doc: string
  /** The system calls it makes, as `runt explain` shows them. */
  calls: string
  /** In wire order. */
  fields: Readonly<Record<string, FieldKind>>
}

const table = {
  // ——— the process ———
  dieWithParent: {
    doc: 'Ask for a signal (or 0 for none) when the parent dies.',
    calls: 'prctl(PR_SET_PDEATHSIG)',
    fields: { signal: 'u32' },
  },
  sync: {
    doc: 'Report a sync point and wait until the other side lets the plan go on.',
    calls: 'sendmsg, recvmsg',
    fields: { point: 'u32' },
  },
  setns: {
    doc: 'Join a namespace. mode 0: must succeed; 1: keep the register for later when the kernel says EPERM; 2: only if the register is still there. Closes the register when it succeeded.',
    calls: 'setns',
    fields: { fd: 'reg', type: 'u32', mode: 'u32' },
  },
  unshare: {
    doc: 'Leave namespaces for new ones.',
    calls: 'unshare',
    fields: { flags: 'u32' },
  },
  fork: {
    doc: 'Go on in a new process, a sibling (CLONE_PARENT) in new namespaces; it reports its pid as the other side sees it, and the old one exits.',
    calls: 'clone3(CLONE_PARENT)',
    fields: { flags: 'u64' },
  },
  dropGroups: {
    doc: 'Leave all supplementary groups, while setgroups(2) is allowed: a user namespace that is joined may forbid it.',
    calls: 'setgroups',
    fields: {},
  },
  becomeRoot: {
    doc: 'Become user and group 0 of the user namespace just entered, or uid and gid where it has no 0, without supplementary groups unless it forbids setgroups(2) or keep is 1.',
    calls: 'setgroups, setresgid, setresuid',
    fields: { uid: 'u32', gid: 'u32', keep: 'u32' },
  },
  setsid: {
    doc: 'Start a session without a terminal. An existing session leader is left as it is.',
    calls: 'setsid',
    fields: {},
  },
  joinSessionKeyring: {
    doc: 'Start the session keyring of this name, or join it; who does not possess it can only join it. Kernels without keyrings are fine.',
    calls: 'keyctl(KEYCTL_JOIN_SESSION_KEYRING)',
    fields: { name: 'str' },
  },
  loopback: {
    doc: 'Bring the loopback interface of the network namespace up.',
    calls: 'socket, ioctl(SIOCSIFFLAGS)',
    fields: {},
  },
  sethostname: { doc: 'Set the host name.', calls: 'sethostname', fields: { name: 'str' } },
  setdomainname: { doc: 'Set the NIS domain name.', calls: 'setdomainname', fields: { name: 'str' } },
  rlimit: {
    doc: 'Set a resource limit of this process.',
    calls: 'prlimit64',
    fields: { resource: 'u32', soft: 'u64', hard: 'u64' },
  },
  cpuAffinity: {
    doc: 'Run on these processors (decimal numbers) only. None: on all that the cgroup gives, whatever was inherited; where the kernel refuses that, the inherited ones stay.',
    calls: 'sched_setaffinity',
    fields: { cpus: 'strs' },
  },
  scheduler: {
    doc: 'Set the scheduling policy (SCHED_*) with its attributes; the clamps of utilization are 0. Times are nanoseconds.',
    calls: 'sched_setattr',
    fields: {
      policy: 'u32',
      flags: 'u64',
      nice: 'i32',
      priority: 'u32',
      runtime: 'u64',
      deadline: 'u64',
      period: 'u64',
    },
  },
  ioPriority: {
    doc: 'Set the I/O scheduling class (IOPRIO_CLASS_*) and the priority in it.',
    calls: 'ioprio_set',
    fields: { ioClass: 'u32', priority: 'u32' },
  },
  memoryPolicy: {
    doc: 'Set the NUMA memory policy: MPOL_* with MPOL_F_*, for these nodes (decimal numbers).',
    calls: 'set_mempolicy',
    fields: { mode: 'u32', nodes: 'strs' },
  },
  personality: { doc: 'Set the execution domain (PER_*).', calls: 'personality', fields: { domain: 'u32' } },
  umask: { doc: 'Set the file mode creation mask.', calls: 'umask', fields: { mask: 'u32' } },
  keepCapabilities: {
    doc: 'Keep permitted capabilities over setresuid.',
    calls: 'prctl(PR_SET_KEEPCAPS)',
    fields: { keep: 'u32' },
  },
  boundingSet: {
    doc: 'Drop every capability that is not in the mask from the bounding set.',
    calls: 'prctl(PR_CAPBSET_DROP)',
    fields: { mask: 'u64' },
  },
  capabilities: {
    doc: 'Set the effective, permitted and inheritable sets.',
    calls: 'capset',
    fields: { effective: 'u64', permitted: 'u64', inheritable: 'u64' },
  },
  ambientCapabilities: {
    doc: 'Set the ambient set to the mask.',
    calls: 'prctl(PR_CAP_AMBIENT)',
    fields: { mask: 'u64' },
  },
  user: {
    doc: 'Set the supplementary groups (decimal numbers), group and user, for good. setgroups 0: no groups may be the ones there are, where the user namespace forbids setgroups(2). keep 1: the supplementary groups stay those that there are.',
    calls: 'setgroups, setresgid, setresuid',
    fields: { uid: 'u32', gid: 'u32', groups: 'strs', setgroups: 'u32', keep: 'u32' },
  },
  noNewPrivileges: { doc: 'Set no_new_privs.', calls: 'prctl(PR_SET_NO_NEW_PRIVS)', fields: {} },
  notDumpable: {
    doc: 'Keep /proc/self away from other processes of the container until the program is executed.',
    calls: 'prctl(PR_SET_DUMPABLE)',
    fields: {},
  },

  // ——— mounts ———
  propagation: {
    doc: 'Change the propagation of the mount at an absolute path of the current root, recursively if flags has AT_RECURSIVE.',
    calls: 'mount_setattr',
    fields: { path: 'str', propagation: 'u64', flags: 'u32' },
  },
  openTree: {
    doc: 'Clone the mount at a path of the host into a detached one. flags: AT_RECURSIVE, AT_SYMLINK_NOFOLLOW.',
    calls: 'open_tree(OPEN_TREE_CLONE)',
    fields: { dst: 'out', path: 'str', flags: 'u32' },
  },
  openTreeOr: {
    doc: 'The same; where this process may not reach the path, what `other` holds, which was taken before. `other` is empty afterwards.',
    calls: 'open_tree(OPEN_TREE_CLONE)',
    fields: { dst: 'out', other: 'reg', path: 'str', flags: 'u32' },
  },
  cloneTree: {
    doc: 'Clone the mount that a register holds into a detached one.',
    calls: 'open_tree(OPEN_TREE_CLONE)',
    fields: { dst: 'out', src: 'reg', flags: 'u32' },
  },
  newMount: {
    doc: 'Make a filesystem and a detached mount of it. parameters: `name=value` or `name`. attributes: MOUNT_ATTR_*.',
    calls: 'fsopen, fsconfig, fsmount',
    fields: { dst: 'out', type: 'str', source: 'str', parameters: 'strs', attributes: 'u32' },
  },
  mountAttributes: {
    doc: 'Change attributes (and, if not 0, the propagation) of the mount that a register holds. An attribute that should be cleared stays where it is locked: a user namespace may not undo what a more privileged one set (mount_namespaces(7)).',
    calls: 'mount_setattr',
    fields: { mount: 'reg', set: 'u64', clear: 'u64', propagation: 'u64', flags: 'u32' },
  },
  idmap: {
    doc: 'Give a detached mount the id mappings of a user namespace. flags: AT_RECURSIVE.',
    calls: 'mount_setattr(MOUNT_ATTR_IDMAP)',
    fields: { mount: 'reg', userns: 'reg', flags: 'u32' },
  },
  overlay: {
    doc: 'Mount an overlay of directories, the lowest first, into a detached mount. upper: a directory in which `upper` and `work` are made where they are missing, `upper` with owner, mode and time of the highest layer; empty: nothing can be changed. owner 1: as the owner of that directory, whose mount maps ids. names 1: only in the way of kernels that take no descriptors. Closes the registers of the directories.',
    calls: 'mkdirat, fsopen, fsconfig, fsmount, or move_mount, mount, open_tree, umount2',
    fields: { dst: 'out', layers: 'regs', upper: 'reg', parameters: 'strs', owner: 'u32', names: 'u32' },
  },
  reconfigure: {
    doc: 'Change parameters, as in newMount, of the filesystem that is mounted where a register points.',
    calls: 'fspick, fsconfig',
    fields: { target: 'reg', parameters: 'strs' },
  },
  copyUp: {
    doc: 'Copy what a directory holds into the root of a detached mount that is to cover it: files, directories, links and nodes with owners, modes and extended attributes. owner 1: the root gets the owner of the directory.',
    calls: 'getdents64, openat2, sendfile, mkdirat, mknodat, symlinkat, fchown, fchmod, fsetxattr',
    fields: { mount: 'reg', target: 'reg', owner: 'u32' },
  },
  attach: {
    doc: 'Attach a detached mount to the place that another register holds. The mount register then stands for what is mounted there.',
    calls: 'move_mount',
    fields: { mount: 'reg', target: 'reg' },
  },
  label: {
    doc: 'Give the root directory of a mounted filesystem an SELinux label.',
    calls: 'openat2, fsetxattr(security.selinux)',
    fields: { mount: 'reg', text: 'str' },
  },
  copyMode: {
    doc: 'Give the root directory of a detached mount the permissions of the directory that it is to cover; where the last openIn had to make that, the mount keeps its own.',
    calls: 'fstat, openat, fchmod',
    fields: { mount: 'reg', target: 'reg' },
  },
  attachHost: {
    doc: 'Attach a detached mount to a directory of the host, by its path: the rootfs, before pivotRoot.',
    calls: 'open, move_mount',
    fields: { mount: 'reg', path: 'str' },
  },
  openRoot: { doc: 'Open the current root directory.', calls: 'open', fields: { dst: 'out' } },
  openIn: {
    doc: 'Open a path below a directory, symlinks resolved inside it (RESOLVE_IN_ROOT). make 1: create missing directories; 2: and a file at the end; 0: neither. kind 0: anything; 1: a directory; 2: not a directory; 3: a directory whose last component may not be a symlink; 4: anything, a symlink at the end itself. With optional 1, a missing path leaves the register empty.',
    calls: 'openat2(RESOLVE_IN_ROOT), mkdirat',
    fields: { dst: 'out', root: 'reg', path: 'str', make: 'u32', mode: 'u32', kind: 'u32', optional: 'u32' },
  },
  openLike: {
    doc: 'As openIn with make, the created end being a directory if the source (a mount) is one, else a file.',
    calls: 'openat2(RESOLVE_IN_ROOT), mkdirat, openat(O_CREAT)',
    fields: { dst: 'out', root: 'reg', path: 'str', source: 'reg' },
  },
  close: { doc: 'Close a register.', calls: 'close', fields: { fd: 'reg' } },
  mask: {
    doc: 'Hide a path below a directory: a directory behind a clone of the empty mount, anything else behind a clone of the null device. A missing path is fine.',
    calls: 'openat2(RESOLVE_IN_ROOT), open_tree(OPEN_TREE_CLONE), move_mount',
    fields: { root: 'reg', path: 'str', empty: 'reg', null: 'reg' },
  },
  readonlyPath: {
    doc: 'Mount a path below a directory on itself, read-only with what is mounted below. A missing path is fine.',
    calls: 'openat2(RESOLVE_IN_ROOT), open_tree(OPEN_TREE_CLONE), mount_setattr, move_mount',
    fields: { root: 'reg', path: 'str' },
  },
  mknod: {
    doc: 'Make a device node (or fifo) in a directory; an existing node of the same kind and number is kept.',
    calls: 'mknodat, fchownat, fchmodat',
    fields: { dir: 'reg', name: 'str', mode: 'u32', major: 'u32', minor: 'u32', uid: 'u32', gid: 'u32' },
  },
  verifyDevice: {
    doc: 'Check that a register holds a device node of this type (S_IFCHR, S_IFBLK) and number.',
    calls: 'statx',
    fields: { fd: 'reg', type: 'u32', major: 'u32', minor: 'u32' },
  },
  symlink: {
    doc: 'Make a symlink in a directory; an existing file of that name is replaced if keep is 0, left alone if it is 1, and if it is 2 has to be this very symlink.',
    calls: 'symlinkat',
    fields: { dir: 'reg', name: 'str', target: 'str', keep: 'u32' },
  },
  verifyNull: {
    doc: 'Refuse to go on unless the register holds the null device (character device 1:3).',
    calls: 'fstat',
    fields: { fd: 'reg' },
  },
  pivotRoot: {
    doc: "Make the mount that a register holds the root of this mount namespace and detach the old one. move 1: with MS_MOVE and chroot instead of pivot_root (a root on the kernel's initial ramfs).",
    calls: 'fchdir, pivot_root, umount2(MNT_DETACH), chdir',
    fields: { root: 'reg', move: 'u32' },
  },
  chroot: {
    doc: 'Make a directory the root and the working directory of this process alone.',
    calls: 'fchdir, chroot, chdir',
    fields: { root: 'reg' },
  },
  writeProc: {
    doc: 'Write a text to an existing file below a procfs that runt mounted or opened itself, verified to be one.',
    calls: 'openat2(RESOLVE_BENEATH|NO_XDEV|NO_SYMLINKS), write',
    fields: { proc: 'reg', path: 'str', text: 'str' },
  },
  writeSelf: {
    doc: 'Write a text to a file of this process below the root of a procfs, verified to be one; never through a link or what is mounted there.',
    calls: 'readlinkat(self), openat2(RESOLVE_BENEATH|NO_XDEV|NO_SYMLINKS), write',
    fields: { proc: 'reg', path: 'str', text: 'str' },
  },
  verifySelf: {
    doc: 'Refuse to go on unless links of this process, below the root of a procfs verified to be one, lead where they should: the namespaces that it is in. links: path and target by turns.',
    calls: 'readlinkat(self), readlinkat',
    fields: { proc: 'reg', links: 'strs' },
  },

  // ——— the console ———
  openConsole: {
    doc: 'Make a pseudoterminal in the devpts below root (dev/pts/ptmx), send its master to the other side, and keep the terminal itself in dst. rows 0: leave the size alone.',
    calls: 'openat2, fstatfs, ioctl(TIOCSPTLCK, TIOCGPTPEER, TIOCSWINSZ), sendmsg(SCM_RIGHTS)',
    fields: { dst: 'out', root: 'reg', rows: 'u32', columns: 'u32', uid: 'u32', gid: 'u32' },
  },
  useConsole: {
    doc: 'Make the terminal the controlling one of a new session and standard input, output and error. Closes the register.',
    calls: 'setsid, ioctl(TIOCSCTTY), dup3',
    fields: { terminal: 'reg' },
  },
  chownStreams: {
    doc: 'Give standard streams to the user, so that /dev/stdout can be opened again; but no devices, no directories and no files that are only read.',
    calls: 'fstat, fcntl(F_GETFL), fchown',
    fields: { uid: 'u32' },
  },

  // ——— the program ———
  chdir: {
    doc: 'Change the working directory and make sure that it lies inside the root. make 1: create what is missing.',
    calls: 'openat2(RESOLVE_IN_ROOT), fchdir, getcwd',
    fields: { path: 'str', make: 'u32' },
  },
  home: {
    doc: "Set HOME in the environment from the user's entry in the container's /etc/passwd, / where there is none.",
    calls: 'openat2(RESOLVE_IN_ROOT), fstatfs, read',
    fields: { uid: 'u32' },
  },
  program: {
    doc: 'Set arguments and environment and find the program in PATH, as execvp(3) does.',
    calls: 'faccessat2(X_OK), fstatat',
    fields: { args: 'strs', env: 'strs' },
  },
  listenPid: {
    doc: 'Set LISTEN_PID in the environment to the own pid.',
    calls: '',
    fields: {},
  },
  hook: {
    doc: 'Run a program to its end as a child, by its absolute path, with `before`, the own pid and `after` on its standard input. inherit 1: with the environment of `program` instead of env. directory: where it runs, or empty. timeout: milliseconds after which it is killed with its process group, or 0. It gets no other descriptors; what it prints is dropped. If it does not leave with 0, detail has a line `exited N`, `killed N` or `timeout SECONDS` and the end of what it wrote to standard error.',
    calls: 'memfd_create, clone, execve, ppoll, wait4',
    fields: {
      path: 'str',
      args: 'strs',
      env: 'strs',
      inherit: 'u32',
      directory: 'str',
      before: 'str',
      after: 'str',
      timeout: 'u64',
    },
  },
  waitForStart: {
    doc: 'Tell the other side that all is ready, close the socket, and wait for a byte on the start fifo. What fails from here on is written to the started fifo.',
    calls: 'sendmsg, close, read',
    fields: { start: 'reg', started: 'reg' },
  },
  closeOnExec: {
    doc: 'Let no descriptor from 3 + preserve on survive the execution of the program.',
    calls: 'close_range(CLOSE_RANGE_CLOEXEC)',
    fields: { preserve: 'u32' },
  },
  seccomp: {
    doc: 'Load a filter of system calls: struct sock_filter, one after the other. flags: SECCOMP_FILTER_FLAG_*. With NEW_LISTENER, report the number of its descriptor and wait until the other side has taken it.',
    calls: 'seccomp(SECCOMP_SET_MODE_FILTER)',
    fields: { filter: 'bytes', flags: 'u32' },
  },
  exec: {
    doc: 'Execute the program that `program` found.',
    calls: 'execve',
    fields: {},
  },
} as const satisfies Record<string, StepRow>

/** Name of a step, which is a row of the table of steps. */
export type StepName = keyof typeof table

type FieldsOf<N extends StepName> = {
  -readonly [F in keyof (typeof table)[N]['fields']]: (typeof table)[N]['fields'][F] extends FieldKind
    ? FieldValues[(typeof table)[N]['fields'][F]]
    : never
}

/** One step of a plan: its row's name, the field of config.json (JSON Pointer) or flag that it serves, and its arguments. */
export type Step = { [N in StepName]: { op: N; origin: string } & FieldsOf<N> }[StepName]
export type StepOf<N extends StepName> = Extract<Step, { op: N }>

export const stepTable: Readonly<Record<StepName, StepRow>> = table

/** In wire order: a step's number is its index here. */
export const stepNames = Object.keys(table) as readonly StepName[]
