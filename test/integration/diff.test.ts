/** `diff` and `export --layer`: what a container changed in the layers of its root, told and as a layer of an image. */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { deleteContainer, directContext, exportLayer, StateError } from '../../src/index.ts'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { call, differences, told, treeOf, type Tree } from '../images/tools.ts'
import { eventually, lacks, lines, Sandbox, type Result } from './harness.ts'
import { archiveOf, layoutFiles, sha256 } from './images.ts'
import { mountMappable } from './mappable.ts'
import { tar, type TarEntry } from './tar.ts'
import { openUp, ownUsers } from './users.ts'

const program = readFileSync(fileURLToPath(new URL('changes.py', import.meta.url)))

/** Where the host's Python is bound to: at those places in the host, too, there are directories, or symlinks to some. */
const ofHost = ['usr', 'lib', 'lib64'].filter((name) => existsSync(`/${name}`))

const base = tar(
  ...['usr', 'lib', 'lib64', 'proc', 'dev', 'sys', 'tmp'].map((name): TarEntry => ({ name: `${name}/`, type: '5' })),
  { name: 'change.py', content: program },
  ...['old/', 'old/deep/', 'gone/', 'opaque/', 'opaque/sub/', 'same/', 'etc/', 'etc/deep/', 'turned/'].map(
    (name): TarEntry => ({ name, type: '5', mtime: 1_500_000_000.25 }),
  ),
  ...['old/del', 'old/deep/x', 'gone/x', 'opaque/p', 'opaque/sub/o', 'same/file', 'touched', 'moded', 'noted'].map(
    (name): TarEntry => ({ name, content: name, mtime: 1_500_000_000.125 }),
  ),
  ...['etc/deep/conf', 'replaced', 'turned/x'].map((name): TarEntry => ({ name, content: name })),
)

/** Images, their bundles and containers of these, on a filesystem that can have what a container changes. */
class Changing extends Sandbox {
  readonly place: string
  readonly store: string

  constructor(t: ExecutionContext) {
    super(t)
    this.place = mkdtempSync(path.join(tmpdir(), 'runt-diff-'))
    t.teardown(() => {
      rmSync(this.place, { recursive: true })
    })
    mountMappable(t, this.place, '96M')
    chmodSync(this.place, 0o755)
    this.store = path.join(this.place, 'store')
  }

  path(name: string): string {
    return path.join(this.place, name)
  }

  /** A bundle of an image of these layers, in which a command of Python is run. */
  unpack(t: ExecutionContext, name: string, layers: Buffer[], args: string[], change?: (spec: Spec) => void): string {
    const image = this.path(`${name}.tar`)
    writeFileSync(image, archiveOf(layoutFiles({ [name]: { layers } })))
    const bundle = this.path(name)
    const result = this.run(['unpack', '--store', this.store, '--image', image, bundle])
    t.is(result.status, 0, result.stderr)
    rmSync(image)
    const file = path.join(bundle, 'config.json')
    const spec = JSON.parse(readFileSync(file, 'utf8')) as Spec
    spec.process!.args = ['/usr/bin/python3', '/change.py', ...args]
    spec.process!.env = ['PYTHONDONTWRITEBYTECODE=1']
    for (const each of ofHost)
      spec.mounts!.push({ destination: `/${each}`, source: `/${each}`, type: 'bind', options: ['rbind', 'ro'] })
    change?.(spec)
    writeFileSync(file, JSON.stringify(spec))
    return bundle
  }

  async runUntil(t: ExecutionContext, bundle: string, word: string): Promise<void> {
    const { status, stderr } = this.detached(['run', '-d', '-b', bundle, this.id])
    t.is(status, 0, stderr)
    await eventually(() => this.output().includes(word), `${word}: ${this.output()}`, 60_000)
  }

  export(...more: string[]): Result {
    return this.run(['export', '--layer', ...more])
  }

  /** The layer that is exported to a file. */
  layer(t: ExecutionContext, id: string = this.id, ...more: string[]): Buffer {
    const file = this.path('out')
    const { status, stderr, stdout } = this.export('-o', file, ...more, id)
    t.is(status, 0, stderr)
    const layer = readFileSync(file)
    t.is(statSync(file).mode & 0o777, 0o600)
    t.true(stdout.includes(`sha256:${sha256(layer)}`), stdout)
    rmSync(file)
    return layer
  }
}

const long = 'ü'.repeat(120)
const expected = `A /d
A /d/fifo
A /d/file
A /d/hard
A /d/link
A /d/long-link
A /d/null
A /d/sparse
A /d/${long}
A /d/\\377\\012\\\\\\033
C /etc
C /etc/deep
C /etc/deep/conf
D /gone
C /moded
C /noted
C /old
D /old/del
C /opaque
A /opaque/new
D /opaque/p
C /opaque/sub
D /opaque/sub/o
C /replaced
A /replaced/in
C /touched
C /turned
`
const whiteouts = ['.wh.gone', 'old/.wh.del', 'opaque/.wh..wh..opq', 'replaced/.wh..wh..opq']

const isWhiteout = (name: string) => path.basename(name).startsWith('.wh.')

/** That GNU tar makes of the layer what the container sees there. */
function checkWithTar(t: ExecutionContext, sandbox: Changing, layer: Buffer, seen: Tree): void {
  const [file, directory] = [sandbox.path('layer.tar'), sandbox.path('by-tar')]
  writeFileSync(file, layer)
  mkdirSync(directory)
  call('tar', ['--extract', '--xattrs', '--xattrs-include=*', '--numeric-owner', '-p', '-C', directory, '-f', file])
  const tree = treeOf('directory', directory)
  const names = [...tree.keys()]
  t.deepEqual(names.filter(isWhiteout).sort(), whiteouts)
  t.true(names.length > 20)
  const files = new Map([...tree].filter(([name]) => !isWhiteout(name)))
  // Whiteouts are files to tar, and change the time of what they are in unless tar sets that after them, as it does.
  const same = new Map([...seen].filter(([name]) => files.has(name)))
  t.is(told(differences(same, files)), '')
  t.is((files.get('d/sparse') as { size?: number }).size, 300_000)
  rmSync(directory, { recursive: true })
  rmSync(file)
}

test('what a container changed is told, and is a layer from which tar and unpack make what it saw', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Changing(t)
  await sandbox.runUntil(t, sandbox.unpack(t, 'one', [base], ['all']), 'done')
  const { pid } = sandbox.state()
  t.deepEqual(sandbox.run(['diff', sandbox.id]), { status: 0, stdout: expected, stderr: '' })
  const list = JSON.parse(sandbox.run(['diff', '--format', 'json', sandbox.id]).stdout) as Record<string, string>[]
  t.is(list.length, lines(expected).length)
  t.deepEqual(list[9], { kind: 'added', path: '/d/\ufffd\n\\\u001b', hex: '2f642fff0a5c1b' })
  t.deepEqual(list[13], { kind: 'deleted', path: '/gone' })

  const layer = sandbox.layer(t)
  const seen = treeOf('container', String(pid))
  checkWithTar(t, sandbox, layer, seen)

  const again = sandbox.unpack(t, 'two', [base, layer], ['all'])
  const other = sandbox.newId()
  t.is(sandbox.detached(['create', '-b', again, other]).status, 0)
  t.is(told(differences(treeOf('container', String(sandbox.state(other).pid)), seen)), '')
  t.deepEqual(sandbox.run(['diff', other]), { status: 0, stdout: '', stderr: '' })
  t.deepEqual([...treeTold(sandbox, sandbox.layer(t, other)).keys()], ['.'])

  sandbox.run(['kill', sandbox.id, 'KILL'])
  await sandbox.until('stopped')
  t.is(sandbox.run(['diff', sandbox.id]).stdout, expected)
  t.true(sandbox.layer(t).equals(layer), 'the same bytes')
  const piped = spawnSync('sh', [
    '-c',
    `"$@" > '${sandbox.path('piped')}'`,
    'sh',
    ...sandbox.command('export', '--layer', sandbox.id),
  ])
  t.true(readFileSync(sandbox.path('piped')).equals(layer), piped.stderr.toString())
  t.true(piped.stderr.toString().includes(`diffID  sha256:${sha256(layer)}`), piped.stderr.toString())
  t.true(gunzipSync(sandbox.layer(t, sandbox.id, '--compress', 'gzip')).equals(layer))
  const zstd = sandbox.layer(t, sandbox.id, '--compress', 'zstd', '--format', 'json')
  t.true(spawnSync('zstd', ['-dc'], { input: zstd, maxBuffer: 1 << 26 }).stdout.equals(layer))
})

function treeTold(sandbox: Changing, layer: Buffer): Tree {
  const file = sandbox.path('told.tar')
  writeFileSync(file, layer)
  return treeOf('tar', file)
}

test('with a user namespace, owners and capabilities are those that the container sees', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Changing(t)
  const bundle = sandbox.unpack(t, 'one', [base], ['all'], (spec) => {
    ownUsers(spec, 4_000_000)
    // No device can be made there.
    spec.process!.args = ['/usr/bin/python3', '-c', 'import os; os.mknod = lambda *_: 0\n' + program.toString(), 'all']
  })
  openUp(sandbox, path.dirname(bundle), bundle, path.join(bundle, 'rootfs'))
  chmodSync(sandbox.store, 0o755)
  await sandbox.runUntil(t, bundle, 'done')
  t.is(sandbox.run(['diff', sandbox.id]).stdout, expected.replace('A /d/null\n', ''))
  const tree = treeTold(sandbox, sandbox.layer(t))
  t.is(tree.get('d')?.owner, '3000000:5')
  t.is(tree.get('d/link')?.owner, '7:8')
  t.is(tree.get('d/file')?.owner, '0:0')
  const xattrs = tree.get('d/file')?.xattrs as Record<string, string>
  t.is(Buffer.from(xattrs['security.capability']!, 'latin1').toString('hex'), `0100000200200000${'00'.repeat(12)}`)
  t.is(Buffer.from(xattrs['system.posix_acl_access']!, 'latin1').toString('hex').slice(24, 40), '0200060007000000')
})

const python = (script: string) => ['/usr/bin/python3', '-c', `import os, socket\n${script}`]

test('what a container does meanwhile leads nowhere, and what no layer can have is told', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Changing(t)
  const secret = sandbox.path('secret')
  mkdirSync(secret)
  writeFileSync(path.join(secret, 'file'), 'secret of the host')
  await sandbox.runUntil(t, sandbox.unpack(t, 'one', [base], ['race', secret]), 'racing')
  const exec = (script: string) => {
    const { status, stderr } = sandbox.run(['exec', sandbox.id, ...python(script)])
    t.is(status, 0, stderr)
  }
  for (let round = 0; round < 6; round++) {
    const { status, stdout, stderr } = sandbox.run(['diff', sandbox.id])
    t.is(status, 0, stderr)
    t.true(stdout.startsWith('A /r\nA /r/a\n'), stdout)
    const layer = sandbox.layer(t)
    t.false(layer.includes('secret of the host'))
    t.true(treeTold(sandbox, layer).has('r/a'))
  }

  exec(`socket.socket(socket.AF_UNIX).bind('/socket'); open('/etc/.wh.conf', 'w'); os.setxattr('/moded', 'user.a=b', b'1')
os.setxattr('/moded', 'user.overlay.opaque', b'y')`)
  const warned = sandbox.export('-o', sandbox.path('out'), sandbox.id)
  t.is(warned.status, 0)
  t.regex(warned.stderr, /"\/socket" is a socket.*\n/)
  t.regex(warned.stderr, /"\/etc\/\.wh\.conf" has a name that means a deleted file.*\n/)
  t.regex(warned.stderr, /"\/moded \(user\.a=b\)" has an attribute.*\n/)
  const tree = treeTold(sandbox, readFileSync(sandbox.path('out')))
  for (const name of ['socket', 'etc/.wh.conf']) t.false(tree.has(name), name)
  t.deepEqual(tree.get('moded')?.xattrs, {})
  rmSync(sandbox.path('out'))

  const refused = (command: string[], wanted: RegExp) => {
    const { status, stderr } = sandbox.run([...command, sandbox.id])
    t.is(status, 1, stderr)
    t.regex(stderr, wanted)
    t.deepEqual(readdirSync(sandbox.path('to')), [])
  }
  mkdirSync(sandbox.path('to'))
  const toFile = ['export', '--layer', '-o', sandbox.path('to/layer')]
  refused([...toFile, '--max-entries', '3'], /has more than 3 entries[^]*--max-entries/)
  refused(['diff', '--max-entries', '3'], /has more than 3 entries/)
  exec(`os.truncate(os.open('/big', os.O_CREAT | os.O_WRONLY), 1 << 40)`)
  refused(toFile, /"big": has more than 68719476736 bytes[^]*--max-size/)
  exec(`os.remove('/big')
for _ in range(300): os.mkdir('deep'); os.chdir('deep')`)
  refused(toFile, /is deeper than 200 directories/)
  refused(['diff'], /is deeper than 200 directories/)
})

test('an export that is killed leaves nothing, and one whose container is deleted fails', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Changing(t)
  await sandbox.runUntil(t, sandbox.unpack(t, 'one', [base], ['all']), 'done')
  const script = `os.truncate(os.open('/d/sparse', os.O_WRONLY), 8 << 30)`
  t.is(sandbox.run(['exec', sandbox.id, ...python(script)]).status, 0)
  const to = sandbox.path('to')
  mkdirSync(to)
  const file = path.join(to, 'layer')
  const opened = (pid: number) =>
    readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`).startsWith(`${to}/`))
  for (const before of [[], ['layer']]) {
    if (before.length > 0) writeFileSync(file, 'as it was')
    const child = sandbox.start(['export', '--layer', '--compress', 'gzip', '-o', file, sandbox.id], {
      stdio: 'ignore',
    })
    await eventually(() => opened(child.pid!), 'it writes')
    const ended = new Promise((resolve) => child.on('exit', resolve))
    child.kill('SIGKILL')
    await ended
    t.deepEqual(readdirSync(to), before)
  }
  t.is(readFileSync(file, 'utf8'), 'as it was')

  const context = directContext({ root: sandbox.stateRoot })
  const { archives } = context.host
  const deleting = async (...[work, time]: Parameters<typeof archives.exportStep>) => {
    await deleteContainer({ id: sandbox.id, force: true }, context)
    return archives.exportStep(work, time)
  }
  const hostile = { ...context, host: { ...context.host, archives: { ...archives, exportStep: deleting } } }
  const error = await t.throwsAsync(exportLayer({ id: sandbox.id, output: file, maxBytes: 2 ** 40 }, hostile), {
    instanceOf: StateError,
  })
  t.is(error.message, `export container ${sandbox.id}: the container was deleted meanwhile`)
  t.is(readFileSync(file, 'utf8'), 'as it was')
})

function linkOf(name: string): string {
  try {
    return readlinkSync(name)
  } catch {
    return ''
  }
}

test('where changes cannot be read, that is said with what helps', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Changing(t)
  const refusedBy = (wanted: RegExp, ...args: string[]) => {
    const { status, stderr } = sandbox.run(args)
    t.is(status, 1)
    t.regex(stderr, wanted)
  }
  const both = (wanted: RegExp) => {
    refusedBy(wanted, 'diff', sandbox.id)
    refusedBy(wanted, 'export', '--layer', '-o', sandbox.path('out'), sandbox.id)
    t.false(existsSync(sandbox.path('out')))
  }
  both(/container does not exist/)
  t.is(sandbox.create().status, 0)
  both(/its root is not made of layers[^]*docs\/layers\.md/)
  sandbox.run(['delete', '--force', sandbox.id])

  const bundle = sandbox.unpack(t, 'one', [base], ['all'])
  const create = (...flags: string[]) => {
    t.is(sandbox.detached(['create', '-b', bundle, ...flags, sandbox.id]).status, 0)
  }
  create('--tmpfs-upper')
  both(/is in memory[^]*io\.runt\.upper/)
  sandbox.run(['delete', '--force', sandbox.id])

  create()
  refusedBy(/--layer is missing/, 'export', '-o', sandbox.path('out'), sandbox.id)
  refusedBy(/\/dev\/null[^]*exists/, 'export', '--layer', '-o', '/dev/null', sandbox.id)
  t.true(statSync('/dev/null').isCharacterDevice())
  refusedBy(/is a directory/, 'export', '--layer', '-o', sandbox.place, sandbox.id)
  refusedBy(/no such file/, 'export', '--layer', '-o', sandbox.path('no/where'), sandbox.id)
})
