// Generated from src/plan/steps.ts by scripts/generate.ts: do not edit.
// clang-format off
#pragma once
#include <stdint.h>

#include "decoder.h"

namespace runt {

constexpr uint32_t kPlanVersion = 0x65f0b821;

enum class Op : uint16_t {
  DieWithParent,
  Sync,
  Setns,
  Unshare,
  Fork,
  DropGroups,
  BecomeRoot,
  Setsid,
  JoinSessionKeyring,
  Loopback,
  Sethostname,
  Setdomainname,
  Rlimit,
  CpuAffinity,
  Scheduler,
  IoPriority,
  MemoryPolicy,
  Personality,
  Umask,
  KeepCapabilities,
  BoundingSet,
  Capabilities,
  AmbientCapabilities,
  User,
  NoNewPrivileges,
  NotDumpable,
  Propagation,
  OpenTree,
  OpenTreeOr,
  CloneTree,
  NewMount,
  MountAttributes,
  Idmap,
  Overlay,
  Reconfigure,
  CopyUp,
  Attach,
  Label,
  CopyMode,
  AttachHost,
  OpenRoot,
  OpenIn,
  OpenLike,
  Close,
  Mask,
  ReadonlyPath,
  Mknod,
  VerifyDevice,
  Symlink,
  VerifyNull,
  PivotRoot,
  Chroot,
  WriteProc,
  WriteSelf,
  VerifySelf,
  OpenConsole,
  UseConsole,
  ChownStreams,
  Chdir,
  Home,
  Program,
  ListenPid,
  Hook,
  WaitForStart,
  CloseOnExec,
  Seccomp,
  Exec,
};

constexpr uint16_t kOpCount = 67;

// Ask for a signal (or 0 for none) when the parent dies.
// prctl(PR_SET_PDEATHSIG)
struct DieWithParentStep {
  uint32_t signal_;
};
inline void decode(Decoder &d, DieWithParentStep &s) {
  d.read(s.signal_);
}

// Report a sync point and wait until the other side lets the plan go on.
// sendmsg, recvmsg
struct SyncStep {
  uint32_t point;
};
inline void decode(Decoder &d, SyncStep &s) {
  d.read(s.point);
}

// Join a namespace. mode 0: must succeed; 1: keep the register for later when the kernel says EPERM; 2: only if the register is still there. Closes the register when it succeeded.
// setns
struct SetnsStep {
  Reg fd;
  uint32_t type;
  uint32_t mode;
};
inline void decode(Decoder &d, SetnsStep &s) {
  d.read(s.fd);
  d.read(s.type);
  d.read(s.mode);
}

// Leave namespaces for new ones.
// unshare
struct UnshareStep {
  uint32_t flags;
};
inline void decode(Decoder &d, UnshareStep &s) {
  d.read(s.flags);
}

// Go on in a new process, a sibling (CLONE_PARENT) in new namespaces; it reports its pid as the other side sees it, and the old one exits.
// clone3(CLONE_PARENT)
struct ForkStep {
  uint64_t flags;
};
inline void decode(Decoder &d, ForkStep &s) {
  d.read(s.flags);
}

// Leave all supplementary groups, while setgroups(2) is allowed: a user namespace that is joined may forbid it.
// setgroups
struct DropGroupsStep {
};
inline void decode(Decoder &, DropGroupsStep &) {}

// Become user and group 0 of the user namespace just entered, or uid and gid where it has no 0, without supplementary groups unless it forbids setgroups(2) or keep is 1.
// setgroups, setresgid, setresuid
struct BecomeRootStep {
  uint32_t uid;
  uint32_t gid;
  uint32_t keep;
};
inline void decode(Decoder &d, BecomeRootStep &s) {
  d.read(s.uid);
  d.read(s.gid);
  d.read(s.keep);
}

// Start a session without a terminal. An existing session leader is left as it is.
// setsid
struct SetsidStep {
};
inline void decode(Decoder &, SetsidStep &) {}

// Start the session keyring of this name, or join it; who does not possess it can only join it. Kernels without keyrings are fine.
// keyctl(KEYCTL_JOIN_SESSION_KEYRING)
struct JoinSessionKeyringStep {
  Str name;
};
inline void decode(Decoder &d, JoinSessionKeyringStep &s) {
  d.read(s.name);
}

// Bring the loopback interface of the network namespace up.
// socket, ioctl(SIOCSIFFLAGS)
struct LoopbackStep {
};
inline void decode(Decoder &, LoopbackStep &) {}

// Set the host name.
// sethostname
struct SethostnameStep {
  Str name;
};
inline void decode(Decoder &d, SethostnameStep &s) {
  d.read(s.name);
}

// Set the NIS domain name.
// setdomainname
struct SetdomainnameStep {
  Str name;
};
inline void decode(Decoder &d, SetdomainnameStep &s) {
  d.read(s.name);
}

// Set a resource limit of this process.
// prlimit64
struct RlimitStep {
  uint32_t resource;
  uint64_t soft;
  uint64_t hard;
};
inline void decode(Decoder &d, RlimitStep &s) {
  d.read(s.resource);
  d.read(s.soft);
  d.read(s.hard);
}

// Run on these processors (decimal numbers) only. None: on all that the cgroup gives, whatever was inherited; where the kernel refuses that, the inherited ones stay.
// sched_setaffinity
struct CpuAffinityStep {
  Strs cpus;
};
inline void decode(Decoder &d, CpuAffinityStep &s) {
  d.read(s.cpus);
}

// Set the scheduling policy (SCHED_*) with its attributes; the clamps of utilization are 0. Times are nanoseconds.
// sched_setattr
struct SchedulerStep {
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};
inline void decode(Decoder &d, SchedulerStep &s) {
  d.read(s.policy);
  d.read(s.flags);
  d.read(s.nice);
  d.read(s.priority);
  d.read(s.runtime);
  d.read(s.deadline);
  d.read(s.period);
}

// Set the I/O scheduling class (IOPRIO_CLASS_*) and the priority in it.
// ioprio_set
struct IoPriorityStep {
  uint32_t ioClass;
  uint32_t priority;
};
inline void decode(Decoder &d, IoPriorityStep &s) {
  d.read(s.ioClass);
  d.read(s.priority);
}

// Set the NUMA memory policy: MPOL_* with MPOL_F_*, for these nodes (decimal numbers).
// set_mempolicy
struct MemoryPolicyStep {
  uint32_t mode;
  Strs nodes;
};
inline void decode(Decoder &d, MemoryPolicyStep &s) {
  d.read(s.mode);
  d.read(s.nodes);
}

// Set the execution domain (PER_*).
// personality
struct PersonalityStep {
  uint32_t domain;
};
inline void decode(Decoder &d, PersonalityStep &s) {
  d.read(s.domain);
}

// Set the file mode creation mask.
// umask
struct UmaskStep {
  uint32_t mask;
};
inline void decode(Decoder &d, UmaskStep &s) {
  d.read(s.mask);
}

// Keep permitted capabilities over setresuid.
// prctl(PR_SET_KEEPCAPS)
struct KeepCapabilitiesStep {
  uint32_t keep;
};
inline void decode(Decoder &d, KeepCapabilitiesStep &s) {
  d.read(s.keep);
}

// Drop every capability that is not in the mask from the bounding set.
// prctl(PR_CAPBSET_DROP)
struct BoundingSetStep {
  uint64_t mask;
};
inline void decode(Decoder &d, BoundingSetStep &s) {
  d.read(s.mask);
}

// Set the effective, permitted and inheritable sets.
// capset
struct CapabilitiesStep {
  uint64_t effective;
  uint64_t permitted;
  uint64_t inheritable;
};
inline void decode(Decoder &d, CapabilitiesStep &s) {
  d.read(s.effective);
  d.read(s.permitted);
  d.read(s.inheritable);
}

// Set the ambient set to the mask.
// prctl(PR_CAP_AMBIENT)
struct AmbientCapabilitiesStep {
  uint64_t mask;
};
inline void decode(Decoder &d, AmbientCapabilitiesStep &s) {
  d.read(s.mask);
}

// Set the supplementary groups (decimal numbers), group and user, for good. setgroups 0: no groups may be the ones there are, where the user namespace forbids setgroups(2). keep 1: the supplementary groups stay those that there are.
// setgroups, setresgid, setresuid
struct UserStep {
  uint32_t uid;
  uint32_t gid;
  Strs groups;
  uint32_t setgroups;
  uint32_t keep;
};
inline void decode(Decoder &d, UserStep &s) {
  d.read(s.uid);
  d.read(s.gid);
  d.read(s.groups);
  d.read(s.setgroups);
  d.read(s.keep);
}

// Set no_new_privs.
// prctl(PR_SET_NO_NEW_PRIVS)
struct NoNewPrivilegesStep {
};
inline void decode(Decoder &, NoNewPrivilegesStep &) {}

// Keep /proc/self away from other processes of the container until the program is executed.
// prctl(PR_SET_DUMPABLE)
struct NotDumpableStep {
};
inline void decode(Decoder &, NotDumpableStep &) {}

// Change the propagation of the mount at an absolute path of the current root, recursively if flags has AT_RECURSIVE.
// mount_setattr
struct PropagationStep {
  Str path;
  uint64_t propagation;
  uint32_t flags;
};
inline void decode(Decoder &d, PropagationStep &s) {
  d.read(s.path);
  d.read(s.propagation);
  d.read(s.flags);
}

// Clone the mount at a path of the host into a detached one. flags: AT_RECURSIVE, AT_SYMLINK_NOFOLLOW.
// open_tree(OPEN_TREE_CLONE)
struct OpenTreeStep {
  Out dst;
  Str path;
  uint32_t flags;
};
inline void decode(Decoder &d, OpenTreeStep &s) {
  d.read(s.dst);
  d.read(s.path);
  d.read(s.flags);
}

// The same; where this process may not reach the path, what `other` holds, which was taken before. `other` is empty afterwards.
// open_tree(OPEN_TREE_CLONE)
struct OpenTreeOrStep {
  Out dst;
  Reg other;
  Str path;
  uint32_t flags;
};
inline void decode(Decoder &d, OpenTreeOrStep &s) {
  d.read(s.dst);
  d.read(s.other);
  d.read(s.path);
  d.read(s.flags);
}

// Clone the mount that a register holds into a detached one.
// open_tree(OPEN_TREE_CLONE)
struct CloneTreeStep {
  Out dst;
  Reg src;
  uint32_t flags;
};
inline void decode(Decoder &d, CloneTreeStep &s) {
  d.read(s.dst);
  d.read(s.src);
  d.read(s.flags);
}

// Make a filesystem and a detached mount of it. parameters: `name=value` or `name`. attributes: MOUNT_ATTR_*.
// fsopen, fsconfig, fsmount
struct NewMountStep {
  Out dst;
  Str type;
  Str source;
  Strs parameters;
  uint32_t attributes;
};
inline void decode(Decoder &d, NewMountStep &s) {
  d.read(s.dst);
  d.read(s.type);
  d.read(s.source);
  d.read(s.parameters);
  d.read(s.attributes);
}

// Change attributes (and, if not 0, the propagation) of the mount that a register holds. An attribute that should be cleared stays where it is locked: a user namespace may not undo what a more privileged one set (mount_namespaces(7)).
// mount_setattr
struct MountAttributesStep {
  Reg mount;
  uint64_t set;
  uint64_t clear;
  uint64_t propagation;
  uint32_t flags;
};
inline void decode(Decoder &d, MountAttributesStep &s) {
  d.read(s.mount);
  d.read(s.set);
  d.read(s.clear);
  d.read(s.propagation);
  d.read(s.flags);
}

// Give a detached mount the id mappings of a user namespace. flags: AT_RECURSIVE.
// mount_setattr(MOUNT_ATTR_IDMAP)
struct IdmapStep {
  Reg mount;
  Reg userns;
  uint32_t flags;
};
inline void decode(Decoder &d, IdmapStep &s) {
  d.read(s.mount);
  d.read(s.userns);
  d.read(s.flags);
}

// Mount an overlay of directories, the lowest first, into a detached mount. upper: a directory in which `upper` and `work` are made where they are missing, `upper` with owner, mode and time of the highest layer; empty: nothing can be changed. owner 1: as the owner of that directory, whose mount maps ids. names 1: only in the way of kernels that take no descriptors. Closes the registers of the directories.
// mkdirat, fsopen, fsconfig, fsmount, or move_mount, mount, open_tree, umount2
struct OverlayStep {
  Out dst;
  Regs layers;
  Reg upper;
  Strs parameters;
  uint32_t owner;
  uint32_t names;
};
inline void decode(Decoder &d, OverlayStep &s) {
  d.read(s.dst);
  d.read(s.layers);
  d.read(s.upper);
  d.read(s.parameters);
  d.read(s.owner);
  d.read(s.names);
}

// Change parameters, as in newMount, of the filesystem that is mounted where a register points.
// fspick, fsconfig
struct ReconfigureStep {
  Reg target;
  Strs parameters;
};
inline void decode(Decoder &d, ReconfigureStep &s) {
  d.read(s.target);
  d.read(s.parameters);
}

// Copy what a directory holds into the root of a detached mount that is to cover it: files, directories, links and nodes with owners, modes and extended attributes. owner 1: the root gets the owner of the directory.
// getdents64, openat2, sendfile, mkdirat, mknodat, symlinkat, fchown, fchmod, fsetxattr
struct CopyUpStep {
  Reg mount;
  Reg target;
  uint32_t owner;
};
inline void decode(Decoder &d, CopyUpStep &s) {
  d.read(s.mount);
  d.read(s.target);
  d.read(s.owner);
}

// Attach a detached mount to the place that another register holds. The mount register then stands for what is mounted there.
// move_mount
struct AttachStep {
  Reg mount;
  Reg target;
};
inline void decode(Decoder &d, AttachStep &s) {
  d.read(s.mount);
  d.read(s.target);
}

// Give the root directory of a mounted filesystem an SELinux label.
// openat2, fsetxattr(security.selinux)
struct LabelStep {
  Reg mount;
  Str text;
};
inline void decode(Decoder &d, LabelStep &s) {
  d.read(s.mount);
  d.read(s.text);
}

// Give the root directory of a detached mount the permissions of the directory that it is to cover; where the last openIn had to make that, the mount keeps its own.
// fstat, openat, fchmod
struct CopyModeStep {
  Reg mount;
  Reg target;
};
inline void decode(Decoder &d, CopyModeStep &s) {
  d.read(s.mount);
  d.read(s.target);
}

// Attach a detached mount to a directory of the host, by its path: the rootfs, before pivotRoot.
// open, move_mount
struct AttachHostStep {
  Reg mount;
  Str path;
};
inline void decode(Decoder &d, AttachHostStep &s) {
  d.read(s.mount);
  d.read(s.path);
}

// Open the current root directory.
// open
struct OpenRootStep {
  Out dst;
};
inline void decode(Decoder &d, OpenRootStep &s) {
  d.read(s.dst);
}

// Open a path below a directory, symlinks resolved inside it (RESOLVE_IN_ROOT). make 1: create missing directories; 2: and a file at the end; 0: neither. kind 0: anything; 1: a directory; 2: not a directory; 3: a directory whose last component may not be a symlink; 4: anything, a symlink at the end itself. With optional 1, a missing path leaves the register empty.
// openat2(RESOLVE_IN_ROOT), mkdirat
struct OpenInStep {
  Out dst;
  Reg root;
  Str path;
  uint32_t make;
  uint32_t mode;
  uint32_t kind;
  uint32_t optional;
};
inline void decode(Decoder &d, OpenInStep &s) {
  d.read(s.dst);
  d.read(s.root);
  d.read(s.path);
  d.read(s.make);
  d.read(s.mode);
  d.read(s.kind);
  d.read(s.optional);
}

// As openIn with make, the created end being a directory if the source (a mount) is one, else a file.
// openat2(RESOLVE_IN_ROOT), mkdirat, openat(O_CREAT)
struct OpenLikeStep {
  Out dst;
  Reg root;
  Str path;
  Reg source;
};
inline void decode(Decoder &d, OpenLikeStep &s) {
  d.read(s.dst);
  d.read(s.root);
  d.read(s.path);
  d.read(s.source);
}

// Close a register.
// close
struct CloseStep {
  Reg fd;
};
inline void decode(Decoder &d, CloseStep &s) {
  d.read(s.fd);
}

// Hide a path below a directory: a directory behind a clone of the empty mount, anything else behind a clone of the null device. A missing path is fine.
// openat2(RESOLVE_IN_ROOT), open_tree(OPEN_TREE_CLONE), move_mount
struct MaskStep {
  Reg root;
  Str path;
  Reg empty;
  Reg null_;
};
inline void decode(Decoder &d, MaskStep &s) {
  d.read(s.root);
  d.read(s.path);
  d.read(s.empty);
  d.read(s.null_);
}

// Mount a path below a directory on itself, read-only with what is mounted below. A missing path is fine.
// openat2(RESOLVE_IN_ROOT), open_tree(OPEN_TREE_CLONE), mount_setattr, move_mount
struct ReadonlyPathStep {
  Reg root;
  Str path;
};
inline void decode(Decoder &d, ReadonlyPathStep &s) {
  d.read(s.root);
  d.read(s.path);
}

// Make a device node (or fifo) in a directory; an existing node of the same kind and number is kept.
// mknodat, fchownat, fchmodat
struct MknodStep {
  Reg dir;
  Str name;
  uint32_t mode;
  uint32_t major;
  uint32_t minor;
  uint32_t uid;
  uint32_t gid;
};
inline void decode(Decoder &d, MknodStep &s) {
  d.read(s.dir);
  d.read(s.name);
  d.read(s.mode);
  d.read(s.major);
  d.read(s.minor);
  d.read(s.uid);
  d.read(s.gid);
}

// Check that a register holds a device node of this type (S_IFCHR, S_IFBLK) and number.
// statx
struct VerifyDeviceStep {
  Reg fd;
  uint32_t type;
  uint32_t major;
  uint32_t minor;
};
inline void decode(Decoder &d, VerifyDeviceStep &s) {
  d.read(s.fd);
  d.read(s.type);
  d.read(s.major);
  d.read(s.minor);
}

// Make a symlink in a directory; an existing file of that name is replaced if keep is 0, left alone if it is 1, and if it is 2 has to be this very symlink.
// symlinkat
struct SymlinkStep {
  Reg dir;
  Str name;
  Str target;
  uint32_t keep;
};
inline void decode(Decoder &d, SymlinkStep &s) {
  d.read(s.dir);
  d.read(s.name);
  d.read(s.target);
  d.read(s.keep);
}

// Refuse to go on unless the register holds the null device (character device 1:3).
// fstat
struct VerifyNullStep {
  Reg fd;
};
inline void decode(Decoder &d, VerifyNullStep &s) {
  d.read(s.fd);
}

// Make the mount that a register holds the root of this mount namespace and detach the old one. move 1: with MS_MOVE and chroot instead of pivot_root (a root on the kernel's initial ramfs).
// fchdir, pivot_root, umount2(MNT_DETACH), chdir
struct PivotRootStep {
  Reg root;
  uint32_t move;
};
inline void decode(Decoder &d, PivotRootStep &s) {
  d.read(s.root);
  d.read(s.move);
}

// Make a directory the root and the working directory of this process alone.
// fchdir, chroot, chdir
struct ChrootStep {
  Reg root;
};
inline void decode(Decoder &d, ChrootStep &s) {
  d.read(s.root);
}

// Write a text to an existing file below a procfs that runt mounted or opened itself, verified to be one.
// openat2(RESOLVE_BENEATH|NO_XDEV|NO_SYMLINKS), write
struct WriteProcStep {
  Reg proc;
  Str path;
  Str text;
};
inline void decode(Decoder &d, WriteProcStep &s) {
  d.read(s.proc);
  d.read(s.path);
  d.read(s.text);
}

// Write a text to a file of this process below the root of a procfs, verified to be one; never through a link or what is mounted there.
// readlinkat(self), openat2(RESOLVE_BENEATH|NO_XDEV|NO_SYMLINKS), write
struct WriteSelfStep {
  Reg proc;
  Str path;
  Str text;
};
inline void decode(Decoder &d, WriteSelfStep &s) {
  d.read(s.proc);
  d.read(s.path);
  d.read(s.text);
}

// Refuse to go on unless links of this process, below the root of a procfs verified to be one, lead where they should: the namespaces that it is in. links: path and target by turns.
// readlinkat(self), readlinkat
struct VerifySelfStep {
  Reg proc;
  Strs links;
};
inline void decode(Decoder &d, VerifySelfStep &s) {
  d.read(s.proc);
  d.read(s.links);
}

// Make a pseudoterminal in the devpts below root (dev/pts/ptmx), send its master to the other side, and keep the terminal itself in dst. rows 0: leave the size alone.
// openat2, fstatfs, ioctl(TIOCSPTLCK, TIOCGPTPEER, TIOCSWINSZ), sendmsg(SCM_RIGHTS)
struct OpenConsoleStep {
  Out dst;
  Reg root;
  uint32_t rows;
  uint32_t columns;
  uint32_t uid;
  uint32_t gid;
};
inline void decode(Decoder &d, OpenConsoleStep &s) {
  d.read(s.dst);
  d.read(s.root);
  d.read(s.rows);
  d.read(s.columns);
  d.read(s.uid);
  d.read(s.gid);
}

// Make the terminal the controlling one of a new session and standard input, output and error. Closes the register.
// setsid, ioctl(TIOCSCTTY), dup3
struct UseConsoleStep {
  Reg terminal;
};
inline void decode(Decoder &d, UseConsoleStep &s) {
  d.read(s.terminal);
}

// Give standard streams to the user, so that /dev/stdout can be opened again; but no devices, no directories and no files that are only read.
// fstat, fcntl(F_GETFL), fchown
struct ChownStreamsStep {
  uint32_t uid;
};
inline void decode(Decoder &d, ChownStreamsStep &s) {
  d.read(s.uid);
}

// Change the working directory and make sure that it lies inside the root. make 1: create what is missing.
// openat2(RESOLVE_IN_ROOT), fchdir, getcwd
struct ChdirStep {
  Str path;
  uint32_t make;
};
inline void decode(Decoder &d, ChdirStep &s) {
  d.read(s.path);
  d.read(s.make);
}

// Set HOME in the environment from the user's entry in the container's /etc/passwd, / where there is none.
// openat2(RESOLVE_IN_ROOT), fstatfs, read
struct HomeStep {
  uint32_t uid;
};
inline void decode(Decoder &d, HomeStep &s) {
  d.read(s.uid);
}

// Set arguments and environment and find the program in PATH, as execvp(3) does.
// faccessat2(X_OK), fstatat
struct ProgramStep {
  Strs args;
  Strs env;
};
inline void decode(Decoder &d, ProgramStep &s) {
  d.read(s.args);
  d.read(s.env);
}

// Set LISTEN_PID in the environment to the own pid.
struct ListenPidStep {
};
inline void decode(Decoder &, ListenPidStep &) {}

// Run a program to its end as a child, by its absolute path, with `before`, the own pid and `after` on its standard input. inherit 1: with the environment of `program` instead of env. directory: where it runs, or empty. timeout: milliseconds after which it is killed with its process group, or 0. It gets no other descriptors; what it prints is dropped. If it does not leave with 0, detail has a line `exited N`, `killed N` or `timeout SECONDS` and the end of what it wrote to standard error.
// memfd_create, clone, execve, ppoll, wait4
struct HookStep {
  Str path;
  Strs args;
  Strs env;
  uint32_t inherit;
  Str directory;
  Str before;
  Str after;
  uint64_t timeout;
};
inline void decode(Decoder &d, HookStep &s) {
  d.read(s.path);
  d.read(s.args);
  d.read(s.env);
  d.read(s.inherit);
  d.read(s.directory);
  d.read(s.before);
  d.read(s.after);
  d.read(s.timeout);
}

// Tell the other side that all is ready, close the socket, and wait for a byte on the start fifo. What fails from here on is written to the started fifo.
// sendmsg, close, read
struct WaitForStartStep {
  Reg start;
  Reg started;
};
inline void decode(Decoder &d, WaitForStartStep &s) {
  d.read(s.start);
  d.read(s.started);
}

// Let no descriptor from 3 + preserve on survive the execution of the program.
// close_range(CLOSE_RANGE_CLOEXEC)
struct CloseOnExecStep {
  uint32_t preserve;
};
inline void decode(Decoder &d, CloseOnExecStep &s) {
  d.read(s.preserve);
}

// Load a filter of system calls: struct sock_filter, one after the other. flags: SECCOMP_FILTER_FLAG_*. With NEW_LISTENER, report the number of its descriptor and wait until the other side has taken it.
// seccomp(SECCOMP_SET_MODE_FILTER)
struct SeccompStep {
  Bytes filter;
  uint32_t flags;
};
inline void decode(Decoder &d, SeccompStep &s) {
  d.read(s.filter);
  d.read(s.flags);
}

// Execute the program that `program` found.
// execve
struct ExecStep {
};
inline void decode(Decoder &, ExecStep &) {}

// The size of each step's record on the wire.
constexpr uint16_t kStepSizes[kOpCount] = {
  8, // dieWithParent
  8, // sync
  16, // setns
  8, // unshare
  12, // fork
  4, // dropGroups
  16, // becomeRoot
  4, // setsid
  12, // joinSessionKeyring
  4, // loopback
  12, // sethostname
  12, // setdomainname
  24, // rlimit
  16, // cpuAffinity
  48, // scheduler
  12, // ioPriority
  20, // memoryPolicy
  8, // personality
  8, // umask
  8, // keepCapabilities
  12, // boundingSet
  28, // capabilities
  12, // ambientCapabilities
  32, // user
  4, // noNewPrivileges
  4, // notDumpable
  24, // propagation
  20, // openTree
  24, // openTreeOr
  16, // cloneTree
  40, // newMount
  36, // mountAttributes
  16, // idmap
  40, // overlay
  20, // reconfigure
  16, // copyUp
  12, // attach
  16, // label
  12, // copyMode
  16, // attachHost
  8, // openRoot
  36, // openIn
  24, // openLike
  8, // close
  24, // mask
  16, // readonlyPath
  36, // mknod
  20, // verifyDevice
  28, // symlink
  8, // verifyNull
  12, // pivotRoot
  8, // chroot
  24, // writeProc
  24, // writeSelf
  20, // verifySelf
  28, // openConsole
  8, // useConsole
  8, // chownStreams
  16, // chdir
  8, // home
  28, // program
  4, // listenPid
  72, // hook
  12, // waitForStart
  8, // closeOnExec
  16, // seccomp
  4, // exec
};

// Decodes the step at the decoder and hands it to `visit`, a callable for every struct above.
template <class Visitor>
auto dispatch(Op op, Decoder &d, Visitor &&visit) -> decltype(visit(DieWithParentStep{})) {
  switch (op) {
    case Op::DieWithParent: {
      DieWithParentStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Sync: {
      SyncStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Setns: {
      SetnsStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Unshare: {
      UnshareStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Fork: {
      ForkStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::DropGroups: {
      DropGroupsStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::BecomeRoot: {
      BecomeRootStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Setsid: {
      SetsidStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::JoinSessionKeyring: {
      JoinSessionKeyringStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Loopback: {
      LoopbackStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Sethostname: {
      SethostnameStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Setdomainname: {
      SetdomainnameStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Rlimit: {
      RlimitStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::CpuAffinity: {
      CpuAffinityStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Scheduler: {
      SchedulerStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::IoPriority: {
      IoPriorityStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::MemoryPolicy: {
      MemoryPolicyStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Personality: {
      PersonalityStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Umask: {
      UmaskStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::KeepCapabilities: {
      KeepCapabilitiesStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::BoundingSet: {
      BoundingSetStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Capabilities: {
      CapabilitiesStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::AmbientCapabilities: {
      AmbientCapabilitiesStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::User: {
      UserStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::NoNewPrivileges: {
      NoNewPrivilegesStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::NotDumpable: {
      NotDumpableStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Propagation: {
      PropagationStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::OpenTree: {
      OpenTreeStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::OpenTreeOr: {
      OpenTreeOrStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::CloneTree: {
      CloneTreeStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::NewMount: {
      NewMountStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::MountAttributes: {
      MountAttributesStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Idmap: {
      IdmapStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Overlay: {
      OverlayStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Reconfigure: {
      ReconfigureStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::CopyUp: {
      CopyUpStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Attach: {
      AttachStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Label: {
      LabelStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::CopyMode: {
      CopyModeStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::AttachHost: {
      AttachHostStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::OpenRoot: {
      OpenRootStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::OpenIn: {
      OpenInStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::OpenLike: {
      OpenLikeStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Close: {
      CloseStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Mask: {
      MaskStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::ReadonlyPath: {
      ReadonlyPathStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Mknod: {
      MknodStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::VerifyDevice: {
      VerifyDeviceStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Symlink: {
      SymlinkStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::VerifyNull: {
      VerifyNullStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::PivotRoot: {
      PivotRootStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Chroot: {
      ChrootStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::WriteProc: {
      WriteProcStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::WriteSelf: {
      WriteSelfStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::VerifySelf: {
      VerifySelfStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::OpenConsole: {
      OpenConsoleStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::UseConsole: {
      UseConsoleStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::ChownStreams: {
      ChownStreamsStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Chdir: {
      ChdirStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Home: {
      HomeStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Program: {
      ProgramStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::ListenPid: {
      ListenPidStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Hook: {
      HookStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::WaitForStart: {
      WaitForStartStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::CloseOnExec: {
      CloseOnExecStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Seccomp: {
      SeccompStep s{};
      decode(d, s);
      return visit(s);
    }
    case Op::Exec: {
      ExecStep s{};
      decode(d, s);
      return visit(s);
    }
  }
  __builtin_unreachable();
}

}  // namespace runt
