/** What tests of mounts share: how a container's mounts are read, and containers in user namespaces. */
import { chmodSync } from 'node:fs'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { lines, type Sandbox } from './harness.ts'

export interface SeenMount {
  /** Path inside the filesystem. */
  root: string
  options: string[]
  /** `shared:1`, `master:2`, `unbindable`. */
  propagation: string[]
  type: string
  source: string
  superblock: string[]
}

/** The topmost mount at a point, as a mountinfo text has it: proc_pid_mountinfo(5). */
export function mountAt(mountinfo: string, point: string): SeenMount | undefined {
  for (const line of lines(mountinfo).reverse()) {
    const fields = line.split(' ')
    if (fields[4] !== point) continue
    const dash = fields.indexOf('-')
    return {
      root: fields[3]!,
      options: fields[5]!.split(','),
      propagation: fields.slice(6, dash),
      type: fields[dash + 1]!,
      source: fields[dash + 2]!,
      superblock: fields[dash + 3]!.split(','),
    }
  }
  return undefined
}

export const mountinfo = ['cat', '/proc/self/mountinfo']

/** The arguments of the tests' program for several verbs. */
export function verbs(...list: string[][]): string[] {
  return ['inside', ...list.flatMap((words, index) => (index === 0 ? words : ['--', ...words]))]
}

/** A user namespace whose root is user 100000 of the host. */
export function ownUsers(spec: Spec, size = 65_536): void {
  spec.linux!.namespaces!.push({ type: 'user' })
  spec.linux!.uidMappings = [{ containerID: 0, hostID: 100_000, size }]
  spec.linux!.gidMappings = [{ containerID: 0, hostID: 100_000, size }]
}

/** The mapped root is nobody on the host: the way to the rootfs must be open to others. */
export function openUp(sandbox: Sandbox, ...directories: string[]): void {
  for (const directory of [sandbox.dir, sandbox.bundle, ...directories]) chmodSync(directory, 0o755)
}
