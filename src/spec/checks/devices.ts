import { describe, quote } from '../problem.ts'
import type { Spec } from '../schema.gen.ts'
import { type Check, isAbsolute } from './check.ts'

/** MINORBITS of linux/kdev_t.h: 12 bits of major, 20 of minor number. */
const largest = { major: 0xfff, minor: 0xfffff }

export const devices: Check<Spec> = {
  section: 'config-linux.md#devices',
  reads: ['/linux/devices'],
  run({ linux }, report) {
    linux?.devices?.forEach((device, index) => {
      const pointer = `/linux/devices/${index}`
      if (!isAbsolute(device.path)) {
        report.problem(`${pointer}/path`, `must be an absolute path, is ${describe(device.path)}`)
      }
      if (device.type === 'p') return
      for (const field of ['major', 'minor'] as const) {
        const number = device[field]
        if (number === undefined)
          report.problem(`${pointer}/${field}`, `is required for a device of type ${device.type}`)
        else if (number < 0 || number > largest[field]) {
          report.problem(`${pointer}/${field}`, `must be from 0 to ${largest[field]}, is ${number}`)
        }
      }
    })
  },
}

export const deviceRules: Check<Spec> = {
  section: 'config-linux.md#allowed-device-list',
  reads: ['/linux/resources/devices'],
  run({ linux }, report) {
    linux?.resources?.devices?.forEach(({ type, access, major, minor }, index) => {
      const pointer = `/linux/resources/devices/${index}`
      if (type !== undefined && !['', 'a', 'b', 'c'].includes(type)) {
        report.problem(`${pointer}/type`, `must be a, b or c, is ${quote(type)}`)
      }
      if (access !== undefined && !consistsOf(access, 'rwm')) {
        report.problem(`${pointer}/access`, `must consist of r, w and m, is ${quote(access)}`)
      }
      // -1 is how runtimes and daemons write "all".
      if (major !== undefined && (major < -1 || major > largest.major)) {
        report.problem(`${pointer}/major`, `must be from 0 to ${largest.major}, or -1 for all, is ${major}`)
      }
      if (minor !== undefined && (minor < -1 || minor > largest.minor)) {
        report.problem(`${pointer}/minor`, `must be from 0 to ${largest.minor}, or -1 for all, is ${minor}`)
      }
    })
  },
}

function consistsOf(text: string, letters: string): boolean {
  for (const letter of text) if (!letters.includes(letter)) return false
  return true
}
