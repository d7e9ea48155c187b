/**
 * Comments directly above tests that say what these prove, for the pages that are made from them:
 *
 *   // covers: /linux/sysctl, config-linux.md#namespaces/joined
 *   // cve: CVE-2019-5736
 */
import { readdirSync, readFileSync } from 'node:fs'
import ts from 'typescript'

export interface Test {
  /** Below the root of the project. */
  readonly file: string
  readonly title: string
}

/** What a test is said to prove. */
export interface Proof {
  readonly id: string
  readonly test: Test
}

/**
 * Reads the markers of one kind in all tests.
 * @param root of the project, with a slash at its end
 * @param name `covers`
 * @param problems gets markers that stand above no test
 */
export function readProofs(root: string, name: string, problems: string[]): Proof[] {
  return readdirSync(`${root}test`, { recursive: true, encoding: 'utf8' })
    .sort()
    .filter((file) => file.endsWith('.test.ts'))
    .flatMap((file) => proofsIn(root, `test/${file}`, name, problems))
}

function proofsIn(root: string, file: string, name: string, problems: string[]): Proof[] {
  const text = readFileSync(`${root}${file}`, 'utf8')
  const expected = [...text.matchAll(new RegExp(`^[ \\t]*// ${name}: `, 'gm'))].length
  if (expected === 0) return []
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const proofs: Proof[] = []
  let found = 0
  const visit = (node: ts.Node): void => {
    const ids = markersAbove(text, node, name)
    if (ids.length > 0) {
      found += ids.length
      const title = titleOf(node)
      if (title === undefined) problems.push(`${file}: no test stands below "${name}: ${ids.join('; ')}"`)
      else for (const id of ids.join(',').split(',')) proofs.push({ id: id.trim(), test: { file, title } })
    }
    ts.forEachChild(node, visit)
  }
  ts.forEachChild(source, visit)
  if (found !== expected)
    problems.push(`${file}: ${expected - found} of its comments "${name}" do not stand directly above a test`)
  return proofs
}

/** The texts of the comments directly above a statement, or above a row of a table of tests. */
function markersAbove(text: string, node: ts.Node, name: string): string[] {
  const isRow = ts.isArrayLiteralExpression(node.parent)
  if (!isRow && !(ts.isStatement(node) && (ts.isSourceFile(node.parent) || ts.isBlock(node.parent)))) return []
  const marker = new RegExp(`^// ${name}: *(.*)$`)
  return (ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [])
    .map(({ pos, end }) => marker.exec(text.slice(pos, end))?.[1])
    .filter((ids) => ids !== undefined)
}

/**
 * The first argument of the first call in a statement that has a text there (`test('…', …)`, or a helper that calls test); the first
 * text of a row, or its `name`.
 */
function titleOf(node: ts.Node): string | undefined {
  if (ts.isArrayLiteralExpression(node)) return node.elements[0] && literal(node.elements[0])
  if (ts.isObjectLiteralExpression(node)) {
    const name = node.properties.find((property) => property.name?.getText() === 'name')
    return name && ts.isPropertyAssignment(name) ? literal(name.initializer) : undefined
  }
  if (ts.isCallExpression(node) && node.arguments.length > 1) {
    const title = literal(node.arguments[0]!)
    if (title !== undefined) return title
  }
  return ts.forEachChild(node, (child) =>
    ts.isObjectLiteralExpression(child) || ts.isArrayLiteralExpression(child) ? undefined : titleOf(child),
  )
}

/** A text; what a template puts in is shown as dots. */
function literal(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text
  if (!ts.isTemplateExpression(node)) return undefined
  return node.head.text + node.templateSpans.map((span) => `…${span.literal.text}`).join('')
}

/** A text for a cell of a table. */
export function cell(text: string): string {
  return text
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replaceAll('*', '\\*')
    .replaceAll('[', '\\[')
    .replaceAll(']', '\\]')
}

/** Tests for a cell of a table in docs/: their titles, with links. */
export function links(tests: readonly Test[]): string {
  return tests.map(({ file, title }) => `[${cell(title)}](../${file})`).join('<br>')
}
