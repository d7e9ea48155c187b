/** OCI image layouts (image-spec, image-layout.md). */
import type { Host } from '../host/host.ts'
import { hexOf, imageError, isObject, readJson, stringMap, type SourceFiles } from './files.ts'
import {
  checkedConfig,
  diffIdsOf,
  normalReference,
  platformFits,
  platformText,
  type Image,
  type ImageLayer,
  type Platform,
} from './image.ts'

const indexTypes = new Set([
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
])
const manifestTypes = new Set([
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
])
const layerTypes =
  /^application\/vnd\.(oci\.image\.layer\.(nondistributable\.)?v1\.tar(\+(gzip|zstd))?|docker\.image\.rootfs\.(foreign\.)?diff\.tar(\.(gzip|zstd))?)$/

/** No index is nested deeper. */
const maxDepth = 4
/** Documents that are read for one image: indexes that name each other over and over have no end. */
const maxDocuments = 1000
/** Names in an error. */
const maxNames = 20

interface Descriptor {
  mediaType: string
  digest: string
  hex: string
  size: number
  platform: Record<string, unknown> | undefined
  annotations: Record<string, string>
}

/** What is looked for. */
export interface Wanted {
  /** A name in the source, or a digest; undefined: the only image that there is. */
  reference: string | undefined
  platform: Platform
}

/** @throws RuntError `INVALID_IMAGE` */
export async function imageOfLayout(host: Host, files: SourceFiles, wanted: Wanted): Promise<Image> {
  const marker = await readJson(host, files, 'oci-layout')
  const version = isObject(marker) ? marker.imageLayoutVersion : undefined
  if (typeof version !== 'string' || !version.startsWith('1.'))
    throw imageError(`${files.name}: oci-layout is of version ${JSON.stringify(version)}, not 1.0.0`)
  const layout = new Layout(host, files)
  const named = chosenByName(layout, layout.manifests(await readJson(host, files, 'index.json'), 'index.json'), wanted)
  const manifest = await layout.forPlatform(named, wanted.platform, 0)
  if (manifest === undefined)
    throw imageError(
      `${files.name}: no image for ${platformText(wanted.platform)}: there ${await layout.offered(named)}`,
      '--platform names another one',
    )
  return layout.image(manifest)
}

/** The descriptors of the reference, or all of them, which are then variants of one image. */
function chosenByName(layout: Layout, all: readonly Descriptor[], { reference }: Wanted): Descriptor[] {
  const { name } = layout.files
  const images = all.filter((descriptor) => !isAttestation(descriptor))
  if (reference !== undefined) {
    const found = images.filter((descriptor) => namesOf(descriptor).some((known) => isSame(known, reference)))
    if (found.length > 0) return found
    throw imageError(`${name}: no image is called ${reference}`, `there ${knownNames(images)}`)
  }
  if (images.length === 0) throw imageError(`${name}: index.json names no image`)
  const names = new Set(images.flatMap((descriptor) => namesOf(descriptor).slice(1, 2)))
  if (names.size > 1 || (images.length > 1 && images.some(({ platform }) => platform === undefined)))
    throw imageError(`${name} has several images`, `name one after a colon: there ${knownNames(images)}`)
  return images
}

/** The digest, and what it is called. */
function namesOf({ digest, annotations }: Descriptor): string[] {
  const names = [annotations['io.containerd.image.name'], annotations['org.opencontainers.image.ref.name']]
  return [digest, ...names.filter((name) => name !== undefined)]
}

function isSame(known: string, reference: string): boolean {
  return known === reference || normalReference(known) === normalReference(reference)
}

function knownNames(images: readonly Descriptor[]): string {
  const names = images.map((descriptor) => namesOf(descriptor)[1] ?? descriptor.digest)
  return `${names.length === 1 ? 'is' : 'are'} ${names.slice(0, maxNames).join(', ')}`
}

/** What BuildKit puts beside an image about how it was made. */
function isAttestation({ platform, annotations }: Descriptor): boolean {
  return (
    annotations['vnd.docker.reference.type'] === 'attestation-manifest' ||
    (platform?.os === 'unknown' && platform.architecture === 'unknown')
  )
}

class Layout {
  readonly files: SourceFiles
  private readonly host: Host
  private documents = 0

  constructor(host: Host, files: SourceFiles) {
    this.host = host
    this.files = files
  }

  /** The descriptors of an index. */
  manifests(index: unknown, where: string): Descriptor[] {
    const list = isObject(index) ? index.manifests : undefined
    if (!Array.isArray(list)) throw imageError(`${this.files.name}: ${where} has no list of manifests`)
    return list.map((item, at) => this.descriptor(item, `${where}: manifests[${at}]`))
  }

  private descriptor(item: unknown, where: string): Descriptor {
    const place = `${this.files.name}: ${where}`
    if (!isObject(item)) throw imageError(`${place} is not an object`)
    const { mediaType, digest, size, platform, annotations } = item
    if (typeof mediaType !== 'string') throw imageError(`${place} has no media type`)
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw imageError(`${place} has no size`)
    const hex = hexOf(digest, place)
    return {
      mediaType,
      digest: `sha256:${hex}`,
      hex,
      size,
      platform: isObject(platform) ? platform : undefined,
      annotations: stringMap(annotations),
    }
  }

  private async read({ hex, digest, size }: Descriptor): Promise<unknown> {
    if (++this.documents > maxDocuments)
      throw imageError(`${this.files.name}: more than ${maxDocuments} indexes, manifests and configurations were read`)
    return readJson(this.host, this.files, `blobs/sha256/${hex}`, { digest, size })
  }

  /** The first manifest for a platform; one that tells no platform counts where nothing else is offered. */
  async forPlatform(list: readonly Descriptor[], wanted: Platform, depth: number): Promise<Descriptor | undefined> {
    if (depth > maxDepth) throw imageError(`${this.files.name}: indexes are nested deeper than ${maxDepth}`)
    let unnamed: Descriptor | undefined
    for (const descriptor of list) {
      if (isAttestation(descriptor)) continue
      if (indexTypes.has(descriptor.mediaType)) {
        const below = this.manifests(await this.read(descriptor), `blobs/sha256/${descriptor.hex}`)
        const found = await this.forPlatform(below, wanted, depth + 1)
        if (found !== undefined) return found
      } else if (manifestTypes.has(descriptor.mediaType)) {
        const platform = descriptor.platform ?? (await this.platformOfConfig(descriptor))
        if (platformFits(wanted, platform)) return descriptor
        // Of a configuration that does not tell it either.
        if (typeof platform.architecture !== 'string' || platform.architecture === '') unnamed ??= descriptor
      }
    }
    return unnamed
  }

  private async platformOfConfig(descriptor: Descriptor): Promise<Record<string, unknown>> {
    const manifest = await this.read(descriptor)
    const config = this.descriptor(isObject(manifest) ? manifest.config : undefined, `${descriptor.digest}: config`)
    const document = await this.read(config)
    return isObject(document) ? document : {}
  }

  /** The platforms that there are, for an error. */
  async offered(list: readonly Descriptor[], depth = 0): Promise<string> {
    const names: string[] = []
    for (const descriptor of list) {
      if (isAttestation(descriptor)) continue
      if (indexTypes.has(descriptor.mediaType) && depth < maxDepth) {
        const below = this.manifests(await this.read(descriptor), descriptor.digest)
        names.push(await this.offered(below, depth + 1))
      } else if (manifestTypes.has(descriptor.mediaType)) {
        const { os, architecture, variant } = descriptor.platform ?? (await this.platformOfConfig(descriptor))
        names.push([os, architecture, variant].filter((part) => typeof part === 'string' && part !== '').join('/'))
      }
    }
    const text = names.slice(0, maxNames).join(', ')
    return depth > 0 ? text : text === '' ? 'is none' : `is ${text}`
  }

  async image(manifest: Descriptor): Promise<Image> {
    const document = await this.read(manifest)
    const where = `manifest ${manifest.digest}`
    if (!isObject(document) || !Array.isArray(document.layers))
      throw imageError(`${this.files.name}: ${where} has no list of layers`)
    const described = this.descriptor(document.config, `${where}: config`)
    const config = checkedConfig(await this.read(described), `${this.files.name}: configuration ${described.digest}`)
    const diffIds = diffIdsOf(config, `${this.files.name}: configuration ${described.digest}`)
    if (diffIds.length !== document.layers.length)
      throw imageError(
        `${this.files.name}: ${where} has ${document.layers.length} layers, its configuration ${diffIds.length}`,
      )
    const layers: ImageLayer[] = []
    for (const [at, item] of (document.layers as unknown[]).entries())
      layers.push(await this.layer(this.descriptor(item, `${where}: layers[${at}]`), diffIds[at]!, at))
    return { config, layers, reference: namesOf(manifest)[1] }
  }

  private async layer({ mediaType, hex, size }: Descriptor, diffId: string, at: number): Promise<ImageLayer> {
    const { name } = this.files
    if (!layerTypes.test(mediaType))
      throw imageError(
        `${name}: layer ${at} is of the type ${mediaType}`,
        'tar, plain or compressed by gzip or zstd, is known',
      )
    const path = await this.files.path(`blobs/sha256/${hex}`)
    if (path === undefined) throw imageError(`${name}: the blob of layer ${at}, sha256:${hex}, is missing`)
    return { path, digest: hex, size, diffId: hexOf(diffId, `${name}: rootfs.diff_ids[${at}]`) }
  }
}
