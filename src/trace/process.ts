/** This process, as /proc knows it: proc_pid_stat(5). */
import { SystemError } from '../errors.ts'
import type { Host } from '../host/host.ts'

/** Of a clock tick in /proc, whatever the kernel's own are. */
const tickMs = 10

/**
 * The pid of this process, and how many milliseconds ago it began.
 *
 * /proc tells the beginning in ticks only. How long this thread has run, and waited for a processor, is told in nanoseconds
 * (/proc/PID/schedstat; reading /proc/PID/stat brings it up to date), and until now it will have waited for little else: so that is
 * the answer, as far as the ticks allow it.
 * @throws SystemError without /proc
 */
export async function ownProcess({ files }: Host): Promise<{ pid: number; age: number }> {
  const stat = await files.readText('/proc/self/stat')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const uptime = (await files.readText('/proc/uptime')).split(' ', 1)[0]
  // Field 22, of which the third is the first here.
  const coarse = Number(uptime) * 1000 - Number(fields[19]) * tickMs
  const [ran, waited] = (await readIfThere(files, '/proc/self/schedstat')).split(' ')
  const busy = (Number(ran) + Number(waited)) / 1e6
  const age = Number.isNaN(busy) ? coarse : Math.min(Math.max(busy, coarse - tickMs), coarse + tickMs)
  return { pid: Number(stat.split(' ', 1)[0]), age: Math.max(age, 0) }
}

/** Kernels without statistics of the scheduler have no such file. */
async function readIfThere(files: Host['files'], path: string): Promise<string> {
  try {
    return (await files.readTextIfExists(path)) ?? ''
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    return ''
  }
}
