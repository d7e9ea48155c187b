/**
 * Network devices of runt's own namespace, moved into the container's (config-linux.md#network-devices). There they belong to whoever
 * owns that namespace: nothing takes them out again. Only a container that did not come into being gives them back.
 */
import type { NetDeviceMove } from '../compiler/facts.ts'
import { RuntError, SystemError } from '../errors.ts'
import { openFlags, type Fd, type Host, type NetDevice } from '../host/host.ts'
import { attempt, closeQuietly, explained, type Undo } from './failures.ts'

const ownNetwork = '/proc/self/ns/net'

/**
 * Moves the devices into the network namespace of a process, where they get their names and permanent addresses and are up. Their
 * routes do not come with them.
 *
 * @param undo gets what takes the devices back: with their names and addresses, up if they were
 * @returns a descriptor that keeps the namespace, and so the devices, alive until `undo` is not needed any more: the caller closes it
 */
export async function moveNetDevices(
  host: Host,
  pid: number,
  devices: readonly NetDeviceMove[],
  undo: Undo,
): Promise<Fd> {
  const path = `/proc/${pid}/ns/net`
  const origin = '/linux/netDevices'
  const links = [await host.files.readLink(ownNetwork), await host.files.readLink(path)]
  if (links[0] === links[1]) {
    throw new RuntError('OWN_NETWORK', "move network devices: the container's network namespace is runt's own", {
      origin,
      hint: 'leave linux.netDevices out: the container has the devices',
    })
  }
  const target = await attempt(`open ${path}`, { origin }, () => host.files.open(path, openFlags.readOnly))
  undo.push('close the network namespace', () => closeQuietly(host, target))
  await withOwnNetwork(host, async (own) => {
    // All are looked for before the first is moved.
    const found: [NetDeviceMove, NetDevice][] = []
    for (const device of devices) found.push([device, await find(host, own, device)])
    for (const [device, state] of found) await move(host, { own, target }, device, state, undo)
  })
  return target
}

async function withOwnNetwork<T>(host: Host, action: (own: Fd) => Promise<T>): Promise<T> {
  const own = await attempt(`open ${ownNetwork}`, {}, () => host.files.open(ownNetwork, openFlags.readOnly))
  try {
    return await action(own)
  } finally {
    await closeQuietly(host, own)
  }
}

function find(host: Host, own: Fd, { from, origin }: NetDeviceMove): Promise<NetDevice> {
  const hint = "the name is one of runt's own network namespace: see ip link"
  return attempt(`find network device ${from}`, { origin, hint }, () => host.networks.find(own, from))
}

async function move(
  host: Host,
  { own, target }: { own: Fd; target: Fd },
  { from, to, origin }: NetDeviceMove,
  state: NetDevice,
  undo: Undo,
): Promise<void> {
  const what = `move network device ${from} to the container${to === from ? '' : ` as ${to}`}`
  const index = await hinted(what, origin, () => host.networks.move(own, state.index, target, to))
  undo.push(`take network device ${from} back`, () =>
    withOwnNetwork(host, async (home) => {
      const back = await host.networks.move(target, index, home, from)
      await host.networks.setUp(home, { ...state, index: back }, from)
    }),
  )
  await hinted(what, origin, () => host.networks.setUp(target, { ...state, index, up: true }, to))
}

/** What the kernel means by the errno of a move. */
async function hinted<T>(what: string, origin: string, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    const code = error instanceof SystemError ? error.code : ''
    throw await explained(`${what}${subjectOf(error)}`, error, { origin, hint: hints[code] })
  }
}

const hints: Readonly<Record<string, string>> = {
  EEXIST:
    'the container has a device of that name: choose another, or one with %d, which the kernel replaces by a number',
  EINVAL: 'some devices, such as lo, bridges and tunnels without an end, cannot leave their namespace',
  EPERM: 'moving takes CAP_NET_ADMIN in both namespaces, which a user without root does not have',
  EACCES: 'IPv6 is off in the container: see the kernel parameter net.ipv6.conf.default.disable_ipv6',
}

/** The address or name that the call was about. */
function subjectOf(error: unknown): string {
  return error instanceof SystemError && error.path !== undefined ? ` (${error.path})` : ''
}
