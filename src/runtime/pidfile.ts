/** --pid-file and --pidfd-socket: telling the caller which process it is. */
import { absolute, type Context } from './context.ts'
import { attempt, type Undo } from './failures.ts'
import type { Init } from './init.ts'

/**
 * Writes the pid (digits, no newline: some readers take the whole content for the number) and sends the pidfd, as far as the
 * request asks for them.
 */
export async function announce(
  { host, globals }: Context,
  request: { pidFile?: string | undefined; pidfdSocket?: string | undefined },
  init: Init,
  undo: Undo,
): Promise<void> {
  if (request.pidFile !== undefined) {
    const file = absolute(globals, request.pidFile)
    await attempt(`write pid file ${file}`, { origin: '--pid-file' }, () =>
      host.files.writeAtomic(file, String(init.name.pid), 0o644),
    )
    undo.push(`remove pid file ${file}`, () => host.files.unlink(file))
  }
  if (request.pidfdSocket !== undefined) {
    const socket = absolute(globals, request.pidfdSocket)
    await attempt(`send the pidfd to ${socket}`, { origin: '--pidfd-socket' }, () =>
      host.sockets.sendDescriptor(socket, init.descriptor, 'pidfd'),
    )
  }
}
