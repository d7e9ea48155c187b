/**
 * Roots of layers (docs/layers.md) on the machine: where the layers are, what a container changes, and who uses what. Loaded only
 * for containers that have one.
 *
 *   <store>/lock                           shared while a container registers, exclusive while layers are removed
 *   <store>/layers/sha256/<hex>/fs         a layer, by its chain id
 *   <store>/containers/<hex>/              a container, by the hash of its state directory
 *     container.json                       which layers it uses
 *     upper, work                          what it changed
 */
import { RuntError, UsageError, type ConfigProblem } from '../errors.ts'
import { openFlags, type Host } from '../host/host.ts'
import {
  LayeredRoot,
  layersAnnotation,
  layersPointer,
  readLayers,
  upperAnnotation,
  upperPointer,
} from '../rootfs/overlay.ts'
import type { Layer, LayersConfig, LayersFacts } from '../rootfs/overlay.ts'
import type { Spec } from '../spec/schema.gen.ts'
import { invalidConfig, type Bundle } from './bundle.ts'
import { stateDir, type Context } from './context.ts'
import { attempt, closeQuietly, explained, isErrno, type Undo } from './failures.ts'
import type { Globals } from './requests.ts'
import type { SavedLayers } from './state.ts'

const storeMode = 0o700
const containersName = 'containers'

/** What `create` needs to know of a root of layers. */
export interface PreparedLayers {
  root: LayeredRoot
  facts: LayersFacts
  config: LayersConfig
  store: string
  /** What is registered; undefined where nothing of the store is used. */
  saved: SavedLayers | undefined
}

/** What is wrong with the annotations by themselves. */
export function layersProblems(spec: Spec): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  readLayers(spec.annotations ?? {}, problems)
  return problems
}

/** `--tmpfs-upper`: as the annotation. */
export function withTmpfsUpper(spec: Spec): void {
  if (spec.annotations?.[layersAnnotation] === undefined) {
    throw new UsageError(`--tmpfs-upper needs a configuration with the annotation ${layersAnnotation}`, {
      origin: '--tmpfs-upper',
    })
  }
  spec.annotations[upperAnnotation] = 'tmpfs'
}

/** Where layers are unless something else is said: basedir-spec for users. */
export function defaultStore({ env }: Globals, euid: number): string {
  if (euid === 0) return '/var/lib/runt'
  const { XDG_DATA_HOME, HOME } = env
  if (XDG_DATA_HOME?.startsWith('/') === true) return `${XDG_DATA_HOME}/runt`
  return `${HOME?.startsWith('/') === true ? HOME : '/var/tmp'}/.local/share/runt`
}

/** Where a store keeps a layer. */
export function layerPath(store: string, chainId: string): string {
  return `${store}/layers/sha256/${chainId.slice('sha256:'.length)}`
}

/** The directory of a layer in a store that overlayfs takes. */
export function layerDirectory(store: string, chainId: string): string {
  return `${layerPath(store, chainId)}/fs`
}

/**
 * What a configuration's annotations come to. Looks at nothing on the machine.
 * @param id the container's
 * @throws InvalidConfigError with every problem of the annotations
 */
export async function prepareLayers(context: Context, bundle: Bundle, id: string): Promise<PreparedLayers> {
  const { host, globals } = context
  const problems: ConfigProblem[] = []
  const config = readLayers(bundle.spec.annotations ?? {}, problems)
  if (problems.length > 0) throw await invalidConfig(bundle.file, bundle.text, problems)
  const store = config.store ?? defaultStore(globals, await host.system.euid())
  const layers = config.layers.map((layer) => pathOf(store, layer))
  const inStore = config.layers.some((layer) => 'chainId' in layer || layer.path.startsWith(`${store}/`))
  const used = inStore || config.upper.kind === 'disk'
  const name = await host.seccomp.digest(stateDir(globals, id))
  const directory = `${store}/${containersName}/${name}`
  const { upper } = config
  const facts: LayersFacts = {
    layers,
    upper: upper.kind === 'disk' ? { kind: 'directory', path: directory } : (upper as LayersFacts['upper']),
  }
  return { root: new LayeredRoot(facts), facts, config, store, saved: used ? { directory } : undefined }
}

function pathOf(store: string, layer: Layer): string {
  return 'path' in layer ? layer.path : layerDirectory(store, layer.chainId)
}

/**
 * The place where the root is mounted holds nothing and is the bundle's own. An engine that prepared a root wants that one: there, the
 * annotations can only have come from elsewhere, such as an image, which may name no directories of the host.
 * @throws RuntError where it is not
 */
export async function checkPlace(host: Host, { dir, rootfs = '' }: Bundle): Promise<void> {
  const origin = '/root/path'
  const what = `root filesystem ${rootfs}`
  const wants = `the root is made of layers (annotations["${layersAnnotation}"]) and mounted there`
  const hint = `make root.path an empty directory in the bundle, or leave out annotations["${layersAnnotation}"]`
  if (!rootfs.startsWith(`${dir}/`))
    throw new RuntError('EXDEV', `${what}: not in the bundle; ${wants}`, { origin, hint })
  const status = await attempt(what, { origin }, () => host.files.status(rootfs, { follow: false }))
  if (status?.type === 'symlink') throw new RuntError('ELOOP', `${what}: is a symlink; ${wants}`, { origin, hint })
  const names = await attempt(what, { origin }, () => host.files.list(rootfs))
  if (names.length > 0) throw new RuntError('ENOTEMPTY', `${what}: not empty; ${wants}`, { origin, hint })
}

/** @throws RuntError for the first directory that is not there as it should be, named by its place in the annotation */
export async function checkLayers(host: Host, { config, facts, store }: PreparedLayers): Promise<void> {
  for (const [index, path] of facts.layers.entries()) {
    const layer = config.layers[index]!
    const where = `annotations["${layersAnnotation}"]: item ${index} (counted from 0)`
    const name = 'path' in layer ? path : `${layer.chainId} in the store ${store}`
    const hint =
      'path' in layer
        ? 'a layer is a directory of the host that exists, and is named without a symlink at its end'
        : '"runt unpack" brings layers into a store; io.runt.store names another one'
    await checkDirectory(host, path, { what: `${where}, ${name}`, origin: layersPointer, hint })
  }
  if (config.upper.kind !== 'directory') return
  const hint = 'io.runt.upper names a directory that exists: upper and work are made in it'
  const what = `annotations["${upperAnnotation}"]: ${config.upper.path}`
  await checkDirectory(host, config.upper.path, { what, origin: upperPointer, hint })
}

async function checkDirectory(
  host: Host,
  path: string,
  { what, ...details }: { what: string; origin: string; hint: string },
): Promise<void> {
  const status = await attempt(what, details, () => host.files.status(path, { follow: false }))
  if (status === undefined) throw new RuntError('ENOENT', `${what}: there is no such directory`, details)
  if (status.type === 'symlink') throw new RuntError('ELOOP', `${what}: is a symlink`, details)
  if (status.type !== 'directory') throw new RuntError('ENOTDIR', `${what}: is not a directory`, details)
}

/**
 * Notes in the store which layers a container uses, before they are used, and makes the directory for its changes. Whoever
 * removes layers holds the store's lock meanwhile, and looks at what is noted.
 * @param id the container's; its lock is held
 */
export async function registerLayers(
  context: Context,
  prepared: PreparedLayers,
  id: string,
  undo: Undo,
): Promise<void> {
  const { host } = context
  const { saved, store, config } = prepared
  if (saved === undefined) return
  const { directory } = saved
  await attempt(`make ${store}/${containersName}`, { origin: layersPointer }, async () => {
    await host.files.mkdirParents(store, storeMode)
    await host.files.mkdirParents(`${store}/${containersName}`, storeMode)
  })
  const file = `${store}/lock`
  const lock = await attempt(`open ${file}`, { origin: layersPointer }, () =>
    host.files.open(file, openFlags.readWrite | openFlags.create | openFlags.noFollow),
  )
  try {
    await attempt(`lock ${file}`, {}, () => host.files.lockShared(lock))
    undo.push(`remove ${directory}`, () => removeLayers(context, saved))
    // Of a container of this name whose state is gone, with the machine's last boot.
    await removeLayers(context, saved)
    await attempt(`make ${directory}`, { origin: upperPointer }, () => host.files.mkdir(directory, storeMode))
    const text = JSON.stringify({
      format: 1,
      id,
      state: stateDir(context.globals, id),
      layers: config.layers.map((layer) => ('path' in layer ? layer.path : layer.chainId)),
    })
    await attempt(`write ${directory}/container.json`, { origin: upperPointer }, () =>
      host.files.writeAtomic(`${directory}/container.json`, text),
    )
    await checkLayers(host, prepared)
  } finally {
    await closeQuietly(host, lock)
  }
}

/** Removes what a container changed, and that it used layers. What is not there (any more) is fine. */
export async function removeLayers(context: Context, { directory }: SavedLayers): Promise<void> {
  const { files, system } = context.host
  try {
    await files.removeDeep(directory)
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM') || (await system.euid()) === 0)
      throw await explained(`remove ${directory}`, error, { origin: upperPointer })
    // Without root, what belongs to other ids of the user namespace goes only in one that has them.
    await (await import('./inside.ts')).doInside(context, { kind: 'remove', directory })
  }
}
