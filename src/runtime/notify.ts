/**
 * NOTIFY_SOCKET (sd_notify(3)): a service manager that started runt waits until the container says that it is ready. As in runc, the
 * container gets a socket of its own in a directory of its state, made when it is started; what the host hears is READY=1 and the pid
 * of the service's main process, and nothing else that the container says.
 */
import type { Fd, Host } from '../host/host.ts'
import { notifyAddress, notifyDirectory, type Context } from './context.ts'
import { attempt, closeQuietly } from './failures.ts'
import { openProcess, type ProcessName } from './procfs.ts'

const origin = 'NOTIFY_SOCKET'

/** The sockets of a container that is being started, and its init. */
export interface Notify {
  socket: Fd
  host: Fd
  pid: number
  pidfd: Fd
}

/** Makes the directory that `notifyDirectory` named: every user of the container reaches the socket in it. */
export async function makeNotifyDirectory(host: Host, directory: string): Promise<void> {
  await attempt(`make directory ${directory}`, { origin }, () => host.files.mkdir(directory, 0o755))
}

/**
 * Makes the container's socket and connects to the host's, before the program runs.
 * @returns undefined where there is nobody to listen to: the container was created without NOTIFY_SOCKET, or has ended
 * @throws RuntError if nobody listens at NOTIFY_SOCKET
 */
export async function openNotify(context: Context, id: string, init: ProcessName): Promise<Notify | undefined> {
  const { host, globals } = context
  const address = notifyAddress(globals)
  const directory = notifyDirectory(globals, id)
  if (address === undefined || directory === undefined) return undefined
  if ((await host.files.status(directory, { follow: false })) === undefined) {
    await context.log?.debug('NOTIFY_SOCKET is set now, but was not when the container was created')
    return undefined
  }
  const opened: Fd[] = []
  try {
    const service = await attempt(`connect to ${address}`, { origin, hint: 'unset NOTIFY_SOCKET' }, () =>
      host.sockets.notifyHost(address),
    )
    opened.push(service)
    const pidfd = await attempt(`open process ${init.pid}`, {}, () => openProcess(host, init))
    if (pidfd !== undefined) {
      opened.push(pidfd)
      const socket = await attempt(`bind ${directory}/notify.sock`, { origin }, () =>
        host.sockets.notifySocket(directory),
      )
      return { socket, host: service, pid: init.pid, pidfd }
    }
  } catch (error) {
    for (const fd of opened) await closeQuietly(host, fd)
    throw error
  }
  for (const fd of opened) await closeQuietly(host, fd)
  return undefined
}

export async function closeNotify({ host }: Context, { socket, host: service, pidfd }: Notify): Promise<void> {
  for (const fd of [socket, service, pidfd]) await closeQuietly(host, fd)
}

/** Waits until the started container is ready, and tells the host; closes everything. */
export async function relayReady(context: Context, notify: Notify): Promise<void> {
  try {
    await attempt('tell that the container is ready', { origin }, () => context.host.processes.relayReady(notify))
  } finally {
    await closeNotify(context, notify)
  }
}
