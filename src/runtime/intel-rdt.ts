/** linux.intelRdt through a container's life: its class of service made with it, and taken back. Loaded only where it is asked for. */
import { joinRdt, makeRdt, placeRdt, removeDirectory, removeRdt, type PlacedRdt } from '../cgroups/resctrl.ts'
import type { Host } from '../host/host.ts'
import type { Undo } from './failures.ts'

export { joinRdt, placeRdt, removeRdt }

/** Makes the class and puts init into it. Call it when init forks no more. */
export async function enterRdt(host: Host, placed: PlacedRdt, pid: number, undo: Undo): Promise<void> {
  await makeRdt(host, placed, (dir) => undo.push(`remove ${dir}`, () => removeDirectory(host, dir)))
  await joinRdt(host, placed.saved, pid)
}
