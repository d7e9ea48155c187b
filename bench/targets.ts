/** What the project wants to reach, and whether figures reach it: a missed target is told as plainly as one that is met. */
import type { Peer } from './peers.ts'
import { findRow, type Results } from './results.ts'
import { curvature, rounded } from './statistics.ts'

export interface Target {
  readonly text: string
  /** Compares the default configuration's medians with those of this family, */
  readonly against?: Peer['family']
  /** or tells how a median grows: see `curvature`. */
  readonly growth?: boolean
  readonly what: string
  readonly limit: number
}

export const targets: readonly Target[] = [
  { text: '`run`', what: 'run', against: 'runc', limit: 0.4 },
  { text: '`run`', what: 'run', against: 'crun', limit: 1.6 },
  { text: '`create`, `start`, `kill` and `delete`', what: 'lifecycle', against: 'runc', limit: 0.6 },
  { text: '`create`, `start`, `kill` and `delete`', what: 'lifecycle', against: 'crun', limit: 2 },
  { text: '`exec`', what: 'exec', against: 'runc', limit: 0.5 },
  { text: '`state`', what: 'state', against: 'runc', limit: 2 },
  { text: 'memory of init before `start`', what: 'init', against: 'crun', limit: 0.2 },
  { text: 'growth of `run` with mounts', what: 'mounts', growth: true, limit: 1.5 },
  { text: 'growth of `run` with containers', what: 'containers', growth: true, limit: 1.5 },
  { text: 'growth of `state` with containers', what: 'containers-state', growth: true, limit: 1.5 },
  { text: 'growth of `run` with layers', what: 'layers', growth: true, limit: 1.5 },
]

export interface Verdict {
  target: Target
  /** What was measured, and against whom. */
  measured: { value: number; peer?: string }[]
  met: boolean
}

/** runt's median divided by another's, with the default configuration. */
export function ratio(results: Results, what: string, peer: string): number | undefined {
  const key = { config: 'default' }
  const [own, other] = ['runt', peer].map((name) => findRow(results, name, what, key)?.median)
  return own === undefined || other === undefined ? undefined : rounded(own / other)
}

function measure(results: Results, { what, against, growth }: Target): Verdict['measured'] {
  if (growth === true) {
    const points = results.rows
      .filter((row) => row.what === what && row.peer === 'runt')
      .map((row) => [row.at ?? 0, row.median] as const)
    return points.length < 3 ? [] : [{ value: curvature(points) }]
  }
  return results.peers
    .filter(({ family, extra }) => family === against && !extra)
    .flatMap(({ name }) => {
      const value = ratio(results, what, name)
      return value === undefined ? [] : [{ value, peer: name }]
    })
}

/** The targets of which anything was measured; each is met against every peer of its family, or missed. */
export function judge(results: Results): Verdict[] {
  return targets.flatMap((target) => {
    const measured = measure(results, target)
    return measured.length === 0
      ? []
      : [{ target, measured, met: measured.every(({ value }) => value <= target.limit) }]
  })
}
