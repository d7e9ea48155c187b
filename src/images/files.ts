/** The files of an image's source: of a directory, or of an archive that was spooled. */
import { utf8Length } from '../bytes.ts'
import { RuntError } from '../errors.ts'
import type { Host, SpooledFile } from '../host/host.ts'

/** image-spec, descriptor.md and manifest.md recommend this limit for what is parsed. */
export const maxJsonBytes = 4 << 20

/** Names count from the source's root and have no `..`. */
export interface SourceFiles {
  /** What the user called it, for errors. */
  readonly name: string
  /** The path on the host of a file; undefined where there is none. */
  path(name: string): Promise<string | undefined>
}

/** The files below a directory. */
export function filesOfDirectory(host: Host, directory: string): SourceFiles {
  return {
    name: directory,
    path: async (name) => {
      const path = `${directory}/${name}`
      return (await host.files.status(path))?.type === 'file' ? path : undefined
    },
  }
}

/** More links than this in a row are a loop. */
const maxLinks = 8

/** The files of an archive, which lie by number in a directory. */
export function filesOfArchive(name: string, directory: string, list: readonly SpooledFile[]): SourceFiles {
  // The last one of a name counts, as when the archive is unpacked.
  const byName = new Map(list.map((file) => [inside('', file.name), file]))
  return {
    name,
    path: (wanted) => {
      let at = inside('', wanted)
      for (let links = 0; links < maxLinks; links++) {
        const file = byName.get(at)
        if (file === undefined) break
        if (file.link === '') return Promise.resolve(`${directory}/${file.file}`)
        at = inside(at.includes('/') ? at.slice(0, at.lastIndexOf('/')) : '', file.link)
      }
      return Promise.resolve(undefined)
    },
  }
}

/** `name`, as seen from a directory of the archive, without `.` and `..`. */
function inside(directory: string, name: string): string {
  const parts: string[] = []
  for (const part of (name.startsWith('/') ? name : `${directory}/${name}`).split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

/** What is wrong with a source; all of them have the same code and origin. */
export function imageError(message: string, hint?: string, cause?: unknown): RuntError {
  return new RuntError('INVALID_IMAGE', message, { origin: '--image', hint, cause })
}

/**
 * The JSON document in a file.
 * @param digest `sha256:…` that it must have
 * @throws RuntError `INVALID_IMAGE`
 */
export async function readJson(
  host: Host,
  files: SourceFiles,
  name: string,
  expected: { digest?: string | undefined; size?: number | undefined } = {},
): Promise<unknown> {
  const path = await files.path(name)
  if (path === undefined) throw imageError(`${files.name}: ${name} is missing`)
  const text = await readLimited(host, files, name, path)
  const { digest, size } = expected
  const length = utf8Length(text)
  if (size !== undefined && length !== size)
    throw imageError(`${files.name}: ${name} has ${length} bytes, not the ${size} that are told`)
  const found = digest === undefined ? undefined : `sha256:${await host.seccomp.digest(text)}`
  if (found !== digest) throw imageError(`${files.name}: ${name} has the digest ${found}, not ${digest}`)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw imageError(`${files.name}: ${name} is not JSON: ${(error as Error).message}`, undefined, error)
  }
}

async function readLimited(host: Host, files: SourceFiles, name: string, path: string): Promise<string> {
  try {
    return await host.files.readText(path, maxJsonBytes)
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EFBIG') throw error
    throw imageError(`${files.name}: ${name} is larger than ${maxJsonBytes} bytes`, undefined, error)
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The strings of a list; undefined where it is none. */
export function stringList(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined
}

/** An object whose values are strings; others are left out. */
export function stringMap(value: unknown): Record<string, string> {
  if (!isObject(value)) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}

const sha256Pattern = /^sha256:([0-9a-f]{64})$/

/** The hexadecimal part of a digest. @throws RuntError where it is of another algorithm, or none */
export function hexOf(digest: unknown, where: string): string {
  const hex = typeof digest === 'string' ? sha256Pattern.exec(digest)?.[1] : undefined
  if (hex !== undefined) return hex
  throw imageError(`${where}: ${JSON.stringify(digest)} is no digest of SHA-256`, 'other algorithms are not supported')
}
