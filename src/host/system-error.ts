/**
 * Native code throws facts: an Error with `code`, `errno`, `syscall` and perhaps `path`. Here they become a `SystemError`.
 */
import { SystemError } from '../errors.ts'

/** The `SystemError` that the facts describe; anything else (a TypeError for a wrong argument) unchanged. */
export function asSystemError(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof SystemError) return thrown
  const { code, errno, syscall, path } = thrown as Partial<Record<'code' | 'errno' | 'syscall' | 'path', unknown>>
  if (typeof code !== 'string' || typeof errno !== 'number' || typeof syscall !== 'string') return thrown
  const error = new SystemError(code, errno, syscall, typeof path === 'string' ? path : undefined)
  // Where the call came from, not where it was translated.
  if (thrown.stack !== undefined) error.stack = thrown.stack
  return error
}

/** The same function, throwing `SystemError`s. */
export function throwingSystemErrors<A extends unknown[], R>(call: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    try {
      return call(...args)
    } catch (thrown) {
      throw asSystemError(thrown)
    }
  }
}
