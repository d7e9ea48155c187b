/**
 * One cgroup of the v2 hierarchy as a directory: where the hierarchy is, what runs in a cgroup, and how it is ended and removed.
 * Knows neither config.json nor limits.
 */
import { RuntError } from '../errors.ts'
import type { CgroupTasks, Fd, Host } from '../host/host.ts'
import { codeOf, failed, inWords, isGone, readOfProcess } from './failures.ts'

/** CGROUP2_SUPER_MAGIC of linux/magic.h: what statfs(2) says of a cgroup v2 mount. */
export const cgroup2Magic = 0x63677270

const noCgroup2Hint =
  'boot with systemd.unified_cgroup_hierarchy=1 on the kernel command line, or: mount -t cgroup2 none /sys/fs/cgroup'

/**
 * The directory where the cgroup v2 hierarchy is mounted: /sys/fs/cgroup, or /sys/fs/cgroup/unified on a hybrid system
 * (where the controllers may all be v1's), or wherever /proc/self/mountinfo says.
 * @throws RuntError `NO_CGROUP2`
 */
export async function findCgroupRoot(host: Host): Promise<string> {
  for (const path of ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']) {
    if ((await host.files.filesystemType(path)) === cgroup2Magic) return path
  }
  const mounts = (await host.files.readTextIfExists('/proc/self/mountinfo')) ?? ''
  for (const line of mounts.split('\n')) {
    // proc_pid_mountinfo(5): id, parent, device, root, mount point, options, optional fields, "-", type …
    const [left = '', right = ''] = line.split(' - ')
    const [, , , root, mountPoint] = left.split(' ')
    // A mount of a part of the hierarchy does not show the cgroups by their paths.
    if (!right.startsWith('cgroup2 ') || root !== '/' || mountPoint === undefined) continue
    const path = mountPoint.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
    // Another mount may cover it.
    if ((await host.files.filesystemType(path)) === cgroup2Magic) return path
  }
  throw new RuntError('NO_CGROUP2', 'find the cgroup v2 hierarchy: it is not mounted', { hint: noCgroup2Hint })
}

/**
 * The cgroup of the calling process in the v2 hierarchy, as a path with a leading slash.
 * @throws RuntError `NO_CGROUP2`
 */
export async function ownCgroup(host: Host): Promise<string> {
  const text = await host.files.readText('/proc/self/cgroup')
  const line = text.split('\n').find((candidate) => candidate.startsWith('0::'))
  if (line === undefined) {
    throw new RuntError('NO_CGROUP2', 'find the own cgroup: /proc/self/cgroup has no line of cgroup v2', {
      hint: noCgroup2Hint,
    })
  }
  return line.slice('0::'.length)
}

/** The value behind `key` in a file of lines `key value` (cgroup.events, memory.events, cgroup.stat). */
export function flatKey(text: string, key: string): string | undefined {
  for (const line of text.split('\n')) {
    if (line.startsWith(`${key} `)) return line.slice(key.length + 1)
  }
  return undefined
}

/** Whether processes live in the cgroup or below; undefined if `path` is not a cgroup (or is the root, which never says). */
export async function isPopulated(host: Host, path: string): Promise<boolean | undefined> {
  const events = await readIfThere(host, `${path}/cgroup.events`)
  return events === undefined ? undefined : flatKey(events, 'populated') === '1'
}

/** Whether the cgroup itself is frozen or about to be; a frozen ancestor does not count. Missing: no. */
export async function isFrozen(host: Host, path: string): Promise<boolean> {
  return (await readIfThere(host, `${path}/cgroup.freeze`))?.trim() === '1'
}

/** The processes in the cgroup and in those below it, however the container named and nested them; of a missing cgroup, none. */
export async function processes(host: Host, path: string): Promise<number[]> {
  const own = await ownProcesses(host, path)
  const stat = await readIfThere(host, `${path}/cgroup.stat`)
  if (stat === undefined || flatKey(stat, 'nr_descendants') === '0') return own
  const below = await tasksBelow(host, path)
  // The processes of threaded cgroups are listed above them as well.
  return [...new Set([...own, ...below.processes, ...(await processesOf(host, below.threads))])]
}

async function tasksBelow(host: Host, path: string): Promise<CgroupTasks> {
  try {
    return await host.cgroups.tasksBelow(path)
  } catch (error) {
    throw failed('CGROUP_READ', `list the processes of cgroup ${path}`, error)
  }
}

/**
 * Kills every process in the cgroup and below, forks in flight and frozen ones included (cgroup.kill, Linux 5.14).
 * They die soon after, not at once. A missing cgroup is fine.
 */
export async function killCgroup(host: Host, path: string): Promise<void> {
  try {
    await host.files.writeExisting(`${path}/cgroup.kill`, '1')
    return
  } catch (error) {
    // EOPNOTSUPP: the container made its cgroup one of threads. ENOENT: an older kernel, or no such cgroup.
    if (!isGone(error) && codeOf(error) !== 'EOPNOTSUPP')
      throw failed('CGROUP_KILL', `kill the processes of cgroup ${path}`, error)
  }
  await killEach(host, path)
}

const SIGKILL = 9

/** The same without cgroup.kill: what is frozen forks no more, and dies of the signal. */
async function killEach(host: Host, path: string): Promise<void> {
  try {
    if ((await isPopulated(host, path)) !== true) return
    await host.files.writeExisting(`${path}/cgroup.freeze`, '1')
    for (const pid of await processes(host, path)) await killMember(host, path, pid)
    await host.files.writeExisting(`${path}/cgroup.freeze`, '0')
  } catch (error) {
    if (isGone(error)) return
    throw failed('CGROUP_KILL', `kill the processes of cgroup ${path}`, error)
  }
}

/** The number may have passed on to another process since it was read: the pidfd's process must still be in the cgroup. */
async function killMember(host: Host, path: string, pid: number): Promise<void> {
  let pidfd: Fd | undefined
  try {
    pidfd = await host.processes.pidfdOpen(pid)
    if ((await processes(host, path)).includes(pid)) await host.processes.pidfdSignal(pidfd, SIGKILL)
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  } finally {
    if (pidfd !== undefined) await host.files.close(pidfd)
  }
}

/** Milliseconds that `removeCgroup` waits in all for killed processes to leave. */
const patience = 10_000

/**
 * After so many milliseconds, and then after twice as many, up to the last, a cgroup that has not become empty is looked at and
 * killed again: kernels before 6.14 may spare what was being forked, and where somebody else removes the cgroup within 10 ms of its
 * end the kernel never tells of that.
 */
const firstWait = 16
const lastWait = 128

/**
 * Removes a container's cgroup and those below it, killing what still runs there. Its ancestors stay. Missing is fine.
 *
 * `root` is the hierarchy's; `path` must lie below it, and must have been made for the container: everything in it dies.
 * @throws RuntError `CGROUP_BUSY` if processes are still in it after ten seconds
 */
export async function removeCgroup(host: Host, root: string, path: string): Promise<void> {
  assertBelow(root, path)
  if (await tryRemove(host, path)) return
  const end = (await host.system.monotonic()) + patience
  for (let wait = firstWait; ; wait = Math.min(wait * 2, lastWait)) {
    const populated = await isPopulated(host, path)
    if (populated) await killCgroup(host, path)
    else if ((await removeDescendants(host, path)) && (await tryRemove(host, path))) return
    if ((await host.system.monotonic()) >= end) throw await busy(host, path)
    // Empty and not removed: somebody goes on making cgroups in it, and nothing tells when that ends.
    await host.cgroups.waitForEvent(path, populated ? 'populated 0' : 'populated 1', wait)
  }
}

async function busy(host: Host, path: string): Promise<RuntError> {
  const pids = await processes(host, path)
  if (pids.length === 0) return new RuntError('CGROUP_BUSY', `remove cgroup ${path}: ${inWords('EBUSY')}`)
  const shown = pids.slice(0, 5).join(', ') + (pids.length > 5 ? ' …' : '')
  return new RuntError('CGROUP_BUSY', `remove cgroup ${path}: ${pids.length} process(es) do not die: ${shown}`, {
    hint: `see what they wait for in /proc/${pids[0] ?? ''}/stack; a kill cannot interrupt a wait for a device`,
  })
}

/** rmdir(2): false if something is still in it. cgroupfs answers EBUSY for processes and for child cgroups alike. */
async function tryRemove(host: Host, path: string): Promise<boolean> {
  try {
    await host.files.rmdir(path)
    return true
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return true
    if (code === 'EBUSY' || code === 'ENOTEMPTY') return false
    // A read-only mount says EROFS even of what is not there.
    if (code === 'EROFS' && (await host.files.status(path)) === undefined) return true
    throw failed('CGROUP_REMOVE', `remove cgroup ${path}`, error)
  }
}

async function removeDescendants(host: Host, path: string): Promise<boolean> {
  try {
    return await host.cgroups.removeBelow(path)
  } catch (error) {
    throw failed('CGROUP_REMOVE', `remove the cgroups below ${path}`, error)
  }
}

/** cgroup.procs; of a threaded cgroup, which has none to read (EOPNOTSUPP), the processes of its threads. */
async function ownProcesses(host: Host, path: string): Promise<number[]> {
  try {
    return numbers(await readIfThere(host, `${path}/cgroup.procs`))
  } catch (error) {
    if (codeOf(error) !== 'EOPNOTSUPP') throw failed('CGROUP_READ', `list the processes of cgroup ${path}`, error)
  }
  return processesOf(host, numbers(await readIfThere(host, `${path}/cgroup.threads`)))
}

const numbers = (text: string | undefined): number[] => (text ?? '').split('\n').filter(Boolean).map(Number)

async function processesOf(host: Host, threads: readonly number[]): Promise<number[]> {
  const found = new Set<number>()
  for (const thread of threads) {
    const status = await readOfProcess(host, thread, 'status')
    const process = /^Tgid:\s*(\d+)$/m.exec(status ?? '')?.[1]
    if (process !== undefined) found.add(Number(process))
  }
  return [...found]
}

/**
 * The file's text; undefined if there is no such cgroup or file, or the cgroup was removed while its file was open (ENODEV). The
 * container may have called a cgroup like a file that is not there: EISDIR.
 */
export async function readIfThere(host: Host, file: string): Promise<string | undefined> {
  try {
    return await host.files.readTextIfExists(file)
  } catch (error) {
    if (isGone(error) || codeOf(error) === 'EISDIR') return undefined
    throw error
  }
}

/** The last guard before anything is killed or removed: a bug in a caller must not reach the host's own cgroups. */
function assertBelow(root: string, path: string): void {
  const below = path.startsWith(`${root}/`) ? path.slice(root.length + 1).split('/') : []
  if (!root.startsWith('/') || below.length === 0 || below.some((part) => ['', '.', '..'].includes(part))) {
    throw new RuntError('CGROUP_PATH', `remove cgroup ${path}: it does not lie below ${root}`)
  }
}
