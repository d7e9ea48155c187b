/**
 * What a container is doing now: derived from its process, its start fifo and its cgroup, never from what was written down.
 */
import { openFlags, type Host } from '../host/host.ts'
import { isFrozen } from './cgroup.ts'
import { closeQuietly, isErrno } from './failures.ts'
import { isAlive } from './procfs.ts'
import type { SavedState } from './state.ts'
import { isLocked, startFifo } from './store.ts'

/** runtime.md, "State"; `paused` is runc's. */
export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped'

/**
 * @param locked whether the caller itself holds the container's lock: then nobody else is creating it
 */
export async function deriveStatus(host: Host, dir: string, state: SavedState, locked = false): Promise<Status> {
  if (state.phase === 'creating') {
    // Its creator holds the lock; without one the creation was interrupted, and init leaves by itself.
    return !locked && (await isLocked(host, dir)) ? 'creating' : 'stopped'
  }
  if (!(await isAlive(host, state))) return 'stopped'
  if (state.cgroup !== undefined && (await isFrozen(host, state.cgroup))) return 'paused'
  return (await waitsForStart(host, dir)) ? 'created' : 'running'
}

/** Whether init still holds the start fifo open, which it does until it executes the program. */
export async function waitsForStart(host: Host, dir: string): Promise<boolean> {
  try {
    const fifo = await host.files.open(
      `${dir}/${startFifo}`,
      openFlags.writeOnly | openFlags.nonBlocking | openFlags.noFollow,
    )
    await closeQuietly(host, fifo)
    return true
  } catch (error) {
    // ENXIO: nobody reads it. ENOENT: the container is being deleted.
    if (isErrno(error, 'ENXIO', 'ENOENT')) return false
    throw error
  }
}
