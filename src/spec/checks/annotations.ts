import type { Spec } from '../schema.gen.ts'
import { mountContextType } from '../annotations.ts'
import type { Check } from './check.ts'

/** Options of mount(2) that carry an SELinux label: mount(8). */
const labelOptions: readonly string[] = ['context', 'fscontext', 'defcontext', 'rootcontext']

export const annotations: Check<Spec> = {
  section: 'config.md#annotations',
  reads: ['/annotations'],
  run({ annotations }, report) {
    if (annotations === undefined) return
    if (Object.hasOwn(annotations, '')) report.problem('/annotations/', 'must have a name')
    const option = annotations[mountContextType]
    // Engines copy annotations of images: a name of any other option must not come through.
    if (option !== undefined && !labelOptions.includes(option)) {
      const message = `must be one of ${labelOptions.join(', ')}, is ${JSON.stringify(option)}`
      report.problem(`/annotations/${mountContextType}`, message)
    }
  },
}
