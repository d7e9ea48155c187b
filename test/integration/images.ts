/** Images as files: OCI layouts and archives of `docker save`, made of tars. */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { tar, type TarEntry } from './tar.ts'

export const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex')

export interface TestImage {
  /** Archives, plain, the lowest first. */
  layers: Buffer[]
  /** `config` of the image's configuration. */
  config?: object
  architecture?: string
  /** What the configuration has beside it. */
  more?: object
}

const machine = process.arch === 'x64' ? 'amd64' : process.arch

export function configOf({ layers, config = {}, architecture = machine, more = {} }: TestImage): Buffer {
  const diffIds = layers.map((layer) => `sha256:${sha256(layer)}`)
  return Buffer.from(
    JSON.stringify({ os: 'linux', architecture, config, rootfs: { type: 'layers', diff_ids: diffIds }, ...more }),
  )
}

/** Chain ids in hexadecimal. */
export function chainIdsOf({ layers }: TestImage): string[] {
  const chain: string[] = []
  for (const layer of layers.map((each) => sha256(each)))
    chain.push(chain.length === 0 ? layer : sha256(`sha256:${chain.at(-1)!} sha256:${layer}`))
  return chain
}

type Files = Map<string, Buffer>

function blob(files: Files, content: Buffer): { digest: string; size: number } {
  files.set(`blobs/sha256/${sha256(content)}`, content)
  return { digest: `sha256:${sha256(content)}`, size: content.length }
}

function manifestOf(files: Files, image: TestImage): object {
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...blob(files, configOf(image)) },
    layers: image.layers.map((layer) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      ...blob(files, gzipSync(layer)),
    })),
  }
  return { mediaType: manifest.mediaType, ...blob(files, Buffer.from(JSON.stringify(manifest))) }
}

/** The files of a layout with these images by name, each for its platform. */
export function layoutFiles(images: Record<string, TestImage>): Files {
  const files: Files = new Map([['oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')]])
  const manifests = Object.entries(images).map(([name, image]) => ({
    ...manifestOf(files, image),
    annotations: { 'org.opencontainers.image.ref.name': name },
  }))
  files.set('index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })))
  return files
}

/** A layout whose one image is an index of platforms, with what BuildKit puts beside it. */
export function platformsLayout(images: TestImage[]): Files {
  const files: Files = new Map([['oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')]])
  const attestation = { ...manifestOf(files, images[0]!), platform: { os: 'unknown', architecture: 'unknown' } }
  const manifests = images.map((image) => ({
    ...manifestOf(files, image),
    platform: { os: 'linux', architecture: image.architecture ?? machine },
  }))
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [attestation, ...manifests] }))
  const mediaType = 'application/vnd.oci.image.index.v1+json'
  files.set('index.json', Buffer.from(JSON.stringify({ manifests: [{ mediaType, ...blob(files, index) }] })))
  return files
}

/** What Docker from 1.10 to 24 saved. */
export function dockerFiles(name: string, image: TestImage): Files {
  const config = configOf(image)
  const files: Files = new Map([[`${sha256(config)}.json`, config]])
  const layers = image.layers.map((layer, at) => {
    files.set(`layer${at}/layer.tar`, layer)
    return `layer${at}/layer.tar`
  })
  files.set(
    'manifest.json',
    Buffer.from(JSON.stringify([{ Config: `${sha256(config)}.json`, RepoTags: [name], Layers: layers }])),
  )
  return files
}

/** What Docker before 1.10 saved. */
export function oldDockerFiles(name: string, tag: string, image: TestImage): Files {
  const files: Files = new Map()
  image.layers.forEach((layer, at) => {
    const json = { id: `id${at}`, ...(at > 0 && { parent: `id${at - 1}` }), os: 'linux', config: image.config }
    files.set(`id${at}/VERSION`, Buffer.from('1.0'))
    files.set(`id${at}/json`, Buffer.from(JSON.stringify(json)))
    files.set(`id${at}/layer.tar`, layer)
  })
  files.set('repositories', Buffer.from(JSON.stringify({ [name]: { [tag]: `id${image.layers.length - 1}` } })))
  return files
}

export function writeFiles(directory: string, files: Files): string {
  for (const [name, content] of files) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true })
    writeFileSync(path.join(directory, name), content)
  }
  return directory
}

export function archiveOf(files: Files): Buffer {
  return tar(...[...files].map(([name, content]): TarEntry => ({ name, content })))
}
