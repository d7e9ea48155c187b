import { describe, quote } from '../problem.ts'
import type { Seccomp, SeccompAction, Spec } from '../schema.gen.ts'
import type { Check, Report } from './check.ts'

const base = '/linux/seccomp'
const section = 'config-linux.md#seccomp'

/** MAX_ERRNO of linux/err.h; libseccomp takes what is less. */
const maxErrno = 4095
/** SECCOMP_RET_DATA of linux/seccomp.h. */
const maxData = 0xffff
const maxArguments = 6

/** "When the action doesn't support an errno, the runtime MUST print an error and fail." */
export const seccompErrnos: Check<Spec> = {
  section,
  reads: [base],
  run({ linux }, report) {
    const { seccomp } = linux ?? {}
    if (seccomp === undefined) return
    checkErrno(`${base}/defaultErrnoRet`, seccomp.defaultAction, seccomp.defaultErrnoRet, report)
    seccomp.syscalls?.forEach(({ action, errnoRet }, index) => {
      checkErrno(`${base}/syscalls/${index}/errnoRet`, action, errnoRet, report)
    })
  },
}

function checkErrno(pointer: string, action: SeccompAction, value: number | undefined, report: Report): void {
  if (value === undefined) return
  if (action !== 'SCMP_ACT_ERRNO' && action !== 'SCMP_ACT_TRACE') {
    report.problem(pointer, `must not be there: ${action} has no errno`, 'SCMP_ACT_ERRNO and SCMP_ACT_TRACE have one')
    return
  }
  const most = action === 'SCMP_ACT_ERRNO' ? maxErrno - 1 : maxData
  if (value > most) report.problem(pointer, `must be at most ${most}, is ${describe(value)}`)
}

export const seccompRules: Check<Spec> = {
  section,
  reads: [`${base}/syscalls`],
  run({ linux }, report) {
    linux?.seccomp?.syscalls?.forEach(({ names, args }, index) => {
      const rule = `${base}/syscalls/${index}`
      if (names.length === 0) report.problem(`${rule}/names`, 'must have at least one item')
      names.forEach((name, at) => {
        if (name === '') report.problem(`${rule}/names/${at}`, 'must not be empty')
      })
      args?.forEach((arg, at) => {
        if (arg.index < maxArguments) return
        const message = `must be less than ${maxArguments}, is ${describe(arg.index)}: system calls have that many arguments`
        report.problem(`${rule}/args/${at}/index`, message)
      })
    })
  },
}

/**
 * SCMP_ACT_NOTIFY: who answers has to be known, and must be told of it by an init that is already subject to the filter. For
 * that it writes: a write(2) that waits for the answer would wait for ever. runc draws the line there, too.
 */
export const seccompListener: Check<Spec> = {
  section,
  reads: [base],
  run({ linux }, report) {
    const { seccomp } = linux ?? {}
    if (seccomp === undefined) return
    const { listenerPath, listenerMetadata, defaultAction } = seccomp
    if (defaultAction === 'SCMP_ACT_NOTIFY') {
      report.problem(
        `${base}/defaultAction`,
        'must not be SCMP_ACT_NOTIFY: every call would wait for a listener that is not there yet',
        'list the calls to be answered in syscalls',
      )
    }
    const notified = checkNotified(seccomp, report)
    if (notified && listenerPath === undefined) {
      report.problem(`${base}/listenerPath`, 'is required: a rule has SCMP_ACT_NOTIFY, and its listener must be known')
    }
    if (listenerMetadata !== undefined && listenerPath === undefined) {
      report.problem(`${base}/listenerMetadata`, 'must not be there without listenerPath')
    }
    const at = seccomp.flags?.indexOf('SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV') ?? -1
    if (at >= 0 && !notified)
      report.warning(`${base}/flags/${at}`, 'is ignored: it means something with SCMP_ACT_NOTIFY only')
  },
}

function checkNotified({ syscalls = [] }: Seccomp, report: Report): boolean {
  let notified = false
  syscalls.forEach(({ action, names }, index) => {
    if (action !== 'SCMP_ACT_NOTIFY') return
    notified = true
    const at = names.indexOf('write')
    if (at < 0) return
    report.problem(
      `${base}/syscalls/${index}/names/${at}`,
      `must not be ${quote('write')} with SCMP_ACT_NOTIFY: the listener is handed over by a write(2)`,
    )
  })
  return notified
}
