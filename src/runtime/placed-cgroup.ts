/** The place of a container's cgroup and what it is made with, for the managers. */
import type { DeviceFilter } from '../cgroups/devices.ts'
import type { CgroupWrite, UsageCheck } from '../cgroups/knobs.ts'
import type { Manager } from '../cgroups/systemd/connection.ts'
import type { Property } from '../cgroups/systemd/properties.ts'
import { RuntError } from '../errors.ts'
import type { SavedCgroup } from './state.ts'

/** What a unit is made with beside the writes. */
export interface PlannedUnit {
  slice: string
  description: string
  /** Of annotations `org.systemd.property.…`. */
  properties: readonly Property[]
  /** Open from when the unit is started until systemd knows all limits. */
  manager?: Manager | undefined
}

/** A cgroup that is to be made: nothing of it is there yet. */
export interface PlacedCgroup {
  saved: SavedCgroup
  writes: readonly CgroupWrite[]
  check?: UsageCheck | undefined
  devices: DeviceFilter
  /** The caller may not load device filters, and nobody expects it. */
  unprivileged?: boolean | undefined
  /** Somebody else's cgroups lie above it. */
  nested?: boolean | undefined
  /** With the systemd manager. */
  planned?: PlannedUnit | undefined
}

/** The directory as the host sees it. */
export function cgroupDir(cgroup: SavedCgroup): string {
  return `${cgroup.root}${cgroup.path}`
}

/**
 * A user may not clone a process from a cgroup that is not theirs, such as that of their session, into one below their systemd's:
 * the kernel wants a cgroup above both to be theirs. Their systemd has the machine's move it.
 */
export function canBeAttached(error: unknown, cgroup: SavedCgroup | undefined): boolean {
  const { bus = '', name = '' } = cgroup?.unit ?? {}
  return error instanceof RuntError && error.code === 'EACCES' && bus !== '' && !name.endsWith('.slice')
}
