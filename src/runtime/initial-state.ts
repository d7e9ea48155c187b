/** What state.json says of a container before anything of it is there. */
import type { PlacedRdt } from '../cgroups/resctrl.ts'
import { namespaceFlags } from '../compiler/namespaces.ts'
import type { Compiled } from '../compiler/facts.ts'
import type { Plan } from '../plan/plan.ts'
import { domainOf } from '../process/scheduling.ts'
import type { Hook, Hooks } from '../spec/schema.gen.ts'
import type { Bundle } from './bundle.ts'
import type { PlacedCgroup } from './cgroup.ts'
import type { Context } from './context.ts'
import type { PreparedLayers } from './layers.ts'
import type { CreateRequest } from './requests.ts'
import type { PreparedFilter } from './seccomp.ts'
import { stateFormat, type SavedState } from './state.ts'

/** What a container is going to be, as far as later commands have to know it. */
export interface StateFacts {
  bundle: Bundle
  compiled: Compiled
  cgroup: PlacedCgroup | undefined
  keyring: string | undefined
  rdt: PlacedRdt | undefined
  filter: PreparedFilter | undefined
  layers: PreparedLayers | undefined
}

/** state.json as it is before the first effect, with all that `delete --force` needs to find what is going to be made. */
export async function initialState(
  context: Context,
  request: CreateRequest,
  { bundle, compiled, cgroup, rdt, keyring, filter, layers }: StateFacts,
): Promise<SavedState> {
  const { host } = context
  const { spec } = bundle
  const flags = namespaceFlags(spec)
  return {
    format: stateFormat,
    id: request.id,
    bundle: bundle.dir,
    rootfs: bundle.rootfs ?? '',
    created: await host.system.now(),
    annotations: spec.annotations ?? {},
    owner: await host.system.euid(),
    phase: 'creating',
    pid: 0,
    startTime: 0,
    cgroup: cgroup?.saved,
    configVersion: spec.ociVersion,
    resources: spec.linux?.resources,
    intelRdt: rdt?.saved,
    namespaces: flags,
    ownPids: spec.linux?.namespaces?.some(({ type, path }) => type === 'pid' && path === undefined) === true,
    keyring,
    hooks: lastingHooks(spec.hooks),
    startHooks: limitedHooks(spec.hooks?.startContainer),
    layers: layers?.saved,
    process: spec.process,
    domain: domainOf(spec),
    seccomp: filter && { flags: filter.facts.flags, listener: filter.facts.listener },
    ...lateSteps(compiled.plan),
  }
}

/** The part of a plan that `start` has to know. */
export function lateSteps({ steps }: Plan): Pick<SavedState, 'lateFrom' | 'lateSteps'> {
  const lateFrom = steps.findIndex((step) => step.op === 'waitForStart') + 1
  return { lateFrom, lateSteps: steps.slice(lateFrom).map(({ op, origin }) => ({ op, origin })) }
}

/** Those that come once the container is made. */
function lastingHooks(hooks: Hooks | undefined): SavedState['hooks'] {
  const { poststart, poststop } = hooks ?? {}
  if (!poststart?.length && !poststop?.length) return undefined
  return { ...(poststart && { poststart }), ...(poststop && { poststop }) }
}

/** The hooks, if all of them have to end in time. */
function limitedHooks(hooks: readonly Hook[] = []): SavedState['startHooks'] {
  const limited = hooks.flatMap(({ path, timeout }) => (timeout === undefined ? [] : [{ path, timeout }]))
  return limited.length > 0 && limited.length === hooks.length ? limited : undefined
}
