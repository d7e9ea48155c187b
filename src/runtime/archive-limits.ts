/** How much is taken of an archive, or put into one, where the caller sets no limits of their own. */
export interface ArchiveLimits {
  /** Files, directories and all else that has a name. */
  maxEntries: number
  /** Of contents, in bytes. */
  maxBytes: number
}

const defaults: ArchiveLimits = { maxEntries: 1_000_000, maxBytes: 64 * 2 ** 30 }

/** The limits of a request, the default ones where it has none. */
export function archiveLimits({
  maxEntries = defaults.maxEntries,
  maxBytes = defaults.maxBytes,
}: {
  [name in keyof ArchiveLimits]?: number | undefined
}): ArchiveLimits {
  return { maxEntries, maxBytes }
}
