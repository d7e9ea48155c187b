/**
 * Hands the descriptor of SCMP_ACT_NOTIFY to whoever answers: the container process state
 * (config-linux.md#containerprocessstate). To be loaded by `import()`, only when there is a listener.
 */
import type { SeccompListener } from '../compiler/facts.ts'
import type { Fd } from '../host/host.ts'
import { absolute, type Context } from './context.ts'
import { explained, isErrno } from './failures.ts'
import { ociVersion, type SavedState } from './state.ts'

const origin = '/linux/seccomp/listenerPath'

/**
 * Sends the state of a process and the descriptor over a connection of their own.
 * @param pid of the process whose calls are answered: the container's own, or one of `exec`
 * @param status of the container
 */
export async function sendListener(
  { host, globals }: Context,
  { path, metadata }: SeccompListener,
  { fd, pid, status }: { fd: Fd; pid: number; status: 'creating' | 'running' },
  state: SavedState,
): Promise<void> {
  const socket = absolute(globals, path)
  const message = {
    ociVersion,
    fds: ['seccompFd'],
    pid,
    ...(metadata === undefined ? {} : { metadata }),
    state: { ociVersion, id: state.id, status, pid: state.pid, bundle: state.bundle, annotations: state.annotations },
  }
  try {
    await host.sockets.sendDescriptor(socket, fd, JSON.stringify(message))
  } catch (error) {
    const nobody = isErrno(error, 'ENOENT', 'ECONNREFUSED')
    const hint = nobody ? 'the seccomp agent must listen there before the container is created' : undefined
    throw await explained(`send the seccomp listener to ${socket}`, error, { origin, hint })
  }
}
