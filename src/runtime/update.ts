/** `update`: changes the limits of a container that is there. */
import { compileDevices } from '../cgroups/devices.ts'
import { compileResources } from '../cgroups/knobs.ts'
import { applyUpdate } from '../cgroups/update.ts'
import { InvalidConfigError, RuntError, StateError } from '../errors.ts'
import { defaultSpec, specVersion } from '../spec/default.ts'
import { checkSpec } from '../spec/parse.ts'
import type { Resources } from '../spec/schema.gen.ts'
import type { Context } from './context.ts'
import { closeQuietly, Undo } from './failures.ts'
import { cgroupOf } from './pause.ts'
import type { SavedState } from './state.ts'
import { deriveStatus } from './status.ts'
import { loadState, lockContainer, saveState } from './store.ts'

/** What `update` is asked to do. */
export interface UpdateRequest {
  id: string
  /** As `linux.resources` of config.json; what is not there stays as it is. */
  resources: unknown
  /** Schemas for the class of service of a container with linux.intelRdt. */
  l3CacheSchema?: string | undefined
  memBwSchema?: string | undefined
}

/**
 * Changes limits, or leaves all as they are. Devices are replaced where the list is another than the container's.
 * @throws InvalidConfigError with every problem of the resources; StateError if the container is stopped
 */
export async function update(request: UpdateRequest, context: Context): Promise<void> {
  const { host, log } = context
  const { dir, lock } = await lockContainer(context, request.id)
  try {
    const { state } = await loadState(context, request.id)
    const wanted = checked(request.resources, state.configVersion)
    const status = await deriveStatus(host, dir, state, true)
    if (status === 'stopped') throw new StateError('NOT_RUNNING', 'container not running')
    const known = state.resources ?? {}
    const merged = merge(known, wanted)
    const { writes, problems, warnings, check } = compileResources(affected(merged, wanted))
    const devices = changedDevices(known, wanted)
    if (devices !== undefined) problems.push(...devices.problems)
    if (problems.length > 0) throw new InvalidConfigError('resources', problems, 'invalid resources')
    for (const warning of warnings) await log?.warn(warning)
    await changeRdt(request, context, state)
    // What is in force is written back where a value is refused.
    const before = compileResources(affected(known, wanted)).writes
    const path = cgroupOf(state, 'update')
    const { root } = state.cgroup!
    const back = await applyUpdate(host, { root, path, writes, before, check, devices: devices?.filter })
    if (state.cgroup?.unit !== undefined) {
      const { updateUnit } = await import('./systemd.ts')
      await updateUnit(host, state.cgroup, writes)
    }
    state.resources = merged
    try {
      await saveState(host, dir, state)
    } catch (error) {
      // What is not known to be in force shall not be.
      const undo = new Undo()
      undo.push('take the limits back', async () => {
        const old = devices && compileDevices(known.devices).filter
        await applyUpdate(host, { root, path, writes: back, before: writes, check: undefined, devices: old })
        if (state.cgroup?.unit !== undefined) {
          const { updateUnit } = await import('./systemd.ts')
          await updateUnit(host, state.cgroup, back)
        }
      })
      throw await undo.after(error)
    }
  } finally {
    await closeQuietly(host, lock)
  }
}

/** Resources alone, checked as a part of a configuration of the container's version: daemons send back what stands in it. */
function checked(resources: unknown, ociVersion: string = specVersion): Resources {
  const document: unknown = { ...defaultSpec(), ociVersion, linux: { ...defaultSpec().linux, resources } }
  const { spec, problems } = checkSpec(document)
  if (spec === undefined) throw new InvalidConfigError('resources', problems, 'invalid resources')
  return spec.linux?.resources ?? {}
}

/** The container's limits after the update. What depends on each other (memory and swap, quota and period) is kept together. */
function merge(known: Resources, wanted: Resources): Resources {
  const merged: Resources = { ...known, ...wanted }
  if (wanted.memory !== undefined) {
    merged.memory = { ...known.memory, ...wanted.memory }
    // As in cgroup v1: no limit of memory, none of memory and swap.
    if (wanted.memory.limit === -1 && wanted.memory.swap === undefined) merged.memory.swap = -1
    if (wanted.memory.checkBeforeUpdate === undefined) delete merged.memory.checkBeforeUpdate
  }
  if (wanted.cpu !== undefined) {
    merged.cpu = { ...known.cpu, ...wanted.cpu }
    // An idle cgroup takes no weight; the shares count again when it is not idle any more.
    if (merged.cpu.idle === 1 && wanted.cpu.shares === undefined) delete merged.cpu.shares
  }
  return merged
}

/** Of the container's limits those that belong to what is changed. */
function affected(limits: Resources, { memory, cpu, ...others }: Resources): Resources {
  const result: Resources = {}
  for (const name of Object.keys(others) as (keyof typeof others)[]) {
    if (name !== 'devices' && limits[name] !== undefined) Object.assign(result, { [name]: limits[name] })
  }
  if (memory !== undefined && limits.memory !== undefined) result.memory = limits.memory
  if (cpu !== undefined && limits.cpu !== undefined) {
    const { cpus, mems, ...rest } = limits.cpu
    result.cpu = rest
    if (cpu.cpus !== undefined && cpus !== undefined) result.cpu.cpus = cpus
    if (cpu.mems !== undefined && mems !== undefined) result.cpu.mems = mems
  }
  return result
}

/** Daemons send the list that the container was made with: what others added to its filter since must stay then. */
function changedDevices(known: Resources, { devices }: Resources): ReturnType<typeof compileDevices> | undefined {
  if (devices === undefined || devices.length === 0) return undefined
  return JSON.stringify(devices) === JSON.stringify(known.devices) ? undefined : compileDevices(devices)
}

async function changeRdt(request: UpdateRequest, { host }: Context, { intelRdt }: SavedState): Promise<void> {
  const lines = [request.l3CacheSchema, request.memBwSchema].filter((line) => line !== undefined && line !== '')
  if (lines.length === 0) return
  const origin = request.l3CacheSchema === undefined ? '--mem-bw-schema' : '--l3-cache-schema'
  if (intelRdt === undefined) {
    throw new RuntError('NO_RESCTRL', 'the container has no class of service', {
      origin,
      hint: 'it gets one by linux.intelRdt of config.json, when it is created',
    })
  }
  const { writeSchemata } = await import('../cgroups/resctrl.ts')
  await writeSchemata(host, intelRdt.group, lines as string[], origin)
}
