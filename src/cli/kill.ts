import type { Context } from '../runtime/context.ts'
import { kill } from '../runtime/kill.ts'
import type { Parsed } from './parse.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  await kill({ id: parsed.id, signal: parsed.args[1], all: parsed.flag('all') }, context)
  return 0
}
