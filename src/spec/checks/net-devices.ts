import { utf8Length } from '../../bytes.ts'
import { escapePointer, quote } from '../problem.ts'
import type { Spec } from '../schema.gen.ts'
import { type Check, namespaceOf } from './check.ts'

/** IFNAMSIZ of linux/if.h without the final NUL, in bytes. */
const maxName = 15

/** As dev_valid_name of the kernel (net/core/dev.c). Undefined if the name is one. */
function whyNotName(name: string): string | undefined {
  const bytes = utf8Length(name)
  if (bytes === 0 || bytes > maxName) return `must have 1 to ${maxName} bytes, has ${bytes}`
  if (name === '.' || name === '..' || /[/:\s]/.test(name)) {
    return `must be the name of a network device, without "/", ":" and white space, is ${quote(name)}`
  }
  return undefined
}

/** Network devices that are moved into the container, each under a name that no other has. */
export const netDevices: Check<Spec> = {
  section: 'config-linux.md#network-devices',
  reads: ['/linux/netDevices', '/linux/namespaces'],
  run(spec, report) {
    const devices = Object.entries(spec.linux?.netDevices ?? {})
    if (devices.length === 0) return
    if (namespaceOf(spec, 'network') === undefined) {
      report.problem('/linux/netDevices', 'needs a network namespace', 'add { "type": "network" } to linux.namespaces')
    }
    const taken = new Map<string, string>()
    for (const [from, { name }] of devices) {
      const pointer = `/linux/netDevices/${escapePointer(from)}`
      const wrong = whyNotName(from)
      if (wrong !== undefined) report.problem(pointer, wrong)
      const to = name === undefined || name === '' ? from : name
      const place = to === from ? pointer : `${pointer}/name`
      const template = to !== from && to.includes('%')
      const bad = to === from ? undefined : whyNotName(to)
      const other = taken.get(to)
      if (bad !== undefined) report.problem(place, bad)
      else if (template && !/^[^%]*%d[^%]*$/.test(to)) {
        report.problem(place, 'may have one %d, which the kernel replaces by a number, and no other "%"')
      } else if (other !== undefined && !template) {
        report.problem(place, `must not repeat: ${quote(other)} is to be called ${quote(to)} too`)
      }
      taken.set(to, from)
    }
  },
}
