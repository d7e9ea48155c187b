/** `kill`: sends a signal to a container's init, or to all its processes. */
import { StateError } from '../errors.ts'
import { signalCgroup } from './cgroup.ts'
import type { Context } from './context.ts'
import { attempt, closeQuietly, isErrno } from './failures.ts'
import { openProcess } from './procfs.ts'
import type { KillRequest } from './requests.ts'
import { parseSignal, signalName, SIGKILL } from './signals.ts'
import { loadState } from './store.ts'

/**
 * Sends a signal to a container's init. Needs no lock: the process is found by pid and start time, and signalled through a pidfd.
 * @throws StateError `container not running` if init is gone, unless `all` is set: then what outlived it is signalled.
 */
export async function kill(request: KillRequest, context: Context): Promise<void> {
  const { host } = context
  const signal = parseSignal(request.signal ?? 'TERM')
  const { state } = await loadState(context, request.id)
  // runtime.md#kill: no effect on what is neither created nor running. The init of an interrupted creation leaves by itself.
  if (state.phase === 'creating') {
    if (request.all === true) return
    throw notRunning()
  }
  // In a pid namespace of its own everything dies with init; else the rest has to be found through the cgroup.
  const shared = !state.ownPids && state.cgroup !== undefined && state.pid > 0
  if (shared && state.cgroup !== undefined && (request.all === true || signal === SIGKILL)) {
    const count = await signalCgroup(host, state.cgroup, signal)
    if (count > 0 || request.all === true) return
  }
  const pidfd = await attempt(`open process ${state.pid}`, {}, () => openProcess(host, state))
  if (pidfd === undefined) {
    if (request.all === true) return
    throw notRunning()
  }
  try {
    await host.processes.pidfdSignal(pidfd, signal)
  } catch (error) {
    if (isErrno(error, 'ESRCH')) throw notRunning()
    await attempt(`send ${signalName(signal)} to process ${state.pid}`, {}, () => Promise.reject(error as Error))
  } finally {
    await closeQuietly(host, pidfd)
  }
}

function notRunning(): StateError {
  return new StateError('NOT_RUNNING', 'container not running')
}
