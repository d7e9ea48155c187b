/**
 * Writes docs/conformance.md: each clause of the specification (test/conformance/clauses.ts) and each field of config.json
 * (src/spec/schema.json) beside the tests that prove it. A test names what it proves in comments directly above it:
 *
 *   // covers: /linux/sysctl, config-linux.md#namespaces/joined
 *
 * The pointer of an object, or a section without the name of a clause, may stand there too: it proves nothing.
 * Fails where a comment names nothing that there is, where one belongs to no test, and where a clause or a field has neither
 * a test nor a reason. `--check` writes nothing and fails too if the document is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { differences } from '../test/conformance/differences.ts'
import { fieldsWithoutTest, pending, specification } from '../test/conformance/clauses.ts'
import { cell, links, readProofs, type Test } from './markers.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const document = `${root}docs/conformance.md`

interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: Schema | boolean
  readonly definitions?: Readonly<Record<string, Schema>>
}

const problems: string[] = []

// --- what is to be proven

const schema = JSON.parse(readFileSync(`${root}src/spec/schema.json`, 'utf8')) as Schema
/** Pointers of the fields that hold a value, and of the objects and lists that lead to them. */
const fields = new Map<string, Schema>()
const containers = new Set<string>()
collect(schema, '')

function collect(node: Schema, pointer: string): void {
  const { properties, items, additionalProperties } = resolved(node)
  const below: [string, Schema][] = Object.entries(properties ?? {}).map(([name, field]) => [escaped(name), field])
  const each = items ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined)
  // A list or a map of plain values is one field.
  if (each !== undefined && isObject(each)) below.push(['*', each])
  if (below.length === 0) fields.set(pointer, node)
  else containers.add(pointer)
  for (const [name, field] of below) collect(field, `${pointer}/${name}`)
}

function resolved(node: Schema): Schema {
  return node.$ref === undefined ? node : schema.definitions![node.$ref.replace('#/definitions/', '')]!
}

function isObject(node: Schema): boolean {
  const { properties, items, additionalProperties } = resolved(node)
  return properties !== undefined || items !== undefined || typeof additionalProperties === 'object'
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

const clauses = new Map<string, string | { text: string; untestable: string }>()
for (const [file, sections] of Object.entries(specification))
  for (const [section, list] of Object.entries(sections))
    for (const [name, clause] of Object.entries(list)) clauses.set(`${file}#${section}/${name}`, clause)

// --- what the tests say

const proofs = new Map<string, Test[]>()
for (const { id, test } of readProofs(root, 'covers', problems)) note(id, test)

function note(id: string, test: Test): void {
  // A section alone says where to read on, and proves no clause of it.
  if (/^[a-z-]+\.md#[a-z-]+$/i.test(id) && Object.hasOwn(specification, id.split('#')[0]!)) return
  const pointer = id.replace(/\/\*$/, '')
  const key = fields.has(id) || clauses.has(id) || containers.has(id) ? id : pointer
  if (!fields.has(key) && !clauses.has(key) && !containers.has(key)) {
    problems.push(`${test.file}: "${test.title}" covers ${id}, ${unknown(id)}`)
    return
  }
  const list = proofs.get(key) ?? []
  if (!list.some(({ file, title }) => file === test.file && title === test.title)) list.push(test)
  proofs.set(key, list)
}

function unknown(id: string): string {
  if (id.startsWith('/')) return 'which is no field of src/spec/schema.json'
  const beginning = id.split('/')[0]!
  const near = [...clauses.keys()].filter((clause) => clause.startsWith(beginning))
  return near.length === 0 ? 'which is no clause of test/conformance/clauses.ts' : `which is none of ${near.join(', ')}`
}

// --- the document

let proven = 0
let unproven = 0
const total = fields.size + clauses.size

function proof(id: string, untestable: string | undefined): string {
  const tests = proofs.get(id) ?? []
  if (tests.length > 0) {
    proven++
    if (untestable !== undefined) problems.push(`${id} has a reason to have no test, and a test: "${tests[0]!.title}"`)
    if (pending.has(id)) console.log(`conformance: ${id} need not be in the list of what is pending any more`)
    return links(tests)
  }
  if (untestable !== undefined) return `*none:* ${cell(untestable)}`
  unproven++
  if (!pending.has(id)) problems.push(`${id} has neither a test nor a reason`)
  return '**no test yet**'
}

function clauseTables(): string[] {
  const parts: string[] = []
  for (const [file, sections] of Object.entries(specification)) {
    parts.push(`### ${file}`, '', '| clause | what it demands | tests |', '| --- | --- | --- |')
    for (const [section, list] of Object.entries(sections)) {
      for (const [name, clause] of Object.entries(list)) {
        const { text, untestable } = typeof clause === 'string' ? { text: clause, untestable: undefined } : clause
        parts.push(`| \`${section}/${name}\` | ${cell(text)} | ${proof(`${file}#${section}/${name}`, untestable)} |`)
      }
    }
    parts.push('')
  }
  return parts
}

function fieldTable(): string[] {
  return [
    '| field | tests |',
    '| --- | --- |',
    ...[...fields.keys()].map((pointer) => `| \`${pointer}\` | ${proof(pointer, fieldsWithoutTest[pointer])} |`),
    ...[...containers]
      .filter((pointer) => proofs.has(pointer))
      .map((pointer) => `| \`${pointer}\` | ${links(proofs.get(pointer)!)} |`),
  ]
}

for (const id of [...pending, ...Object.keys(fieldsWithoutTest)])
  if (!fields.has(id) && !clauses.has(id))
    problems.push(`test/conformance/clauses.ts: ${id} is neither a clause nor a field`)

const clauseLines = clauseTables()
const fieldLines = fieldTable()
const text = [
  '# Conformance',
  '',
  'What proves that runt does what the OCI runtime specification 1.3.0 says, on Linux. This page is made from the tests by',
  '`npm run conformance`: a test names what it proves in a comment above it, and `npm run lint` fails if a clause or a field has',
  'neither a test nor a reason, or if this page is stale. To change it, change a test, test/conformance/clauses.ts or',
  'test/conformance/differences.ts.',
  '',
  `${total} clauses and fields: ${proven} proven by tests, ${total - proven - unproven} without a test for a reason, ${unproven} without a test yet.`,
  '',
  '- [Clauses](#clauses): each MUST, MUST NOT, SHALL and REQUIRED that binds a runtime on Linux, in our own words',
  '- [Fields](#fields): each field of config.json',
  '- [Differences](#differences): where runt, runc and crun do not do the same',
  '',
  '## Clauses',
  '',
  ...clauseLines,
  '## Fields',
  '',
  'The names are JSON Pointers; `*` stands for each item of a list and each value of a map.',
  '',
  ...fieldLines,
  '',
  '## Differences',
  '',
  'The same tests run against runc and crun: those of Debian 12 on this machine (`RUNT_UNDER_TEST=runc npm run test:integration`), those of',
  'Debian’s newest suite likewise (`test/vm/controls.sh`, with `VM=1` in the virtual machine). Where they fail, this is why.',
  '',
  '| what | runt | others | why |',
  '| --- | --- | --- | --- |',
  ...differences.map(
    ({ what, runt, others, why }) => `| ${cell(what)} | ${cell(runt)} | ${cell(others)} | ${cell(why)} |`,
  ),
  '',
].join('\n')

if (process.argv.includes('--check')) {
  if (readFileSync(document, 'utf8') !== text) problems.push("docs/conformance.md is stale: run 'npm run conformance'")
} else writeFileSync(document, text)
for (const problem of problems) console.error(`conformance: ${problem}`)
if (problems.length > 0) process.exitCode = 1
else
  console.log(`conformance: ${proven} of ${total} clauses and fields are proven by tests, ${unproven} have no test yet`)
