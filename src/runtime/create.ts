/** `create`: makes a container that waits for start. */
import { establish, finish } from './establish.ts'
import type { Context } from './context.ts'
import type { CreateRequest } from './requests.ts'

/** @returns the pid of the container's init. On failure nothing is left behind. */
export async function create(request: CreateRequest, context: Context): Promise<{ pid: number }> {
  const established = await establish(context, request, false)
  const { pid } = established.init.name
  await finish(context, established)
  return { pid }
}
