/**
 * Device nodes and links in /dev: config.json's devices and the default ones (config-linux.md#devices,
 * #default-devices). All is made through descriptors of directories (CVE-2026-41579).
 */
import type { ConfigProblem } from '../errors.ts'
import type { Register } from '../plan/fields.ts'
import { fileType, kind, make } from '../plan/kernel.ts'
import { ownOrigin, type PlanBuilder } from '../plan/plan.ts'
import type { Device } from '../spec/schema.gen.ts'
import type { PreparedMount } from './mounts.ts'
import { containerPath } from './paths.ts'

export interface PreparedDevice {
  origin: string
  directory: string
  name: string
  /** Type and permissions. */
  mode: number
  major: number
  minor: number
  uid: number
  gid: number
}

const defaults: readonly (readonly [name: string, major: number, minor: number])[] = [
  ['null', 1, 3],
  ['zero', 1, 5],
  ['full', 1, 7],
  ['random', 1, 8],
  ['urandom', 1, 9],
  ['tty', 5, 0],
]

const links: readonly (readonly [name: string, target: string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['core', '/proc/kcore'],
]

/** A bind mount on /dev brings its own devices: then nothing is made in it, nor anywhere else, as runc has it. */
export function bringsOwnDevices(mounts: readonly PreparedMount[]): boolean {
  return mounts.some(({ options, destination }) => options.bind !== false && destination === '/dev')
}

/** The default devices, overruled by those of config.json, and the rest of the latter. */
export function prepareDevices(devices: readonly Device[], problems: ConfigProblem[]): PreparedDevice[] {
  const configured = devices.map((device, index) => prepareDevice(device, `/linux/devices/${index}`, problems))
  const taken = new Set(configured.map(({ directory, name }) => `${directory}/${name}`))
  const standard = defaults
    .filter(([name]) => !taken.has(`/dev/${name}`))
    .map(([name, major, minor]) => ({
      origin: ownOrigin,
      directory: '/dev',
      name,
      mode: fileType.CHR | 0o666,
      major,
      minor,
      uid: 0,
      gid: 0,
    }))
  return [...standard, ...configured]
}

function prepareDevice(device: Device, origin: string, problems: ConfigProblem[]): PreparedDevice {
  const path = containerPath(device.path)
  const cut = path.lastIndexOf('/')
  const name = path.slice(cut + 1)
  if (name === '') problems.push({ pointer: `${origin}/path`, message: 'must name a file' })
  const type = { c: fileType.CHR, u: fileType.CHR, b: fileType.BLK, p: fileType.FIFO }[device.type]
  return {
    origin,
    directory: path.slice(0, cut) || '/',
    name,
    mode: type | ((device.fileMode ?? 0o666) & 0o7777),
    major: device.major ?? 0,
    minor: device.minor ?? 0,
    uid: device.uid ?? 0,
    gid: device.gid ?? 0,
  }
}

/**
 * Device nodes of the host that are bound because mknod(2) is forbidden in a user namespace; fifos are allowed. They keep the
 * owner and the permissions that they have there.
 */
export function cloneHostDevices(
  plan: PlanBuilder,
  devices: readonly PreparedDevice[],
): ReadonlyMap<PreparedDevice, Register> {
  const trees = new Map<PreparedDevice, Register>()
  for (const device of devices) {
    if ((device.mode & fileType.CHR) === 0) continue
    const path = pathOf(device)
    const tree = plan.register(path)
    plan.add('openTree', device.origin, { dst: tree, path, flags: 0 })
    const { major, minor } = device
    plan.add('verifyDevice', device.origin, { fd: tree, type: device.mode & fileType.BLK, major, minor })
    trees.set(device, tree)
  }
  return trees
}

function pathOf({ directory, name }: PreparedDevice): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`
}

/**
 * Makes the nodes and the links of /dev.
 * @param bound what `cloneHostDevices` gave; empty where nodes may be made
 */
export function addDevices(
  plan: PlanBuilder,
  root: Register,
  devices: readonly PreparedDevice[],
  bound: ReadonlyMap<PreparedDevice, Register>,
): void {
  const directories = new Map<string, Register>()
  const directory = (path: string, origin: string): Register => {
    let found = directories.get(path)
    if (found === undefined) {
      found = plan.register(path)
      const fields = { make: make.directories, mode: 0o755, kind: kind.directory, optional: 0 }
      plan.add('openIn', origin, { dst: found, root, path, ...fields })
      directories.set(path, found)
    }
    return found
  }
  const dev = directory('/dev', ownOrigin)
  for (const device of devices) {
    const tree = bound.get(device)
    if (tree !== undefined) {
      addBoundDevice(plan, root, device, tree)
      continue
    }
    const { origin, name, mode, major, minor, uid, gid } = device
    plan.add('mknod', origin, { dir: directory(device.directory, origin), name, mode, major, minor, uid, gid })
  }
  for (const [name, target] of links) plan.add('symlink', ownOrigin, { dir: dev, name, target, keep: 1 })
  // The multiplexer of the container's own devpts, whatever the image has there.
  plan.add('symlink', ownOrigin, { dir: dev, name: 'ptmx', target: 'pts/ptmx', keep: 0 })
  for (const fd of directories.values()) plan.add('close', ownOrigin, { fd })
}

function addBoundDevice(plan: PlanBuilder, root: Register, device: PreparedDevice, tree: Register): void {
  const { origin } = device
  const path = pathOf(device)
  const target = plan.register(`${path} (place)`)
  plan.add('openLike', origin, { dst: target, root, path, source: tree })
  plan.add('attach', origin, { mount: tree, target })
  plan.add('close', origin, { fd: target })
  plan.add('close', origin, { fd: tree })
}
