import { describe, quote } from '../problem.ts'
import type { Spec } from '../schema.gen.ts'
import { type Check, isAbsolute } from './check.ts'

export const restrictedPaths: Check<Spec> = {
  section: 'config-linux.md#masked-paths, config-linux.md#readonly-paths',
  reads: ['/linux/maskedPaths', '/linux/readonlyPaths'],
  run({ linux }, report) {
    for (const field of ['maskedPaths', 'readonlyPaths'] as const) {
      linux?.[field]?.forEach((path, index) => {
        if (!isAbsolute(path))
          report.problem(`/linux/${field}/${index}`, `must be an absolute path, is ${describe(path)}`)
      })
    }
  },
}

/** Runtimes may refuse paths: `..` leads out of where the caller may put cgroups. */
export const cgroupsPath: Check<Spec> = {
  section: 'config-linux.md#cgroups-path',
  reads: ['/linux/cgroupsPath'],
  run({ linux }, report) {
    const path = linux?.cgroupsPath
    if (path?.split('/').includes('..') === true) {
      report.problem('/linux/cgroupsPath', `must not contain "..", is ${quote(path)}`)
    }
  },
}
