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
