/** Talk with one systemd over one connection, every answer within a time limit; what fails is told in words. */
import { RuntError, SystemError } from '../../errors.ts'
import type { Host, SystemdAnswer } from '../../host/host.ts'
import { codeOf, inWords } from '../failures.ts'
import type { DbusValue } from './variant.ts'

/** As long as the other side may take for its greeting, and systemd for one thing, in milliseconds. */
const greeting = 10_000
const patience = 30_000

/** Where systemd itself listens, for its own user and root alone: beside the bus of a user, or for the machine. */
function privateSocket(bus: string): string | undefined {
  if (bus === '') return 'unix:path=/run/systemd/private'
  return /^unix:path=[^,;]*\/bus$/.test(bus) ? `${bus.slice(0, -'bus'.length)}systemd/private` : undefined
}

const origin = '--systemd-cgroup'

/** A systemd that listens. Whoever opened it closes it. */
export class Manager {
  /** Address of the bus that was asked for; '' is the system's. */
  readonly bus: string
  private readonly host: Host
  private readonly connection: number
  private known: number | undefined
  private open = true

  private constructor(host: Host, bus: string, connection: number) {
    this.host = host
    this.bus = bus
    this.connection = connection
  }

  /** @throws RuntError `SYSTEMD` */
  static async connect(host: Host, bus: string): Promise<Manager> {
    try {
      return new Manager(host, bus, await host.systemd.open(address(bus)))
    } catch (error) {
      const other = isMissing(error) || codeOf(error) === 'ECONNRESET' ? await attemptPrivate(host, bus) : undefined
      if (other !== undefined) return new Manager(host, bus, other)
      throw noTalk(error, bus, greeting)
    }
  }

  /** The number that systemd's version begins with: 252 of `252.30-1~deb12u2`. Asked once. */
  async version(): Promise<number> {
    return (this.known ??= await this.askVersion())
  }

  private async askVersion(): Promise<number> {
    const text = await this.property('Version')
    const version = /^\D*(\d+)/.exec(text)?.[1]
    if (version === undefined) throw new RuntError('SYSTEMD', `systemd tells no version: "${text}"`, { origin })
    return Number(version)
  }

  /** The cgroup of this systemd itself, below which its slices lie: '' for the machine's. */
  async cgroup(): Promise<string> {
    return this.bus === '' ? '' : this.property('ControlGroup')
  }

  private property(name: string): Promise<string> {
    return this.talk(() => this.host.systemd.property(this.connection, name, patience))
  }

  /** @param job the method starts one: the answer is its result */
  async call(member: string, signature: string, args: readonly DbusValue[], job = false): Promise<SystemdAnswer> {
    const request = { member, signature, args, job, timeoutMs: patience }
    return this.talk(() => this.host.systemd.call(this.connection, request))
  }

  private async talk<T>(action: () => T | Promise<T>): Promise<T> {
    try {
      return await action()
    } catch (error) {
      throw noTalk(error, this.bus, patience)
    }
  }

  async close(): Promise<void> {
    if (!this.open) return
    this.open = false
    await this.host.systemd.close(this.connection)
  }
}

/** Connects for one action. */
export async function withManager<T>(host: Host, bus: string, action: (manager: Manager) => Promise<T>): Promise<T> {
  const manager = await Manager.connect(host, bus)
  try {
    return await action(manager)
  } finally {
    await manager.close()
  }
}

const address = (bus: string) => ({ address: bus, direct: bus.endsWith('/systemd/private'), timeoutMs: greeting })

const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ECONNREFUSED'].includes(codeOf(error) ?? '') && !isLibrary(error)

const isLibrary = (error: unknown): boolean =>
  error instanceof SystemError && (error.syscall === 'dlopen' || error.syscall === 'dlsym')

/** Without a D-Bus daemon, or with one that does not start. */
async function attemptPrivate(host: Host, bus: string): Promise<number | undefined> {
  const other = privateSocket(bus)
  if (other === undefined) return undefined
  try {
    return await host.systemd.open(address(other))
  } catch (error) {
    // The bus is what is missing.
    if (error instanceof SystemError) return undefined
    throw error
  }
}

/** Whether nobody listens on the bus: a user's systemd ends with the user's last session. */
export function isBusMissing(error: unknown): boolean {
  return error instanceof RuntError && error.code === 'SYSTEMD' && isMissing(error.cause)
}

function noTalk(error: unknown, bus: string, limit: number): unknown {
  if (!(error instanceof SystemError)) return error
  const details = (hint: string) => ({ origin, cause: error, hint })
  if (isLibrary(error)) {
    const what = error.code === 'ENOENT' ? 'it is not there, or cannot be loaded' : inWords(error.code)
    const hint = 'install libsystemd (Debian: libsystemd0), or leave --systemd-cgroup out'
    return new RuntError('SYSTEMD', `load ${error.path ?? 'libsystemd'}: ${what}`, details(hint))
  }
  const where = bus === '' ? 'the system bus' : bus
  return new RuntError('SYSTEMD', `talk to systemd over ${where}: ${why(error, limit)}`, details(mend(error, bus)))
}

/** Not in the kernel's words where a file is missing: daemons take "no such file" for a missing program. */
function why({ code }: SystemError, limit: number): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no bus'
    case 'ETIMEDOUT':
      return `no answer within ${limit / 1000} seconds`
    case 'ECONNRESET':
    case 'ENOTCONN':
    case 'EPIPE':
      return 'it hung up'
    case 'EHOSTUNREACH':
      return 'no systemd is on it'
    default:
      return inWords(code)
  }
}

function mend(error: SystemError, bus: string): string {
  if (bus === '') return 'systemd and D-Bus must run for it; without --systemd-cgroup runt makes the cgroup itself'
  if (isMissing(error))
    return 'systemd must run for the user: log in, or have root call "loginctl enable-linger USER"; without --systemd-cgroup runt makes the cgroup itself'
  return 'DBUS_SESSION_BUS_ADDRESS or XDG_RUNTIME_DIR must lead to the systemd of the user'
}
