/** `unpack`: an image becomes a bundle, whose layers are in the store. Loaded only for that. */
import { RuntError } from '../errors.ts'
import type { ArchiveLimits, Host } from '../host/host.ts'
import { convertConfig } from '../images/convert.ts'
import { filesOfArchive, filesOfDirectory, imageError, type SourceFiles } from '../images/files.ts'
import { parsePlatform, platformOf, type Image } from '../images/image.ts'
import { findImage, parseSource, type SourceName } from '../images/source.ts'
import { archiveLimits } from './archive-limits.ts'
import { partOf, removeParts } from './bundle-parts.ts'
import { absolute, type Context } from './context.ts'
import { attempt, closeQuietly, Undo } from './failures.ts'
import { chainIds, LayerStore } from './layer-store.ts'
import { storeDir } from './layers-list.ts'
import { idsOfNamespace, layerRights, type OwnIds } from './subids.ts'
import type { UnpackedBundle, UnpackProgress, UnpackRequest } from './unpacking.ts'

type Report = (progress: UnpackProgress) => void | Promise<void>

/** Of the image's passwd and group. */
const maxUserFile = 1 << 20
const standardInput = 0

/**
 * Makes a bundle of an image: its layers go to the store, unless they are there, and its configuration becomes config.json
 * (image-spec, conversion.md). Without root that happens in a user namespace, with all ids that the caller may map, and the bundle's
 * container gets one like it.
 * @param onProgress called several times a second
 * @throws RuntError `INVALID_IMAGE`, `INVALID_LAYER`, `EXISTS`, or an errno's code; no bundle is left then, and no part of a layer
 */
export async function unpack(request: UnpackRequest, context: Context, onProgress?: Report): Promise<UnpackedBundle> {
  const store = await storeDir(context, request.store)
  if ((await context.host.system.euid()) === 0)
    return unpackInto({ request, store, rootless: false }, context, onProgress)
  await refuseExisting(context.host, absolute(context.globals, request.bundle))
  const { doInside } = await import('./inside.ts')
  const job = { kind: 'unpack', request, store, cwd: context.globals.cwd } as const
  return (await doInside(context, job, onProgress)) as UnpackedBundle
}

/** What is unpacked where. */
interface Unpacking {
  request: UnpackRequest
  /** Absolute. */
  store: string
  /** Its containers get a user namespace with the mappings of this process's. */
  rootless: boolean
}

/** The same, by whoever may give files to others. */
export async function unpackInto(
  { request, store: dir, rootless }: Unpacking,
  context: Context,
  onProgress?: Report,
): Promise<UnpackedBundle> {
  const { host, globals } = context
  const bundle = absolute(globals, request.bundle)
  await refuseExisting(host, bundle)
  const store = new LayerStore(host, dir, (message) => context.log?.warn(message))
  const limits = archiveLimits(request)
  const lock = await store.lock(false)
  try {
    if (rootless && (await store.layerRights()) === layerRights.oneId)
      await context.log?.warn(
        'without subordinate ids (/etc/subuid, /etc/subgid) all files of the image belong to this user: its programs may miss others',
      )
    const source = await attempt(`find ${request.image}`, { origin: '--image' }, () =>
      parseSource(host, request.image, (path) => absolute(globals, path)),
    )
    const { image, done } = await openImage(context, store, source, request, limits, onProgress)
    try {
      const made = await provideLayers(host, store, image, limits, onProgress)
      const ids = rootless ? await idsOfNamespace(host) : undefined
      await writeBundle(context, store, bundle, { image, layers: made.layers, request, ids })
      return { bundle, ...made, reference: image.reference }
    } finally {
      await done()
    }
  } finally {
    await closeQuietly(host, lock)
  }
}

/** What an unpacking that was killed left in a directory of the user's, an empty rootfs, is no bundle. */
async function refuseExisting(host: Host, bundle: string): Promise<void> {
  const refuse = (file: string) => {
    throw new RuntError('EXISTS', `${file} exists`, { hint: 'remove it first, or name another directory' })
  }
  const statusOf = (file: string) => attempt(`examine ${file}`, {}, () => host.files.status(file, { follow: false }))
  if ((await statusOf(`${bundle}/config.json`)) !== undefined) refuse(`${bundle}/config.json`)
  const rootfs = `${bundle}/rootfs`
  const there = await statusOf(rootfs)
  if (there === undefined) return
  if (there.type !== 'directory') refuse(rootfs)
  if ((await attempt(`read ${rootfs}`, {}, () => host.files.list(rootfs))).length > 0) refuse(rootfs)
}

/** The image in a source; an archive is spooled for it, until `done`. */
async function openImage(
  { host }: Context,
  store: LayerStore,
  { path, reference }: SourceName,
  request: UnpackRequest,
  limits: ArchiveLimits,
  onProgress?: Report,
): Promise<{ image: Image; done: () => Promise<void> }> {
  const platform =
    request.platform === undefined ? platformOf(await host.system.architecture()) : parsePlatform(request.platform)
  const find = (files: SourceFiles) =>
    attempt(`read ${files.name}`, { origin: '--image' }, () => findImage(host, files, { reference, platform }))
  const name = path === '-' ? 'standard input' : path
  const status = path === '-' ? undefined : await host.files.status(path)
  if (status?.type === 'directory')
    return { image: await find(filesOfDirectory(host, path)), done: async () => undefined }
  const size = status?.type === 'file' ? status.size : undefined
  const spooled = await store.spool(name, path === '-' ? standardInput : path, limits, ({ read, done }) =>
    onProgress?.({ part: 'archive', layers: 0, read, size, state: done ? 'done' : 'working' }),
  )
  const done = () => store.remove(spooled.relative)
  try {
    return { image: await find(filesOfArchive(name, spooled.directory, spooled.files)), done }
  } catch (error) {
    await done()
    throw error
  }
}

async function provideLayers(
  host: Host,
  store: LayerStore,
  image: Image,
  limits: ArchiveLimits,
  onProgress?: Report,
): Promise<{ layers: readonly string[]; stored: number }> {
  if (image.layers.length === 0) throw imageError('the image has no layers')
  const nameOf = (at: number) => `layer ${at + 1} of ${image.layers.length}`
  const diffIds: string[] = []
  for (const [at, { path, diffId }] of image.layers.entries())
    diffIds.push(diffId ?? (await store.diffId(nameOf(at), path, limits)))
  const chain = await chainIds(host, diffIds)
  let stored = 0
  for (const [at, layer] of image.layers.entries()) {
    const size = layer.size ?? (await host.files.status(layer.path))?.size
    const report = (read: number, state: UnpackProgress['state']) =>
      onProgress?.({ part: at, layers: image.layers.length, read, size, state })
    const wanted = { ...layer, name: nameOf(at), diffId: diffIds[at]!, parents: chain.slice(0, at) }
    const unpacked = await store.provide(wanted, limits, ({ read }) => report(read, 'working'))
    if (!unpacked) stored++
    await report(size ?? 0, unpacked ? 'done' : 'stored')
  }
  return { layers: chain, stored }
}

async function writeBundle(
  context: Context,
  store: LayerStore,
  bundle: string,
  {
    image,
    layers,
    request,
    ids,
  }: { image: Image; layers: readonly string[]; request: UnpackRequest; ids: OwnIds | undefined },
): Promise<void> {
  const { host, log } = context
  const directories = layers.map((layer) => store.directory(layer)).reverse()
  const paths = ['/etc/passwd', '/etc/group']
  const rights = await store.layerRights()
  const [passwd, group] = await attempt("read the image's users", { origin: '--image' }, () =>
    host.archives.imageFiles(directories, paths, maxUserFile, rights),
  )
  const warnings: string[] = []
  const annotations: Record<string, string> = { 'io.runt.layers': JSON.stringify(layers) }
  // Without root, the default depends on the caller's environment.
  if (request.store !== undefined || ids !== undefined) annotations['io.runt.store'] = store.dir
  const { terminal } = request
  const warn = (message: string) => void warnings.push(message)
  const spec = convertConfig(image.config, { passwd, group }, { terminal, annotations, warn, ids })
  for (const warning of warnings) await log?.warn(warning)

  // Before the bundle is one: what is used must be known as such.
  await store.register(bundle, layers)
  await placeBundle(host, store, bundle, `${JSON.stringify(spec, null, '\t')}\n`)
}

/**
 * Makes the bundle, all of it at once: by renaming a directory that is made beside it, or config.json where the directory is there.
 * What somebody who died left half done is removed: its name is the same.
 */
async function placeBundle(host: Host, store: LayerStore, bundle: string, config: string): Promise<void> {
  const { files } = host
  const lock = await store.lockBundles()
  const undo = new Undo()
  const write = async (directory: string, name: string) => {
    const rootfs = `${directory}/rootfs`
    if ((await files.status(rootfs)) === undefined) {
      await files.mkdir(rootfs, 0o755)
      undo.push(`remove ${rootfs}`, () => files.rmdir(rootfs))
    }
    await files.writeNew(`${directory}/${name}`, config, 0o644)
    undo.push(`remove ${directory}/${name}`, () => files.unlink(`${directory}/${name}`))
  }
  try {
    await attempt(`make bundle ${bundle}`, {}, async () => {
      await removeParts(host, bundle)
      await refuseExisting(host, bundle)
      if ((await files.status(bundle)) !== undefined) {
        await write(bundle, partOf.config)
        await files.rename(`${bundle}/${partOf.config}`, `${bundle}/config.json`)
        return
      }
      const part = partOf.bundle(bundle)
      await files.mkdirParents(part, 0o755)
      undo.push(`remove ${part}`, () => files.rmdir(part))
      await write(part, 'config.json')
      await files.rename(part, bundle)
    })
  } catch (error) {
    throw await undo.after(error)
  } finally {
    await closeQuietly(host, lock)
  }
}
