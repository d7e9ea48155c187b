/**
 * The command line as runc's callers write it: `--flag value`, `--flag=value`, long flags with one dash, `--` before arguments,
 * flags after arguments except where a command passes those on. A flag that is given twice counts as given last.
 */
import { UsageError } from '../errors.ts'
import { suggestion } from './nearest.ts'

/** A flag that a level of the command line has. */
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

/** The values of one level's flags, and what was no flag. */
export class Parsed {
  readonly args: string[] = []
  private readonly values = new Map<string, string[]>()

  /** All words from there on are arguments. One by one: engines limit how many values a call may be given. */
  takeAll(words: readonly string[], from: number): void {
    for (let index = from; index < words.length; index++) this.args.push(words[index]!)
  }

  set(option: OptionRow, value: string): void {
    const list = option.list === true ? this.values.get(option.name) : undefined
    if (list === undefined) this.values.set(option.name, [value])
    else list.push(value)
  }

  flag(name: string): boolean {
    return this.values.get(name)?.[0] === 'true'
  }

  text(name: string): string | undefined {
    return this.values.get(name)?.[0]
  }

  texts(name: string): string[] | undefined {
    return this.values.get(name)
  }

  number(name: string): number | undefined {
    const text = this.text(name)
    return text === undefined ? undefined : Number(text)
  }

  numbers(name: string): number[] | undefined {
    return this.texts(name)?.map(Number)
  }

  /** The container's id: the first argument of most commands. */
  get id(): string {
    return this.args[0] ?? ''
  }
}

/**
 * Parses one level of a command line.
 * @param stop whether everything from the first argument on is arguments
 * @returns the flags and arguments; with `stop`, `rest` is the index of the first argument
 * @throws UsageError
 */
export function parseFlags(argv: readonly string[], options: readonly OptionRow[], stop: boolean): Parsed {
  const parsed = new Parsed()
  let index = 0
  while (index < argv.length) {
    const word = argv[index++]!
    if (word === '--') {
      parsed.takeAll(argv, index)
      break
    }
    if (!word.startsWith('-') || word === '-') {
      parsed.args.push(word)
      if (!stop) continue
      parsed.takeAll(argv, index)
      break
    }
    index = takeFlag(word, argv, index, options, parsed)
  }
  return parsed
}

/** @returns the index of the next word. */
function takeFlag(
  word: string,
  argv: readonly string[],
  index: number,
  options: readonly OptionRow[],
  parsed: Parsed,
): number {
  const equals = word.indexOf('=')
  const given = equals < 0 ? word : word.slice(0, equals)
  const name = given.replace(/^--?/, '')
  const option = options.find((row) => row.name === name || (row.short !== undefined && row.short === name))
  if (option === undefined) {
    const cluster = given.startsWith('--') || equals >= 0 ? undefined : switches(name, options)
    if (cluster === undefined) throw unknownFlag(given, options)
    for (const row of cluster) parsed.set(row, 'true')
    return index
  }
  if (equals >= 0) {
    parsed.set(option, checked(given, option, word.slice(equals + 1)))
    return index
  }
  if (option.value === undefined) {
    parsed.set(option, 'true')
    return index
  }
  const value = argv[index]
  if (value === undefined) throw new UsageError(`flag needs an argument: ${given}`)
  parsed.set(option, checked(given, option, value))
  return index + 1
}

/** `-dt` → `-d -t`; undefined unless all of them are switches. */
function switches(letters: string, options: readonly OptionRow[]): OptionRow[] | undefined {
  const rows = letters.split('').map((letter) => options.find((row) => row.short === letter && row.value === undefined))
  return rows.every((row) => row !== undefined) ? rows : undefined
}

function checked(given: string, option: OptionRow, value: string): string {
  const wrong = (wanted: string) => new UsageError(`${given}: ${JSON.stringify(value)} is not ${wanted}`)
  if (option.value === undefined) {
    if (/^(1|t|true)$/i.test(value)) return 'true'
    if (/^(0|f|false)$/i.test(value)) return 'false'
    throw wrong('true or false')
  }
  if (option.choices !== undefined && !option.choices.includes(value)) throw wrong(option.choices.join(' or '))
  if (option.number === true && !/^[0-9]{1,10}$/.test(value)) throw wrong('a number')
  return value
}

function unknownFlag(given: string, options: readonly OptionRow[]): UsageError {
  const known = options.filter((row) => row.hidden !== true).map((row) => row.name)
  const hint = suggestion(given.replace(/^--?/, ''), known, '--')
  return new UsageError(`unknown flag ${given}`, { hint })
}
