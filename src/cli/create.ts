import type { Context } from '../runtime/context.ts'
import { create } from '../runtime/create.ts'
import type { Parsed } from './parse.ts'
import { createRequest } from './requests.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  await create(createRequest(parsed), context)
  return 0
}
