import { utf8Length } from '../../bytes.ts'
import { quote } from '../problem.ts'
import type { Spec } from '../schema.gen.ts'
import { type Check, isAbsolute, namespaceOf } from './check.ts'

export const namespaces: Check<Spec> = {
  section: 'config-linux.md#namespaces',
  reads: ['/linux/namespaces'],
  run({ linux }, report) {
    const first = new Map<string, number>()
    linux?.namespaces?.forEach(({ type, path }, index) => {
      const pointer = `/linux/namespaces/${index}`
      const earlier = first.get(type)
      if (earlier === undefined) first.set(type, index)
      else report.problem(`${pointer}/type`, `must not repeat: namespaces[${earlier}] is of type ${type} too`)
      if (path !== undefined && !isAbsolute(path)) {
        report.problem(`${pointer}/path`, `must be an absolute path, is ${quote(path)}`)
      }
    })
  },
}

/** __NEW_UTS_LEN of linux/utsname.h, in bytes. */
const maxName = 64

/** Names are set in a UTS namespace of the container's, never in the runtime's own. */
export const hostNames: Check<Spec> = {
  section: 'config.md#hostname, config.md#domainname; sethostname(2)',
  reads: ['/hostname', '/domainname', '/linux/namespaces'],
  run(spec, report) {
    for (const field of ['hostname', 'domainname'] as const) {
      const name = spec[field]
      if (name === undefined) continue
      if (namespaceOf(spec, 'uts') === undefined) {
        report.problem(`/${field}`, 'needs a uts namespace', 'add { "type": "uts" } to linux.namespaces')
      } else if (utf8Length(name) > maxName) {
        report.problem(`/${field}`, `must have at most ${maxName} bytes, has ${utf8Length(name)}`)
      }
    }
  },
}

/** Clocks that time_namespaces(7) can offset. */
const clocks = ['monotonic', 'boottime']

export const timeOffsets: Check<Spec> = {
  section: 'config-linux.md#offset-for-time-namespace',
  reads: ['/linux/timeOffsets', '/linux/namespaces'],
  run(spec, report) {
    const offsets = Object.entries(spec.linux?.timeOffsets ?? {})
    const time = namespaceOf(spec, 'time')
    if (offsets.length > 0 && time === undefined) {
      report.problem('/linux/timeOffsets', 'needs a time namespace', 'add { "type": "time" } to linux.namespaces')
    } else if (offsets.length > 0 && time?.path !== undefined) {
      report.problem(
        '/linux/timeOffsets',
        'must not be set: the time namespace is joined, and its clocks were set when it was made',
        'leave out the path of the time namespace, or the offsets',
      )
    }
    for (const [clock, { nanosecs }] of offsets) {
      const pointer = `/linux/timeOffsets/${clock.replaceAll('~', '~0').replaceAll('/', '~1')}`
      if (!clocks.includes(clock)) report.problem(pointer, `must be a clock: ${clocks.join(' or ')}`)
      if (nanosecs !== undefined && nanosecs > 999_999_999) {
        report.problem(`${pointer}/nanosecs`, `must be at most 999999999, is ${nanosecs}`)
      }
    }
  },
}
