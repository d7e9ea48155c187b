/** Numbers of the kernel's interface that steps carry, with their names. The same on x86-64 and arm64. */

/** CLONE_NEW* of linux/sched.h: namespaces. */
export const clone = {
  NEWTIME: 0x00000080,
  NEWNS: 0x00020000,
  NEWCGROUP: 0x02000000,
  NEWUTS: 0x04000000,
  NEWIPC: 0x08000000,
  NEWUSER: 0x10000000,
  NEWPID: 0x20000000,
  NEWNET: 0x40000000,
} as const

/** MOUNT_ATTR_* of linux/mount.h: attributes of one mount. */
export const mountAttr = {
  RDONLY: 0x01,
  NOSUID: 0x02,
  NODEV: 0x04,
  NOEXEC: 0x08,
  NOATIME: 0x10,
  STRICTATIME: 0x20,
  NODIRATIME: 0x80,
  NOSYMFOLLOW: 0x200000,
} as const

/** MOUNT_ATTR__ATIME: the bits of the access time setting, an enumeration in which 0 is relatime. */
export const mountAttrAtime = 0x70

/** MS_* of linux/mount.h: types of propagation. */
export const propagation = {
  UNBINDABLE: 1 << 17,
  PRIVATE: 1 << 18,
  SLAVE: 1 << 19,
  SHARED: 1 << 20,
} as const

/** AT_* of linux/fcntl.h. */
export const at = {
  SYMLINK_NOFOLLOW: 0x100,
  RECURSIVE: 0x8000,
} as const

/** S_IF* of linux/stat.h. */
export const fileType = {
  FIFO: 0o010000,
  CHR: 0o020000,
  BLK: 0o060000,
} as const

export const signal = { KILL: 9 } as const

/** "Leave as it is" for chown(2). */
export const keepId = 0xffffffff

/** `make` of the openIn step. */
export const make = { nothing: 0, directories: 1, file: 2 } as const

/** `kind` of the openIn step. */
export const kind = { any: 0, directory: 1, notDirectory: 2, realDirectory: 3, entry: 4 } as const

/** `keep` of the symlink step. */
export const keep = { replace: 0, any: 1, same: 2 } as const

/** `mode` of the setns step. */
export const join = { must: 0, try: 1, ifKept: 2 } as const

/** SCHED_* of linux/sched.h. */
export const schedulerPolicies = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
} as const

/** SCHED_FLAG_* of linux/sched.h. */
export const schedulerFlags = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
} as const

/** IOPRIO_CLASS_* of linux/ioprio.h. */
export const ioClasses = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const

/** MPOL_* of linux/mempolicy.h. */
export const memoryModes = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
} as const

/** MPOL_F_* of linux/mempolicy.h, which are part of the mode. */
export const memoryFlags = {
  MPOL_F_NUMA_BALANCING: 1 << 13,
  MPOL_F_RELATIVE_NODES: 1 << 14,
  MPOL_F_STATIC_NODES: 1 << 15,
} as const

/** PER_* of linux/personality.h. */
export const personalities = { LINUX: 0x0000, LINUX32: 0x0008 } as const

/** The names of the bits in `value`, joined by `|`; what has no name as a hexadecimal number; `0` for none. */
export function flagNames(value: number | bigint, names: Readonly<Record<string, number>>, prefix = ''): string {
  let rest = BigInt(value)
  const parts: string[] = []
  for (const [name, bit] of Object.entries(names)) {
    if ((rest & BigInt(bit)) !== BigInt(bit)) continue
    parts.push(prefix + name)
    rest &= ~BigInt(bit)
  }
  if (rest !== 0n || parts.length === 0) parts.push(rest === 0n ? '0' : `0x${rest.toString(16)}`)
  return parts.join('|')
}

/** SECCOMP_FILTER_FLAG_* of linux/seccomp.h. */
export const seccompFlag = {
  TSYNC: 1 << 0,
  LOG: 1 << 1,
  SPEC_ALLOW: 1 << 2,
  NEW_LISTENER: 1 << 3,
  WAIT_KILLABLE_RECV: 1 << 5,
} as const
