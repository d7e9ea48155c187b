/**
 * A container's transient unit of systemd: started around a process, changed, stopped, each by a call over D-Bus with a time
 * limit (org.freedesktop.systemd1(5)).
 */
import { RuntError } from '../../errors.ts'
import type { SystemdAnswer } from '../../host/host.ts'
import type { Manager } from './connection.ts'
import type { Property } from './properties.ts'
import type { DbusValue } from './variant.ts'

export interface ScopeRequest {
  name: string
  slice: string
  description: string
  /** The process around which it is made; undefined for a slice, which holds none. */
  pid: number | undefined
  /** Of the resources and the annotations; they win over the defaults. */
  properties: readonly Property[]
}

const errors = 'org.freedesktop.systemd1.'
const origin = '--systemd-cgroup'

/**
 * Starts the unit and waits until it stands.
 * @throws RuntError `SYSTEMD`; nothing is left then
 */
export async function startUnit(manager: Manager, request: ScopeRequest): Promise<void> {
  const { name, properties } = request
  const args = startArguments(request, await manager.version())
  const start = () => manager.call('StartTransientUnit', 'ssa(sv)a(sa(sv))', args, true)
  let answer = await start()
  if ('error' in answer && answer.error === `${errors}UnitExists`) {
    // One that failed earlier is kept until somebody has seen it.
    await manager.call('ResetFailedUnit', 's', [name])
    answer = await start()
  }
  if ('error' in answer) {
    const used = answer.error === `${errors}UnitExists`
    if (!used) throw refused(`start unit ${name}`, answer, properties)
    throw new RuntError('SYSTEMD', `start unit ${name}: ${lower(answer.message)}`, {
      origin: '/linux/cgroupsPath',
      hint: `another container uses the name: see systemctl ${manager.bus === '' ? '' : '--user '}status ${name}`,
    })
  }
  if (answer.result !== 'done') {
    await manager.call('ResetFailedUnit', 's', [name])
    throw new RuntError('SYSTEMD', `start unit ${name}: the job ended with "${answer.result}"`, {
      origin,
      hint: `see journalctl ${manager.bus === '' ? '' : '--user '}-u ${name}`,
    })
  }
}

function startArguments({ name, slice, description, pid, properties }: ScopeRequest, version: number): DbusValue[] {
  const isSlice = name.endsWith('.slice')
  const all = new Map<string, readonly [signature: string, value: DbusValue]>()
  all.set('Description', ['s', description])
  all.set(isSlice ? 'Wants' : 'Slice', isSlice ? ['as', [slice]] : ['s', slice])
  // Slices are always delegated.
  if (!isSlice) all.set('Delegate', ['b', true])
  for (const kind of ['Memory', 'CPU', 'IO', 'Tasks']) all.set(`${kind}Accounting`, ['b', true])
  all.set('DefaultDependencies', ['b', false])
  // One that fails, or that systemd comes to start only after runt has given up, goes by itself.
  if (version >= 236) all.set('CollectMode', ['s', 'inactive-or-failed'])
  if (pid !== undefined) all.set('PIDs', ['au', [pid]])
  for (const property of properties) all.set(property.name, [property.signature, property.value])
  return [name, 'replace', [...all].map(([key, variant]) => [key, variant]), []]
}

/** Changes properties of a unit until it stops. */
export async function setUnitProperties(
  manager: Manager,
  name: string,
  properties: readonly Property[],
): Promise<void> {
  if (properties.length === 0) return
  const list = properties.map((property) => [property.name, [property.signature, property.value]])
  const answer = await manager.call('SetUnitProperties', 'sba(sv)', [name, true, list])
  if ('error' in answer) throw refused(`change unit ${name}`, answer, properties)
}

/**
 * Has systemd move a process into a unit's cgroup, or into one below it: a user's systemd may where the user may not.
 * @param below path in the unit's cgroup, with a leading slash; '' is the unit's own
 */
export async function attachProcess(manager: Manager, name: string, below: string, pid: number): Promise<void> {
  const answer = await manager.call('AttachProcessesToUnit', 'ssau', [name, below, [pid]])
  if ('error' in answer) throw refused(`move process ${pid} to unit ${name}`, answer, [])
}

/** Stops the unit, with what still runs in it, and lets systemd forget it. One that is gone is fine. */
export async function stopUnit(manager: Manager, name: string): Promise<void> {
  const answer = await manager.call('StopUnit', 'ss', [name, 'replace'], true)
  if ('error' in answer && answer.error !== `${errors}NoSuchUnit`) throw refused(`stop unit ${name}`, answer, [])
  // A unit whose process was killed for want of memory stays as failed. Most are not, and then this is refused.
  await manager.call('ResetFailedUnit', 's', [name])
}

/** What systemd did not like, with the field that asked for it: its messages begin with a property's name, or quote it. */
function refused(
  what: string,
  { error, message }: Extract<SystemdAnswer, { error: string }>,
  properties: readonly Property[],
): RuntError {
  const named = properties.find(({ name }) => new RegExp(`\\b${name.replace(/U?Sec$/, '(U?Sec)?')}\\b`).test(message))
  const unknown = /\.(ServiceUnknown|NameHasNoOwner|Spawn\.[A-Za-z]+)$/.test(error)
  return new RuntError('SYSTEMD', `${what}: ${unknown ? 'no systemd is on the bus' : lower(message)}`, {
    origin: named?.pointer ?? origin,
    hint: unknown ? 'is DBUS_SESSION_BUS_ADDRESS the bus of the systemd of this user?' : undefined,
  })
}

const lower = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1).replace(/\.$/, '')
