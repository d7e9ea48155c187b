/** Help with misspelt names. */
import { didYouMean } from '../spec/problem.ts'

/** Hint for a misspelt `name`; undefined where none of `known` is close. `dashes` are put before what is shown. */
export function suggestion(name: string, known: readonly string[], dashes = ''): string | undefined {
  const started = name.length > 2 ? known.filter((candidate) => candidate.startsWith(name)) : []
  const [only] = started
  if (only !== undefined && started.length === 1) return `did you mean ${dashes}${only}?`
  return didYouMean(name, known)?.replace('did you mean ', `did you mean ${dashes}`)
}
