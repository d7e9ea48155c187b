import type { Spec } from '../schema.gen.ts'
import { quote } from '../problem.ts'
import type { Check } from './check.ts'

// SemVer 2.0.0.
const semver = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/

/** Versions of one major are compatible; nothing is known of the next one. */
export const version: Check<Spec> = {
  section: 'config.md#specification-version',
  reads: ['/ociVersion'],
  run({ ociVersion }, report) {
    const major = semver.exec(ociVersion)?.[1]
    if (major === undefined) {
      report.problem('/ociVersion', `must be a version such as 1.3.0, is ${quote(ociVersion)}`)
    } else if (major !== '1') {
      report.problem('/ociVersion', `must be a version 1 of the specification, is ${quote(ociVersion)}`)
    }
  },
}
