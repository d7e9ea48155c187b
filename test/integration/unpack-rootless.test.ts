/** `unpack`, `layers` and `prune` of a user other than root, from the image in a file to a container that ran and is gone. */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { eventually, inVm, lacks, type Result } from './harness.ts'
import { archiveOf, chainIdsOf, dockerFiles, layoutFiles, writeFiles, type TestImage } from './images.ts'
import { mountMappable } from './mappable.ts'
import { gid, grantSubids, subCount, subids, uid, UserSandbox, type UserOptions } from './rootless.ts'
import { tar, type TarEntry } from './tar.ts'

/** The virtual machine, with its older kernel and its slowness, takes one that has most of all. */
function serial(title: string, run: (t: ExecutionContext) => unknown): void {
  test.serial(title, async (t) => {
    if (lacks(t, 'runt')) return
    if (inVm && !title.startsWith('without subordinate')) return t.pass()
    await run(t)
  })
}

/** A user's directory for data on a filesystem that takes overlays, and the tests' program for images. */
class UserShop extends UserSandbox {
  readonly place = mkdtempSync(path.join(tmpdir(), 'runt-user-'))
  readonly store = path.join(this.place, 'data/runt')
  readonly env = { XDG_DATA_HOME: path.join(this.place, 'data') }

  constructor(t: ExecutionContext) {
    super(t)
    t.teardown(() => {
      rmSync(this.place, { recursive: true })
    })
    mountMappable(t, this.place, '64M')
    chownSync(this.place, uid, gid)
  }

  do(args: string[], input?: Buffer, options: UserOptions = {}): Result {
    return this.asUser(args, { env: this.env, cwd: this.place, input, ...options })
  }

  /** A path, as root sees it. */
  path(name: string): string {
    return path.join(this.place, name)
  }

  config(bundle: string): Spec {
    return JSON.parse(readFileSync(this.path(`${bundle}/config.json`), 'utf8')) as Spec
  }

  program(): TarEntry {
    return { name: 'bin/inside', mode: 0o755, content: readFileSync(path.join(this.rootfs, 'bin/inside')) }
  }

  change(bundle: string, verbs: string[][]): void {
    const spec = this.config(bundle)
    spec.process!.args = ['/bin/inside', ...verbs.flatMap((verb) => [...verb, '--']).slice(0, -1)]
    writeFileSync(this.path(`${bundle}/config.json`), JSON.stringify(spec))
  }

  rubbish(): string[] {
    const parts = readdirSync(path.join(this.store, 'layers/sha256')).filter((name) => name.includes('.'))
    return [...parts, ...readdirSync(path.join(this.store, 'spool'))]
  }
}

function imageOf(shop: UserShop): TestImage {
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
  return {
    layers: [
      tar(
        shop.program(),
        { name: 'etc/passwd', content: 'root:x:0:0::/:\nweb:x:33:34::/srv:\n' },
        { name: 'etc/group', content: 'root:x:0:\nweb:x:34:\nmore:x:77:web\n' },
        { name: 'gone', content: 'x' },
        { name: 'dir/', type: '5', mode: 0o700, uid: 33, gid: 34 },
        { name: 'dir/below', content: 'below', uid: 33, gid: 34 },
        { name: 'opaque/', type: '5', uid: 33 },
        { name: 'opaque/below', content: 'x' },
        { name: 'capable', pax: { 'SCHILY.xattr.security.capability': capability } },
      ),
      tar(
        { name: '.wh.gone' },
        { name: 'opaque/.wh..wh..opq' },
        { name: 'opaque/new', content: 'new', uid: 33 },
        { name: 'dir/mine', content: 'mine', mode: 0o600, uid: 33, gid: 34 },
        { name: 'null', type: '3', device: [1, 3] },
      ),
    ],
    config: { User: 'web', Entrypoint: ['/bin/inside'], Cmd: ['id'], WorkingDir: '/dir' },
  }
}

serial('an archive on standard input becomes a container that runs as the image’s user, and nothing is left', (t) => {
  const shop = new UserShop(t)
  grantSubids(t)
  const image = imageOf(shop)
  const unpacked = shop.do(['unpack', '--image', '-', 'web'], archiveOf(dockerFiles('web', image)))
  t.is(unpacked.status, 0, unpacked.stderr)
  t.regex(unpacked.stderr, /layer 2 of 2: devices left out, which only root can make: null\n/)
  const spec = shop.config('web')
  t.deepEqual(spec.linux!.uidMappings, [
    { containerID: 0, hostID: uid, size: 1 },
    { containerID: 1, hostID: subids, size: subCount },
  ])
  t.is(spec.annotations!['io.runt.store'], shop.store)
  t.is(lstatSync(shop.path('web/config.json')).uid, uid)
  const layer = (at: number) => path.join(shop.store, 'layers/sha256', chainIdsOf(image)[at]!, 'fs')
  t.is(lstatSync(`${layer(0)}/dir/below`).uid, subids + 32)
  const capable = spawnSync('getcap', ['-n', `${layer(0)}/capable`], { encoding: 'utf8' }).stdout
  t.regex(capable, new RegExp(`cap_net_raw=ep \\[rootid=${uid}\\]`))
  t.is(lstatSync(`${layer(0)}/dir/below`).gid, subids + 33)
  t.true(lstatSync(`${layer(1)}/gone`).isCharacterDevice())
  t.false(existsSync(`${layer(1)}/null`))

  const verbs = [
    ['id'],
    ['cat', '/dir/below'],
    ['cat', '/dir/mine'],
    ['ls', '/opaque'],
    ['stat', '/gone'],
    ['stat', '/dir/below'],
    ['mkdir', '/dir/made'],
    ['write', '/dir/made/file', ''],
  ]
  t.regex(shop.do(['run', '-b', 'web', 'web']).stdout, /^uid 33 33 33 gid 34 34 34 groups 77 /)
  shop.change('web', verbs)
  const ran = shop.do(['run', '-b', 'web', 'web'])
  t.is(ran.stderr, '')
  const seen = ['belowminenew', 'stat: lstat: ENOENT', '/dir/below file 644 33 34', 'made', '']
  t.is(ran.stdout.replace(/^uid.*\n/, ''), seen.join('\n'))
  t.deepEqual(readdirSync(`${shop.store}/containers`), [])
  t.regex(shop.do(['layers']).stdout, new RegExp(`${shop.path('web')}\n.*${shop.path('web')}\n$`))
  t.regex(shop.do(['prune']).stdout, /^removed 0 layers/)

  spawnSync('rm', ['-r', shop.path('web')])
  const pruned = shop.do(['prune'])
  t.is(pruned.stderr, '')
  t.regex(pruned.stdout, /removed 2 layers/)
  t.deepEqual(readdirSync(path.join(shop.store, 'layers/sha256')), [])
  shop.assertClean(t)
})

serial('without subordinate ids all files are the user’s, which is told; with them such a layer is refused', (t) => {
  const shop = new UserShop(t)
  const image = imageOf(shop)
  const layout = writeFiles(
    shop.path('layout'),
    layoutFiles({ web: { ...image, config: { ...image.config, User: '' } } }),
  )
  const { status, stderr } = shop.do(['unpack', '--image', layout, 'web'])
  t.is(status, 0, stderr)
  t.regex(stderr, /without subordinate ids .* all files of the image belong to this user/)
  t.regex(stderr, /layer 1 of 2: extended attributes left out.*: capable \(security\.capability\)|^(?!.*attributes)/s)
  const layer = path.join(shop.store, 'layers/sha256', chainIdsOf(image)[0]!, 'fs')
  t.is(lstatSync(`${layer}/dir/below`).uid, uid)
  shop.change('web', [
    ['cat', '/dir/below'],
    ['stat', '/dir/mine'],
    ['ls', '/opaque'],
    ['write', '/dir/new', 'x'],
  ])
  const ran = shop.do(['run', '-b', 'web', 'web'])
  t.is(ran.stderr, '')
  t.is(ran.stdout, 'below/dir/mine file 600 0 0\nnew\n')

  grantSubids(t)
  const again = shop.do(['unpack', '--image', layout, 'again'])
  t.is(again.status, 1)
  t.regex(again.stderr, /one owner for all its files\n.*--store\n.*hint: .*runt prune/)
  t.false(existsSync(shop.path('again')))
  spawnSync('rm', ['-r', shop.path('web')])
  t.is(shop.do(['prune']).stderr, '')
  t.is(shop.do(['unpack', '--image', layout, 'again']).stderr.split('\n').length, 2, 'only devices are missing')
  shop.assertClean(t)
})

serial('what goes wrong inside is told as it would be outside, and nothing is left', (t) => {
  const shop = new UserShop(t)
  grantSubids(t)
  const fails = (args: string[], expected: RegExp, options: UserOptions = {}, input?: Buffer) => {
    const { status, stderr } = shop.do(['unpack', ...args, 'web'], input, options)
    t.is(status, 1, stderr)
    t.regex(stderr, expected)
    t.false(existsSync(shop.path('web')))
    if (existsSync(shop.store)) t.deepEqual(shop.rubbish(), [])
  }
  fails(['--image', 'nowhere'], /^runt unpack: nowhere: no such file or directory\n.*--image\n.*hint: /)
  fails(['--image', '-'], /is no image/, {}, archiveOf(new Map([['file', Buffer.from('x')]])))
  const evil = archiveOf(dockerFiles('web', { layers: [tar({ name: '../evil' })] }))
  fails(['--image', '-'], /layer 1 of 1: entry "\.\.\/evil": its name.* leads out/, {}, evil)
  const owner = archiveOf(dockerFiles('web', { layers: [tar({ name: 'far', uid: subCount + 7 })] }))
  fails(
    ['--image', '-'],
    /layer 1 of 1: give far to its owner: invalid argument\n.*\n.*hint: .*\/etc\/subuid/,
    {},
    owner,
  )
  mkdirSync(shop.path('bin'))
  for (const name of ['node', 'setpriv']) {
    const { stdout } = spawnSync('which', [name], { encoding: 'utf8' })
    symlinkSync(stdout.trim(), shop.path(`bin/${name}`))
  }
  const tools = { env: { ...shop.env, PATH: shop.path('bin') } }
  fails(['--image', '-'], /newgidmap is not in PATH\n.*hint: .*uidmap/, tools, evil)
})

serial('the worker works for nobody who is no root of a user namespace', (t) => {
  const shop = new UserShop(t)
  const job = JSON.stringify({ kind: 'remove', directory: shop.place })
  for (const result of [shop.run(['inside-user-namespace', job]), shop.do(['inside-user-namespace', job])]) {
    t.is(result.status, 1)
    t.regex(result.stderr, /is a part of other commands/)
  }
  t.true(existsSync(shop.place))
  t.notRegex(shop.do(['--help']).stdout, /inside/)
})

serial('the worker ends with the command that is killed, and the next one works', async (t) => {
  const shop = new UserShop(t)
  grantSubids(t)
  const archive = archiveOf(dockerFiles('web', imageOf(shop)))
  const child = shop.startAsUser(['unpack', '--image', '-', 'web'], { env: shop.env, cwd: shop.place })
  child.stdin!.on('error', () => undefined).write(archive.subarray(0, archive.length >> 1))
  await eventually(() => workers(shop.store).length > 0, 'the worker runs')
  await eventually(() => existsSync(path.join(shop.store, 'spool')) && shop.rubbish().length === 1, 'it reads')
  child.kill('SIGKILL')
  await eventually(() => workers(shop.store).length === 0, 'the worker ends')
  const { status, stderr } = shop.do(['unpack', '--image', '-', 'web'], archive)
  t.is(status, 0, stderr)
  t.is(shop.do(['prune']).stderr, '')
  t.deepEqual(shop.rubbish(), [])
})

/** Processes that work on a store in a user namespace. */
function workers(store: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      return command.includes('\0inside-user-namespace\0') && command.includes(store)
    } catch {
      return false
    }
  })
}
