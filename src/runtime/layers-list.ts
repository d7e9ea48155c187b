/** `layers` and `prune`: what is in the store, who uses it, and the removal of what nobody does. Loaded only for them and `unpack`. */
import type { Host } from '../host/host.ts'
import { absolute, type Context } from './context.ts'
import { removeParts } from './bundle-parts.ts'
import { attempt, closeQuietly } from './failures.ts'
import { LayerStore, type StoredLayer } from './layer-store.ts'
import { defaultStore, removeLayers } from './layers.ts'

/** A layer in the store. */
export interface Layer extends StoredLayer {
  /** Directories of bundles, and `container ID`. */
  users: readonly string[]
}

/** What `prune` removed, or would. */
export interface Pruned {
  layers: readonly Layer[]
  /** Bytes of the layers' archives. */
  bytes: number
}

/** The store of a request. @param dir what the request says, from the working directory */
export async function storeOf(context: Context, dir: string | undefined): Promise<LayerStore> {
  return new LayerStore(context.host, await storeDir(context, dir))
}

/** Its absolute path. */
export async function storeDir({ host, globals }: Context, dir: string | undefined): Promise<string> {
  return dir === undefined ? defaultStore(globals, await host.system.euid()) : absolute(globals, dir)
}

/** The layers in the store, and who uses each: bundles that `unpack` made and that still name it, and containers. */
export async function layers(request: { store?: string | undefined }, context: Context): Promise<Layer[]> {
  return withUsers(await storeOf(context, request.store), context.host)
}

async function withUsers(store: LayerStore, host: Host): Promise<Layer[]> {
  const users = [...(await bundles(store, host)), ...(await containers(store, host))]
  return (await store.list()).map((layer) => ({
    ...layer,
    users: users.filter((user) => user.names(layer.chainId)).map(({ name }) => name),
  }))
}

interface User {
  name: string
  /** In the store. */
  file: string
  /** Whether it is still there. */
  alive: boolean
  names(chainId: string): boolean
}

async function bundles(store: LayerStore, host: Host): Promise<User[]> {
  const users: User[] = []
  for (const name of await store.names('bundles')) {
    const file = `bundles/${name}`
    const bundle = fieldOf(await store.read(file), 'bundle')
    if (bundle === undefined) continue
    const path = `${bundle}/config.json`
    const config = await attempt(`read ${path}`, {}, () => host.files.readTextIfExists(path))
    // What stands there in any form counts: somebody may have changed the annotation by hand.
    const names = (chainId: string) => config?.includes(chainId.slice('sha256:'.length)) === true
    users.push({ name: bundle, file, alive: config !== undefined, names })
  }
  return users
}

/** A container whose state is gone, with the machine's last boot, needs nothing any more. */
async function containers(store: LayerStore, host: Host): Promise<User[]> {
  const users: User[] = []
  for (const name of await store.names('containers')) {
    const text = await store.read(`containers/${name}/container.json`)
    const [id, state] = [fieldOf(text, 'id'), fieldOf(text, 'state')]
    if (text === undefined || id === undefined || state === undefined) continue
    const alive = (await host.files.status(state)) !== undefined
    const names = (chainId: string) => alive && text.includes(chainId.slice('sha256:'.length))
    users.push({ name: `container ${id}`, file: `containers/${name}`, alive, names })
  }
  return users
}

/** A string of a JSON object; undefined where it has none, or is none. */
function fieldOf(text: string | undefined, name: string): string | undefined {
  try {
    const document = JSON.parse(text ?? 'null') as Record<string, unknown> | null
    const value = document?.[name]
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * Removes the layers that no bundle and no container uses, and what interrupted commands left in the store. Waits until no
 * `unpack` is at work.
 * @param request with `dryRun`, nothing is removed
 */
export async function prune(
  request: { store?: string | undefined; dryRun?: boolean | undefined },
  context: Context,
): Promise<Pruned> {
  const store = await storeDir(context, request.store)
  const dryRun = request.dryRun === true
  if (dryRun || (await context.host.system.euid()) === 0) return pruneStore(store, dryRun, context)
  const { doInside } = await import('./inside.ts')
  return (await doInside(context, { kind: 'prune', store, dryRun })) as Pruned
}

/** The same, by whoever may remove the store's files. */
export async function pruneStore(dir: string, dryRun: boolean, context: Context): Promise<Pruned> {
  const store = new LayerStore(context.host, dir)
  const lock = await store.lock(true)
  try {
    const unused = (await withUsers(store, context.host)).filter(({ users }) => users.length === 0)
    if (!dryRun) {
      // From the top: none is ever without those below it.
      for (const layer of fromTheTop(unused)) await store.removeLayer(layer.chainId)
      await removeRubbish(store, context)
    }
    return { layers: unused, bytes: unused.reduce((sum, { size }) => sum + size, 0) }
  } finally {
    await closeQuietly(context.host, lock)
  }
}

function fromTheTop(list: readonly Layer[]): Layer[] {
  const depths = new Map<string, number>()
  const parents = new Map(list.map(({ chainId, parent }) => [chainId, parent]))
  const depth = (chainId: string | undefined): number => {
    if (chainId === undefined || !parents.has(chainId)) return 0
    const known = depths.get(chainId) ?? 1 + depth(parents.get(chainId))
    depths.set(chainId, known)
    return known
  }
  return [...list].sort((a, b) => depth(b.chainId) - depth(a.chainId))
}

/** Nobody is at work: whatever is in the making was left by somebody who died at it. */
async function removeRubbish(store: LayerStore, context: Context): Promise<void> {
  const { host } = context
  for (const name of await store.names('layers/sha256')) {
    const whole = /^[0-9a-f]{64}$/.test(name) && (await store.find(`sha256:${name}`)) !== undefined
    if (!whole) await store.remove(`layers/sha256/${name}`)
  }
  for (const name of await store.names('spool')) await store.remove(`spool/${name}`)
  for (const { file, name, alive } of await bundles(store, host)) {
    await removeParts(host, name)
    if (!alive) await store.remove(file)
  }
  // What a container changed whose state went with the machine's last boot: no command knows it any more.
  for (const { file, alive } of await containers(store, host))
    if (!alive) await removeLayers(context, { directory: `${store.dir}/${file}` })
}
