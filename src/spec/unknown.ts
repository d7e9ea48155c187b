/**
 * Fields that the specification does not have: a runtime MUST ignore them (config.md#extensibility), so only `validate` tells
 * of them. To be loaded by `import()`.
 */
import { objects } from './fields.gen.ts'
import { didYouMean, escapePointer, splitPointer, type Problem } from './problem.ts'

/**
 * A warning for each unknown field.
 * @param document config.json as JSON.parse gives it, or with `kind` 'Process' a `process` object
 */
export function unknownFields(document: unknown, kind: 'Spec' | 'Process' = 'Spec'): Problem[] {
  const warnings: Problem[] = []
  walk(document, kind, '', warnings)
  return warnings
}

/** @param kind name of an object; with `*` before it, of the items or values of `value`; '' for what has no fields */
function walk(value: unknown, kind: string, pointer: string, warnings: Problem[]): void {
  if (kind === '' || typeof value !== 'object' || value === null) return
  const fields = objects[kind] ?? {}
  if (!kind.startsWith('*') && Array.isArray(value)) return
  for (const [name, item] of Object.entries(value)) {
    const at = `${pointer}/${escapePointer(name)}`
    if (kind.startsWith('*')) walk(item, kind.slice(1), at, warnings)
    else if (Object.hasOwn(fields, name)) walk(item, fields[name] ?? '', at, warnings)
    else warnings.push(unknown(at, name, Object.keys(fields), value))
  }
}

function unknown(pointer: string, name: string, known: readonly string[], siblings: object): Problem {
  const missing = known.filter((field) => !Object.hasOwn(siblings, field))
  const hint = didYouMean(name, missing)
  const warning = { pointer, message: 'is not a field of the specification, and is ignored' }
  return hint === undefined ? warning : { ...warning, hint }
}

/**
 * Where a field is missing and an unknown one beside it has nearly its name, that one is named in the hint.
 * @param problems of `document`
 */
export function hintMisspelt(document: unknown, problems: readonly Problem[], kind: 'Spec' | 'Process'): Problem[] {
  if (!problems.some(({ message }) => message === 'is required')) return [...problems]
  const unknown = unknownFields(document, kind).map(({ pointer }) => cut(pointer))
  return problems.map((problem) => {
    if (problem.message !== 'is required' || problem.hint !== undefined) return problem
    const [parent, name] = cut(problem.pointer)
    const near = unknown.find(([around, other]) => around === parent && didYouMean(other, [name]) !== undefined)
    return near === undefined
      ? problem
      : { ...problem, hint: `${JSON.stringify(near[1])} beside it is unknown: rename it` }
  })
}

/** The pointer to what is around a field, and the field's name. */
function cut(pointer: string): [parent: string, name: string] {
  return [pointer.slice(0, pointer.lastIndexOf('/')), splitPointer(pointer).at(-1) ?? '']
}
