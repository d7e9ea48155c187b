/** Walks a plan as init would, and tells what is wrong with its registers. */
import type { Plan } from '../../../src/plan/plan.ts'
import { stepTable } from '../../../src/plan/steps.ts'

/** Steps that empty a register that they read. */
const emptying = new Set(['close', 'openTreeOr', 'setns', 'useConsole'])

export function registerFaults(plan: Plan): string[] {
  const faults: string[] = []
  const filled = new Set<number>(plan.inputs.map(({ register }) => register))
  plan.steps.forEach((step, index) => {
    const values = step as unknown as Record<string, number>
    for (const [field, kind] of Object.entries(stepTable[step.op].fields)) {
      const register = values[field]!
      const name = `step ${index} (${step.op}): r${register} ${plan.registers[register] ?? ''}`
      // A namespace that was joined already is tried a second time only if its register is still there.
      const again = step.op === 'setns' && step.mode === 2
      if (kind === 'reg' && !filled.has(register) && !again) faults.push(`${name} is read while empty`)
      if (kind === 'out' && filled.has(register)) faults.push(`${name} is filled twice`)
      if (kind === 'out') filled.add(register)
      if (kind === 'reg' && emptying.has(step.op)) filled.delete(register)
    }
  })
  return faults
}
