/**
 * Writes docs/security-cases.md: each weakness of test/security/cases.ts beside what keeps it from happening and the tests that try
 * it. A test names what it tries in a comment directly above it:
 *
 *   // cve: CVE-2019-5736
 *
 * Fails where a comment names no case, where one belongs to no test, and where a case has no test. `--check` writes nothing and fails
 * too if the document is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { cases } from '../test/security/cases.ts'
import { cell, links, readProofs, type Test } from './markers.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const document = `${root}docs/security-cases.md`
const problems: string[] = []

const tests = new Map<string, Test[]>(cases.flatMap(({ ids }) => ids).map((id) => [id, []]))
for (const { id, test } of readProofs(root, 'cve', problems)) {
  const list = tests.get(id)
  if (list === undefined)
    problems.push(`${test.file}: "${test.title}" names ${id}, which is not in test/security/cases.ts`)
  else list.push(test)
}
for (const [id, list] of tests) if (list.length === 0) problems.push(`${id} has no test`)

const rows = cases.map(({ ids, whose, cause, answer, control }) => {
  const unique = new Map(ids.flatMap((id) => tests.get(id)!).map((test) => [`${test.file} ${test.title}`, test]))
  const names = ids.map((id) => (id.startsWith('CVE-') ? id : `\`${id}\``)).join('<br>')
  const known = control === undefined ? '' : `<br>*Known to work:* ${cell(control)}`
  return `| ${names}<br>${cell(whose)} | ${cell(cause)} | ${cell(answer)} | ${links([...unique.values()])}${known} |`
})
const text = [
  '# Weaknesses, and the tests that try them',
  '',
  'What went wrong in container runtimes and engines since 2016, why it does not here, and the attacks that are carried out to see that.',
  'This page is made by `npm run security-cases` from test/security/cases.ts and from the comments `// cve:` above tests; `npm run lint`',
  'fails where a case has no test, or if this page is stale. [SECURITY.md](../SECURITY.md) has the model of threats.',
  '',
  'The attacks run with `npm run test:integration`; where the old runc and crun of Debian 12 are installed, the tests show that those',
  'fall for what they have not mended (test/integration/control.ts). `RUNT_UNDER_TEST=runc` before the command runs the others against them.',
  '',
  '| weakness, and whose | what happened | what keeps it from happening | tests |',
  '| --- | --- | --- | --- |',
  ...rows,
  '',
].join('\n')

if (process.argv.includes('--check')) {
  if (readFileSync(document, 'utf8') !== text)
    problems.push("docs/security-cases.md is stale: run 'npm run security-cases'")
} else writeFileSync(document, text)
for (const problem of problems) console.error(`security-cases: ${problem}`)
if (problems.length > 0) process.exitCode = 1
else console.log(`security-cases: ${tests.size} weaknesses, each with a test`)
