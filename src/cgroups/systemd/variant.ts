/**
 * Values for D-Bus with their types, and the text form of GLib's GVariant in which annotations carry them
 * (https://docs.gtk.org/glib/gvariant-text-format.html): numbers, booleans, strings and lists of them. Pure.
 */

/** A value as the addon marshals it: for `v` a pair of signature and value. */
export type DbusValue = string | number | bigint | boolean | Uint8Array | readonly DbusValue[]

export interface Variant {
  /** A single complete type: `s`, `t`, `b`, `as`, `a(st)` … */
  signature: string
  value: DbusValue
}

/** Type words of the text form. */
const words: Readonly<Record<string, string>> = {
  boolean: 'b',
  byte: 'y',
  int16: 'n',
  uint16: 'q',
  int32: 'i',
  uint32: 'u',
  int64: 'x',
  uint64: 't',
  double: 'd',
  string: 's',
  objectpath: 'o',
  signature: 'g',
}

const ranges: Readonly<Record<string, readonly [bigint, bigint]>> = {
  y: [0n, 0xffn],
  n: [-0x8000n, 0x7fffn],
  q: [0n, 0xffffn],
  i: [-0x80000000n, 0x7fffffffn],
  u: [0n, 0xffffffffn],
  x: [-(1n << 63n), (1n << 63n) - 1n],
  t: [0n, (1n << 64n) - 1n],
}

/**
 * Reads the text form.
 * @throws SyntaxError that says what is wrong
 */
export function parseVariant(text: string): Variant {
  const reader = new Reader(text)
  const variant = reader.value(undefined)
  reader.end()
  return variant
}

class Reader {
  private at = 0
  private readonly text: string

  constructor(text: string) {
    this.text = text
  }

  value(expected: string | undefined): Variant {
    this.space()
    const type = this.annotation() ?? expected
    this.space()
    const char = this.text[this.at]
    if (char === '[') return this.list(type)
    if (char === "'" || char === '"') return this.string(type ?? 's')
    const token = /^[^\s,\]]+/.exec(this.text.slice(this.at))?.[0] ?? ''
    this.at += token.length
    if (token === 'true' || token === 'false') {
      if ((type ?? 'b') !== 'b') throw new SyntaxError(`${token} is not of type ${type}`)
      return { signature: 'b', value: token === 'true' }
    }
    return this.number(token, type)
  }

  end(): void {
    this.space()
    if (this.at < this.text.length) throw new SyntaxError(`"${this.text.slice(this.at)}" is left over`)
  }

  /** `@as`, `uint64`: the type of what follows. */
  private annotation(): string | undefined {
    const match = /^(?:@(\S+)|([a-z]+[0-9]*)(?=[\s]))/.exec(this.text.slice(this.at))
    if (match === null) return undefined
    const type = match[1] ?? words[match[2]!]
    if (type === undefined) return undefined
    if (!/^a?[bynqiuxtdsog]$/.test(type)) throw new SyntaxError(`the type ${type} is not supported`)
    this.at += match[0].length
    return type
  }

  private list(type: string | undefined): Variant {
    this.at++
    if (type !== undefined && !type.startsWith('a')) throw new SyntaxError(`a list is not of type ${type}`)
    let item = type?.slice(1)
    const items: DbusValue[] = []
    this.space()
    while (this.text[this.at] !== ']') {
      if (items.length > 0) this.expect(',')
      const { signature, value } = this.value(item)
      if (item !== undefined && signature !== item) throw new SyntaxError(`a list of ${item} holds a ${signature}`)
      item = signature
      items.push(value)
      this.space()
      if (this.at >= this.text.length) throw new SyntaxError('a list is not closed')
    }
    this.at++
    if (item === undefined) throw new SyntaxError('the type of an empty list must be given: @as []')
    return { signature: `a${item}`, value: items }
  }

  private string(type: string): Variant {
    if (!'sog'.includes(type)) throw new SyntaxError(`a string is not of type ${type}`)
    const quote = this.text[this.at++]
    let value = ''
    for (; ; this.at++) {
      const char = this.text[this.at]
      if (char === undefined) throw new SyntaxError('a string is not closed')
      if (char === quote) break
      if (char !== '\\') {
        value += char
        continue
      }
      const escaped = this.text[++this.at] ?? ''
      value += { n: '\n', t: '\t', r: '\r' }[escaped] ?? escaped
    }
    this.at++
    return { signature: type, value }
  }

  private number(token: string, type = /[.e]/.test(token) ? 'd' : 'i'): Variant {
    if (type === 'd') {
      const value = Number(token)
      if (token === '' || Number.isNaN(value)) throw new SyntaxError(`"${token}" is not a number`)
      return { signature: 'd', value }
    }
    const range = ranges[type]
    if (range === undefined || !/^[+-]?(0x[0-9a-fA-F]+|[0-9]+)$/.test(token))
      throw new SyntaxError(`"${token}" is not a value of type ${type}`)
    const digits = token.replace(/^[+-]/, '')
    const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits}` : digits) * (token.startsWith('-') ? -1n : 1n)
    if (value < range[0] || value > range[1]) throw new SyntaxError(`${token} does not fit the type ${type}`)
    return { signature: type, value }
  }

  private expect(char: string): void {
    this.space()
    if (this.text[this.at] !== char) throw new SyntaxError(`"${char}" is missing at character ${this.at + 1}`)
    this.at++
  }

  private space(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++
  }
}
