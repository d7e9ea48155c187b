/**
 * Integers beyond 2^53, as they stand in the text of config.json: JSON.parse rounds them. To be loaded by `import()`, only when
 * there is such a number in a field that takes it to the bit.
 */
import { uint64 } from './numbers.ts'
import { valueOffsets } from './locate.ts'

/** The values at the pointers, each of which leads to an integer of the parsed text that is not negative. */
export function exactIntegers(text: string, pointers: readonly string[]): Map<string, bigint> {
  const json = text.startsWith('\ufeff') ? text.slice(1) : text
  const offsets = valueOffsets(json, pointers)
  return new Map(
    pointers.map((pointer) => {
      const at = offsets.get(pointer) ?? json.length
      const literal = /^[-+.\deE]+/.exec(json.slice(at, at + 64))?.[0] ?? ''
      // 1e19 is an integer to the schema, too; what it says is what JSON.parse makes of it.
      return [pointer, /^\d+$/.test(literal) ? BigInt(literal) : uint64(Number(literal))]
    }),
  )
}
