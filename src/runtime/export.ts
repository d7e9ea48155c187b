/** `export --layer`: what a container changed, as a layer of an image. Loaded only for that. */
import { UsageError } from '../errors.ts'
import { archiveLimits } from './archive-limits.ts'
import { absolute, type Context } from './context.ts'
import { decodeRecords } from './diff.ts'
import { checkStillThere, explainedUpper, findUpper, refusedUpper, stepTime } from './upper.ts'

/** What `exportLayer` is asked. */
export interface ExportRequest {
  /** The container's. */
  id: string
  /** File that is written, whole or not at all, of mode 0600; `-` is standard output. */
  output: string
  /** Default: `none`. */
  compress?: 'none' | 'gzip' | 'zstd' | undefined
  /** Names that are looked at, at most. Default: 1,000,000. */
  maxEntries?: number | undefined
  /** Bytes of the layer, uncompressed. Default: 64 GiB. */
  maxBytes?: number | undefined
}

/** A layer that was exported: what a manifest and an image's configuration say of it (image-spec, descriptor.md and config.md). */
export interface ExportedLayer {
  mediaType: string
  /** `sha256:…`: of what was written. */
  digest: string
  /** Bytes that were written. */
  size: number
  /** `sha256:…`: of the tar. */
  diffId: string
}

const standardOutput = 1
const mediaType = 'application/vnd.oci.image.layer.v1.tar'
const suffixes = { none: '', gzip: '+gzip', zstd: '+zstd' }

const sentences: Readonly<Record<string, string>> = {
  S: 'is a socket, which no layer can have',
  W: 'has a name that means a deleted file in layers',
  X: 'has an attribute whose name cannot be written in a tar, for its "="',
  G: 'became shorter while it was read: zeros stand in its place',
}

/**
 * Writes what a container changed in the layers of its root (docs/layers.md) as a layer (image-spec, layer.md): a pax archive with
 * times in nanoseconds, extended attributes, hard links and devices, deleted files as whiteouts. The same changes are the same bytes.
 * The container may be created, running or stopped; one that goes on changes while it is read. What no layer can have is left
 * out with a warning in the context's log. Needs root; to compress, libarchive.
 * @throws StateError `NOT_FOUND`, or `DELETED` where the container was deleted meanwhile; RuntError `NO_LAYERS` or `NO_UPPER` where its changes
 * are not on the disk, `UPPER_REFUSED` where they are too many, too large or too deep (more than 200 directories), `NO_LIBARCHIVE`, or an
 * errno's code. No file is left then; what standard output got is not whole.
 */
export async function exportLayer(request: ExportRequest, context: Context): Promise<ExportedLayer> {
  const { archives } = context.host
  const { id, output, compress = 'none' } = request
  if (output === '') throw new UsageError('--output must not be empty', { origin: '--output' })
  const what = `export container ${id}`
  const upper = await findUpper(id, what, context)
  try {
    const work = await archives.export({
      directory: upper.directory,
      target: output === '-' ? { fd: standardOutput } : { path: absolute(context.globals, output) },
      compression: compress,
      ...archiveLimits(request),
    })
    if (typeof work !== 'number') throw refusedUpper(what, work)
    try {
      for (let done = false; !done;) {
        const part = await archives.exportStep(work, stepTime)
        if (part.refused !== undefined) throw refusedUpper(what, part)
        done = part.done
        await warn(part.skipped, context)
        if (done && part.skippedMore > 0) await context.log?.warn(`${part.skippedMore} more files are left out`)
      }
      await checkStillThere(upper, id, what, context)
      const { digest, diffId, size } = await archives.exportFinish(work)
      return {
        mediaType: mediaType + suffixes[compress],
        digest: `sha256:${digest}`,
        size,
        diffId: `sha256:${diffId}`,
      }
    } finally {
      await archives.exportClose(work)
    }
  } catch (error) {
    throw await explainedUpper(what, error)
  }
}

async function warn(skipped: Uint8Array, { log }: Context): Promise<void> {
  for (const [kind, { path }] of decodeRecords(skipped))
    await log?.warn(`${JSON.stringify(`/${path}`)} ${sentences[kind] ?? ''}`)
}
