/** Terminals, and the descriptors that a container's program inherits. */
import { UsageError } from '../errors.ts'
import { openFlags, type Fd, type Host } from '../host/host.ts'
import type { Context } from './context.ts'
import { attempt, closeQuietly, isErrno } from './failures.ts'

/**
 * Whether the flags fit `process.terminal`: somebody has to take the terminal, and nobody waits for one that never comes.
 * @param foreground the command itself relays the terminal
 */
export function checkTerminal(terminal: boolean, foreground: boolean, consoleSocket: string | undefined): void {
  const origin = '--console-socket'
  if (terminal && !foreground && consoleSocket === undefined) {
    throw new UsageError(
      'process.terminal asks for a terminal, and nobody takes it: the command does not stay in the foreground',
      {
        origin,
        hint: 'give --console-socket, or set process.terminal to false',
      },
    )
  }
  if (consoleSocket !== undefined && (!terminal || foreground)) {
    throw new UsageError(
      terminal
        ? '--console-socket is only for detached containers'
        : '--console-socket is given, but process.terminal is false',
      { origin },
    )
  }
}

/**
 * Whether the caller has a terminal for a foreground command to relay: one of the standard streams, or else the controlling one.
 * Without any, nobody could end what is typed into the program's terminal.
 * @throws RuntError `ENXIO`
 */
export async function requireTerminal({ host }: Context): Promise<void> {
  for (const stream of [0, 1, 2]) {
    try {
      if ((await host.processes.windowSize(stream)) !== undefined) return
    } catch (error) {
      if (!isErrno(error, 'EBADF', 'EIO')) throw error
    }
  }
  await attempt(
    'open /dev/tty',
    {
      origin: '/process/terminal',
      hint: 'the caller has no terminal to relay: set process.terminal to false, or detach with --console-socket',
    },
    async () => {
      await closeQuietly(host, await host.files.open('/dev/tty', openFlags.readWrite))
    },
  )
}

/** Gives a program's terminal the size of the caller's, where that has one, before the program looks. */
export async function copyWindowSize({ processes }: Host, terminal: Fd): Promise<void> {
  for (const stream of [0, 1]) {
    try {
      const size = await processes.windowSize(stream)
      // 0: the caller's terminal does not know.
      if (size === undefined || size.rows === 0 || size.columns === 0) continue
      await processes.setWindowSize(terminal, size.rows, size.columns)
      return
    } catch (error) {
      if (!isErrno(error, 'EBADF', 'EIO')) throw error
    }
  }
}

/**
 * How many sockets systemd passed on (sd_listen_fds(3)): LISTEN_FDS, if LISTEN_PID means this process.
 * @param globals the caller's environment
 */
export async function listenFds({ host, globals }: Context): Promise<number> {
  const { LISTEN_FDS, LISTEN_PID } = globals.env
  if (LISTEN_FDS === undefined || LISTEN_PID === undefined || !/^[0-9]{1,4}$/.test(LISTEN_FDS)) return 0
  return (await host.files.readLink('/proc/self')) === LISTEN_PID ? Number(LISTEN_FDS) : 0
}

/** @throws UsageError if a descriptor that --preserve-fds counts is not open. */
export async function checkPreserved({ host }: Context, listen: number, preserve: number): Promise<void> {
  for (let fd = 3 + listen; fd < 3 + listen + preserve; fd++) {
    const status = await attempt(`look at descriptor ${fd}`, {}, () =>
      host.files.status(`/proc/self/fd/${fd}`, { follow: false }),
    )
    if (status === undefined) {
      throw new UsageError(`descriptor ${fd}, which --preserve-fds counts, is not open`, { origin: '--preserve-fds' })
    }
  }
}
