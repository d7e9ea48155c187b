/** Other limits for a cgroup with processes in it. */
import { openFlags, type Host } from '../host/host.ts'
import type { DeviceFilter } from './devices.ts'
import { RuntError, SystemError } from '../errors.ts'
import { enableControllers } from './controllers.ts'
import { failed, goneError, isGone } from './failures.ts'
import { readIfThere } from './fs.ts'
import type { CgroupWrite, UsageCheck } from './knobs.ts'
import { applyWrite, checkUsage, setDevices } from './manager.ts'

export interface CgroupUpdate {
  /** Directory of the hierarchy. */
  root: string
  path: string
  writes: readonly CgroupWrite[]
  /** What brings the same files back to what is in force now. */
  before: readonly CgroupWrite[]
  check: UsageCheck | undefined
  /** In place of the one that there is; undefined leaves it. */
  devices: DeviceFilter | undefined
}

/**
 * Makes the writes in their order. If one is refused, what was written before it is taken back as far as that can be done.
 * @returns the writes that take all of them back
 * @throws RuntError `CGROUP_GONE`, `NO_CONTROLLER`, `CGROUP_LIMIT`, `CGROUP_USAGE`, `CGROUP_DEVICES`
 */
export async function applyUpdate(
  host: Host,
  { root, path, writes, before, check, devices }: CgroupUpdate,
): Promise<readonly CgroupWrite[]> {
  try {
    await enableControllers(host, root, path, writes)
  } catch (error) {
    throw isGone(error) ? goneError(path, error) : failed('CGROUP_LIMIT', `read cgroup ${path}`, error)
  }
  if (check !== undefined) await checkUsage(host, path, check)
  const back = [...before, ...(await inForce(host, path, writes, before))]
  try {
    for (const write of withRoom(writes)) await applyWrite(host, path, write)
    if (devices !== undefined) await replaceDevices(host, path, devices)
    return back
  } catch (error) {
    const failures: Error[] = []
    for (const write of withRoom(back)) {
      try {
        await applyWrite(host, path, write)
      } catch (failure) {
        failures.push(failure as Error)
      }
    }
    if (error instanceof RuntError) error.cleanupErrors = [...error.cleanupErrors, ...failures]
    throw error
  }
}

/**
 * What brings files back that no known limit is for: what they say, where that is one value. Lines of devices are not written as they
 * are read.
 */
async function inForce(
  host: Host,
  path: string,
  writes: readonly CgroupWrite[],
  before: readonly CgroupWrite[],
): Promise<CgroupWrite[]> {
  const found = new Map<string, CgroupWrite>()
  for (const { file, pointer, controller } of writes) {
    if (found.has(file) || before.some((write) => write.file === file)) continue
    const value = await readValue(host, `${path}/${file}`)
    // The weight of an idle cgroup says 0, which is none.
    if (value === undefined || /[=:\n]/.test(value) || (file === 'cpu.weight' && value === '0')) continue
    found.set(file, { file, value: value === '' ? '\n' : value, pointer, controller, optional: true })
  }
  return [...found.values()]
}

/** undefined where nothing can be read, as some files are only to be written. */
async function readValue(host: Host, file: string): Promise<string | undefined> {
  try {
    return (await readIfThere(host, file))?.trim()
  } catch (error) {
    if (error instanceof SystemError) return undefined
    throw error
  }
}

/** The kernel takes no quota below the burst that is in force, and no burst above the quota: the old burst goes first. */
function withRoom(writes: readonly CgroupWrite[]): readonly CgroupWrite[] {
  const burst = writes.find(({ file }) => file === 'cpu.max.burst')
  return burst === undefined ? writes : [{ ...burst, value: '0', optional: true }, ...writes]
}

async function replaceDevices(host: Host, path: string, devices: DeviceFilter): Promise<void> {
  const fd = await host.files.open(path, openFlags.directory | openFlags.path)
  try {
    await setDevices(host, path, fd, devices, false)
  } finally {
    await host.files.close(fd)
  }
}
