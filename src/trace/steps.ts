/** From the times that init noted (native/common/protocol.h) to a span for each step. */
import type { TimedSteps } from '../host/host.ts'
import type { Span } from './span.ts'

/** Bytes of a time in the file. */
export const wordSize = 8

/**
 * The steps that were begun. The last of them lasts until its times were taken, as does a step `seccomp`, after which init asks for no
 * time: what comes after that is named in its arguments.
 *
 * In a time namespace CLOCK_MONOTONIC is another one (time_namespaces(7)): from a time on that cannot be, all are moved so that the
 * step in which the clock changed takes none.
 * @param taken with the milliseconds between which all of it was noted
 */
export function stepSpans(taken: TimedSteps & { times: readonly bigint[]; after: number; before: number }): Span[] {
  const { pids, from, steps, times, after, before } = taken
  const spans: Span[] = []
  let last = after
  let shift = 0
  const timeAt = (index: number): number | undefined => {
    const noted = times[index] ?? 0n
    if (noted === 0n) return undefined
    let time = Number(noted) / 1e6 + shift
    if (time < last || time > before) {
      shift += last - time
      time = last
    }
    return (last = time)
  }
  let pid = 0
  let begin = timeAt(from)
  for (const [index, { op, origin }] of steps.entries()) {
    if (begin === undefined) break
    const end = timeAt(from + index + 1)
    const rest = op === 'seccomp' && end === undefined ? steps.slice(index + 1).map((step) => step.op) : []
    const args = { index: from + index, origin, ...(rest.length > 0 && { andThen: rest }) }
    spans.push({ name: op, category: 'step', pid: pids[pid] ?? 0, begin, end: end ?? before, args })
    if (op === 'fork' && pid + 1 < pids.length) pid++
    begin = end
  }
  return spans
}
