/** What is said of a list of figures, and what of growth. */

/** Of figures of one kind: how many, their middle, and how far they spread. */
export interface Summary {
  count: number
  median: number
  /** Quartiles: half of all figures lie between them. */
  q1: number
  q3: number
  /** The median of the distances from the median. */
  mad: number
  min: number
  max: number
}

/** The value below which a part (0…1) of a sorted list lies, with what lies between two of its items. */
export function quantile(sorted: readonly number[], part: number): number {
  if (sorted.length === 0) throw new Error('no figures')
  const at = (sorted.length - 1) * part
  const below = sorted[Math.floor(at)]!
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at))
}

/** Figures to four significant digits: more of them would be noise. */
export const rounded = (value: number): number => Number(value.toPrecision(4))

const sortNumbers = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b)

/** Sums up at least one figure. */
export function summarize(values: readonly number[]): Summary {
  const sorted = sortNumbers(values)
  const median = quantile(sorted, 0.5)
  const distances = sortNumbers(sorted.map((value) => Math.abs(value - median)))
  return {
    count: sorted.length,
    median: rounded(median),
    q1: rounded(quantile(sorted, 0.25)),
    q3: rounded(quantile(sorted, 0.75)),
    mad: rounded(quantile(distances, 0.5)),
    min: rounded(sorted[0]!),
    max: rounded(sorted.at(-1)!),
  }
}

/**
 * How much more one thing costs in the upper half of a range than in its lower half: 1 is linear growth, 4 that of a third power.
 * Growth of less than a tenth of the first value counts as such a growth, so that noise is not taken for a curve.
 * @param points at least three pairs of a size and its value, by size
 */
export function curvature(points: readonly (readonly [size: number, value: number])[]): number {
  const [first, last] = [points[0]!, points.at(-1)!]
  const half = (first[0] + last[0]) / 2
  const inner = points.slice(1, -1)
  const middle = inner.reduce((best, point) => (Math.abs(point[0] - half) < Math.abs(best[0] - half) ? point : best))
  const slope = (from: typeof first, to: typeof first): number => (to[1] - from[1]) / (to[0] - from[0])
  const least = (first[1] * 0.1) / (last[0] - first[0])
  return rounded(Math.max(slope(middle, last), least) / Math.max(slope(first, middle), least))
}
