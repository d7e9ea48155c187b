/** Prints runt(8) in the macros of man(7), made from the table of commands as `--help` is. */
import { commands } from '../src/cli/commands.ts'
import { globalOptions, helpOption } from '../src/cli/lifecycle.ts'
import type { OptionRow } from '../src/cli/parse.ts'
import type { Command } from '../src/cli/table.ts'
import { version } from '../src/runtime/version.ts'

/** Text as roff takes it: no escape, no request at the beginning of a line, dashes that can be copied. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1')
}

const bold = (text: string): string => `\\fB${escaped(text)}\\fR`
const italic = (text: string): string => `\\fI${escaped(text)}\\fR`

function options(rows: readonly OptionRow[]): string {
  return rows
    .filter(({ hidden }) => hidden !== true)
    .map(({ name, short, value, doc }) => {
      const names = [...(short === undefined ? [] : [bold(`-${short}`)]), bold(`--${name}`)].join(', ')
      return `.TP\n${names}${value === undefined ? '' : ` ${italic(value)}`}\n${escaped(doc)}\n`
    })
    .join('')
}

function synopsis({ name, args, options: rows }: Command): string {
  const list = args.list.map((argument) => {
    const text = italic(argument.name) + (argument.many === true ? '...' : '')
    return argument.optional === true ? `[${text}]` : text
  })
  const flags = rows.some(({ hidden }) => hidden !== true) ? [`[${italic('flags')}]`] : []
  return [bold(`runt ${name}`), ...flags, ...list].join(' ')
}

function command(row: Command): string {
  return `.SS ${synopsis(row)}\n${escaped(`${row.doc[0]!.toUpperCase()}${row.doc.slice(1)}.`)}\n${options([...row.options, helpOption])}`
}

process.stdout.write(`.TH RUNT 8 "" "runt ${version}" "System administration"
.SH NAME
runt \\- OCI container runtime
.SH SYNOPSIS
${bold('runt')} [${italic('global flags')}] ${italic('command')} [${italic('flags')}] [${italic('arguments')}]
.SH DESCRIPTION
${bold('runt')} runs containers as the OCI runtime specification describes them: from a bundle, a directory with config.json and a root.
It is called as runc and crun are, by daemons and by people; flags, output and exit codes are those of runc.
Every error names the line of config.json that caused it.
.PP
A flag may be given as ${bold('--flag')} ${italic('value')} or ${bold('--flag=')}${italic('value')}.
Global flags come before the command.
.SH GLOBAL FLAGS
${options(globalOptions)}.SH COMMANDS
${commands.map(command).join('')}.SH EXIT STATUS
0 if all went well, and 1 if not.
${bold('run')} and ${bold('exec')} leave with the status of the program, or 128 and the number of the signal that ended it;
${bold('exec')} with 255 if there is no such status.
.SH FILES
.TP
/run/runt
The state of the containers of root, unless ${bold('--root')} says where.
.TP
$XDG_RUNTIME_DIR/runt
That of another user's.
.SH SEE ALSO
${bold('runc')}(8), ${bold('crun')}(1), ${bold('cgroups')}(7), ${bold('namespaces')}(7)
`)
