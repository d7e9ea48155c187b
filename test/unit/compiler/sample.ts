/** Configurations and plans for the compiler's tests. */
import { compileCreate, type CreateFacts } from '../../../src/compiler/create.ts'
import type { Compiled } from '../../../src/compiler/facts.ts'
import { InvalidConfigError, type ConfigProblem } from '../../../src/errors.ts'
import type { Plan } from '../../../src/plan/plan.ts'
import type { Step, StepName, StepOf } from '../../../src/plan/steps.ts'
import { defaultSpec } from '../../../src/spec/default.ts'
import type { Linux, Process, Spec } from '../../../src/spec/schema.gen.ts'

export const facts: CreateFacts = {
  id: 'web',
  bundle: '/bundle',
  cgroupDir: '/sys/fs/cgroup/web',
  cgroupRoot: '/sys/fs/cgroup',
  keyring: '_ses.web.RANDOM',
  euid: 0,
}

/** The default configuration without a terminal, so that a test names what it is about. */
export function sampleSpec(
  change: { spec?: Partial<Spec>; process?: Partial<Process>; linux?: Partial<Linux> } = {},
): Spec {
  const spec = defaultSpec()
  return {
    ...spec,
    ...change.spec,
    process: { ...spec.process!, terminal: false, ...change.process },
    linux: { ...spec.linux!, ...change.linux },
  }
}

export function compileSample(
  change: Parameters<typeof sampleSpec>[0] = {},
  changed: Partial<CreateFacts> = {},
): Compiled {
  return compileCreate(sampleSpec(change), { ...facts, ...changed })
}

export function problemsOf(run: () => unknown): readonly ConfigProblem[] {
  try {
    run()
  } catch (error) {
    if (error instanceof InvalidConfigError) return error.problems
    throw error
  }
  return []
}

export function stepsOf<N extends StepName>(plan: Plan, op: N): StepOf<N>[] {
  return plan.steps.filter((step): step is StepOf<N> => step.op === op)
}

/** Index of the first step that matches; fails the test by throwing if there is none. */
export function indexOf(plan: Plan, op: StepName, match: (step: Step) => boolean = () => true): number {
  const index = plan.steps.findIndex((step) => step.op === op && match(step))
  if (index < 0) throw new Error(`the plan has no such ${op}`)
  return index
}

/** Whether the steps stand in the plan in this order. */
export function inOrder(plan: Plan, ...ops: StepName[]): boolean {
  let at = -1
  for (const op of ops) {
    at = plan.steps.findIndex((step, index) => index > at && step.op === op)
    if (at < 0) return false
  }
  return true
}

export function registerName(plan: Plan, register: number): string {
  return plan.registers[register] ?? ''
}
