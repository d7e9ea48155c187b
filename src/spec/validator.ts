/**
 * Whether a value has the shape that schema.json asks for. The shapes are a small table (shapes.gen.ts) and not generated code: a command
 * reads that table for each container, and the code would be a third of all that it reads.
 */
import { escapePointer } from './problem.ts'
import { shapes } from './shapes.gen.ts'

/** Something in a value that is not as the schema says. */
export interface Violation {
  /** JSON Pointer of the value; for `required`, of what the field is missing in. */
  pointer: string
  demand: Demand
}

/** What was to be there: a value of a type, a field, a number within limits, or one of some strings. */
export type Demand =
  { type: string } | { required: string } | { minimum: number } | { maximum: number } | { values: readonly string[] }

/** So many violations are collected; what is beyond is not looked at by a person. */
export const maxViolations = 1000

/** A shape of shapes.gen.ts, read. */
type Shape =
  | { type: 'string' | 'boolean' }
  | { type: 'one'; values: readonly string[] }
  | { type: 'integer'; minimum: number; maximum: number }
  | { type: 'array'; items: Shape }
  | { type: 'map'; items: Shape | undefined }
  | { type: 'object'; fields: readonly Field[] }

interface Field {
  name: string
  required: boolean
  /** Read when a value has the field. */
  text: string
  shape?: Shape
}

const read = new Map<string, Shape>()

/** Every violation in `value` of what an object called `name` is, such as Spec or Process; at most 1000. */
export function violationsOf(name: keyof typeof shapes, value: unknown): readonly Violation[] {
  return check(shapeOf(name), value)
}

/** Each shape is read once. */
function shapeOf(text: string): Shape {
  let shape = read.get(text)
  if (shape === undefined) read.set(text, (shape = readShape(text)))
  return shape
}

function readShape(text: string): Shape {
  if (text === 'string' || text === 'boolean') return { type: text }
  if (text === 'object') return { type: 'map', items: undefined }
  if (text.endsWith('[]')) return { type: 'array', items: shapeOf(text.slice(0, -2)) }
  if (text.endsWith('{}')) return { type: 'map', items: shapeOf(text.slice(0, -2)) }
  if (text.includes('|')) return { type: 'one', values: text.split('|') }
  if (text.includes('..')) {
    const [minimum, maximum] = text.split('..').map(Number)
    return { type: 'integer', minimum: minimum!, maximum: maximum! }
  }
  const named: string | Readonly<Record<string, string>> = shapes[text as keyof typeof shapes]
  return typeof named === 'string' ? shapeOf(named) : { type: 'object', fields: fieldsOf(named) }
}

function fieldsOf(texts: Readonly<Record<string, string>>): Field[] {
  const fields: Field[] = []
  for (const name in texts) {
    const text = texts[name]!
    const required = text.endsWith('!')
    fields.push({ name, required, text: required ? text.slice(0, -1) : text })
  }
  return fields
}

const none: readonly Violation[] = []

/** Pointers start at `value`: only for what is wrong, one is put together on the way back. */
function check(shape: Shape, value: unknown): readonly Violation[] {
  switch (shape.type) {
    case 'string':
    case 'boolean':
      return typeof value === shape.type ? none : wrong({ type: shape.type })
    case 'object':
      return isObject(value) ? checkFields(shape.fields, value) : wrong({ type: 'object' })
    case 'array':
      return Array.isArray(value) ? checkItems(shape.items, value) : wrong({ type: 'array' })
    case 'integer':
      if (!Number.isInteger(value)) return wrong({ type: 'integer' })
      if ((value as number) < shape.minimum) return wrong({ minimum: shape.minimum })
      return (value as number) > shape.maximum ? wrong({ maximum: shape.maximum }) : none
    case 'one':
      if (typeof value !== 'string') return wrong({ type: 'string' })
      return shape.values.includes(value) ? none : wrong({ values: shape.values })
    case 'map':
      if (!isObject(value)) return wrong({ type: 'object' })
      return shape.items === undefined ? none : checkValues(shape.items, value)
  }
}

function wrong(demand: Demand): readonly Violation[] {
  return [{ pointer: '', demand }]
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function checkFields(fields: readonly Field[], value: Readonly<Record<string, unknown>>): readonly Violation[] {
  let found = none
  for (const { name, required } of fields) {
    if (required && value[name] === undefined) found = [...found, ...wrong({ required: name })]
  }
  for (const field of fields) {
    const item = value[field.name]
    if (item !== undefined) found = add(found, field.name, check((field.shape ??= shapeOf(field.text)), item))
  }
  return found
}

function checkItems(shape: Shape, items: readonly unknown[]): readonly Violation[] {
  let found = none
  let index = 0
  for (const item of items) found = add(found, index++, check(shape, item))
  return found
}

function checkValues(shape: Shape, values: Readonly<Record<string, unknown>>): readonly Violation[] {
  let found = none
  for (const name in values) found = add(found, name, check(shape, values[name]))
  return found
}

/** @param more in the field or item called `name` */
function add(found: readonly Violation[], name: string | number, more: readonly Violation[]): readonly Violation[] {
  if (more === none || found.length >= maxViolations) return found
  const inner = more.map(({ pointer, demand }) => ({ pointer: `/${escapePointer(String(name))}${pointer}`, demand }))
  return [...found, ...inner].slice(0, maxViolations)
}
