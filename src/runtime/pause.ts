/** `pause` and `resume`: stop and continue all processes of a container, through its cgroup. */
import { freezeCgroup } from '../cgroups/freezer.ts'
import { RuntError, StateError } from '../errors.ts'
import { cgroupDir } from './cgroup.ts'
import type { Context } from './context.ts'
import { closeQuietly } from './failures.ts'
import type { SavedState } from './state.ts'
import { deriveStatus } from './status.ts'
import { loadState, lockContainer } from './store.ts'

/**
 * Returns once no process of the container runs.
 * @throws StateError unless the container is `created` or `running`
 */
export async function pause(id: string, context: Context): Promise<void> {
  await withContainer(id, context, async (dir, state) => {
    const status = await deriveStatus(context.host, dir, state, true)
    if (status !== 'running' && status !== 'created') throw new StateError('NOT_RUNNING', 'container not running')
    await freezeCgroup(context.host, cgroupOf(state, 'pause'), true)
  })
}

/** @throws StateError unless the container is `paused` */
export async function resume(id: string, context: Context): Promise<void> {
  await withContainer(id, context, async (dir, state) => {
    const status = await deriveStatus(context.host, dir, state, true)
    if (status !== 'paused') throw new StateError('NOT_PAUSED', 'container not paused')
    await freezeCgroup(context.host, cgroupOf(state, 'resume'), false)
  })
}

async function withContainer(
  id: string,
  context: Context,
  action: (dir: string, state: SavedState) => Promise<void>,
): Promise<void> {
  const { dir, lock } = await lockContainer(context, id)
  try {
    await action(dir, (await loadState(context, id)).state)
  } finally {
    await closeQuietly(context.host, lock)
  }
}

/** The directory of the container's cgroup. */
export function cgroupOf({ cgroup, id }: SavedState, what: string): string {
  if (cgroup !== undefined) return cgroupDir(cgroup)
  throw new RuntError('NO_CGROUP', `${what} ${id}: the container has no cgroup`, {
    hint: 'it was made with --cgroup-manager disabled',
  })
}
