/** Names of files, which may be of any bytes, for a terminal. */
import { utf8 } from '../bytes.ts'
import type { Change } from '../runtime/diff.ts'

/** Control characters, what changes the direction of a line, separators of lines, and what stands for something unreadable. */
const unsafe = /[\\\p{C}\p{Zl}\p{Zp}\ufffd]/u

/** The name, where all of it can be shown; else with each byte of what cannot as `\NNN`, as `ls -b` and `printf %b` have it. */
export function printable({ path, bytes }: Pick<Change, 'path' | 'bytes'>): string {
  if (bytes === undefined && !unsafe.test(path)) return path
  // Of what is not UTF-8, every byte that is not ASCII.
  if (bytes !== undefined) return [...bytes].map((byte) => shown(String.fromCharCode(byte), [byte])).join('')
  return Array.from(path)
    .map((character) => shown(character, utf8(character)))
    .join('')
}

function shown(character: string, bytes: Iterable<number>): string {
  if (character === '\\') return '\\\\'
  const list = [...bytes]
  const readable = !unsafe.test(character) && (list.length > 1 || list[0]! < 0x80)
  return readable ? character : list.map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')
}
