/** process.rlimits (config.md#posix-process, getrlimit(2)). */
import { rlimitNames } from '../spec/names.ts'
import { rlimitValue } from '../spec/numbers.ts'
import type { Rlimit } from '../spec/schema.gen.ts'

/** A limit of process.rlimits, as prlimit(2) takes it. */
export interface PreparedRlimit {
  /** RLIMIT_* number. */
  resource: number
  /** 2^64-1 is RLIM_INFINITY. */
  soft: bigint
  hard: bigint
  /** `/process/rlimits/N`. */
  origin: string
}

/** The limits of a process that was validated. */
export function prepareRlimits(rlimits: readonly Rlimit[]): PreparedRlimit[] {
  return rlimits.map(({ type, soft, hard }, index) => ({
    resource: rlimitNames.indexOf(type),
    soft: rlimitValue(soft),
    hard: rlimitValue(hard),
    origin: `/process/rlimits/${index}`,
  }))
}
