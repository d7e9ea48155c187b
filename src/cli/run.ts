import type { Context } from '../runtime/context.ts'
import { run as runContainer } from '../runtime/run.ts'
import type { Parsed } from './parse.ts'
import { createRequest, exitCode } from './requests.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  const request = {
    ...createRequest(parsed),
    detach: parsed.flag('detach'),
    keep: parsed.flag('keep'),
    noSubreaper: parsed.flag('no-subreaper'),
  }
  return exitCode(await runContainer(request, context))
}
