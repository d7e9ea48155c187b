import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { lacks, lines, Sandbox } from './harness.ts'
import { mountAt, mountinfo, verbs } from './mounts-seen.ts'
import { ownUsers } from './users.ts'

function sharesMounts(spec: Spec): void {
  spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'mount')
}

const ownMountinfo = (): string => readFileSync('/proc/self/mountinfo', 'utf8')

function leftAsItWas(t: ExecutionContext, before: string, sandbox: Sandbox): void {
  t.is(ownMountinfo(), before, 'the machine’s mounts')
  sandbox.assertClean(t)
}

// runc and crun leave what they mount for such a container behind, and runc makes the machine's root a slave.

// covers: config-linux.md#namespaces/inherited, /linux/namespaces/*/type
test('without a mount namespace the container has the machine’s, and its root and mounts all the same', (t) => {
  if (lacks(t, 'runt')) return
  const before = ownMountinfo()
  const sandbox = new Sandbox(t)
  const source = path.join(sandbox.dir, 'source')
  mkdirSync(source)
  writeFileSync(path.join(source, 'file'), 'bound\n')
  sandbox.configure((spec) => {
    sharesMounts(spec)
    spec.mounts!.push({ destination: '/data', source, options: ['bind', 'ro'] })
    spec.process!.args = verbs(
      ['ls', '/'],
      ['cat', '/data/file'],
      ['write', '/data/file', 'x'],
      ['mkdir', '/made'],
      ['write', '/proc/sys/kernel/domainname', 'x'],
      ['cat', '/proc/self/stat'],
    )
  })
  const { stdout, stderr, status } = sandbox.runContainer()
  t.is(stderr, '')
  t.is(status, 0)
  const seen = lines(stdout)
  t.deepEqual(seen.slice(0, 7), ['bin', 'data', 'dev', 'etc', 'proc', 'sys', 'tmp'])
  // The bind, the root, and what readonlyPaths names.
  t.deepEqual(seen.slice(7, 11), ['bound', 'write: open: EROFS', 'mkdir: mkdir: EROFS', 'write: open: EROFS'])
  t.regex(seen[11]!, /^1 \(inside\)/)
  leftAsItWas(t, before, sandbox)
})

test('its mounts are seen on the machine below its own directory alone, until it is deleted', (t) => {
  if (lacks(t, 'runt')) return
  const before = ownMountinfo()
  const sandbox = new Sandbox(t, (spec) => {
    sharesMounts(spec)
    spec.process!.args = ['inside', 'wait']
  })
  t.is(sandbox.create().status, 0)
  const { pid } = sandbox.state()
  t.is(readlinkSync(`/proc/${pid}/ns/mnt`), readlinkSync('/proc/self/ns/mnt'))
  const place = path.join(sandbox.stateRoot, sandbox.id, 'rootfs')
  t.is(readlinkSync(`/proc/${pid}/root`), place)
  t.is(mountAt(ownMountinfo(), `${place}/proc`)?.type, 'proc')
  t.deepEqual(readdirSync(path.join(sandbox.rootfs, 'proc')), [], 'the rootfs itself is as it was')
  // The machine's own mounts keep their propagation.
  const others = (text: string) => lines(text).filter((line) => !line.includes(place))
  t.deepEqual(others(ownMountinfo()), others(before))
  t.is(sandbox.run(['start', sandbox.id]).status, 0)
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  t.true(statSync(path.join(sandbox.rootfs, 'bin/inside')).isFile(), 'the rootfs survives')
  leftAsItWas(t, before, sandbox)
})

test('exec enters the root of a container that shares the machine’s mounts', (t) => {
  if (lacks(t, 'runt')) return
  const before = ownMountinfo()
  const sandbox = new Sandbox(t, (spec) => {
    sharesMounts(spec)
    spec.process!.args = ['inside', 'wait']
  })
  t.is(sandbox.create().status, 0)
  t.is(sandbox.run(['start', sandbox.id]).status, 0)
  const { stdout, stderr } = sandbox.run(['exec', sandbox.id, 'inside', 'ls', '/', '--', 'cwd', '--', 'pid'])
  t.is(stderr, '')
  t.deepEqual(lines(stdout).slice(0, 7), ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp', '/'])
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  leftAsItWas(t, before, sandbox)
})

test('a create that fails takes its mounts in the machine’s namespace away again', (t) => {
  if (lacks(t, 'runt')) return
  const before = ownMountinfo()
  const sandbox = new Sandbox(t, (spec) => {
    sharesMounts(spec)
    spec.process!.args = ['/no/such/program']
  })
  t.is(sandbox.create().status, 1)
  t.true(statSync(path.join(sandbox.rootfs, 'bin/inside')).isFile(), 'the rootfs survives')
  leftAsItWas(t, before, sandbox)
})

test('mounts in a shared mount of the machine do not spread', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  const mount = (...args: string[]): void => void t.is(spawnSync('mount', args).status, 0, args.join(' '))
  // As under systemd: everything is shared, the rootfs and the state root alike.
  mkdirSync(sandbox.stateRoot)
  for (const dir of [sandbox.rootfs, sandbox.stateRoot]) {
    mount('--bind', dir, dir)
    mount('--make-shared', dir)
    t.teardown(() => spawnSync('umount', ['--lazy', dir]))
  }
  const before = ownMountinfo()
  sandbox.configure((spec) => {
    sharesMounts(spec)
    spec.process!.args = ['inside', ...mountinfo]
  })
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stderr, '')
  // The machine's mountinfo, seen from a root: no mount but the container's is in it.
  t.is(mountAt(stdout, '/proc')?.type, 'proc')
  t.deepEqual(
    mountAt(stdout, '/proc')?.propagation.filter((text) => text.startsWith('shared')),
    [],
  )
  t.deepEqual(lines(ownMountinfo()), lines(before))
  t.deepEqual(readdirSync(path.join(sandbox.rootfs, 'proc')), [])
})

test('an image’s symlink into a shared mount of the machine leads no mount there', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  const source = path.join(sandbox.dir, 'source')
  mkdirSync(path.join(source, 'precious'), { recursive: true })
  for (const args of [
    ['--bind', source, source],
    ['--make-shared', source],
  ])
    t.is(spawnSync('mount', args).status, 0)
  t.teardown(() => spawnSync('umount', ['--lazy', source]))
  writeFileSync(path.join(source, 'precious/file'), 'precious\n')
  symlinkSync('data/precious', path.join(sandbox.rootfs, 'cache'))
  for (const options of [['bind'], ['rbind', 'private'], ['bind', 'shared']]) {
    sandbox.configure((spec) => {
      sharesMounts(spec)
      spec.mounts!.push({ destination: '/data', source, options }, { destination: '/cache', type: 'tmpfs' })
      spec.process!.args = verbs(['ls', '/data/precious'], ['echo', 'hidden'])
    })
    const before = ownMountinfo()
    t.is(sandbox.create().stderr, '')
    t.is(readFileSync(path.join(source, 'precious/file'), 'utf8'), 'precious\n', options.join())
    t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
    t.is(ownMountinfo(), before)
  }
  t.is(sandbox.runContainer().stdout, 'hidden\n', 'the attack itself: the tmpfs is there')
})

test('a user namespace without a mount namespace is refused: it may mount nothing', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    ownUsers(spec)
    sharesMounts(spec)
  })
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /linux\.namespaces must have a mount namespace with the user namespace/)
  sandbox.assertClean(t)
})
