import type { Context } from '../runtime/context.ts'
import { processIds, processTable } from '../runtime/ps.ts'
import type { Parsed } from './parse.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  const { output } = context.host
  if (parsed.text('format') === 'json') {
    const ids = await processIds(parsed.id, context)
    // What runc prints for an empty list.
    await output.stdout(ids.length === 0 ? 'null\n' : `${JSON.stringify(ids)}\n`)
    return 0
  }
  await output.stdout(await processTable(parsed.id, parsed.args.slice(1), context))
  return 0
}
