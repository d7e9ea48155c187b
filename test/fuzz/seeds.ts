/** Writes what the fuzzers of native/fuzz begin with: `node --import tsx test/fuzz/seeds.ts`. What they found themselves has other names. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { constants, gzipSync } from 'node:zlib'
import { compileCreate } from '../../src/compiler/create.ts'
import { encodePlan } from '../../src/plan/wire.ts'
import { defaultSpec } from '../../src/spec/default.ts'
import { fileCapability, tar } from '../integration/tar.ts'
import { facts } from '../unit/compiler/sample.ts'

const here = fileURLToPath(new URL('.', import.meta.url))

function seed(fuzzer: string, name: string, content: Uint8Array): void {
  mkdirSync(`${here}${fuzzer}`, { recursive: true })
  writeFileSync(`${here}${fuzzer}/seed-${name}`, content)
}

seed('plan', 'default', encodePlan(compileCreate(defaultSpec(), facts).plan))

const kinds = tar(
  { name: './', type: '5', mode: 0o751 },
  { name: 'bin/', type: '5', mtime: 1500.5 },
  { name: 'bin/su', mode: 0o4755, uid: 70_000, content: 'su' },
  { name: 'bin/ping', content: 'ping', pax: { 'SCHILY.xattr.security.capability': fileCapability(1 << 13) } },
  { name: 'bin/ping6', type: '1', link: 'bin/ping' },
  { name: 'sh', type: '2', link: '/bin/su' },
  { name: 'fifo', type: '6' },
  { name: 'null', type: '3', device: [1, 3] },
  { name: 'a/b/c', content: 'x' },
)
seed('archive', 'kinds', kinds)
seed('archive', 'gzip', gzipSync(kinds, { strategy: constants.Z_FIXED }))
seed(
  'archive',
  'hostile',
  tar(
    { name: 'd', type: '2', link: '../outside' },
    { name: 'd/canary', content: 'y' },
    { name: 'd/../../outside/canary', type: '1', link: '../outside/canary' },
    { name: '.wh.d', content: '' },
    { name: 'e/.wh..wh..opq' },
    { name: '/abs/.wh.x' },
  ),
)
seed(
  'archive',
  'pax',
  tar({
    name: 'sparse',
    content: '1\n0\n1\n' + '\0'.repeat(506) + 'x',
    pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 's', 'GNU.sparse.realsize': '4096' },
  }),
)

/** Records of native/addon/archive_records.h. */
function record(kind: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const head = Buffer.alloc(8)
  head.writeUInt32LE(kind)
  head.writeUInt32LE(content.length, 4)
  return Buffer.concat([head, content])
}

const u32 = (value: number) => Buffer.from(new Uint32Array([value]).buffer)
const u64 = (value: number) => Buffer.from(new BigInt64Array([BigInt(value)]).buffer)
const text = (value: string) => Buffer.concat([u32(value.length), Buffer.from(value)])

function entry(type: number, path: string, { size = 0, link = '', symlink = '', xattrs = 0 } = {}): Buffer {
  const numbers = [u32(type), u32(0o644), u64(1), u64(2), u64(size), u64(1e9), u32(5), u32(1), u32(3)]
  const attributes = Array.from({ length: xattrs }, () => [text('user.a'), text('b')]).flat()
  const names = [text(path), text(link), text(symlink), u32(xattrs), ...attributes]
  return record(1, ...numbers, u32(link === '' ? 0 : 1), ...names)
}

const [file, directory, symlink, device] = [0o100000, 0o040000, 0o120000, 0o020000] as const
seed(
  'records',
  'kinds',
  Buffer.concat([
    entry(directory, 'd'),
    entry(file, 'd/f', { size: 9, xattrs: 1 }),
    record(2, u64(4), Buffer.from('hello')),
    record(3),
    entry(file, 'd/g', { link: 'd/f' }),
    entry(symlink, 'up', { symlink: '../outside' }),
    entry(device, 'null'),
    entry(file, '.wh.d'),
    record(3),
    record(4),
  ]),
)
seed(
  'records',
  'hostile',
  Buffer.concat([
    entry(symlink, 'up', { symlink: '../outside' }),
    entry(file, 'up/canary', { size: 1 }),
    record(2, u64(0), Buffer.from('y')),
    record(3),
    entry(file, 'x', { link: 'up/canary' }),
    record(4),
  ]),
)

/** A message of native/common/protocol.h, behind the number of descriptors that come with it. */
function message(descriptors: number, type: number, value: number, error = 0, ...parts: string[]): Buffer {
  const [call = '', subject = '', detail = ''] = parts
  const numbers = [type, value, error, call.length, subject.length, detail.length].map(u32)
  return Buffer.concat([Buffer.from([descriptors]), ...numbers, Buffer.from(call + subject + detail)])
}
seed('messages', 'reached', message(0, 1, 3))
seed('messages', 'forked', message(0, 3, 7))
seed('messages', 'descriptor', message(1, 4, 0, 0, '', 'console'))
seed('messages', 'too-many', message(4, 4, 0, 0, '', 'console'))
seed('messages', 'failed', message(0, 5, 12, 2, 'execve', '/bin/sh', '#!/bin/none\n'))
seed('messages', 'listener', message(0, 6, 9))

const u16 = (value: number) => Buffer.from(new Uint16Array([value]).buffer)
const padded = (bytes: Buffer, to: number) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & (to - 1))])
const attribute = (type: number, value: Buffer) => padded(Buffer.concat([u16(4 + value.length), u16(type), value]), 4)

/** rtnetlink(7): a message that answers the request of this number. */
function netlink(type: number, flags: number, sequence: number, ...body: Buffer[]): Buffer {
  const content = Buffer.concat(body)
  const header = [u32(16 + content.length), u16(type), u16(flags), u32(sequence), u32(0)]
  return padded(Buffer.concat([...header, content]), 4)
}
const datagram = (...parts: Buffer[]) => {
  const content = Buffer.concat(parts)
  return Buffer.concat([u16(content.length), content])
}
const [newLink, newAddress, done, failure] = [16, 20, 3, 2] as const
const link = Buffer.concat([u16(0), u16(1), u32(2), u32(1), u32(0)])
seed(
  'netlink',
  'link',
  Buffer.concat([Buffer.from([0]), datagram(netlink(newLink, 0, 1, link, attribute(3, Buffer.from('eth0\0'))))]),
)
const address = (family: number, flags: number, scope: number, bytes: number[]) =>
  netlink(
    newAddress,
    2,
    1,
    Buffer.from([family, 24, flags, scope]),
    u32(2),
    attribute(1, Buffer.from(bytes)),
    attribute(2, Buffer.from(bytes)),
    attribute(8, u32(flags | 0x200)),
    attribute(6, Buffer.alloc(16, 255)),
  )
const acknowledged = (sequence: number) => netlink(failure, 0x100, sequence, u32(0), Buffer.alloc(16))
seed(
  'netlink',
  'addresses',
  Buffer.concat([
    Buffer.from([1]),
    datagram(address(2, 0x80, 0, [10, 0, 0, 1]), address(10, 0x80, 0, [0xfd, ...Array<number>(14).fill(0), 1])),
    datagram(netlink(done, 2, 1, u32(0))),
    datagram(acknowledged(2)),
    datagram(acknowledged(3)),
  ]),
)
seed('netlink', 'interrupted', Buffer.concat([Buffer.from([1]), datagram(netlink(newAddress, 0x12, 1))]))
seed(
  'netlink',
  'refused',
  Buffer.concat([
    Buffer.from([2]),
    datagram(netlink(failure, 0x300, 1, u32(-17 >>> 0), Buffer.alloc(16), attribute(1, Buffer.from('exists\0')))),
  ]),
)

seed('notify', 'ready', Buffer.concat([datagram(Buffer.from('STATUS=a\nREADY=1\n')), datagram(Buffer.from('READY=1'))]))
seed('notify', 'not-ready', Buffer.concat([datagram(Buffer.from('XREADY=1\nREADY=10\nMAINPID=1')), datagram()]))

seed('cgroup', 'processes', Buffer.from('1\n4194304\n0\n'))
seed('cgroup', 'odd', Buffer.from('1 2\n-3\n'))

const passwd = 'root:x:0:0::/root:/bin/sh\n# no user\na:x:1:x\n:::\nb:x:00070000:0::/home/b\nc:x:70000:0::\n'
seed('home', 'passwd', Buffer.concat([u32(70_000), Buffer.from(passwd)]))
seed('home', 'root', Buffer.concat([u32(0), Buffer.from(passwd)]))

seed(
  'tar',
  'file',
  Buffer.concat([Buffer.from([0]), Buffer.alloc(40, 9), Buffer.from('a/b/ä/name that is long '.repeat(9))]),
)
seed(
  'tar',
  'link',
  Buffer.concat([Buffer.from([2]), Buffer.alloc(26, 1), u16(3), Buffer.from('a/b'), u16(120), Buffer.alloc(120, 0x80)]),
)

for (let call = 0; call < 4; call++)
  for (const allThatFollow of [0, 1])
    seed('memory', `${call}-${allThatFollow}`, Buffer.from([call, allThatFollow, ...Buffer.from('häl\xff')]))

seed('text', 'json', Buffer.from('\x20["a", 1, 2147483648, true, null, {"b": 1e400}, "\\u0000"]'))
seed(
  'text',
  'utf8',
  Buffer.concat([Buffer.from([7]), Buffer.from('ä€😀\ufeff'), Buffer.from([0xed, 0xa0, 0x80, 0xf4, 0x90])]),
)
seed('text', 'number', Buffer.from('\x00-0.5e-1'))

/** A message of D-Bus: the header's fields by their numbers, each with its type, and a body. */
function dbus(
  type: number,
  fields: [number, string, string | number][],
  signature = '',
  body = Buffer.alloc(0),
): Buffer {
  let header = Buffer.alloc(0)
  const all: [number, string, string | number][] = signature === '' ? fields : [...fields, [8, 'g', signature]]
  for (const [code, kind, value] of all) {
    const start = padded(header, 8)
    const value_ = typeof value === 'number' ? u32(value) : kind === 'g' ? short(value) : dbusString(value)
    header = Buffer.concat([start, Buffer.from([code, 1, kind.charCodeAt(0), 0]), value_])
  }
  const fixed = [Buffer.from(['l'.charCodeAt(0), type, 1, 1]), u32(body.length), u32(5), u32(header.length)]
  return Buffer.concat([padded(Buffer.concat([...fixed, header]), 8), body])
}
const short = (value: string) => Buffer.from(`${String.fromCharCode(value.length)}${value}\0`)
const dbusString = (value: string) => Buffer.concat([u32(value.length), Buffer.from(`${value}\0`)])
const job = '/org/freedesktop/systemd1/job/7'
const answer = dbus(2, [[5, 'u', 1]], 'o', dbusString(job))
const removed = dbus(
  4,
  [
    [1, 'o', '/org/freedesktop/systemd1'],
    [2, 's', 'org.freedesktop.systemd1.Manager'],
    [3, 's', 'JobRemoved'],
  ],
  'uoss',
  Buffer.concat([u32(7), padded(dbusString(job), 4), padded(dbusString('a.scope'), 4), dbusString('done')]),
)
seed('systemd', 'job', Buffer.concat([Buffer.from([0]), answer, removed]))
seed('systemd', 'job-first', Buffer.concat([Buffer.from([0]), removed, answer]))
seed('systemd', 'answer', Buffer.concat([Buffer.from([2]), answer]))
const error: [number, string, string | number][] = [
  [4, 's', 'org.freedesktop.systemd1.NoSuchUnit'],
  [5, 'u', 1],
]
seed('systemd', 'error', Buffer.concat([Buffer.from([2]), dbus(3, error, 's', dbusString('not loaded'))]))
const variant = Buffer.concat([short('s'), Buffer.alloc(1), dbusString('/user.slice')])
seed('systemd', 'property', Buffer.concat([Buffer.from([1]), dbus(2, [[5, 'u', 1]], 'v', variant)]))
seed('systemd', 'greeting', Buffer.from('\x04DATA\r\nOK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n'))
seed('systemd', 'hello', Buffer.concat([Buffer.from([8]), dbus(2, [[5, 'u', 1]], 's', dbusString(':1.7'))]))
