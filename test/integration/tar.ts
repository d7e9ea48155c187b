/** Archives in the tar format, byte by byte: also those that no tool would write. */

export interface TarEntry {
  name: string | Buffer
  /** Of the header: '0' file, '1' hard link, '2' symlink, '3' and '4' devices, '5' directory, '6' fifo. */
  type?: string
  mode?: number
  uid?: number
  gid?: number
  /** Seconds; with a fraction it goes to a pax header. */
  mtime?: number
  link?: string | Buffer
  content?: string | Buffer
  /** Of the header, where it is not the content's. */
  size?: number
  device?: [number, number]
  /** Records of an extended header before it. */
  pax?: Record<string, string | Buffer>
}

/** An archive, with the two blocks of zeros at its end. */
export function tar(...entries: TarEntry[]): Buffer {
  return Buffer.concat([...entries.map(entryOf), Buffer.alloc(1024)])
}

function entryOf(entry: TarEntry): Buffer {
  const { pax = {}, ...rest } = entry
  const records = { ...pax }
  if (entry.mtime !== undefined && !Number.isInteger(entry.mtime)) records.mtime = String(entry.mtime)
  if (Buffer.from(entry.name).length > 100) records.path = entry.name
  if (entry.link !== undefined && Buffer.from(entry.link).length > 100) records.linkpath = entry.link
  const list = Object.entries(records).map(([key, value]) => paxRecord(key, Buffer.from(value)))
  const extended = list.length === 0 ? [] : [plainEntry({ name: 'pax', type: 'x', content: Buffer.concat(list) })]
  return Buffer.concat([...extended, plainEntry(rest)])
}

/** `LENGTH KEY=VALUE\n`, where LENGTH counts itself. */
function paxRecord(key: string, value: Buffer): Buffer {
  const bare = Buffer.byteLength(key) + value.length + 3
  let length = bare + String(bare).length
  length = bare + String(length).length
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')])
}

function plainEntry(entry: TarEntry): Buffer {
  const { type = '0', mode = type === '5' ? 0o755 : 0o644, uid = 0, gid = 0, mtime = 1_000_000_000 } = entry
  const content = Buffer.from(entry.content ?? '')
  const header = Buffer.alloc(512)
  const text = (value: string | Buffer, at: number, size: number) => Buffer.from(value).copy(header, at, 0, size)
  const octal = (value: number, at: number, size: number) => text(value.toString(8).padStart(size - 1, '0'), at, size)
  text(entry.name, 0, 100)
  octal(mode, 100, 8)
  octal(uid, 108, 8)
  octal(gid, 116, 8)
  octal(entry.size ?? content.length, 124, 12)
  octal(Math.floor(mtime), 136, 12)
  text('        ', 148, 8)
  text(type, 156, 1)
  text(entry.link ?? '', 157, 100)
  text('ustar\u000000', 257, 8)
  octal(entry.device?.[0] ?? 0, 329, 8)
  octal(entry.device?.[1] ?? 0, 337, 8)
  const sum = header.reduce((total, byte) => total + byte, 0)
  text(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8)
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)])
}

/** struct vfs_ns_cap_data of revision 2 (capabilities(7)) with these permitted capabilities, effective. */
export function fileCapability(permitted: number): Buffer {
  const data = Buffer.alloc(20)
  data.writeUInt32LE(0x02000001, 0)
  data.writeUInt32LE(permitted, 4)
  return data
}
