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
