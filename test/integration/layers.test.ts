/** Roots of layers, by the annotations of docs/layers.md. */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { launch, signalled } from './concurrent.ts'
import { eventually, initsOf, lacks, lines, Sandbox, slow } from './harness.ts'
import { mountMappable } from './mappable.ts'
import { mountAt, mountinfo, verbs } from './mounts-seen.ts'
import { gid, grantSubids, subCount, subids, uid, UserSandbox } from './rootless.ts'
import { openUp, ownUsers } from './users.ts'

/** A sandbox whose root is of layers: `base`, which has the tests' program, and whatever else is made in `place`. */
class Layered extends Sandbox {
  /** A filesystem that can have an upper directory, and mapped ids. */
  readonly place: string
  readonly store: string

  constructor(t: ExecutionContext, size?: string) {
    super(t)
    this.place = mkdtempSync(path.join(tmpdir(), 'runt-layers-'))
    t.teardown(() => {
      rmSync(this.place, { recursive: true })
    })
    mountMappable(t, this.place, size ?? '32M')
    chmodSync(this.place, 0o755)
    this.store = path.join(this.place, 'store')
    mkdirSync(path.join(this.bundle, 'root'))
    cpSync(this.rootfs, this.layer('base'), { recursive: true })
  }

  /** Makes a layer with these files; directories end with a slash. */
  layer(name: string, files: Record<string, string> = {}): string {
    const dir = path.join(this.place, name)
    mkdirSync(dir, { recursive: true })
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(dir, file)), { recursive: true })
      if (file.endsWith('/')) mkdirSync(path.join(dir, file), { recursive: true })
      else writeFileSync(path.join(dir, file), text)
    }
    return dir
  }

  /** Writes config.json: these layers upon `base`, and what the program does. */
  use(layers: string[], program: string[][], annotations: Record<string, string> = {}, change?: (spec: Spec) => void) {
    this.configure((spec) => {
      spec.root = { path: 'root' }
      spec.annotations = {
        'io.runt.layers': JSON.stringify([path.join(this.place, 'base'), ...layers]),
        'io.runt.store': this.store,
        ...annotations,
      }
      spec.process!.args = verbs(...program)
      change?.(spec)
    })
  }

  /** The directories that containers have in the store. */
  get registered(): string[] {
    const dir = path.join(this.store, 'containers')
    return existsSync(dir) ? readdirSync(dir).map((name) => path.join(dir, name)) : []
  }

  assertGone(t: ExecutionContext): void {
    this.assertClean(t)
    t.deepEqual(this.registered, [], 'something of a container is left in the store')
    t.deepEqual(readdirSync(path.join(this.bundle, 'root')), [], 'the mount point is as it was')
  }
}

const mounts = (): string => readFileSync('/proc/self/mountinfo', 'utf8')

/** As overlayfs has them: kernel.org/doc/html/latest/filesystems/overlayfs.html#whiteouts-and-opaque-directories. */
function whiteout(file: string): void {
  const { status, stderr } = spawnSync('mknod', [file, 'c', '0', '0'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

function opaque(dir: string): void {
  const script = 'import os, sys; os.setxattr(sys.argv[1], "trusted.overlay.opaque", b"y")'
  const { status, stderr } = spawnSync('python3', ['-c', script, dir], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

/** Layers with a file of each, a whiteout and an opaque directory. */
function stack(sandbox: Layered): string[] {
  const low = sandbox.layer('low', { 'etc/word': 'low', 'gone/file': '', 'hidden/low': '', 'etc/low': 'low' })
  const high = sandbox.layer('high', { 'etc/word': 'high', 'hidden/high': '' })
  whiteout(path.join(high, 'gone'))
  opaque(path.join(high, 'hidden'))
  return [low, high]
}

const look = [
  ['cat', '/etc/word'],
  ['cat', '/etc/low'],
  ['ls', '/gone'],
  ['ls', '/hidden'],
]
const seen = 'highlowls: opendir: ENOENT\nhigh\n'

test('layers lie upon each other, and what a container changes goes with it', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Layered(t)
  const layers = stack(sandbox)
  sandbox.use(layers, [...look, ['write', '/etc/word', 'changed'], ['cat', '/etc/word'], ['wait']])
  const before = mounts()
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  await eventually(() => sandbox.output().includes('changed'), 'the program is done')
  t.is(sandbox.output(), `${seen}changed`)
  t.is(mounts(), before, 'the mounts of the host while the container runs')
  const [own] = sandbox.registered
  t.is(readFileSync(path.join(own!, 'upper/etc/word'), 'utf8'), 'changed')
  t.like(JSON.parse(readFileSync(path.join(own!, 'container.json'), 'utf8')), {
    id: sandbox.id,
    layers: [path.join(sandbox.place, 'base'), ...layers],
  })
  t.is(sandbox.run(['exec', sandbox.id, 'inside', 'cat', '/etc/word']).stdout, 'changed')
  sandbox.run(['kill', sandbox.id, 'KILL'])
  await sandbox.until('stopped')
  t.is(sandbox.run(['delete', sandbox.id]).stderr, '')
  t.is(mounts(), before, 'the mounts of the host after the container')
  t.is(readFileSync(path.join(layers[1]!, 'etc/word'), 'utf8'), 'high')
  sandbox.assertGone(t)
})

test('containers share their layers, and see no changes of each other', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Layered(t)
  sandbox.use(stack(sandbox), [['wait']])
  const other = sandbox.newId()
  for (const id of [sandbox.id, other]) t.is(sandbox.detached(['run', '-d', id]).status, 0)
  t.is(sandbox.registered.length, 2)
  sandbox.run(['exec', sandbox.id, 'inside', 'write', '/etc/word', 'mine'])
  t.is(sandbox.run(['exec', sandbox.id, 'inside', 'cat', '/etc/word']).stdout, 'mine')
  t.is(sandbox.run(['exec', other, 'inside', 'cat', '/etc/word']).stdout, 'high')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  t.is(sandbox.run(['exec', other, 'inside', 'cat', '/etc/word']).stdout, 'high')
  t.is(sandbox.registered.length, 1)
  t.is(sandbox.run(['delete', '--force', other]).status, 0)
  sandbox.assertGone(t)
})

const change = [
  ['write', '/etc/word', 'changed'],
  ['cat', '/etc/word'],
]

test('changes are kept in memory, nowhere, or in a directory that outlives the container', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Layered(t)
  const layers = stack(sandbox)
  const run = (annotations: Record<string, string>, program: string[][], ...flags: string[]): string => {
    sandbox.use(layers, program, annotations)
    const { stdout, stderr } = sandbox.run(['run', ...flags, sandbox.id])
    t.deepEqual(sandbox.registered, [])
    return stdout + stderr
  }
  const memory = { 'io.runt.upper': 'tmpfs', 'io.runt.upper.size': '64k' }
  t.is(run(memory, [...look, ...change]), `${seen}changed`)
  const big = 'x'.repeat(100_000)
  t.is(run(memory, [['write', '/big', big]]), '', 'a write that fills it in part')
  t.regex(
    run(memory, [
      ['write', '/big', big],
      ['write', '/more', big],
    ]),
    /ENOSPC/,
  )
  t.is(run({}, [...look, ...change], '--tmpfs-upper'), `${seen}changed`)
  t.false(existsSync(path.join(sandbox.store, 'containers')), 'nothing was kept in the store')
  const nowhere = { 'io.runt.upper': 'none' }
  t.is(run(nowhere, [...look, ...change]), `${seen}write: open: EROFS\nhigh`)
  layers.length = 0
  t.is(
    run(nowhere, [
      ['ls', '/bin'],
      ['write', '/file', ''],
    ]),
    'inside\nwrite: open: EROFS\n',
    'of one layer',
  )
  const own = sandbox.layer('own')
  t.is(run({ 'io.runt.upper': own }, change), 'changed')
  t.deepEqual(readdirSync(own).sort(), ['upper', 'work'])
  t.is(run({ 'io.runt.upper': own }, [['cat', '/etc/word']]), 'changed')
  t.is(readFileSync(path.join(own, 'upper/etc/word'), 'utf8'), 'changed')
  sandbox.assertGone(t)
})

test('a user namespace has the ids of the layers as its own, and the disk has them too', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Layered(t)
  const layers = stack(sandbox)
  for (const [name, id] of [
    ['of-5', 5],
    ['of-1000', 1000],
  ] as const) {
    writeFileSync(path.join(layers[0]!, name), '')
    chownSync(path.join(layers[0]!, name), id, id)
    chmodSync(path.join(layers[0]!, name), 0o666)
  }
  const stat = (...names: string[]) => names.map((name) => ['stat', name])
  const owners = (text: string) =>
    lines(text)
      .filter((line) => line.startsWith('/'))
      .map((line) => line.split(' ').slice(3).join(':'))
  openUp(sandbox, path.join(sandbox.bundle, 'root'))
  const program = [
    ...look,
    ['write', '/etc/new', ''],
    ['write', '/of-5', 'x'],
    ...stat('/', '/etc/new', '/of-5', '/of-1000'),
  ]
  for (const upper of ['tmpfs', 'none', 'disk']) {
    sandbox.use(layers, [...program, ['wait']], { 'io.runt.upper': upper }, ownUsers)
    const before = mounts()
    const { status, stderr } = sandbox.detached(['run', '-d', sandbox.id])
    t.is(status, 0, stderr)
    await eventually(() => sandbox.output().split('/of-1000 ').length > 1, 'the program is done')
    t.is(mounts(), before)
    const output = sandbox.output()
    t.true(output.startsWith(seen), output)
    if (upper === 'none') t.deepEqual(owners(output), ['0:0', '5:5', '1000:1000'])
    else t.deepEqual(owners(output), ['0:0', '0:0', '5:5', '1000:1000'])
    if (upper === 'disk') {
      const own = path.join(sandbox.registered[0]!, 'upper')
      t.is(statSync(own).uid, 0)
      t.is(statSync(path.join(own, 'etc/new')).uid, 0)
      t.is(statSync(path.join(own, 'of-5')).uid, 5)
    }
    t.is(sandbox.run(['delete', '--force', sandbox.id]).stderr, '')
    rmSync(path.join(sandbox.dir, 'stdout'))
    sandbox.assertGone(t)
  }
})

test('there may be 128 layers and more', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Layered(t)
  const layers = Array.from({ length: 130 }, (_, index) =>
    sandbox.layer(`layer-with-a-name-that-is-long-${index}`, { [`made/${index}`]: '', 'etc/highest': String(index) }),
  )
  for (const upper of ['disk', 'none']) {
    sandbox.use(
      layers,
      [
        ['ls', '/made'],
        ['cat', '/etc/highest'],
      ],
      { 'io.runt.upper': upper },
    )
    const { stdout, stderr } = sandbox.runContainer()
    t.is(stderr, '')
    t.is(lines(stdout).length, 131)
    t.is(lines(stdout).at(-1), '129')
  }
  sandbox.assertGone(t)
})

test('the root is an overlay of nobody else’s, with nothing that an image could lead astray by', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Layered(t)
  sandbox.use(stack(sandbox), [mountinfo])
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stderr, '')
  const root = mountAt(stdout, '/')
  t.is(root?.type, 'overlay')
  t.false(root!.superblock.some((option) => /index=on|metacopy=on|redirect_dir=(on|follow)|volatile/.test(option)))
  t.is(stdout.includes('tmpfs tmpfs rw,mode=755,'), false, 'nothing of how it was made is left')
  sandbox.assertGone(t)
})

test('a layer that is no directory is told by its place in the annotation', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Layered(t)
  const fails = (annotations: Record<string, string>, message: RegExp): void => {
    sandbox.use([], [['echo', 'hello']], annotations)
    const { status, stderr } = sandbox.runContainer()
    t.is(status, 1)
    t.regex(stderr, message)
    t.regex(stderr, /config\.json:\d+/, 'the place in the file')
    sandbox.assertGone(t)
  }
  const base = path.join(sandbox.place, 'base')
  const list = (...layers: string[]) => ({ 'io.runt.layers': JSON.stringify([base, ...layers]) })
  symlinkSync(base, path.join(sandbox.place, 'link'))
  const item = (index: number, why: string) =>
    new RegExp(`annotations\\["io\\.runt\\.layers"\\]: item ${index} \\(counted from 0\\), .*: ${why}`)
  fails(list(`${sandbox.place}/missing`), item(1, 'there is no such directory'))
  fails(list(`${sandbox.place}/link`), item(1, 'is a symlink'))
  fails(list(`${base}/bin/inside`), item(1, 'is not a directory'))
  fails(list(`sha256:${'0'.repeat(64)}`), item(1, 'there is no such directory'))
  fails(
    { 'io.runt.upper': '/nowhere/at/all' },
    /annotations\["io\.runt\.upper"\]: \/nowhere\/at\/all: there is no such/,
  )
  const inner = list(`${base}/etc`)
  sandbox.use([], [['echo', 'hello']], inner)
  const { status, stderr } = sandbox.runContainer()
  if (status !== 0) t.regex(stderr, /annotations\["io\.runt\.layers"\]: mount the layers/)
  sandbox.assertGone(t)
})

// cve: layer-annotations
test('a root that an engine has prepared is never covered by layers that an annotation names', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Layered(t)
  const outside = path.join(sandbox.place, 'outside')
  mkdirSync(outside)
  for (const [root, why] of [
    ['rootfs', 'not empty; the root is made of layers'],
    [sandbox.rootfs, 'not empty; the root is made of layers'],
    [outside, 'not in the bundle; '],
    ['../outside', 'not in the bundle; '],
    ['.', 'not in the bundle; '],
    ['link', 'is a symlink; '],
  ] as const) {
    if (root === '../outside') mkdirSync(path.join(sandbox.bundle, root))
    if (root === 'link') symlinkSync(outside, path.join(sandbox.bundle, root))
    sandbox.use([], [['echo', 'hello']], {}, (spec) => {
      spec.root!.path = root
    })
    const { status, stdout, stderr } = sandbox.runContainer()
    t.is(status, 1, root)
    t.is(stdout, '', root)
    t.true(stderr.includes(why), stderr)
    t.regex(stderr, /config\.json:\d+/)
    t.regex(stderr, /hint: make root\.path an empty directory in the bundle/)
    t.false(existsSync(sandbox.store))
    sandbox.assertGone(t)
  }
})

// cve: layer-annotations
test('hostile annotations are refused with their fields, before anything is done', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Layered(t)
  const refuses = (annotations: Record<string, string>, ...fields: string[]): void => {
    sandbox.use([], [['echo', 'hello']], annotations)
    for (const command of [['run', sandbox.id], ['validate'], ['explain']]) {
      const { status, stdout, stderr } = sandbox.run(command)
      t.is(status, 1, command.join(' '))
      const said = stdout + stderr
      for (const field of command[0] === 'validate' ? fields : fields.slice(0, 1)) t.true(said.includes(field), said)
      t.false(said.includes('\u001b'), JSON.stringify(said))
    }
    t.false(existsSync(sandbox.store))
    sandbox.assertGone(t)
  }
  const layers = 'annotations["io.runt.layers"]'
  refuses({ 'io.runt.layers': '/one:/two' }, layers)
  refuses({ 'io.runt.layers': '{"__proto__": ["/"]}' }, layers)
  refuses({ 'io.runt.layers': '[]' }, layers)
  refuses({ 'io.runt.layers': JSON.stringify(['/a', 'b', null, { path: '/' }]) }, layers, 'item 1', 'item 2', 'item 3')
  refuses({ 'io.runt.layers': JSON.stringify(['/a\0b', '/\u001b[2J\n'.repeat(2000)]) }, layers, 'item 0', 'item 1')
  refuses(
    { 'io.runt.layers': JSON.stringify(['sha256:../../../etc', 'sha512:00', `SHA256:${'0'.repeat(64)}`]) },
    layers,
  )
  refuses({ 'io.runt.layers': JSON.stringify(Array.from({ length: 501 }, (_, index) => `/${index}`)) }, layers)
  refuses({ 'io.runt.layers': JSON.stringify(['/a', '/a']) }, layers, 'same as item 0')
  refuses({ 'io.runt.upper': '../up' }, 'annotations["io.runt.upper"]')
  refuses({ 'io.runt.upper.size': '64m' }, 'annotations["io.runt.upper.size"]')
  refuses({ 'io.runt.upper': 'tmpfs', 'io.runt.upper.size': '1m,mode=777' }, 'annotations["io.runt.upper.size"]')
  refuses({ 'io.runt.store': 'store' }, 'annotations["io.runt.store"]')
})

test('a root of layers needs a mount namespace of the container’s own', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Layered(t)
  sandbox.use([], [['echo', 'hello']], {}, (spec) => {
    spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'mount')
    delete spec.linux!.maskedPaths
    delete spec.linux!.readonlyPaths
  })
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /annotations\["io\.runt\.layers"\] must come with a new mount namespace/)
  sandbox.assertGone(t)
})

test('the flag for changes in memory is refused where there are no layers', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  const { status, stderr } = sandbox.runContainer('--tmpfs-upper')
  t.is(status, 1)
  t.regex(stderr, /--tmpfs-upper needs a configuration with the annotation io\.runt\.layers/)
  sandbox.assertClean(t)
})

test('an ordinary user has layers too, by a user namespace', (t) => {
  if (lacks(t, 'runt')) return
  const place = mkdtempSync(path.join(tmpdir(), 'runt-layers-'))
  t.teardown(() => {
    rmSync(place, { recursive: true })
  })
  mountMappable(t, place)
  const sandbox = new UserSandbox(t)
  mkdirSync(path.join(sandbox.bundle, 'empty'))
  cpSync(sandbox.rootfs, path.join(place, 'base'), { recursive: true })
  mkdirSync(path.join(place, 'high/etc'), { recursive: true })
  writeFileSync(path.join(place, 'high/etc/word'), 'high')
  spawnSync('chown', ['-R', `${uid}:${gid}`, place])
  const program = [['cat', '/etc/word'], ['mkdir', '/made'], ...change, ['stat', '/']]
  for (const upper of ['disk', 'tmpfs', 'none']) {
    sandbox.configureRootless((spec) => {
      spec.root = { path: 'empty' }
      spec.annotations = {
        'io.runt.layers': JSON.stringify([path.join(place, 'base'), path.join(place, 'high')]),
        'io.runt.upper': upper,
      }
      spec.process!.args = verbs(...program)
    })
    const { stdout, stderr } = sandbox.asUser(['run', sandbox.id], { env: { XDG_DATA_HOME: `${place}/data` } })
    t.is(stderr, '')
    const changed = upper === 'none' ? 'highmkdir: mkdir: EROFS\nwrite: open: EROFS\nhigh' : 'highmade\nchanged'
    t.is(stdout, `${changed}/ directory 755 0 0\n`)
    t.deepEqual(readdirSync(`${place}/data/runt/containers`), [])
    sandbox.assertClean(t)
  }
})

test('what other ids of an ordinary user have made is removed, too', (t) => {
  if (lacks(t, 'runt')) return
  const place = mkdtempSync(path.join(tmpdir(), 'runt-layers-'))
  t.teardown(() => {
    rmSync(place, { recursive: true })
  })
  mountMappable(t, place)
  grantSubids(t)
  const sandbox = new UserSandbox(t, (spec) => {
    spec.root = { path: 'empty' }
    spec.annotations = { 'io.runt.layers': JSON.stringify([path.join(place, 'base')]) }
    for (const [maps, own] of [
      ['uidMappings', uid],
      ['gidMappings', gid],
    ] as const) {
      spec.linux![maps] = [
        { containerID: 0, hostID: own, size: 1 },
        { containerID: 1, hostID: subids, size: subCount },
      ]
    }
    spec.process!.user = { uid: 5, gid: 5 }
    spec.process!.args = verbs(['mkdir', '/tmp/dir'], ['write', '/tmp/dir/file', ''])
  })
  mkdirSync(path.join(sandbox.bundle, 'empty'))
  cpSync(sandbox.rootfs, path.join(place, 'base'), { recursive: true })
  chmodSync(path.join(place, 'base/tmp'), 0o1777)
  spawnSync('chown', ['-R', `${uid}:${gid}`, place])
  const env = { XDG_DATA_HOME: `${place}/data` }
  t.like(sandbox.asUser(['run', sandbox.id], { env }), { stdout: 'made\n', stderr: '' })
  t.deepEqual(readdirSync(`${place}/data/runt/containers`), [])
  sandbox.assertClean(t)
})

test('explain shows the layers, and does nothing', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Layered(t)
  sandbox.use(['/nowhere'], [['echo', 'hello']])
  const { stdout, stderr } = sandbox.run(['explain'])
  t.is(stderr, '')
  t.regex(stdout, /annotations\["io\.runt\.layers"\] +r\d+ layer 1 = openTree path \/nowhere, flags SYMLINK_NOFOLLOW/)
  t.regex(stdout, /annotations\["io\.runt\.layers"\] +r\d+ root = overlay layers r\d+ to r\d+/)
  t.false(existsSync(sandbox.store))
})

test('killed at any instant, a command leaves what delete --force removes whole', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Layered(t)
  sandbox.use(stack(sandbox), [['wait']])
  let kills = 0
  // Where commands are slow some instants are enough: test/unit/runtime/interrupted.test.ts takes all of them.
  const at: Record<string, number> = slow
    ? { mkdir: 5, write: 5, unlinkat: 9 }
    : { mkdir: 6, rename: 4, flock: 3, memfd_create: 2, recvmsg: 4, write: 6, unlinkat: 12 }
  for (const [call, most] of Object.entries(at)) {
    for (let n = 1; n <= most; n += slow ? 4 : 1) {
      const id = sandbox.newId()
      const inject = signalled(call, n)
      const command = call === 'unlinkat' ? ['delete', '--force', id] : ['create', id]
      if (call === 'unlinkat') t.is(sandbox.detached(['run', '-d', id]).status, 0)
      const { killed } = await launch(sandbox, command, { by: inject })
      if (killed) kills++
      const { status, stderr } = sandbox.run(['delete', '--force', id])
      t.is(status, 0, `before ${call} ${n}: ${stderr}`)
      await eventually(() => initsOf(sandbox.dir).length === 0, `before ${call} ${n}: init has left`)
      sandbox.assertGone(t)
      if (!killed) break
    }
  }
  t.log(`${kills} kills`)
  t.true(kills > 2)
})

test('what is left of a container before the last boot is not seen by another of its name', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Layered(t)
  const layers = stack(sandbox)
  sandbox.use(layers, change)
  t.is(sandbox.create().status, 0)
  const [own] = sandbox.registered
  writeFileSync(path.join(own!, 'upper/etc-left'), '')
  t.is(sandbox.run(['kill', sandbox.id, 'KILL']).status, 0)
  rmSync(sandbox.stateRoot, { recursive: true })
  sandbox.use(layers, [['stat', '/etc-left']])
  t.is(sandbox.runContainer().stdout, 'stat: lstat: ENOENT\n')
  sandbox.assertGone(t)
})
