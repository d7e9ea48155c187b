/**
 * Hooks that init runs (config.md#posix-platform-hooks: createContainer, startContainer), and the state that every hook reads on
 * its standard input (runtime.md#state).
 */
import type { PlanBuilder } from '../plan/plan.ts'
import type { Hook, Hooks, Spec } from '../spec/schema.gen.ts'
import { specVersion } from '../spec/version.ts'
import { uniqueEnvironment } from './environment.ts'

/** What a hook is told of the container, beside how it is. */
export interface HookFacts {
  id: string
  /** Absolute path. */
  bundle: string
  annotations?: Readonly<Record<string, string>> | undefined
}

export type HookStatus = 'creating' | 'created' | 'running' | 'stopped'

/** The state as JSON, cut where the pid belongs. */
function stateAround(facts: HookFacts, status: HookStatus): { before: string; after: string } {
  const { id, bundle, annotations } = facts
  const some = annotations !== undefined && Object.keys(annotations).length > 0
  const rest = JSON.stringify({ bundle, ...(some && { annotations }) })
  return {
    before: `${JSON.stringify({ ociVersion: specVersion, id, status }).slice(0, -1)},"pid":`,
    after: `,${rest.slice(1)}`,
  }
}

/**
 * The container's state as JSON (runtime.md#state).
 * @param pid of the container's process as the hook sees it; undefined once there is none
 */
export function hookState(facts: HookFacts, status: HookStatus, pid: number | undefined): string {
  const { before, after } = stateAround(facts, status)
  return pid === undefined ? before.replace(/,"pid":$/, after) : `${before}${pid}${after}`
}

/** Seconds, as config.json has them, in milliseconds; 0 for ever. */
export function hookTimeout({ timeout }: Hook): number {
  return (timeout ?? 0) * 1000
}

/**
 * Hooks in the container's namespaces whose paths are the host's: the root is made, and not entered.
 * @param rootfs absolute path of the root on the host, where they run, as with runc
 * @param environment of hooks that have none of their own. Never that of the container's program, which an image chooses: these are
 *   programs of the host, with all of init's rights, and LD_PRELOAD would put the image's code into them (CVE-2025-23266)
 */
export function addCreateContainerHooks(
  plan: PlanBuilder,
  { hooks }: Spec,
  facts: HookFacts,
  { rootfs, environment }: { rootfs: string; environment: readonly string[] },
): void {
  const place = { directory: rootfs, inherit: 0, env: environment }
  addHooks(plan, 'createContainer', hooks, stateAround(facts, 'creating'), place)
}

/** Hooks inside the container, after its `start`: with the user, the privileges and the restrictions of its program. */
export function addStartContainerHooks(plan: PlanBuilder, { hooks, process }: Spec, facts: HookFacts): void {
  // Without one of its own, as with runc, a hook gets the environment of the container's program.
  const place = { directory: '', inherit: 1, env: uniqueEnvironment(process?.env ?? []) }
  addHooks(plan, 'startContainer', hooks, stateAround(facts, 'created'), place)
}

function addHooks(
  plan: PlanBuilder,
  event: 'createContainer' | 'startContainer',
  hooks: Hooks | undefined,
  state: { before: string; after: string },
  place: { directory: string; inherit: number; env: readonly string[] },
): void {
  hooks?.[event]?.forEach((hook, index) => {
    plan.add('hook', `/hooks/${event}/${index}`, {
      path: hook.path,
      args: hook.args ?? [],
      ...place,
      env: [...(hook.env ?? place.env)],
      inherit: hook.env === undefined ? place.inherit : 0,
      ...state,
      timeout: hookTimeout(hook),
    })
  })
}
