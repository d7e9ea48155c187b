/** What runt reads of other processes in the host's /proc, and the one safe way to a process by its number. */
import { SystemError } from '../errors.ts'
import type { Fd, Host } from '../host/host.ts'
import { closeQuietly } from './failures.ts'

export interface ProcessStat {
  /** One letter, proc_pid_stat(5) field 3: `Z` and `X` are dead. */
  state: string
  /** Field 22: clock ticks after boot; with the pid it names a process for good. */
  startTime: number
  /** It is dead, exits, or was killed: it does nothing more, however long the kernel takes to end it. */
  ending: boolean
}

/** Of field 9: the process has begun to exit (include/linux/sched.h). */
const PF_EXITING = 0x4
/** Of field 31, the signals that wait for the process. */
const SIGKILL_WAITS = 1 << 8

/**
 * Reads a line of /proc/PID/stat. The command's name (field 2) may contain spaces and parentheses: fields are counted after
 * the last `)`.
 */
export function parseStat(text: string): ProcessStat | undefined {
  const rest = text
    .slice(text.lastIndexOf(')') + 1)
    .trim()
    .split(' ')
  const state = rest[0]
  const startTime = Number(rest[19])
  if (state === undefined || state === '' || !Number.isFinite(startTime)) return undefined
  const ending = (Number(rest[6]) & PF_EXITING) !== 0 || (Number(rest[28]) & SIGKILL_WAITS) !== 0
  return { state, startTime, ending: ending || state === 'Z' || state === 'X' }
}

/** undefined where there is no such process. */
export async function readStat(host: Host, pid: number): Promise<ProcessStat | undefined> {
  try {
    const text = await host.files.readTextIfExists(`/proc/${pid}/stat`)
    return text === undefined ? undefined : parseStat(text)
  } catch (error) {
    // The process went away between open and read.
    if (error instanceof SystemError && error.code === 'ESRCH') return undefined
    throw error
  }
}

const kernelFilesystems = new Set(['proc', 'sysfs'])

/** Where the whole of a procfs or sysfs is mounted, as this process sees it: proc_pid_mountinfo(5). */
export async function kernelMounts(host: Host): Promise<string[]> {
  const found = new Set<string>()
  for (const line of (await host.files.readText('/proc/self/mountinfo')).split('\n')) {
    const [left = '', right = ''] = line.split(' - ')
    const [, , , root, mountPoint] = left.split(' ')
    if (root !== '/' || mountPoint === undefined || !kernelFilesystems.has(right.split(' ', 1)[0] ?? '')) continue
    found.add(mountPoint.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))))
  }
  return [...found]
}

/** A process by its number and start time: what state.json keeps. */
export interface ProcessName {
  pid: number
  startTime: number
}

/** Whether the process is there, is still the one that was meant, and is not a zombie. */
export async function isAlive(host: Host, name: ProcessName): Promise<boolean> {
  if (name.pid <= 0) return false
  const stat = await readStat(host, name.pid)
  return stat?.startTime === name.startTime && stat.state !== 'Z' && stat.state !== 'X'
}

/** Whether the process is gone, or will be without doing anything more: what is killed first ends all others of its pid namespace. */
export async function isEnding(host: Host, name: ProcessName): Promise<boolean> {
  const stat = await readStat(host, name.pid)
  return stat?.startTime !== name.startTime || stat.ending
}

/**
 * A pidfd of the process, or undefined if it is gone. The start time is compared after pidfd_open(2): from then on the
 * descriptor stands for that process, whatever becomes of the number.
 */
export async function openProcess(host: Host, name: ProcessName): Promise<Fd | undefined> {
  if (name.pid <= 0) return undefined
  let pidfd: Fd
  try {
    pidfd = await host.processes.pidfdOpen(name.pid)
  } catch (error) {
    if (error instanceof SystemError && error.code === 'ESRCH') return undefined
    // Where the call is missing, what has ended can be removed all the same.
    if (error instanceof SystemError && error.code === 'ENOSYS' && !(await isAlive(host, name))) return undefined
    throw error
  }
  let alive = false
  try {
    alive = await isAlive(host, name)
  } finally {
    if (!alive) await closeQuietly(host, pidfd)
  }
  return alive ? pidfd : undefined
}
