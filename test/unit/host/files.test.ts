import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SystemError } from '../../../src/errors.ts'
import { directHost } from '../../../src/host/direct.ts'
import { openFlags } from '../../../src/host/host.ts'

const { files } = directHost()
const isRoot = process.geteuid?.() === 0

function temporaryDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'runt-files-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

async function failure(
  t: ExecutionContext,
  call: () => unknown,
  expected: { code: string; syscall: string; path?: string },
) {
  const error = await t.throwsAsync(async () => call(), { instanceOf: SystemError })
  t.like(error, expected)
}

test('a text is read whole, beyond any buffer, with characters of every length', async (t) => {
  const file = path.join(temporaryDirectory(t), 'text')
  const text = 'aä€😀\0\n'.repeat(20_000)
  writeFileSync(file, text)
  t.is(await files.readText(file), text)
})

test('a file of /proc, which tells no size, is read to its end', async (t) => {
  t.is(await files.readText('/proc/self/mounts'), readFileSync('/proc/self/mounts', 'utf8'))
  t.true((await files.readText('/proc/self/maps')).length > 4096)
})

test('a text larger than the limit is refused with EFBIG, one of the very size is not', async (t) => {
  const file = path.join(temporaryDirectory(t), 'text')
  writeFileSync(file, 'x'.repeat(100_000))
  t.is((await files.readText(file, 100_000)).length, 100_000)
  await failure(t, () => files.readText(file, 99_999), { code: 'EFBIG', syscall: 'read', path: file })
})

test('a missing file fails, or is undefined where that is asked for', async (t) => {
  const directory = temporaryDirectory(t)
  const missing = path.join(directory, 'missing')
  writeFileSync(path.join(directory, 'file'), '')
  await failure(t, () => files.readText(missing), { code: 'ENOENT', syscall: 'open', path: missing })
  t.is(await files.readTextIfExists(missing), undefined)
  t.is(await files.readTextIfExists(path.join(directory, 'file/below')), undefined)
  await failure(t, () => files.readTextIfExists(directory), { code: 'EISDIR', syscall: 'read', path: directory })
})

test('an existing file is written, a missing one is not made', async (t) => {
  const directory = temporaryDirectory(t)
  const file = path.join(directory, 'file')
  await failure(t, () => files.writeExisting(file, 'x'), { code: 'ENOENT', syscall: 'open', path: file })
  writeFileSync(file, 'longer than that')
  await files.writeExisting(file, 'new')
  t.is(readFileSync(file, 'utf8'), 'new')
})

test('an atomic write replaces the file, with the mode asked for, and leaves nothing else', async (t) => {
  const directory = temporaryDirectory(t)
  const file = path.join(directory, 'state.json')
  await files.writeAtomic(file, 'old')
  t.is(statSync(file).mode & 0o777, 0o600)
  const before = statSync(file).ino
  await files.writeAtomic(file, 'new', 0o400)
  t.is(readFileSync(file, 'utf8'), 'new')
  t.is(statSync(file).mode & 0o777, 0o400)
  t.not(statSync(file).ino, before)
  t.deepEqual(readdirSync(directory), ['state.json'])
})

test('an atomic write that fails keeps the old content and removes its temporary file', async (t) => {
  const directory = temporaryDirectory(t)
  mkdirSync(path.join(directory, 'taken'))
  const file = path.join(directory, 'taken')
  await failure(t, () => files.writeAtomic(file, 'x'), { code: 'EISDIR', syscall: 'rename', path: file })
  t.deepEqual(readdirSync(directory), ['taken'])
})

test('an atomic write works for the longest name and for a relative one', async (t) => {
  const directory = temporaryDirectory(t)
  const file = path.join(directory, 'n'.repeat(255))
  await files.writeAtomic(file, 'x')
  t.is(readFileSync(file, 'utf8'), 'x')
})

test('an atomic write does not write through a symlink that waits at its name', async (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(path.join(directory, 'victim'), 'untouched')
  symlinkSync('victim', path.join(directory, 'pid'))
  await files.writeAtomic(path.join(directory, 'pid'), '1')
  t.is(readFileSync(path.join(directory, 'victim'), 'utf8'), 'untouched')
  t.is(readFileSync(path.join(directory, 'pid'), 'utf8'), '1')
})

test('an atomic write of a file without a name is like any other', async (t) => {
  const directory = temporaryDirectory(t)
  const file = path.join(directory, 'pid')
  await files.writeAtomic(file, 'new', 0o640, true)
  t.is(readFileSync(file, 'utf8'), 'new')
  t.is(statSync(file).mode & 0o777, 0o640)
  symlinkSync('victim', path.join(directory, 'link'))
  writeFileSync(path.join(directory, 'victim'), 'untouched')
  for (const name of ['pid', 'link']) await files.writeAtomic(path.join(directory, name), 'newer', 0o644, true)
  t.deepEqual(
    ['pid', 'link', 'victim'].map((name) => readFileSync(path.join(directory, name), 'utf8')),
    ['newer', 'newer', 'untouched'],
  )
  t.deepEqual(readdirSync(directory).sort(), ['link', 'pid', 'victim'])
  const missing = path.join(directory, 'missing/pid')
  await failure(t, () => files.writeAtomic(missing, 'x', 0o644, true), {
    code: 'ENOENT',
    syscall: 'open',
    path: missing,
  })
  mkdirSync(path.join(directory, 'taken'))
  await failure(t, () => files.writeAtomic(path.join(directory, 'taken'), 'x', 0o644, true), {
    code: 'EISDIR',
    syscall: 'rename',
  })
  t.deepEqual(readdirSync(directory).sort(), ['link', 'pid', 'taken', 'victim'])
})

test('a new file is never written over an old one', async (t) => {
  const file = path.join(temporaryDirectory(t), 'file')
  await files.writeNew(file, 'first', 0o644)
  await failure(t, () => files.writeNew(file, 'second', 0o644), { code: 'EEXIST', syscall: 'open', path: file })
  t.is(readFileSync(file, 'utf8'), 'first')
})

test('a text is appended, to a new file or an old one', async (t) => {
  const file = path.join(temporaryDirectory(t), 'log')
  await files.append(file, 'one\n', 0o600)
  await files.append(file, 'two\n', 0o600)
  t.is(readFileSync(file, 'utf8'), 'one\ntwo\n')
})

test('the status tells type, mode and size, and follows symlinks unless told not to', async (t) => {
  const directory = temporaryDirectory(t)
  const at = (name: string) => path.join(directory, name)
  writeFileSync(at('file'), 'four')
  chmodSync(at('file'), 0o4640)
  symlinkSync('file', at('link'))
  symlinkSync('nothing', at('dangling'))
  t.like(await files.status(at('file')), {
    type: 'file',
    mode: 0o4640,
    size: 4,
    uid: process.getuid?.(),
    gid: statSync(at('file')).gid,
  })
  t.is((await files.status(at('link')))?.type, 'file')
  t.is((await files.status(at('link'), { follow: false }))?.type, 'symlink')
  t.is(await files.status(at('dangling')), undefined)
  t.is(await files.status(at('file/below')), undefined)
  t.is((await files.status(directory))?.type, 'directory')
  t.is((await files.status('/dev/null'))?.type, 'char')
  await files.mkfifo(at('fifo'), 0o600)
  t.like(await files.status(at('fifo')), { type: 'fifo', mode: 0o600 })
})

test('a status that cannot be had is an error, not a missing file', async (t) => {
  const directory = temporaryDirectory(t)
  const loop = path.join(directory, 'loop')
  symlinkSync('loop', loop)
  await failure(t, () => files.status(loop), { code: 'ELOOP', syscall: 'stat', path: loop })
  await failure(t, () => files.status(path.join(directory, 'n'.repeat(256))), { code: 'ENAMETOOLONG', syscall: 'stat' })
})

test('links are read, and paths resolved through them', async (t) => {
  const directory = temporaryDirectory(t)
  mkdirSync(path.join(directory, 'real'))
  symlinkSync('real', path.join(directory, 'link'))
  t.is(await files.readLink(path.join(directory, 'link')), 'real')
  t.is(await files.realPath(path.join(directory, 'link/../link/.')), path.join(await files.realPath(directory), 'real'))
  const missing = path.join(directory, 'link/missing')
  await failure(t, () => files.realPath(missing), { code: 'ENOENT', syscall: 'realpath', path: missing })
  await failure(t, () => files.readLink(directory), { code: 'EINVAL', syscall: 'readlink', path: directory })
})

test('a directory is listed without its own name and its parent', async (t) => {
  const directory = temporaryDirectory(t)
  const names = ['a', '.hidden', 'ünïcode', ...Array.from({ length: 500 }, (_, i) => `file-${i}`)].sort()
  for (const name of names) writeFileSync(path.join(directory, name), '')
  t.deepEqual([...(await files.list(directory))].sort(), names)
  await failure(t, () => files.list(path.join(directory, 'a')), { code: 'ENOTDIR', syscall: 'open' })
})

test('missing parents are made, existing ones and symlinks to directories kept', async (t) => {
  const directory = temporaryDirectory(t)
  mkdirSync(path.join(directory, 'real'))
  symlinkSync('real', path.join(directory, 'link'))
  await files.mkdirParents(path.join(directory, 'link/a//b/c/'), 0o700)
  t.true(statSync(path.join(directory, 'real/a/b/c')).isDirectory())
  await files.mkdirParents(path.join(directory, 'link/a/b'), 0o700)
  await files.mkdirParents('/', 0o700)
})

test('a file in the way of a directory is an error that names it', async (t) => {
  const directory = temporaryDirectory(t)
  const file = path.join(directory, 'file')
  writeFileSync(file, '')
  await failure(t, () => files.mkdirParents(file, 0o700), { code: 'EEXIST', syscall: 'mkdir', path: file })
  await failure(t, () => files.mkdirParents(path.join(file, 'a/b'), 0o700), { code: 'ENOTDIR', syscall: 'mkdir' })
})

test('directories and files are made and removed one by one', async (t) => {
  const directory = path.join(temporaryDirectory(t), 'd')
  await files.mkdir(directory, 0o700)
  t.is(statSync(directory).mode & 0o777, 0o700)
  await failure(t, () => files.mkdir(directory, 0o700), { code: 'EEXIST', syscall: 'mkdir', path: directory })
  writeFileSync(path.join(directory, 'file'), '')
  await failure(t, () => files.rmdir(directory), { code: 'ENOTEMPTY', syscall: 'rmdir', path: directory })
  await files.unlink(path.join(directory, 'file'))
  await files.rmdir(directory)
  t.false(existsSync(directory))
})

test('a tree is removed whole; what its symlinks point to stays', async (t) => {
  const directory = temporaryDirectory(t)
  const tree = path.join(directory, 'tree')
  mkdirSync(path.join(directory, 'outside'))
  writeFileSync(path.join(directory, 'outside/file'), '')
  mkdirSync(path.join(tree, 'a/b/c'), { recursive: true })
  for (let i = 0; i < 100; i++) writeFileSync(path.join(tree, `a/b/file-${i}`), '')
  symlinkSync('../outside', path.join(tree, 'to-directory'))
  symlinkSync('/nowhere', path.join(tree, 'a/dangling'))
  await files.mkfifo(path.join(tree, 'a/fifo'), 0o600)
  await files.removeTree(`${tree}/`)
  t.deepEqual(readdirSync(directory), ['outside'])
  t.true(existsSync(path.join(directory, 'outside/file')))
})

test('a symlink given as a tree is removed, not what it points to', async (t) => {
  const directory = temporaryDirectory(t)
  mkdirSync(path.join(directory, 'outside'))
  symlinkSync('outside', path.join(directory, 'link'))
  await files.removeTree(path.join(directory, 'link'))
  t.deepEqual(readdirSync(directory), ['outside'])
})

test('a tree that is missing is fine, and so is one whose parent is missing', async (t) => {
  const directory = temporaryDirectory(t)
  await t.notThrowsAsync(async () => files.removeTree(path.join(directory, 'missing')))
  await t.notThrowsAsync(async () => files.removeTree(path.join(directory, 'missing/below')))
})

test('the root and a path that ends in dots are no trees to remove', (t) => {
  for (const given of ['/', '..', '/tmp/..', '.', '//'])
    t.throws(() => files.removeTree(given), { instanceOf: TypeError }, given)
})

test('the owner of a file changes, or the failure names the file', async (t) => {
  const file = path.join(temporaryDirectory(t), 'file')
  writeFileSync(file, '')
  if (isRoot) {
    await files.chown(file, 1234, 2345)
    t.like(statSync(file), { uid: 1234, gid: 2345 })
  } else {
    await failure(t, () => files.chown(file, 0, 0), { code: 'EPERM', syscall: 'chown', path: file })
  }
})

test('a descriptor reads, writes and is closed on exec', async (t) => {
  const file = path.join(temporaryDirectory(t), 'file')
  const fd = await files.open(file, openFlags.readWrite | openFlags.create)
  await files.write(fd, Buffer.from('hello'))
  t.is(statSync(file).mode & 0o777, 0o600)
  t.regex(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'), /flags:\s+02\d{6}\n/, 'O_CLOEXEC')
  await files.close(fd)
  const reader = await files.open(file, openFlags.readOnly)
  t.is(Buffer.from(await files.read(reader, 3)).toString(), 'hel')
  t.is(Buffer.from(await files.read(reader, 100)).toString(), 'lo')
  t.is((await files.read(reader, 100)).length, 0)
  await files.close(reader)
  await failure(t, () => files.read(reader, 1), { code: 'EBADF', syscall: 'read' })
})

test('each flag of open does what it says', async (t) => {
  const directory = temporaryDirectory(t)
  const at = (name: string) => path.join(directory, name)
  writeFileSync(at('file'), '')
  symlinkSync('file', at('link'))
  await files.mkfifo(at('fifo'), 0o600)
  await failure(t, () => files.open(at('link'), openFlags.readOnly | openFlags.noFollow), {
    code: 'ELOOP',
    syscall: 'open',
  })
  await failure(t, () => files.open(at('file'), openFlags.readOnly | openFlags.directory), {
    code: 'ENOTDIR',
    syscall: 'open',
  })
  await failure(t, () => files.open(at('missing'), openFlags.writeOnly), { code: 'ENOENT', syscall: 'open' })
  await failure(t, () => files.open(at('fifo'), openFlags.writeOnly | openFlags.nonBlocking), {
    code: 'ENXIO',
    syscall: 'open',
  })
  const place = await files.open(at('file'), openFlags.path)
  await failure(t, () => files.read(place, 1), { code: 'EBADF', syscall: 'read' })
  await files.close(place)
})

test('the standard streams cannot be closed', (t) => {
  for (const fd of [0, 1, 2]) t.throws(() => files.close(fd), { instanceOf: TypeError })
})

test('a lock is refused while another process holds it, and had when it is gone', async (t) => {
  const file = path.join(temporaryDirectory(t), 'lock')
  writeFileSync(file, '')
  const fd = await files.open(file, openFlags.readWrite)
  await files.lock(fd, false)
  const other = () => spawnSync('flock', ['--nonblock', file, 'true']).status
  t.is(other(), 1)
  const second = await files.open(file, openFlags.readWrite)
  await failure(t, () => files.lock(second, false), { code: 'EAGAIN', syscall: 'flock' })
  await files.close(fd)
  t.is(other(), 0)
  await files.lock(second, true)
  await files.close(second)
})

test('the type of a filesystem is its magic number', async (t) => {
  t.is(await files.filesystemType('/proc'), 0x9fa0)
  t.is(await files.filesystemType('/nowhere'), undefined)
})
