/** Violations of the schema as problems in our own words. */
import { describe, describeSecret, didYouMean, escapePointer, type Problem, valueAt } from './problem.ts'
import type { Violation } from './validator.ts'

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
export function violationProblem(document: unknown, violation: Violation): Problem {
  const { instancePath, keyword, params } = violation
  if (keyword === 'required') {
    return { pointer: `${instancePath}/${escapePointer(params.missingProperty ?? '')}`, message: 'is required' }
  }
  const value = valueAt(document, instancePath)
  const told = environment.test(instancePath) ? describeSecret(value) : describe(value)
  const problem: Problem = { pointer: instancePath, message: `${demand(violation)}, is ${told}` }
  if (keyword === 'enum' && typeof value === 'string') {
    const hint = didYouMean(value, params.allowedValues?.map(String) ?? [])
    if (hint !== undefined) problem.hint = hint
  }
  return problem
}

function demand({ keyword, params }: Violation): string {
  switch (keyword) {
    case 'type':
      return `must be ${typeNames[params.type ?? ''] ?? params.type}`
    case 'minimum':
    case 'maximum':
      // The limits of 64 bits are no doubles.
      if (Math.abs(params.limit ?? 0) > Number.MAX_SAFE_INTEGER) return 'must fit into 64 bits'
      return `must be at ${keyword === 'minimum' ? 'least' : 'most'} ${params.limit}`
    case 'enum':
      return `must be ${list(params.allowedValues?.map(String) ?? [])}`
    default:
      return `must fit the schema (${keyword})`
  }
}

function list(values: readonly string[]): string {
  if (values.length < 2) return values.join('')
  return `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
}
