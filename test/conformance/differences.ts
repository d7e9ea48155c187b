/** Where runt, runc and crun do not do the same, as the tests show it; the reason says why runt does what it does. */
export interface Difference {
  readonly what: string
  readonly runt: string
  readonly others: string
  readonly why: string
}

export const differences: readonly Difference[] = []
