import { capabilityNames } from '../names.ts'
import { didYouMean, quote } from '../problem.ts'
import type { Process } from '../schema.gen.ts'
import type { Check } from './check.ts'

const sets = ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'] as const

/** Runtimes SHOULD NOT fail on a capability that they cannot map: a newer kernel may have it. Each is told once. */
export const unknownCapabilities: Check<Process> = {
  section: 'config.md#linux-process',
  reads: ['/capabilities'],
  run({ capabilities }, report) {
    const told = new Set<string>()
    for (const set of sets) {
      capabilities?.[set]?.forEach((name, index) => {
        if (capabilityNames.includes(name) || told.has(name)) return
        told.add(name)
        report.warning(
          `/capabilities/${set}/${index}`,
          `is an unknown capability, ${quote(name)}, and is ignored`,
          didYouMean(name, capabilityNames),
        )
      })
    }
  },
}

/**
 * capset(2) fails with EPERM on an effective capability that is not permitted.
 * Ambient ones that are not also permitted and inheritable are left to the kernel, which does without them.
 */
export const effectiveCapabilities: Check<Process> = {
  section: 'config.md#linux-process; capset(2)',
  reads: ['/capabilities'],
  run({ capabilities }, report) {
    const permitted = capabilities?.permitted ?? []
    capabilities?.effective?.forEach((name, index) => {
      if (permitted.includes(name) || !capabilityNames.includes(name)) return
      report.problem(
        `/capabilities/effective/${index}`,
        `must also be in permitted, is only effective: ${name}`,
        `add "${name}" to process.capabilities.permitted`,
      )
    })
  },
}
