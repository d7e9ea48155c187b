import type { Context } from '../runtime/context.ts'
import { writeSpec } from '../runtime/spec.ts'
import type { Parsed } from './parse.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  await writeSpec({ bundle: parsed.text('bundle'), rootless: parsed.flag('rootless') }, context)
  return 0
}
