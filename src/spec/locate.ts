/**
 * Where in the text of config.json a field stands. To be loaded by `import()`, only when there is a problem to tell.
 * Walks over tokens with a stack of its own: no nesting is too deep for it.
 */
import { createScanner } from 'jsonc-parser'
import { escapePointer, type Problem } from './problem.ts'

/** Kinds of token and errors of jsonc-parser's scanner (its enums have no values at run time). */
const token = {
  openBrace: 1,
  closeBrace: 2,
  openBracket: 3,
  closeBracket: 4,
  comma: 5,
  colon: 6,
  string: 10,
  number: 11,
  lineComment: 12,
  blockComment: 13,
  unknown: 16,
  end: 17,
} as const
const scanErrors: Readonly<Record<number, string>> = {
  1: 'a comment has no end',
  2: 'a string has no end',
  3: 'a number has no end',
  4: 'a \\u escape needs four hexadecimal digits',
  5: 'a string has an unknown escape',
  6: 'a string has a control character, which must be written as an escape',
}

type Expected = 'value' | 'item' | 'value or ]' | 'name' | 'name or }' | 'colon' | 'comma or }' | 'comma or ]' | 'end'
const expectations: Readonly<Record<Expected, string>> = {
  value: 'a value',
  item: 'a value',
  'value or ]': 'a value or "]"',
  name: 'a name in double quotes',
  'name or }': 'a name in double quotes or "}"',
  colon: '":"',
  'comma or }': '"," or "}"',
  'comma or ]': '"," or "]"',
  end: 'the end of the file',
}

/** So many tokens are looked at, which takes half a second; no configuration has as many, but a text that is to take time. */
const maxTokens = 500_000

interface SyntaxProblem {
  offset: number
  message: string
  hint?: string
}

/**
 * Fills line and column of problems (or warnings) of `text`; a field that is missing is at the nearest object around it.
 * Of text that is not JSON one problem is left, which says what is wrong with it. Only the first 500,000 tokens are looked at: what is
 * wrong after them is as it was given, and a field there is at the nearest object that was seen.
 */
export async function locateProblems(text: string, problems: readonly Problem[]): Promise<Problem[]> {
  const start = text.startsWith('\ufeff') ? 1 : 0
  const json = text.slice(start)
  if (json.trim() === '') return problems.map((problem) => ({ ...problem, line: 1, column: 1 }))
  const wanted = new Set<string>()
  for (const { pointer } of problems) for (const prefix of prefixes(pointer)) wanted.add(prefix)
  const walk = new Walk(json, wanted)
  const syntax = walk.run()
  const position = positions(json)
  if (syntax !== undefined) {
    const { offset, message, hint } = syntax
    const problem: Problem = { pointer: '', message: `is not valid JSON: ${message}`, ...position(offset) }
    return [hint === undefined ? problem : { ...problem, hint }]
  }
  return problems.map((problem) => {
    const found = prefixes(problem.pointer).find((pointer) => walk.offsets.has(pointer)) ?? ''
    const located: Problem = { ...problem, ...position(walk.offsets.get(found) ?? 0) }
    if (located.hint === undefined && walk.repeated.has(found))
      located.hint = 'the name occurs twice; the last one counts'
    if (located.hint === undefined && walk.unseen !== undefined) {
      const { line, column } = position(walk.unseen)
      located.hint = `only its first ${maxTokens} tokens were looked at, up to line ${line}, column ${column}`
    }
    return located
  })
}

/** Where in `json`, which is valid, the values begin; pointers that lead nowhere are left out. */
export function valueOffsets(json: string, pointers: readonly string[]): ReadonlyMap<string, number> {
  const walk = new Walk(json, new Set(pointers.flatMap(prefixes)))
  walk.run()
  return walk.offsets
}

/** `pointer` and those around it, the longest first. */
function prefixes(pointer: string): string[] {
  const result = [pointer]
  for (let at = pointer.lastIndexOf('/'); at >= 0; at = pointer.lastIndexOf('/', at - 1)) {
    result.push(pointer.slice(0, at))
    if (at === 0) break
  }
  return result
}

/** Offset → line and column, 1-based. */
function positions(text: string): (offset: number) => { line: number; column: number } {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - starts[low]! + 1 }
  }
}

/** An object or list that is being walked. */
interface Frame {
  list: boolean
  /** Undefined where nothing below is wanted. */
  pointer: string | undefined
  /** Name of the current member. */
  name: string
  /** Index of the current item. */
  index: number
}

class Walk {
  /** Where the wanted values begin. */
  readonly offsets = new Map<string, number>()
  /** Wanted members whose name occurs more than once. */
  readonly repeated = new Set<string>()
  /** Where the tokens begin that were not looked at. */
  unseen: number | undefined
  readonly #text: string
  readonly #wanted: ReadonlySet<string>
  readonly #stack: Frame[] = []
  #expected: Expected = 'value'

  constructor(text: string, wanted: ReadonlySet<string>) {
    this.#text = text
    this.#wanted = wanted
  }

  run(): SyntaxProblem | undefined {
    const scanner = createScanner(this.#text, false)
    for (let count = 0; count < maxTokens; count++) {
      const kind: number = scanner.scan()
      if (kind > token.blockComment && kind < token.unknown) continue
      const offset = scanner.getTokenOffset()
      const error: number = scanner.getTokenError()
      if (error !== 0) return { offset, message: scanErrors[error] ?? 'a token is malformed' }
      if (kind === token.end && this.#expected === 'end') return undefined
      const expected = this.#expected
      if (!this.#accept(kind, offset, scanner.getTokenValue())) {
        const found = this.#text.slice(offset, offset + scanner.getTokenLength())
        return unexpected(expected, kind, offset, found)
      }
    }
    this.unseen = scanner.getTokenOffset()
    return undefined
  }

  /** Takes a token; false where it cannot stand here. */
  #accept(kind: number, offset: number, value: string): boolean {
    const frame = this.#stack.at(-1)
    switch (this.#expected) {
      case 'name or }':
        if (kind === token.closeBrace) return this.#close()
        return this.#name(kind, value)
      case 'name':
        return this.#name(kind, value)
      case 'colon':
        this.#expected = 'value'
        return kind === token.colon
      case 'comma or }':
        if (kind === token.closeBrace) return this.#close()
        this.#expected = 'name'
        return kind === token.comma
      case 'comma or ]':
        if (kind === token.closeBracket) return this.#close()
        this.#expected = 'item'
        if (frame !== undefined) frame.index++
        return kind === token.comma
      case 'value or ]':
        if (kind === token.closeBracket) return this.#close()
        return this.#value(kind, offset)
      case 'value':
      case 'item':
        return this.#value(kind, offset)
      case 'end':
        return false
    }
  }

  #name(kind: number, value: string): boolean {
    const frame = this.#stack.at(-1)
    if (frame !== undefined) frame.name = value
    if (kind === token.string) this.#expected = 'colon'
    return kind === token.string
  }

  #value(kind: number, offset: number): boolean {
    const pointer = this.#enter(offset)
    if (kind === token.openBrace || kind === token.openBracket) {
      const list = kind === token.openBracket
      this.#stack.push({ list, pointer, name: '', index: 0 })
      this.#expected = list ? 'value or ]' : 'name or }'
      return true
    }
    // Strings, numbers, true, false and null.
    if (kind < token.colon + 1 || kind > token.number) return false
    this.#afterValue()
    return true
  }

  /** Notes where the current value begins. */
  #enter(offset: number): string | undefined {
    const frame = this.#stack.at(-1)
    if (frame !== undefined && frame.pointer === undefined) return undefined
    const part = frame === undefined ? '' : `/${frame.list ? frame.index : escapePointer(frame.name)}`
    const pointer = (frame?.pointer ?? '') + part
    if (!this.#wanted.has(pointer)) return undefined
    if (this.offsets.has(pointer)) {
      // JSON.parse keeps the last one: what was in the first is no longer there.
      this.repeated.add(pointer)
      for (const other of [...this.offsets.keys()]) if (other.startsWith(`${pointer}/`)) this.offsets.delete(other)
    }
    this.offsets.set(pointer, offset)
    return pointer
  }

  #close(): boolean {
    this.#stack.pop()
    this.#afterValue()
    return true
  }

  #afterValue(): void {
    const frame = this.#stack.at(-1)
    this.#expected = frame === undefined ? 'end' : frame.list ? 'comma or ]' : 'comma or }'
  }
}

/** What to say of the token `text`, where something else was expected. */
function unexpected(expected: Expected, kind: number, offset: number, text: string): SyntaxProblem {
  if (kind === token.lineComment || kind === token.blockComment) return { offset, message: 'a comment is not allowed' }
  const shown = text.length > 24 ? `${text.slice(0, 23)}…` : text
  const found = kind === token.end ? 'the end of the file' : kind === token.string ? shown : `"${shown}"`
  const problem: SyntaxProblem = { offset, message: `expected ${expectations[expected]}, found ${found}` }
  if (text.startsWith("'")) problem.hint = 'strings are in double quotes'
  // Only a comma leads to these two before a closing bracket.
  else if (expected === 'name' && kind === token.closeBrace) problem.hint = 'remove the comma before it'
  else if (expected === 'item' && kind === token.closeBracket) problem.hint = 'remove the comma before it'
  return problem
}
