/** Walks a plan as init would, and tells what is wrong with its registers. */
import type { Plan } from '../../../src/plan/plan.ts'
import { stepTable } from '../../../src/plan/steps.ts'

/** Steps that empty a register that they read. */
const emptying = new Set(['close', 'openTreeOr', 'setns', 'useConsole', 'overlay'])

/** Fields whose register may be empty, which means something. */
const optional = new Set(['overlay.upper'])

export function registerFaults(plan: Plan): string[] {
  const faults: string[] = []
  const filled = new Set<number>(plan.inputs.map(({ register }) => register))
  plan.steps.forEach((step, index) => {
    const values = step as unknown as Record<string, number | readonly number[]>
    for (const [field, kind] of Object.entries(stepTable[step.op].fields)) {
      if (kind !== 'reg' && kind !== 'regs' && kind !== 'out') continue
      for (const register of [values[field]!].flat()) {
        const name = `step ${index} (${step.op}): r${register} ${plan.registers[register] ?? ''}`
        // A namespace that was joined already is tried a second time only if its register is still there.
        const again = (step.op === 'setns' && step.mode === 2) || optional.has(`${step.op}.${field}`)
        if (kind !== 'out' && !filled.has(register) && !again) faults.push(`${name} is read while empty`)
        if (kind === 'out' && filled.has(register)) faults.push(`${name} is filled twice`)
        if (kind === 'out') filled.add(register)
        else if (emptying.has(step.op)) filled.delete(register)
      }
    }
  })
  return faults
}
