/** A container's cgroup through its life: where it goes, made with its limits, signalled, removed. */
import { compileDevices } from '../cgroups/devices.ts'
import * as fs from '../cgroups/fs.ts'
import type { CompiledResources } from '../cgroups/knobs.ts'
import { cgroupManager, cgroupPath, createCgroup, explainDeath, limitMemory, type Cgroup } from '../cgroups/manager.ts'
import type { ConfigProblem } from '../errors.ts'
import type { Host } from '../host/host.ts'
import type { Resources, Spec } from '../spec/schema.gen.ts'
import type { Context } from './context.ts'
import { closeQuietly, isErrno, type Undo } from './failures.ts'
import { cgroupDir, type PlacedCgroup } from './placed-cgroup.ts'
import { openProcess, readStat } from './procfs.ts'
import { SIGKILL } from './signals.ts'
import type { SavedCgroup } from './state.ts'

export { cgroupDir, type PlacedCgroup } from './placed-cgroup.ts'

/**
 * Finds the place and compiles the limits; no effects.
 * @returns undefined without cgroups (`--cgroup-manager disabled`), else with the problems and warnings of linux.resources
 */
export async function placeCgroup(
  context: Context,
  spec: Spec,
  id: string,
): Promise<{ cgroup: PlacedCgroup; problems: ConfigProblem[]; warnings: string[] } | undefined> {
  const manager = cgroupManager(context.globals)
  if (manager === 'disabled') return undefined
  const { host } = context
  const root = await fs.findCgroupRoot(host)
  const { writes, check, problems, warnings } = await compileLimits(spec.linux?.resources)
  const devices = compileDevices(spec.linux?.resources?.devices)
  problems.push(...devices.problems)
  const limits = { writes, check, devices: devices.filter }
  if (manager === 'systemd') {
    const { placeUnit } = await import('./systemd.ts')
    const { path, unit, planned } = await placeUnit(context, spec, id, problems)
    return { cgroup: { saved: { manager, unit, root, path }, planned, ...limits }, problems, warnings }
  }
  const asked = spec.linux?.cgroupsPath
  const path = await cgroupPath(id, asked, () => fs.ownCgroup(host))
  const nested = asked?.includes('/', 1) === true
  return { cgroup: { saved: { manager, root, path }, nested, ...limits }, problems, warnings }
}

/** Most configurations have rules for devices and no limits, whose table is loaded only for some. */
async function compileLimits(resources: Resources = {}): Promise<CompiledResources> {
  if (Object.keys(resources).every((group) => group === 'devices')) return { writes: [], problems: [], warnings: [] }
  return (await import('../cgroups/knobs.ts')).compileResources(resources)
}

/**
 * Makes the cgroup with all limits but those of memory in force. The caller closes the descriptor.
 * @param dir the container's state directory
 * @returns the cgroup, and what to do once the container's init is in it
 */
export async function makeCgroup(
  host: Host,
  placed: PlacedCgroup,
  dir: string,
  undo: Undo,
): Promise<{ cgroup: Cgroup; settled?: () => Promise<void> }> {
  if (placed.saved.unit !== undefined) {
    const { makeUnit } = await import('./systemd.ts')
    return makeUnit(host, placed, dir, undo)
  }
  const { saved, writes, devices, unprivileged, nested } = placed
  const path = cgroupDir(saved)
  const cgroup = await createCgroup(host, { root: saved.root, path, writes, devices, unprivileged, nested })
  undo.push(`remove cgroup ${path}`, () => cgroup.undo())
  return { cgroup }
}

/** Puts the limits of memory in force: once init was executed, before any program of the container is. */
export async function limitMemoryOf(host: Host, placed: PlacedCgroup): Promise<void> {
  const { saved, writes, check } = placed
  if (saved.unit !== undefined) {
    const { limitMemoryOfUnit } = await import('./systemd.ts')
    await limitMemoryOfUnit(host, placed)
  }
  await limitMemory(host, cgroupDir(saved), writes, check)
}

/** What the cgroup's limits have to do with an init that left without a word; undefined if nothing. */
export function whyDied(host: Host, { saved }: PlacedCgroup): Promise<Error | undefined> {
  return explainDeath(host, cgroupDir(saved))
}

export function isFrozen(host: Host, cgroup: SavedCgroup): Promise<boolean> {
  return fs.isFrozen(host, cgroupDir(cgroup))
}

/** Kills what runs in the cgroup and removes it. */
export async function destroyCgroup(host: Host, cgroup: SavedCgroup): Promise<void> {
  const { unit } = cgroup
  if (unit !== undefined) {
    // Before systemd is asked: its own way of killing is slow and lets processes answer.
    await fs.killCgroup(host, cgroupDir(cgroup))
    const { stopUnitOf } = await import('./systemd.ts')
    await stopUnitOf(host, cgroup)
  }
  return fs.removeCgroup(host, cgroup.root, cgroupDir(cgroup))
}

/** How long an init that lost its runt may take to leave, in milliseconds. */
const patience = 2000

/**
 * Removes the cgroup of a creation that was interrupted before it noted its init. What runs in there may be that init, which
 * leaves by itself, or another container's processes if the creation had not come to refuse the cgroup: those are not touched,
 * and neither is then the cgroup.
 */
export async function abandonCgroup(host: Host, cgroup: SavedCgroup): Promise<void> {
  const dir = cgroupDir(cgroup)
  if (await removeIfEmpty(host, dir)) return
  if (await host.cgroups.waitForEvent(dir, 'populated 0', patience)) await removeIfEmpty(host, dir)
}

async function removeIfEmpty({ files }: Host, dir: string): Promise<boolean> {
  try {
    await files.rmdir(dir)
    return true
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return true
    if (isErrno(error, 'EBUSY', 'ENOTEMPTY')) return false
    throw error
  }
}

/**
 * Sends a signal to every process of the cgroup.
 * @returns how many there were
 */
export async function signalCgroup(host: Host, cgroup: SavedCgroup, signal: number): Promise<number> {
  const dir = cgroupDir(cgroup)
  const pids = await fs.processes(host, dir)
  if (signal === SIGKILL) {
    if (pids.length > 0) await killAll(host, dir)
    return pids.length
  }
  for (const pid of pids) await signalMember(host, dir, pid, signal)
  return pids.length
}

/** How often a cgroup is killed until it is empty: kernels before 6.14 may spare what was being forked. */
const kills = 10

async function killAll(host: Host, dir: string): Promise<void> {
  for (let kill = 1; kill <= kills; kill++) {
    await fs.killCgroup(host, dir)
    if (await host.cgroups.waitForEvent(dir, 'populated 0', kill)) return
  }
}

/** The number may have passed on to another process since it was read: the pidfd's process must still be in the cgroup. */
async function signalMember(host: Host, dir: string, pid: number, signal: number): Promise<void> {
  const stat = await readStat(host, pid)
  const pidfd = stat && (await openProcess(host, { pid, startTime: stat.startTime }))
  if (pidfd === undefined) return
  try {
    if ((await fs.processes(host, dir)).includes(pid)) await host.processes.pidfdSignal(pidfd, signal)
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error
  } finally {
    await closeQuietly(host, pidfd)
  }
}
