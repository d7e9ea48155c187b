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
  const text = await readOfProcess(host, String(process.pid), 'stat')
  const stat = text === undefined ? undefined : parseStat(text)
  if (stat?.startTime !== process.startTime) return undefined
  if (!text!.startsWith(`${process.pid} (${initName})`)) return undefined
  // Its descriptors are closed already, or nobody would ask. What dies was marked before that; what is not marked executes a program,
  // can no more go back, and gets the program's name next.
  return stat.ending ? explainDeath(host, cgroupDir(cgroup), who) : undefined
}

/** Why the process of an `exec` left without a word before it was ready. */
export async function whyDied(host: Host, state: SavedState): Promise<Error> {
  if (await isEnding(host, state)) return new StateError('STOPPED', 'cannot exec in a stopped container')
  const limits = state.cgroup && (await explainDeath(host, cgroupDir(state.cgroup), 'process'))
  return limits ?? new StateError('INIT_DIED', 'process died while it was being set up')
}
