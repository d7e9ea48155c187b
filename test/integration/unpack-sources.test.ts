// Not in the virtual machine: images are read in the same way everywhere.
/** Sources of images as they come: named with colons, compressed in every way, of several platforms and formats, on full disks, all at once. */
import test, { type ExecutionContext } from 'ava'
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { lacks, underTest } from './harness.ts'
import {
  archiveOf,
  chainIdsOf,
  configOf,
  dockerFiles,
  layoutFiles,
  platformsLayout,
  sha256,
  writeFiles,
  type TestImage,
} from './images.ts'
import { tar, type TarEntry } from './tar.ts'
import { Workshop } from './workshop.ts'

function serial(title: string, run: (t: ExecutionContext) => unknown): void {
  test.serial(title, async (t) => {
    if (lacks(t, 'runt')) return
    await run(t)
  })
}

const imageOf = (...files: TarEntry[]): TestImage => ({ layers: [tar(...files)], config: { Cmd: ['/x'] } })
const argsOf = (spec: Spec) => spec.process!.args!.join(' ')
const called = (word: string): TestImage => ({
  layers: [tar({ name: 'file', content: word })],
  config: { Cmd: [word] },
})

serial('a path with colons is a path, and what follows the one that exists is the image’s name', (t) => {
  const shop = new Workshop(t)
  const images = { one: called('one'), 'host:5000/two:3': called('two') }
  writeFiles(shop.path('with:colon'), layoutFiles({ one: called('whole') }))
  writeFiles(shop.path('with'), layoutFiles({ colon: called('named'), ...images }))
  writeFileSync(shop.path('save:1.tar'), archiveOf(dockerFiles('web:1', called('saved'))))
  t.is(argsOf(shop.bundle('with:colon')), 'whole')
  t.is(argsOf(shop.bundle('with:colon:one')), 'whole')
  t.is(argsOf(shop.bundle('./with:one')), 'one')
  t.is(argsOf(shop.bundle('with:host:5000/two:3')), 'two')
  t.is(argsOf(shop.bundle('save:1.tar')), 'saved')
  t.is(argsOf(shop.bundle('save:1.tar:web:1')), 'saved')
  shop.fails(/no image is called two/, 'with:two')
  rmSync(shop.path('with:colon'), { recursive: true })
  t.is(argsOf(shop.bundle('with:colon')), 'named')
})

serial('streams that were cut off, put together or padded are told or read, by what they are', (t) => {
  const shop = new Workshop(t)
  const content = Buffer.alloc(200_000, 'some text that is compressed. ')
  const plain = archiveOf(dockerFiles('web', imageOf({ name: 'file', content })))
  const zstd = (data: Buffer) => spawnSync('zstd', ['-c'], { input: data, maxBuffer: 1 << 24 }).stdout
  const [front, back] = [plain.subarray(0, 70_001), plain.subarray(70_001)]
  const fine: Record<string, Buffer> = {
    'gzip of several members': Buffer.concat([gzipSync(front), gzipSync(back)]),
    'zstd of several frames': Buffer.concat([zstd(front), zstd(back)]),
    'zeros after the tar': Buffer.concat([plain, Buffer.alloc(10_240)]),
    'zeros after the tar in gzip': gzipSync(Buffer.concat([plain, Buffer.alloc(100_000)])),
    'zeros after gzip': Buffer.concat([gzipSync(plain), Buffer.alloc(512)]),
    'no blocks of zeros at the end': plain.subarray(0, plain.length - 1024),
  }
  // Checksums of gzip are not looked at: digests are, of every layer and configuration.
  const damaged = gzipSync(plain, { level: 0 })
  damaged[damaged.indexOf('some text') + 5]! ^= 1
  shop.fails(/layer 1 of 1: its diffID is sha256:/, '-', [], damaged)
  for (const [what, archive] of Object.entries(fine)) t.is(argsOf(shop.bundle('-', [], archive)), '/x', what)
  shop.fails(/read standard input: cannot be decompressed: it is damaged/, '-', [], gzipSync(plain).subarray(0, -4))
  const [gzipped, zstandard] = [gzipSync(plain), zstd(plain)]
  shop.fails(/read standard input: cannot be decompressed: truncated/i, '-', [], gzipped.subarray(0, -20))
  shop.fails(/read standard input: cannot be decompressed: truncated/i, '-', [], gzipped.subarray(0, 200))
  shop.fails(/read standard input: cannot be decompressed: truncated/i, '-', [], zstandard.subarray(0, -20))
  shop.fails(/read standard input: .*is no tar, or a damaged one: truncated/i, '-', [], plain.subarray(0, 100_000))
  shop.fails(/is no image|is no tar/, '-', [], Buffer.alloc(0))
  shop.fails(/is no tar/, '-', [], Buffer.from('neither a tar nor compressed'.repeat(100)))
})

serial('a full disk is told, leaves nothing, and is no hindrance once there is room', (t) => {
  const shop = new Workshop(t)
  shop.mount('store', '3m')
  const image = imageOf(
    { name: 'a', content: Buffer.alloc(1_000_000, 1) },
    { name: 'b', content: Buffer.alloc(1_000_000, 2) },
  )
  const layout = writeFiles(shop.path('layout'), layoutFiles({ web: image }))
  writeFileSync(shop.path('store/other'), Buffer.alloc(1_500_000))
  const full = /unpack layer 1 of 1: write b: no space left on device\n.*--store\n.*hint: .*runt prune/
  shop.fails(full, layout)
  shop.fails(/read standard input: write .*: no space left on device/, '-', [], archiveOf(dockerFiles('web', image)))
  unlinkSync(shop.path('store/other'))
  t.is(argsOf(shop.bundle(layout)), '/x')
  // And where the bundle is to be.
  shop.mount('small', '4k')
  const wordy = { ...image, config: { Labels: { word: 'x'.repeat(10_000) } } }
  const { status, stderr } = shop.unpack(writeFiles(shop.path('wordy'), layoutFiles({ wordy })), 'small/bundle')
  t.is(status, 1)
  t.regex(stderr, /make bundle .*small\/bundle: no space left on device/)
  t.deepEqual(readdirSync(shop.path('small')), [])
})

serial('different images at the same time share what they have in common, and prune waits for them', async (t) => {
  const shop = new Workshop(t)
  const base = tar({ name: 'base', content: Buffer.alloc(300_000, 1) })
  const images = Array.from({ length: 4 }, (_, at): TestImage => {
    return { layers: [base, tar({ name: 'own', content: String(at) })], config: { Cmd: [`/${at}`] } }
  })
  const start = (args: string[]) => {
    const child = spawn(underTest[0]!, [...underTest.slice(1), ...args], { cwd: shop.dir, stdio: 'ignore' })
    return new Promise((resolve) => child.on('close', resolve))
  }
  const codes = await Promise.all(
    images.flatMap((image, at) => {
      const layout = writeFiles(shop.path(`layout${at}`), layoutFiles({ web: image }))
      return [
        start(['unpack', '--store', 'store', '--image', layout, `bundle${at}`]),
        start(['prune', '--store', 'store']),
      ]
    }),
  )
  t.deepEqual(codes, Array(8).fill(0))
  const layers = readdirSync(shop.path('store/layers/sha256')).sort()
  t.deepEqual(layers, [...new Set(images.flatMap(chainIdsOf))].sort())
  for (const [at, image] of images.entries()) {
    const own = shop.path(`store/layers/sha256/${chainIdsOf(image)[1]!}/fs/own`)
    t.is(readFileSync(own, 'utf8'), String(at))
    t.true(readFileSync(shop.path(`bundle${at}/config.json`), 'utf8').includes(`"/${at}"`))
  }
  t.deepEqual(shop.rubbish(), [])
})

serial('the platform is chosen with its variant, also in an index of an index', (t) => {
  const shop = new Workshop(t)
  const of = (architecture: string, word: string): TestImage => ({ ...called(word), architecture })
  const files = platformsLayout([of('arm', 'v6'), of('arm', 'v7'), of('arm64', 'v8')])
  // The variants, and one more index around all of it.
  const variants = ['', 'v6', 'v7', 'v8']
  const [name, index] = [...files].find(([, content]) => content.includes('"unknown"'))!
  const document = JSON.parse(index.toString()) as { manifests: { platform: { variant?: string } }[] }
  document.manifests.forEach((row, at) => (row.platform.variant = variants[at]!))
  files.delete(name)
  const put = (value: object) => {
    const text = Buffer.from(JSON.stringify(value))
    files.set(`blobs/sha256/${sha256(text)}`, text)
    const mediaType = 'application/vnd.oci.image.index.v1+json'
    return { mediaType, digest: `sha256:${sha256(text)}`, size: text.length }
  }
  const inner = put(document)
  files.set('index.json', Buffer.from(JSON.stringify({ manifests: [put({ manifests: [inner] })] })))
  const layout = writeFiles(shop.path('layout'), files)
  t.is(argsOf(shop.bundle(layout, ['--platform', 'linux/arm/v7'])), 'v7')
  t.is(argsOf(shop.bundle(layout, ['--platform', 'linux/arm/v6'])), 'v6')
  t.is(argsOf(shop.bundle(layout, ['--platform', 'linux/arm64'])), 'v8')
  t.is(argsOf(shop.bundle(layout, ['--platform', 'linux/arm64/v8'])), 'v8')
  const none = /no image for linux\/arm\/v5: there is linux\/arm\/v6, linux\/arm\/v7, linux\/arm64\/v8/
  shop.fails(none, layout, ['--platform', 'linux/arm/v5'])
})

serial('of several images that were saved together each is found by its name', (t) => {
  const shop = new Workshop(t)
  const [one, two] = [called('one'), called('two')]
  const files = new Map([...dockerFiles('x', one)].map(([name, content]) => [`a/${name}`, content]))
  for (const [name, content] of dockerFiles('x', two)) files.set(`b/${name}`, content)
  const row = (image: TestImage, directory: string, tags: string[] | null) => {
    const Config = `${directory}/${sha256(configOf(image))}.json`
    return { Config, RepoTags: tags, Layers: [`${directory}/layer0/layer.tar`] }
  }
  const rows = [row(one, 'a', ['one:latest', 'host:5000/uno:1']), row(two, 'b', null)]
  files.set('manifest.json', Buffer.from(JSON.stringify(rows)))
  const archive = archiveOf(files)
  t.is(argsOf(shop.bundle('-:one', [], archive)), 'one')
  t.is(argsOf(shop.bundle('-:docker.io/library/one', [], archive)), 'one')
  t.is(argsOf(shop.bundle('-:host:5000/uno:1', [], archive)), 'one')
  t.is(argsOf(shop.bundle(`-:b/${sha256(configOf(two))}.json`, [], archive)), 'two')
  shop.fails(/has several images\n.*\n.*hint: .*one:latest, b\//, '-', [], archive)
  shop.fails(/no image is called three/, '-:three', [], archive)
})

serial('a layer of an archive may be a link to that of another image', (t) => {
  const shop = new Workshop(t)
  const layers = [tar({ name: 'f' }), tar({ name: 'g' }), tar({ name: 'f' })]
  const files = dockerFiles('web', { layers, config: { Cmd: ['/x'] } })
  const name = 'layer2/layer.tar'
  const withLink = (type: string, link: string) =>
    tar(
      ...[...files].map(([each, content]): TarEntry =>
        each === name ? { name, type, link } : { name: each, content },
      ),
    )
  t.is(argsOf(shop.bundle('-', [], withLink('2', '../layer0/layer.tar'))), '/x')
  t.is(argsOf(shop.bundle('-', [], withLink('1', 'layer0/layer.tar'))), '/x')
  for (const link of ['layer.tar', '/etc/passwd', '../../../../etc/passwd'])
    shop.fails(/the layer layer2\/layer\.tar is missing/, '-', [], withLink('2', link))
})

serial('the user of an image is found in its files, by every form of its name', (t) => {
  const shop = new Workshop(t)
  const passwd = { name: 'etc/passwd', content: 'root:x:0:0::/:\nweb:x:33:34::/:\n77:x:78:79::/:\n' }
  const group = { name: 'etc/group', content: 'root:x:0:\nweb:x:34:\nmore:x:50:web,root\n' }
  const user = (User: string, files: TarEntry[] = [passwd, group]) =>
    archiveOf(dockerFiles('web', { layers: [tar(...files)], config: { Cmd: ['/x'], User } }))
  const is = (User: string, expected: object) => {
    t.deepEqual(shop.bundle('-', [], user(User)).process!.user, expected as never, User)
  }
  is('', { uid: 0, gid: 0, additionalGids: [50] })
  is('web', { uid: 33, gid: 34, additionalGids: [50] })
  is('33', { uid: 33, gid: 34, additionalGids: [50] })
  is('web:more', { uid: 33, gid: 50 })
  is('5:6', { uid: 5, gid: 6 })
  is('5', { uid: 5, gid: 0 })
  is('77', { uid: 78, gid: 79 })
  shop.fails(/user "nobody" of the image: \/etc\/passwd has no user "nobody"/, '-', [], user('nobody'))
  shop.fails(/user "web:none" of the image: \/etc\/group has no group "none"/, '-', [], user('web:none'))
  shop.fails(/there is no \/etc\/passwd, and no user "web"/, '-', [], user('web', [{ name: 'x' }]))
})

serial('lists of access are kept as attributes', (t) => {
  const shop = new Workshop(t)
  // posix_acl_xattr.h: version 2; rw- the owner, r-- user 7, r-- the group, r-- the mask, --- others.
  const rows = ['01000600ffffffff', '0200040007000000', '04000400ffffffff', '10000400ffffffff', '20000000ffffffff']
  const acl = `02000000${rows.join('')}`
  const value = Buffer.from(acl, 'hex')
  const image = imageOf(
    { name: 'file', mode: 0o640, pax: { 'SCHILY.xattr.system.posix_acl_access': value } },
    { name: 'dir/', type: '5', mode: 0o750, pax: { 'SCHILY.xattr.system.posix_acl_default': value } },
    { name: 'dir/child', mode: 0o644 },
  )
  shop.bundle('-', [], archiveOf(dockerFiles('web', image)))
  const fs = shop.path(`store/layers/sha256/${chainIdsOf(image)[0]!}/fs`)
  const read = (name: string, attribute: string) => {
    const program = 'import os, sys; print(os.getxattr(*sys.argv[1:]).hex())'
    return spawnSync('python3', ['-c', program, path.join(fs, name), attribute], { encoding: 'utf8' }).stdout.trim()
  }
  t.is(read('file', 'system.posix_acl_access'), acl)
  t.is(read('dir', 'system.posix_acl_default'), acl)
  // What the directory would hand on to it is not what the archive says.
  t.is(read('dir/child', 'system.posix_acl_access'), '')
})
