/**
 * The errors that runt throws: plain facts, from which cli/ makes sentences.
 * A leaf: imports nothing; every folder but spec/ (which returns `Problem`s instead) may use it.
 *
 * How errors are made and passed is described in docs/errors.md.
 */

/** Where a failure comes from: a JSON Pointer into config.json (`/mounts/3`), or a command-line flag (`--bundle`). */
export type Origin = string

/** What most errors have beside their code and message. */
export interface ErrorDetails {
  /** The field of config.json or the flag that asked for what failed. */
  origin?: Origin | undefined
  /** How to mend it, as a sentence fragment: `enable it with …`. */
  hint?: string | undefined
  cause?: unknown
}

/**
 * Any failure that runt foresees. `message` is lower-case, "verb object: cause", without a period.
 * `code` is stable and machine-readable.
 */
export class RuntError extends Error {
  /** Stable, for programs: `NOT_FOUND`, `INVALID_CONFIG`, `ENOENT` … */
  readonly code: string
  /** The field of config.json (a JSON Pointer) or the flag that asked for what failed. */
  readonly origin: Origin | undefined
  /** How to mend it. */
  readonly hint: string | undefined
  /** Where `origin` stands, once somebody looked: a file and 1-based line and column. */
  location: { file: string; line?: number | undefined; column?: number | undefined } | undefined
  /** What could not be taken back after the failure; the container's remains are then still there. */
  cleanupErrors: readonly Error[] = []

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = code
    this.origin = details.origin
    this.hint = details.hint
  }
}

/** A problem found in config.json before anything was done. Structurally equal to spec's `Problem`. */
export interface ConfigProblem {
  /** JSON Pointer (RFC 6901); '' is the whole document. */
  pointer: string
  message: string
  hint?: string | undefined
  /** 1-based, where known. */
  line?: number | undefined
  column?: number | undefined
}

/** config.json is missing, unreadable or wrong; carries every problem, not the first. */
export class InvalidConfigError extends RuntError {
  /** The file that was read. */
  readonly file: string
  /** All of them. */
  readonly problems: readonly ConfigProblem[]

  constructor(file: string, problems: readonly ConfigProblem[], message: string) {
    super('INVALID_CONFIG', message)
    this.file = file
    this.problems = problems
  }
}

/** The container is not in a state in which the command is allowed; the texts are those that daemons match. */
export class StateError extends RuntError {}

/** A request (flag, id, argument) that can never succeed. */
export class UsageError extends RuntError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('USAGE', message, details)
  }
}

/** A system call of the host side (not of init) failed: what native code and the host's file functions throw. */
export class SystemError extends Error {
  /** `ENOENT` … */
  readonly code: string
  readonly errno: number
  readonly syscall: string
  readonly path: string | undefined

  constructor(code: string, errno: number, syscall: string, path?: string) {
    super(`${syscall}${path === undefined ? '' : ` ${path}`}: ${code}`)
    this.name = 'SystemError'
    this.code = code
    this.errno = errno
    this.syscall = syscall
    this.path = path
  }
}

/** The hint for ENOSYS: the oldest kernel that has all calls, or a filter (containers that runt itself runs in have one). */
export function withoutCall(syscall: string): string {
  return `the kernel has no ${syscall}: runt needs Linux 5.15 or newer, and a seccomp filter around runt must allow the call`
}

/** A step of the plan failed in init. */
export class StepError extends RuntError {
  /** Index into the plan's steps. */
  readonly step: number
  /** The step's name in the table. */
  readonly op: string
  readonly syscall: string
  /** Positive errno value, 0 if init itself refused. */
  readonly errno: number
  /** The path, option or name that the call was about. */
  readonly subject: string
  /** Further facts from the kernel or init: a mount context's log, an executable's first bytes. */
  readonly detail: Uint8Array

  constructor(
    message: string,
    facts: { step: number; op: string; syscall: string; errno: number; subject: string; detail: Uint8Array },
    details: ErrorDetails = {},
  ) {
    super('STEP_FAILED', message, details)
    this.step = facts.step
    this.op = facts.op
    this.syscall = facts.syscall
    this.errno = facts.errno
    this.subject = facts.subject
    this.detail = facts.detail
  }
}
