/** A user namespace for the sake of its mappings: nobody stays in it. Loaded only for id-mapped mounts. */
import type { Fd, Host } from '../host/host.ts'
import { openFlags } from '../host/host.ts'
import { clone, signal } from '../plan/kernel.ts'
import { ownOrigin, PlanBuilder, type IdRange } from '../plan/plan.ts'
import { syncPoint } from '../plan/sync.ts'
import { attempt, closeQuietly, Undo } from './failures.ts'
import { Init } from './init.ts'

/**
 * Makes a user namespace with these mappings, and returns a descriptor of it, which keeps it alive: a process is made in it, waits
 * while its maps are written, and is ended.
 *
 * @param origin the field that asked for it, for errors
 */
export async function openUserNamespace(
  host: Host,
  maps: { uid: readonly IdRange[]; gid: readonly IdRange[] },
  origin: string,
): Promise<Fd> {
  const plan = new PlanBuilder()
  plan.plan.cloneFlags = clone.NEWUSER
  plan.add('dieWithParent', ownOrigin, { signal: signal.KILL })
  plan.add('sync', ownOrigin, { point: syncPoint.userNamespace })
  const undo = new Undo()
  const { pid } = (await Init.spawn(host, plan.plan, { dir: '', cgroup: -1 }, undo)).name
  let fd: Fd
  try {
    for (const [file, list] of [
      ['gid_map', maps.gid],
      ['uid_map', maps.uid],
    ] as const) {
      const lines = list.map((range) => `${range.containerID} ${range.hostID} ${range.size}\n`).join('')
      await attempt(`map ids for the mount (/proc/${pid}/${file})`, { origin }, () =>
        host.files.writeExisting(`/proc/${pid}/${file}`, lines),
      )
    }
    fd = await attempt('open the user namespace of the mount', { origin }, () =>
      host.files.open(`/proc/${pid}/ns/user`, openFlags.readOnly),
    )
  } catch (error) {
    throw await undo.after(error)
  }
  const [failure] = await undo.run()
  if (failure === undefined) return fd
  await closeQuietly(host, fd)
  throw failure
}
