/**
 * Gives a cgroup to the user who runs the container, so that the container can divide it further (config-linux.md, "Cgroup
 * ownership"; cgroup-v2.rst, "Delegation"). What limits the container stays with its former owner. Loaded only for that.
 */
import type { Fd, Host } from '../host/host.ts'
import { failed } from './failures.ts'

const listOfFiles = '/sys/kernel/cgroup/delegate'

/** Where the kernel has no list (config-linux.md, "Cgroup ownership"). */
const oldest = ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads']

/** Below a user namespace, uid_map(5) of its processes: first id inside, first id outside, how many. */
const line = /^\s*(\d+)\s+(\d+)\s+(\d+)\s*$/

/** The id outside for one inside, by the text of a process's uid_map; undefined for one that is not mapped. */
export function hostUid(map: string, uid: number): number | undefined {
  for (const text of map.split('\n')) {
    const [, inside, outside, size] = (line.exec(text) ?? []).map(Number)
    if (inside === undefined || outside === undefined || size === undefined) continue
    if (uid >= inside && uid - inside < size) return outside + (uid - inside)
  }
  return undefined
}

/**
 * Gives the directory and the files that the kernel lists to a user: nothing above or below them, and no file of a limit.
 * @param fd the cgroup's directory
 * @param path the same, for errors
 * @param origin the mount that lets the container write there
 * @throws RuntError `CGROUP_DELEGATE`
 */
export async function delegateCgroup(host: Host, fd: Fd, path: string, uid: number, origin: string): Promise<void> {
  const what = `give cgroup ${path} to user ${uid}`
  try {
    const list = await host.files.readTextIfExists(listOfFiles)
    await host.cgroups.chown(fd, list === undefined ? oldest : list.split('\n').filter(Boolean), uid)
  } catch (error) {
    throw failed('CGROUP_DELEGATE', what, error, {
      origin,
      hint: 'add "ro" to the options of the mount at /sys/fs/cgroup, and the cgroup stays with its owner',
    })
  }
}
