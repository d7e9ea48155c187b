/** What every command gets beside its request, and the paths of a container's state. */
import type { Host } from '../host/host.ts'
import { resolvePath } from './paths.ts'
import type { Globals } from './requests.ts'

/** Where commands report what is not a result and not a failure. */
export interface Log {
  /** What is ignored, or done otherwise than the configuration says. */
  warn(message: string): void | Promise<void>
  /** How far a command is. */
  debug(message: string): void | Promise<void>
}

/** On which machine, and with which global settings, a command acts. */
export interface Context {
  host: Host
  globals: Globals
  log?: Log | undefined
}

/** The directory that holds the containers' state. */
export function stateRoot(globals: Globals): string {
  return resolvePath(globals.cwd, globals.root)
}

/** The directory of one container; the id has been checked. */
export function stateDir(globals: Globals, id: string): string {
  return `${stateRoot(globals)}/${id}`
}

/** Where the service manager that started the caller waits for its readiness (sd_notify(3)); undefined: nobody does. */
export function notifyAddress({ env: { NOTIFY_SOCKET } }: Globals): string | undefined {
  return NOTIFY_SOCKET === '' ? undefined : NOTIFY_SOCKET
}

/** In a container's directory, where somebody waits for its readiness: what it sees at /run/notify. */
export function notifyDirectory(globals: Globals, id: string): string | undefined {
  return notifyAddress(globals) === undefined ? undefined : `${stateDir(globals, id)}/notify`
}

/** A path of a request, made absolute. */
export function absolute(globals: Globals, name: string): string {
  return resolvePath(globals.cwd, name)
}
