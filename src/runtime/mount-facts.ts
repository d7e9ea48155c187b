/** What mounts need to know of the machine before they are compiled, and the root of containers in the machine's mounts. */
import type { CreateFacts } from '../compiler/facts.ts'
import { RuntError } from '../errors.ts'
import type { Host } from '../host/host.ts'
import { clone } from '../plan/kernel.ts'
import { hostPath } from '../rootfs/paths.ts'
import type { Spec } from '../spec/schema.gen.ts'
import type { Bundle } from './bundle.ts'
import { attempt, isErrno } from './failures.ts'
import type { Context } from './context.ts'
import type { PreparedLayers } from './layers.ts'
import type { SavedState } from './state.ts'

/** In a container's directory: where its root is mounted if it has no mount namespace. */
const mountPointName = 'rootfs'

/** Annotations that a root of layers has (src/rootfs/overlay.ts); others of the prefix mean nothing here. */
const layersAnnotations = /^io\.runt\.(layers|store|upper(\.size)?)$/

/** Whether the annotations ask for a root of layers. Every container is asked: what it takes is loaded only then. */
export function hasLayers(spec: Spec): boolean {
  if (spec.annotations === undefined) return false
  return Object.keys(spec.annotations).some((name) => layersAnnotations.test(name))
}

/** What they come to; undefined: the root is the directory at root.path. */
export async function layersOf(context: Context, bundle: Bundle, id: string): Promise<PreparedLayers | undefined> {
  if (!hasLayers(bundle.spec)) return undefined
  return (await import('./layers.ts')).prepareLayers(context, bundle, id)
}

/** config.md#root: a directory MUST exist at root.path. */
export async function checkRootfs(host: Host, { rootfs }: Bundle): Promise<void> {
  if (rootfs === undefined) return
  const origin = '/root/path'
  const status = await attempt(`root filesystem ${rootfs}`, { origin }, () => host.files.status(rootfs))
  if (status === undefined) {
    throw new RuntError('ENOENT', `root filesystem ${rootfs}: no such file or directory`, { origin })
  }
  if (status.type !== 'directory')
    throw new RuntError('ENOTDIR', `root filesystem ${rootfs}: not a directory`, { origin })
}

/** @param dir the container's, which need not be there yet */
export async function mountFacts(
  host: Host,
  { spec, dir: bundle }: Bundle,
  dir: string,
): Promise<Pick<CreateFacts, 'mountPoint' | 'links'>> {
  if (spec.linux?.mountLabel !== undefined) await needSelinux(host)
  const ownMounts = spec.linux?.namespaces?.some(({ type }) => type === 'mount') === true
  const mountPoint = ownMounts ? undefined : `${dir}/${mountPointName}`
  const copied = spec.mounts?.filter(({ options }) => options?.includes('copy-symlink') === true) ?? []
  if (copied.length === 0) return { mountPoint }
  const links = new Map<string, string>()
  for (const { source } of copied) {
    if (source === undefined) continue
    const path = hostPath(bundle, source)
    const target = await linkAt(host, path)
    if (target !== undefined) links.set(path, target)
  }
  return { mountPoint, links }
}

/** What a symlink says; undefined where there is none: binding it tells why. */
async function linkAt(host: Host, path: string): Promise<string | undefined> {
  try {
    return await host.files.readLink(path)
  } catch (error) {
    if (isErrno(error, 'EINVAL', 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

/** The kernel knows the option context= only with SELinux, whose filesystem it registers if it was not turned off at boot. */
async function needSelinux(host: Host): Promise<void> {
  const origin = '/linux/mountLabel'
  const known = await attempt('read /proc/filesystems', { origin }, () => host.files.readText('/proc/filesystems'))
  if (known.split('\n').some((line) => line.endsWith('\tselinuxfs'))) return
  throw new RuntError('NO_SELINUX', 'linux.mountLabel: the kernel has no SELinux, or it is turned off', {
    origin,
    hint: 'leave the field out on this machine',
  })
}

/** Whether the container is in the machine's mount namespace: its mounts do not go with its last process. */
export function sharesMounts(state: SavedState): boolean {
  return (state.namespaces & clone.NEWNS) === 0
}

/** The directory that `mountFacts` named. */
export async function makeMountPoint(host: Host, dir: string): Promise<void> {
  const path = `${dir}/${mountPointName}`
  await attempt(`make directory ${path}`, {}, () => host.files.mkdir(path, 0o700))
}

/**
 * Removes a container's directory. What is mounted in it goes first: nothing of the root filesystem, which is there to be seen,
 * is ever removed with it.
 * @param state undefined where nobody knows it any more
 */
export async function removeContainer(host: Host, dir: string, state: SavedState | undefined): Promise<void> {
  if (state === undefined || sharesMounts(state)) {
    const path = `${dir}/${mountPointName}`
    await attempt(`unmount ${path}`, {}, () => host.files.unmount(path))
  }
  await attempt(`remove ${dir}`, {}, () => host.files.removeTree(dir))
}
