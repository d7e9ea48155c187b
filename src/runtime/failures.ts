/**
 * From system errors to sentences, and clean-ups that lose no error.
 * errno words are loaded only when something failed.
 */
import type { Fd, Host } from '../host/host.ts'
import { RuntError, SystemError, withoutCall, type ErrorDetails } from '../errors.ts'

/**
 * The error `what: why`, with the errno of a `SystemError` in words: `write pid file /x: no space left on device`.
 * A `RuntError` already says what failed, and is returned as it is.
 */
export async function explained(what: string, error: unknown, details: ErrorDetails = {}): Promise<Error> {
  if (error instanceof RuntError) return error
  if (!(error instanceof SystemError)) return error instanceof Error ? error : new Error(String(error))
  const { errnoText } = await import('./errno.ts')
  const words = `${what}: ${errnoText(error.errno)}`
  if (error.code === 'ENOSYS')
    return new RuntError(error.code, words, { cause: error, ...details, hint: withoutCall(error.syscall) })
  return new RuntError(error.code, words, { cause: error, ...details })
}

/** Runs `action`; its failure is told as `what: why`. */
export async function attempt<T>(what: string, details: ErrorDetails, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw await explained(what, error, details)
  }
}

export function isErrno(error: unknown, ...codes: string[]): error is SystemError {
  return error instanceof SystemError && codes.includes(error.code)
}

/** Closes a descriptor. close(2) releases it whatever it answers, and nothing that runt writes waits for it: errors mean nothing. */
export async function closeQuietly(host: Host, fd: Fd): Promise<void> {
  try {
    await host.files.close(fd)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
  }
}

/** What has to be taken back if a command fails half-way: last made, first undone. */
export class Undo {
  private readonly actions: { what: string; run: () => unknown; last: boolean }[] = []

  push(what: string, run: () => unknown): void {
    this.actions.push({ what, run, last: false })
  }

  /** What stays if anything that was made after it could not be undone: by it the rest is found later. */
  pushLast(what: string, run: () => unknown): void {
    this.actions.push({ what, run, last: true })
  }

  /** Undoes everything; what could not be undone is told, never thrown. */
  async run(): Promise<Error[]> {
    const failures: Error[] = []
    for (const { what, run, last } of this.actions.splice(0).reverse()) {
      if (last && failures.length > 0) continue
      try {
        await run()
      } catch (error) {
        failures.push(await explained(what, error))
      }
    }
    return failures
  }

  /** Undoes everything and returns the error to throw: the run's, which carries those of the clean-up. */
  async after(error: unknown): Promise<unknown> {
    const failures = await this.run()
    if (failures.length === 0) return error
    const base = await explained('unexpected failure', error)
    const result = base instanceof RuntError ? base : new RuntError('UNEXPECTED', base.message, { cause: error })
    result.cleanupErrors = [...result.cleanupErrors, ...failures]
    return result
  }
}
