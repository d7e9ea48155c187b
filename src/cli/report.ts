/**
 * Errors for people and for daemons. A person gets what failed, the field with its line, and the mend; a daemon one line that has
 * all of it, beginning with what runc would say. Loaded only when something failed.
 */
import { InvalidConfigError, RuntError, StepError, SystemError, UsageError, type ConfigProblem } from '../errors.ts'
import { errnoText } from '../runtime/errno.ts'
import { fieldName } from '../runtime/fields.ts'
import { baseName } from '../runtime/paths.ts'

/** More problems than this help nobody at once. */
const maxProblems = 20

/**
 * Control characters as escapes. An error tells paths and first lines that an image chose: they must neither command the
 * terminal nor begin lines of their own.
 */
function visible(text: string): string {
  const short: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' }
  return text.replaceAll(
    /\p{Cc}/gu,
    (character) => short[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** What an error says, in lower case and without a period. */
export function messageOf(error: unknown): string {
  return visible(rawMessage(error))
}

function rawMessage(error: unknown): string {
  if (error instanceof RuntError) return error.message
  if (error instanceof SystemError) {
    return `${error.syscall}${error.path === undefined ? '' : ` ${error.path}`}: ${errnoText(error.errno)}`
  }
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return `internal error: ${text}`
}

/** How runc introduces failures of its commands; daemons look for it. */
const prefixes: Readonly<Record<string, { any: string; process: string }>> = {
  create: { any: 'runt create failed: ', process: 'unable to start container process: ' },
  run: { any: 'runt run failed: ', process: 'unable to start container process: ' },
  exec: { any: 'exec failed: ', process: 'unable to start container process: ' },
}

/** The failure in one line, for logs. */
export function oneLine(command: string, error: unknown): string {
  const prefix = error instanceof UsageError ? undefined : prefixes[command]
  const start = prefix === undefined ? '' : prefix.any + (error instanceof StepError ? prefix.process : '')
  const notes: string[] = []
  if (error instanceof RuntError) {
    const field = fieldText(error)
    if (field !== undefined) notes.push(field)
    if (error.hint !== undefined) notes.push(visible(error.hint))
    if (error.cleanupErrors.length > 0) notes.push(`not cleaned up: ${error.cleanupErrors.map(messageOf).join(', ')}`)
  }
  return `${start}${messageOf(error)}${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`
}

/** The failure for a person. */
export function forPeople(command: string, id: string | undefined, error: unknown, argv0?: string): string {
  // Faults of the command line begin with the name that runt was called by.
  const known = argv0 !== undefined && messageOf(error).startsWith(`${argv0}: `)
  const what = ['runt', command, id].filter((part) => part !== undefined && part !== '').join(' ')
  if (error instanceof InvalidConfigError && error.problems.length > 0) return `${what}: ${problemList(error)}`
  const lines = [known ? messageOf(error) : `${what}: ${messageOf(error)}`]
  if (error instanceof RuntError) {
    const field = fieldText(error)
    if (field !== undefined) lines.push(`  from: ${field}`)
    if (error.hint !== undefined) lines.push(`  hint: ${visible(error.hint)}`)
    for (const failure of error.cleanupErrors) lines.push(`  not cleaned up: ${messageOf(failure)}`)
    if (error.cleanupErrors.length > 0 && id !== undefined) lines.push(`  "runt delete --force ${id}" tries again`)
  }
  return `${lines.join('\n')}\n`
}

/** `mounts[3] (config.json:12:5)`; a flag as it is. */
function fieldText(error: RuntError): string | undefined {
  if (error.origin === undefined || error.origin === '') return undefined
  const { location } = error
  if (location?.line === undefined) return visible(fieldName(error.origin))
  return `${visible(fieldName(error.origin))} (${baseName(location.file)}:${location.line}:${location.column ?? 1})`
}

function problemList(error: InvalidConfigError): string {
  const { file, problems } = error
  let text = problems.length === 1 ? `${file} has a problem\n` : `${file} has ${problems.length} problems\n`
  for (const problem of problems.slice(0, maxProblems)) text += problemLine(file, problem)
  if (problems.length > maxProblems) text += `  and ${problems.length - maxProblems} more: "runt validate" tells all\n`
  return text
}

/** A problem with its place and, on a line of its own, its hint. @param label goes before the sentence */
export function problemLine(file: string, problem: ConfigProblem, label = ''): string {
  // What names its field itself has none to begin with.
  const field = problem.pointer === '' && label !== '' ? '' : `${fieldName(problem.pointer)} `
  const line = `  ${place(file, problem)}${label}${visible(`${field}${problem.message}`)}\n`
  return problem.hint === undefined ? line : `${line}    hint: ${visible(problem.hint)}\n`
}

function place(file: string, { line, column }: ConfigProblem): string {
  return line === undefined ? '' : `${baseName(file)}:${line}:${column ?? 1}: `
}
