/** The container's cgroup for the container's user. Loaded only for containers that may write to it. */
import { delegateCgroup, hostUid } from '../cgroups/delegate.ts'
import type { ParentActions } from '../compiler/facts.ts'
import { RuntError } from '../errors.ts'
import type { Fd } from '../host/host.ts'
import type { Context } from './context.ts'
import { attempt } from './failures.ts'
import { cgroupDir, type PlacedCgroup } from './placed-cgroup.ts'

/**
 * Gives the cgroup to whom the uid of the container's is on the machine. What the kernel says of init's user namespace counts, as
 * that may be one that was joined.
 *
 * @param fd the cgroup's directory
 * @param pid init's, which is in the container's user namespace
 */
export async function giveCgroup(
  { host, log }: Context,
  fd: Fd,
  placed: PlacedCgroup,
  pid: number,
  { uid, mapped, origin }: NonNullable<ParentActions['delegate']>,
): Promise<void> {
  let owner: number | undefined = uid
  if (mapped) {
    const file = `/proc/${pid}/uid_map`
    owner = hostUid(await attempt(`read ${file}`, { origin }, () => host.files.readText(file)), uid)
    // The user cannot be entered either: that is another error.
    if (owner === undefined) return
  }
  try {
    await delegateCgroup(host, fd, cgroupDir(placed.saved), owner, origin)
  } catch (error) {
    // Nothing is lost but that the container cannot divide its cgroup: who has no rights on the machine can give nothing away.
    if (placed.unprivileged !== true || !(error instanceof RuntError)) throw error
    await log?.warn(error.message)
  }
}
