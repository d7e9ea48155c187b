/** Spans as a trace that Perfetto and chrome://tracing read: "Trace Event Format", JSON object format. */
import type { Span } from './span.ts'

export interface TraceFacts {
  /** `runt create`. */
  title: string
  pid: number
  /** Spans that are missing. */
  dropped: number
}

/** Names of processes and of their only threads, and complete events (`X`) with times in microseconds. */
export function formatTrace(spans: readonly Span[], { title, pid, dropped }: TraceFacts): string {
  const pids = [...new Set([pid, ...spans.map((span) => span.pid)])]
  const events: object[] = pids.flatMap((each, index) => {
    const args = { name: each === pid ? title : 'init' }
    return [
      { name: 'process_name', ph: 'M', pid: each, tid: each, args },
      { name: 'process_sort_index', ph: 'M', pid: each, tid: each, args: { sort_index: index } },
      { name: 'thread_name', ph: 'M', pid: each, tid: each, args },
    ]
  })
  // An outer span before what lies below it, as readers nest spans that begin together in this order.
  const sorted = [...spans].sort((a, b) => a.begin - b.begin || b.end - a.end)
  for (const { name, category, pid: owner, begin, end, args } of sorted) {
    const [ts, until] = [microseconds(begin), microseconds(end)]
    events.push({
      name,
      cat: category,
      ph: 'X',
      ts,
      dur: microseconds(until / 1e3 - ts / 1e3),
      pid: owner,
      tid: owner,
      args,
    })
  }
  const lines = events.map((event) => JSON.stringify(event)).join(',\n')
  const otherData = { clock: 'CLOCK_MONOTONIC', ...(dropped > 0 && { dropped }) }
  return `{"displayTimeUnit":"ms","otherData":${JSON.stringify(otherData)},"traceEvents":[\n${lines}\n]}\n`
}

/** With nanoseconds, and none of what a sum of fractions leaves behind. */
function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1e6) / 1e3
}
