/** A problem or a warning about config.json, and the making of its sentence. */

export interface Problem {
  /** JSON Pointer (RFC 6901) into the document; '' is the whole. */
  pointer: string
  /** What is wrong with the field, as the rest of a sentence that begins with its name: `must be a string, is a number (42)`. */
  message: string
  /** How to mend it. */
  hint?: string | undefined
  /** 1-based; `locateProblems` fills them. */
  line?: number | undefined
  /** 1-based, in UTF-16 units. */
  column?: number | undefined
}

/** `token` as a part of a JSON Pointer. */
export function escapePointer(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** The parts of a JSON Pointer. */
export function splitPointer(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The value at `pointer`; undefined where there is none. */
export function valueAt(document: unknown, pointer: string): unknown {
  let value = document
  for (const part of splitPointer(pointer)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string, unknown>)[part]
  }
  return value
}

/** `value` quoted for a message, cut to a bearable length. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 64 ? `${value.slice(0, 61)}…` : value)
}

/** What `value` is, for a message: `a number (42)`. */
export function describe(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string') return value === '' ? 'an empty string' : `a string (${quote(value)})`
  return typeof value === 'number' || typeof value === 'boolean' ? `a ${typeof value} (${value})` : `a ${typeof value}`
}

/** What `value` is, without a word of it: it may be a secret. */
export function describeSecret(value: unknown): string {
  return describe(value).replace(/ \(.*\)$/s, '')
}

/** The closest of `known` to a misspelt `name`, as a hint; undefined where none is close. */
export function didYouMean(name: string, known: readonly string[]): string | undefined {
  if (name.length > 64) return undefined
  let best: string | undefined
  let bestDistance = Math.floor(name.length / 3) + 1
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best === undefined ? undefined : `did you mean ${best}?`
}

/** How many letters are to be inserted, left out or changed; two that changed places count as one (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      let distance = Math.min(change, previous[j]! + 1, row[j - 1]! + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        distance = Math.min(distance, beforePrevious[j - 2]! + 1)
      row.push(distance)
    }
    ;[beforePrevious, previous] = [previous, row]
  }
  return previous[b.length]!
}
