import type { Context } from '../runtime/context.ts'
import { diff, type Change } from '../runtime/diff.ts'
import { printable } from './names.ts'
import type { Parsed } from './parse.ts'

const letters = { added: 'A', changed: 'C', deleted: 'D' }

export async function run(parsed: Parsed, context: Context): Promise<number> {
  const { output } = context.host
  const request = { id: parsed.id, maxEntries: parsed.number('max-entries') }
  if (parsed.text('format') !== 'json') {
    await diff(request, context, (changes) => output.stdout(changes.map(line).join('')))
    return 0
  }
  let before = '['
  await diff(request, context, async (changes) => {
    await output.stdout(before + changes.map(json).join(','))
    before = ','
  })
  await output.stdout(before === '[' ? '[]\n' : ']\n')
  return 0
}

/** As `docker diff` has it. */
function line(change: Change): string {
  return `${letters[change.kind]} ${printable(change)}\n`
}

function json({ kind, path, bytes }: Change): string {
  const hex = bytes && [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return JSON.stringify({ kind, path, hex })
}
