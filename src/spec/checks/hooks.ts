import { describe } from '../problem.ts'
import type { Spec } from '../schema.gen.ts'
import { type Check, isAbsolute } from './check.ts'

const events = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const

export const hooks: Check<Spec> = {
  section: 'config.md#posix-platform-hooks',
  reads: ['/hooks'],
  run({ hooks }, report) {
    for (const event of events) {
      hooks?.[event]?.forEach(({ path }, index) => {
        if (isAbsolute(path)) return
        report.problem(`/hooks/${event}/${index}/path`, `must be an absolute path, is ${describe(path)}`)
      })
    }
  },
}
