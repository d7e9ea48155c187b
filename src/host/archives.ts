/** Archives of images, as the host takes them apart: a part of `Host`. */

type Awaitable<T> = T | Promise<T>

/** Why an archive, or an entry of it, is not taken. */
export interface Refusal {
  kind:
    /** The bytes are not what they are compressed as; `detail` is libarchive's. */
    | 'compression'
    /** Not a tar, or a damaged one; `detail` is libarchive's. */
    | 'tar'
    /** The process that took the archive apart `detail`: it died, or said what none says that is in order. */
    | 'parser'
    /** More than so many entries (and directories that none of them names), bytes of names that are kept, or bytes: `detail`. */
    | 'entries'
    | 'names'
    | 'bytes'
    /** The name leads out of the root. */
    | 'outside'
    | 'no-name'
    /** Longer, or deeper, than `detail`. */
    | 'name-length'
    | 'path-length'
    | 'depth'
    /** `detail`, above the entry, is no directory, a symlink to nothing, or a loop of symlinks. */
    | 'parent-type'
    | 'parent-dangling'
    | 'parent-loop'
    /** A whiteout that hides nothing, or another name that is reserved for them. */
    | 'whiteout'
    /** A character device 0:0, which is a whiteout to overlayfs. */
    | 'whiteout-device'
    /** A hard link to `detail`, which is not there or a directory. */
    | 'link-target'
    /** A symlink to nothing. */
    | 'symlink'
    /** The root is no directory. */
    | 'root'
    /** No kind of file that an image can have. */
    | 'type'
    /** User and group `detail` are out of range. */
    | 'owner'
    /** The extended attribute `detail` is overlayfs's. */
    | 'xattr'
  /** Of the entry, as the archive has it; '' where it is about the whole. */
  name: string
  detail: string
}

/** An archive that is being taken apart. It is closed when it is collected, if not before. */
export interface ArchiveWork {
  readonly archiveWork?: never
}

/** The archive was not taken. */
export interface Refused {
  refused: Refusal
  done?: undefined
}

/** How far an archive is. */
export interface ArchiveProgress {
  done: boolean
  /** Bytes of the source, as it is compressed. */
  read: number
  /** Bytes of tar. */
  unpacked: number
  entries: number
  refused?: undefined
}

/** A file in a spooled archive. */
export interface SpooledFile {
  /** As the archive has it. */
  name: string
  /** Its name in the directory, a number; -1 for a link. */
  file: number
  /** Bytes. */
  size: number
  /** Of a link, its target, '/' and a path of the archive for a hard link; '' for a file. */
  link: string
}

/** What an archive was, once it is done. */
export interface ArchiveSums {
  /** SHA-256 of the source's bytes, in hexadecimal. */
  digest: string
  /** SHA-256 of the tar. */
  diffId: string
  /** Of a spooled archive, in its order. */
  files?: readonly SpooledFile[]
  /** Of a layer: devices, and attributes, that could not be made without the rights to them, if there were any. */
  devices?: LeftOut
  attributes?: LeftOut
}

/** What of a layer is not there. */
export interface LeftOut {
  count: number
  /** The first one. */
  first: string
}

/** What whoever works on layers may do: `Rights` of native/addon/unpack_root.h. */
export type LayerRights =
  /** Everything: root of the machine. */
  | 0
  /** What root of a user namespace may: no devices, no attributes of the machine's, and overlayfs keeps its own as `user.overlay.…`. */
  | 1
  /** The same in one that has no ids but its root's: every file is root's. */
  | 2

export interface ArchiveLimits {
  maxEntries: number
  /** Of tar, after decompression. */
  maxBytes: number
}

export interface UnpackLayer extends ArchiveLimits {
  /** Descriptor of the archive, read from its position to its end; the caller closes it. */
  source: number
  /** Directories of the layers below, the topmost first, at most 500. */
  layers: readonly string[]
  /** Holds the empty directories `fs`, which becomes the layer, and `work`. */
  directory: string
  rights: LayerRights
}

/** What a container changed, where it is kept on the disk. */
export interface UpperRequest {
  /** Holds `upper`, the directory for changes of an overlay. Its container may be running. */
  directory: string
  /** Names that are looked at, at most. */
  maxEntries: number
}

export interface ChangesRequest extends UpperRequest {
  /** Directories of the layers below, the topmost first, at most 500. */
  layers: readonly string[]
}

/** A part of the changes. */
export interface ChangesPart {
  done: boolean
  /** One after the other: `A`, `C` or `D`, the bytes of an absolute path, a NUL. */
  changes: Uint8Array
  refused?: undefined
}

export interface ExportRequest extends UpperRequest {
  /** A file that is made, whole, by `exportFinish`, or a descriptor that is written to. */
  target: { path: string } | { fd: number }
  compression: 'none' | 'gzip' | 'zstd'
  /** Of tar. */
  maxBytes: number
}

/** How far an export is. */
export interface ExportPart {
  done: boolean
  entries: number
  /** Bytes of tar. */
  size: number
  /**
   * What the layer has not, since the last part, one after the other: a letter, the bytes of a relative path, a NUL. `S`: a socket.
   * `W`: a name that is a whiteout's in a layer. `X`: an attribute, in brackets, whose name has a `=`. `G`: a file's end, which was
   * gone when it was read.
   */
  skipped: Uint8Array
  /** Of all parts, how many more there were of them. */
  skippedMore: number
  refused?: undefined
}

/** What was exported. */
export interface ExportSums {
  /** SHA-256 of what was written, in hexadecimal. */
  digest: string
  /** SHA-256 of the tar. */
  diffId: string
  /** Bytes that were written. */
  size: number
}

/**
 * Archives of images: tar, plain or compressed by gzip or zstd. SystemError of `dlopen` where libarchive is missing, of `mount`
 * where layers cannot be mounted, and with the entry's name as `path` where an entry cannot be made.
 */
export interface Archives {
  /** A layer, on top of its parents, in the form that overlayfs has them in. No path leads out of it. */
  unpack(request: UnpackLayer): Awaitable<ArchiveWork | Refused>
  /** The regular files of an archive, by number, in a directory that is empty; undefined: nowhere, for the sums. */
  spool(source: number, directory: string | undefined, limits: ArchiveLimits): Awaitable<ArchiveWork | Refused>
  /** Works for so many milliseconds, or until it is done. */
  step(work: ArchiveWork, milliseconds: number): Awaitable<ArchiveProgress | Refused>
  /** After a step that was done: what remains is written to the disk (syncfs(2)). */
  finish(work: ArchiveWork): Awaitable<ArchiveSums>
  close(work: ArchiveWork): Awaitable<void>
  /**
   * Texts of regular files below a root that is made of layers, the topmost first; undefined where there is none. Links are followed
   * within the root. EFBIG for a larger one.
   */
  imageFiles(
    layers: readonly string[],
    paths: readonly string[],
    maxBytes: number,
    rights: LayerRights,
  ): Awaitable<(string | undefined)[]>
  /** What a container changed against its layers, in the order of a walk: a directory before what is in it, names by their bytes. The caller closes the work. */
  changes(request: ChangesRequest): Awaitable<number | Refused>
  changesStep(work: number, milliseconds: number): Awaitable<ChangesPart | Refused>
  changesClose(work: number): Awaitable<void>
  /** What a container changed as a layer (image-spec, layer.md), in the same order. The caller closes the work. */
  export(request: ExportRequest): Awaitable<number | Refused>
  exportStep(work: number, milliseconds: number): Awaitable<ExportPart | Refused>
  /** After a step that was done. */
  exportFinish(work: number): Awaitable<ExportSums>
  /** Without `exportFinish`, no file is left. */
  exportClose(work: number): Awaitable<void>
}
