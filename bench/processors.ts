/** How busy the machine is with something else, which makes figures worse, and not everybody's equally. */
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** Milliseconds of all processors since the machine started: busy ones, all, and those of this process and the ended ones below it. */
export interface ProcessorTime {
  busy: number
  all: number
  own: number
}

/** What the processors did until now. */
export function processorTime(): ProcessorTime {
  let busy = 0
  let idle = 0
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq
    idle += times.idle
  }
  // proc_pid_stat(5): after the name, utime, stime, cutime and cstime are fields 12 to 15, in hundredths of a second.
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * 10, 0)
  return { busy, all: busy + idle, own }
}

/** The part (0…1) of the processors' time that others used since then. */
export function othersSince(since: ProcessorTime): number {
  const now = processorTime()
  const all = now.all - since.all
  return all <= 0 ? 0 : Math.max(0, (now.busy - since.busy - (now.own - since.own)) / all)
}
