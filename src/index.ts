/**
 * The library: what `import … from 'runt-oci'` gives. Every command is a function of a request and a context; `directContext`
 * makes one for this machine.
 */
import { directHost } from './host/direct.ts'
import type { Context } from './runtime/context.ts'
import type { Globals } from './runtime/requests.ts'

export { compileCreate, type Compiled, type CreateFacts, type ParentActions } from './compiler/create.ts'
export { compileExec, namespaceFlags, type ExecFacts } from './compiler/exec.ts'
export * from './errors.ts'
export { directHost } from './host/direct.ts'
export type { ExitStatus, Host } from './host/host.ts'
export { explainJson, explainPlan } from './plan/explain.ts'
export type { Plan } from './plan/plan.ts'
export type { Step } from './plan/steps.ts'
export { encodePlan } from './plan/wire.ts'
export type { Context, Log } from './runtime/context.ts'
export { create } from './runtime/create.ts'
export { deleteContainer } from './runtime/delete.ts'
export { exec, type ExecResult } from './runtime/exec.ts'
export { explain, type ExplainRequest } from './runtime/explain.ts'
export { kill } from './runtime/kill.ts'
export { list, state, type ContainerState } from './runtime/list.ts'
export type * from './runtime/requests.ts'
export { pause, resume } from './runtime/pause.ts'
export { processIds, processTable } from './runtime/ps.ts'
export { run } from './runtime/run.ts'
export { start } from './runtime/start.ts'
export type { Status } from './runtime/status.ts'
export { defaultSpec } from './spec/default.ts'
export { checkSpec, locateProblems, parseProcess, parseSpec } from './spec/parse.ts'
export type { Process, Spec } from './spec/schema.gen.ts'

/** A context that acts on this machine. What is not given is as the command has it for root. */
export function directContext(globals: Partial<Globals> = {}): Context {
  return {
    host: directHost(),
    globals: {
      root: '/run/runt',
      systemdCgroup: false,
      cgroupManager: 'cgroupfs',
      rootless: 'auto',
      debug: false,
      cwd: '/',
      env: {},
      ...globals,
    },
  }
}
