/** `start`: lets a created container execute its program. */
import { concat } from '../bytes.ts'
import { RuntError, StateError } from '../errors.ts'
import { openFlags, phase, type Fd } from '../host/host.ts'
import { locate } from './bundle.ts'
import { notifyAddress, type Context } from './context.ts'
import { attempt, closeQuietly, isErrno, Undo } from './failures.ts'
import type { Notify } from './notify.ts'
import type { ProcessName } from './procfs.ts'
import type { SavedState } from './state.ts'
import { deriveStatus } from './status.ts'
import { loadState, lockContainer, startedFifo, startFifo, timesFile } from './store.ts'

/**
 * Lets a created container execute its program. Where NOTIFY_SOCKET is set, it returns when the container is ready.
 * @throws StateError unless the container is `created`; StepError if the program could not be executed
 */
export async function start(id: string, context: Context): Promise<void> {
  const { host } = context
  const { dir, lock } = await lockContainer(context, id)
  let state: SavedState | undefined
  let notify: Notify | undefined
  try {
    state = (await loadState(context, id)).state
    const status = await deriveStatus(host, dir, state, true)
    if (status === 'stopped') throw new StateError('STOPPED', 'cannot start a container that has stopped')
    if (status === 'paused') {
      throw new StateError('PAUSED', 'cannot start a container in the paused state', {
        hint: 'use "runt resume" first',
      })
    }
    if (status !== 'created') throw new StateError('RUNNING', 'cannot start an already running container')
    notify = await notifyOf(context, id, state)
    await startProgram(context, dir, state)
  } catch (error) {
    if (notify !== undefined) await (await import('./notify.ts')).closeNotify(context, notify)
    if (state === undefined) throw error
    throw await locateInBundle(context, state, await afterHook(context, dir, state, error))
  } finally {
    await closeQuietly(host, lock)
  }
  // Without the lock: a container that is never ready can be deleted.
  if (notify !== undefined) await (await import('./notify.ts')).relayReady(context, notify)
}

/** Who waits until the container is ready; undefined: nobody. */
export async function notifyOf(context: Context, id: string, init: ProcessName): Promise<Notify | undefined> {
  if (notifyAddress(context.globals) === undefined) return undefined
  return (await import('./notify.ts')).openNotify(context, id, init)
}

/** The container does not outlive a hook that fails (runtime.md#lifecycle, steps 7 and 9); other failures leave it stopped. */
async function afterHook(context: Context, dir: string, state: SavedState, error: unknown): Promise<unknown> {
  if (!(error instanceof RuntError) || error.origin?.startsWith('/hooks/') !== true) return error
  const undo = new Undo()
  undo.push('remove the container', async () => {
    const { destroy } = await import('./delete.ts')
    await destroy(context, dir, state)
  })
  return undo.after(error)
}

/**
 * Gives the go through the `start` fifo, waits until init executed the program or said why not, and runs the poststart hooks. The
 * lock is held.
 * @param hooksDirectory where those run; undefined: where runt does
 */
export async function startProgram(
  context: Context,
  dir: string,
  state: SavedState,
  hooksDirectory?: string,
): Promise<void> {
  const { host } = context
  const started = await openStarted(context, dir)
  let answer: Uint8Array
  let go: Fd | undefined
  try {
    go = await phase(host, 'give the go', () =>
      attempt(`write to ${dir}/${startFifo}`, {}, () => giveTheGo(context, dir)),
    )
    if (state.startHooks !== undefined)
      await (await import('./hooks.ts')).attendStartHooks(context, state.startHooks, started)
    answer = await phase(host, 'wait for the program', () => hear(context, started, go!))
  } finally {
    await closeQuietly(host, started)
    if (go !== undefined) await closeQuietly(host, go)
    const { pid, lateFrom, lateSteps } = state
    await host.trace?.takeTimes(`${dir}/${timesFile}`, { pids: [pid], from: lateFrom, steps: lateSteps })
  }
  if (answer.length === 0) {
    if ((state.resources?.memory?.limit ?? 0) > 0) {
      const { whyNotExecuted } = await import('./killed.ts')
      const error = await whyNotExecuted(host, state, state)
      if (error !== undefined) throw error
    }
    if (!state.hooks?.poststart?.length) return
    const { runPoststart } = await import('./hooks.ts')
    return runPoststart(context, state, hooksDirectory)
  }
  const failed = await attempt('read what init reports', {}, () => host.processes.decodeMessage(answer))
  if (failed.type !== 'failed')
    throw new RuntError('BAD_MESSAGE', `init reports ${failed.type} where only a failure can be`)
  const { failedStep } = await import('./step-errors.ts')
  const step = state.lateSteps[failed.step - state.lateFrom] ?? { op: 'unknown', origin: '' }
  throw failedStep({ failed, step, architecture: await host.system.architecture() })
}

/** How long the start fifo may keep its reader once init executed its program or died, in milliseconds. */
const patience = 1000

/**
 * What init said until it let go of `started`, and, where that is nothing, of `start`. When a program is executed the kernel lets go of
 * init's descriptors one after the other, and may do something else in between: the next command would take the container for one
 * that waits.
 * @param go the writing end of `start`
 */
async function hear(context: Context, started: Fd, go: Fd): Promise<Uint8Array> {
  return attempt('wait for the program', {}, async () => {
    const answer = await readAll(context, started)
    if (answer.length > 0) return answer
    const { files } = context.host
    // Init was killed before it took the go. After that nobody tells its end from the program's.
    if ((await files.waitUnread(go, patience)) && (await files.unread(go)) > 0)
      throw new StateError('STOPPED', 'cannot start a container that has stopped')
    return answer
  })
}

/**
 * The reading end of the `started` fifo. Opening it must not wait (init may be gone), reading it must: so it is opened
 * while this process is, for a moment, a writer itself.
 */
async function openStarted({ host }: Context, dir: string): Promise<Fd> {
  const file = `${dir}/${startedFifo}`
  return attempt(`open ${file}`, {}, async () => {
    const both = await host.files.open(file, openFlags.readWrite | openFlags.noFollow)
    try {
      return await host.files.open(file, openFlags.readOnly | openFlags.noFollow)
    } finally {
      await closeQuietly(host, both)
    }
  })
}

/** Writes to the `start` fifo, and returns its writing end. */
async function giveTheGo({ host }: Context, dir: string): Promise<Fd> {
  const file = `${dir}/${startFifo}`
  let fifo: Fd | undefined
  try {
    fifo = await host.files.open(file, openFlags.writeOnly | openFlags.nonBlocking | openFlags.noFollow)
    await host.files.write(fifo, Uint8Array.of(0))
    return fifo
  } catch (error) {
    if (fifo !== undefined) await closeQuietly(host, fifo)
    // init died since the status was looked at.
    if (isErrno(error, 'ENXIO', 'EPIPE'))
      throw new StateError('STOPPED', 'cannot start a container that has stopped', { cause: error })
    throw error
  }
}

/** Until the end of file: every copy of init's end is closed. */
async function readAll({ host }: Context, fd: Fd): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (;;) {
    const part = await host.files.read(fd, 4096)
    if (part.length === 0) return concat(parts)
    parts.push(part)
  }
}

/** Adds the line of config.json, if the bundle still has one. */
export async function locateInBundle({ host }: Context, state: SavedState, error: unknown): Promise<unknown> {
  try {
    const file = `${state.bundle}/config.json`
    const text = await host.files.readTextIfExists(file)
    return text === undefined ? error : await locate(error, file, text)
  } catch {
    // The line is an extra; the error itself is what counts.
    return error
  }
}
