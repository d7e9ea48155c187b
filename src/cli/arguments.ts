/** How many arguments a command takes. */
import { UsageError } from '../errors.ts'
import type { Parsed } from './parse.ts'
import type { Command } from './table.ts'

/**
 * Checks the number of a command's arguments.
 * @param argv0 how runt was called
 * @throws UsageError
 */
export function checkArguments(argv0: string, command: Command, parsed: Parsed): void {
  const { min, max } = command.args
  const count = parsed.args.length
  const wrong = (how: string) =>
    new UsageError(`${argv0}: "${command.name}" requires ${how} argument(s)`, { hint: usage(command) })
  if (min === max && count !== min) throw wrong(`exactly ${min}`)
  if (count < min) throw wrong(`a minimum of ${min}`)
  if (max !== undefined && count > max) throw wrong(`a maximum of ${max}`)
}

function usage({ name, args }: Command): string {
  const words = args.list.map((row) => (row.optional === true ? `[${row.name}]` : `<${row.name}>`))
  return ['usage: runt', name, '[flags]', ...words].join(' ')
}
