import { readFileSync } from 'node:fs'
import { Ajv, type ErrorObject } from 'ajv'
import test from 'ava'
import { parseSpec } from '../../../src/spec/parse.ts'
import { escapePointer, splitPointer, valueAt } from '../../../src/spec/problem.ts'
import { violationsOf, type Demand } from '../../../src/spec/validator.ts'
import { problemsWith, scalars, set, told } from './config.ts'

interface Schema {
  $ref?: string
  type?: 'string' | 'integer' | 'boolean' | 'array' | 'object'
  enum?: string[]
  minimum?: number
  maximum?: number
  required?: string[]
  items?: Schema
  properties?: Record<string, Schema>
  additionalProperties?: Schema
  definitions?: Record<string, Schema>
}

const root = JSON.parse(readFileSync(new URL('../../../src/spec/schema.json', import.meta.url), 'utf8')) as Schema

function resolve(schema: Schema): Schema {
  return schema.$ref === undefined ? schema : resolve(root.definitions![schema.$ref.replace('#/definitions/', '')]!)
}

/** A document that has every field of the schema, lists with one item and maps with one key. */
function sample(of: Schema): unknown {
  const schema = resolve(of)
  switch (schema.type) {
    case 'string':
      return schema.enum?.[0] ?? '/text'
    case 'integer':
      return Math.max(schema.minimum ?? 1, 1)
    case 'boolean':
      return true
    case 'array':
      return [sample(schema.items!)]
    default: {
      const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => [name, sample(field)] as const)
      if (schema.additionalProperties !== undefined) fields.push(['a/key', sample(schema.additionalProperties)])
      return Object.fromEntries(fields)
    }
  }
}

/** The schema of the field at `pointer`, and of what it is in. */
function schemaAt(pointer: string): { field: Schema; parent: Schema; name: string } {
  let [field, parent, name] = [root, root, '']
  for (const part of splitPointer(pointer)) {
    parent = resolve(field)
    name = part
    field = resolve(parent.items ?? parent.properties?.[part] ?? parent.additionalProperties!)
  }
  return { field, parent, name }
}

const wrongTypes: Readonly<Record<string, readonly unknown[]>> = {
  string: [42, true, null, [], ['text'], {}, -1.5],
  integer: ['42', '', true, false, null, [], {}, 1.5, 1e300],
  boolean: ['true', '', 0, 1, null, [], {}],
}

test('a document with every field of the schema fits it', (t) => {
  const full = sample(root)
  t.deepEqual(violationsOf('Spec', full), [])
  t.true([...scalars(full)].length > 150)
})

for (const { pointer } of scalars(sample(root))) {
  const { field, parent, name } = schemaAt(pointer)
  for (const value of wrongTypes[field.type!]!) {
    test(`${pointer} must not be ${JSON.stringify(value)}`, (t) => {
      const document = sample(root)
      set(document, pointer, value)
      const told = parseSpec(JSON.stringify(document)).problems.filter((problem) => problem.pointer === pointer)
      const isField = parent.properties !== undefined
      if (value === null && isField && parent.required?.includes(name) !== true) {
        // null is how some writers say that an optional field is absent.
        t.false(told.some(({ message }) => message.startsWith('must be')))
        return
      }
      t.is(told.length, 1)
      t.regex(told[0]!.message, value === null && isField ? /^is required$/ : /^must /)
    })
  }
}

/** What ajv says, in the words of our own. */
function demandOf({ keyword, params }: ErrorObject): Demand {
  const { type, missingProperty, limit, allowedValues } = params as {
    type: string
    missingProperty: string
    limit: number
    allowedValues: readonly string[]
  }
  switch (keyword) {
    case 'type':
      return { type }
    case 'required':
      return { required: missingProperty }
    case 'minimum':
      return { minimum: limit }
    case 'maximum':
      return { maximum: limit }
    case 'enum':
      return { values: allowedValues }
    default:
      throw new Error(`unexpected ${keyword}`)
  }
}

/** Pointers to all that is in a value, itself included. */
function pointers(value: unknown, pointer = ''): string[] {
  if (typeof value !== 'object' || value === null) return [pointer]
  return [
    pointer,
    ...Object.entries(value).flatMap(([name, item]) => pointers(item, `${pointer}/${escapePointer(name)}`)),
  ]
}

test('violations are those that ajv finds with the schema, whatever stands where', (t) => {
  const validate = new Ajv({ allErrors: true, strict: true }).compile(root)
  const values = [undefined, null, true, 'text', '', -1, 0, 1.5, 70_000, 1e300, [], [0, '', null], {}, { 'a/~': 1 }]
  const first = (found: readonly (readonly [pointer: string, demand: Demand])[]) => {
    const kept = new Map<string, Demand>()
    // Several of one value say the same; a field that lacks has its own place.
    for (const [pointer, demand] of found) {
      const place = 'required' in demand ? `${pointer}/${demand.required} lacks` : pointer
      if (!kept.has(place)) kept.set(place, demand)
    }
    return kept
  }
  for (const pointer of pointers(sample(root)).slice(1)) {
    for (const value of values) {
      const document = sample(root)
      set(document, pointer, value)
      validate(document)
      const expected = first((validate.errors ?? []).map((error) => [error.instancePath, demandOf(error)]))
      const found = first(violationsOf('Spec', document).map(({ pointer, demand }) => [pointer, demand]))
      t.deepEqual(found, expected, `${pointer}: ${JSON.stringify(value)}`)
    }
  }
})

test('integers have the ranges of their types, at both ends', (t) => {
  for (const { pointer } of scalars(sample(root))) {
    const { type, minimum, maximum } = schemaAt(pointer).field
    if (type !== 'integer') continue
    const isIn = (value: number): boolean => {
      const document = sample(root)
      set(document, pointer, value)
      return violationsOf('Spec', document).length === 0
    }
    if (minimum !== undefined) t.true(isIn(minimum), `${pointer} ${minimum}`)
    if (maximum !== undefined) t.true(isIn(maximum), `${pointer} ${maximum}`)
    // The next double below or above, where they are dense enough.
    const step = (limit: number): number => (Math.abs(limit) < 2 ** 53 ? 1 : Math.abs(limit) / 2 ** 52)
    if (minimum !== undefined) t.false(isIn(minimum - step(minimum)), `${pointer} below ${minimum}`)
    if (maximum !== undefined) t.false(isIn(maximum + step(maximum)), `${pointer} above ${maximum}`)
  }
})

// covers: config.md#valid-values/invalid
test('values of enumerations are exact', (t) => {
  for (const { pointer, value } of scalars(sample(root))) {
    if (schemaAt(pointer).field.enum === undefined) continue
    const document = sample(root)
    set(document, pointer, String(value).toUpperCase() + 'X')
    t.true(told(parseSpec(JSON.stringify(document)).problems).some((text) => text.startsWith(`${pointer} must be `)))
  }
})

test('a field that is missing is told at its own pointer', (t) => {
  for (const [name, definition] of Object.entries({ ...root.definitions, Spec: root })) {
    for (const field of definition.required ?? []) {
      const schema = (definition === root ? { ...root } : { ...definition, definitions: root.definitions }) as Schema
      const document = sample(schema)
      set(document, `/${field}`, undefined)
      if (name === 'Process' || name === 'Spec') {
        t.deepEqual(violationsOf(name, document), [{ pointer: '', demand: { required: field } }])
      } else t.is(valueAt(document, `/${field}`), undefined)
    }
  }
  t.deepEqual(problemsWith({ '/process/cwd': undefined }), ['/process/cwd is required'])
  t.deepEqual(problemsWith({ '/root/path': undefined }), ['/root/path is required'])
  t.deepEqual(problemsWith({ '/mounts/2/destination': undefined }), ['/mounts/2/destination is required'])
  t.deepEqual(problemsWith({ '/linux/namespaces/0/type': undefined }), ['/linux/namespaces/0/type is required'])
})

// covers: config.md#extensibility/unknown-ignored
test('unknown properties are ignored anywhere', (t) => {
  t.deepEqual(
    problemsWith({
      '/x-vendor': { a: [1, null, { b: 'c' }] },
      '/process/x': null,
      '/process/user/x': 1,
      '/linux/x': 'y',
      '/linux/resources/memory/x': {},
      '/mounts/0/x': [],
      '/linux/namespaces/0/x': -1,
    }),
    [],
  )
})

// covers: /vm, /windows, /solaris, /zos, /freebsd
test('blocks of other platforms are ignored', (t) => {
  const blocks = {
    '/vm': { hypervisor: 1 },
    '/windows': { layerFolders: 2 },
    '/solaris': {},
    '/zos': { namespaces: 3 },
  }
  t.deepEqual(problemsWith(blocks), [])
})

test('sentences say what a field must be and what it is', (t) => {
  t.deepEqual(problemsWith({ '/process/cwd': 42 }), ['/process/cwd must be a string, is a number (42)'])
  t.deepEqual(problemsWith({ '/process/args': 'sh' }), ['/process/args must be a list, is a string ("sh")'])
  t.deepEqual(problemsWith({ '/process/args/0': null }), ['/process/args/0 must be a string, is null'])
  t.deepEqual(problemsWith({ '/root/readonly': 'yes' }), ['/root/readonly must be true or false, is a string ("yes")'])
  t.deepEqual(problemsWith({ '/process/user/uid': -1 }), ['/process/user/uid must be at least 0, is a number (-1)'])
  t.deepEqual(problemsWith({ '/process/user/uid': 4294967296 }), [
    '/process/user/uid must be at most 4294967295, is a number (4294967296)',
  ])
  t.deepEqual(problemsWith({ '/process/oomScoreAdj': 1001 }), [
    '/process/oomScoreAdj must be at most 1000, is a number (1001)',
  ])
  t.deepEqual(problemsWith({ '/linux/resources/memory/limit': 1e19 }), [
    '/linux/resources/memory/limit must fit into 64 bits, is a number (10000000000000000000)',
  ])
  t.deepEqual(problemsWith({ '/hostname': {} }), ['/hostname must be a string, is an object'])
  t.deepEqual(problemsWith({ '/annotations': { a: 1 } }), ['/annotations/a must be a string, is a number (1)'])
})

test('a misspelt value gets the nearest known one as a hint', (t) => {
  const text = JSON.stringify({ ociVersion: '1.0.0', linux: { namespaces: [{ type: 'newtork' }] } })
  const problem = parseSpec(text).problems.find(({ pointer }) => pointer === '/linux/namespaces/0/type')
  t.is(problem?.hint, 'did you mean network?')
})

test('names with / and ~ are escaped in pointers', (t) => {
  t.deepEqual(problemsWith({ '/annotations': { 'a/b~c': 1 } }), [
    '/annotations/a~1b~0c must be a string, is a number (1)',
  ])
})
