/** Configurations for the tests: the default one with changes. */
import { defaultSpec } from '../../../src/spec/default.ts'
import { parseSpec } from '../../../src/spec/parse.ts'
import { escapePointer, splitPointer, type Problem } from '../../../src/spec/problem.ts'

/** The default configuration with values set at pointers (objects and lists on the way are made); undefined removes. */
export function changed(changes: Readonly<Record<string, unknown>>): unknown {
  const document: unknown = defaultSpec()
  for (const [pointer, value] of Object.entries(changes)) set(document, pointer, value)
  return document
}

/** Sets the value at `pointer`; '-' as an index appends. */
export function set(document: unknown, pointer: string, value: unknown): void {
  const parts = splitPointer(pointer)
  let at = document as Record<string, unknown>
  parts.forEach((part, depth) => {
    const key = part === '-' ? String((at as unknown as unknown[]).length) : part
    if (depth < parts.length - 1) {
      at[key] ??= /^(\d+|-)$/.test(parts[depth + 1]!) ? [] : {}
      at = at[key] as Record<string, unknown>
    } else if (value !== undefined) at[key] = value
    else if (Array.isArray(at)) at.splice(Number(key), 1)
    else Reflect.deleteProperty(at, key)
  })
}

/** Problems of the default configuration with changes, as `pointer message`. */
export function problemsWith(changes: Readonly<Record<string, unknown>>): string[] {
  return told(parseSpec(JSON.stringify(changed(changes))).problems)
}

/** Warnings of the default configuration with changes, as `pointer message`. */
export function warningsWith(changes: Readonly<Record<string, unknown>>): string[] {
  return told(parseSpec(JSON.stringify(changed(changes))).warnings)
}

export function told(problems: readonly Problem[]): string[] {
  return problems.map(({ pointer, message }) => `${pointer} ${message}`)
}

/** Every value of a document that is no object and no list, with its pointer. */
export function* scalars(value: unknown, pointer = ''): Generator<{ pointer: string; value: unknown }> {
  if (typeof value !== 'object' || value === null) yield { pointer, value }
  else for (const [key, item] of Object.entries(value)) yield* scalars(item, `${pointer}/${escapePointer(key)}`)
}
