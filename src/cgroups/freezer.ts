/** Stops and continues all processes of a cgroup (cgroup-v2.rst, "cgroup.freeze"). */
import { RuntError } from '../errors.ts'
import type { Host } from '../host/host.ts'
import { failed, goneError, isGone } from './failures.ts'

/** How long processes may take to stop, in milliseconds: one that waits for a device stops only after it. */
const patience = 10_000

/**
 * Freezes the cgroup, and returns once every process stands still; or thaws it.
 * @throws RuntError `CGROUP_FREEZE` if a process does not stop within ten seconds: then it is thawed again
 */
export async function freezeCgroup(host: Host, path: string, frozen: boolean): Promise<void> {
  await write(host, path, frozen)
  if (!frozen || (await host.cgroups.waitForEvent(path, 'frozen 1', patience))) return
  await write(host, path, false)
  throw new RuntError('CGROUP_FREEZE', `freeze cgroup ${path}: its processes do not stop`, {
    hint: 'one of them waits in the kernel: ps -o pid,stat,wchan shows D',
  })
}

async function write(host: Host, path: string, frozen: boolean): Promise<void> {
  try {
    await host.files.writeExisting(`${path}/cgroup.freeze`, frozen ? '1' : '0')
  } catch (error) {
    if (isGone(error)) throw goneError(path, error)
    throw failed('CGROUP_FREEZE', `${frozen ? 'freeze' : 'thaw'} cgroup ${path}`, error)
  }
}
