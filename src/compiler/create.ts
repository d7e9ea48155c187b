/** Compiles config.json into the plan that makes a container. Pure: it reads nothing but its arguments. */
import type { Spec } from '../spec/schema.gen.ts'
import type { Compiled, CreateFacts } from './facts.ts'

export type { Compiled, CreateFacts, IdMap, ParentActions, ParentRlimit } from './facts.ts'

/** @throws InvalidConfigError with every problem found. */
export declare function compileCreate(spec: Spec, facts: CreateFacts): Compiled
