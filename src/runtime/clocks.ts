/** The clocks of a new time namespace. Loaded only for containers that set them. */
import type { ParentActions } from '../compiler/facts.ts'
import { RuntError } from '../errors.ts'
import type { Host } from '../host/host.ts'
import { attempt, isErrno } from './failures.ts'

/**
 * Sets the offsets of the time namespace that the children of process `pid` will be in: time_namespaces(7). They can be set as
 * long as no process is in it.
 * @throws RuntError at linux.timeOffsets
 */
export async function writeTimeOffsets(
  host: Host,
  pid: number,
  { clocks, origin }: NonNullable<ParentActions['timeOffsets']>,
): Promise<void> {
  const text = clocks.map(({ clock, secs, nanosecs }) => `${clock} ${secs} ${nanosecs}\n`).join('')
  await attempt('set the clocks of the time namespace', { origin }, async () => {
    try {
      await host.files.writeExisting(`/proc/${pid}/timens_offsets`, text)
    } catch (error) {
      if (!isErrno(error, 'ERANGE')) throw error
      throw new RuntError(error.code, 'set the clocks of the time namespace: an offset is out of range', {
        origin,
        cause: error,
        hint: 'a clock may neither go below 0 nor beyond 146 years',
      })
    }
  })
}
