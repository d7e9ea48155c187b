import { UsageError, type ConfigProblem } from '../errors.ts'
import type { Context } from '../runtime/context.ts'
import { fieldName } from '../runtime/fields.ts'
import { validate, type Validation } from '../runtime/validate.ts'
import type { Parsed } from './parse.ts'
import { problemLine } from './report.ts'

/** @returns 1 if there are problems; warnings do not count. */
export async function run(parsed: Parsed, context: Context): Promise<number> {
  const [argument] = parsed.args
  if (argument !== undefined && parsed.text('bundle') !== undefined)
    throw new UsageError('the bundle is given twice', { origin: '--bundle' })
  const result = await validate(
    {
      bundle: argument ?? parsed.text('bundle'),
      bundleFrom: argument === undefined ? undefined : 'bundle-or-file',
      config: parsed.text('config'),
      process: parsed.text('process'),
    },
    context,
  )
  const json = parsed.flag('json') || parsed.text('format') === 'json'
  await context.host.output.stdout(json ? asJson(result) : asText(result))
  return result.problems.length === 0 ? 0 : 1
}

function asJson({ file, problems, warnings }: Validation): string {
  const withField = (problem: ConfigProblem) => ({ ...problem, field: fieldName(problem.pointer) })
  const result = {
    file,
    valid: problems.length === 0,
    problems: problems.map(withField),
    warnings: warnings.map(withField),
  }
  return `${JSON.stringify(result, null, 2)}\n`
}

function asText({ file, problems, warnings }: Validation): string {
  const name = file === '-' ? 'standard input' : file
  const counts = [count(problems, 'problem'), count(warnings, 'warning')].filter((text) => text !== '').join(' and ')
  const summary =
    problems.length > 0 ? `${name} has ${counts}\n` : `${name} is valid${counts === '' ? '' : `, with ${counts}`}\n`
  return [
    summary,
    ...problems.map((problem) => problemLine(file, problem)),
    ...warnings.map((warning) => problemLine(file, warning, 'warning: ')),
  ].join('')
}

function count(list: readonly unknown[], what: string): string {
  if (list.length === 0) return ''
  return list.length === 1 ? `a ${what}` : `${list.length} ${what}s`
}
