import { quote } from '../problem.ts'
import type { Spec } from '../schema.gen.ts'
import type { Check } from './check.ts'

/** Directories and files that resctrl has itself (Documentation/arch/x86/resctrl.rst). */
const ownNames = ['info', 'mon_groups', 'mon_data']

export const intelRdt: Check<Spec> = {
  section: 'config-linux.md#intelrdt',
  reads: ['/linux/intelRdt'],
  run({ linux }, report) {
    const { closID, memBwSchema, schemata } = linux?.intelRdt ?? {}
    if (closID !== undefined && closID !== '/' && closID !== '') {
      const bad = closID === '.' || closID === '..' || /[/\n]/.test(closID) || ownNames.includes(closID)
      if (bad) {
        report.problem('/linux/intelRdt/closID', `must be the name of a directory of resctrl, is ${quote(closID)}`)
      }
    }
    if (memBwSchema !== undefined && memBwSchema !== '' && !/^MB:[^\n]*$/.test(memBwSchema)) {
      report.problem('/linux/intelRdt/memBwSchema', `must be one line that begins with "MB:", is ${quote(memBwSchema)}`)
    }
    schemata?.forEach((line, index) => {
      if (line.includes('\n')) report.problem(`/linux/intelRdt/schemata/${index}`, 'must be one line')
    })
  },
}
