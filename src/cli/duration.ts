/** Durations as Go writes them: `1h2m3.5s`, `500ms`. */
import { UsageError } from '../errors.ts'

/** Milliseconds of a unit. */
const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/**
 * Milliseconds of a flag's duration, which must be above 0. The texts are runc's.
 * @throws UsageError
 */
export function parseInterval(flag: string, text: string): number {
  const sum = parseDuration(text)
  if (sum === undefined) {
    throw new UsageError(`invalid value ${JSON.stringify(text)} for flag -${flag}: parse error`, {
      hint: 'a duration has a unit: 5s, 500ms, 1m30s',
    })
  }
  if (sum <= 0) throw new UsageError(`duration ${flag} must be greater than 0`)
  return sum
}

/** undefined where it is none. */
function parseDuration(text: string): number | undefined {
  const [, sign = '', value = ''] = /^([+-]?)(.*)$/.exec(text) ?? []
  if (value === '0') return 0
  if (!/^((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(value)) return undefined
  let sum = 0
  for (const [, number, unit] of value.matchAll(/([\d.]+)([a-zµμ]+)/g)) sum += Number(number) * units[unit!]!
  return sign === '-' ? -sum : sum
}
