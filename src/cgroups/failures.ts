/** Sentences for the system errors of cgroup files. */
import { RuntError, SystemError, withoutCall, type ErrorDetails } from '../errors.ts'
import type { Host } from '../host/host.ts'

/** What cgroupfs answers with; other errors keep their name. */
const words: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EAGAIN: 'resource temporarily unavailable',
  EBUSY: 'device or resource busy',
  ECONNREFUSED: 'connection refused',
  EINTR: 'interrupted system call',
  EINVAL: 'invalid argument',
  EIO: 'input/output error',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'file name too long',
  ENFILE: 'too many open files in system',
  ENODEV: 'no such device',
  ENOENT: 'no such file or directory',
  ENOMEM: 'cannot allocate memory',
  ENOSPC: 'no space left on device',
  ENOSYS: 'function not implemented',
  ENOTDIR: 'not a directory',
  EOPNOTSUPP: 'operation not supported',
  EPERM: 'operation not permitted',
  ERANGE: 'numerical result out of range',
  EROFS: 'read-only file system',
}

/** The code of a `SystemError`; undefined for anything else. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof SystemError ? error.code : undefined
}

/** An errno's name in words. */
export function inWords(code: string): string {
  return words[code] ?? code
}

/** The error to throw for `what`: a `RuntError` as it is, a `SystemError` in words, a bug untouched. */
export function failed(code: string, what: string, error: unknown, details: ErrorDetails = {}): unknown {
  if (!(error instanceof SystemError)) return error
  const hint = error.code === 'ENOSYS' ? { hint: withoutCall(error.syscall) } : {}
  return new RuntError(code, `${what}: ${inWords(error.code)}`, { cause: error, ...details, ...hint })
}

/** The error where a container's cgroup is not there any more. */
export function goneError(path: string, cause?: unknown): RuntError {
  return new RuntError('CGROUP_GONE', `the container's cgroup ${path} was removed`, {
    cause,
    hint: 'somebody moved its processes to another one: see /proc/PID/cgroup; kill and delete still end it',
  })
}

/** A file of a process in /proc; undefined where the process is gone, also between open(2) and read(2) (ESRCH). */
export async function readOfProcess(host: Host, pid: string | number, file: string): Promise<string | undefined> {
  try {
    return await host.files.readTextIfExists(`/proc/${pid}/${file}`)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return undefined
    throw error
  }
}

/** Whether a system call failed because there is no such cgroup, or it went away while its file was open (ENODEV). */
export function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENODEV', 'ENOTDIR', 'ENAMETOOLONG'].includes(codeOf(error) ?? '')
}
