/**
 * Work on a store without root: another process of runt does it as root of a user namespace, where files can belong to all ids of the
 * caller's. A process of many threads, as every engine's is, cannot enter one itself (user_namespaces(7)).
 *
 * The other process is this very command with a job as its argument (src/cli/inside.ts). It says how far it is, and how it ended, on a
 * pipe: a line of JSON each. It dies with its caller. Nothing tells it that it is inside but the kernel.
 */
import { concat, textOf } from '../bytes.ts'
import { RuntError } from '../errors.ts'
import type { Fd, Host } from '../host/host.ts'
import { clone, signal } from '../plan/kernel.ts'
import { ownOrigin, PlanBuilder } from '../plan/plan.ts'
import { syncPoint } from '../plan/sync.ts'
import type { Context } from './context.ts'
import { closeQuietly, Undo } from './failures.ts'
import { writeIdMaps } from './id-maps.ts'
import { Init } from './init.ts'
import { stepError } from './step-errors.ts'
import { ownIds } from './subids.ts'
import type { UnpackProgress, UnpackRequest } from './unpacking.ts'

/** The word that makes the command a worker; it is no command of the user's. */
export const insideCommand = 'inside-user-namespace'

/** What is to be done. Stores and directories are absolute. */
export type Job =
  | { kind: 'unpack'; request: UnpackRequest; store: string; cwd: string }
  | { kind: 'prune'; store: string; dryRun: boolean }
  /** What a container changed. */
  | { kind: 'remove'; directory: string }

/** A line on the pipe. */
export type Said =
  | { progress: UnpackProgress }
  | { warning: string }
  | { done: unknown }
  | { failed: { code: string; message: string; origin?: string | undefined; hint?: string | undefined } }

/** Bytes that are read at once. */
const atOnce = 1 << 16

/**
 * Has a job done in a user namespace with all ids that the caller may map.
 * @returns what the job came to
 * @throws RuntError of the job, or of the namespace
 */
export async function doInside(
  context: Context,
  job: Job,
  onProgress?: (progress: UnpackProgress) => void | Promise<void>,
): Promise<unknown> {
  const { host } = context
  const undo = new Undo()
  const { reader, writer } = await host.processes.pipe()
  let end: End
  try {
    try {
      await enter(context, job, writer, undo)
    } finally {
      await closeQuietly(host, writer)
    }
    end = await listen(context, reader, onProgress)
  } catch (error) {
    throw await undo.after(error)
  } finally {
    await closeQuietly(host, reader)
  }
  const [failure] = await undo.run()
  if (failure !== undefined) throw failure
  if (end === undefined)
    throw new RuntError('KILLED', 'the process of runt in the user namespace ended too early', {
      hint: 'it was killed, or there was no memory for it: try again',
    })
  if ('done' in end) return end.done
  const { code, message, ...details } = end.failed
  throw new RuntError(code, message, details)
}

/** Starts the worker; when this returns, it was executed. */
async function enter(context: Context, job: Job, output: Fd, undo: Undo): Promise<void> {
  const { host } = context
  const ids = await ownIds(host)
  const plan = new PlanBuilder()
  plan.plan.cloneFlags = clone.NEWUSER | clone.NEWNS
  plan.add('dieWithParent', ownOrigin, { signal: signal.KILL })
  plan.add('sync', ownOrigin, { point: syncPoint.userNamespace })
  // The groups stay: by them the caller may read the image.
  plan.add('becomeRoot', ownOrigin, { uid: 0, gid: 0, keep: 1 })
  const args = [...(await host.system.ownCommand()), insideCommand, JSON.stringify(job)]
  plan.add('program', ownOrigin, { args, env: [] })
  plan.add('closeOnExec', ownOrigin, { preserve: 0 })
  plan.add('exec', ownOrigin, {})
  try {
    const init = await Init.spawn(host, plan.plan, { dir: '', cgroup: -1, output }, undo)
    const failed = await init.converse({
      console: async (fd) => closeQuietly(host, fd),
      reached: () => writeIdMaps(context, init.name.pid, { ...ids, uidOrigin: ownOrigin, gidOrigin: ownOrigin }),
    })
    if (failed !== undefined) throw stepError(plan.plan, { failed, architecture: await host.system.architecture() })
  } catch (error) {
    throw namespaceError(error)
  }
}

function namespaceError(error: unknown): unknown {
  if (!(error instanceof RuntError)) return error
  const refused = ['EPERM', 'ENOSPC', 'EUSERS'].includes(error.code) && error.message.startsWith('spawn init')
  const hint = refused
    ? 'the kernel must let users make user namespaces: see kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns and user.max_user_namespaces'
    : error.hint
  return new RuntError(error.code, `work in a user namespace: ${error.message}`, { cause: error, hint })
}

/** The last word; undefined where it was not said. */
type End = Exclude<Said, { progress: unknown } | { warning: unknown }> | undefined

async function listen(
  { host, log }: Context,
  reader: Fd,
  onProgress?: (progress: UnpackProgress) => void | Promise<void>,
): Promise<End> {
  let rest: Uint8Array = new Uint8Array()
  for (;;) {
    const bytes = await host.files.read(reader, atOnce)
    if (bytes.length === 0) return undefined
    const all = concat([rest, bytes])
    const end = all.lastIndexOf(0x0a) + 1
    rest = all.subarray(end)
    for (const line of textOf(all.subarray(0, end)).split('\n').slice(0, -1)) {
      const said = JSON.parse(line) as Said
      if ('progress' in said) await onProgress?.(said.progress)
      else if ('warning' in said) await log?.warn(said.warning)
      else return said
    }
  }
}

/**
 * Whether this process is a worker: root of a user namespace, as the kernel has it. What says so otherwise is not asked.
 * @throws RuntError where it is none
 */
export async function requireInside({ system }: Host): Promise<void> {
  if ((await system.euid()) === 0 && (await system.inUserNamespace())) return
  throw new RuntError('EPERM', `${insideCommand} is a part of other commands, in a user namespace`)
}
