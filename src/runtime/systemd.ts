/** A container's cgroup as a unit of systemd: what differs from one that runt makes itself. Loaded only for such containers. */
import { utf8 } from '../bytes.ts'
import type { CgroupWrite } from '../cgroups/knobs.ts'
import { createCgroup, isLate, type Cgroup } from '../cgroups/manager.ts'
import { isBusMissing, Manager, withManager } from '../cgroups/systemd/connection.ts'
import { annotatedProperties, lastingProperties, resourceProperties } from '../cgroups/systemd/properties.ts'
import { attachProcess, setUnitProperties, startUnit, stopUnit } from '../cgroups/systemd/scope.ts'
import { unitPlace } from '../cgroups/systemd/unit.ts'
import { RuntError, type ConfigProblem } from '../errors.ts'
import type { Host } from '../host/host.ts'
import type { Plan } from '../plan/plan.ts'
import { PlanBuilder, ownOrigin } from '../plan/plan.ts'
import { signal } from '../plan/kernel.ts'
import { syncPoint } from '../plan/sync.ts'
import type { Spec } from '../spec/schema.gen.ts'
import type { Context } from './context.ts'
import type { Undo } from './failures.ts'
import { Init } from './init.ts'
import { cgroupDir, type PlacedCgroup, type PlannedUnit } from './placed-cgroup.ts'
import type { SavedCgroup } from './state.ts'

type SavedUnit = NonNullable<SavedCgroup['unit']>

/** Where systemd says that it is what booted: sd_booted(3). */
const booted = '/run/systemd/system'

/** The bus of the systemd that serves the caller: the machine's for root, their own for others. */
async function busOf({ host, globals }: Context): Promise<string> {
  const rootless = globals.rootless === 'auto' ? await isUsers(host) : globals.rootless
  if (!rootless) return ''
  const { DBUS_SESSION_BUS_ADDRESS: address, XDG_RUNTIME_DIR: runtimeDir } = globals.env
  if (address !== undefined && address !== '') return address
  if (runtimeDir === undefined || runtimeDir === '') {
    throw new RuntError('SYSTEMD', 'the bus of the systemd of this user is not known', {
      origin: '--systemd-cgroup',
      hint: 'set XDG_RUNTIME_DIR or DBUS_SESSION_BUS_ADDRESS, or log in so that systemd runs for the user',
    })
  }
  return `unix:path=${escaped(`${runtimeDir}/bus`)}`
}

/**
 * Whether the caller is not the one whom the machine's systemd serves. Root of a user namespace is, if that systemd runs in the same
 * one, as in a container that was booted: then what it made belongs to root as seen from here.
 */
async function isUsers({ system, files }: Host): Promise<boolean> {
  if ((await system.euid()) !== 0) return true
  return (await system.inUserNamespace()) && (await files.status(booted))?.uid !== 0
}

/** D-Bus specification, "Server Addresses". */
const escaped = (path: string): string =>
  [...utf8(path)]
    .map((byte) => [byte, String.fromCharCode(byte)] as const)
    .map(([byte, char]) => (/[-0-9A-Za-z_/.\\*]/.test(char) ? char : `%${byte.toString(16).padStart(2, '0')}`))
    .join('')

/** Finds the unit's name and place; no effects. */
export async function placeUnit(
  context: Context,
  spec: Spec,
  id: string,
  problems: ConfigProblem[],
): Promise<{ path: string; unit: SavedUnit; planned: PlannedUnit }> {
  const bus = await busOf(context)
  const { unit, slice, path } = unitPlace(id, spec.linux?.cgroupsPath, bus === '' ? 'system.slice' : 'user.slice')
  // The machine's is the root.
  const above = bus === '' ? '' : await withManager(context.host, bus, (manager) => manager.cgroup())
  return {
    path: `${above}${path}`,
    unit: { bus, name: unit },
    planned: {
      slice,
      description: `runt container ${id}`,
      properties: annotatedProperties(spec.annotations ?? {}, problems),
    },
  }
}

/** The plan of a process that does nothing but wait, until its socket is closed. */
function waitingPlan(): Plan {
  const plan = new PlanBuilder()
  plan.add('dieWithParent', ownOrigin, { signal: signal.KILL })
  plan.add('sync', ownOrigin, { point: syncPoint.ready })
  return plan.plan
}

/** systemd learns of these when the cgroup is there: what is limited late, and what is written to one file or to another. */
const isForLater = (write: CgroupWrite): boolean => isLate(write) || write.fallback !== undefined

/**
 * Starts the unit and completes its cgroup. systemd makes a scope only around a process: a stand-in is that until init was
 * cloned into the cgroup, so that init never runs anywhere else.
 *
 * @returns the cgroup, and what ends the stand-in
 */
export async function makeUnit(
  host: Host,
  { saved, planned, writes, devices, unprivileged }: PlacedCgroup,
  dir: string,
  undo: Undo,
): Promise<{ cgroup: Cgroup; settled: () => Promise<void> }> {
  const { bus, name } = saved.unit!
  const manager = await Manager.connect(host, bus)
  planned!.manager = manager
  undo.push('close the bus', () => manager.close())
  const version = await manager.version()
  const path = cgroupDir(saved)
  const isSlice = name.endsWith('.slice')
  const standIn = isSlice ? undefined : await Init.spawn(host, waitingPlan(), { dir, cgroup: -1 }, undo)
  const now = writes.filter((write) => !isForLater(write))
  await startUnit(manager, {
    name,
    slice: planned!.slice,
    description: planned!.description,
    pid: standIn?.name.pid,
    properties: [
      ...resourceProperties(now, version),
      ...(isSlice ? [] : lastingProperties(writes, version)),
      ...planned!.properties,
    ],
  })
  undo.push(`stop unit ${name}`, () => stopUnitOf(host, saved))
  const cgroup = await createCgroup(host, { root: saved.root, path, writes, devices, given: true, unprivileged })
  const settled = async () => {
    await standIn?.end()
    if (!writes.some(isForLater)) await manager.close()
  }
  return { cgroup, settled }
}

/** The limits that had to wait, once init was executed: see `limitMemory`. */
export async function limitMemoryOfUnit(host: Host, { saved, planned, writes }: PlacedCgroup): Promise<void> {
  const late = writes.filter(isForLater)
  const manager = planned?.manager
  if (late.length === 0 || manager === undefined) return
  try {
    await tell(host, manager, saved, late)
  } finally {
    await manager.close()
  }
}

/** Tells systemd of limits that changed; otherwise it would write the old ones again when it is reloaded. */
export async function updateUnit(host: Host, saved: SavedCgroup, writes: readonly CgroupWrite[]): Promise<void> {
  await withManager(host, saved.unit!.bus, (manager) => tell(host, manager, saved, writes))
}

async function tell(host: Host, manager: Manager, saved: SavedCgroup, writes: readonly CgroupWrite[]): Promise<void> {
  const settled: CgroupWrite[] = []
  for (const write of writes) {
    const { fallback, file } = write
    const there = fallback === undefined || (await host.files.status(`${cgroupDir(saved)}/${file}`)) !== undefined
    settled.push(there ? write : { ...write, ...fallback })
  }
  await setUnitProperties(manager, saved.unit!.name, resourceProperties(settled, await manager.version()))
}

/** Moves a process into the cgroup below the unit's, where the kernel does not let the caller do it. */
export async function attachToUnit(host: Host, { unit }: SavedCgroup, pid: number, below = ''): Promise<void> {
  await withManager(host, unit!.bus, (manager) => attachProcess(manager, unit!.name, below, pid))
}

/** Stops a unit with all that runs in it. Where nobody listens any more, the end of its processes and of its cgroup has to do. */
export async function stopUnitOf(host: Host, saved: SavedCgroup): Promise<void> {
  const { bus, name } = saved.unit!
  try {
    await withManager(host, bus, (manager) => stopUnit(manager, name))
  } catch (error) {
    if (!isBusMissing(error)) throw error
  }
}
