/** `runt completion`: what a shell completes, made from the table of commands. Loaded only when it is asked for. */
import { UsageError } from '../errors.ts'
import type { OptionRow } from './parse.ts'
import type { Command, CommandModule } from './table.ts'

/** The shells that there is a completion for. */
export const shells = ['bash', 'zsh', 'fish'] as const

/** What can be completed. */
export interface Table {
  commands: readonly Command[]
  globalOptions: readonly OptionRow[]
  /** Of every command. */
  helpOption: OptionRow
}

/** The command `completion`. The table that it is a row of is handed to it, so that neither file needs the other. */
export function completionOf(table: Table): CommandModule {
  return {
    run: async ({ args: [name] }, { host }) => {
      const shell = shells.find((each) => each === name)
      if (shell === undefined)
        throw new UsageError(`no completion for ${JSON.stringify(name)}`, { hint: `there are ${shells.join(', ')}` })
      await host.output.stdout(completion(shell, table))
      return 0
    },
  }
}

/** The completion for one shell, as a script that it reads. */
export function completion(shell: (typeof shells)[number], table: Table): string {
  return { bash, zsh, fish }[shell](table)
}

/** What stands in the place of a value or an argument. */
type Kind = 'choices' | 'directory' | 'file' | 'id' | 'other'

function kindOfValue({ value, choices }: OptionRow): Kind {
  if (choices !== undefined) return 'choices'
  if (value === 'dir') return 'directory'
  return value === 'file' || value === 'path' ? 'file' : 'other'
}

/** Of a command's first argument. Those that follow belong to the program in the container, or are none. */
function kindOfArgument({ name, args }: Command): Kind {
  const [first] = args.list
  if (name === 'completion') return 'choices'
  // What `run` and `create` are given is a new name.
  if (first?.name === 'container-id') return name === 'run' || name === 'create' || name === 'explain' ? 'other' : 'id'
  return first?.name === 'bundle-or-file' ? 'file' : 'other'
}

const visible = (options: readonly OptionRow[]): OptionRow[] => options.filter(({ hidden }) => hidden !== true)
const spellings = ({ name, short }: OptionRow): string[] =>
  short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`]
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** Those that take a value. */
const valued = (options: readonly OptionRow[]): string =>
  options
    .filter(({ value }) => value !== undefined)
    .flatMap(spellings)
    .join(' ')

function bash({ commands, globalOptions, helpOption }: Table): string {
  const flagsOf = ({ options }: Command): OptionRow[] => [...visible(options), helpOption]
  const values = (prefix: string, options: readonly OptionRow[]): string[] =>
    options.flatMap((option) => {
      const pattern = spellings(option).map((flag) => quote(`${prefix} ${flag}`))
      const kind = kindOfValue(option)
      if (option.value === undefined) return []
      const reply = {
        choices: `_runt_words ${quote((option.choices ?? []).join(' '))}`,
        directory: '_runt_paths -d',
        file: '_runt_paths -f',
        id: ':',
        other: ':',
      }[kind]
      return [`    ${pattern.join(' | ')}) ${reply}; return ;;`]
    })
  const argument = (command: Command): string =>
    ({
      choices: `_runt_words ${quote(shells.join(' '))}`,
      directory: '_runt_paths -d',
      file: '_runt_paths -f',
      id: '_runt_words "$(runt "${root[@]}" list --quiet 2> /dev/null)"',
      other: ':',
    })[kindOfArgument(command)]
  return `# bash completion for runt: source <(runt completion bash)
_runt_words() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word")
}
_runt_paths() {
  compopt -o filenames 2> /dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "$word")
}
_runt() {
  local word=\${COMP_WORDS[COMP_CWORD]} flag=\${COMP_WORDS[COMP_CWORD - 1]} command='' flags='' valued index arguments=0 root=()
  # An equals sign is a word of its own.
  if [ "$word" = '=' ]; then word=''; elif [ "$flag" = '=' ]; then flag=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  valued=${quote(` ${valued(visible(globalOptions))} `)}
  for ((index = 1; index < COMP_CWORD; index++)); do
    if [ "\${COMP_WORDS[index]}" = '=' ]; then
      ((index++))
      if [ "$command\${COMP_WORDS[index - 2]}" = --root ]; then root=(--root "\${COMP_WORDS[index]}"); fi
    elif [[ \${COMP_WORDS[index]} = -* ]]; then
      if [[ $valued = *" \${COMP_WORDS[index]} "* && \${COMP_WORDS[index + 1]} != '=' ]]; then
        ((index++))
        if [ "$command\${COMP_WORDS[index - 1]}" = --root ]; then root=(--root "\${COMP_WORDS[index]}"); fi
      fi
    elif [ -z "$command" ]; then
      command=\${COMP_WORDS[index]}
      case $command in
${commands.map((each) => `        ${each.name}) valued=${quote(` ${valued(visible(each.options))} `)} ;;`).join('\n')}
      esac
    else
      ((arguments++))
    fi
  done
  COMPREPLY=()
  case "$command $flag" in
${[...values('', visible(globalOptions)), ...commands.flatMap((each) => values(each.name, visible(each.options)))].join('\n')}
  esac
  case $command in
    '') flags=${quote(visible(globalOptions).flatMap(spellings).join(' '))} ;;
${commands.map((each) => `    ${each.name}) flags=${quote(flagsOf(each).flatMap(spellings).join(' '))} ;;`).join('\n')}
  esac
  if [[ $word = -* ]]; then
    _runt_words "$flags"
  elif [ -z "$command" ]; then
    _runt_words ${quote(commands.map(({ name }) => name).join(' '))}
  elif [ "$arguments" = 0 ]; then
    case $command in
${commands.map((each) => `      ${each.name}) ${argument(each)} ;;`).join('\n')}
    esac
  fi
}
complete -F _runt runt
`
}

function zsh({ commands, globalOptions, helpOption }: Table): string {
  const flagsOf = ({ options }: Command): OptionRow[] => [...visible(options), helpOption]
  const text = (doc: string): string => doc.replaceAll(/[[\]\\:]/g, '\\$&')
  const action = (kind: Kind, choices: readonly string[]): string =>
    ({ choices: `(${choices.join(' ')})`, directory: '_directories', file: '_files', id: '_runt_ids', other: ' ' })[
      kind
    ]
  const spec = (option: OptionRow): string => {
    const all = spellings(option)
    const repeat = option.list === true ? '*' : all.length > 1 ? `(${all.join(' ')})` : ''
    const value =
      option.value === undefined ? '' : `:${text(option.value)}:${action(kindOfValue(option), option.choices ?? [])}`
    const body = quote(`[${text(option.doc)}]${value}`)
    const names = all.map((flag) =>
      option.value === undefined ? flag : flag.startsWith('--') ? `${flag}=` : `${flag}+`,
    )
    return names.length > 1 ? `${quote(repeat)}{${names.join(',')}}${body}` : `${quote(`${repeat}${names[0]}`)}${body}`
  }
  const first = (command: Command): string => {
    const [argument] = command.args.list
    if (argument === undefined) return ''
    return ` \\\n        ${quote(`1:${text(argument.name)}:${action(kindOfArgument(command), shells)}`)}`
  }
  const lines = (options: readonly OptionRow[], indent: string): string =>
    options.map((option) => ` \\\n${indent}${spec(option)}`).join('')
  return `#compdef runt
# zsh completion for runt: a file _runt in a directory of $fpath, or source <(runt completion zsh)
_runt_ids() {
  local -a ids
  ids=(\${(f)"$(runt \${opt_args[--root]:+--root=\${opt_args[--root]}} list --quiet 2> /dev/null)"})
  compadd -a ids
}
_runt() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C${lines(visible(globalOptions), '    ')} \\
    '1:command:->command' '*::argument:->argument'
  case $state in
    command)
      local -a list
      list=(
${commands.map(({ name, doc }) => `        ${quote(`${name}:${text(doc)}`)}`).join('\n')}
      )
      _describe command list
      ;;
    argument)
      case $line[1] in
${commands
  .map((each) => `      ${each.name})\n        _arguments${lines(flagsOf(each), '        ')}${first(each)}\n        ;;`)
  .join('\n')}
      esac
      ;;
  esac
}
if [ "$funcstack[1]" = _runt ]; then _runt "$@"; else compdef _runt runt; fi
`
}

function fish({ commands, globalOptions, helpOption }: Table): string {
  const flagsOf = ({ options }: Command): OptionRow[] => [...visible(options), helpOption]
  const rest = (kind: Kind, choices: readonly string[]): string =>
    ({
      choices: ` -x -a ${quote(choices.join(' '))}`,
      directory: " -x -a '(__fish_complete_directories)'",
      file: ' -r -F',
      id: " -x -a '(runt list --quiet 2> /dev/null)'",
      other: ' -x',
    })[kind]
  const line = (condition: string, option: OptionRow): string => {
    const short = option.short === undefined ? '' : ` -s ${option.short}`
    const value = option.value === undefined ? '' : rest(kindOfValue(option), option.choices ?? [])
    return `complete -c runt -n ${quote(condition)} -l ${option.name}${short}${value} -d ${quote(option.doc)}`
  }
  const of = (command: Command): string[] => {
    const condition = `__fish_seen_subcommand_from ${command.name}`
    const kind = kindOfArgument(command)
    const argument =
      kind === 'other' ? [] : [`complete -c runt -n ${quote(condition)}${rest(kind, shells).replace(' -r', '')}`]
    return [...flagsOf(command).map((option) => line(condition, option)), ...argument]
  }
  const none = '__fish_use_subcommand'
  return `# fish completion for runt: runt completion fish | source
complete -c runt -f
${[
  ...visible(globalOptions).map((option) => line(none, option)),
  ...commands.map(({ name, doc }) => `complete -c runt -n ${none} -a ${name} -d ${quote(doc)}`),
  ...commands.flatMap(of),
].join('\n')}
`
}
