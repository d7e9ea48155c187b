/**
 * config.json as text → a `Spec` that holds what its type says, or every problem of it with the pointer to the field.
 * Knows nothing of this machine: what depends on files, the kernel or the caller is checked where it is used.
 */
import { processChecks, specChecks } from './checks/all.ts'
import type { Check, Report } from './checks/check.ts'
import { noNulInConfig, noNulInProcess } from './checks/strings.ts'
import { dropEmptyOfProcess, dropEmptyOfSpec, dropNulls, dropZeroPids } from './normalize.ts'
import { describe, type Problem } from './problem.ts'
import type { Process, Spec } from './schema.gen.ts'
import { supportedInSpec } from './supported.ts'
import { maxViolations, violationsOf } from './validator.ts'
import { violationProblem } from './violations.ts'

interface Findings {
  /** Nothing to be done with it while there is one. At most 1000. */
  problems: Problem[]
  /** What is ignored or taken otherwise. */
  warnings: Problem[]
}

/** A configuration that was read, or why it cannot be. */
export interface ParsedSpec extends Findings {
  /** Present if and only if there are no problems. */
  spec?: Spec
}

/** A `process` object that was read, or why it cannot be. */
export interface ParsedProcess extends Findings {
  /** Present if and only if there are no problems. */
  process?: Process
}

/** A text that was read as JSON, or why it is none. */
export interface ParsedJson extends Findings {
  document?: unknown
}

/** Larger files are no configuration: the reader refuses them, with this as its limit, in bytes. */
export const maxConfigBytes = 16 * 1024 * 1024

/** Reads config.json. Problems have no line and column: `locateProblems` fills them. */
export function parseSpec(text: string): ParsedSpec {
  return checkParsedSpec(parseJson(text), text)
}

/** The second half of `parseSpec`: what JSON said, checked; takes the document over. */
export function checkParsedSpec({ document, problems, warnings }: ParsedJson, text: string): ParsedSpec {
  return problems.length > 0 ? { problems, warnings } : specOf(document, warnings, text)
}

/** Reads a `process` object, as of `exec --process`: pointers start at it. */
export function parseProcess(text: string): ParsedProcess {
  const { document, problems, warnings } = parseJson(text)
  return problems.length > 0 ? { problems, warnings } : processOf(document, warnings, text)
}

/** Checks a configuration that is already an object; takes it over (nulls and empty strings that mean "absent" are removed). */
export function checkSpec(document: unknown): ParsedSpec {
  return specOf(document, [])
}

/** Checks a `process` object; takes it over, as `checkSpec` does. */
export function checkProcess(document: unknown): ParsedProcess {
  return processOf(document, [])
}

/** `text`, where the document was read from it, tells what need not be looked for. */
function specOf(document: unknown, warnings: Problem[], text?: string): ParsedSpec {
  if (mayHave(text, 'null')) dropNulls(document)
  if (mayHave(text, '""')) dropEmptyOfSpec(document)
  if (mayHave(text, '"pids"')) dropZeroPids(document)
  const findings = new Collector(warnings)
  const broken = checkSchema('Spec', document, findings)
  if (broken !== 'hopeless') {
    const spec = document as Spec
    const nul = mayHave(text, '\\u0000') ? [noNulInConfig] : []
    runChecks([supportedInSpec, ...nul, ...specChecks], spec, '', broken, findings)
    const process: unknown = spec.process
    if (typeof process === 'object' && process !== null && !Array.isArray(process)) {
      runChecks([...processChecks], process as Process, '/process', broken, findings)
    }
  }
  const { problems } = findings
  return problems.length > 0 ? { problems, warnings } : { spec: document as Spec, problems, warnings }
}

function processOf(document: unknown, warnings: Problem[], text?: string): ParsedProcess {
  if (mayHave(text, 'null')) dropNulls(document)
  if (mayHave(text, '""')) dropEmptyOfProcess(document)
  const findings = new Collector(warnings)
  const broken = checkSchema('Process', document, findings)
  if (broken !== 'hopeless') {
    const nul = mayHave(text, '\\u0000') ? [noNulInProcess] : []
    runChecks([...nul, ...processChecks], document as Process, '', broken, findings)
  }
  const { problems } = findings
  return problems.length > 0 ? { problems, warnings } : { process: document as Process, problems, warnings }
}

function mayHave(text: string | undefined, part: string): boolean {
  return text === undefined || text.includes(part)
}

/**
 * Problems as they are told: with line and column, and where a field is missing, the misspelt one that may be meant.
 * What it needs is loaded only now, when there is a problem to tell.
 */
export async function locateProblems(
  text: string,
  problems: readonly Problem[],
  kind: 'Spec' | 'Process' = 'Spec',
): Promise<Problem[]> {
  const [locate, unknown] = await Promise.all([import('./locate.ts'), import('./unknown.ts')])
  const { document } = parseJson(text)
  return locate.locateProblems(text, document === undefined ? problems : unknown.hintMisspelt(document, problems, kind))
}

/** The first half of `parseSpec` and `parseProcess`: the text as JSON. */
export function parseJson(text: string): ParsedJson {
  const warnings: Problem[] = []
  if (text.startsWith('\ufeff')) {
    text = text.slice(1)
    warnings.push({ pointer: '', message: 'starts with a byte order mark, which is ignored' })
  }
  if (text.trim() === '') return { problems: [{ pointer: '', message: 'is empty' }], warnings }
  try {
    return { document: JSON.parse(text) as unknown, problems: [], warnings }
  } catch (error) {
    // RangeError: more nested than the parser can bear.
    const message = error instanceof SyntaxError ? 'is not valid JSON' : 'is nested too deeply'
    return { problems: [{ pointer: '', message }], warnings }
  }
}

/** @returns the pointers that do not fit the schema; 'hopeless' where nothing can be said of the rest. */
function checkSchema(name: 'Spec' | 'Process', document: unknown, findings: Collector): Set<string> | 'hopeless' {
  const broken = new Set<string>()
  const violations = violationsOf(name, document)
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    findings.add(findings.problems, { pointer: '', message: `must be an object, is ${describe(document)}` })
    return 'hopeless'
  }
  for (const violation of violations) {
    const problem = violationProblem(document, violation)
    broken.add(problem.pointer)
    findings.add(findings.problems, problem)
  }
  return violations.length < maxViolations ? broken : 'hopeless'
}

function runChecks<T>(
  checks: readonly Check<T>[],
  subject: T,
  base: string,
  broken: ReadonlySet<string>,
  findings: Collector,
): void {
  const report = findings.reportAt(base)
  for (const check of checks) {
    if (broken.size > 0 && check.reads.some((pointer) => touches(broken, base + pointer))) continue
    check.run(subject, report)
  }
}

/** Whether `pointer`, something below it or something around it does not fit the schema. */
function touches(broken: ReadonlySet<string>, pointer: string): boolean {
  for (const other of broken) {
    if (other === pointer || other.startsWith(`${pointer}/`) || pointer.startsWith(`${other}/`)) return true
  }
  return false
}

/** Keeps one problem for a pointer: the first, which is the most basic. */
class Collector implements Findings {
  readonly problems: Problem[] = []
  readonly warnings: Problem[]
  readonly #pointers = new Map<Problem[], Set<string>>()

  constructor(warnings: Problem[]) {
    this.warnings = warnings
  }

  add(list: Problem[], problem: Problem): void {
    let pointers = this.#pointers.get(list)
    if (pointers === undefined) this.#pointers.set(list, (pointers = new Set()))
    if (pointers.has(problem.pointer) || list.length >= maxViolations) return
    pointers.add(problem.pointer)
    list.push(problem)
  }

  reportAt(base: string): Report {
    const add = (list: Problem[], pointer: string, message: string, hint: string | undefined): void =>
      this.add(list, { pointer: base + pointer, message, ...(hint === undefined ? {} : { hint }) })
    return {
      problem: (pointer, message, hint) => add(this.problems, pointer, message, hint),
      warning: (pointer, message, hint) => add(this.warnings, pointer, message, hint),
    }
  }
}
