import type { Spec } from '../schema.gen.ts'
import type { Check } from './check.ts'

/** Required on all platforms but Windows. A relative path counts from the bundle. */
export const root: Check<Spec> = {
  section: 'config.md#root',
  reads: ['/root'],
  run({ root }, report) {
    if (root === undefined) report.problem('/root', 'is required')
    else if (root.path === '') report.problem('/root/path', 'must not be empty')
  },
}
