/** `events`: what a container uses, and the OOM kills in it, from its cgroup. */
import { isPopulated, readIfThere, flatKey } from '../cgroups/fs.ts'
import type { RdtStats } from '../cgroups/resctrl-stats.ts'
import { readStats, type CgroupStats } from '../cgroups/stats.ts'
import { StateError } from '../errors.ts'
import type { Fd, Host } from '../host/host.ts'
import { stateDir, type Context } from './context.ts'
import { attempt, closeQuietly } from './failures.ts'
import { cgroupOf } from './pause.ts'
import { openProcess } from './procfs.ts'
import type { SavedState } from './state.ts'
import { deriveStatus } from './status.ts'
import { loadState, readState } from './store.ts'

export type { RdtStats } from '../cgroups/resctrl-stats.ts'
export { maxUint64, type Amount, type CgroupStats, type DeviceStats, type Pressure } from '../cgroups/stats.ts'

/** What a container uses, in the kernel's units: see the fields. */
export interface ContainerStats extends CgroupStats {
  id: string
  /** Of linux.intelRdt, where config.json has it. */
  intelRdt?: RdtStats | undefined
}

/** What `watchEvents` tells. */
export type ContainerEvent =
  /** What the container uses now. */
  | { type: 'stats'; stats: ContainerStats }
  /** The kernel killed a process of the container for want of memory. */
  | { type: 'oom' }

/** What `watchEvents` is asked. */
export interface EventsRequest {
  /** The container's. */
  id: string
  /** Milliseconds between statistics, above 0. */
  interval: number
}

/** Signals that end the wait: SIGHUP, SIGINT, SIGTERM. */
const endSignals = [1, 2, 15]

const maxWait = 0x7fffffff

/**
 * What a container that has not ended uses: itself and all cgroups below its own.
 * @throws StateError `NOT_FOUND`, or `NOT_RUNNING` if it is stopped; RuntError `NO_CGROUP` if it was made without one
 */
export async function stats(id: string, context: Context): Promise<ContainerStats> {
  const read = await readAll(await unended(id, context), context.host)
  if (read === undefined) throw notRunning(id)
  return read
}

/** undefined once the cgroup is gone. */
async function readAll(state: SavedState, host: Host): Promise<ContainerStats | undefined> {
  const read = await readStats(host, cgroupOf(state, 'events'))
  if (read === undefined || state.intelRdt === undefined) return read && { id: state.id, ...read }
  const { readRdtStats } = await import('../cgroups/resctrl-stats.ts')
  return { id: state.id, ...read, intelRdt: await readRdtStats(host, state.intelRdt) }
}

/**
 * Tells what a container uses at each interval, and each OOM kill when it happens, until the container has ended.
 * It keeps the thread while it waits, and this process's SIGHUP, SIGINT and SIGTERM.
 * @param emit is told the events, one after the other
 * @returns the signal that ended it; 0 where the container did, or nobody reads standard output any more
 * @throws as `stats`
 */
export async function watchEvents(
  { id, interval }: EventsRequest,
  context: Context,
  emit: (event: ContainerEvent) => void | Promise<void>,
): Promise<number> {
  const { host } = context
  const state = await unended(id, context)
  const path = cgroupOf(state, 'events')
  const fds: Fd[] = []
  await host.events.catchSignals(endSignals)
  try {
    const dir = stateDir(context.globals, id)
    fds.push(await attempt(`watch cgroup ${path}`, {}, () => watch(host, path, dir)))
    const init = await openProcess(host, state)
    if (init !== undefined) fds.push(init)
    return await follow({ state, path, interval, fds }, context, emit)
  } finally {
    for (const fd of fds) await closeQuietly(host, fd)
    await host.events.catchSignals([])
  }
}

/**
 * Where the memory controller is missing, only the end can be told. The container's directory says that it was deleted: of a cgroup
 * that is removed at once the kernel need not tell that it was empty.
 */
async function watch(host: Host, path: string, dir: string): Promise<Fd> {
  const files = [`${path}/cgroup.events`, dir]
  const memory = `${path}/memory.events`
  if ((await host.files.status(memory)) !== undefined) files.push(memory)
  return host.events.watchFiles(files)
}

interface Watched {
  state: SavedState
  path: string
  interval: number
  /** The watch of the cgroup's files and, while it lives, init. */
  fds: readonly Fd[]
}

async function follow(
  { state, path, interval, fds }: Watched,
  context: Context,
  emit: (event: ContainerEvent) => void | Promise<void>,
): Promise<number> {
  const { host } = context
  let waited = [...fds]
  let kills = await oomKills(host, path)
  const tellKills = async () => {
    const now = await oomKills(host, path)
    for (; kills !== undefined && now !== undefined && kills < now; kills++) await emit({ type: 'oom' })
  }
  let next = (await host.system.monotonic()) + interval
  for (;;) {
    const left = Math.max(0, Math.ceil(next - (await host.system.monotonic())))
    const { ready, signal, unread } = await host.events.waitFor(waited, Math.min(left, maxWait))
    if (signal !== 0) return signal
    if (unread) return 0
    if (ready[0] === true) await host.files.read(waited[0]!, 4096)
    if (ready[1] === true) waited = waited.slice(0, 1)
    // At once: whoever waits for the container's end removes its cgroup then. Again after that: what is empty has had its last kill.
    await tellKills()
    const alive = await isPopulated(host, path)
    if (alive !== true || (waited.length === 1 && (await isReplaced(context, state)))) {
      await tellKills()
      return 0
    }
    const time = await host.system.monotonic()
    if (time < next) continue
    // Intervals that have passed unused are not made up for.
    next = Math.max(next + interval, time)
    const stats = await readOrWarn(state, context)
    if (stats === undefined) return 0
    if (stats !== 'unreadable') await emit({ type: 'stats', stats })
  }
}

/** Whether the container was deleted since its init ended; then the cgroup is that of a new one of the same name. */
async function isReplaced({ host, globals }: Context, { id, pid, startTime }: SavedState): Promise<boolean> {
  const now = await readState(host, stateDir(globals, id))
  return now?.pid !== pid || now.startTime !== startTime
}

/** What is unreadable now may be told at the next interval. */
async function readOrWarn(
  state: SavedState,
  { host, log }: Context,
): Promise<ContainerStats | undefined | 'unreadable'> {
  try {
    return await readAll(state, host)
  } catch (error) {
    await log?.warn(`statistics of ${state.id}: ${error instanceof Error ? error.message : String(error)}`)
    return 'unreadable'
  }
}

/** Of the cgroup and those below it; undefined without the memory controller, and once the cgroup is gone. */
async function oomKills(host: Host, path: string): Promise<number | undefined> {
  const text = await readIfThere(host, `${path}/memory.events`)
  const count = text === undefined ? undefined : flatKey(text, 'oom_kill')
  return count === undefined ? undefined : Number(count)
}

async function unended(id: string, context: Context): Promise<SavedState> {
  const { dir, state } = await loadState(context, id)
  const status = await deriveStatus(context.host, dir, state)
  if (status === 'stopped' || status === 'creating') throw notRunning(id)
  return state
}

/** runc's words. */
function notRunning(id: string): StateError {
  return new StateError('NOT_RUNNING', `container with id ${id} is not running`)
}
