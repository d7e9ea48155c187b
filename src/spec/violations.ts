/** Violations of the schema as problems in our own words. */
import { describe, describeSecret, didYouMean, escapePointer, type Problem, valueAt } from './problem.ts'
import type { Demand, Violation } from './validator.ts'

const typeNames: Readonly<Record<string, string>> = {
  string: 'a string',
  integer: 'an integer',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
}

/** Fields with values that nobody else should read, in process and hooks. */
const environment = /\/env(\/\d+)?$/

/** The problem that a violation found in `document` is. */
export function violationProblem(document: unknown, { pointer, demand }: Violation): Problem {
  if ('required' in demand) return { pointer: `${pointer}/${escapePointer(demand.required)}`, message: 'is required' }
  const value = valueAt(document, pointer)
  const told = environment.test(pointer) ? describeSecret(value) : describe(value)
  const problem: Problem = { pointer, message: `${sentence(demand)}, is ${told}` }
  if ('values' in demand) {
    const hint = didYouMean(String(value), demand.values)
    if (hint !== undefined) problem.hint = hint
  }
  return problem
}

function sentence(demand: Exclude<Demand, { required: string }>): string {
  if ('type' in demand) return `must be ${typeNames[demand.type] ?? demand.type}`
  if ('values' in demand) return `must be ${list(demand.values)}`
  const [limit, side] = 'minimum' in demand ? [demand.minimum, 'least'] : [demand.maximum, 'most']
  // The limits of 64 bits are no doubles.
  return Math.abs(limit) > Number.MAX_SAFE_INTEGER ? 'must fit into 64 bits' : `must be at ${side} ${limit}`
}

function list(values: readonly string[]): string {
  if (values.length < 2) return values.join('')
  return `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
}
