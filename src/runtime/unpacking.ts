/** What `unpack` is asked, and what it tells. */

/** What `unpack` is asked. */
export interface UnpackRequest {
  /** An OCI image layout, as a directory or a tar, or an archive of `docker save`; `-` is standard input. With `:NAME`, one of several images. */
  image: string
  /** Directory of the bundle, made where it is missing; it must not have a config.json. */
  bundle: string
  /** Directory of the store. Default: `/var/lib/runt`, or without root `$XDG_DATA_HOME/runt` of the context's `env`. */
  store?: string | undefined
  /** `os/architecture[/variant]`, as `linux/arm64`. Default: this machine's. */
  platform?: string | undefined
  /** Give the program a terminal. */
  terminal?: boolean | undefined
  /** Of a layer's archive. Default: 1,000,000. */
  maxEntries?: number | undefined
  /** Bytes of a layer's archive, decompressed. Default: 64 GiB. */
  maxBytes?: number | undefined
}

/** How far `unpack` is. */
export interface UnpackProgress {
  /** The archive that is read before the layers can be told apart, or a layer, counted from 0. */
  part: 'archive' | number
  /** Of all layers; 0 while they are not known. */
  layers: number
  /** Bytes of the part that were read, and that there are; undefined where nobody can tell. */
  read: number
  size: number | undefined
  /** `stored`: the store had it. */
  state: 'working' | 'done' | 'stored'
}

/** What `unpack` made. */
export interface UnpackedBundle {
  /** Absolute. */
  bundle: string
  /** Chain ids, the lowest first. */
  layers: readonly string[]
  /** How many of them the store had. */
  stored: number
  /** The image's name in its source. */
  reference: string | undefined
}
