/** Which kind of source it is, and the image in it. Knows no store: an archive is spooled by whoever asks. */
import type { Host } from '../host/host.ts'
import { imageOfDockerArchive, imageOfOldDockerArchive } from './docker-archive.ts'
import { imageError, type SourceFiles } from './files.ts'
import type { Image } from './image.ts'
import { imageOfLayout, type Wanted } from './layout.ts'

/** `-` is standard input. */
export interface SourceName {
  path: string
  reference: string | undefined
}

/**
 * `PATH[:REFERENCE]`: both may have colons, so the longest path that exists counts.
 * @throws RuntError `INVALID_IMAGE` where none does
 */
export async function parseSource(host: Host, text: string, absolute: (path: string) => string): Promise<SourceName> {
  if (text === '-' || text.startsWith('-:')) return { path: '-', reference: text.slice(2) || undefined }
  for (let end = text.length; end > 0; end = text.lastIndexOf(':', end - 1)) {
    const path = absolute(text.slice(0, end))
    if ((await host.files.status(path)) !== undefined) return { path, reference: text.slice(end + 1) || undefined }
  }
  throw imageError(
    `${text}: no such file or directory`,
    'an image is an OCI layout (a directory or a tar) or what "docker save" writes; - is standard input',
  )
}

/** @throws RuntError `INVALID_IMAGE` */
export async function findImage(host: Host, files: SourceFiles, wanted: Wanted): Promise<Image> {
  const has = async (name: string) => (await files.path(name)) !== undefined
  if ((await has('oci-layout')) && (await has('index.json'))) return imageOfLayout(host, files, wanted)
  if (await has('manifest.json')) return imageOfDockerArchive(host, files, wanted.reference)
  if (await has('repositories')) return imageOfOldDockerArchive(host, files, wanted.reference)
  throw imageError(
    `${files.name} is no image: it has neither oci-layout nor manifest.json`,
    'an image is an OCI layout (a directory or a tar) or what "docker save" writes',
  )
}
