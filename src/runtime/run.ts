/** `run`: create, start, and in the foreground wait for the end and delete. */
import { RuntError } from '../errors.ts'
import { phase, type ExitStatus } from '../host/host.ts'
import type { Context } from './context.ts'
import { destroy } from './delete.ts'
import { establish, finish, type Established } from './establish.ts'
import { attempt, closeQuietly, Undo } from './failures.ts'
import type { Notify } from './notify.ts'
import type { RunRequest } from './requests.ts'
import { notifyOf, startProgram } from './start.ts'
import type { SavedState } from './state.ts'
import { lockContainer } from './store.ts'

/**
 * Creates and starts a container, waits for its end, and deletes it; with `detach` it returns as soon as the program runs, or, where
 * NOTIFY_SOCKET is set, is ready. In the foreground this process becomes the subreaper of its descendants unless `noSubreaper` is set.
 * @returns how the program ended; undefined when detached
 * @throws as `create` and `start`
 */
export async function run(request: RunRequest, context: Context): Promise<ExitStatus | undefined> {
  const { host } = context
  const foreground = request.detach !== true
  if (foreground && request.noSubreaper !== true) {
    await attempt('become the subreaper', {}, () => host.processes.becomeSubreaper())
  }
  const established = await establish(context, request, foreground)
  let notify: Notify | undefined
  try {
    notify = await whoWaits(context, established)
    // From the program's first instruction on, signals are its own.
    if (foreground) {
      established.undo.push('let signals through', () => host.processes.holdSignals(false))
      await host.processes.holdSignals(true)
    }
    const { dir, state } = established
    await phase(host, 'start', () => startProgram(context, dir, state, state.bundle))
  } catch (error) {
    throw await established.locate(await established.undo.after(error))
  }
  await finish(context, established, foreground)
  if (foreground) return attend(context, request, established, notify)
  if (notify !== undefined) await tellReady(context, notify)
  return undefined
}

/** As in runc, a service manager that cannot be reached is no reason not to run. */
async function whoWaits(context: Context, { state, undo }: Established): Promise<Notify | undefined> {
  try {
    const notify = await notifyOf(context, state.id, state)
    if (notify === undefined) return undefined
    undo.push('close the notification sockets', async () => {
      await (await import('./notify.ts')).closeNotify(context, notify)
    })
    return notify
  } catch (error) {
    await warn(context, error)
    return undefined
  }
}

async function tellReady(context: Context, notify: Notify): Promise<void> {
  try {
    await (await import('./notify.ts')).relayReady(context, notify)
  } catch (error) {
    await warn(context, error)
  }
}

async function warn({ log }: Context, error: unknown): Promise<void> {
  if (!(error instanceof RuntError)) throw error
  await log?.warn(`${error.message}: nobody is told when the container is ready`)
}

/** Stays with the program until it ends. */
async function attend(
  context: Context,
  request: RunRequest,
  established: Established,
  notify: Notify | undefined,
): Promise<ExitStatus> {
  const { host } = context
  const { init, console, state } = established
  const { pid } = init.name
  let status: ExitStatus
  try {
    status = await phase(host, 'attend to the container', () =>
      attempt('attend to the container', {}, () =>
        host.processes.foreground({ pid, pidfd: init.descriptor, terminal: console, notify }),
      ),
    )
  } catch (error) {
    const undo = new Undo()
    undo.push('remove the container', () => removeEnded(context, state))
    undo.push('end the container', () => init.end())
    throw await undo.after(error)
  } finally {
    await init.release()
    if (notify !== undefined) await (await import('./notify.ts')).closeNotify(context, notify)
    if (console >= 0) await closeQuietly(host, console)
  }
  if (request.keep !== true) await phase(host, 'delete', () => removeEnded(context, state))
  return status
}

/** The container ended by itself; somebody else may have deleted it meanwhile. */
async function removeEnded(context: Context, { id, bundle }: SavedState): Promise<void> {
  let held
  try {
    held = await lockContainer(context, id)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'NOT_FOUND') return
    throw error
  }
  try {
    await destroy(context, held.dir, undefined, bundle)
  } finally {
    await closeQuietly(context.host, held.lock)
  }
}
