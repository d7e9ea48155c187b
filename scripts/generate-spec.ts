/**
 * Writes src/spec/schema.gen.ts (types), src/spec/shapes.gen.ts (what validator.ts checks) and src/spec/fields.gen.ts (names) from
 * src/spec/schema.json.
 * `--check` writes nothing and fails if a file is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compile, type JSONSchema } from 'json-schema-to-typescript'

const path = (name: string): string => fileURLToPath(new URL(`../src/spec/${name}`, import.meta.url))
const notice = 'Generated from src/spec/schema.json by scripts/generate-spec.ts: do not edit.'
const source = readFileSync(path('schema.json'), 'utf8')
const schema = JSON.parse(source) as JSONSchema
async function types(): Promise<string> {
  return compile(schema, 'Spec', {
    additionalProperties: false,
    bannerComment: `/** ${notice} */`,
    style: { semi: false, singleQuote: true, printWidth: 120, trailingComma: 'all' },
  })
}

/** A part of the schema. A keyword that is not here is refused: the shapes would leave it out. */
interface Node {
  $ref?: string
  type?: string
  required?: string[]
  minimum?: number
  maximum?: number
  enum?: string[]
  items?: Node
  properties?: Record<string, Node>
  additionalProperties?: Node
  definitions?: Record<string, Node>
}

const keywords = new Set([
  ...['$schema', 'title', 'description', '$ref', 'type', 'required', 'minimum', 'maximum', 'enum', 'items'],
  ...['properties', 'additionalProperties', 'definitions'],
])

/** What a value is, in the notation that shapes.gen.ts explains. */
function shape(node: Node): string {
  const strange = Object.keys(node).find((keyword) => !keywords.has(keyword))
  if (strange !== undefined) throw new Error(`generate-spec: the shapes do not know "${strange}"`)
  if (node.$ref !== undefined) return node.$ref.replace('#/definitions/', '')
  if (node.enum !== undefined && node.enum.length > 1) return node.enum.join('|')
  if (node.minimum !== undefined && node.maximum !== undefined) return `${limit(node.minimum)}..${limit(node.maximum)}`
  if (node.items !== undefined) return `${shape(node.items)}[]`
  if (node.additionalProperties !== undefined) return `${shape(node.additionalProperties)}{}`
  const plain = node.properties === undefined && ['string', 'boolean', 'object'].includes(node.type ?? '')
  if (!plain) throw new Error(`generate-spec: no shape says ${JSON.stringify(node)}`)
  return node.type!
}

/** In full, whatever it is rounded to. */
function limit(value: number): string {
  return BigInt(value).toString()
}

function shapes(): string {
  const { definitions, ...spec } = JSON.parse(source) as Node
  const rows = Object.entries({ Spec: spec, ...definitions }).map(([name, node]) => {
    if (node.properties === undefined) return [name, shape(node)]
    const fields = Object.entries(node.properties).map(([field, of]) => [
      field,
      shape(of) + (node.required?.includes(field) === true ? '!' : ''),
    ])
    return [name, Object.fromEntries(fields) as Record<string, string>]
  })
  return [
    `/** ${notice} */`,
    '',
    '/**',
    ' * What each object of config.json has, and what else has a name: `A[]` is a list of A, `A{}` an object with any names, whose values are A;',
    ' * `a|b` one of these strings, `0..9` an integer with these limits, `!` after it a field that must be there.',
    ' */',
    `export const shapes = ${JSON.stringify(Object.fromEntries(rows), null, 2)} as const`,
    '',
  ].join('\n')
}

/** The objects with the names of their fields, and the values of fields that have few: for messages and `features`. */
function names(): string {
  const root = JSON.parse(source) as Node
  const definitions: Record<string, Node> = { Spec: root, ...root.definitions }
  const objects: Record<string, Record<string, string>> = {}
  const values: Record<string, readonly string[]> = {}
  const target = ({ $ref = '' }: Node): string => {
    const name = $ref.replace('#/definitions/', '')
    return definitions[name]?.properties === undefined ? '' : name
  }
  for (const [name, definition] of Object.entries(definitions)) {
    if (definition.enum !== undefined) values[name] = definition.enum
    if (definition.properties === undefined) continue
    const fields: Record<string, string> = (objects[name] = {})
    for (const [field, node] of Object.entries(definition.properties)) {
      const every = node.items ?? node.additionalProperties
      fields[field] = every === undefined ? target(node) : target(every) && `*${target(every)}`
      const few = node.enum ?? node.items?.enum
      if (few !== undefined) values[`${name}.${field}`] = few
    }
  }
  return [
    `/** ${notice} */`,
    '',
    '/** Fields of each object; what is in them: an object by its name, items or values of a map with `*` before it, or nothing. */',
    `export const objects: Readonly<Record<string, Readonly<Record<string, string>>>> = ${JSON.stringify(objects, null, 2)}`,
    '',
    '/** The values of a field that the specification lists, by object and field. */',
    `export const values = ${JSON.stringify(values, null, 2)} as const`,
    '',
  ].join('\n')
}

const files: Record<string, string> = {
  'schema.gen.ts': await types(),
  'shapes.gen.ts': shapes(),
  'fields.gen.ts': names(),
}
for (const [name, text] of Object.entries(files)) {
  if (!process.argv.includes('--check')) writeFileSync(path(name), text)
  else if (readFileSync(path(name), 'utf8') !== text) {
    console.error(`src/spec/${name} is stale: run npx tsx scripts/generate-spec.ts`)
    process.exitCode = 1
  }
}
