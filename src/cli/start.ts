import type { Context } from '../runtime/context.ts'
import { start } from '../runtime/start.ts'
import type { Parsed } from './parse.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  await start(parsed.id, context)
  return 0
}
