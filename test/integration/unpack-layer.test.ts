/** What the addon makes of a layer's archive. The expected trees are those of the image specification (layer.md). */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { SystemError } from '../../src/errors.ts'
import { directHost } from '../../src/host/direct.ts'
import type { ArchiveSums, ArchiveWork, Refusal } from '../../src/host/host.ts'
import { fileCapability, tar, type TarEntry } from './tar.ts'

const { archives, files } = directHost()
const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')

/** Layers on a tmpfs, which can hold overlayfs's upper directories wherever the tests run. */
class Stack {
  readonly dir = mkdtempSync(path.join(tmpdir(), 'runt-layers-'))
  /** Directories of layers, the topmost first. */
  readonly layers: string[] = []

  constructor(t: ExecutionContext) {
    run('mount', '-t', 'tmpfs', 'layers', this.dir)
    t.teardown(() => {
      run('umount', '-l', this.dir)
      rmSync(this.dir, { recursive: true })
    })
  }

  /** Unpacks a layer on top of the others. */
  async add(archive: Buffer | TarEntry[], limits = { maxEntries: 10_000, maxBytes: 64 << 20 }): Promise<ArchiveSums> {
    const directory = path.join(this.dir, String(this.layers.length))
    mkdirSync(path.join(directory, 'fs'), { recursive: true })
    mkdirSync(path.join(directory, 'work'))
    const file = path.join(directory, 'layer.tar')
    writeFileSync(file, Buffer.isBuffer(archive) ? archive : tar(...archive))
    const source = openSync(file, 'r')
    try {
      const sums = await this.work(
        await archives.unpack({ source, layers: this.layers, directory, ...limits, rights: 0 }),
      )
      this.layers.unshift(path.join(directory, 'fs'))
      return sums
    } catch (error) {
      rmSync(directory, { recursive: true })
      throw error
    } finally {
      closeSync(source)
    }
  }

  private async work(work: ArchiveWork | { refused: Refusal }): Promise<ArchiveSums> {
    if ('refused' in work) throw new RefusedError(work.refused)
    try {
      for (;;) {
        const progress = await archives.step(work, 20)
        if (progress.refused !== undefined) throw new RefusedError(progress.refused)
        if (progress.done) return await archives.finish(work)
      }
    } finally {
      await archives.close(work)
    }
  }

  /** Path in the topmost layer's own directory. */
  top(name = ''): string {
    return path.join(this.layers[0]!, name)
  }

  /** All layers as a container would see them. */
  mounted(t: ExecutionContext): string {
    const target = path.join(this.dir, 'mounted')
    mkdirSync(target)
    run('mount', '-t', 'overlay', '-o', `lowerdir=${this.layers.join(':')}`, 'overlay', target)
    t.teardown(() => {
      run('umount', '-l', target)
    })
    return target
  }
}

class RefusedError extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(`${refusal.kind} ${refusal.name} ${refusal.detail}`)
    this.refusal = refusal
  }
}

function run(file: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${stderr}`)
  return stdout
}

async function refused(
  t: ExecutionContext,
  stack: Stack,
  archive: Buffer | TarEntry[],
  kind: Refusal['kind'],
  limits?: { maxEntries: number; maxBytes: number },
): Promise<Refusal> {
  const error = await t.throwsAsync(() => stack.add(archive, limits), { instanceOf: RefusedError })
  t.is(error.refusal.kind, kind, error.message)
  return error.refusal
}

test.serial('owners, modes, times, links, devices and attributes are as the archive has them', async (t) => {
  const stack = new Stack(t)
  await stack.add([
    { name: './', type: '5', mode: 0o751, uid: 3, gid: 4, mtime: 1234 },
    { name: 'bin/', type: '5', mode: 0o1777, mtime: 1500.5 },
    { name: 'bin/su', mode: 0o6755, uid: 1, gid: 70_000, mtime: 1_600_000_000.123456, content: 'su' },
    {
      name: 'bin/ping',
      content: 'ping',
      uid: 5,
      pax: { 'SCHILY.xattr.security.capability': fileCapability(1 << 13) },
    },
    { name: 'bin/ping6', type: '1', link: 'bin/ping', uid: 5 },
    { name: 'etc/made/for/it', content: 'x' },
    { name: 'sh', type: '2', link: '/bin/su', uid: 7, gid: 8, mtime: 99 },
    { name: 'out', type: '2', link: '../../../etc/passwd' },
    { name: 'fifo', type: '6', mode: 0o622 },
    { name: 'null', type: '3', mode: 0o666, device: [1, 3] },
    { name: 'loop', type: '4', mode: 0o660, gid: 6, device: [7, 200] },
    { name: 'empty' },
  ])
  const status = (name: string) => {
    const { mode, uid, gid, mtimeMs } = lstatSync(stack.top(name))
    return [(mode & 0o7777).toString(8), uid, gid, mtimeMs]
  }
  t.deepEqual(status(''), ['751', 3, 4, 1_234_000])
  t.deepEqual(status('bin'), ['1777', 0, 0, 1_500_500])
  t.deepEqual(status('bin/su').slice(0, 3), ['6755', 1, 70_000])
  t.is(lstatSync(stack.top('bin/su'), { bigint: true }).mtimeNs, 1_600_000_000_123_456_000n)
  t.deepEqual(status('etc/made'), ['755', 0, 0, 0])
  t.deepEqual(status('sh').slice(1), [7, 8, 99_000])
  t.is(readlinkSync(stack.top('sh')), '/bin/su')
  t.is(readlinkSync(stack.top('out')), '../../../etc/passwd')
  t.true(lstatSync(stack.top('fifo')).isFIFO())
  t.deepEqual(status('fifo')[0], '622')
  t.is(lstatSync(stack.top('null')).rdev, (1 << 8) | 3)
  t.true(lstatSync(stack.top('loop')).isBlockDevice())
  t.is(lstatSync(stack.top('empty')).size, 0)
  t.is(lstatSync(stack.top('bin/ping')).ino, lstatSync(stack.top('bin/ping6')).ino)
  t.is(
    run(
      'python3',
      '-c',
      `import os,sys;print(os.getxattr(sys.argv[1],"security.capability").hex())`,
      stack.top('bin/ping6'),
    ),
    `${fileCapability(1 << 13).toString('hex')}\n`,
  )
})

test.serial('names of any bytes survive, in every form that a tar has for them', async (t) => {
  const stack = new Stack(t)
  const latin = Buffer.from([0x66, 0xfc, 0x72])
  // "é" as two characters: nothing may bring it to a normal form.
  const decomposed = 'e\u0301'
  const long = `${'ä'.repeat(60)}/${'b'.repeat(200)}/${decomposed}`
  await stack.add([
    { name: latin, content: 'latin' },
    { name: Buffer.concat([Buffer.from('pax-'), latin]), pax: { path: Buffer.concat([Buffer.from('pax-'), latin]) } },
    { name: decomposed, pax: { path: decomposed }, content: 'decomposed' },
    { name: long, content: 'long' },
    { name: 'link', type: '2', link: latin },
    { name: 'new\nline\t', content: '' },
  ])
  const names = readdirSync(stack.top(), { encoding: 'buffer' }).map((name) => name.toString('latin1'))
  const expected = [
    latin,
    Buffer.concat([Buffer.from('pax-'), latin]),
    Buffer.from(decomposed),
    Buffer.from('ä'.repeat(60)),
  ]
  t.deepEqual(names.sort(), [...expected.map((name) => name.toString('latin1')), 'link', 'new\nline\t'].sort())
  t.is(readFileSync(stack.top(long), 'utf8'), 'long')
  t.deepEqual(readlinkSync(stack.top('link'), { encoding: 'buffer' }), latin)
})

test.serial('gzip, zstd, plain and empty archives give the digests of what was read and of the tar', async (t) => {
  const stack = new Stack(t)
  // More than any buffer, and no multiple of a block of SHA-256.
  const plain = Buffer.concat([tar({ name: 'a', content: Buffer.alloc(1_000_003, 'abc') }), Buffer.alloc(512 * 21)])
  const zstd = spawnSync('zstd', ['-c'], { input: plain, maxBuffer: 1 << 24 })
  t.is(zstd.status, 0)
  for (const archive of [
    plain,
    gzipSync(plain),
    zstd.stdout,
    Buffer.concat([gzipSync(plain.subarray(0, 5000)), gzipSync(plain.subarray(5000))]),
  ]) {
    t.deepEqual(await stack.add(archive), { digest: sha256(archive), diffId: sha256(plain) })
    t.is(sha256(readFileSync(stack.top('a'))), sha256(Buffer.alloc(1_000_003, 'abc')))
  }
  for (const archive of [Buffer.alloc(0), Buffer.alloc(1024), gzipSync(Buffer.alloc(1024))]) {
    const sums = await stack.add(archive)
    t.is(sums.digest, sha256(archive))
  }
})

test.serial('what is damaged, cut off or no archive is refused', async (t) => {
  const stack = new Stack(t)
  const plain = tar({ name: 'a', content: Buffer.alloc(300_000, 1) }, { name: 'b', content: 'b' })
  const packed = gzipSync(plain, { level: 0 })
  t.regex((await refused(t, stack, packed.subarray(0, 100_000), 'compression')).detail, /truncated/i)
  await refused(t, stack, plain.subarray(0, 100_000), 'tar')
  // libarchive checks no checksum of gzip's: the digests tell.
  const damaged = Buffer.from(packed)
  damaged[200_000]! ^= 0xff
  t.not((await stack.add(damaged)).diffId, sha256(plain))
  await refused(t, stack, Buffer.from('no archive at all, but long enough to look like one'.repeat(50)), 'tar')
  const header = Buffer.from(plain)
  header[0]! ^= 1
  await refused(t, stack, header, 'tar')
})

// cve: layer-paths
test.serial('no entry leaves the root, and absolute names are below it', async (t) => {
  const stack = new Stack(t)
  for (const name of ['../x', 'a/../../x', '/../x', '..', './../../etc/x']) {
    const refusal = await refused(t, stack, [{ name, content: 'evil' }], 'outside')
    t.is(refusal.name, name)
  }
  t.is((await refused(t, stack, [{ name: 'x', type: '1', link: '../../etc/passwd' }], 'outside')).name, 'x')
  await stack.add([
    { name: '/etc/./x//y', content: 'inside' },
    { name: 'etc/../z', content: 'z' },
  ])
  t.is(readFileSync(stack.top('etc/x/y'), 'utf8'), 'inside')
  t.is(readFileSync(stack.top('z'), 'utf8'), 'z')
})

test.serial(
  'symlinks lead nowhere but into the root, also when they are put in the place of a directory',
  async (t) => {
    const stack = new Stack(t)
    const outside = path.join(stack.dir, 'outside')
    mkdirSync(outside)
    writeFileSync(path.join(outside, 'host'), 'host')
    await refused(
      t,
      stack,
      [
        { name: 'link', type: '2', link: outside },
        { name: 'link/x', content: 'evil' },
      ],
      'parent-dangling',
    )
    await refused(
      t,
      stack,
      [
        { name: 'link', type: '2', link: `../../../../..${outside}` },
        { name: 'link/deeper/x', content: 'evil' },
      ],
      'parent-dangling',
    )
    await refused(t, stack, [{ name: 'l', type: '2', link: 'l' }, { name: 'l/x' }], 'parent-loop')
    await refused(t, stack, [{ name: 'f' }, { name: 'f/x' }], 'parent-type')
    // The parent's descriptor of the entry before must not be used for the one after.
    await stack.add([
      { name: 'in', type: '5' },
      { name: 'd', type: '5' },
      { name: 'd/first', content: '1' },
      { name: 'd', type: '2', link: '/in' },
      { name: 'd/second', content: '2' },
      // What a symlink leads to is not written to: the link itself is replaced.
      { name: 'file', type: '2', link: `${outside}/host` },
      { name: 'file', content: 'own' },
      { name: 'hard', type: '2', link: `${outside}/host` },
      { name: 'hard2', type: '1', link: 'hard' },
      { name: 'hard2', content: 'own' },
    ])
    t.deepEqual(readdirSync(stack.top('in')), ['second'])
    t.is(readlinkSync(stack.top('d')), '/in')
    t.is(readFileSync(stack.top('file'), 'utf8'), 'own')
    t.is(readlinkSync(stack.top('hard')), `${outside}/host`)
    t.deepEqual(readdirSync(outside), ['host'])
    t.is(readFileSync(path.join(outside, 'host'), 'utf8'), 'host')
  },
)

// cve: layer-paths
test.serial('a hard link is to a file of the image, and to nothing else', async (t) => {
  const stack = new Stack(t)
  await refused(t, stack, [{ name: 'x', type: '1', link: '/etc/passwd' }], 'link-target')
  await refused(
    t,
    stack,
    [
      { name: 'd', type: '5' },
      { name: 'x', type: '1', link: 'd' },
    ],
    'link-target',
  )
  await refused(
    t,
    stack,
    [
      { name: 'l', type: '2', link: stack.dir },
      { name: 'x', type: '1', link: 'l/0' },
    ],
    'link-target',
  )
  await refused(t, stack, [{ name: 'x', type: '1', link: '.' }], 'link-target')
  await stack.add([
    { name: 'f', content: 'f', mode: 0o600 },
    { name: 'f', type: '1', link: './f', mode: 0o600 },
  ])
  t.is(readFileSync(stack.top('f'), 'utf8'), 'f')
  // Of a lower layer: both names are then one file of the upper one.
  await stack.add([{ name: 'g', type: '1', link: 'f', mode: 0o600 }])
  const mounted = stack.mounted(t)
  t.is(readFileSync(path.join(mounted, 'g'), 'utf8'), 'f')
  t.is(lstatSync(path.join(mounted, 'g')).ino, lstatSync(path.join(mounted, 'f')).ino)
})

test.serial('whiteouts hide what lower layers brought, and nothing else', async (t) => {
  const stack = new Stack(t)
  await stack.add([
    { name: 'gone', content: '' },
    { name: 'dir/', type: '5', mtime: 7 },
    { name: 'dir/a', content: 'a' },
    { name: 'dir/sub/b', content: 'b' },
    { name: 'opaque/x', content: 'x' },
    { name: 'opaque/kept/old', content: 'old' },
    { name: 'both/lower', content: 'lower' },
    { name: 'usr/bin/tool', content: 'tool' },
    { name: 'usr/bin/old', content: 'old' },
    { name: 'bin', type: '2', link: 'usr/bin' },
    { name: 'type', content: 'file' },
  ])
  await stack.add(
    [
      { name: '.wh.gone' },
      { name: '.wh.never-there' },
      { name: 'nowhere/.wh.x' },
      { name: 'dir/.wh.sub' },
      { name: 'opaque/kept/new', content: 'new' },
      // After what it must not hide.
      { name: 'opaque/.wh..wh..opq' },
      { name: 'both/upper', content: 'upper' },
      { name: '.wh.both' },
      // The same directory by two names.
      { name: 'bin/own', content: 'own' },
      { name: 'usr/bin/.wh.own' },
      { name: 'bin/.wh.old' },
      { name: 'type/below', content: 'now a directory' },
    ].filter(({ name }) => name !== 'type/below'),
  )
  await stack.add([
    { name: 'type/', type: '5' },
    { name: 'type/below', content: 'below' },
  ])
  const root = stack.mounted(t)
  const tree = run('find', root, '-mindepth', '1', '-printf', '%P %y\n').trim().split('\n').sort()
  t.deepEqual(tree, [
    'bin l',
    'both d',
    'both/upper f',
    'dir d',
    'dir/a f',
    'opaque d',
    'opaque/kept d',
    'opaque/kept/new f',
    'type d',
    'type/below f',
    'usr d',
    'usr/bin d',
    'usr/bin/own f',
    'usr/bin/tool f',
  ])
  t.is(lstatSync(path.join(root, 'dir')).mtimeMs, 7000)
})

test.serial('names that are reserved for whiteouts are refused', async (t) => {
  const stack = new Stack(t)
  await stack.add([{ name: 'a' }])
  for (const name of ['.wh.', '.wh..', '.wh...', 'd/.wh...', '.wh..wh.plnk', '.wh..wh..opq/x', '.wh.a/x', 'a/.wh.b/c'])
    await refused(t, stack, [{ name }], 'whiteout')
  await refused(t, stack, [{ name: 'w', type: '3', device: [0, 0] }], 'whiteout-device')
  for (const name of ['trusted.overlay.opaque', 'trusted.overlay.redirect', 'user.overlay.opaque'])
    await refused(t, stack, [{ name: 'd', type: '5', pax: { [`SCHILY.xattr.${name}`]: 'y' } }], 'xattr')
  t.true(existsSync(stack.top('a')))
})

test.serial('a directory that is there gets the metadata of the entry, all of it', async (t) => {
  const stack = new Stack(t)
  await stack.add([
    { name: 'd', type: '5', mode: 0o700, pax: { 'SCHILY.xattr.trusted.old': '1', 'SCHILY.xattr.trusted.both': '1' } },
    { name: 'd/f', content: 'f' },
  ])
  await stack.add([
    { name: 'd', type: '5', mode: 0o2755, uid: 9, mtime: 11, pax: { 'SCHILY.xattr.trusted.both': '2' } },
  ])
  const d = path.join(stack.mounted(t), 'd')
  const { mode, uid, mtimeMs } = lstatSync(d)
  t.deepEqual([(mode & 0o7777).toString(8), uid, mtimeMs], ['2755', 9, 11_000])
  t.deepEqual(readdirSync(d), ['f'])
  const script = 'import os,sys;d=sys.argv[1];print({n:os.getxattr(d,n) for n in os.listxattr(d)})'
  t.is(run('python3', '-c', script, d), "{'trusted.both': b'2'}\n")
})

test.serial('the root keeps what a lower layer says of it', async (t) => {
  const stack = new Stack(t)
  await stack.add([{ name: './', type: '5', mode: 0o1711, uid: 5, mtime: 77, pax: { 'SCHILY.xattr.trusted.a': 'x' } }])
  await stack.add([{ name: 'd/f' }])
  const root = stack.mounted(t)
  const { mode, uid, mtimeMs } = lstatSync(root)
  t.deepEqual([(mode & 0o7777).toString(8), uid, mtimeMs], ['1711', 5, 77_000])
  t.is(run('python3', '-c', 'import os,sys;print(os.getxattr(sys.argv[1],"trusted.a"))', root), "b'x'\n")
  const other = new Stack(t)
  await other.add([{ name: 'f' }])
  t.is(lstatSync(other.top()).mtimeMs, 0)
})

test.serial('holes of a sparse file stay holes', async (t) => {
  const stack = new Stack(t)
  const sparse = path.join(stack.dir, 'sparse')
  const size = 3 * 2 ** 30
  run('truncate', '-s', String(size), sparse)
  run('dd', 'if=/dev/zero', `of=${sparse}`, 'bs=4096', 'count=1', 'seek=1000', 'conv=notrunc', 'status=none')
  run('sh', '-c', `printf end | dd of=${sparse} bs=1 seek=${size - 5000} conv=notrunc status=none`)
  for (const format of ['gnu', 'posix']) {
    const archive = path.join(stack.dir, 'sparse.tar')
    run('tar', '--sparse', `--format=${format}`, '-C', stack.dir, '-cf', archive, 'sparse')
    await stack.add(readFileSync(archive))
    const { size: got, blocks } = lstatSync(stack.top('sparse'))
    t.is(got, size)
    t.true(blocks < 100, String(blocks))
    t.is(run('tail', '-c', '5000', stack.top('sparse')).slice(0, 3), 'end')
  }
})

test.serial('archives have limits, and what is beyond them is refused', async (t) => {
  const stack = new Stack(t)
  const limits = { maxEntries: 20, maxBytes: 1 << 20 }
  const many = Array.from({ length: 21 }, (_, index) => ({ name: `f${index}` }))
  t.is((await refused(t, stack, many, 'entries', limits)).detail, '20')
  await stack.add(many.slice(1), limits)
  const bomb = gzipSync(tar({ name: 'zeros', content: Buffer.alloc(8 << 20) }))
  t.is((await refused(t, stack, bomb, 'bytes', limits)).detail, String(1 << 20))
  // After the archive's end.
  await refused(t, stack, gzipSync(Buffer.alloc(8 << 20)), 'bytes', limits)
  await refused(t, stack, [{ name: 'd/'.repeat(201) + 'f' }], 'depth')
  await refused(t, stack, [{ name: 'x'.repeat(256) }], 'name-length')
  await refused(t, stack, [{ name: `${'x'.repeat(200)}/`.repeat(30) + 'f' }], 'path-length')
  // Deeper than a name can be, by way of links.
  const deep = 'd/'.repeat(150)
  await refused(t, stack, [{ name: `${deep}f` }, { name: 's', type: '2', link: deep }, { name: `s/${deep}f` }], 'depth')
  await refused(
    t,
    stack,
    [
      { name: 'n', type: '7', content: '' },
      { name: 'x', type: 'x', size: 2 ** 32 },
    ],
    'tar',
  )
  await refused(t, stack, [{ name: 'o', pax: { uid: String(2 ** 32) } }], 'owner')
})

test.serial('a whiteout hides what has the longest of names', async (t) => {
  const stack = new Stack(t)
  const name = 'x'.repeat(255)
  await stack.add([{ name }, { name: 'y' }])
  await stack.add([{ name: `.wh.${name}` }])
  t.deepEqual(readdirSync(stack.mounted(t)), ['y'])
  for (const longer of [`.wh.${name}x`, `.wh.${name}/f`]) await refused(t, stack, [{ name: longer }], 'name-length')
})

test.serial('directories that no entry names count as entries', async (t) => {
  const stack = new Stack(t)
  const [above, limits] = ['d/'.repeat(9), { maxEntries: 20, maxBytes: 1 << 20 }]
  await stack.add([{ name: `a/${above}f` }, { name: 'b/c/d/e/f/g/h/f' }, { name: `a/${above}g` }], limits)
  const many = ['a', 'b', 'c'].map((name) => ({ name: `${name}/${above}f` }))
  t.is((await refused(t, stack, many, 'entries', limits)).detail, '20')
})

test.serial('names that are kept in memory are limited', async (t) => {
  const stack = new Stack(t)
  const limits = { maxEntries: 1000, maxBytes: 64 << 20 }
  const above = `${'x'.repeat(240)}/`.repeat(15)
  const many = Array.from({ length: 200 }, (_, index) => ({ name: `${above}${index}`, type: '5' }))
  await stack.add(many.slice(0, 100), limits)
  t.is((await refused(t, stack, many, 'names', limits)).detail, String(256 * 2024))
  // In an archive of files nothing limits one of them.
  const archive = path.join(stack.dir, 'spooled')
  mkdirSync(path.join(stack.dir, 'spool'))
  writeFileSync(archive, tar({ name: 'a' }, { name: 'y'.repeat(900_000) }, { name: 'z' }))
  const source = openSync(archive, 'r')
  t.teardown(() => closeSync(source))
  const work = (await archives.spool(source, path.join(stack.dir, 'spool'), limits)) as ArchiveWork
  for (;;) {
    const { refused: why, done } = await archives.step(work, 1000)
    if (why === undefined && !done) continue
    t.like(why, { kind: 'names' })
    break
  }
  await archives.close(work)
})

test.serial('a full disk is told with the entry', async (t) => {
  const stack = new Stack(t)
  run('mount', '-o', 'remount,size=1m', stack.dir)
  const plain = tar({ name: 'big', content: Buffer.alloc(2 << 20) })
  const directory = path.join(stack.dir, 'l')
  mkdirSync(path.join(directory, 'fs'), { recursive: true })
  const archive = path.join(mkdtempSync(path.join(tmpdir(), 'runt-full-')), 'a')
  t.teardown(() => rmSync(path.dirname(archive), { recursive: true }))
  writeFileSync(archive, plain)
  const source = await files.open(archive, 1)
  t.teardown(() => files.close(source))
  const work = await archives.unpack({ source, layers: [], directory, maxEntries: 10, maxBytes: 1 << 30, rights: 0 })
  const error = await t.throwsAsync(
    async () => {
      while (!(await archives.step(work as ArchiveWork, 1000)).done);
    },
    { instanceOf: SystemError },
  )
  t.like(error, { code: 'ENOSPC', path: 'big' })
})

test.serial('128 layers can be unpacked on top of each other, and the host sees no mount of it', async (t) => {
  const stack = new Stack(t)
  const before = readFileSync('/proc/self/mountinfo', 'utf8')
  await stack.add([{ name: 'f0', content: '0' }])
  for (let layer = 1; layer < 130; layer++) {
    await stack.add([{ name: `f${layer}` }, { name: `.wh.f${layer - 1}` }, { name: 'last', content: String(layer) }])
  }
  t.is(readFileSync('/proc/self/mountinfo', 'utf8'), before)
  t.deepEqual(await archives.imageFiles(stack.layers, ['last', '/f129', 'f128', 'd'], 100, 0), [
    '129',
    '',
    undefined,
    undefined,
  ])
})

test.serial('files of an image are read inside of it', async (t) => {
  const stack = new Stack(t)
  await stack.add([
    { name: 'etc/passwd', type: '2', link: '/../../real' },
    { name: 'real', content: 'root:x:0:0' },
    { name: 'host', type: '2', link: '/proc/self/status' },
    { name: 'fifo', type: '6' },
    { name: 'large', content: 'x'.repeat(200) },
  ])
  t.deepEqual(await archives.imageFiles(stack.layers, ['/etc/passwd', '/host', '/fifo', '/etc'], 100, 0), [
    'root:x:0:0',
    undefined,
    undefined,
    undefined,
  ])
  await t.throwsAsync(async () => archives.imageFiles(stack.layers, ['/large'], 100, 0), { message: /EFBIG/ })
})

test.serial('an archive is spooled by number, with its links', async (t) => {
  const stack = new Stack(t)
  const archive = path.join(stack.dir, 'a')
  const plain = tar(
    { name: 'd', type: '5' },
    { name: '../../evil', content: 'evil' },
    { name: 'a/layer.tar', type: '2', link: '../b/layer.tar' },
    { name: 'b', type: '1', link: '../../evil' },
    { name: 'c', content: 'c' },
  )
  writeFileSync(archive, gzipSync(plain))
  mkdirSync(path.join(stack.dir, 'spool'))
  const source = openSync(archive, 'r')
  const limits = { maxEntries: 10, maxBytes: 1 << 20 }
  const work = (await archives.spool(source, path.join(stack.dir, 'spool'), limits)) as ArchiveWork
  closeSync(source)
  while (!(await archives.step(work, 1000)).done);
  const { files: list, diffId } = await archives.finish(work)
  t.is(diffId, sha256(plain))
  t.deepEqual(list, [
    { name: '../../evil', file: 0, size: 4, link: '' },
    { name: 'a/layer.tar', file: -1, size: 0, link: '../b/layer.tar' },
    { name: 'b', file: -1, size: 0, link: '/../../evil' },
    { name: 'c', file: 3, size: 1, link: '' },
  ])
  t.deepEqual(readdirSync(path.join(stack.dir, 'spool')).sort(), ['0', '3'])
  await archives.close(work)
  t.throws(() => void archives.step(work, 1), { instanceOf: TypeError })
})
