/** The figures of a whole run, as JSON has them: docs/performance.json. No name of a machine, a user or a folder is among them. */
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import type { Peer } from './peers.ts'
import type { Summary } from './statistics.ts'

/** One figure with its spread. */
export interface Row extends Summary {
  what: string
  /** A name of configs.ts. */
  config?: string
  /** How many mounts, containers, layers, or runs at once. */
  at?: number
  peer: string
  unit: 'ms' | 'KiB' | 'per second'
  /** Of the commands that were timed: their peak resident memory, with that of what they waited for. */
  peakKib?: number
  /** Median of the processor time of the command and of what it waited for. */
  cpuMs?: number
}

export interface Results {
  machine: {
    processor: string
    processors: number
    memoryGib: number
    kernel: string
    /** The part (0…1) of the processors that other programs and the kernel's own threads used meanwhile. */
    others: number
  }
  peers: Pick<Peer, 'name' | 'family' | 'version' | 'note' | 'extra'>[]
  rows: Row[]
}

/** What is told of this machine, while others used such a part of its processors. */
export function describeMachine(others: number): Results['machine'] {
  const processors = cpus()
  return {
    processor: processors[0]?.model.trim() ?? 'unknown',
    processors: processors.length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    others: Number(others.toFixed(2)),
    kernel: /^\d+\.\d+/.exec(release())?.[0] ?? release(),
  }
}

/** Results of what was measured here, while others used such a part of the processors. */
export function makeResults(peers: readonly Peer[], rows: Row[], others: number): Results {
  return {
    machine: describeMachine(others),
    peers: peers.map(({ name, family, version, note, extra }) => ({
      name,
      family,
      version,
      extra,
      ...(note !== undefined && { note }),
    })),
    rows,
  }
}

/** Results as they were kept. */
export const readResults = (file: string): Results => JSON.parse(readFileSync(file, 'utf8')) as Results

/** One row a line, so that a new run reads well as a difference. */
export function writeJson({ machine, peers, rows }: Results): string {
  const list = (items: readonly object[]): string => items.map((item) => `    ${JSON.stringify(item)}`).join(',\n')
  return `{\n  "machine": ${JSON.stringify(machine)},\n  "peers": [\n${list(peers)}\n  ],\n  "rows": [\n${list(rows)}\n  ]\n}\n`
}

/** A figure, where it was measured. */
export function findRow(
  results: Results,
  peer: string,
  what: string,
  { config, at }: { config?: string; at?: number } = {},
): Row | undefined {
  return results.rows.find((row) => row.peer === peer && row.what === what && row.config === config && row.at === at)
}
