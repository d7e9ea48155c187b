/** Selectors of syntax that is banned, with why. */
export interface Restriction {
  selector: string
  message: string
}

export const sleeps: Restriction[]

export const security: {
  /** Patterns of the files that compile steps. */
  steps: string[]
  everywhere: Restriction[]
  inSteps: Restriction[]
}
