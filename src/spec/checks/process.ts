import { describe } from '../problem.ts'
import type { Process, Spec } from '../schema.gen.ts'
import { type Check, isAbsolute } from './check.ts'

/** The specification asks for it at start; as `create` prepares everything that start needs, it asks for it too. */
export const processPresent: Check<Spec> = {
  section: 'config.md#process',
  reads: ['/process'],
  run({ process }, report) {
    if (process === undefined) report.problem('/process', 'is required')
  },
}

export const args: Check<Process> = {
  section: 'config.md#process',
  reads: ['/args'],
  run({ args }, report) {
    if (args === undefined) report.problem('/args', 'is required')
    else if (args.length === 0) report.problem('/args', 'must have at least one item: the program')
    else if (args[0] === '') report.problem('/args/0', 'must not be empty')
  },
}

/** The form of `environ`; a string without a name or `=` is no variable to any program. Not quoted, as it may be a secret. */
export const env: Check<Process> = {
  section: 'config.md#process',
  reads: ['/env'],
  run({ env }, report) {
    env?.forEach((entry, index) => {
      const at = entry.indexOf('=')
      if (entry === '') report.problem(`/env/${index}`, 'must be NAME=value, is an empty string')
      else if (at < 0) report.problem(`/env/${index}`, 'must be NAME=value, has no "="')
      else if (at === 0) report.problem(`/env/${index}`, 'must have a name before the "="')
    })
  },
}

export const cwd: Check<Process> = {
  section: 'config.md#process',
  reads: ['/cwd'],
  run({ cwd }, report) {
    if (!isAbsolute(cwd)) report.problem('/cwd', `must be an absolute path, is ${describe(cwd)}`)
  },
}

/** umask(2) knows the permission bits only, and drops others in silence. */
export const umask: Check<Process> = {
  section: 'config.md#posix-platform-user; umask(2)',
  reads: ['/user'],
  run({ user }, report) {
    if (user?.umask !== undefined && user.umask > 0o777) {
      report.problem(
        '/user/umask',
        `must be at most 511 (octal 777), is ${describe(user.umask)}`,
        'JSON numbers are decimal: octal 022 is 18',
      )
    }
  },
}

/** No user and group -1: to setresuid(2) and setgroups(2) it means "leave as it is", or nothing. */
export const userIds: Check<Process> = {
  section: 'config.md#posix-platform-user; setresuid(2)',
  reads: ['/user'],
  run({ user }, report) {
    if (user === undefined) return
    const none = 0xffffffff
    const message = 'must not be 4294967295, which is no id'
    if (user.uid === none) report.problem('/user/uid', message)
    if (user.gid === none) report.problem('/user/gid', message)
    user.additionalGids?.forEach((gid, index) => {
      if (gid === none) report.problem(`/user/additionalGids/${index}`, message)
    })
  },
}
