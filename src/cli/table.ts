/** Types of the table of commands, and of what the parser makes of a command line. */
import type { Context } from '../runtime/context.ts'
import type { Parsed } from './parse.ts'

export interface OptionRow {
  /** Without dashes. */
  name: string
  /** One letter. */
  short?: string
  /** Name of the value for the help; a flag without one is on or off. */
  value?: string
  /** The only values there are. */
  choices?: readonly string[]
  /** The value is a number, not below 0. */
  number?: boolean
  /** May be repeated; else the last one counts. */
  list?: boolean
  doc: string
  /** Accepted, not shown. */
  hidden?: boolean
}

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
