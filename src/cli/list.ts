import type { Context } from '../runtime/context.ts'
import { list, type ContainerState } from '../runtime/list.ts'
import type { Parsed } from './parse.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  const containers = await list(context)
  const { output } = context.host
  if (parsed.flag('quiet')) {
    await output.stdout(containers.map(({ id }) => `${id}\n`).join(''))
  } else if (parsed.text('format') === 'json') {
    // What runc prints for an empty list.
    await output.stdout(containers.length === 0 ? 'null\n' : `${JSON.stringify(containers)}\n`)
  } else {
    await output.stdout(table(containers))
  }
  return 0
}

/** Columns at least 12 wide with 3 spaces between them, as runc has them. */
export function table(containers: readonly ContainerState[]): string {
  const rows = [
    ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'],
    ...containers.map((c) => [c.id, String(c.pid), c.status, c.bundle, c.created, c.owner]),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(9, ...rows.map((row) => row[column]?.length ?? 0)) + 3) ?? []
  return rows
    .map(
      (row) =>
        `${row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('')}\n`,
    )
    .join('')
}
