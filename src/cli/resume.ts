import type { Context } from '../runtime/context.ts'
import { resume } from '../runtime/pause.ts'
import type { Parsed } from './parse.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  await resume(parsed.id, context)
  return 0
}
