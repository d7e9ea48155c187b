import type { Context } from '../runtime/context.ts'
import { layers, type Layer } from '../runtime/layers-list.ts'
import type { Parsed } from './parse.ts'
import { sizeText } from './size.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  const list = await layers({ store: parsed.text('store') }, context)
  const { output } = context.host
  await output.stdout(parsed.text('format') === 'json' ? `${JSON.stringify(list)}\n` : table(list))
  return 0
}

/** As many digits of a digest as tell it from others. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12)
}

/** One line for each layer; those of many users name the first. */
export function table(list: readonly Layer[]): string {
  const rows = [
    ['CHAIN ID', 'DIFF ID', 'SIZE', 'USERS'],
    ...list.map(({ chainId, diffId, size, users }) => [
      shortDigest(chainId),
      shortDigest(diffId),
      sizeText(size),
      users.length === 0 ? '-' : users.length === 1 ? users[0]! : `${users[0]!} and ${users.length - 1} more`,
    ]),
  ]
  return rows.map((row) => `${row[0]!.padEnd(22)}${row[1]!.padEnd(22)}${row[2]!.padEnd(12)}${row[3]!}\n`).join('')
}
