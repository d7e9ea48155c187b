/**
 * linux.maskedPaths and linux.readonlyPaths (config-linux.md#masked-paths, #readonly-paths). What lies in the container's procfs or
 * sysfs is looked up in that mount, not below the root: who else can write to the root could put another directory in the
 * place of /proc meanwhile, and be left with a procfs that nothing masks (CVE-2019-19921, CVE-2023-28642, CVE-2025-31133).
 */
import type { Register } from '../plan/fields.ts'
import type { PlanBuilder } from '../plan/plan.ts'
import type { Linux } from '../spec/schema.gen.ts'
import type { PreparedMount } from './mounts.ts'
import { containerPath } from './paths.ts'
import { addEmpty } from './root.ts'

/** A mount that stays open until the paths in it are hidden. */
export interface HeldMount {
  mount: PreparedMount
  made: Register
}

type Paths = Pick<Linux, 'maskedPaths' | 'readonlyPaths'>

/** The mounts of the kernel's filesystems in which paths are to be hidden: none but these are looked into by themselves. */
export function mountsToHold(mounts: readonly PreparedMount[], linux: Paths | undefined): ReadonlySet<PreparedMount> {
  const paths = [...(linux?.readonlyPaths ?? []), ...(linux?.maskedPaths ?? [])].map(containerPath)
  const held = new Set<PreparedMount>()
  for (const destination of ['/proc', '/sys']) {
    // The last one covers the others. A path that is the mount itself would cover it, too.
    const mount = mounts.findLast(
      ({ source, destination: at }) => source.from !== 'destination' && isWithin(destination, at),
    )
    if (mount === undefined || !isOfKernel(mount, destination) || paths.some((path) => isWithin(destination, path)))
      continue
    if (paths.some((path) => isWithin(path, destination))) held.add(mount)
  }
  return held
}

/** Whether the path is the directory or lies in it. */
function isWithin(path: string, directory: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`)
}

/** Without absolute symlinks, which would lead elsewhere from there. */
function isOfKernel({ destination, source }: PreparedMount, place: string): boolean {
  if (destination !== place) return false
  const type = place === '/proc' ? 'proc' : 'sysfs'
  return source.from === 'filesystem' ? source.type === type : source.from === 'host' && source.path === place
}

/** Steps that make paths read-only and hide others, where they are there. Closes the mounts. */
export function addHiddenPaths(
  plan: PlanBuilder,
  root: Register,
  linux: Paths | undefined,
  held: readonly HeldMount[],
): void {
  const place = (text: string): { root: Register; path: string } => {
    const path = containerPath(text)
    const found = held.find(({ mount }) => isWithin(path, mount.destination))
    return found === undefined ? { root, path } : { root: found.made, path: path.slice(found.mount.destination.length) }
  }
  linux?.readonlyPaths?.forEach((path, index) => {
    plan.add('readonlyPath', `/linux/readonlyPaths/${index}`, place(path))
  })
  addMaskedPaths(plan, linux?.maskedPaths ?? [], place)
  for (const { mount, made } of held) plan.add('close', mount.origin, { fd: made })
}

/**
 * Hides paths: directories behind one read-only tmpfs, all else behind the null device. The latter is the host's and is
 * proven to be it: the container's own could have been replaced (CVE-2025-31133).
 */
function addMaskedPaths(
  plan: PlanBuilder,
  paths: readonly string[],
  place: (path: string) => { root: Register; path: string },
): void {
  if (paths.length === 0) return
  const from = '/linux/maskedPaths'
  const device = plan.register('null')
  plan.add('openTree', from, { dst: device, path: '/dev/null', flags: 0 })
  plan.add('verifyNull', from, { fd: device })
  const empty = addEmpty(plan, from)
  paths.forEach((path, index) => {
    plan.add('mask', `${from}/${index}`, { ...place(path), empty, null: device })
  })
  plan.add('close', from, { fd: device })
  plan.add('close', from, { fd: empty })
}
