/** `delete`: removes what a container leaves, and with `force` ends it first. */
import { RuntError, StateError } from '../errors.ts'
import { phase, type Fd, type Host } from '../host/host.ts'
import { abandonCgroup, destroyCgroup } from './cgroup.ts'
import { stateDir, type Context } from './context.ts'
import { attempt, closeQuietly, isErrno } from './failures.ts'
import { checkId } from './id.ts'
import { removeContainer } from './mount-facts.ts'
import { openProcess, type ProcessName } from './procfs.ts'
import type { DeleteRequest } from './requests.ts'
import { SIGKILL } from './signals.ts'
import type { SavedState } from './state.ts'
import { deriveStatus } from './status.ts'
import { lockContainer, lockWithin, readState } from './store.ts'

/** How long a killed process, or a command that holds the container, may take to be gone, in milliseconds. */
const patience = 10_000

/**
 * Removes what a container left behind. A `created` one is ended first, a running one only with `force`.
 * With `force`, what an interrupted command left is removed too, and a container that does not exist is no failure.
 */
export async function deleteContainer(request: DeleteRequest, context: Context): Promise<void> {
  if (request.force === true) return forceDelete(request.id, context)
  const { host } = context
  const { dir, lock } = await lockContainer(context, request.id)
  try {
    const state = await readState(host, dir)
    if (state === undefined) {
      throw new StateError('NOT_FOUND', 'container does not exist', {
        hint: `${dir} is left from an interrupted command: "runt delete --force ${request.id}" removes it`,
      })
    }
    const status = await deriveStatus(host, dir, state, true)
    if (status !== 'stopped' && status !== 'created') {
      throw new StateError('RUNNING', `cannot delete container ${request.id} that is not stopped: ${status}`, {
        hint: 'end it with "runt kill", or use --force',
      })
    }
    await destroy(context, dir, state)
  } finally {
    await closeQuietly(host, lock)
  }
}

async function forceDelete(id: string, context: Context): Promise<void> {
  checkId(id)
  const { host, globals } = context
  const dir = stateDir(globals, id)
  const lock = await interruptAndLock(host, dir)
  if (lock === undefined) return
  try {
    await destroy(context, dir, await readDamaged(context, dir))
  } finally {
    await closeQuietly(host, lock)
  }
}

/**
 * The lock of a container that is to go, whatever another command is doing with it: without its init that command ends soon.
 * undefined where there is no container (any more).
 */
async function interruptAndLock(host: Host, dir: string): Promise<Fd | undefined> {
  const lock = await attempt(`lock ${dir}`, {}, () =>
    lockWithin(host, dir, patience, async () => {
      const state = await readState(host, dir).catch(() => undefined)
      if (state !== undefined) await killProcess(host, state)
    }),
  )
  if (lock !== 'held') return lock
  throw new RuntError('BUSY', `another command has been working on the container for ${patience / 1000} seconds`, {
    hint: `"fuser ${dir}" shows it`,
  })
}

/** The state, as far as it can be read. */
async function readDamaged({ host, log }: Context, dir: string): Promise<SavedState | undefined> {
  try {
    return await readState(host, dir)
  } catch (error) {
    if (!(error instanceof RuntError) || error.code !== 'BAD_STATE') throw error
    await log?.warn(`${error.message}: its cgroup and processes, if there are any, are not known`)
    return undefined
  }
}

/**
 * Ends what still runs and removes cgroup and state, in this order: as long as anything is left, the state is there to find it.
 * Then it runs the poststop hooks (runtime.md#lifecycle), also those of a container whose creation was interrupted.
 * The caller holds the lock.
 * @param hooksDirectory where those run; undefined: where runt does
 */
export async function destroy(
  context: Context,
  dir: string,
  known?: SavedState,
  hooksDirectory?: string,
): Promise<void> {
  const { host } = context
  const state = known ?? (await readDamaged(context, dir))
  if (state !== undefined) {
    await phase(host, 'end init', () => killProcess(host, state))
    if (state.intelRdt !== undefined) await (await import('./intel-rdt.ts')).removeRdt(host, state.intelRdt)
    const { cgroup } = state
    if (cgroup !== undefined) {
      await phase(host, 'remove the cgroup', () => (state.pid > 0 ? destroyCgroup : abandonCgroup)(host, cgroup))
    }
  }
  if (state?.layers !== undefined) await (await import('./layers.ts')).removeLayers(context, state.layers)
  await phase(host, 'remove the state', () => removeContainer(host, dir, state))
  if (state?.hooks?.poststop?.length) {
    const { runPoststop } = await import('./hooks.ts')
    await runPoststop(context, state, hooksDirectory)
  }
}

/** Kills the process and waits for its end; one that is gone is fine. */
async function killProcess(host: Host, name: ProcessName): Promise<void> {
  const pidfd = await attempt(`open process ${name.pid}`, {}, () => openProcess(host, name))
  if (pidfd === undefined) return
  try {
    await attempt(`kill process ${name.pid}`, {}, async () => {
      try {
        await host.processes.pidfdSignal(pidfd, SIGKILL)
      } catch (error) {
        if (!isErrno(error, 'ESRCH')) throw error
      }
      if (!(await host.processes.pidfdWait(pidfd, patience))) {
        throw new RuntError('STUCK', `process ${name.pid} does not end after SIGKILL`, {
          hint: `it waits in the kernel: see /proc/${name.pid}/stack`,
        })
      }
    })
  } finally {
    await closeQuietly(host, pidfd)
  }
}
