/** The part of `unpack`, `prune` and `delete` without root that runs in a user namespace (src/runtime/inside.ts). */
import { RuntError } from '../errors.ts'
import type { Context } from '../runtime/context.ts'
import { attempt, explained } from '../runtime/failures.ts'
import { requireInside, type Job, type Said } from '../runtime/inside.ts'
import type { Parsed } from './parse.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  const { host } = context
  await requireInside(host)
  const say = async (said: Said) => {
    await host.output.stdout(`${JSON.stringify(said)}\n`)
  }
  const log = { warn: (message: string) => say({ warning: message }), debug: () => undefined }
  try {
    const done = await perform(JSON.parse(parsed.args[0] ?? 'null') as Job, { ...context, log }, say)
    await say({ done: done ?? null })
    return 0
  } catch (error) {
    const told = await explained('unexpected failure', error)
    const { message } = told
    const failed =
      told instanceof RuntError
        ? { code: told.code, message: withCleanUp(told), origin: told.origin, hint: told.hint }
        : { code: 'UNEXPECTED', message }
    await say({ failed })
    return 1
  }
}

/** What could not be cleaned up goes along as a part of the text. */
function withCleanUp({ message, cleanupErrors }: RuntError): string {
  return [message, ...cleanupErrors.map((error) => `and then: ${error.message}`)].join('; ')
}

async function perform(job: Job, context: Context, say: (said: Said) => Promise<void>): Promise<unknown> {
  switch (job.kind) {
    case 'unpack': {
      const { unpackInto } = await import('../runtime/unpack.ts')
      const globals = { ...context.globals, cwd: job.cwd }
      return unpackInto({ ...job, rootless: true }, { ...context, globals }, (progress) => say({ progress }))
    }
    case 'prune': {
      const { pruneStore } = await import('../runtime/layers-list.ts')
      return pruneStore(job.store, job.dryRun, context)
    }
    case 'remove': {
      const hint = 'its files belong to ids that /etc/subuid and /etc/subgid do not give this user'
      return attempt(`remove ${job.directory}`, { hint }, () => context.host.files.removeDeep(job.directory))
    }
  }
}
