import type { IdMapping, Spec } from '../schema.gen.ts'
import { type Check, namespaceOf, type Report } from './check.ts'

/** UID_GID_MAP_MAX_EXTENTS of Linux 4.15. */
const maxMappings = 340
const ids = 2 ** 32

const fields = ['uidMappings', 'gidMappings'] as const

/** A new user namespace without maps has no users: nothing could run in it. */
export const mappingsAndNamespace: Check<Spec> = {
  section: 'config-linux.md#user-namespace-mappings',
  reads: ['/linux/uidMappings', '/linux/gidMappings', '/linux/namespaces'],
  run(spec, report) {
    const user = namespaceOf(spec, 'user')
    for (const field of fields) {
      const given = (spec.linux?.[field]?.length ?? 0) > 0
      if (given && user === undefined) {
        report.problem(`/linux/${field}`, 'needs a user namespace', 'add { "type": "user" } to linux.namespaces')
      } else if (!given && user !== undefined && user.path === undefined) {
        report.problem(`/linux/${field}`, 'is required with a new user namespace')
      }
    }
  },
}

/** What the kernel refuses in /proc/PID/uid_map with EINVAL: user_namespaces(7). */
export const mappings: Check<Spec> = {
  section: 'config-linux.md#user-namespace-mappings; user_namespaces(7)',
  reads: ['/linux/uidMappings', '/linux/gidMappings'],
  run({ linux }, report) {
    for (const field of fields) checkList(linux?.[field] ?? [], `/linux/${field}`, report)
  },
}

/** An id-mapped mount gets its mappings from a user namespace: the same rules hold. */
export const mountMappingRanges: Check<Spec> = {
  section: 'config.md#posix-platform-mounts; user_namespaces(7)',
  reads: ['/mounts'],
  run({ mounts }, report) {
    mounts?.forEach((mount, index) => {
      for (const field of fields) checkList(mount[field] ?? [], `/mounts/${index}/${field}`, report)
    })
  },
}

function checkList(list: readonly IdMapping[], pointer: string, report: Report): void {
  if (list.length > maxMappings) {
    report.problem(pointer, `must have at most ${maxMappings} items, has ${list.length}`)
    return
  }
  list.forEach((mapping, index) => range(mapping, `${pointer}/${index}`, report))
  overlaps(list, 'containerID', pointer, report)
  overlaps(list, 'hostID', pointer, report)
}

function range({ containerID, hostID, size }: IdMapping, pointer: string, report: Report): void {
  if (size === 0) report.problem(`${pointer}/size`, 'must be at least 1, is 0')
  else if (containerID + size > ids - 1 || hostID + size > ids - 1) {
    report.problem(`${pointer}/size`, `must not reach beyond the last id, ${ids - 2}, is ${size}`)
  }
}

function overlaps(list: readonly IdMapping[], field: 'containerID' | 'hostID', pointer: string, report: Report): void {
  const sorted = list.map((mapping, index) => ({ start: mapping[field], end: mapping[field] + mapping.size, index }))
  sorted.sort((a, b) => a.start - b.start || a.index - b.index)
  let last = sorted[0]
  for (const next of sorted.slice(1)) {
    if (last === undefined) break
    if (next.start < last.end && next.start < next.end) {
      const [earlier, later] = last.index < next.index ? [last, next] : [next, last]
      report.problem(`${pointer}/${later.index}/${field}`, `must not overlap the range of item ${earlier.index}`)
    }
    if (next.end > last.end) last = next
  }
}
