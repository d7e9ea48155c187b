/** Flags that several commands share, as requests. */
import type { ExitStatus } from '../host/host.ts'
import type { CreateRequest } from '../runtime/requests.ts'
import type { Parsed } from './parse.ts'

export function createRequest(parsed: Parsed): CreateRequest {
  return {
    id: parsed.id,
    bundle: parsed.text('bundle'),
    config: parsed.text('config'),
    consoleSocket: parsed.text('console-socket'),
    pidFile: parsed.text('pid-file'),
    pidfdSocket: parsed.text('pidfd-socket'),
    noPivot: parsed.flag('no-pivot'),
    noNewKeyring: parsed.flag('no-new-keyring'),
    preserveFds: parsed.number('preserve-fds'),
    tmpfsUpper: parsed.flag('tmpfs-upper'),
  }
}

/** As a shell tells it; nothing to tell is success. */
export function exitCode(status: ExitStatus | undefined): number {
  if (status === undefined) return 0
  return status.kind === 'exited' ? status.code : 128 + status.signal
}
