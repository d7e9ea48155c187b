/** Features that fail with every runtime, or with the control alone, and why. */
export const known: Readonly<Record<string, string>> = {}
