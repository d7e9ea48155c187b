/**
 * Text and bytes, with what every JavaScript engine has: no Buffer, for the executable's own engine has none. UTF-8 everywhere; what is no
 * UTF-8 becomes U+FFFD.
 */

/** What is used of encoding.spec.whatwg.org, and of Node where the engine has no base64. */
const globals = globalThis as unknown as {
  TextEncoder: new () => {
    encode(text: string): Uint8Array
    encodeInto(text: string, target: Uint8Array): { written: number }
  }
  TextDecoder: new (encoding: 'utf-8', options: { ignoreBOM: boolean }) => { decode(bytes: Uint8Array): string }
  Buffer: {
    from(data: string | Uint8Array, encoding?: 'base64'): Uint8Array & { toString(encoding: 'base64'): string }
  }
}

let encoder: InstanceType<typeof globals.TextEncoder> | undefined
let decoder: InstanceType<typeof globals.TextDecoder> | undefined

/** The UTF-8 of a text. */
export function utf8(text: string): Uint8Array {
  return (encoder ??= new globals.TextEncoder()).encode(text)
}

/** How many bytes a text has in UTF-8. */
export function utf8Length(text: string): number {
  return utf8(text).length
}

/** Writes the UTF-8 of a text to the beginning of `target`, as far as it fits. @returns how many bytes it is */
export function writeUtf8(text: string, target: Uint8Array): number {
  return (encoder ??= new globals.TextEncoder()).encodeInto(text, target).written
}

/** The text in UTF-8 bytes. A byte order mark is kept. */
export function textOf(bytes: Uint8Array): string {
  return (decoder ??= new globals.TextDecoder('utf-8', { ignoreBOM: true })).decode(bytes)
}

/** All bytes, one after the other. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** A DataView of exactly these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Base64 with padding (RFC 4648, section 4). */
export function toBase64(bytes: Uint8Array): string {
  const { toBase64: own } = bytes as Uint8Array & { toBase64?: () => string }
  return own === undefined ? globals.Buffer.from(bytes).toString('base64') : own.call(bytes)
}

/** The bytes of base64 with padding; undefined where the text is none, or not the one way to write them. */
export function fromBase64(text: string): Uint8Array | undefined {
  const { fromBase64: own } = Uint8Array as typeof Uint8Array & { fromBase64?: (text: string) => Uint8Array }
  let bytes: Uint8Array
  try {
    bytes = own === undefined ? new Uint8Array(globals.Buffer.from(text, 'base64')) : own.call(Uint8Array, text)
  } catch {
    return undefined
  }
  return toBase64(bytes) === text ? bytes : undefined
}
