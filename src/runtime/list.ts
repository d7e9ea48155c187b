/** `state` and `list`: what containers there are, and what they are doing. */
import { RuntError } from '../errors.ts'
import type { Host } from '../host/host.ts'
import type { Context } from './context.ts'
import { stateDir } from './context.ts'
import { ociVersion, type SavedState } from './state.ts'
import { deriveStatus, type Status } from './status.ts'
import { listIds, loadState, readState } from './store.ts'

/** runtime.md, "State", with the fields that runc adds, in its order: what `state` prints. */
export interface ContainerState {
  ociVersion: string
  id: string
  /** 0 if the container is stopped. */
  pid: number
  status: Status
  bundle: string
  rootfs: string
  created: string
  annotations?: Record<string, string>
  /** Name of the user who created it; empty in the answer of `state`. */
  owner: string
}

/**
 * What a container is doing.
 * @throws StateError `NOT_FOUND` if there is no such container
 */
export async function state(id: string, context: Context): Promise<ContainerState> {
  const { dir, state: saved } = await loadState(context, id)
  return describe(saved, await deriveStatus(context.host, dir, saved), '')
}

/** All containers below the state root, by id. One whose state cannot be read is left out with a warning. */
export async function list(context: Context): Promise<ContainerState[]> {
  const { host, globals, log } = context
  const result: ContainerState[] = []
  let owners: Map<number, string> | undefined
  for (const id of await listIds(context)) {
    const dir = stateDir(globals, id)
    try {
      const saved = await readState(host, dir)
      if (saved === undefined) continue
      owners ??= await userNames(host)
      result.push(describe(saved, await deriveStatus(host, dir, saved), owners.get(saved.owner) ?? `#${saved.owner}`))
    } catch (error) {
      if (!(error instanceof RuntError)) throw error
      await log?.warn(error.message)
    }
  }
  return result
}

function describe(saved: SavedState, status: Status, owner: string): ContainerState {
  const annotations = Object.keys(saved.annotations).length === 0 ? {} : { annotations: saved.annotations }
  return {
    ociVersion,
    id: saved.id,
    pid: status === 'stopped' ? 0 : saved.pid,
    status,
    bundle: saved.bundle,
    rootfs: saved.rootfs,
    created: saved.created,
    ...annotations,
    owner,
  }
}

/** passwd(5) of the host. */
async function userNames(host: Host): Promise<Map<number, string>> {
  const names = new Map<number, string>()
  for (const line of ((await host.files.readTextIfExists('/etc/passwd')) ?? '').split('\n')) {
    const [name, , uid] = line.split(':')
    if (name !== undefined && uid !== undefined && !names.has(Number(uid))) names.set(Number(uid), name)
  }
  return names
}
