/**
 * What of the specification is not supported yet: refused with its name, never ignored.
 * A field goes from the table when its support comes.
 */
import type { Check, Report } from './checks/check.ts'
import { splitPointer } from './problem.ts'
import type { Spec } from './schema.gen.ts'

/** `refused`, or the one value that is, or the fields below; `*` stands for every item. */
interface Fields {
  readonly [name: string]: typeof refused | string | Fields
}
const refused = Symbol('refused')

/** Of config.json. */
const specFields: Fields = {}

const unsupported = 'is not supported yet'

export const supportedInSpec: Check<Spec> = {
  section: 'config.md, config-linux.md',
  reads: [],
  run(spec, report) {
    refuse(spec, specFields, '', report)
  },
}

/**
 * Whether a field is carried out, or one value of it: what `features` tells.
 * @param pointer into config.json, with `*` for the items of a list
 */
export function isSupported(pointer: string, value?: string): boolean {
  let fields = specFields
  for (const part of splitPointer(pointer)) {
    const field = Object.hasOwn(fields, part) ? fields[part] : undefined
    if (field === undefined) return true
    if (typeof field !== 'object') return field !== refused && field !== value
    fields = field
  }
  return true
}

function refuse(value: unknown, fields: Fields, pointer: string, report: Report): void {
  if (typeof value !== 'object' || value === null) return
  const every = fields['*']
  for (const [name, item] of Object.entries(value)) {
    const field = every ?? (Object.hasOwn(fields, name) ? fields[name] : undefined)
    if (field === undefined) continue
    if (typeof field === 'object') refuse(item, field, `${pointer}/${name}`, report)
    else if (field === refused ? !isDefault(item) : item === field) {
      report.problem(`${pointer}/${name}`, field === refused ? unsupported : `${String(item)} ${unsupported}`)
    }
  }
}

/** Whether a field asks for nothing: absent, or what writers in Go leave of an unset one (0, false, "", nothing in it). */
function isDefault(value: unknown, depth = 0): boolean {
  if (value === undefined || value === null || value === 0 || value === false || value === '') return true
  if (typeof value !== 'object' || depth > 4) return false
  return Array.isArray(value) ? value.length === 0 : Object.values(value).every((item) => isDefault(item, depth + 1))
}
