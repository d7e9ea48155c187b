/** Sizes as people write them: `512m`, `64g`; 1024 of one unit are one of the next. */
import { UsageError } from '../errors.ts'

const units = ['', 'k', 'm', 'g', 't']

/** Bytes of a flag's size. @throws UsageError */
export function parseSize(flag: string, text: string): number {
  const [, number, unit] = /^([1-9]\d{0,15})([kmgt]?)$/i.exec(text) ?? []
  const size = Number(number) * 1024 ** units.indexOf(unit?.toLowerCase() ?? '')
  if (number !== undefined && Number.isSafeInteger(size)) return size
  throw new UsageError(`--${flag}: ${JSON.stringify(text)} is not a size`, { hint: 'as 512m or 64g' })
}

/** `1.5 MiB` */
export function sizeText(bytes: number): string {
  let unit = 0
  let value = bytes
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  const name = unit === 0 ? 'B' : `${units[unit]!.toUpperCase()}iB`
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${name}`
}
