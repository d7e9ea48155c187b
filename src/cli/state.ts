import type { Context } from '../runtime/context.ts'
import { state } from '../runtime/list.ts'
import type { Parsed } from './parse.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  const result = await state(parsed.id, context)
  await context.host.output.stdout(`${JSON.stringify(result, null, 2)}\n`)
  return 0
}
