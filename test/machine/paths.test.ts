import test, { type ExecutionContext } from 'ava'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PlanBuilder } from '../../src/plan/plan.ts'
import { runPlan, type Outcome } from './machine.ts'

const [ENOENT, EEXIST, EXDEV, ENOTDIR, EISDIR, ELOOP] = [2, 17, 18, 20, 21, 40]

/** A rootfs to attack, beside a directory that nothing may reach. */
function rootfs(t: ExecutionContext): { root: string; outside: string } {
  const base = mkdtempSync(path.join(tmpdir(), 'runt-paths-'))
  const root = path.join(base, 'root')
  const outside = path.join(base, 'outside')
  mkdirSync(root)
  mkdirSync(outside)
  t.teardown(() => {
    rmSync(base, { recursive: true })
  })
  return { root, outside }
}

interface OpenIn {
  make?: number
  kind?: number
  mode?: number
  optional?: number
}

function openIn(
  root: string,
  target: string,
  { make = 0, kind = 0, mode = 0o755, optional = 0 }: OpenIn,
): Promise<Outcome> {
  const builder = new PlanBuilder()
  const input = builder.input('root', '', { kind: 'path', path: root, flags: 'path' })
  const dst = builder.register('target')
  builder.add('openIn', '', { dst, root: input, path: target, make, mode, kind, optional })
  return runPlan(builder.plan, { inputs: [root] })
}

test('missing directories and a file at the end are made, with their modes', async (t) => {
  const { root } = rootfs(t)
  t.is((await openIn(root, '/a/b/c', { make: 1, kind: 1, mode: 0o700 })).status, 0)
  t.is(statSync(`${root}/a/b/c`).mode & 0o7777, 0o700)
  t.is(statSync(`${root}/a`).mode & 0o7777, 0o755)
  t.is((await openIn(root, 'a//x/./y', { make: 2, kind: 2, mode: 0o644 })).status, 0)
  t.true(statSync(`${root}/a/x/y`).isFile())
  t.is(statSync(`${root}/a/x/y`).mode & 0o7777, 0o644)
  // And once more, now that all is there.
  t.is((await openIn(root, '/a/b/c', { make: 1, kind: 1 })).status, 0)
  t.is((await openIn(root, '/a/x/y', { make: 2, kind: 2 })).status, 0)
})

test('an absolute symlink is resolved inside the root, also where it leads nowhere', async (t) => {
  const { root, outside } = rootfs(t)
  symlinkSync(outside, `${root}/link`)
  t.is((await openIn(root, '/link/made', { make: 1, kind: 1 })).status, 0)
  t.deepEqual(readdirSync(outside), [])
  t.true(existsSync(path.join(root, outside, 'made')))
})

test('a relative symlink with dots cannot leave the root', async (t) => {
  const { root, outside } = rootfs(t)
  mkdirSync(`${root}/etc`)
  symlinkSync('../../../outside/x', `${root}/etc/resolv.conf`)
  t.is((await openIn(root, '/etc/resolv.conf', { make: 2, kind: 2 })).status, 0)
  t.deepEqual(readdirSync(outside), [])
  t.true(statSync(`${root}/outside/x`).isFile())
  t.true(lstatSync(`${root}/etc/resolv.conf`).isSymbolicLink())
})

test('a link that leads nowhere is followed and its end made, in the middle as at the end', async (t) => {
  const { root } = rootfs(t)
  mkdirSync(`${root}/etc`)
  symlinkSync('../run/systemd/resolve/stub-resolv.conf', `${root}/etc/resolv.conf`)
  t.is((await openIn(root, '/etc/resolv.conf', { make: 2, kind: 2, mode: 0o644 })).status, 0)
  t.true(statSync(`${root}/run/systemd/resolve/stub-resolv.conf`).isFile())
  symlinkSync('/srv/deep', `${root}/middle`)
  t.is((await openIn(root, '/middle/below', { make: 1, kind: 1 })).status, 0)
  t.true(statSync(`${root}/srv/deep/below`).isDirectory())
  symlinkSync('second', `${root}/first`)
  symlinkSync('third', `${root}/second`)
  t.is((await openIn(root, '/first', { make: 1, kind: 1 })).status, 0)
  t.true(statSync(`${root}/third`).isDirectory())
})

test('dots in the path cannot leave the root', async (t) => {
  const { root, outside } = rootfs(t)
  t.is((await openIn(root, '/../../outside', { make: 1, kind: 1 })).status, 0)
  t.true(existsSync(`${root}/outside`))
  t.deepEqual(readdirSync(outside), [])
  await openIn(root, '/missing/../../../outside/y', { make: 1, kind: 1 })
  t.deepEqual(readdirSync(outside), [])
})

test('a loop of symlinks ends in ELOOP, and nothing is made', async (t) => {
  const { root } = rootfs(t)
  symlinkSync('b', `${root}/a`)
  symlinkSync('a', `${root}/b`)
  const { messages } = await openIn(root, '/a/x', { make: 1, kind: 1 })
  t.like(messages[0], { type: 'failed', errno: ELOOP, syscall: 'openat2' })
  t.deepEqual(readdirSync(root).sort(), ['a', 'b'])
})

test('a link through a missing directory and back is refused', async (t) => {
  const { root } = rootfs(t)
  // The kernel says ENOENT at `missing`; below a directory that was just made, ".." is never entered.
  symlinkSync('missing/../again', `${root}/again`)
  const { messages } = await openIn(root, '/again', { make: 1, kind: 1 })
  t.like(messages[0], { type: 'failed', errno: EXDEV })
})

// cve: CVE-2019-19921, CVE-2023-27561
test('the wrong kind of file is refused', async (t) => {
  const { root } = rootfs(t)
  mkdirSync(`${root}/dir`)
  writeFileSync(`${root}/file`, '')
  symlinkSync('dir', `${root}/link`)
  t.like((await openIn(root, 'file', { kind: 1 })).messages[0], { errno: ENOTDIR })
  t.like((await openIn(root, 'dir', { kind: 2 })).messages[0], { errno: EISDIR })
  t.like((await openIn(root, 'file/below', { make: 1, kind: 1 })).messages[0], { errno: ENOTDIR })
  t.is((await openIn(root, 'link', { kind: 1 })).status, 0)
  // CVE-2019-19921, CVE-2023-27561: the target of /proc may be no symlink.
  t.is((await openIn(root, 'link', { kind: 3 })).status, 1)
  t.is((await openIn(root, 'link', { kind: 3, make: 1 })).status, 1)
  symlinkSync('nowhere', `${root}/dangling`)
  t.is((await openIn(root, 'dangling', { kind: 3, make: 1 })).status, 1)
  t.false(existsSync(`${root}/nowhere`))
})

test('a missing path is an error, unless it is optional', async (t) => {
  const { root } = rootfs(t)
  t.like((await openIn(root, 'gone/x', {})).messages[0], { errno: ENOENT, syscall: 'openat2', subject: 'gone/x' })
  t.is((await openIn(root, 'gone/x', { optional: 1 })).status, 0)
})

test('a path longer than the kernel takes is refused', async (t) => {
  const { root } = rootfs(t)
  const { messages } = await openIn(root, '/a'.repeat(3000), { make: 1, kind: 1 })
  t.like(messages[0], { errno: 36 })
})

test('symlinks are made once; one that should stay stays, another is replaced', async (t) => {
  const { root } = rootfs(t)
  const link = (target: string, keep: number): Promise<Outcome> => {
    const builder = new PlanBuilder()
    const dir = builder.input('dir', '', { kind: 'path', path: root, flags: 'path' })
    builder.add('symlink', '', { dir, name: 'fd', target, keep })
    return runPlan(builder.plan, { inputs: [root] })
  }
  const target = async (): Promise<string> => (await import('node:fs')).readlinkSync(`${root}/fd`)
  t.is((await link('one', 0)).status, 0)
  t.is((await link('two', 1)).status, 0)
  t.is(await target(), 'one')
  t.is((await link('two', 0)).status, 0)
  t.is(await target(), 'two')
})

test('a device node is not made where another file stands', async (t) => {
  const { root } = rootfs(t)
  const mknod = (mode: number): Promise<Outcome> => {
    const builder = new PlanBuilder()
    const dir = builder.input('dir', '', { kind: 'path', path: root, flags: 'path' })
    builder.add('mknod', '', {
      dir,
      name: 'node',
      mode,
      major: 0,
      minor: 0,
      uid: process.getuid!(),
      gid: process.getgid!(),
    })
    return runPlan(builder.plan, { inputs: [root] })
  }
  const fifo = 0o010640
  t.is((await mknod(fifo)).status, 0)
  t.is(lstatSync(`${root}/node`).mode, fifo)
  t.is((await mknod(fifo)).status, 0)
  rmSync(`${root}/node`)
  symlinkSync('/etc/passwd', `${root}/node`)
  t.like((await mknod(fifo)).messages[0], { syscall: 'mknodat', subject: 'node' })
  rmSync(`${root}/node`)
  writeFileSync(`${root}/node`, '')
  t.like((await mknod(fifo)).messages[0], { errno: EEXIST, syscall: 'mknodat' })
})
