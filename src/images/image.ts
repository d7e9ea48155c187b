/** An image, found in its source: its configuration, and where its layers are. */
import { imageError, isObject, stringList } from './files.ts'

/** A platform, as GOOS and GOARCH name it. */
export interface Platform {
  os: string
  architecture: string
  variant?: string | undefined
}

/** A layer in the source, the lowest first. */
export interface ImageLayer {
  /** On the host. */
  path: string
  /** SHA-256 of the file, in hexadecimal, where the source tells it. */
  digest?: string | undefined
  /** Bytes of the file, where the source tells them. */
  size?: number | undefined
  /** SHA-256 of the tar, in hexadecimal; only images older than 2016 have none. */
  diffId?: string | undefined
}

/** image-spec, config.md: what of it runt reads. */
export interface ImageConfig {
  created?: unknown
  author?: unknown
  os?: unknown
  architecture?: unknown
  variant?: unknown
  'os.version'?: unknown
  'os.features'?: unknown
  config?: Record<string, unknown>
}

export interface Image {
  config: ImageConfig
  layers: readonly ImageLayer[]
  /** Its name in the source, where it has one. */
  reference?: string | undefined
}

/** `linux/arm/v7` @throws RuntError */
export function parsePlatform(text: string): Platform {
  const [os, architecture, variant, ...more] = text.split('/')
  if (os === undefined || os === '' || architecture === undefined || architecture === '' || more.length > 0)
    throw imageError(`platform ${JSON.stringify(text)} is not of the form os/architecture[/variant]`)
  return { os, architecture, variant }
}

/** @param machine `x64` or `arm64` */
export function platformOf(machine: string): Platform {
  return { os: 'linux', architecture: machine === 'x64' ? 'amd64' : machine }
}

export function platformText({ os, architecture, variant }: Platform): string {
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`
}

/** Whether what is offered is wanted; an arm64 without a variant is v8. */
export function platformFits(wanted: Platform, offered: Record<string, unknown>): boolean {
  const variantOf = (variant: unknown) => (wanted.architecture === 'arm64' && variant === 'v8' ? undefined : variant)
  return (
    offered.os === wanted.os &&
    offered.architecture === wanted.architecture &&
    (wanted.variant === undefined || (variantOf(offered.variant) || undefined) === variantOf(wanted.variant))
  )
}

/** The configuration, as far as its types go. @throws RuntError */
export function checkedConfig(document: unknown, where: string): ImageConfig {
  if (!isObject(document)) throw imageError(`${where} is not an object`)
  const { config } = document
  if (config !== undefined && config !== null && !isObject(config))
    throw imageError(`${where}: config is not an object`)
  return { ...document, config: isObject(config) ? config : {} }
}

/** `rootfs.diff_ids`, which an image has of each of its layers. @throws RuntError */
export function diffIdsOf(config: ImageConfig, where: string): string[] {
  const { rootfs } = config as { rootfs?: unknown }
  const list = isObject(rootfs) ? stringList(rootfs.diff_ids) : undefined
  if (list === undefined) throw imageError(`${where}: rootfs.diff_ids is not a list of digests`)
  return list
}

/** A name without what Docker adds to it by itself: `docker.io/library/alpine` and `alpine:latest` are the same. */
export function normalReference(name: string): string {
  const bare = name.replace(/^docker\.io\//, '').replace(/^library\//, '')
  return /:[^/]*$/.test(bare) ? bare : `${bare}:latest`
}
