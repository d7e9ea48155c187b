/** What state.json holds: runt's own format, versioned. Plain data; knows no files. */
import type { SeccompFacts } from '../compiler/facts.ts'
import { RuntError } from '../errors.ts'
import type { Domain } from '../process/scheduling.ts'
import type { SavedRdt } from '../cgroups/resctrl.ts'
import type { Hooks, Process, Resources } from '../spec/schema.gen.ts'

/** The version of the specification that `state` speaks. */
export { specVersion as ociVersion } from '../spec/version.ts'

/** Format of state.json that this version writes; older ones are read, newer ones refused. */
export const stateFormat = 1

export interface SavedCgroup {
  manager: 'cgroupfs' | 'systemd'
  /** The unit of systemd that has it, and the bus ('' is the system's) on which that systemd is. */
  unit?: { bus: string; name: string } | undefined
  /** The host's cgroup2 mount. */
  root: string
  /** The container's directory below it, with a leading slash. */
  path: string
}

/** Of a root of layers (docs/layers.md). */
export interface SavedLayers {
  /** What is the container's own in the store of layers; it goes with the container. */
  directory: string
}

export type SavedFilter = Omit<SeccompFacts, 'program'>

/** A step after `waitForStart`, so that `start` can name the field behind a failure that comes only then. */
export interface LateStep {
  op: string
  origin: string
}

export interface SavedState {
  format: typeof stateFormat
  id: string
  bundle: string
  rootfs: string
  /** RFC 3339 with nanoseconds. */
  created: string
  annotations: Record<string, string>
  /** User who created it. */
  owner: number
  /** `creating` until all is set up. What the container does now is derived (status.ts), never written. */
  phase: 'creating' | 'created'
  /** Of init; 0 until there is one. */
  pid: number
  /** Of init, field 22 of /proc/PID/stat. */
  startTime: number
  cgroup?: SavedCgroup | undefined
  /** ociVersion of config.json, which decides what some values of `resources` mean. */
  configVersion?: string | undefined
  /** The limits in force, for `update`; left out where there are none. */
  resources?: Resources | undefined
  /** Of linux.intelRdt. */
  intelRdt?: SavedRdt | undefined
  /** CLONE_NEW* of the namespaces that config.json names: what `exec` joins. */
  namespaces: number
  /** Whether the container made a pid namespace: its processes die with init. */
  ownPids: boolean
  /** The links of /proc/PID/ns of init once it was set up, by name: the container's namespaces. */
  namespaceLinks?: Record<string, string> | undefined
  /** Name of the session keyring; undefined: the caller's was kept. */
  keyring?: string | undefined
  /** Those that `start` and `delete` run; config.json may have changed by then, or gone. */
  hooks?: Pick<Hooks, 'poststart' | 'poststop'> | undefined
  /** Where the layers of its root, or what it changes in them, are in a store. */
  layers?: SavedLayers | undefined
  /** The container's process, which `exec` takes as its base. */
  process?: Process | undefined
  /** Memory policy and execution domain, which every process of the container has. */
  domain?: Domain | undefined
  /** What `exec` needs of linux.seccomp beside the filter, which is a file of its own. */
  seccomp?: SavedFilter | undefined
  /** The startContainer hooks, where all of them have a timeout (in seconds). */
  startHooks?: { path: string; timeout: number }[] | undefined
  /** Number of the plan's first step after `waitForStart`. */
  lateFrom: number
  lateSteps: LateStep[]
}

export function encodeState(state: SavedState): string {
  return JSON.stringify(state)
}

/**
 * Reads state.json.
 * @throws RuntError `BAD_STATE` if it is not what runt writes.
 */
export function decodeState(text: string, file: string): SavedState {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new RuntError('BAD_STATE', `${file} is damaged`, { cause, hint: 'delete --force removes the container' })
  }
  const state = (typeof value === 'object' ? value : null) as Partial<Record<keyof SavedState, unknown>> | null
  if (typeof state?.format === 'number' && state.format > stateFormat) {
    throw new RuntError('BAD_STATE', `${file} was written by a newer version of runt`)
  }
  const whole =
    state?.format === stateFormat &&
    [state.id, state.bundle, state.phase].every((field) => typeof field === 'string') &&
    [state.pid, state.startTime].every((field) => typeof field === 'number')
  if (!whole) throw new RuntError('BAD_STATE', `${file} is damaged`, { hint: 'delete --force removes the container' })
  return state as unknown as SavedState
}
