/**
 * Names of systemd: from `slice:prefix:name` to the unit and to the place of its cgroup (systemd.slice(5), systemd.scope(5)).
 * Pure.
 */
import { RuntError } from '../../errors.ts'

const origin = '/linux/cgroupsPath'

export interface UnitPlace {
  /** `runt-web.scope`, or a slice. */
  unit: string
  /** The slice that holds it. */
  slice: string
  /** Of its cgroup, below that of the systemd that manages it, with a leading slash. */
  path: string
}

/**
 * Where a container's unit lies.
 * @param cgroupsPath `slice:prefix:name`; each part may be empty
 * @param defaultSlice for an empty slice: `system.slice` of the machine's systemd, `user.slice` of a user's
 * @throws RuntError `CGROUP_PATH`
 */
export function unitPlace(id: string, cgroupsPath: string | undefined, defaultSlice: string): UnitPlace {
  const parts = cgroupsPath === undefined || cgroupsPath === '' ? ['', '', ''] : cgroupsPath.split(':')
  if (parts.length !== 3) {
    throw refused(
      `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "${cgroupsPath}" instead`,
      'for a path of cgroupfs leave --systemd-cgroup out',
    )
  }
  const [slice, prefix, name] = parts as [string, string, string]
  const inSlice = slice === '' ? defaultSlice : slice
  const scopeName = name === '' ? id : name
  const unit = scopeName.endsWith('.slice')
    ? scopeName
    : `${[cgroupsPath === undefined || cgroupsPath === '' ? 'runt' : prefix, scopeName].filter(Boolean).join('-')}.scope`
  // What systemd takes in a name; the backslash begins an escape.
  if (!/^[A-Za-z0-9:_.\\@-]+$/.test(unit) || unit.length > 255) {
    throw refused(
      `"${unit}" is not a name for a unit of systemd`,
      'letters, digits and :_.\\@- are, 255 at most: see systemd-escape(1)',
    )
  }
  const parent = slicePath(inSlice)
  return { unit, slice: inSlice, path: unit.endsWith('.slice') ? slicePath(unit) : `${parent}/${unit}` }
}

/**
 * The path of a slice: `a-b.slice` lies in `a.slice`, and `-.slice` is the root ('').
 * @throws RuntError `CGROUP_PATH`
 */
export function slicePath(slice: string): string {
  const match = /^([^/]+)\.slice$/.exec(slice)
  const parts = match?.[1] === '-' ? [] : match?.[1]?.split('-')
  if (parts === undefined || parts.includes('')) {
    throw refused(`"${slice}" is not a slice of systemd`, 'a slice is called like a.slice, or a-b.slice within it')
  }
  return parts.map((_, depth) => `/${parts.slice(0, depth + 1).join('-')}.slice`).join('')
}

function refused(message: string, hint: string): RuntError {
  return new RuntError('CGROUP_PATH', message, { origin, hint })
}
