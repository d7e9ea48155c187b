/** `diff`: what a container changed in the layers of its root. Loaded only for that. */
import { textOf, utf8 } from '../bytes.ts'
import { archiveLimits } from './archive-limits.ts'
import type { Context } from './context.ts'
import { checkStillThere, explainedUpper, findUpper, refusedUpper, stepTime } from './upper.ts'

/** What `diff` is asked. */
export interface DiffRequest {
  /** The container's. */
  id: string
  /** Names that are looked at, at most. Default: 1,000,000. */
  maxEntries?: number | undefined
}

/** Something that a container changed. */
export interface Change {
  /** `changed`: its content, its attributes, or something below it. */
  kind: 'added' | 'changed' | 'deleted'
  /** Absolute, in the container. What is not UTF-8 is U+FFFD. */
  path: string
  /** The path as it is, where it is not UTF-8. */
  bytes?: Uint8Array
}

const kinds: Readonly<Record<string, Change['kind']>> = { A: 'added', C: 'changed', D: 'deleted' }

/**
 * What a container changed against the layers of its root (docs/layers.md), a directory before what is in it, names by their bytes.
 * Of what was deleted only the top is told. A file that was opened for writing, and is what it was, is not told. The container may be
 * created, running or stopped; one that goes on changes while it is looked at. Needs root.
 * @param onChanges called with some changes at a time
 * @throws StateError `NOT_FOUND`, or `DELETED` where the container was deleted meanwhile; RuntError `NO_LAYERS` or `NO_UPPER` where its changes
 * are not on the disk, `UPPER_REFUSED` where there are too many, or too deep ones (more than 200 directories), or an errno's code
 */
export async function diff(
  request: DiffRequest,
  context: Context,
  onChanges: (changes: readonly Change[]) => void | Promise<void>,
): Promise<void> {
  const { archives } = context.host
  const { id } = request
  const what = `compare container ${id}`
  const upper = await findUpper(id, what, context)
  try {
    const { directory, layers } = upper
    const { maxEntries } = archiveLimits(request)
    const work = await archives.changes({ directory, layers, maxEntries })
    if (typeof work !== 'number') throw refusedUpper(what, work)
    try {
      for (let done = false; !done;) {
        const part = await archives.changesStep(work, stepTime)
        if (part.refused !== undefined) throw refusedUpper(what, part)
        done = part.done
        if (part.changes.length > 0) await onChanges(decodeChanges(part.changes))
      }
    } finally {
      await archives.changesClose(work)
    }
  } catch (error) {
    throw await explainedUpper(what, error)
  }
  await checkStillThere(upper, id, what, context)
}

/** Of a part that the host has told. */
export function decodeChanges(bytes: Uint8Array): Change[] {
  return decodeRecords(bytes).map(([kind, name]) => ({ kind: kinds[kind]!, ...name }))
}

/** A letter, a name and a NUL, again and again. */
export function decodeRecords(bytes: Uint8Array): [string, Pick<Change, 'path' | 'bytes'>][] {
  const records: [string, Pick<Change, 'path' | 'bytes'>][] = []
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0, start)
    records.push([String.fromCharCode(bytes[start]!), nameOf(bytes.subarray(start + 1, end))])
    start = end + 1
  }
  return records
}

function nameOf(bytes: Uint8Array): Pick<Change, 'path' | 'bytes'> {
  const path = textOf(bytes)
  const same = utf8(path)
  const whole = same.length === bytes.length && same.every((byte, at) => byte === bytes[at])
  return whole ? { path } : { path, bytes: bytes.slice() }
}
