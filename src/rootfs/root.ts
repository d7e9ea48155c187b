/** The root itself: propagation, entering it, and what is hidden or read-only in it. */
import type { ConfigProblem } from '../errors.ts'
import type { Register } from '../plan/fields.ts'
import { at, mountAttr, propagation } from '../plan/kernel.ts'
import { ownOrigin, type PlanBuilder } from '../plan/plan.ts'
import type { Linux } from '../spec/schema.gen.ts'

/** What rootfsPropagation asks for (config-linux.md#rootfs-mount-propagation). */
export interface RootPropagation {
  origin: string
  /** Of all mounts of the new mount namespace, recursively, before anything is mounted. */
  before: number
  /** Of the new root once it is entered; 0: as it is. */
  after: number
  recursive: boolean
  /** Mounts marked as shared keep their tie with the host. */
  sharesWithHost: boolean
}

const origin = '/linux/rootfsPropagation'

/** Without the field, mounts of the host reach the container and none goes back (rslave), as runc has it. */
export function rootPropagation(
  value: Linux['rootfsPropagation'],
  noPivot: boolean,
  problems: ConfigProblem[],
): RootPropagation {
  const recursive = value?.startsWith('r') ?? false
  const type = recursive ? value?.slice(1) : value
  const result = (before: number, after: number, sharesWithHost = false): RootPropagation => {
    return { origin: type === undefined ? ownOrigin : origin, before, after, recursive, sharesWithHost }
  }
  switch (type) {
    case 'private':
      // Without pivot_root the host's mounts stay below the root, and private ones would never be freed.
      if (noPivot) problems.push({ pointer: origin, message: `must not be ${value ?? ''} with --no-pivot` })
      return result(propagation.PRIVATE, 0)
    case 'unbindable':
      return result(propagation.PRIVATE, propagation.UNBINDABLE)
    case 'shared':
      return result(propagation.SLAVE, propagation.SHARED, true)
    case 'slave':
      return result(propagation.SLAVE, propagation.SLAVE)
    default:
      return result(propagation.SLAVE, 0)
  }
}

/** Cuts the new mount namespace's ties: nothing that is mounted from here on reaches the host. */
export function addPropagation(plan: PlanBuilder, wanted: RootPropagation): void {
  plan.add('propagation', wanted.origin, { path: '/', propagation: wanted.before, flags: at.RECURSIVE })
}

/** The same for the root alone, where the mount namespace is not the container's to change. */
export function addRootPropagation(plan: PlanBuilder, root: Register, type: number, wanted: RootPropagation): void {
  const fields = { mount: root, set: 0, clear: 0, propagation: type, flags: at.RECURSIVE }
  plan.add('mountAttributes', wanted.origin === ownOrigin ? '/root/path' : wanted.origin, fields)
}

/** Takes the root's tree from the host. */
export function cloneRoot(plan: PlanBuilder, path: string): Register {
  const root = plan.register('root')
  plan.add('openTree', '/root/path', { dst: root, path, flags: at.RECURSIVE })
  return root
}

/**
 * Covers whole mounts of the host's procfs and sysfs. Without pivot_root they stay in the namespace, below the root, and where
 * one of them is uncovered the kernel lets every user namespace that a process of the container makes mount another, without
 * what masks and protects its files (mount_too_revealing() of fs/namespace.c).
 */
export function addCovers(plan: PlanBuilder, paths: readonly string[]): void {
  if (paths.length === 0) return
  const from = '--no-pivot'
  const host = plan.register('the host')
  plan.add('openRoot', from, { dst: host })
  const empty = addEmpty(plan, from)
  for (const path of paths) plan.add('mask', from, { root: host, path, empty, null: empty })
  plan.add('close', from, { fd: empty })
  plan.add('close', from, { fd: host })
}

/** A read-only tmpfs with nothing in it. */
export function addEmpty(plan: PlanBuilder, from: string): Register {
  const empty = plan.register('empty')
  plan.add('newMount', from, {
    dst: empty,
    type: 'tmpfs',
    source: 'tmpfs',
    parameters: ['mode=755', 'nr_blocks=1', 'nr_inodes=1'],
    attributes: mountAttr.RDONLY | mountAttr.NOSUID | mountAttr.NODEV | mountAttr.NOEXEC,
  })
  return empty
}

/** Makes the root the process's, and hides the host's. */
export function addPivot(plan: PlanBuilder, root: Register, noPivot: boolean, wanted: RootPropagation): void {
  plan.add('pivotRoot', ownOrigin, { root, move: noPivot ? 1 : 0 })
  if (wanted.after === 0) return
  const flags = wanted.recursive ? at.RECURSIVE : 0
  plan.add('propagation', wanted.origin, { path: '/', propagation: wanted.after, flags })
}

export function addReadonlyRoot(plan: PlanBuilder, root: Register): void {
  const fields = { mount: root, set: mountAttr.RDONLY, clear: 0, propagation: 0, flags: 0 }
  plan.add('mountAttributes', '/root/readonly', fields)
}
