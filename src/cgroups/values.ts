/**
 * Conversions of the OCI specification's values, which were made for cgroup v1, into what the files of cgroup v2 take.
 * Pure; knows neither files nor pointers. The kernel's side: Documentation/admin-guide/cgroup-v2.rst.
 */
import { int64, uint64 } from '../spec/numbers.ts'

/** What a conversion gives: a text to write, nothing to write, or why the value cannot be served. */
export type Converted = { value: string } | { problem: string; hint?: string } | undefined

/** An integer in decimal digits. What JSON rounded up past the type's largest value would wrap to a small one in the kernel. */
export function decimal(value: number, type: 'int64' | 'uint64' = 'uint64'): string {
  return String(type === 'int64' ? int64(value) : uint64(value))
}

/**
 * `cpu.shares` (2 to 262144, 1024 the default) to `cpu.weight` (1 to 10000, 100 the default): a curve through the three
 * pairs, quadratic in the logarithm. 0 means unset and gives undefined.
 */
export function cpuWeight(shares: number): number | undefined {
  if (shares <= 0) return undefined
  if (shares <= 2) return 1
  if (shares >= 262144) return 10000
  const l = Math.log2(shares)
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34))
}

/** `cpu.quota` and `cpu.period` (µs) to `cpu.max`. A quota of 0 or below is no limit; the kernel's period is 100 ms. */
export function cpuMax(quota: number | undefined, period: number | undefined): string | undefined {
  if (!quota && !period) return undefined
  return `${quota !== undefined && quota > 0 ? decimal(quota, 'int64') : 'max'} ${period ? decimal(period) : '100000'}`
}

/** A limit in bytes: -1 is no limit, 0 is unset. */
export function bytes(value: number | undefined): Converted {
  if (value === undefined || value === 0) return undefined
  if (value === -1) return { value: 'max' }
  if (value < -1) return { problem: `is ${value}; a limit is positive, or -1 for none` }
  return { value: decimal(value, 'int64') }
}

/**
 * `memory.swap`, which counts memory and swap together, to `memory.swap.max`, which counts swap alone.
 * `limit` is `memory.limit`; 0 or undefined is unset for both, -1 is no limit.
 */
export function swapMax(swap: number | undefined, limit: number | undefined): Converted {
  const total = swap ?? 0
  const memory = limit ?? 0
  if (memory === -1 && total === 0) return { value: 'max' }
  if (total === 0) return undefined
  if (total === -1) return { value: 'max' }
  if (total < -1) return { problem: `is ${total}; a limit is positive, or -1 for none` }
  if (memory === -1) return { value: decimal(total, 'int64') }
  if (memory === 0) {
    return {
      problem: 'unable to set swap limit without memory limit',
      hint: 'set /linux/resources/memory/limit too: swap counts memory and swap together',
    }
  }
  if (memory < -1) return undefined // the limit itself is reported
  if (total < memory) return { problem: 'memory+swap limit should be >= memory limit' }
  return { value: decimal(total - memory, 'int64') }
}

/** `pids.limit`: below 0 is no limit; 0 is as near to none as a container can live with: its init. */
export function pidsMax(limit: number | undefined): string | undefined {
  if (limit === undefined) return undefined
  if (limit < 0) return 'max'
  return decimal(Math.max(limit, 1), 'int64')
}

/** `blockIO.weight` (10 to 1000) to `io.weight` (1 to 10000), linear. */
export function ioWeight(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990)
}

/** A rate of `io.max`; 0 lifts the limit, as it did in cgroup v1. */
export function ioRate(rate: number): string {
  return rate <= 0 ? 'max' : decimal(rate)
}
