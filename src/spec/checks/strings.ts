import { escapePointer } from '../problem.ts'
import type { Check, Report } from './check.ts'

/** Parts of the configuration whose strings reach system calls. */
const parts = ['process', 'root', 'hostname', 'domainname', 'mounts', 'hooks', 'linux']

/** Beyond what the schema knows there is only what is ignored. */
const maxDepth = 12

/** The kernel's strings end at the first NUL: what follows would be dropped in silence. */
export const noNulInConfig: Check<object> = {
  section: 'config.md; execve(2)',
  reads: [],
  run(spec, report) {
    for (const part of parts)
      if (Object.hasOwn(spec, part)) walk((spec as Record<string, unknown>)[part], `/${part}`, report, 1)
  },
}

/** As `noNulInConfig`, for a `process` object alone. */
export const noNulInProcess: Check<object> = {
  section: 'config.md#process; execve(2)',
  reads: [],
  run(process, report) {
    walk(process, '', report, 0)
  },
}

function walk(value: unknown, pointer: string, report: Report, depth: number): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) report.problem(pointer, 'must not contain a NUL character')
    return
  }
  if (typeof value !== 'object' || value === null || depth >= maxDepth) return
  for (const [key, item] of Object.entries(value)) {
    const child = `${pointer}/${escapePointer(key)}`
    if (key.includes('\0')) report.problem(child, 'must not have a NUL character in its name')
    else walk(item, child, report, depth + 1)
  }
}
