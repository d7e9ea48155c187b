/** The help, made from the table of commands. Loaded only when it is asked for, and commander with it. */
import { Command as Commander, Option } from 'commander'
import { commands, globalOptions } from './commands.ts'
import type { OptionRow } from './parse.ts'
import type { Command } from './table.ts'

function option(row: OptionRow): Option {
  const short = row.short === undefined ? '' : `-${row.short}, `
  const value = row.value === undefined ? '' : ` <${row.value}>`
  const made = new Option(`${short}--${row.name}${value}`, row.doc)
  if (row.hidden === true) made.hideHelp()
  return made
}

function base(name: string, doc: string): Commander {
  return new Commander(name)
    .description(doc)
    .helpOption('-h, --help', 'print this help')
    .configureHelp({ helpWidth: 100 })
}

function command(row: Command, parent: string): Commander {
  const made = base(`${parent}${row.name}`, row.doc)
  for (const { name, optional, many } of row.args.list) {
    const text = `${name}${many === true ? '...' : ''}`
    made.argument(optional === true ? `[${text}]` : `<${text}>`)
  }
  for (const each of row.options) made.addOption(option(each))
  return made
}

/** The help of runt, or of one command. */
export function helpText(row?: Command): string {
  if (row !== undefined) return command(row, 'runt ').helpInformation()
  const program = base('runt', 'An OCI container runtime: every error names the line of config.json that caused it.')
  program.usage('[global flags] <command> [flags] [arguments]').helpCommand(false)
  for (const each of globalOptions) if (each.name !== 'help') program.addOption(option(each))
  for (const each of commands) program.addCommand(command(each, ''))
  return program.helpInformation()
}
