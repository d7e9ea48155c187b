import test from 'ava'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { AT_RECURSIVE, lacksRoot, MS_UNBINDABLE, Workbench } from './workbench.ts'

const [ENOENT, EBUSY, EXDEV, ENODEV, EINVAL, ELOOP] = [2, 16, 18, 19, 22, 40]
/** MOUNT_ATTR_* of linux/mount.h. */
const [RDONLY, NOEXEC] = [1, 8]

test('an option that a filesystem refuses is named, with what the kernel has to say', async (t) => {
  if (lacksRoot(t)) return
  const refused = async (...parameters: string[]): Promise<{ subject: string; detail: string }> => {
    const bench = new Workbench(t)
    bench.newMount('tmpfs', parameters)
    const { messages, status } = await bench.run()
    t.is(status, 1)
    t.like(messages[0], { type: 'failed', value: 4, errno: EINVAL, syscall: 'fsconfig' })
    return { subject: messages[0]!.subject, detail: messages[0]!.detail.toString() }
  }
  const size = await refused('mode=755', 'size=never')
  t.is(size.subject, 'size=never')
  t.regex(size.detail, /^e tmpfs: Bad value for 'size'\n$/)
  const unknown = await refused('nosuch')
  t.is(unknown.subject, 'nosuch')
  t.regex(unknown.detail, /Unknown parameter 'nosuch'/)
  t.is((await refused('=')).subject, '=')
  t.is((await refused(`${'n'.repeat(300)}=1`)).subject.length, 302)
})

test('an unknown filesystem, and one without its source, is told by its name', async (t) => {
  if (lacksRoot(t)) return
  const unknown = new Workbench(t)
  unknown.newMount('nosuchfs')
  t.like((await unknown.run()).messages[0], { errno: ENODEV, syscall: 'fsopen', subject: 'nosuchfs' })
  const overlay = new Workbench(t)
  overlay.newMount('overlay', ['lowerdir=/nonexistent/directory'])
  const [failed] = (await overlay.run()).messages
  t.is(failed!.syscall, 'fsconfig')
})

test('a new mount has its options and attributes where it is attached, and the host does not see it', async (t) => {
  if (lacksRoot(t)) return
  const bench = new Workbench(t)
  const mount = bench.newMount('tmpfs', ['mode=0751', 'size=64k'], NOEXEC)
  bench.attach(mount, 'target')
  const { stdout, status } = await bench.script(`
    stat -c '%a' target
    touch target/file && echo made
    grep " $PWD/target " /proc/self/mountinfo | cut -d' ' -f6,9-`)
  t.is(status, 0)
  t.regex(stdout, /^751\nmade\nrw,noexec\S* tmpfs \S*size=64k,mode=751/)
  t.deepEqual(readdirSync(`${bench.dir}/target`), [])
})

test('once attached, the register is the mount: its attributes can be changed', async (t) => {
  if (lacksRoot(t)) return
  const bench = new Workbench(t)
  const mount = bench.newMount('tmpfs')
  bench.attach(mount, 'target')
  const inner = bench.open('.', mount)
  bench.add('close', { fd: inner })
  bench.add('mountAttributes', { mount, set: RDONLY, clear: 0, propagation: 0, flags: 0 })
  t.is(
    (await bench.script('touch target/file 2>&1')).stdout,
    "touch: cannot touch 'target/file': Read-only file system\n",
  )
})

// cve: CVE-2019-18837
test('a mount goes to where a symlink leads inside the root, never outside', async (t) => {
  if (lacksRoot(t)) return
  const bench = new Workbench(t)
  mkdirSync(`${bench.dir}/etc`)
  symlinkSync('/etc', `${bench.dir}/link`)
  bench.attach(bench.newMount('tmpfs'), 'link')
  const { stdout } = await bench.script(
    'grep -c " $PWD/etc " /proc/self/mountinfo; test -e /etc/passwd && echo untouched',
  )
  t.is(stdout, '1\nuntouched\n')
})

test('a directory is not mounted on a file, and a mount of another namespace not at all', async (t) => {
  if (lacksRoot(t)) return
  const bench = new Workbench(t)
  writeFileSync(`${bench.dir}/file`, '')
  bench.attach(bench.newMount('tmpfs'), 'file')
  t.like((await bench.run()).messages[0], { errno: EINVAL, syscall: 'move_mount' })
  const plain = new Workbench(t)
  plain.add('attach', { mount: plain.open('target'), target: plain.open('.') })
  t.like((await plain.run()).messages[0], { errno: EINVAL, syscall: 'move_mount' })
})

test('openLike makes a file for a file and a directory for a directory', async (t) => {
  if (lacksRoot(t)) return
  const bench = new Workbench(t)
  writeFileSync(`${bench.dir}/source`, 'text\n')
  for (const [source, target] of [
    ['source', 'made/file'],
    ['target', 'made/dir'],
  ] as const) {
    const tree = bench.register(source)
    bench.add('openTree', { dst: tree, path: `${bench.dir}/${source}`, flags: 0 })
    const dst = bench.register(target)
    bench.add('openLike', { dst, root: bench.root, path: target, source: tree })
    bench.add('attach', { mount: tree, target: dst })
  }
  t.is((await bench.script('cat made/file; stat -c %F made/dir')).stdout, 'text\ndirectory\n')
})

test('a mount gets the permissions of the directory that it covers', async (t) => {
  if (lacksRoot(t)) return
  const bench = new Workbench(t)
  chmodSync(`${bench.dir}/target`, 0o1730)
  const mount = bench.newMount('tmpfs', ['mode=0755'])
  const target = bench.open('target')
  bench.add('copyMode', { mount, target })
  bench.add('attach', { mount, target })
  t.is((await bench.script('stat -c %a target; stat -f -c %T target')).stdout, '1730\ntmpfs\n')
})

/** Directories and files to hide, and what hides them. */
function masked(bench: Workbench, paths: string[], unbindable: boolean): void {
  mkdirSync(`${bench.dir}/secret`)
  writeFileSync(`${bench.dir}/secret/key`, 'secret\n')
  writeFileSync(`${bench.dir}/file`, 'secret\n')
  symlinkSync('/secret', `${bench.dir}/link`)
  const empty = bench.newMount('tmpfs', [], RDONLY)
  const device = bench.register('null')
  bench.add('openTree', { dst: device, path: '/dev/null', flags: 0 })
  bench.add('verifyNull', { fd: device })
  for (const mount of unbindable ? [empty, device] : []) {
    bench.add('mountAttributes', { mount, set: 0, clear: 0, propagation: MS_UNBINDABLE, flags: 0 })
  }
  for (const target of paths) bench.add('mask', { root: bench.root, path: target, empty, null: device })
}

test('masks hide directories and files, also behind symlinks; what is missing needs none', async (t) => {
  if (lacksRoot(t)) return
  const bench = new Workbench(t)
  mkdirSync(`${bench.dir}/other`)
  writeFileSync(`${bench.dir}/other/key`, 'secret\n')
  masked(bench, ['/link', '/file', '/missing/entirely', 'other'], false)
  const { stdout, stderr, status } = await bench.script(`
    ls -A secret other
    cat file
    stat -c '%F %t:%T' file
    touch secret/new 2> /dev/null || echo read-only`)
  t.is(stderr, '')
  t.is(status, 0)
  t.is(stdout, 'other:\n\nsecret:\ncharacter special file 1:3\nread-only\n')
})

test('where the kernel does not clone the empty mount, as before 6.15, the original is the mask', async (t) => {
  if (lacksRoot(t)) return
  // An unbindable mount is not cloned by any kernel, with the same errno.
  const bench = new Workbench(t)
  masked(bench, ['secret', 'file'], true)
  const { stdout, status } = await bench.script('ls -A secret; cat file; stat -c %F secret file')
  t.is(status, 0)
  t.is(stdout, 'directory\ncharacter special file\n')
})

test('a path is read-only with what is mounted below it, and the rest is not', async (t) => {
  if (lacksRoot(t)) return
  const bench = new Workbench(t)
  mkdirSync(`${bench.dir}/target/below`)
  bench.attach(bench.newMount('tmpfs'), 'target/below')
  bench.add('readonlyPath', { root: bench.root, path: '/target' })
  bench.add('readonlyPath', { root: bench.root, path: '/no/such/path' })
  const { stdout } = await bench.script('for i in target target/below .; do touch $i/x 2> /dev/null && echo $i; done')
  t.is(stdout, '.\n')
})

// cve: CVE-2025-31133
test('a null device that is another one is refused', async (t) => {
  if (lacksRoot(t)) return
  for (const [file, refused] of [
    ['/dev/zero', true],
    ['/etc/passwd', true],
    ['/dev/null', false],
  ] as const) {
    const bench = new Workbench(t)
    const device = bench.register('null')
    bench.add('openTree', { dst: device, path: file, flags: 0 })
    bench.add('verifyNull', { fd: device })
    const { messages } = await bench.run()
    // A plan that ends without a program is a failure, too, of another kind.
    t.is(messages[0]?.errno === ENODEV && messages[0].syscall === 'statx', refused, file)
  }
})

/** A root with nothing but a static shell, and a procfs. */
function tinyRoot(bench: Workbench): void {
  copyFileSync('/bin/busybox', `${bench.dir}/busybox`)
  mkdirSync(`${bench.dir}/proc`)
  writeFileSync(`${bench.dir}/inside`, '')
  bench.attach(bench.newMount('proc'), 'proc')
}

for (const [move, how] of [
  [0, 'pivot_root'],
  [1, 'MS_MOVE and chroot'],
] as const) {
  test(`with ${how} nothing of the old root can be reached`, async (t) => {
    if (lacksRoot(t)) return
    const bench = new Workbench(t)
    tinyRoot(bench)
    bench.add('pivotRoot', { root: bench.root, move })
    const script = 'pwd; ls / /.. ; cd /proc/self/cwd && ls -d ../../inside; wc -l < /proc/mounts'
    const { stdout, stderr, status } = await bench.execute(['/busybox', 'sh', '-c', script])
    t.is(stderr, '')
    t.is(status, 0)
    const names = 'busybox\ninside\nproc\ntarget\n'
    t.is(stdout, `/\n/:\n${names}\n/..:\n${names}../../inside\n2\n`)
    t.true(existsSync('/etc/passwd'))
  })
}

test('what is no mount does not become the root', async (t) => {
  if (lacksRoot(t)) return
  const bench = new Workbench(t)
  bench.add('pivotRoot', { root: bench.open('target'), move: 0 })
  t.like((await bench.run()).messages[0], { errno: EINVAL, syscall: 'pivot_root' })
  const current = new Workbench(t)
  const root = current.register('slash')
  current.add('openRoot', { dst: root })
  current.add('pivotRoot', { root, move: 0 })
  t.like((await current.run()).messages[0], { errno: EBUSY, syscall: 'pivot_root' })
})

test('a recursive clone takes what is mounted below along, another does not', async (t) => {
  if (lacksRoot(t)) return
  for (const [flags, expected] of [
    [AT_RECURSIVE, ''],
    [0, 'copy/below/covered\ntarget/below/covered\n'],
  ] as const) {
    const bench = new Workbench(t)
    mkdirSync(`${bench.dir}/target/below`)
    writeFileSync(`${bench.dir}/target/below/covered`, '')
    mkdirSync(`${bench.dir}/copy`)
    bench.attach(bench.newMount('tmpfs'), 'target/below')
    const clone = bench.register('clone')
    bench.add('openTree', { dst: clone, path: `${bench.dir}/target`, flags })
    const second = bench.register('second')
    bench.attach(clone, 'copy')
    bench.add('cloneTree', { dst: second, src: clone, flags })
    bench.attach(second, 'target')
    t.is((await bench.script('ls -d copy/below target/below > /dev/null && ls -d */below/*')).stdout, expected)
  }
})

// cve: CVE-2019-16884, CVE-2025-52881
test('a file is written only below a procfs, and not through what is mounted or linked there', async (t) => {
  if (lacksRoot(t)) return
  const write = async (prepare: (bench: Workbench) => [register: ReturnType<Workbench['open']>, path: string]) => {
    const bench = new Workbench(t)
    const [proc, path] = prepare(bench)
    bench.add('writeProc', { proc, path, text: 'web' })
    return bench.script('cat /proc/sys/kernel/hostname')
  }
  const hostname = 'sys/kernel/hostname'
  t.is((await write((bench) => [bench.newMount('proc'), hostname])).stdout, 'web\n')
  // CVE-2019-16884: a tmpfs where /proc should be.
  const fake = await write((bench) => {
    mkdirSync(`${bench.dir}/target/sys/kernel`, { recursive: true })
    writeFileSync(`${bench.dir}/target/${hostname}`, '')
    return [bench.open('target'), hostname]
  })
  t.like(fake.messages[0], { errno: EXDEV, syscall: 'fstatfs', subject: 'not a procfs' })
  // CVE-2025-52881: another file mounted over the one in /proc.
  const covered = await write((bench) => {
    mkdirSync(`${bench.dir}/proc`)
    const proc = bench.newMount('proc')
    bench.attach(proc, 'proc')
    const other = bench.register('other')
    bench.add('openTree', { dst: other, path: '/proc/sys/kernel/domainname', flags: 0 })
    bench.add('attach', { mount: other, target: bench.open(hostname, proc) })
    return [proc, hostname]
  })
  t.like(covered.messages[0], { errno: EXDEV, syscall: 'openat2', subject: hostname })
  const linked = await write((bench) => [bench.newMount('proc'), 'self/comm'])
  t.like(linked.messages[0], { errno: ELOOP, syscall: 'openat2' })
  const outside = await write((bench) => [bench.newMount('proc'), '../etc/hostname'])
  t.like(outside.messages[0], { errno: EXDEV, syscall: 'openat2' })
  const missing = await write((bench) => [bench.newMount('proc'), 'sys/kernel/no-such-file'])
  t.like(missing.messages[0], { errno: ENOENT, syscall: 'openat2' })
})
