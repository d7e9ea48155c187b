import { UsageError } from '../errors.ts'
import type { Context } from '../runtime/context.ts'
import { examine, registrationsHere, type Finding } from '../runtime/doctor.ts'
import type { Registration } from '../runtime/registration.ts'
import type { Parsed } from './parse.ts'

/** @returns 1 if there is a problem; warnings do not count. */
export async function run(parsed: Parsed, context: Context): Promise<number> {
  const command = parsed.text('registration')
  if (command !== undefined) {
    if (!command.startsWith('/'))
      throw new UsageError(`--registration must be an absolute path, is ${JSON.stringify(command)}`)
    await context.host.output.stdout(asRegistrations(await registrationsHere(context), command))
    return 0
  }
  const findings = await examine(context)
  const json = parsed.text('format') === 'json'
  await context.host.output.stdout(json ? `${JSON.stringify(findings, null, 2)}\n` : asText(findings))
  return findings.some(({ verdict }) => verdict === 'problem') ? 1 : 0
}

function asRegistrations(here: readonly Registration[], command: string): string {
  if (here.length === 0)
    return `No daemon that could use it is here. For one that comes later: ${command} doctor --registration ${command}\n`
  return here.map(({ daemon, lines }) => `${daemon}: ${lines(command).join('\n  ')}\n`).join('\n')
}

function asText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ subject }) => subject.length))
  const lines = findings.map(({ subject, verdict, message, hint }) => {
    const first = `${verdict.padEnd(7)}  ${subject.padEnd(width)}  ${message}\n`
    const indent = ' '.repeat(7 + 2 + width + 2)
    return hint === undefined ? first : `${first}${indent}hint: ${hint.replaceAll('\n', `\n${indent}      `)}\n`
  })
  const counts = (['problem', 'warning'] as const).map((verdict) => {
    const number = findings.filter((finding) => finding.verdict === verdict).length
    return number === 1 ? `a ${verdict}` : `${number === 0 ? 'no' : number} ${verdict}s`
  })
  return `${lines.join('')}\n${counts.join(', ')}\n`
}
