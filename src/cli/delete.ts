import type { Context } from '../runtime/context.ts'
import { deleteContainer } from '../runtime/delete.ts'
import type { Parsed } from './parse.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  await deleteContainer({ id: parsed.id, force: parsed.flag('force') }, context)
  return 0
}
