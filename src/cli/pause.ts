import type { Context } from '../runtime/context.ts'
import { pause } from '../runtime/pause.ts'
import type { Parsed } from './parse.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  await pause(parsed.id, context)
  return 0
}
