/** What a container changed in the layers of its root, as far as `diff` and `export` have in common. Loaded only for them. */
import { RuntError, StateError, type ErrorDetails } from '../errors.ts'
import type { Refused } from '../host/host.ts'
import { refusalText } from '../images/refusal.ts'
import { layersAnnotation, readLayers, upperAnnotation, upperPointer, type LayersConfig } from '../rootfs/overlay.ts'
import type { Context } from './context.ts'
import { closeQuietly, explained, isErrno } from './failures.ts'
import { layerDirectory } from './layers.ts'
import type { SavedState } from './state.ts'
import { deriveStatus } from './status.ts'
import { loadState, lockContainer, readState } from './store.ts'

/** Milliseconds between two looks at how far the work is. */
export const stepTime = 100

/** Where a container's changes are. */
export interface Upper {
  /** Holds `upper`. */
  directory: string
  /** Directories of the layers, the topmost first. */
  layers: readonly string[]
  state: SavedState
}

/**
 * Where a container keeps what it changed. It may be created, running or stopped.
 * @throws StateError if there is no such container, RuntError `NO_LAYERS`, `NO_UPPER` or `EPERM` where its changes cannot be read
 */
export async function findUpper(id: string, what: string, context: Context): Promise<Upper> {
  const { host } = context
  const { dir, state } = await loadState(context, id)
  if (state.phase === 'creating') {
    const status = await deriveStatus(host, dir, state)
    const why = status === 'creating' ? 'it is being created' : 'its creation was interrupted'
    throw new StateError('BAD_STATE', `${what}: ${why}`, { hint: 'only what create made whole has changes' })
  }
  if (state.annotations[layersAnnotation] === undefined)
    throw new RuntError('NO_LAYERS', `${what}: its root is not made of layers`, {
      hint: `nothing tells apart what was there before: see ${layersAnnotation} in docs/layers.md, or "runt unpack"`,
    })
  const config = readLayers(state.annotations, [])
  const directory = directoryOf(config, state, what)
  if ((await host.system.euid()) !== 0 || (await host.system.inUserNamespace()))
    throw new RuntError('EPERM', `${what}: operation not permitted`, {
      hint: "layers are compared and read by the machine's root: use sudo",
    })
  if (state.owner !== 0)
    throw new RuntError('EPERM', `${what}: it was made without root`, {
      origin: upperPointer,
      hint: `the files that it changed belong to other ids of user ${state.owner} than those that it sees, as newuidmap gave them: copy them from inside`,
    })
  return { directory, layers: layersOf(config, state), state }
}

function directoryOf({ upper }: LayersConfig, { layers }: SavedState, what: string): string {
  const none = (why: string, hint: string) =>
    new RuntError('NO_UPPER', `${what}: ${why}`, { origin: upperPointer, hint })
  if (upper.kind === 'directory') return upper.path
  if (upper.kind === 'tmpfs')
    throw none(
      'what it changes is in memory, on a filesystem that is mounted nowhere',
      `only the container's own overlay holds it: changes that are to be looked at are kept on the disk (${upperAnnotation}, without --tmpfs-upper)`,
    )
  if (upper.kind === 'none') throw none('it cannot change anything', `${upperAnnotation} is none`)
  if (layers === undefined) throw none('nothing tells where its changes are', 'its state is damaged')
  return layers.directory
}

function layersOf({ layers }: LayersConfig, { layers: saved }: SavedState): string[] {
  // The store as it was found when the container was made: <store>/containers/<hex>.
  const store = saved?.directory.replace(/\/containers\/[^/]*$/, '') ?? ''
  return layers.map((layer) => ('path' in layer ? layer.path : layerDirectory(store, layer.chainId))).reverse()
}

/**
 * What was read was read to its end, and not from under a `delete`, which waits for nobody and takes away one file after the other.
 * @throws StateError `DELETED`
 */
export async function checkStillThere({ state }: Upper, id: string, what: string, context: Context): Promise<void> {
  const deleted = () =>
    new StateError('DELETED', `${what}: the container was deleted meanwhile`, { hint: 'what was read is not whole' })
  let held
  try {
    held = await lockContainer(context, id)
  } catch (error) {
    throw error instanceof StateError ? deleted() : error
  }
  try {
    const now = await readState(context.host, held.dir)
    if (now?.created !== state.created || now.pid !== state.pid || now.startTime !== state.startTime) throw deleted()
  } finally {
    await closeQuietly(context.host, held.lock)
  }
}

/** Why what a container changed is not taken. */
export function refusedUpper(what: string, { refused }: Refused): RuntError {
  const flag = { entries: '--max-entries', bytes: '--max-size' }[refused.kind as string]
  const hint = flag === undefined ? 'no image can have it' : `${flag} allows more`
  return new RuntError('UPPER_REFUSED', `${what}: ${refusalText(refused)}`, { origin: flag, hint })
}

/** What a system call says of the work, with what helps. */
export async function explainedUpper(what: string, error: unknown): Promise<Error> {
  if (isErrno(error, 'ENOENT', 'ENOSYS') && error.syscall.startsWith('dl')) {
    const details: ErrorDetails = {
      cause: error,
      hint: 'install it: the package libarchive13 of Debian and Ubuntu, libarchive elsewhere; it is only needed to compress',
    }
    return new RuntError('NO_LIBARCHIVE', `${what}: libarchive cannot be loaded (${error.path})`, details)
  }
  const path = (error as { path?: string }).path
  return explained(path === undefined ? what : `${what}: ${path}`, error)
}
