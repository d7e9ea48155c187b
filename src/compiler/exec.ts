/** Compiles a `process` object into the plan that runs it in an existing container. Pure. */
import type { Process, Spec } from '../spec/schema.gen.ts'
import type { Compiled, ExecFacts } from './facts.ts'

export type { Compiled, ExecFacts, ParentActions, ParentRlimit } from './facts.ts'

/** CLONE_NEW* of every namespace that the configuration names, new or joined: what `exec` joins. */
export declare function namespaceFlags(spec: Spec): number

/** @throws InvalidConfigError with every problem found. */
export declare function compileExec(process: Process, facts: ExecFacts): Compiled
