/** `spec`: writes a config.json to begin with. */
import { RuntError } from '../errors.ts'
import { defaultSpec } from '../spec/default.ts'
import { absolute, type Context } from './context.ts'
import { attempt, isErrno } from './failures.ts'

/** @throws RuntError if there is a config.json already. */
export async function writeSpec(
  request: { bundle?: string | undefined; rootless?: boolean | undefined },
  context: Context,
): Promise<string> {
  const { host, globals } = context
  const file = `${absolute(globals, request.bundle ?? '.')}/config.json`
  const [uid, gid] = [await host.system.euid(), await host.system.egid()]
  const text = `${JSON.stringify(defaultSpec({ rootless: request.rootless, uid, gid }), null, '\t')}\n`
  await attempt(`write ${file}`, { origin: '--bundle' }, async () => {
    try {
      await host.files.writeNew(file, text, 0o666)
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
      throw new RuntError('EXISTS', `${file} exists`, {
        hint: 'remove it first, or name another directory with --bundle',
        cause: error,
      })
    }
  })
  return file
}
