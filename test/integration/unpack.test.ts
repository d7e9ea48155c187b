/** `unpack`, `layers` and `prune`: from an image in a file to a bundle whose layers are in the store. */
import test, { type ExecutionContext } from 'ava'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { lacks, underTest } from './harness.ts'
import {
  archiveOf,
  chainIdsOf,
  dockerFiles,
  layoutFiles,
  oldDockerFiles,
  platformsLayout,
  sha256,
  writeFiles,
  type TestImage,
} from './images.ts'
import { tar } from './tar.ts'
import { Workshop } from './workshop.ts'

/** The virtual machine takes minutes for what this machine does in seconds: there, this is left to the native run of this file. */
function serial(title: string, run: (t: ExecutionContext) => unknown): void {
  test.serial(title, async (t) => {
    if (lacks(t, 'runt')) return
    await run(t)
  })
}

const base = tar(
  { name: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/srv:/bin/false\n' },
  { name: 'etc/group', content: 'root:x:0:\nweb:x:34:\nmore:x:77:web,other\n' },
  { name: 'file', content: 'base' },
)
const top = tar({ name: 'file', content: 'top' }, { name: 'srv/', type: '5', uid: 33 })
const image: TestImage = {
  layers: [base, top],
  config: {
    User: 'web',
    Env: ['PATH=/bin', 'A=1'],
    Entrypoint: ['/bin/entry'],
    Cmd: ['--flag'],
    WorkingDir: '/srv',
    Volumes: { '/data': {} },
    ExposedPorts: { '80/tcp': {}, '443/tcp': {} },
    StopSignal: 'SIGQUIT',
    Labels: { maintainer: 'me', 'org.opencontainers.image.author': 'label', 'io.runt.upper': '/etc' },
  },
  more: { author: 'them', created: '2026-01-02T03:04:05Z' },
}
const chain = chainIdsOf(image)

function checkBundle(t: ExecutionContext, shop: Workshop, bundle: string): void {
  t.deepEqual(
    JSON.parse(shop.config(bundle).annotations!['io.runt.layers']!),
    chain.map((hex) => `sha256:${hex}`),
  )
  t.deepEqual(readdirSync(shop.path(`${bundle}/rootfs`)), [])
  const layer = path.join(shop.store, 'layers/sha256', chain[1]!, 'fs')
  t.is(readFileSync(path.join(layer, 'file'), 'utf8'), 'top')
  t.is(statSync(path.join(layer, 'srv')).uid, 33)
  t.deepEqual(shop.rubbish(), [])
}

serial('an image of any kind of source becomes a bundle, and its layers are unpacked once', (t) => {
  const shop = new Workshop(t)
  const layout = writeFiles(shop.path('layout'), layoutFiles({ web: image, other: { layers: [base] } }))
  const first = shop.unpack(`${layout}:web`, 'web')
  t.is(first.status, 0, first.stderr)
  t.regex(first.stderr, /io\.runt\.upper.*left out/)
  checkBundle(t, shop, 'web')
  const spec = shop.config('web')
  t.like(spec.process, { args: ['/bin/entry', '--flag'], env: ['PATH=/bin', 'A=1'], cwd: '/srv', terminal: false })
  t.deepEqual(spec.process!.user, { uid: 33, gid: 34, additionalGids: [77] })
  t.like(spec.annotations, {
    maintainer: 'me',
    'org.opencontainers.image.author': 'label',
    'org.opencontainers.image.created': '2026-01-02T03:04:05Z',
    'org.opencontainers.image.stopSignal': 'SIGQUIT',
    'org.opencontainers.image.exposedPorts': '443/tcp,80/tcp',
    'io.runt.store': shop.store,
  })
  t.is(spec.annotations!['io.runt.upper'], undefined)
  t.deepEqual(spec.mounts!.at(-1), {
    destination: '/data',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'nodev', 'tmpcopyup'],
  })
  const inode = statSync(path.join(shop.store, 'layers/sha256', chain[0]!, 'fs')).ino

  const sources: Record<string, Buffer> = {
    'oci.tar': archiveOf(layoutFiles({ web: image })),
    'oci.tar.gz': gzipSync(archiveOf(layoutFiles({ web: image }))),
    'docker.tar': archiveOf(dockerFiles('web:latest', image)),
    'old.tar': archiveOf(oldDockerFiles('web', 'latest', image)),
  }
  for (const [name, content] of Object.entries(sources)) {
    writeFileSync(shop.path(name), content)
    const result = shop.unpack(`${name}${name.startsWith('oci') ? '' : ':web'}`, `of-${name}`)
    t.is(result.status, 0, `${name}: ${result.stderr}`)
    checkBundle(t, shop, `of-${name}`)
    t.deepEqual(shop.config(`of-${name}`).process, spec.process, name)
  }
  const piped = shop.run(['unpack', '--store', shop.store, '--image', '-', 'piped'], sources['docker.tar'])
  t.is(piped.status, 0, piped.stderr)
  checkBundle(t, shop, 'piped')
  t.is(statSync(path.join(shop.store, 'layers/sha256', chain[0]!, 'fs')).ino, inode)
  t.deepEqual(
    shop.layers().map(({ users }) => users.length),
    [6, 6],
  )
})

serial('what unpack made of an archive of docker save is run, and two containers share its layers', (t) => {
  const shop = new Workshop(t)
  const program = readFileSync('/bin/busybox')
  const layers = [
    tar(
      { name: 'bin/busybox', mode: 0o755, content: program },
      { name: 'bin/sh', type: '2', link: 'busybox' },
      { name: 'a' },
    ),
    tar({ name: '.wh.a' }, { name: 'b', content: 'of the image' }),
  ]
  const script = 'ls /bin; ls -d /a /b; cat /b; echo changed > /b; cat /b'
  const config = { Cmd: ['/bin/busybox', 'sh', '-c', script], Env: ['PATH=/bin'] }
  const archive = archiveOf(dockerFiles('box:1', { layers, config }))
  const unpacked = shop.run(['unpack', '--store', shop.store, '--image', '-', 'box'], archive)
  t.is(unpacked.status, 0, unpacked.stderr)
  for (const id of ['one', 'two']) {
    const name = `unpack-${id}-${process.pid}`
    const { status, stdout, stderr } = shop.run(['--root', shop.path('state'), 'run', '-b', 'box', name])
    t.is(stdout, 'busybox\nsh\n/b\nof the imagechanged\n', stderr)
    t.regex(stderr, /\/a: No such file/)
    t.is(status, 0)
  }
  t.deepEqual(readdirSync(path.join(shop.store, 'containers')), [])
})

serial('the platform is chosen from the index', (t) => {
  const shop = new Workshop(t)
  const images = ['s390x', 'riscv64', 'arm64', 'amd64'].map((architecture): TestImage => {
    return { architecture, layers: [tar({ name: architecture })], config: { Cmd: [architecture] } }
  })
  const layout = writeFiles(shop.path('layout'), platformsLayout(images))
  t.is(shop.unpack(layout, 'own').status, 0)
  t.deepEqual(shop.config('own').process!.args, [process.arch === 'x64' ? 'amd64' : process.arch])
  t.is(shop.unpack(layout, 'other', ['--platform', 'linux/s390x']).status, 0)
  t.deepEqual(shop.config('other').process!.args, ['s390x'])
  const { status, stderr } = shop.unpack(layout, 'none', ['--platform', 'linux/ppc64le'])
  t.is(status, 1)
  t.regex(stderr, /no image for linux\/ppc64le: there is .*linux\/s390x, linux\/riscv64, linux\/arm64, linux\/amd64/)
  t.false(existsSync(shop.path('none')))
})

serial('what is wrong with an image is told, and leaves no bundle and no part of a layer', (t) => {
  const shop = new Workshop(t)
  let count = 0
  const fails = (
    change: (files: Map<string, Buffer>) => unknown,
    expected: RegExp,
    from: TestImage = image,
    ...more: string[]
  ) => {
    const files = layoutFiles({ web: from })
    change(files)
    const layout = writeFiles(shop.path(`bad${count++}`), files)
    const { status, stderr } = shop.unpack(layout, 'bundle', more)
    t.is(status, 1)
    t.regex(stderr, expected)
    t.notRegex(stderr, /internal error/)
    t.false(existsSync(shop.path('bundle')))
    t.deepEqual(shop.rubbish(), [])
  }
  const many: TestImage = { layers: [tar({ name: 'a' }, { name: 'b' }, { name: 'c' })] }
  const blobOf = (content: Buffer) => `blobs/sha256/${sha256(content)}`
  const packed = gzipSync(top)
  fails((files) => files.delete(blobOf(packed)), /the blob of layer 1, sha256:[0-9a-f]{64}, is missing/)
  fails((files) => files.set(blobOf(packed), packed.subarray(0, 40)), /layer 2 of 2: cannot be decompressed: truncated/)
  fails(
    (files) => files.set(blobOf(packed), gzipSync(tar({ name: 'evil', content: 'evil' }))),
    /layer 2 of 2: its (size|digest) is .*\n.*\n.*tampered/,
  )
  fails((files) => files.set('index.json', Buffer.from('{')), /index\.json is not JSON/)
  fails((files) => files.delete('oci-layout'), /is no image: it has neither oci-layout nor manifest\.json/)
  const config = [...layoutFiles({ web: image })].find(([, content]) => content.includes('diff_ids'))![0]
  fails(
    (files) => files.set(config, Buffer.from(files.get(config)!.toString().replace('/srv', '/SRV'))),
    /has the digest sha256:/,
  )
  fails(() => undefined, /user "nobody" of the image: \/etc\/passwd has no user "nobody"/, {
    ...image,
    config: { User: 'nobody' },
  })
  fails(() => undefined, /entry "\.\.\/evil": its name.* leads out of the image/, {
    layers: [tar({ name: '../evil' })],
  })
  fails(() => undefined, /layer 1 of 1: has more than 2 entries\n.*\n.*--max-entries/, many, '--max-entries', '2')
  fails(() => undefined, /has more than 1024 bytes\n.*\n.*--max-size/, many, '--max-size', '1k')
  const named = shop.unpack(writeFiles(shop.path('two'), layoutFiles({ a: image, b: image })), 'bundle')
  t.regex(named.stderr, /has several images\n.*\n.*there are a, b/)
  t.regex(shop.unpack('nowhere:latest', 'bundle').stderr, /nowhere:latest: no such file or directory/)
  t.false(existsSync(shop.path('evil')))
})

serial('a bundle that is there is never written over', (t) => {
  const shop = new Workshop(t)
  const layout = writeFiles(shop.path('layout'), layoutFiles({ web: image }))
  mkdirSync(shop.path('bundle'))
  writeFileSync(shop.path('bundle/config.json'), 'mine')
  const { status, stderr } = shop.unpack(layout, 'bundle')
  t.is(status, 1)
  t.regex(stderr, /bundle\/config\.json exists/)
  t.is(readFileSync(shop.path('bundle/config.json'), 'utf8'), 'mine')
})

serial('many that want the same image at once unpack each layer once', async (t) => {
  const shop = new Workshop(t)
  const layout = writeFiles(shop.path('layout'), layoutFiles({ web: image }))
  const bundles = Array.from({ length: 5 }, (_, index) => `bundle${index}`)
  const codes = await Promise.all(
    bundles.map((bundle) => {
      const args = [...underTest.slice(1), 'unpack', '--store', shop.store, '--image', layout, shop.path(bundle)]
      const child = spawn(underTest[0]!, args, { stdio: 'ignore' })
      return new Promise((resolve) => child.on('close', resolve))
    }),
  )
  t.deepEqual(codes, [0, 0, 0, 0, 0])
  for (const bundle of bundles) checkBundle(t, shop, bundle)
})

serial('an unpacking that was killed leaves nothing visible, and the next one begins anew', (t) => {
  const shop = new Workshop(t)
  const layout = writeFiles(shop.path('layout'), layoutFiles({ web: image }))
  // What a killed one leaves: parts of a layer, and no lock that anybody holds.
  const part = path.join(shop.store, 'layers/sha256', `${chain[0]!}.part`)
  mkdirSync(path.join(part, 'fs/half'), { recursive: true })
  mkdirSync(path.join(shop.store, 'spool/dead'), { recursive: true })
  mkdirSync(path.join(shop.store, 'layers/sha256', chain[1]!, 'fs'), { recursive: true })
  t.deepEqual(shop.layers(), [])
  t.is(shop.unpack(layout, 'bundle').status, 0)
  t.false(existsSync(part))
  t.false(existsSync(path.join(shop.store, 'layers/sha256', chain[0]!, 'fs/half')))
  t.is(readFileSync(path.join(shop.store, 'layers/sha256', chain[1]!, 'fs/file'), 'utf8'), 'top')
  t.is(shop.run(['prune', '--store', shop.store]).status, 0)
  t.deepEqual(shop.rubbish(), [])
})

serial('prune removes what no bundle and no container uses, and nothing else', (t) => {
  const shop = new Workshop(t)
  const other: TestImage = { layers: [base, tar({ name: 'other' }), tar({ name: 'more' })] }
  const layout = writeFiles(shop.path('layout'), layoutFiles({ web: image, other }))
  t.is(shop.unpack(`${layout}:web`, 'web').status, 0)
  t.is(shop.unpack(`${layout}:other`, 'other').status, 0)
  const used = (...images: TestImage[]) => [...new Set(images.flatMap(chainIdsOf))].map((hex) => `sha256:${hex}`).sort()
  const kept = () => shop.layers().map(({ chainId }) => chainId)
  t.regex(shop.run(['prune', '--store', shop.store]).stdout, /^removed 0 layers, 0 B\n$/)
  t.deepEqual(kept(), used(image, other))

  rmSync(shop.path('other'), { recursive: true })
  t.regex(shop.run(['prune', '--dry-run', '--store', shop.store]).stdout, /would remove 2 layers/)
  t.deepEqual(kept(), used(image, other))
  // A container of the bundle that went.
  const container = path.join(shop.store, 'containers/c')
  const state = shop.path('state')
  mkdirSync(container, { recursive: true })
  mkdirSync(state)
  const layers = chainIdsOf(other).map((hex) => `sha256:${hex}`)
  writeFileSync(path.join(container, 'container.json'), JSON.stringify({ id: 'c', state, layers }))
  t.regex(shop.run(['layers', '--store', shop.store]).stdout, /container c/)
  shop.run(['prune', '--store', shop.store])
  t.deepEqual(kept(), used(image, other))
  rmSync(container, { recursive: true })
  const removed = shop.run(['prune', '--store', shop.store])
  t.regex(removed.stdout, /removed 2 layers, \d/)
  t.false(existsSync(container))
  t.deepEqual(kept(), used(image))
  unlinkSync(shop.path('web/config.json'))
  t.is(shop.run(['prune', '--store', shop.store]).status, 0)
  t.deepEqual(kept(), [])
  t.deepEqual(readdirSync(path.join(shop.store, 'layers/sha256')), [])
  t.deepEqual(readdirSync(path.join(shop.store, 'bundles')), [])
})

serial('on a terminal there is a bar for the image and for each layer', (t) => {
  const shop = new Workshop(t)
  const layout = writeFiles(shop.path('layout'), layoutFiles({ web: image }))
  const command = [...underTest, 'unpack', '--store', shop.store, '--image', layout, shop.path('bundle')].join(' ')
  const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8' })
  t.regex(stdout, /image +\[#{24}\] 100% {2}2 of 2 layers/)
  t.regex(stdout, /layer 2 +\[#{24}\] 100%/)
})
