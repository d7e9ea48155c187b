/**
 * A root filesystem of layers (docs/layers.md): what the annotations ask for, and the steps that mount it. Read-only directories,
 * any number of containers at once, and above them one directory that takes what the container changes.
 * Loaded only for configurations with the annotation `io.runt.layers`.
 */
import { utf8Length } from '../bytes.ts'
import type { ConfigProblem } from '../errors.ts'
import type { Register } from '../plan/fields.ts'
import { at, clone, propagation } from '../plan/kernel.ts'
import type { Input, PlanBuilder } from '../plan/plan.ts'
import type { UserNamespaceFacts } from './idmap.ts'

/** Annotations of config.json. */
export const layersAnnotation = 'io.runt.layers'
export const storeAnnotation = 'io.runt.store'
export const upperAnnotation = 'io.runt.upper'
export const upperSizeAnnotation = 'io.runt.upper.size'

/** Origins of steps and problems. No name has a character that JSON Pointers escape. */
export const layersPointer = `/annotations/${layersAnnotation}`
/** Podman's and CRI-O's name, in every configuration of theirs. They copy the annotations of images, which must name no directories of the host. */
const managerAnnotation = 'io.container.manager'

const storePointer = `/annotations/${storeAnnotation}`
export const upperPointer = `/annotations/${upperAnnotation}`
const sizePointer = `/annotations/${upperSizeAnnotation}`

/** OVL_MAX_STACK of fs/overlayfs/super.c. */
const maxLayers = 500
const maxPath = 4095

/** A layer: a directory of the host, or what the store has under a chain id. */
export type Layer = { path: string } | { chainId: string }

/** Where changes go: nowhere, to memory, to the store, or to a directory that the caller keeps. */
export type Upper =
  { kind: 'none' | 'disk' } | { kind: 'tmpfs'; size?: string | undefined } | { kind: 'directory'; path: string }

/** The annotations, read. */
export interface LayersConfig {
  /** The lowest first. */
  layers: readonly Layer[]
  /** undefined: the default store. */
  store: string | undefined
  upper: Upper
}

/** Reads the annotations; what is wrong with them goes to `problems`, and something is returned in any case. */
export function readLayers(annotations: Readonly<Record<string, string>>, problems: ConfigProblem[]): LayersConfig {
  const manager = own(annotations, managerAnnotation)
  if (manager !== undefined) {
    const message = `must not be there with ${managerAnnotation}, is ${quoted(manager)}`
    const hint = 'container engines copy annotations of images, which may name no directories of the host'
    problems.push({ pointer: layersPointer, message, hint })
  }
  const store = own(annotations, storeAnnotation)
  if (store !== undefined && !isHostPath(store))
    problems.push({ pointer: storePointer, message: `must be an absolute path, is ${quoted(store)}` })
  return { layers: readList(annotations, problems), store, upper: readUpper(annotations, problems) }
}

function own(annotations: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(annotations, name) ? annotations[name] : undefined
}

function readList(annotations: Readonly<Record<string, string>>, problems: ConfigProblem[]): Layer[] {
  const pointer = layersPointer
  const text = own(annotations, layersAnnotation)
  if (text === undefined) {
    problems.push({ pointer: '/annotations', message: `must have ${layersAnnotation} with the others of io.runt` })
    return []
  }
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    list = undefined
  }
  if (!Array.isArray(list)) {
    const hint = `as in ${JSON.stringify(JSON.stringify(['/base', '/above']))}`
    problems.push({ pointer, message: 'must be a JSON array of strings, as text', hint })
    return []
  }
  if (list.length === 0) problems.push({ pointer, message: 'must have at least one item' })
  if (list.length > maxLayers)
    problems.push({ pointer, message: `must have at most ${maxLayers} items, has ${list.length}` })
  const known = new Map<string, number>()
  return list.slice(0, maxLayers).flatMap((item: unknown, index): Layer[] => {
    const layer = typeof item === 'string' ? layerOf(item) : undefined
    const where = `item ${index} (counted from 0)`
    if (layer === undefined) {
      const message = `${where} must be an absolute path, or sha256: and 64 hexadecimal digits, is ${quoted(item)}`
      problems.push({ pointer, message })
      return []
    }
    const same = known.get(item as string)
    if (same !== undefined) problems.push({ pointer, message: `${where} must not be the same as item ${same}` })
    known.set(item as string, index)
    return [layer]
  })
}

function layerOf(item: string): Layer | undefined {
  if (/^sha256:[0-9a-f]{64}$/.test(item)) return { chainId: item }
  return isHostPath(item) ? { path: item } : undefined
}

function isHostPath(text: string): boolean {
  return text.startsWith('/') && !text.includes('\0') && utf8Length(text) <= maxPath
}

function readUpper(annotations: Readonly<Record<string, string>>, problems: ConfigProblem[]): Upper {
  const value = own(annotations, upperAnnotation) ?? 'disk'
  const size = own(annotations, upperSizeAnnotation)
  if (size !== undefined && value !== 'tmpfs')
    problems.push({ pointer: sizePointer, message: `must come with ${upperAnnotation} tmpfs` })
  if (size !== undefined && !/^[1-9]\d{0,17}[kKmMgG%]?$/.test(size))
    problems.push({ pointer: sizePointer, message: `must be a size as 64m, is ${quoted(size)}` })
  if (value === 'disk' || value === 'none') return { kind: value }
  if (value === 'tmpfs') return { kind: value, size }
  if (!isHostPath(value)) {
    const message = `must be disk, tmpfs, none or an absolute path, is ${quoted(value)}`
    problems.push({ pointer: upperPointer, message })
  }
  return { kind: 'directory', path: value }
}

/** In quotes, and of a length to read. */
function quoted(value: unknown): string {
  const text = JSON.stringify(value)
  const safe = text.replaceAll(/[\u007f-\u009f\u2028\u2029]/g, '?')
  return safe.length > 100 ? `${safe.slice(0, 100)}…` : safe
}

/** What is mounted, with every path known. */
export interface LayersFacts {
  /** Directories of the host, the lowest first. */
  layers: readonly string[]
  upper: { kind: 'none' } | { kind: 'tmpfs'; size?: string | undefined } | { kind: 'directory'; path: string }
}

/** What was taken of the host. */
interface Taken {
  layers: readonly Register[]
  upper: Register
}

/** The root of layers, as the compiler of a container wants it: each method adds its steps. */
export class LayeredRoot {
  private readonly facts: LayersFacts
  private userns: Register | undefined
  private taken: Taken | undefined

  constructor(facts: LayersFacts) {
    this.facts = facts
  }

  /** A new plan begins: its inputs. */
  declare(plan: PlanBuilder, users: UserNamespaceFacts, privileged: boolean): void {
    this.taken = undefined
    this.userns = undefined
    if (users.membership === 'none' || !privileged) return
    const source: Input['source'] =
      users.membership === 'new'
        ? { kind: 'userns', uid: users.uid, gid: users.gid }
        : { kind: 'path', path: users.path ?? '', flags: 'readOnly' }
    this.userns = plan.input('id mapping of the layers', layersPointer, source)
  }

  /** Takes the directories of the host, as detached clones of their mounts. */
  take(plan: PlanBuilder): void {
    const layers = this.facts.layers.map((_, index) => plan.register(`layer ${index}`))
    const { upper: wanted } = this.facts
    const upper = plan.register('upper')
    layers.forEach((dst, index) => {
      plan.add('openTree', layersPointer, { dst, path: this.facts.layers[index]!, flags: at.SYMLINK_NOFOLLOW })
    })
    if (wanted.kind === 'directory')
      plan.add('openTree', upperPointer, { dst: upper, path: wanted.path, flags: at.SYMLINK_NOFOLLOW })
    this.taken = { layers, upper }
  }

  /**
   * Mounts the overlay, detached, in a mount namespace that is not the host's.
   * @param options further ones: a label
   * @param trusted xattrs of overlayfs are those that only root can write
   */
  mount(plan: PlanBuilder, options: { trusted: boolean; context?: string | undefined }): Register {
    if (this.taken === undefined) this.take(plan)
    const { layers, upper } = this.taken!
    const { upper: wanted } = this.facts
    const mapped = this.userns
    if (mapped !== undefined) {
      for (const mount of layers) plan.add('idmap', layersPointer, { mount, userns: mapped, flags: 0 })
      if (wanted.kind === 'directory') plan.add('idmap', upperPointer, { mount: upper, userns: mapped, flags: 0 })
    }
    if (wanted.kind === 'tmpfs') {
      const parameters = ['mode=755', ...(wanted.size === undefined ? [] : [`size=${wanted.size}`])]
      const fields = { dst: upper, type: 'tmpfs', source: 'tmpfs', parameters, attributes: 0 }
      plan.add('newMount', upperPointer, fields)
    }
    const root = plan.register('root')
    plan.add('overlay', layersPointer, {
      dst: root,
      layers,
      upper,
      parameters: parametersOf(options),
      owner: mapped !== undefined && wanted.kind === 'directory' ? 1 : 0,
      names: 0,
    })
    return root
  }

  /** The same before the container's namespaces are entered, in a mount namespace for that alone. */
  mountEarly(plan: PlanBuilder, options: { trusted: boolean; context?: string | undefined }): Register {
    plan.add('unshare', layersPointer, { flags: clone.NEWNS })
    plan.add('propagation', layersPointer, { path: '/', propagation: propagation.SLAVE, flags: at.RECURSIVE })
    return this.mount(plan, options)
  }
}

/**
 * Nothing but what the files of the layers say: an index and origins would tie the upper directory to these layers, and a
 * redirect or copied metadata that an image brings along would show what lies elsewhere.
 */
function parametersOf({ trusted, context }: { trusted: boolean; context?: string | undefined }): string[] {
  const parameters = ['index=off', 'metacopy=off', 'redirect_dir=nofollow', 'xino=off']
  if (!trusted) parameters.push('userxattr')
  if (context !== undefined) parameters.push(context)
  return parameters
}
