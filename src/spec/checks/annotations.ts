import type { Spec } from '../schema.gen.ts'
import type { Check } from './check.ts'

export const annotations: Check<Spec> = {
  section: 'config.md#annotations',
  reads: ['/annotations'],
  run({ annotations }, report) {
    if (annotations !== undefined && Object.hasOwn(annotations, '')) report.problem('/annotations/', 'must have a name')
  },
}
