/** Lists of processors and memory nodes as the kernel writes them (cpuset(7), "List format"): `0-3,7`. */
import { quote } from './problem.ts'

/** The most that a kernel can be built for: NR_CPUS, MAX_NUMNODES. */
export const maxCpus = 8192
export const maxNodes = 1024

/**
 * The numbers of a list, in ascending order and each once; none for a list of nothing. Spaces and empty items are skipped, as the
 * kernel does.
 * @param limit the first number that is too large
 * @returns what is wrong, as the rest of a sentence, where it is no list
 */
export function parseList(text: string, limit: number): number[] | string {
  const numbers = new Set<number>()
  for (const item of text.split(',').map((part) => part.trim())) {
    if (item === '') continue
    const range = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(item)
    if (range === null) return `must be a list like "0-3,7", has ${quote(item)}`
    const first = Number(range[1])
    const last = Number(range[2] ?? range[1])
    if (first > last) return `must have ranges that ascend, has ${quote(item)}`
    if (last >= limit) return `must have numbers below ${limit}, has ${last}`
    for (let number = first; number <= last; number++) numbers.add(number)
  }
  return [...numbers].sort((a, b) => a - b)
}

/** The numbers of a list that was checked. */
export function listOf(text: string | undefined, limit: number): number[] {
  const list = parseList(text ?? '', limit)
  return typeof list === 'string' ? [] : list
}
