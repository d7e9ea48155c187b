/** A container's cgroup as a unit of systemd: what differs from one that runt makes itself. Loaded only for such containers. */
import type { CgroupWrite } from '../cgroups/knobs.ts'
import { createCgroup, isLate, type Cgroup } from '../cgroups/manager.ts'
import { annotatedProperties, resourceProperties } from '../cgroups/systemd/properties.ts'
import { managersCgroup, setUnitProperties, startUnit, stopUnit, systemdVersion } from '../cgroups/systemd/scope.ts'
import { unitPlace } from '../cgroups/systemd/unit.ts'
import { RuntError, type ConfigProblem } from '../errors.ts'
import type { Host } from '../host/host.ts'
import type { Plan } from '../plan/plan.ts'
import { PlanBuilder, ownOrigin } from '../plan/plan.ts'
import { signal } from '../plan/kernel.ts'
import { syncPoint } from '../plan/steps.ts'
import type { Spec } from '../spec/schema.gen.ts'
import type { Context } from './context.ts'
import type { Undo } from './failures.ts'
import { Init } from './init.ts'
import { cgroupDir, type PlacedCgroup, type PlannedUnit } from './placed-cgroup.ts'
import type { SavedCgroup } from './state.ts'

/** The bus of the systemd that serves the caller: the machine's for root, their own for others. */
async function busOf({ host, globals }: Context): Promise<string> {
  const rootless = globals.rootless === true || (globals.rootless === 'auto' && (await host.system.euid()) !== 0)
  if (!rootless) return ''
  const { DBUS_SESSION_BUS_ADDRESS: address, XDG_RUNTIME_DIR: runtimeDir } = globals.env
  if (address !== undefined && address !== '') return address
  if (runtimeDir !== undefined && runtimeDir !== '') return `unix:path=${runtimeDir}/bus`
  throw new RuntError('SYSTEMD', 'the bus of the systemd of this user is not known', {
    origin: '--systemd-cgroup',
    hint: 'set XDG_RUNTIME_DIR or DBUS_SESSION_BUS_ADDRESS, or log in so that systemd runs for the user',
  })
}

/** Finds the unit's name and place; no effects. */
export async function placeUnit(
  context: Context,
  spec: Spec,
  id: string,
  problems: ConfigProblem[],
): Promise<{ path: string; unit: NonNullable<SavedCgroup['unit']>; planned: PlannedUnit }> {
  const bus = await busOf(context)
  const { unit, slice, path } = unitPlace(id, spec.linux?.cgroupsPath, bus === '' ? 'system.slice' : 'user.slice')
  return {
    path: `${await managersCgroup(context.host, bus)}${path}`,
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

/**
 * Starts the unit and completes its cgroup. systemd makes a scope only around a process: a stand-in is that until init was
 * cloned into the cgroup, so that init never runs anywhere else.
 *
 * @returns the cgroup, and what ends the stand-in
 */
export async function makeUnit(
  host: Host,
  { saved, planned, writes, devices }: PlacedCgroup,
  dir: string,
  undo: Undo,
): Promise<{ cgroup: Cgroup; settled: () => Promise<void> }> {
  const unit = saved.unit!
  const version = await systemdVersion(host, unit.bus)
  const path = cgroupDir(saved)
  const isSlice = unit.name.endsWith('.slice')
  const standIn = isSlice ? undefined : await Init.spawn(host, waitingPlan(), { dir, cgroup: -1 }, undo)
  const resources = resourceProperties(
    writes.filter((write) => !isLate(write)),
    version,
  )
  await startUnit(host, {
    ...unit,
    slice: planned!.slice,
    description: planned!.description,
    pid: standIn?.name.pid,
    properties: [...resources, ...planned!.properties],
  })
  undo.push(`stop unit ${unit.name}`, () => stopUnit(host, unit))
  const cgroup = await createCgroup(host, { root: saved.root, path, writes, devices, given: true })
  return { cgroup, settled: async () => standIn?.end() }
}

/** The limits of memory, once init was executed: see `limitMemory`. */
export async function limitMemoryOfUnit(host: Host, { saved, writes }: PlacedCgroup): Promise<void> {
  const late = writes.filter(isLate)
  if (late.length === 0) return
  const unit = saved.unit!
  await setUnitProperties(host, unit, resourceProperties(late, await systemdVersion(host, unit.bus)))
}

/** Tells systemd of limits that changed. */
export async function updateUnit(
  host: Host,
  unit: NonNullable<SavedCgroup['unit']>,
  writes: readonly CgroupWrite[],
): Promise<void> {
  await setUnitProperties(host, unit, resourceProperties(writes, await systemdVersion(host, unit.bus)))
}

/** Stops a unit with all that runs in it. */
export function stopUnitOf(host: Host, unit: NonNullable<SavedCgroup['unit']>): Promise<void> {
  return stopUnit(host, unit)
}
