/** Why init left without a word. Loaded only where it did, and for containers with a limit of memory. */
import { readOfProcess } from '../cgroups/failures.ts'
import { explainDeath } from '../cgroups/manager.ts'
import { StateError } from '../errors.ts'
import type { Host } from '../host/host.ts'
import { cgroupDir } from './cgroup.ts'
import { isEnding, parseStat, type ProcessName } from './procfs.ts'
import type { SavedState } from './state.ts'

/** What init calls itself until it executes a program (native/init/main.cpp). */
const initName = 'runt:init'

/** How often the process is looked at, a millisecond apart, until it is the program or dead. */
const looks = 1000

/**
 * Says why the program was not executed: execve(2) itself takes memory, and when the kernel kills init in it, nobody reports. A
 * program that is killed has another name; one that was reaped tells nothing.
 *
 * @param process the container's init, or that of an `exec`
 */
export async function whyNotExecuted(
  host: Host,
  { cgroup }: SavedState,
  process: ProcessName,
  who?: string,
): Promise<Error | undefined> {
  if (cgroup === undefined) return undefined
  // What executes a program closes its descriptors before it gets the new name, and what dies before it is dead.
  for (let look = 0; look < looks; look++) {
    const text = await readOfProcess(host, String(process.pid), 'stat')
    const stat = text === undefined ? undefined : parseStat(text)
    if (stat?.startTime !== process.startTime) return undefined
    if (!text!.startsWith(`${process.pid} (${initName})`)) return undefined
    if (stat.state === 'Z' || stat.state === 'X') return explainDeath(host, cgroupDir(cgroup), who)
    await host.system.sleep(1)
  }
  return undefined
}

/** Why the process of an `exec` left without a word before it was ready. */
export async function whyDied(host: Host, state: SavedState): Promise<Error> {
  if (await isEnding(host, state)) return new StateError('STOPPED', 'cannot exec in a stopped container')
  const limits = state.cgroup && (await explainDeath(host, cgroupDir(state.cgroup), 'process'))
  return limits ?? new StateError('INIT_DIED', 'process died while it was being set up')
}
