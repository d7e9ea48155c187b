/** The help, made from the table of commands. Loaded only when it is asked for. */
import { commands } from './commands.ts'
import { globalOptions, helpOption } from './lifecycle.ts'
import type { OptionRow } from './parse.ts'
import type { Command } from './table.ts'

/** Columns of a line. */
const width = 100

/** Left of a term, and right of it. */
const indent = 2

type Row = readonly [term: string, doc: string]

/** The help of runt, or of one command. */
export function helpText(row?: Command): string {
  return row === undefined ? ofRunt() : ofCommand(row)
}

function ofRunt(): string {
  return page(
    'runt [global flags] <command> [flags] [arguments]',
    'An OCI container runtime: every error names the line of config.json that caused it.',
    [
      ['Options', optionRows(globalOptions)],
      ['Commands', commands.map((each): Row => [synopsis(each), each.doc])],
    ],
  )
}

function ofCommand(row: Command): string {
  // Every command has --help.
  const options = [...row.options, helpOption]
  const usage = synopsis({ ...row, options })
  return page(`runt ${usage}`, row.doc, [['Options', optionRows(options)]])
}

/** `exec [options] <container-id> [args...]` */
function synopsis({ name, options, args }: Command): string {
  const list = args.list.map(({ name: argument, optional, many }) => {
    const text = `${argument}${many === true ? '...' : ''}`
    return optional === true ? `[${text}]` : `<${text}>`
  })
  return [name, ...(options.length > 0 ? ['[options]'] : []), ...list].join(' ')
}

function optionRows(options: readonly OptionRow[]): Row[] {
  return options
    .filter(({ hidden }) => hidden !== true)
    .map(({ name, short, value, doc }) => {
      const term = `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` <${value}>`}`
      return [term, doc]
    })
}

function page(usage: string, doc: string, lists: readonly (readonly [title: string, rows: Row[]])[]): string {
  const column = Math.max(...lists.flatMap(([, rows]) => rows.map(([term]) => term.length))) + 2 * indent
  const parts = [`Usage: ${usage}`, wrapped(doc, width).join('\n')]
  for (const [title, rows] of lists) {
    parts.push([`${title}:`, ...rows.map((row) => rowText(row, column))].join('\n'))
  }
  return `${parts.join('\n\n')}\n`
}

function rowText([term, doc]: Row, column: number): string {
  const [first = '', ...more] = wrapped(doc, width - column)
  const lines = [
    `${' '.repeat(indent)}${term}`.padEnd(column) + first,
    ...more.map((line) => ' '.repeat(column) + line),
  ]
  return lines.join('\n')
}

/** The words of a text in lines of so many columns. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
