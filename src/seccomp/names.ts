/** Names of linux.seccomp (config-linux.md#seccomp) and what they stand for, in libseccomp and in the kernel. */
import { seccompFlag } from '../plan/kernel.ts'
import type { SeccompAction, SeccompArchitecture, SeccompArgument } from '../spec/schema.gen.ts'

/** SCMP_ACT_* of seccomp.h, which are SECCOMP_RET_* of linux/seccomp.h; the data of ERRNO and TRACE is added. */
export const actions: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: 0x00000000,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_KILL_THREAD: 0x00000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_ALLOW: 0x7fff0000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
}

/** `enum scmp_compare` of seccomp.h. */
export const operators: Readonly<Record<SeccompArgument['op'], number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
}

/** SCMP_ARCH_* of seccomp.h, which but for X32 are AUDIT_ARCH_* of linux/audit.h. */
export const architectures: Readonly<Record<SeccompArchitecture, number>> = {
  SCMP_ARCH_X86: 0x40000003,
  SCMP_ARCH_X86_64: 0xc000003e,
  SCMP_ARCH_X32: 0x4000003e,
  SCMP_ARCH_ARM: 0x40000028,
  SCMP_ARCH_AARCH64: 0xc00000b7,
  SCMP_ARCH_LOONGARCH64: 0xc0000102,
  SCMP_ARCH_M68K: 0x00000004,
  SCMP_ARCH_MIPS: 0x00000008,
  SCMP_ARCH_MIPS64: 0x80000008,
  SCMP_ARCH_MIPS64N32: 0xa0000008,
  SCMP_ARCH_MIPSEL: 0x40000008,
  SCMP_ARCH_MIPSEL64: 0xc0000008,
  SCMP_ARCH_MIPSEL64N32: 0xe0000008,
  SCMP_ARCH_PPC: 0x00000014,
  SCMP_ARCH_PPC64: 0x80000015,
  SCMP_ARCH_PPC64LE: 0xc0000015,
  SCMP_ARCH_S390: 0x00000016,
  SCMP_ARCH_S390X: 0x80000016,
  SCMP_ARCH_PARISC: 0x0000000f,
  SCMP_ARCH_PARISC64: 0x8000000f,
  SCMP_ARCH_RISCV64: 0xc00000f3,
  SCMP_ARCH_SH: 0x4000002a,
  SCMP_ARCH_SHEB: 0x0000002a,
}

/** The architectures on which runt itself runs, as `System.architecture` names them. */
export const nativeArchitectures: Readonly<Record<string, number>> = {
  x64: architectures.SCMP_ARCH_X86_64,
  arm64: architectures.SCMP_ARCH_AARCH64,
}

/** The specification's flags, with the bits of seccomp(2). */
export const flags = {
  SECCOMP_FILTER_FLAG_TSYNC: seccompFlag.TSYNC,
  SECCOMP_FILTER_FLAG_LOG: seccompFlag.LOG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: seccompFlag.SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: seccompFlag.WAIT_KILLABLE_RECV,
} as const
