/** --pid-file and --pidfd-socket: telling the caller which process it is. */
import { absolute, type Context } from './context.ts'
import { attempt, type Undo } from './failures.ts'
import type { Init } from './init.ts'

/** Writes the pid, if the request asks for it: digits and no newline, for some readers take the whole content for the number. */
export async function writePidFile(
  { host, globals }: Context,
  { pidFile }: { pidFile?: string | undefined },
  init: Init,
  undo: Undo,
): Promise<void> {
  if (pidFile === undefined) return
  const file = absolute(globals, pidFile)
  await attempt(`write pid file ${file}`, { origin: '--pid-file' }, () =>
    host.files.writeAtomic(file, String(init.name.pid), 0o644, true),
  )
  undo.push(`remove pid file ${file}`, () => host.files.unlink(file))
}

/**
 * Sends the pidfd, if the request asks for it, before the program runs. The text beside it is runc's: `standard` for a container's
 * init, `setns` for a process of `exec`.
 */
export async function sendPidfd(
  { host, globals }: Context,
  { pidfdSocket }: { pidfdSocket?: string | undefined },
  init: Init,
  text: 'standard' | 'setns',
): Promise<void> {
  if (pidfdSocket === undefined) return
  const socket = absolute(globals, pidfdSocket)
  await attempt(`send the pidfd to ${socket}`, { origin: '--pidfd-socket' }, () =>
    host.sockets.sendDescriptor(socket, init.descriptor, text),
  )
}
