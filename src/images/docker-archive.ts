/** What `docker save` wrote before it wrote OCI layouts: with manifest.json (since 1.10), or with `repositories` alone. */
import type { Host } from '../host/host.ts'
import { hexOf, imageError, isObject, readJson, stringList, stringMap, type SourceFiles } from './files.ts'
import { checkedConfig, diffIdsOf, normalReference, type Image, type ImageLayer } from './image.ts'

interface Row {
  config: string
  tags: string[]
  layers: string[]
}

/** @throws RuntError `INVALID_IMAGE` */
export async function imageOfDockerArchive(
  host: Host,
  files: SourceFiles,
  reference: string | undefined,
): Promise<Image> {
  const document = await readJson(host, files, 'manifest.json')
  if (!Array.isArray(document)) throw imageError(`${files.name}: manifest.json is not a list`)
  const {
    config: file,
    tags,
    layers: names,
  } = chosen(
    files,
    document.map((item) => rowOf(files, item)),
    reference,
  )
  const hex = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(file)?.[1]
  const digest = hex === undefined ? undefined : `sha256:${hex}`
  const config = checkedConfig(await readJson(host, files, file, { digest }), `${files.name}: ${file}`)
  const diffIds = diffIdsOf(config, `${files.name}: ${file}`)
  if (diffIds.length !== names.length)
    throw imageError(`${files.name}: manifest.json has ${names.length} layers, ${file} has ${diffIds.length}`)
  const layers: ImageLayer[] = []
  for (const [at, name] of names.entries())
    layers.push({ path: await layerPath(files, name), diffId: hexOf(diffIds[at], `${files.name}: diff_ids[${at}]`) })
  return { config, layers, reference: tags[0] }
}

function rowOf(files: SourceFiles, item: unknown): Row {
  const layers = isObject(item) ? stringList(item.Layers) : undefined
  if (!isObject(item) || typeof item.Config !== 'string' || layers === undefined)
    throw imageError(`${files.name}: manifest.json has an item without Config and Layers`)
  return { config: item.Config, tags: stringList(item.RepoTags) ?? [], layers }
}

function chosen(files: SourceFiles, rows: readonly Row[], reference: string | undefined): Row {
  const names = rows.map(({ tags, config }) => tags[0] ?? config).join(', ')
  if (reference === undefined) {
    if (rows.length === 1) return rows[0]!
    if (rows.length === 0) throw imageError(`${files.name}: manifest.json names no image`)
    throw imageError(`${files.name} has several images`, `name one after a colon: there are ${names}`)
  }
  const wanted = normalReference(reference)
  const row = rows.find(
    ({ tags, config }) => config === reference || tags.some((tag) => normalReference(tag) === wanted),
  )
  if (row === undefined) throw imageError(`${files.name}: no image is called ${reference}`, `there are ${names}`)
  return row
}

async function layerPath(files: SourceFiles, name: string): Promise<string> {
  const path = await files.path(name)
  if (path === undefined) throw imageError(`${files.name}: the layer ${name} is missing`)
  return path
}

/** No image has as many layers. */
const maxLayers = 500

/** An archive of Docker before 1.10: a directory for each layer, which names its parent. @throws RuntError `INVALID_IMAGE` */
export async function imageOfOldDockerArchive(
  host: Host,
  files: SourceFiles,
  reference: string | undefined,
): Promise<Image> {
  const document = await readJson(host, files, 'repositories')
  const tags = new Map<string, string>()
  for (const [name, ids] of Object.entries(isObject(document) ? document : {}))
    for (const [tag, id] of Object.entries(stringMap(ids))) tags.set(`${name}:${tag}`, id)
  const known = [...tags.keys()].join(', ')
  if (tags.size === 0) throw imageError(`${files.name}: repositories names no image`)
  if (reference === undefined && new Set(tags.values()).size > 1)
    throw imageError(`${files.name} has several images`, `name one after a colon: there are ${known}`)
  const wanted = reference === undefined ? undefined : normalReference(reference)
  const found = [...tags].find(([name]) => wanted === undefined || normalReference(name) === wanted)
  if (found === undefined) throw imageError(`${files.name}: no image is called ${reference}`, `there are ${known}`)

  const [name, top] = found
  const config = checkedConfig(await readJson(host, files, `${top}/json`), `${files.name}: ${top}/json`)
  const layers: ImageLayer[] = []
  let id: unknown = top
  while (typeof id === 'string' && id !== '') {
    if (layers.length === maxLayers) throw imageError(`${files.name}: the image has more than ${maxLayers} layers`)
    layers.unshift({ path: await layerPath(files, `${id}/layer.tar`) })
    const layer: unknown = await readJson(host, files, `${id}/json`)
    id = isObject(layer) ? layer.parent : undefined
  }
  return { config, layers, reference: name }
}
