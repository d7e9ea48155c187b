import type { IdMapping, Spec } from '../schema.gen.ts'
import { type Check, namespaceOf, type Report } from './check.ts'

/** UID_GID_MAP_MAX_EXTENTS of Linux 4.15. */
const maxMappings = 340
/** map_write() of kernel/user_namespace.c takes less than a page. */
const maxBytes = 4096
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
  const bytes = list.reduce(
    (sum, { containerID, hostID, size }) => sum + `${containerID} ${hostID} ${size}\n`.length,
    0,
  )
  if (bytes >= maxBytes) {
    const message = `must be shorter: its ${list.length} items make ${bytes} bytes of text, and the kernel takes ${maxBytes - 1}`
    report.problem(pointer, message, 'join ranges that follow each other')
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

/** Filesystems whose options `uid` and `gid` name ids of the user namespace in which they are mounted. */
const withOwner = ['tmpfs', 'devpts']

/** Ids that a new user namespace does not have: the kernel says EINVAL to whoever asks for them, and nothing else. */
export const mappedIds: Check<Spec> = {
  section: 'config-linux.md#user-namespace-mappings; user_namespaces(7)',
  reads: ['/linux/uidMappings', '/linux/gidMappings', '/linux/namespaces', '/process/user', '/mounts'],
  run(spec, report) {
    const user = namespaceOf(spec, 'user')
    const { uidMappings, gidMappings } = spec.linux ?? {}
    if (user === undefined || user.path !== undefined || !uidMappings?.length || !gidMappings?.length) return
    const whole = [...uidMappings, ...gidMappings].every(
      ({ containerID, size }) => size > 0 && containerID + size < ids,
    )
    if (!whole) return
    const check = (id: number, kind: 'uid' | 'gid', pointer: string, is: string): void => {
      const field = kind === 'uid' ? 'uidMappings' : 'gidMappings'
      if (isMapped(id, kind === 'uid' ? uidMappings : gidMappings)) return
      report.problem(pointer, `${is}, which linux.${field} does not map`, 'map it, or leave it out')
    }
    const { uid = 0, gid = 0, additionalGids } = spec.process?.user ?? {}
    check(uid, 'uid', '/process/user/uid', `is ${uid}`)
    check(gid, 'gid', '/process/user/gid', `is ${gid}`)
    additionalGids?.forEach((id, index) => check(id, 'gid', `/process/user/additionalGids/${index}`, `is ${id}`))
    spec.mounts?.forEach(({ type, options }, mount) => {
      if (type === undefined || !withOwner.includes(type)) return
      options?.forEach((option, index) => {
        const found = /^(uid|gid)=(\d+)$/.exec(option)
        // The group of terminals, which is in every default configuration, is left out with a warning (src/rootfs/mounts.ts).
        if (found === null || (type === 'devpts' && found[1] === 'gid')) return
        check(Number(found[2]), found[1] as 'uid' | 'gid', `/mounts/${mount}/options/${index}`, `is "${option}"`)
      })
    })
  },
}

function isMapped(id: number, list: readonly IdMapping[]): boolean {
  return list.some(({ containerID, size }) => id >= containerID && id < containerID + size)
}
