/** Signals by name and number (signal(7); x86-64 and arm64 have the same numbers). */
import { UsageError } from '../errors.ts'

const names =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'.split(
    ' ',
  )

const aliases: Readonly<Record<string, string>> = { IOT: 'ABRT', CLD: 'CHLD', POLL: 'IO', UNUSED: 'SYS' }

/** The kernel's real-time signals go from 32; 32 and 33 belong to libc's threads, so that RTMIN is 34. */
const realTimeMin = 34
const realTimeMax = 64

export const SIGKILL = 9

/**
 * The number of a signal given as a number (`9`), or as a name of any case with or without SIG (`KILL`, `sigterm`,
 * `RTMIN+3`).
 * @throws UsageError if there is no such signal.
 */
export function parseSignal(text: string): number {
  if (/^[0-9]{1,3}$/.test(text)) {
    const number = Number(text)
    if (number <= realTimeMax) return number
  } else {
    const name = text.toUpperCase().replace(/^SIG/, '')
    const number = names.indexOf(Object.hasOwn(aliases, name) ? aliases[name]! : name) + 1 || realTime(name)
    if (number !== undefined) return number
  }
  throw new UsageError(`unknown signal "${text}"`, {
    hint: 'give a name such as TERM or SIGKILL, or a number up to 64',
  })
}

function realTime(name: string): number | undefined {
  const match = /^RT(MIN|MAX)(?:([+-])([0-9]{1,2}))?$/.exec(name)
  if (!match) return undefined
  const offset = Number(match[3] ?? 0) * (match[2] === '-' ? -1 : 1)
  const number = (match[1] === 'MIN' ? realTimeMin : realTimeMax) + offset
  return number >= realTimeMin && number <= realTimeMax ? number : undefined
}

/** `9` → `SIGKILL`. */
export function signalName(signal: number): string {
  const name = names[signal - 1]
  if (name !== undefined) return `SIG${name}`
  return signal >= realTimeMin && signal <= realTimeMax ? `SIGRTMIN+${signal - realTimeMin}` : `signal ${signal}`
}
