/**
 * The library: containers from JavaScript, without a command in between. Every command of `runt` is a function of a request
 * and a context; `directContext` makes one for this machine.
 *
 * ```js
 * import { directContext, run } from 'runt-oci'
 *
 * const status = await run({ id: 'hello', bundle: '/srv/hello' }, directContext())
 * ```
 *
 * - **Before a container**: {@link defaultSpec}, {@link parseSpec}, {@link checkSpec}, {@link loadBundle}, {@link validate},
 *   {@link explain}, {@link compileCreate}, {@link features}. They need no root and change nothing.
 * - **Containers**: {@link run}, {@link create}, {@link start}, {@link exec}, {@link kill}, {@link pause}, {@link resume},
 *   {@link deleteContainer}, {@link state}, {@link list}, {@link processIds}, {@link stats}, {@link watchEvents}. They need what the command needs, and are there for it too: a container that one made, the other sees.
 * - **Images**: {@link unpack} makes a bundle of one, {@link layers} and {@link prune} look after what bundles share.
 *   {@link diff} tells what a container changed in its layers, {@link exportLayer} makes a layer of that.
 * - **Failures** are {@link RuntError}s with a stable `code`, the field or flag they come from, and often a `hint`.
 *
 * The functions answer with promises and yet work synchronously: {@link run} and {@link exec} without `detach` keep the thread until
 * the program ends, and pass signals that the process gets on to it; {@link watchEvents} keeps it until the container ends. A program that
 * does other things meanwhile uses `detach`, or a worker thread.
 *
 * @module runt-oci
 */
import { workingDirectory } from './host/caller.ts'
import { directHost } from './host/direct.ts'
import type { Context } from './runtime/context.ts'
import type { Globals } from './runtime/requests.ts'

export { run } from './runtime/run.ts'
export { create } from './runtime/create.ts'
export { start } from './runtime/start.ts'
export { exec, type ExecResult } from './runtime/exec.ts'
export { kill } from './runtime/kill.ts'
export { pause, resume } from './runtime/pause.ts'
export { processIds, processTable } from './runtime/ps.ts'
export {
  stats,
  watchEvents,
  type ContainerEvent,
  type ContainerStats,
  type EventsRequest,
  type RdtStats,
} from './runtime/stats.ts'
export type * from './cgroups/stats.ts'
export { update, type UpdateRequest } from './runtime/update.ts'
export { deleteContainer } from './runtime/delete.ts'
export { list, state, type ContainerState } from './runtime/list.ts'
export type { Status } from './runtime/status.ts'
export type * from './runtime/requests.ts'
export type { Context, Log } from './runtime/context.ts'

export { unpack } from './runtime/unpack.ts'
export type { UnpackedBundle, UnpackProgress, UnpackRequest } from './runtime/unpacking.ts'
export { diff, type Change, type DiffRequest } from './runtime/diff.ts'
export { exportLayer, type ExportedLayer, type ExportRequest } from './runtime/export.ts'
export { layers, prune, type Layer, type Pruned } from './runtime/layers-list.ts'
export type { StoredLayer } from './runtime/layer-store.ts'

export { loadBundle, type Bundle } from './runtime/bundle.ts'
export { validate, type Validation, type ValidateRequest } from './runtime/validate.ts'
export { explain, type ExplainRequest } from './runtime/explain.ts'
export { features, type Enabled, type Features, type LinuxFeatures } from './runtime/features.ts'
export { version } from './runtime/version.ts'

export { defaultSpec, type DefaultSpecOptions } from './spec/default.ts'
export {
  checkProcess,
  checkSpec,
  locateProblems,
  parseProcess,
  parseSpec,
  type ParsedProcess,
  type ParsedSpec,
} from './spec/parse.ts'
export type { Problem } from './spec/problem.ts'
export type * from './spec/schema.gen.ts'

export { compileCreate } from './compiler/create.ts'
export { compileExec } from './compiler/exec.ts'
export { namespaceFlags } from './compiler/namespaces.ts'
export type * from './compiler/facts.ts'
export type { PreparedRlimit } from './process/rlimits.ts'
export {
  explainJson,
  explainPlan,
  type ExplainedPlan,
  type ExplainedStep,
  type SurroundingLine,
} from './plan/explain.ts'
export type { Register } from './plan/fields.ts'
export type { Input, Plan } from './plan/plan.ts'
export type { Step, StepName } from './plan/steps.ts'
export { encodePlan } from './plan/wire.ts'

export {
  InvalidConfigError,
  RuntError,
  StateError,
  StepError,
  SystemError,
  UsageError,
  type ConfigProblem,
  type ErrorDetails,
  type Origin,
} from './errors.ts'

export { directHost } from './host/direct.ts'
export type { ExitStatus, Host } from './host/host.ts'

/**
 * A context that acts on this machine. What is not given is as the command has it: the state is in `/run/runt`, and paths
 * count from the working directory. Of the environment nothing is used unless it is given as `env`: sockets that systemd passed to this
 * process are not passed on.
 * @param globals what the command has as global flags
 * @throws RuntError `ADDON` where the native addon cannot be loaded
 */
export function directContext(globals: Partial<Globals> = {}): Context {
  return {
    host: directHost(),
    globals: {
      root: '/run/runt',
      systemdCgroup: false,
      cgroupManager: 'cgroupfs',
      rootless: 'auto',
      debug: false,
      cwd: workingDirectory(),
      env: {},
      ...globals,
    },
  }
}
