/** What tests of mounts share: how a container's mounts are read. */
import { lines } from './harness.ts'

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
