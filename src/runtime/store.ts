/** The state store: one directory per container with state.json, its lock (flock on the directory) and two fifos. */
import { StateError } from '../errors.ts'
import { openFlags, phase, type Fd, type Host } from '../host/host.ts'
import { stateDir, stateRoot, type Context } from './context.ts'
import { attempt, closeQuietly, explained, isErrno } from './failures.ts'
import { checkId, isName } from './id.ts'
import { decodeState, encodeState, type SavedState } from './state.ts'

/** Fifos of a container's directory: native/common/protocol.h. */
export const startFifo = 'start'
export const startedFifo = 'started'

/** Where init notes the times of its steps while a command is traced; of processes of `exec`, with a number behind it. */
export const timesFile = 'times'

const stateFile = 'state.json'

/** Readers of `list` need to pass through the root, nobody but the owner to look into a container's directory. */
const rootMode = 0o711
const temporaryRootMode = 0o1700
const containerMode = 0o700

const notThere = ({ globals }: Context) =>
  new StateError('NOT_FOUND', 'container does not exist', {
    hint: `"runt list" shows those of ${stateRoot(globals)}; --root names another place`,
  })

/**
 * Makes a new container's directory, with its lock held. Another command that sees the directory waits for the lock.
 * @throws StateError if the id is in use.
 */
export async function makeContainer(context: Context, id: string): Promise<{ dir: string; lock: Fd }> {
  const { host, globals } = context
  const dir = stateDir(globals, id)
  const make = () => host.files.mkdir(dir, containerMode)
  await attempt(`make state directory ${dir}`, { origin: '--root' }, async () => {
    try {
      try {
        await make()
      } catch (error) {
        if (!isErrno(error, 'ENOENT')) throw error
        await makeRoot(context)
        await make()
      }
    } catch (error) {
      if (isErrno(error, 'EACCES', 'EROFS') && (await host.system.euid()) !== 0) {
        const hint = 'set XDG_RUNTIME_DIR to a directory of the user, or give one with --root'
        throw await explained(`make state directory ${dir}`, error, { origin: '--root', hint })
      }
      if (!isErrno(error, 'EEXIST')) throw error
      throw new StateError('EXISTS', 'container with given ID already exists', {
        hint: `choose another id, or remove it with "runt delete ${id}"`,
        cause: error,
      })
    }
  })
  try {
    const lock = await attempt(`lock ${dir}`, {}, () => lockDirectory(host, dir, true))
    if (lock !== undefined) return { dir, lock }
  } catch (error) {
    await host.files.rmdir(dir)
    throw error
  }
  throw new StateError('DELETED', 'container was deleted while it was being created')
}

/** XDG Base Directory Specification: what has no sticky bit in $XDG_RUNTIME_DIR may be cleaned away. */
async function makeRoot({ host, globals }: Context): Promise<void> {
  const root = stateRoot(globals)
  const { XDG_RUNTIME_DIR } = globals.env
  const temporary = XDG_RUNTIME_DIR !== undefined && XDG_RUNTIME_DIR !== '' && root.startsWith(`${XDG_RUNTIME_DIR}/`)
  await host.files.mkdirParents(root, temporary ? temporaryRootMode : rootMode)
}

/**
 * The container's lock; undefined if its directory is not there (any more), or with `wait` false, 'held' if another
 * command has it. A directory that was removed while this command waited is not the container's any more, even if one of the
 * same name took its place.
 */
async function lockDirectory(host: Host, dir: string, wait: true): Promise<Fd | undefined>
async function lockDirectory(host: Host, dir: string, wait: boolean): Promise<Fd | undefined | 'held'>
async function lockDirectory(host: Host, dir: string, wait: boolean): Promise<Fd | undefined | 'held'> {
  return lockOpened(host, dir, (fd) => lockFile(host, fd, wait))
}

/** False: another command has the lock. */
async function lockFile(host: Host, fd: Fd, wait: boolean): Promise<boolean> {
  try {
    await host.files.lock(fd, wait)
    return true
  } catch (error) {
    if (isErrno(error, 'EWOULDBLOCK', 'EAGAIN')) return false
    throw error
  }
}

/** @param lock locks the opened directory; false: another command has the lock */
async function lockOpened(
  host: Host,
  dir: string,
  lock: (fd: Fd) => Promise<boolean>,
): Promise<Fd | undefined | 'held'> {
  let fd: Fd
  try {
    fd = await host.files.open(dir, openFlags.readOnly | openFlags.directory | openFlags.noFollow)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
  let result: undefined | 'held'
  try {
    if (!(await lock(fd))) result = 'held'
    else if (!(await host.files.readLink(`/proc/self/fd/${fd}`)).endsWith(' (deleted)')) return fd
  } catch (error) {
    await closeQuietly(host, fd)
    throw error
  }
  await closeQuietly(host, fd)
  return result
}

/**
 * Waits for the container's lock.
 * @throws StateError if there is no such container.
 */
export async function lockContainer(context: Context, id: string): Promise<{ dir: string; lock: Fd }> {
  checkId(id)
  const dir = stateDir(context.globals, id)
  const lock = await attempt(`lock ${dir}`, {}, () => lockDirectory(context.host, dir, true))
  if (lock === undefined) throw notThere(context)
  return { dir, lock }
}

/** Where nothing tells that state.json was written (inotify has no more instances for the user), in milliseconds. */
const blindly = 100

/**
 * As `lockContainer`, waiting at most so many milliseconds: then 'held'. undefined if the container is not there.
 * @param inTheWay is told, at first and whenever state.json was written, that another command has the lock
 */
export async function lockWithin(
  host: Host,
  dir: string,
  ms: number,
  inTheWay: () => Promise<void>,
): Promise<Fd | undefined | 'held'> {
  return lockOpened(host, dir, async (fd) => {
    if (await lockFile(host, fd, false)) return true
    const end = (await host.system.monotonic()) + ms
    // Before state.json is read, so that no change is missed.
    const watch = await watchDirectory(host, dir)
    try {
      for (;;) {
        await inTheWay()
        const left = Math.ceil(end - (await host.system.monotonic()))
        if (left <= 0) return false
        const outcome = await host.files.lockWithin(fd, watch, watch < 0 ? Math.min(left, blindly) : left)
        if (outcome === 'locked') return true
        if (outcome === 'changed') await host.files.read(watch, 4096)
      }
    } finally {
      if (watch >= 0) await closeQuietly(host, watch)
    }
  })
}

/** -1: no changes are told. */
async function watchDirectory(host: Host, dir: string): Promise<Fd> {
  try {
    return await host.events.watchFiles([dir])
  } catch (error) {
    if (isErrno(error, 'EMFILE', 'ENOSPC', 'ENOENT')) return -1
    throw error
  }
}

/** Whether some command holds the container's lock now. */
export async function isLocked(host: Host, dir: string): Promise<boolean> {
  const lock = await lockDirectory(host, dir, false)
  if (lock === 'held') return true
  if (lock !== undefined) await closeQuietly(host, lock)
  return false
}

/**
 * The container's state.
 * @throws StateError if there is no such container, RuntError if state.json is damaged.
 */
export async function loadState(context: Context, id: string): Promise<{ dir: string; state: SavedState }> {
  checkId(id)
  const dir = stateDir(context.globals, id)
  const state = await readState(context.host, dir)
  if (state === undefined) throw notThere(context)
  return { dir, state }
}

/** undefined where there is no state.json: no container, or one whose creation was interrupted at once. */
export async function readState(host: Host, dir: string): Promise<SavedState | undefined> {
  const file = `${dir}/${stateFile}`
  return phase(host, 'read state.json', async () => {
    const text = await attempt(`read ${file}`, {}, () => host.files.readTextIfExists(file))
    return text === undefined ? undefined : decodeState(text, file)
  })
}

export async function saveState(host: Host, dir: string, state: SavedState): Promise<void> {
  const file = `${dir}/${stateFile}`
  await phase(host, 'write state.json', () =>
    attempt(`write ${file}`, {}, () => host.files.writeAtomic(file, encodeState(state), 0o600)),
  )
}

export async function makeFifos(host: Host, dir: string): Promise<void> {
  for (const name of [startFifo, startedFifo]) {
    await attempt(`make fifo ${dir}/${name}`, {}, () => host.files.mkfifo(`${dir}/${name}`, 0o600))
  }
}

/** The ids of all containers, sorted; none where the state root is missing. */
export async function listIds(context: Context): Promise<string[]> {
  const root = stateRoot(context.globals)
  try {
    // What is no container's name is runt's own (the cache of filters).
    return (await context.host.files.list(root)).filter(isName).sort()
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return []
    const hint = isErrno(error, 'EACCES') ? 'use sudo, or name a directory of your own with --root' : undefined
    throw await explained(`read ${root}`, error, { hint })
  }
}
