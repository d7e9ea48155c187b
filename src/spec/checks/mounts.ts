import { quote } from '../problem.ts'
import type { Mount, Spec } from '../schema.gen.ts'
import { type Check, isAbsolute } from './check.ts'

const isBind = (mount: Mount): boolean =>
  mount.options?.some((option) => option === 'bind' || option === 'rbind') === true

/** Relative destinations were allowed until 1.0.2 of the specification, and count from the root. */
export const mountDestinations: Check<Spec> = {
  section: 'config.md#mounts',
  reads: ['/mounts'],
  run({ mounts }, report) {
    mounts?.forEach(({ destination }, index) => {
      const pointer = `/mounts/${index}/destination`
      if (destination === '') report.problem(pointer, 'must not be empty')
      else if (!isAbsolute(destination)) {
        report.warning(
          pointer,
          `should be an absolute path, is ${quote(destination)}: taken as ${quote(`/${destination}`)}`,
        )
      }
    })
  },
}

/** A mount is a bind mount if and only if its options have `bind` or `rbind`. */
export const mountSources: Check<Spec> = {
  section: 'config.md#mounts',
  reads: ['/mounts'],
  run({ mounts }, report) {
    mounts?.forEach((mount, index) => {
      const pointer = `/mounts/${index}`
      if (isBind(mount)) {
        if (mount.source === undefined) report.problem(`${pointer}/source`, 'is required for a bind mount')
      } else if (mount.type === undefined) {
        report.problem(`${pointer}/type`, 'is required', 'for a bind mount, add "bind" or "rbind" to the options')
      }
    })
  },
}

/** Files of /proc that lxcfs and its like replace. What runc allows, and nothing that runt or a program's security depends on. */
const replaceable = new Set(
  ['cpuinfo', 'diskstats', 'loadavg', 'meminfo', 'slabinfo', 'stat', 'swaps', 'uptime']
    .map((name) => `/proc/${name}`)
    .concat('/proc/sys/kernel/ns_last_pid', '/proc/sys/crypto/fips_enabled'),
)

/**
 * A volume of an image over /proc, or in it, would stand in for files by which the kernel secures processes (CVE-2019-16884).
 * One over the root would be the root of `exec` only.
 */
export const protectedDestinations: Check<Spec> = {
  section: 'config.md#mounts',
  reads: ['/mounts'],
  run({ mounts }, report) {
    mounts?.forEach((mount, index) => {
      const pointer = `/mounts/${index}/destination`
      const destination = cleanPath(mount.destination)
      if (destination === '/' && mount.destination !== '')
        report.problem(pointer, 'must not be the root itself: it is root.path')
      else if (destination === '/proc' && !isProc(mount)) {
        report.problem(pointer, 'must not be /proc for anything but a procfs')
      } else if (destination.startsWith('/proc/') && !replaceable.has(destination)) {
        report.problem(pointer, `must not be inside /proc, is ${quote(mount.destination)}`)
      }
    })
  },
}

/** A procfs, or a bind of the host's, which containers in the host's pid namespace have. */
function isProc(mount: Mount): boolean {
  // Without a type it is no mount at all, which is another check's to tell.
  if (!isBind(mount) && mount.type !== 'bind') return mount.type === 'proc' || mount.type === undefined
  return mount.source !== undefined && isAbsolute(mount.source) && cleanPath(mount.source) === '/proc'
}

/** The path as an absolute one, without `.`, `..` and doubled slashes. */
function cleanPath(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

/** An id-mapped mount needs both maps. */
export const mountMappings: Check<Spec> = {
  section: 'config.md#posix-platform-mounts',
  reads: ['/mounts'],
  run({ mounts }, report) {
    mounts?.forEach(({ uidMappings, gidMappings }, index) => {
      const [users, groups] = [uidMappings?.length ?? 0, gidMappings?.length ?? 0]
      if (users > 0 && groups === 0) report.problem(`/mounts/${index}/gidMappings`, 'is required with uidMappings')
      if (groups > 0 && users === 0) report.problem(`/mounts/${index}/uidMappings`, 'is required with gidMappings')
    })
  },
}
