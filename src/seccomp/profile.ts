/**
 * What of linux.seccomp (config-linux.md#seccomp) does not go into the compiled filter, and the key of what does. Runs for
 * every container that has a filter, compiled before or not: small, and without the tables of names.
 */
import { seccompFlag } from '../plan/kernel.ts'
import type { Seccomp } from '../spec/schema.gen.ts'

/** Pointers into config.json → values that JSON.parse cannot hold. */
export type ExactValues = ReadonlyMap<string, bigint>

/** Whether calls are to be answered by somebody else (SCMP_ACT_NOTIFY). */
export function hasListener({ syscalls }: Seccomp): boolean {
  return syscalls?.some(({ action }) => action === 'SCMP_ACT_NOTIFY') === true
}

/**
 * SECCOMP_FILTER_FLAG_* for seccomp(2). Without `flags` it is SPEC_ALLOW, as with runc and crun: mitigations of speculative
 * execution that the kernel would turn on for the whole program are left to the program; an empty list asks for none. TSYNC
 * asks for nothing more, as init has one thread, and WAIT_KILLABLE_RECV for nothing without a listener.
 */
export function filterFlags(seccomp: Seccomp): number {
  const listener = hasListener(seccomp)
  const wanted = seccomp.flags
  let bits = listener ? seccompFlag.NEW_LISTENER : 0
  if (wanted === undefined || wanted.includes('SECCOMP_FILTER_FLAG_SPEC_ALLOW')) bits |= seccompFlag.SPEC_ALLOW
  if (wanted?.includes('SECCOMP_FILTER_FLAG_LOG') === true) bits |= seccompFlag.LOG
  if (listener && wanted?.includes('SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV') === true)
    bits |= seccompFlag.WAIT_KILLABLE_RECV
  return bits
}

/** Changes whenever the same profile would be compiled to another filter by this version of runt. */
const compilerVersion = 1

/**
 * A text that is equal for profiles which are compiled alike, and only for them.
 * @param architecture of this machine, as `System.architecture` says
 */
export function profileKey(seccomp: Seccomp, exact: ExactValues, architecture: string): string {
  const { defaultAction, defaultErrnoRet, architectures, syscalls } = seccomp
  const values = [...exact].map(([pointer, value]) => [pointer, String(value)])
  return JSON.stringify([
    compilerVersion,
    architecture,
    defaultAction,
    defaultErrnoRet ?? null,
    architectures ?? [],
    // Fields that mean nothing here (comments of profiles) would make keys of their own, and do no harm.
    syscalls ?? [],
    values,
  ])
}

/** Pointers to the values of conditions that are too large for JSON.parse. */
export function roundedValues({ syscalls }: Seccomp): string[] {
  const pointers: string[] = []
  syscalls?.forEach(({ args }, rule) =>
    args?.forEach(({ value, valueTwo }, index) => {
      const base = `/linux/seccomp/syscalls/${rule}/args/${index}`
      if (value > Number.MAX_SAFE_INTEGER) pointers.push(`${base}/value`)
      if (valueTwo !== undefined && valueTwo > Number.MAX_SAFE_INTEGER) pointers.push(`${base}/valueTwo`)
    }),
  )
  return pointers
}
