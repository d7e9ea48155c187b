/** Types of the table of commands. */
import type { Context } from '../runtime/context.ts'
import type { OptionRow, Parsed } from './parse.ts'

export interface ArgumentRow {
  name: string
  optional?: boolean
  many?: boolean
}

/** A command's own code. */
export interface CommandModule {
  /** @returns the exit code. */
  run(parsed: Parsed, context: Context): Promise<number>
}

export interface Command {
  name: string
  doc: string
  args: { list: readonly ArgumentRow[]; min: number; max?: number }
  options: readonly OptionRow[]
  /** What follows the first argument is not runt's: no flags after it. */
  stopAtArgument?: boolean
  load(): Promise<CommandModule>
}
