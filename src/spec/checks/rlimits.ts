import { rlimitNames } from '../names.ts'
import { rlimitValue } from '../numbers.ts'
import { didYouMean, quote } from '../problem.ts'
import type { Process } from '../schema.gen.ts'
import type { Check } from './check.ts'

export const rlimits: Check<Process> = {
  section: 'config.md#posix-process; setrlimit(2)',
  reads: ['/rlimits'],
  run({ rlimits }, report) {
    const first = new Map<string, number>()
    rlimits?.forEach(({ type, soft, hard }, index) => {
      const pointer = `/rlimits/${index}`
      const earlier = first.get(type)
      if (!rlimitNames.includes(type)) {
        report.problem(
          `${pointer}/type`,
          `must be a resource of getrlimit(2), is ${quote(type)}`,
          didYouMean(type, rlimitNames),
        )
      } else if (earlier !== undefined) {
        report.problem(`${pointer}/type`, `must not repeat: rlimits[${earlier}] is ${type} too`)
      } else {
        first.set(type, index)
      }
      if (rlimitValue(soft) > rlimitValue(hard)) {
        report.problem(`${pointer}/soft`, `must be at most the hard limit (${hard}), is ${soft}`)
      }
    })
  },
}
