/** Whether init was killed for want of memory when it was to become the program. Loaded only for containers with a limit of memory. */
import { explainDeath } from '../cgroups/manager.ts'
import type { Host } from '../host/host.ts'
import { cgroupDir } from './cgroup.ts'
import { parseStat } from './procfs.ts'
import type { SavedState } from './state.ts'

/** What init calls itself until it executes a program (native/init/main.cpp). */
const initName = 'runt:init'

/**
 * Says why the program was not executed: execve(2) itself takes memory, and when the kernel kills init in it, nobody reports. A
 * program that is killed has another name; one that was reaped tells nothing.
 */
export async function whyNotExecuted(host: Host, state: SavedState): Promise<Error | undefined> {
  if (state.cgroup === undefined) return undefined
  const text = await host.files.readTextIfExists(`/proc/${state.pid}/stat`)
  const stat = text === undefined ? undefined : parseStat(text)
  if (stat?.startTime !== state.startTime || (stat.state !== 'Z' && stat.state !== 'X')) return undefined
  if (!text!.startsWith(`${state.pid} (${initName})`)) return undefined
  return explainDeath(host, cgroupDir(state.cgroup))
}
