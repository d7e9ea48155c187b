import type { Context } from '../runtime/context.ts'
import { features } from '../runtime/features.ts'
import type { Parsed } from './parse.ts'

export async function run(_parsed: Parsed, context: Context): Promise<number> {
  await context.host.output.stdout(`${JSON.stringify(features(), null, 2)}\n`)
  return 0
}
