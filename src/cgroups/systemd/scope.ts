/**
 * A container's transient unit of systemd: started around a process, changed, stopped, each by a call over D-Bus with a time
 * limit (org.freedesktop.systemd1(5)).
 */
import { RuntError, SystemError } from '../../errors.ts'
import type { Host, SystemdAnswer } from '../../host/host.ts'
import { inWords } from '../failures.ts'
import type { Property } from './properties.ts'
import type { DbusValue } from './variant.ts'

/** Where a unit is managed. */
export interface Unit {
  /** Address of the bus; '' is the system's. */
  bus: string
  name: string
}

export interface ScopeRequest extends Unit {
  slice: string
  description: string
  /** The process around which it is made; undefined for a slice, which holds none. */
  pid: number | undefined
  /** Of the resources and the annotations; they win over the defaults. */
  properties: readonly Property[]
}

/** As long as systemd may take for one thing, in milliseconds. */
const patience = 30_000

const errors = 'org.freedesktop.systemd1.'
const origin = '--systemd-cgroup'

/** The number that systemd's version begins with: 252 of `252.30-1~deb12u2`. */
export async function systemdVersion(host: Host, bus: string): Promise<number> {
  const text = await talk(() => host.systemd.property(bus, 'Version'))
  const version = /^\D*(\d+)/.exec(text)?.[1]
  if (version === undefined) throw new RuntError('SYSTEMD', `systemd tells no version: "${text}"`, { origin })
  return Number(version)
}

/** The cgroup of a systemd itself, below which its slices lie: '' for the machine's. */
export async function managersCgroup(host: Host, bus: string): Promise<string> {
  return bus === '' ? '' : talk(() => host.systemd.property(bus, 'ControlGroup'))
}

/**
 * Starts the unit and waits until it stands.
 * @throws RuntError `SYSTEMD`; nothing is left then
 */
export async function startUnit(host: Host, request: ScopeRequest): Promise<void> {
  const { name } = request
  const start = () => call(host, request, 'StartTransientUnit', 'ssa(sv)a(sa(sv))', startArguments(request), true)
  let answer = await start()
  if ('error' in answer && answer.error === `${errors}UnitExists`) {
    // One that failed earlier is kept until somebody has seen it.
    await call(host, request, 'ResetFailedUnit', 's', [name], false)
    answer = await start()
  }
  if ('error' in answer) {
    const used = answer.error === `${errors}UnitExists`
    throw new RuntError('SYSTEMD', `start unit ${name}: ${lower(answer.message)}`, {
      origin: used ? '/linux/cgroupsPath' : origin,
      hint: used ? `another container uses the name: see systemctl status ${name}` : undefined,
    })
  }
  if (answer.result !== 'done') {
    throw new RuntError('SYSTEMD', `start unit ${name}: the job ended with "${answer.result}"`, {
      origin,
      hint: `see journalctl -u ${name}`,
    })
  }
}

function startArguments({ name, slice, description, pid, properties }: ScopeRequest): DbusValue[] {
  const isSlice = name.endsWith('.slice')
  const all = new Map<string, readonly [signature: string, value: DbusValue]>()
  all.set('Description', ['s', description])
  all.set(isSlice ? 'Wants' : 'Slice', isSlice ? ['as', [slice]] : ['s', slice])
  // Slices are always delegated.
  if (!isSlice) all.set('Delegate', ['b', true])
  for (const kind of ['Memory', 'CPU', 'IO', 'Tasks']) all.set(`${kind}Accounting`, ['b', true])
  all.set('DefaultDependencies', ['b', false])
  if (pid !== undefined) all.set('PIDs', ['au', [pid]])
  for (const property of properties) all.set(property.name, [property.signature, property.value])
  return [name, 'replace', [...all].map(([key, variant]) => [key, variant]), []]
}

/** Changes properties of a unit until it stops. */
export async function setUnitProperties(host: Host, unit: Unit, properties: readonly Property[]): Promise<void> {
  if (properties.length === 0) return
  const list = properties.map(({ name, signature, value }) => [name, [signature, value]])
  const answer = await call(host, unit, 'SetUnitProperties', 'sba(sv)', [unit.name, true, list], false)
  if ('error' in answer)
    throw new RuntError('SYSTEMD', `change unit ${unit.name}: ${lower(answer.message)}`, { origin })
}

/** Stops the unit, with what still runs in it, and lets systemd forget it. One that is gone is fine. */
export async function stopUnit(host: Host, unit: Unit): Promise<void> {
  const answer = await call(host, unit, 'StopUnit', 'ss', [unit.name, 'replace'], true)
  if ('error' in answer && answer.error !== `${errors}NoSuchUnit`)
    throw new RuntError('SYSTEMD', `stop unit ${unit.name}: ${lower(answer.message)}`, { origin })
  // A unit whose process was killed for want of memory stays as failed. Most are not, and then this is refused.
  await call(host, unit, 'ResetFailedUnit', 's', [unit.name], false)
}

function call(
  host: Host,
  { bus }: Unit,
  member: string,
  signature: string,
  args: readonly DbusValue[],
  job: boolean,
): Promise<SystemdAnswer> {
  return talk(() => host.systemd.call({ bus, member, signature, args, job, timeoutMs: patience }))
}

async function talk<T>(action: () => T | Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    const library = error.syscall === 'dlopen' || error.syscall === 'dlsym'
    const why = error.code === 'ETIMEDOUT' ? `no answer within ${patience / 1000} seconds` : inWords(error.code)
    throw new RuntError('SYSTEMD', `${library ? 'load' : 'talk to systemd over'} ${error.path ?? 'D-Bus'}: ${why}`, {
      origin,
      cause: error,
      hint: library
        ? 'install libsystemd (Debian: libsystemd0), or leave --systemd-cgroup out'
        : 'systemd and D-Bus must run for it; without --systemd-cgroup runt makes the cgroup itself',
    })
  }
}

const lower = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1).replace(/\.$/, '')
