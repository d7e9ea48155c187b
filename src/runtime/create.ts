/** `create`: makes a container that waits for start. */
import type { Context } from './context.ts'
import { establish, finish } from './establish.ts'
import type { CreateRequest } from './requests.ts'

/**
 * Makes a container that waits for `start`. On failure nothing is left behind.
 * @returns the pid of the container's init
 * @throws InvalidConfigError with every problem of the configuration; StateError `EXISTS` if the id is in use; StepError if a step of the
 * plan failed
 */
export async function create(request: CreateRequest, context: Context): Promise<{ pid: number }> {
  const established = await establish(context, request, false)
  const { pid } = established.init.name
  await finish(context, established)
  return { pid }
}
