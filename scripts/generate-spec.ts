/**
 * Writes src/spec/schema.gen.ts (types), src/spec/validate.gen.ts (validators) and src/spec/fields.gen.ts (names) from
 * src/spec/schema.json.
 * `--check` writes nothing and fails if a file is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import standalone from 'ajv/dist/standalone/index.js'
import { compile, type JSONSchema } from 'json-schema-to-typescript'

const path = (name: string): string => fileURLToPath(new URL(`../src/spec/${name}`, import.meta.url))
const notice = 'Generated from src/spec/schema.json by scripts/generate-spec.ts: do not edit.'
const source = readFileSync(path('schema.json'), 'utf8')
const schema = JSON.parse(source) as JSONSchema
/** Without the sentences: ajv leaves copies of the schema in its code. */
const bare = JSON.parse(source, (key, value: unknown) =>
  key === 'description' && typeof value === 'string' ? undefined : value,
) as object

async function types(): Promise<string> {
  return compile(schema, 'Spec', {
    additionalProperties: false,
    bannerComment: `/** ${notice} */`,
    style: { semi: false, singleQuote: true, printWidth: 120, trailingComma: 'all' },
  })
}

/** A plain module without imports: ajv's own code is needed only here. */
async function validators(): Promise<string> {
  const ajv = new Ajv({
    allErrors: true,
    messages: false,
    strict: true,
    // Integers of a size are functions: half the code.
    inlineRefs: false,
    code: { source: true, esm: true, lines: true, optimize: 2 },
  })
  ajv.addSchema(bare, 'spec')
  const code = standalone.default(ajv, { validSpec: 'spec#', validProcess: 'spec#/definitions/Process' })
  if (/\brequire\(|\bimport\b/.test(code)) throw new Error('generate-spec: the validators need a module of ajv')
  return [
    '// @ts-nocheck',
    `/** ${notice} */`,
    "import { add, addAll, type Validator } from './validator.ts'",
    bounded(code)
      .replace(/export const /g, 'const ')
      .trimEnd(),
    'export const validators: { spec: Validator; process: Validator } = { spec: validSpec, process: validProcess }',
    '',
  ].join('\n')
}

/** ajv collects errors without end, and copies the list for each list item that is wrong: here the list has a limit. */
function bounded(code: string): string {
  const text = code
    .replace(
      /if\(vErrors === null\)\{\s*vErrors = \[(err\d+)\];\s*\}\s*else \{\s*vErrors\.push\(\1\);\s*\}/g,
      'vErrors = add(vErrors, $1);',
    )
    .replace(/vErrors === null \? (validate\d+\.errors) : vErrors\.concat\(\1\)/g, 'addAll(vErrors, $1)')
    .replace(/\n+/g, '\n')
  if (/vErrors === null|\.push\(|\.concat\(/.test(text))
    throw new Error('generate-spec: ajv collects errors in a new way')
  return text
}

/** A part of the schema, as far as the names in it go. */
interface Node {
  $ref?: string
  enum?: string[]
  items?: Node
  properties?: Record<string, Node>
  additionalProperties?: Node
  definitions?: Record<string, Node>
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
  'validate.gen.ts': await validators(),
  'fields.gen.ts': names(),
}
for (const [name, text] of Object.entries(files)) {
  if (!process.argv.includes('--check')) writeFileSync(path(name), text)
  else if (readFileSync(path(name), 'utf8') !== text) {
    console.error(`src/spec/${name} is stale: run npx tsx scripts/generate-spec.ts`)
    process.exitCode = 1
  }
}
