/**
 * Layers of images, unpacked once and shared: the part of the store that holds them.
 *
 *   <store>/lock                          shared while layers are brought or used, exclusive while they are removed
 *   <store>/layers/sha256/<hex>/          a layer by its chain id (image-spec, config.md): fs and layer.json
 *   <store>/layers/sha256/<hex>.part/     one that is being unpacked: fs and work
 *   <store>/locks/<hex>                   held by who unpacks the layer
 *   <store>/spool/<random>/               files of an archive
 *   <store>/bundles/<hash>.json           a bundle, and the layers that it uses
 */
import { RuntError } from '../errors.ts'
import {
  openFlags,
  type ArchiveLimits,
  type ArchiveProgress,
  type ArchiveSums,
  type ArchiveWork,
  type Fd,
  type Host,
  type LayerRights,
  type LeftOut,
  type Refused,
  type SpooledFile,
} from '../host/host.ts'
import { refusalHint, refusalText } from '../images/refusal.ts'
import { attempt, closeQuietly, explained, isErrno } from './failures.ts'
import { layerDirectory, layerPath } from './layers.ts'
import { layerRights, layerRightsOf } from './subids.ts'

const directoryMode = 0o700
const fileMode = 0o600
/** Milliseconds between two looks at how far an archive is. */
const stepTime = 100

/** layer.json */
export interface StoredLayer {
  /** `sha256:…`: of this layer and all below it. */
  chainId: string
  /** `sha256:…`: of the layer's tar. */
  diffId: string
  /** Chain id of the layer below. */
  parent?: string | undefined
  /** Bytes of the tar. */
  size: number
  /** Its files belong to one user, whatever the image says: there were no subordinate ids for others. */
  oneOwner?: true | undefined
}

/** What layer.json says; undefined where it is damaged, as after the machine went down before it was on the disk. */
export function decodeLayer(text: string): StoredLayer | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const { chainId, diffId, parent, size } = (value ?? {}) as Partial<Record<keyof StoredLayer, unknown>>
  const whole = [chainId, diffId, parent ?? ''].every((field) => typeof field === 'string') && typeof size === 'number'
  return whole ? (value as StoredLayer) : undefined
}

/** A layer to be brought. */
export interface NewLayer {
  /** The archive, on the host. */
  path: string
  /** What it is called in errors. */
  name: string
  /** SHA-256 in hexadecimal of the archive and of the tar, and the archive's bytes. */
  digest?: string | undefined
  diffId: string
  size?: number | undefined
  /** Chain ids of the layers below, the lowest first. */
  parents: readonly string[]
}

/** Called as an archive goes on. */
export type OnProgress = (progress: ArchiveProgress) => void | Promise<void>

/** Chain ids of the layers of an image. @param diffIds hexadecimal, the lowest first */
export async function chainIds(host: Host, diffIds: readonly string[]): Promise<string[]> {
  const chain: string[] = []
  for (const diffId of diffIds) chain.push(await chainIdOf(host, chain.at(-1), diffId))
  return chain
}

/** @param below chain id of the layer below */
async function chainIdOf({ seccomp }: Host, below: string | undefined, diffId: string): Promise<string> {
  return `sha256:${below === undefined ? diffId : await seccomp.digest(`${below} sha256:${diffId}`)}`
}

export class LayerStore {
  readonly dir: string
  private readonly host: Host
  /** Told what of a layer is left out. */
  private readonly warn: (message: string) => void | Promise<void>
  private rights: LayerRights | undefined

  constructor(host: Host, dir: string, warn: (message: string) => void | Promise<void> = () => undefined) {
    this.host = host
    this.dir = dir
    this.warn = warn
  }

  /** What this process may do with layers. */
  async layerRights(): Promise<LayerRights> {
    return (this.rights ??= await layerRightsOf(this.host))
  }

  private path(name: string): string {
    return `${this.dir}/${name}`
  }

  private layer(chainId: string): string {
    return layerPath(this.dir, chainId)
  }

  /** The directory that overlayfs takes. */
  directory(chainId: string): string {
    return layerDirectory(this.dir, chainId)
  }

  /** Makes the store's directories, and takes its lock until the descriptor is closed. */
  async lock(exclusive: boolean): Promise<Fd> {
    await attempt(`make the store ${this.dir}`, { origin: '--store' }, async () => {
      for (const name of ['layers/sha256', 'locks', 'spool', 'bundles']) {
        await this.host.files.mkdirParents(this.dir, directoryMode)
        await this.host.files.mkdirParents(this.path(name), directoryMode)
      }
    })
    return this.lockFile('lock', exclusive)
  }

  /** For as long as a bundle is put in its place. */
  async lockBundles(): Promise<Fd> {
    return this.lockFile('locks/bundles', true)
  }

  private async lockFile(name: string, exclusive: boolean): Promise<Fd> {
    const { files } = this.host
    const path = this.path(name)
    return attempt(`lock ${path}`, { origin: '--store' }, async () => {
      const fd = await files.open(path, openFlags.readWrite | openFlags.create | openFlags.noFollow)
      try {
        await (exclusive ? files.lock(fd, true) : files.lockShared(fd))
      } catch (error) {
        await closeQuietly(this.host, fd)
        throw error
      }
      return fd
    })
  }

  /** undefined where the store has not that layer, whole. */
  async find(chainId: string): Promise<StoredLayer | undefined> {
    const file = `${this.layer(chainId)}/layer.json`
    const text = await attempt(`read ${file}`, {}, () => this.host.files.readTextIfExists(file))
    return text === undefined ? undefined : decodeLayer(text)
  }

  /** Every layer, by chain id. */
  async list(): Promise<StoredLayer[]> {
    const layers: StoredLayer[] = []
    for (const name of (await this.names('layers/sha256')).sort()) {
      const layer = /^[0-9a-f]{64}$/.test(name) ? await this.find(`sha256:${name}`) : undefined
      if (layer !== undefined) layers.push(layer)
    }
    return layers
  }

  /** The names in a directory of the store; none where it is missing. */
  async names(directory: string): Promise<string[]> {
    const path = this.path(directory)
    try {
      return await this.host.files.list(path)
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return []
      throw await explained(`read ${path}`, error, { origin: '--store' })
    }
  }

  /** What a name in the store holds; undefined where it is missing. */
  async read(name: string): Promise<string | undefined> {
    return attempt(`read ${this.path(name)}`, {}, () => this.host.files.readTextIfExists(this.path(name)))
  }

  async remove(name: string): Promise<void> {
    await attempt(`remove ${this.path(name)}`, {}, () => this.host.files.removeTree(this.path(name)))
  }

  /** Removes a layer: at once for whoever looks for it. The caller has the store's lock, exclusive. */
  async removeLayer(chainId: string): Promise<void> {
    const name = chainId.slice('sha256:'.length)
    const rubbish = `layers/sha256/${name}.part`
    await this.remove(rubbish)
    await attempt(`remove layer ${chainId}`, {}, () => this.host.files.rename(this.layer(chainId), this.path(rubbish)))
    await this.remove(rubbish)
    await this.remove(`locks/${name}`)
  }

  /** Notes that a bundle uses layers. The caller has the store's lock. */
  async register(bundle: string, layers: readonly string[]): Promise<void> {
    const file = this.path(`bundles/${await this.host.seccomp.digest(bundle)}.json`)
    await attempt(`write ${file}`, { origin: '--store' }, () =>
      this.host.files.writeAtomic(file, `${JSON.stringify({ bundle, layers })}\n`, fileMode),
    )
  }

  /**
   * The layer, which is unpacked unless the store has it. Of several that want the same one at once, one unpacks it and the others
   * wait. The caller has the store's lock.
   * @returns whether it was unpacked now
   * @throws RuntError `INVALID_LAYER` where the archive is not what it should be, else the errno's code; nothing is left of it
   */
  async provide(layer: NewLayer, limits: ArchiveLimits, onProgress: OnProgress): Promise<boolean> {
    const chainId = await chainIdOf(this.host, layer.parents.at(-1), layer.diffId)
    if (await this.has(chainId)) return false
    const lock = await this.lockFile(`locks/${chainId.slice('sha256:'.length)}`, true)
    try {
      if (await this.has(chainId)) return false
      await this.unpack(layer, chainId, limits, onProgress)
      return true
    } finally {
      await closeQuietly(this.host, lock)
    }
  }

  private async has(chainId: string): Promise<boolean> {
    const found = await this.find(chainId)
    if (found?.oneOwner !== true || (await this.layerRights()) === layerRights.oneId) return found !== undefined
    throw new RuntError('ONE_OWNER', `layer ${chainId} is in the store with one owner for all its files`, {
      origin: '--store',
      hint: 'it was unpacked without subordinate ids: remove the bundles that use it ("runt layers" tells), then "runt prune"',
    })
  }

  private async unpack(layer: NewLayer, chainId: string, limits: ArchiveLimits, onProgress: OnProgress): Promise<void> {
    const { files, archives } = this.host
    const directory = this.layer(chainId)
    const part = `${directory}.part`
    const what = `unpack ${layer.name}`
    const remove = () => attempt(`remove ${part}`, {}, () => files.removeTree(part))
    // Of somebody who died at it.
    await remove()
    await attempt(`make ${part}`, { origin: '--store' }, async () => {
      await files.mkdir(part, directoryMode)
      await files.mkdir(`${part}/fs`, 0o755)
      await files.mkdir(`${part}/work`, directoryMode)
    })
    try {
      const rights = await this.layerRights()
      const layers = layer.parents.map((parent) => this.directory(parent)).reverse()
      const sums = await this.takeApart(what, layer.path, onProgress, (source) =>
        archives.unpack({ source, layers, directory: part, ...limits, rights }),
      )
      checkSums(layer, sums)
      await this.warnOf(layer, sums)
      await attempt(what, { origin: '--store' }, async () => {
        await files.removeTree(`${part}/work`)
        const stored: StoredLayer = {
          chainId,
          diffId: `sha256:${layer.diffId}`,
          parent: layer.parents.at(-1),
          size: sums.size,
          oneOwner: rights === layerRights.oneId ? true : undefined,
        }
        await files.writeNew(`${part}/layer.json`, `${JSON.stringify(stored)}\n`, fileMode)
        // One that was not whole, after a crash.
        await files.removeTree(directory)
        await files.rename(part, directory)
      })
    } catch (error) {
      await remove()
      throw error
    }
  }

  private async warnOf({ name }: NewLayer, { devices, attributes }: ArchiveSums): Promise<void> {
    const tell = async (what: string, left: LeftOut | undefined) => {
      if (left === undefined) return
      const more = left.count === 1 ? '' : ` and ${left.count - 1} more`
      await this.warn(`${name}: ${what} left out, which only root can make: ${left.first}${more}`)
    }
    await tell('devices', devices)
    await tell('extended attributes', attributes)
  }

  /** The regular files of an archive, in a directory of the store that the caller removes. */
  async spool(
    name: string,
    source: string | Fd,
    limits: ArchiveLimits,
    onProgress: OnProgress,
  ): Promise<{ directory: string; relative: string; files: readonly SpooledFile[] }> {
    const relative = `spool/${await this.host.system.random()}`
    const directory = this.path(relative)
    await attempt(`make ${directory}`, { origin: '--store' }, () => this.host.files.mkdir(directory, directoryMode))
    try {
      const sums = await this.takeApart(`read ${name}`, source, onProgress, (fd) =>
        this.host.archives.spool(fd, directory, limits),
      )
      return { directory, relative, files: sums.files ?? [] }
    } catch (error) {
      await this.remove(relative)
      throw error
    }
  }

  /** SHA-256 of the tar in an archive, in hexadecimal. */
  async diffId(name: string, path: string, limits: ArchiveLimits): Promise<string> {
    const sums = await this.takeApart(
      `read ${name}`,
      path,
      () => undefined,
      (fd) => this.host.archives.spool(fd, undefined, limits),
    )
    return sums.diffId
  }

  private async takeApart(
    what: string,
    source: string | Fd,
    onProgress: OnProgress,
    open: (source: Fd) => ArchiveWork | Refused | Promise<ArchiveWork | Refused>,
  ): Promise<ArchiveSums & { size: number; read: number }> {
    const { files, archives } = this.host
    const fd =
      typeof source === 'number'
        ? source
        : await attempt(what, { origin: '--image' }, () => files.open(source, openFlags.readOnly))
    try {
      return await this.told(what, async () => {
        const work = await open(fd)
        if ('refused' in work) throw refusedError(what, work)
        try {
          for (;;) {
            const progress = await archives.step(work, stepTime)
            if (progress.refused !== undefined) throw refusedError(what, progress)
            await onProgress(progress)
            if (progress.done) return { ...(await archives.finish(work)), size: progress.unpacked, read: progress.read }
          }
        } finally {
          await archives.close(work)
        }
      })
    } finally {
      if (typeof source !== 'number') await closeQuietly(this.host, fd)
    }
  }

  /** What system calls say of an archive, with what helps. */
  private async told<T>(what: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action()
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ENOSYS') && error.syscall.startsWith('dl'))
        throw new RuntError('NO_LIBARCHIVE', `${what}: libarchive cannot be loaded (${error.path})`, {
          cause: error,
          hint: 'install it: the package libarchive13 of Debian and Ubuntu, libarchive elsewhere',
        })
      if (isErrno(error, 'EPERM') && error.syscall === 'mount' && (await this.layerRights()) !== layerRights.all)
        throw await explained(`${what}: mount its parents`, error, {
          hint: 'overlayfs can be mounted in a user namespace since Linux 5.11: as root it needs none',
        })
      if (isErrno(error, 'EINVAL') && error.syscall === 'fchownat')
        throw await explained(`${what}: give ${error.path} to its owner`, error, {
          origin: '--image',
          hint: 'the user namespace has no such id: the ranges of this user in /etc/subuid and /etc/subgid must be larger',
        })
      if (isErrno(error, 'EINVAL') && error.syscall === 'mount')
        throw await explained(`${what}: mount its parents`, error, {
          origin: '--store',
          hint: 'the store must be on a filesystem that overlayfs can write to: ext4, XFS, Btrfs or tmpfs, not overlayfs itself',
        })
      if (isErrno(error, 'ENODEV') && error.syscall === 'mount')
        throw await explained(`${what}: mount its parents`, error, {
          hint: 'the kernel has no overlayfs: modprobe overlay',
        })
      if (isErrno(error, 'EOPNOTSUPP') && error.syscall === 'setxattr')
        throw await explained(`${what}: set the attribute of ${error.path}`, error, {
          origin: '--store',
          hint: 'the filesystem of the store cannot keep this extended attribute',
        })
      if (isErrno(error, 'ENOSPC', 'EDQUOT'))
        throw await explained(`${what}: write ${error.path ?? this.dir}`, error, {
          origin: '--store',
          hint: `"runt prune" removes what nobody uses; --store names another place than ${this.dir}`,
        })
      const entry = (error as { path?: string }).path
      throw await explained(entry === undefined ? what : `${what}: ${entry}`, error, { origin: '--image' })
    }
  }
}

function refusedError(what: string, { refused }: Refused): RuntError {
  return new RuntError('INVALID_LAYER', `${what}: ${refusalText(refused)}`, {
    origin: '--image',
    hint: refusalHint(refused),
  })
}

function checkSums(layer: NewLayer, sums: ArchiveSums & { read: number }): void {
  const wrong = (kind: string, found: string | number, wanted: string | number) =>
    new RuntError('INVALID_LAYER', `unpack ${layer.name}: its ${kind} is ${found}, not ${wanted}`, {
      origin: '--image',
      hint: 'the source is damaged, or was tampered with',
    })
  if (layer.size !== undefined && sums.read !== layer.size) throw wrong('size', sums.read, layer.size)
  if (layer.digest !== undefined && sums.digest !== layer.digest)
    throw wrong('digest', `sha256:${sums.digest}`, `sha256:${layer.digest}`)
  if (sums.diffId !== layer.diffId) throw wrong('diffID', `sha256:${sums.diffId}`, `sha256:${layer.diffId}`)
}
