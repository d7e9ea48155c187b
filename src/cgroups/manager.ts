/**
 * The container's cgroup, made by writing to cgroupfs: where it lies, how it is made with its limits in force before
 * anything runs in it, and what it did to a container that died.
 */
import { utf8Length } from '../bytes.ts'
import { RuntError, StateError } from '../errors.ts'
import { openFlags, type Fd, type Host } from '../host/host.ts'
import { enableControllers } from './controllers.ts'
import type { DeviceFilter } from './devices.ts'
import { codeOf, failed } from './failures.ts'
import { flatKey, isFrozen, isPopulated, processes, readIfThere, removeCgroup } from './fs.ts'
import type { CgroupWrite, UsageCheck } from './knobs.ts'

const pathOrigin = '/linux/cgroupsPath'

/** The global flags that choose the cgroup manager. */
export interface CgroupFlags {
  systemdCgroup: boolean
  cgroupManager: 'cgroupfs' | 'systemd' | 'disabled'
}

/** The cgroup manager that the flags choose: `--systemd-cgroup` is the older name of `--cgroup-manager systemd`. */
export function cgroupManager(flags: CgroupFlags): CgroupFlags['cgroupManager'] {
  return flags.systemdCgroup && flags.cgroupManager !== 'disabled' ? 'systemd' : flags.cgroupManager
}

/**
 * Where the container's cgroup lies below the hierarchy's root, with a leading slash; the same as runc:
 * an absolute `linux.cgroupsPath` starts at the root, a relative one at the parent of the caller's own cgroup (which has
 * processes and so could not pass controllers on), and without one the id stands in for it. `slice:prefix:name` is
 * systemd's form (systemd/unit.ts); for cgroupfs it is a name like another.
 *
 * @param own asks for the caller's cgroup (`ownCgroup`), where it is needed
 * @throws RuntError `CGROUP_PATH`
 */
export async function cgroupPath(
  id: string,
  cgroupsPath: string | undefined,
  own: () => string | Promise<string>,
): Promise<string> {
  const asked = cgroupsPath === undefined || cgroupsPath === '' ? id : cgroupsPath
  const refuse = (why: string): never => {
    throw new RuntError('CGROUP_PATH', `cgroupsPath ${JSON.stringify(asked.slice(0, 200))} ${why}`, {
      origin: pathOrigin,
    })
  }
  const parts = asked.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) refuse('may not contain ".."')
  if (parts.length === 0) refuse('is the root of the hierarchy, which cannot be a container')
  if (/[\0\n]/.test(asked)) refuse('contains a character that the kernel does not take')
  if (parts.some((part) => utf8Length(part) > 255)) refuse('has a name longer than 255 bytes')
  if (asked.startsWith('/')) return `/${parts.join('/')}`

  const from = await own()
  if (from.split('/').includes('..')) {
    throw new RuntError('CGROUP_PATH', `the own cgroup, ${from}, lies outside of the cgroup namespace`, {
      origin: pathOrigin,
      hint: 'set an absolute linux.cgroupsPath',
    })
  }
  const parent = from.slice(0, Math.max(from.lastIndexOf('/'), 0))
  return `${parent}/${parts.join('/')}`
}

export interface CgroupRequest {
  /** Directory of the hierarchy (`findCgroupRoot`). */
  root: string
  /** The container's cgroup: `root` and what `cgroupPath` gave. */
  path: string
  /** Of `compileResources`. */
  writes: readonly CgroupWrite[]
  /** Of `compileDevices`; undefined sets none. */
  devices?: DeviceFilter | undefined
  /** The directory was made for the container by somebody else, who also removes it: systemd. */
  given?: boolean | undefined
  /** A device filter that may not be loaded is left out. */
  unprivileged?: boolean | undefined
  /** The path leads through cgroups that may be frozen: not only through those of the caller. */
  nested?: boolean | undefined
}

export interface Cgroup {
  path: string
  /** The directory, O_PATH: for clone3(CLONE_INTO_CGROUP). The caller closes it. */
  fd: Fd
  /**
   * Takes back what was made: the cgroup, killing what runs in it, and those of its ancestors that others do not use by
   * now. A cgroup that was there before stays.
   */
  undo(): Promise<void>
}

/**
 * Makes the container's cgroup with all its limits, so that they hold from init's first instruction.
 * A cgroup that is there already is taken over if nothing is in it. On failure nothing is left.
 *
 * @throws StateError if the cgroup is not empty or frozen; RuntError `NO_CONTROLLER`, `CGROUP_LIMIT`, `CGROUP_CREATE`
 */
export async function createCgroup(host: Host, request: CgroupRequest): Promise<Cgroup> {
  const { root, path, devices } = request
  const made: string[] = []
  const undo = () => removeMade(host, root, path, made)
  let fd = -1
  try {
    const fresh = request.given === true || (await makeDirectories(host, root, path, made))
    if (!fresh) await checkLeftover(host, path)
    if (request.nested === true) await refuseFrozen(host, root, path)
    await enableControllers(host, root, path, request.writes)
    for (const write of request.writes) if (!isLate(write)) await applyWrite(host, path, write)
    fd = await open(host, path)
    // A cgroup that was there may have a filter, which must go even if the new one allows everything.
    if (devices !== undefined && !(fresh && devices.allowsAll))
      await setDevices(host, path, fd, devices, request.unprivileged)
    return { path, fd, undo }
  } catch (error) {
    throw await cleanedUp(
      host,
      failed('CGROUP_CREATE', `create cgroup ${path}`, error, { origin: pathOrigin }),
      fd,
      undo,
    )
  }
}

/**
 * Memory is limited once init is a program of its own: until it is executed it shares its memory with the process that spawned
 * it (CLONE_VM), which the kernel would kill along with it for want of memory.
 */
export const isLate = (write: CgroupWrite): boolean => write.controller === 'memory'

/**
 * Applies the limits that `createCgroup` left out. Call it before any program of the container runs.
 * @param check limits that must lie above what is used
 */
export async function limitMemory(
  host: Host,
  path: string,
  writes: readonly CgroupWrite[],
  check?: UsageCheck,
): Promise<void> {
  if (check !== undefined) await checkUsage(host, path, check)
  for (const write of writes) if (isLate(write)) await applyWrite(host, path, write)
}

/**
 * Refuses limits that are not above what the cgroup uses: the kernel would take them and end processes
 * (config-linux.md#memory, checkBeforeUpdate). What cannot be read is not checked. The texts are runc's.
 * @throws RuntError `CGROUP_USAGE`
 */
export async function checkUsage(host: Host, path: string, { limit, swap }: UsageCheck): Promise<void> {
  const used = Number((await readIfThere(host, `${path}/memory.current`)) ?? NaN)
  const refuse = (what: string, value: number, field: string): never => {
    throw new RuntError('CGROUP_USAGE', `rejecting ${what} limit ${value} <= usage ${used}`, {
      origin: `/linux/resources/memory/${field}`,
      hint: 'memory.checkBeforeUpdate asks for this: without it the kernel reclaims, and ends processes if that is not enough',
    })
  }
  if (swap !== undefined && swap <= used) refuse('memory+swap', swap, 'swap')
  if (limit !== undefined && limit <= used) refuse('memory', limit, 'limit')
}

/** Closes and removes after a failure; the run's error is the one to throw, and carries the clean-up's. */
async function cleanedUp(host: Host, error: unknown, fd: Fd, undo: () => Promise<void>): Promise<unknown> {
  const failures: Error[] = []
  for (const action of [async () => fd >= 0 && (await host.files.close(fd)), undo]) {
    try {
      await action()
    } catch (failure) {
      failures.push(failure instanceof Error ? failure : new Error(String(failure)))
    }
  }
  if (failures.length > 0 && error instanceof RuntError) error.cleanupErrors = [...error.cleanupErrors, ...failures]
  return error
}

/** Makes the directory and those above it that are missing; `made` lists them. Returns whether the last one is new. */
async function makeDirectories(host: Host, root: string, path: string, made: string[]): Promise<boolean> {
  const parts = path.slice(root.length + 1).split('/')
  // Nearly always the parent is there. One round more than a container that fails beside this one takes its parents away.
  for (let attempt = 1; ; attempt++) {
    const result = await makeDirectory(host, path, made)
    if (result !== 'ENOENT') return result === 'made'
    if (attempt > 3) throw createFailure(path, 'ENOENT', undefined)
    for (let depth = 1; depth < parts.length; depth++) {
      const dir = [root, ...parts.slice(0, depth)].join('/')
      if ((await makeDirectory(host, dir, made)) === 'ENOENT') break
    }
  }
}

async function makeDirectory(host: Host, dir: string, made: string[]): Promise<'made' | 'there' | 'ENOENT'> {
  try {
    await host.files.mkdir(dir, 0o755)
    made.push(dir)
    return 'made'
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST') return 'there'
    if (code === 'ENOENT') return 'ENOENT'
    throw code === undefined ? error : createFailure(dir, code, error)
  }
}

const createHints: Readonly<Record<string, string>> = {
  EACCES: 'have a cgroup delegated to this user, or run as root',
  EPERM: 'have a cgroup delegated to this user, or run as root',
  EROFS: 'cgroup2 is mounted read-only here: remount it with mount -o remount,rw',
  EAGAIN: 'an ancestor limits how many cgroups may lie below it: see its cgroup.max.descendants and cgroup.max.depth',
  ENOTDIR: 'the path goes through a file of cgroupfs',
}

function createFailure(dir: string, code: string, cause: unknown): unknown {
  const details = { origin: pathOrigin, hint: createHints[code] }
  if (cause === undefined)
    return new RuntError('CGROUP_CREATE', `create cgroup ${dir}: its parent keeps being removed`, details)
  return failed('CGROUP_CREATE', `create cgroup ${dir}`, cause, details)
}

/** A cgroup that was there before: taken over if empty. The texts are runc's. */
async function checkLeftover(host: Host, path: string): Promise<void> {
  const populated = await isPopulated(host, path)
  if (populated === undefined) {
    throw new RuntError('CGROUP_PATH', `create cgroup ${path}: what is there is not a cgroup`, { origin: pathOrigin })
  }
  if (populated) {
    const count = (await processes(host, path)).length
    throw new StateError('CGROUP_NOT_EMPTY', `container's cgroup is not empty: ${count} process(es) found`, {
      origin: pathOrigin,
      hint: `another container or a leftover uses ${path}: see its cgroup.procs`,
    })
  }
  if (await isFrozen(host, path)) throw frozenError(path)
}

/** In a frozen cgroup init would stand still before it is a program of its own, and the caller, who waits for that, with it. */
async function refuseFrozen(host: Host, root: string, path: string): Promise<void> {
  const events = (await host.files.readTextIfExists(`${path}/cgroup.events`)) ?? ''
  if (flatKey(events, 'frozen') !== '1') return
  let culprit = path
  for (let dir = path; dir !== root; dir = dir.slice(0, dir.lastIndexOf('/'))) {
    if (await isFrozen(host, dir)) culprit = dir
  }
  throw frozenError(culprit)
}

/** The text is runc's. */
function frozenError(path: string): StateError {
  return new StateError('CGROUP_FROZEN', `container's cgroup unexpectedly frozen`, {
    origin: pathOrigin,
    hint: `thaw it with: echo 0 > ${path}/cgroup.freeze`,
  })
}

/** What the kernel means by EINVAL and its like, for files with narrow ranges. */
const limitHints: Readonly<Record<string, string>> = {
  'cpu.max': 'the kernel takes periods of 1000 to 1000000 µs and quotas of at least 1000 µs',
  'cpu.max.burst': 'the burst may not exceed the quota',
  'cpu.weight': 'a cgroup with cpu.idle 1 takes no weight',
  'cpuset.cpus': 'see the processors of the parent: cpuset.cpus.effective',
  'cpuset.mems': 'see the memory nodes of the parent: cpuset.mems.effective',
  'io.max': 'the numbers must be those of a whole disk, not a partition: see lsblk',
}

/** Writes a limit, or what stands in for it. @throws RuntError `CGROUP_LIMIT` */
export async function applyWrite(host: Host, path: string, write: CgroupWrite): Promise<void> {
  let { file, value } = write
  try {
    try {
      await host.files.writeExisting(`${path}/${file}`, value)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      if (write.optional) return
      if (write.fallback === undefined) throw error
      ;({ file, value } = write.fallback)
      await host.files.writeExisting(`${path}/${file}`, value)
    }
  } catch (error) {
    const origin = write.pointer
    if (codeOf(error) === 'ENOENT') {
      // Not in the kernel's words: daemons take "no such file" for a missing program.
      throw new RuntError(
        'CGROUP_LIMIT',
        `set ${file}: this kernel's ${write.controller || 'cgroup'} controller has no such limit`,
        {
          origin,
          cause: error,
          hint:
            file === 'memory.swap.max'
              ? 'swap accounting is off: boot with swapaccount=1'
              : `ls ${path} shows those that it has`,
        },
      )
    }
    throw failed('CGROUP_LIMIT', `write ${JSON.stringify(value)} to ${path}/${file}`, error, {
      origin,
      hint: limitHints[file],
    })
  }
}

async function open(host: Host, path: string): Promise<Fd> {
  try {
    return await host.files.open(path, openFlags.directory | openFlags.path)
  } catch (error) {
    throw failed('CGROUP_CREATE', `open cgroup ${path}`, error, { origin: pathOrigin })
  }
}

/** Puts a filter in place of the cgroup's. @throws RuntError `CGROUP_DEVICES` */
export async function setDevices(
  host: Host,
  path: string,
  fd: Fd,
  devices: DeviceFilter,
  unprivileged: boolean | undefined,
): Promise<void> {
  try {
    await host.cgroups.setDeviceFilter(fd, devices.program)
  } catch (error) {
    // Nothing is lost: who may load no filter may make no device node either, and what it binds are nodes of the host with the
    // host's permissions. runc and crun do the same.
    if (unprivileged === true && codeOf(error) === 'EPERM') return
    throw failed('CGROUP_DEVICES', `set the device filter of cgroup ${path}`, error, {
      origin: '/linux/resources/devices',
      hint:
        codeOf(error) === 'EINVAL'
          ? 'the kernel needs CONFIG_CGROUP_BPF'
          : 'loading it takes CAP_BPF or CAP_SYS_ADMIN in the initial user namespace',
    })
  }
}

/** Removes the directories that were made, the last first. */
async function removeMade(host: Host, root: string, path: string, made: string[]): Promise<void> {
  for (let dir = made.pop(); dir !== undefined; dir = made.pop()) {
    if (dir === path) {
      await removeCgroup(host, root, path)
      continue
    }
    try {
      await host.files.rmdir(dir)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENOENT') continue
      if (code === 'EBUSY') return
      throw failed('CGROUP_REMOVE', `remove cgroup ${dir}`, error)
    }
  }
}

/**
 * What the limits of the cgroup have to do with a container that did not come up: the kernel killed it for memory, or
 * refused it another process. undefined if nothing points to them.
 * @param who died, for the message
 */
export async function explainDeath(host: Host, path: string, who = 'container init'): Promise<RuntError | undefined> {
  const memory = await readIfThere(host, `${path}/memory.events`)
  if (memory !== undefined && Number(flatKey(memory, 'oom_kill') ?? 0) > 0) {
    const limit = ((await readIfThere(host, `${path}/memory.max`)) ?? 'max').trim()
    const own = limit !== 'max' && limit !== ''
    return new StateError('OOM', `${who} was OOM-killed (memory limit too low?)`, {
      origin: own ? '/linux/resources/memory/limit' : pathOrigin,
      hint: own
        ? `memory.max is ${limit} bytes; the start alone takes about a megabyte`
        : `the limit is that of a cgroup above ${path}, or the machine has no more memory`,
    })
  }
  const pids = await readIfThere(host, `${path}/pids.events`)
  if (pids !== undefined && Number(flatKey(pids, 'max') ?? 0) > 0) {
    return new StateError('PIDS_LIMIT', `${who} was refused a process (pids limit too low?)`, {
      origin: '/linux/resources/pids/limit',
    })
  }
  return undefined
}
