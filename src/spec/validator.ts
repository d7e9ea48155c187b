/** What the generated validators look like. */

/** A violation of the schema, as ajv tells it. */
export interface Violation {
  /** JSON Pointer of the value. */
  instancePath: string
  keyword: string
  params: {
    type?: string
    limit?: number
    missingProperty?: string
    allowedValues?: readonly unknown[]
  }
}

/** True where the value fits; else `errors` has all violations until the next call. */
export interface Validator {
  (value: unknown): boolean
  errors?: readonly Violation[] | null
}

/** So many violations are collected; what is beyond is not looked at by a person. */
export const maxViolations = 1000

/** For the generated code: `list` with `violation`. */
export function add(list: Violation[] | null, violation: Violation): Violation[] {
  if (list === null) return [violation]
  if (list.length < maxViolations) list.push(violation)
  return list
}

/** For the generated code: `list` with the violations of a part. */
export function addAll(list: Violation[] | null, more: Violation[]): Violation[] {
  if (list === null) return more
  for (const violation of more) add(list, violation)
  return list
}
