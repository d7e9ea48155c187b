import test from 'ava'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { lines, runtime, Sandbox } from './harness.ts'

/** mountinfo's line for a mount point, split: [root, point, options, fstype]. */
function mountAt(stdout: string, point: string): { root: string; options: string[]; type: string } | undefined {
  for (const line of lines(stdout).reverse()) {
    const fields = line.split(' ')
    if (fields[4] !== point) continue
    return { root: fields[3]!, options: fields[5]!.split(','), type: fields[fields.indexOf('-') + 1]! }
  }
  return undefined
}

const mountinfo = ['inside', 'cat', '/proc/self/mountinfo']

// covers: /mounts/*/destination, /mounts/*/type, /mounts/*/options, runtime.md#lifecycle/environment
test('the default config’s mounts are there, with their options', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = mountinfo
  })
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stderr, '')
  const is = (point: string, type: string, options: string[]): void => {
    const mount = mountAt(stdout, point)
    t.is(mount?.type, type, point)
    for (const option of options)
      t.true(mount?.options.includes(option), `${point}: ${option} in ${mount?.options.join()}`)
  }
  t.true(mountAt(stdout, '/')!.options.includes('ro'))
  is('/proc', 'proc', ['rw'])
  is('/dev', 'tmpfs', ['rw', 'nosuid'])
  is('/dev/pts', 'devpts', ['nosuid', 'noexec'])
  is('/dev/shm', 'tmpfs', ['nosuid', 'nodev', 'noexec'])
  is('/dev/mqueue', 'mqueue', ['nosuid', 'nodev', 'noexec'])
  is('/sys', 'sysfs', ['ro', 'nosuid', 'nodev', 'noexec'])
  is('/sys/fs/cgroup', 'cgroup2', ['ro', 'nosuid', 'nodev', 'noexec'])
  is('/proc/sys', 'proc', ['ro'])
  // Nothing of the host's mounts is left.
  t.false(stdout.includes(sandbox.dir + ' '), 'the old root is still mounted')
})

test('the container’s mounts never reach the host', (t) => {
  const before = readFileSync('/proc/self/mountinfo', 'utf8')
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'echo', 'x']
  })
  sandbox.runContainer()
  t.is(readFileSync('/proc/self/mountinfo', 'utf8'), before)
})

// covers: /mounts/*/source, config.md#linux-mount-options/bind
test('binds of directories and files, writable and read-only, with missing targets made', (t) => {
  const sandbox = new Sandbox(t)
  const source = path.join(sandbox.dir, 'source')
  mkdirSync(source)
  writeFileSync(path.join(source, 'file'), 'content\n')
  sandbox.configure((spec) => {
    spec.mounts!.push(
      { destination: '/data', type: 'bind', source, options: ['rbind', 'rw'] },
      { destination: '/read-only', type: 'none', source, options: ['bind', 'ro', 'nosuid', 'nodev', 'noexec'] },
      { destination: '/etc/one/file', type: 'bind', source: path.join(source, 'file'), options: ['bind', 'ro'] },
    )
    spec.process!.args = [
      ...['inside', 'cat', '/data/file', '--', 'write', '/data/new', 'written\n', '--'],
      ...['write', '/read-only/other', 'x', '--', 'cat', '/etc/one/file', '--', 'write', '/etc/one/file', 'x', '--'],
      ...mountinfo.slice(1),
    ]
  })
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stderr, '')
  t.deepEqual(lines(stdout).slice(0, 4), ['content', 'write: open: EROFS', 'content', 'write: open: EROFS'])
  t.is(readFileSync(path.join(source, 'new'), 'utf8'), 'written\n')
  for (const option of ['ro', 'nosuid', 'nodev', 'noexec'])
    t.true(mountAt(stdout, '/read-only')!.options.includes(option))
  t.deepEqual(readdirSync(source).sort(), ['file', 'new'])
  sandbox.assertClean(t)
})

// covers: /mounts/*/source
test('a relative bind source starts at the bundle', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.mounts!.push({ destination: '/data', type: 'bind', source: 'beside', options: ['bind'] })
    spec.process!.args = ['inside', 'cat', '/data/x']
  })
  mkdirSync(path.join(sandbox.bundle, 'beside'))
  writeFileSync(path.join(sandbox.bundle, 'beside/x'), 'beside\n')
  t.is(sandbox.run(['run', '-b', sandbox.bundle, sandbox.id], { cwd: '/' }).stdout, 'beside\n')
})

// cve: CVE-2019-18837
test('a bind mount through a symlink stays inside the rootfs', (t) => {
  const sandbox = new Sandbox(t)
  const source = path.join(sandbox.dir, 'source')
  const outside = path.join(sandbox.dir, 'outside')
  mkdirSync(source)
  mkdirSync(outside)
  writeFileSync(path.join(source, 'x'), 'bound\n')
  symlinkSync(outside, path.join(sandbox.rootfs, 'absolute'))
  symlinkSync('../../../../../../../..' + outside, path.join(sandbox.rootfs, 'relative'))
  sandbox.configure((spec) => {
    spec.mounts!.push(
      { destination: '/absolute/a', type: 'bind', source, options: ['bind'] },
      { destination: '/relative/b', type: 'bind', source, options: ['bind'] },
    )
    spec.process!.args = ['inside', 'cat', '/absolute/a/x', '--', 'cat', '/relative/b/x']
  })
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stdout, 'bound\nbound\n', stderr)
  t.deepEqual(readdirSync(outside), [])
})

test('a file is bound over a symlink that leads nowhere, at the place it leads to inside the rootfs', (t) => {
  const sandbox = new Sandbox(t)
  const source = path.join(sandbox.dir, 'resolv.conf')
  writeFileSync(source, 'nameserver ::1\n')
  symlinkSync('../run/systemd/resolve/stub-resolv.conf', path.join(sandbox.rootfs, 'etc/resolv.conf'))
  sandbox.configure((spec) => {
    spec.mounts!.push({ destination: '/etc/resolv.conf', type: 'bind', source, options: ['bind', 'ro'] })
    spec.process!.args = ['inside', 'cat', '/etc/resolv.conf']
  })
  t.is(sandbox.runContainer().stdout, 'nameserver ::1\n')
  t.true(lstatSync(path.join(sandbox.rootfs, 'etc/resolv.conf')).isSymbolicLink())
})

test('a tmpfs without a mode has that of the directory it covers', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.mounts!.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid'] })
    spec.process!.args = ['inside', 'stat', '/tmp']
  })
  chmodSync(path.join(sandbox.rootfs, 'tmp'), 0o1770)
  t.is(sandbox.runContainer().stdout, '/tmp directory 1770 0 0\n')
})

test('a tmpfs without a mode is open to all where its directory is yet to be made', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.root!.readonly = false
    spec.mounts!.push({ destination: '/made/below', type: 'tmpfs', source: 'tmpfs' })
    spec.process!.args = ['inside', 'stat', '/made/below']
  })
  t.is(sandbox.runContainer().stdout, '/made/below directory 1777 0 0\n')
  t.is(lstatSync(path.join(sandbox.rootfs, 'made/below')).mode & 0o7777, 0o755)
  // The next container finds it there.
  t.is(sandbox.runContainer().stdout, '/made/below directory 755 0 0\n')
})

// covers: /mounts/*/options, config.md#mounts/order
test('a tmpfs takes its size, mode and flags, and may be read-only with mounts inside', (t) => {
  const sandbox = new Sandbox(t)
  const source = path.join(sandbox.dir, 'source')
  mkdirSync(source)
  sandbox.configure((spec) => {
    spec.mounts!.push(
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'size=64k', 'mode=0710'] },
      { destination: '/sealed', type: 'tmpfs', source: 'tmpfs', options: ['ro'] },
      { destination: '/sealed/inner', type: 'bind', source, options: ['bind'] },
    )
    spec.process!.args = [
      'inside',
      'stat',
      '/tmp',
      '--',
      'write',
      '/sealed/x',
      'x',
      '--',
      'write',
      '/sealed/inner/y',
      'y',
      '--',
      ...mountinfo.slice(1),
    ]
  })
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stderr, '')
  // Debian 12's runc puts the covered directory's mode in place of the one that was asked for.
  t.deepEqual(lines(stdout).slice(0, 2), [`/tmp directory ${runtime === 'runc' ? 755 : 710} 0 0`, 'write: open: EROFS'])
  t.true(mountAt(stdout, '/tmp')!.options.includes('nosuid'))
  t.regex(stdout, / \/tmp .*size=64k/)
  t.true(mountAt(stdout, '/sealed')!.options.includes('ro'))
  t.true(existsSync(path.join(source, 'y')))
})

// covers: config.md#linux-mount-options/bind
test('a recursive bind brings the mounts below, a plain one does not', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.mounts!.push(
      { destination: '/host-proc', type: 'bind', source: '/dev', options: ['rbind', 'ro'] },
      { destination: '/host-flat', type: 'bind', source: '/dev', options: ['bind', 'ro'] },
    )
    spec.process!.args = mountinfo
  })
  const { stdout } = sandbox.runContainer()
  t.truthy(mountAt(stdout, '/host-proc/pts'))
  t.is(mountAt(stdout, '/host-flat/pts'), undefined)
})

// covers: /root/readonly, config.md#root/readonly
test('the rootfs is read-only only where the config says so', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'mkdir', '/made']
  })
  t.is(sandbox.runContainer().stdout, 'mkdir: mkdir: EROFS\n')
  sandbox.configure((spec) => {
    spec.root!.readonly = false
    spec.process!.args = ['inside', 'mkdir', '/made']
  })
  t.is(sandbox.runContainer().stdout, 'made\n')
  t.true(existsSync(path.join(sandbox.rootfs, 'made')))
})

// covers: /linux/maskedPaths, /linux/readonlyPaths
test('masked paths are empty or null, read-only paths refuse, missing ones are fine', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.maskedPaths = ['/secret-dir', '/secret-file', '/no/such/path', '/secret-dir-2']
    spec.linux!.readonlyPaths = ['/frozen', '/frozen-file', '/none']
    spec.root!.readonly = false
    spec.process!.args = [
      ...[
        'inside',
        'ls',
        '/secret-dir',
        '--',
        'ls',
        '/secret-dir-2',
        '--',
        'cat',
        '/secret-file',
        '--',
        'write',
        '/secret-dir/x',
        'x',
        '--',
      ],
      ...[
        'write',
        '/frozen/x',
        'x',
        '--',
        'write',
        '/frozen-file',
        'x',
        '--',
        'cat',
        '/frozen-file',
        '--',
        'stat',
        '/secret-file',
      ],
    ]
  })
  for (const dir of ['secret-dir', 'secret-dir-2', 'frozen']) mkdirSync(path.join(sandbox.rootfs, dir))
  for (const dir of ['secret-dir', 'secret-dir-2']) writeFileSync(path.join(sandbox.rootfs, dir, 'key'), 'key')
  writeFileSync(path.join(sandbox.rootfs, 'secret-file'), 'key')
  writeFileSync(path.join(sandbox.rootfs, 'frozen-file'), 'still here\n')
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stderr, '')
  const [write, frozen, frozenFile, content, masked] = lines(stdout)
  t.is(write, 'write: open: EROFS')
  t.is(frozen, 'write: open: EROFS')
  t.is(frozenFile, 'write: open: EROFS')
  t.is(content, 'still here')
  t.regex(masked!, /^\/secret-file char \d+ \d+ \d+ 1:3$/)
  t.is(readFileSync(path.join(sandbox.rootfs, 'secret-file'), 'utf8'), 'key')
})

// cve: CVE-2019-19921, CVE-2023-27561, CVE-2025-54867
test('/proc and /sys may not be symlinks', (t) => {
  for (const name of ['proc', 'sys']) {
    const sandbox = new Sandbox(t)
    rmdirSync(path.join(sandbox.rootfs, name))
    symlinkSync('tmp', path.join(sandbox.rootfs, name))
    const { status, stdout } = sandbox.runContainer()
    t.not(status, 0, name)
    t.is(stdout, '')
    sandbox.assertClean(t)
  }
})

// covers: config.md#linux-mount-options/propagation
test('propagation options make the mount what they say', (t) => {
  const sandbox = new Sandbox(t)
  const source = path.join(sandbox.dir, 'source')
  mkdirSync(source)
  sandbox.configure((spec) => {
    spec.mounts!.push(
      { destination: '/shared', type: 'tmpfs', source: 'tmpfs', options: ['rshared'] },
      { destination: '/private', type: 'tmpfs', source: 'tmpfs', options: ['rprivate'] },
    )
    spec.process!.args = mountinfo
  })
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stderr, '')
  t.regex(stdout, / \/shared [^-]*shared:\d+/)
  t.notRegex(stdout, / \/private [^-]*(shared|master):\d+/)
})

// covers: config-linux.md#default-devices/supplied, config-linux.md#default-devices/ptmx, runtime-linux.md#dev-symbolic-links/links
test('default devices and links are there', (t) => {
  const nodes = ['null', 'zero', 'full', 'random', 'urandom', 'tty']
  const links = ['fd', 'stdin', 'stdout', 'stderr', 'ptmx']
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = [
      'inside',
      ...[...nodes, ...links].flatMap((name) => ['stat', `/dev/${name}`, '--']),
      'open',
      '/dev/null',
      '--',
      'open',
      '/dev/zero',
    ]
  })
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stderr, '')
  t.deepEqual(lines(stdout), [
    '/dev/null char 666 0 0 1:3',
    '/dev/zero char 666 0 0 1:5',
    '/dev/full char 666 0 0 1:7',
    '/dev/random char 666 0 0 1:8',
    '/dev/urandom char 666 0 0 1:9',
    '/dev/tty char 666 0 0 5:0',
    '/dev/fd symlink 777 0 0 /proc/self/fd',
    '/dev/stdin symlink 777 0 0 /proc/self/fd/0',
    '/dev/stdout symlink 777 0 0 /proc/self/fd/1',
    '/dev/stderr symlink 777 0 0 /proc/self/fd/2',
    '/dev/ptmx symlink 777 0 0 pts/ptmx',
    'opened',
    'opened',
  ])
})

// covers: /linux/devices/*/path, /linux/devices/*/type, /linux/devices/*/major, /linux/devices/*/minor, /linux/devices/*/fileMode
// covers: /linux/devices/*/uid, /linux/devices/*/gid, config-linux.md#devices/available
test('devices of the config are made with their owner and mode', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.devices = [
      { path: '/dev/mine', type: 'c', major: 1, minor: 3, fileMode: 0o640, uid: 7, gid: 8 },
      { path: '/dev/sub/pipe', type: 'p', fileMode: 0o600 },
    ]
    spec.process!.args = ['inside', 'stat', '/dev/mine', '--', 'stat', '/dev/sub/pipe']
  })
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stderr, '')
  t.deepEqual(lines(stdout), ['/dev/mine char 640 7 8 1:3', '/dev/sub/pipe fifo 600 0 0'])
})

// covers: /linux/resources/devices/*/allow, /linux/resources/devices/*/type, /linux/resources/devices/*/major
// covers: /linux/resources/devices/*/minor, config-linux.md#allowed-device-list/order
test('a device that the rules do not allow cannot be opened', (t) => {
  // /dev/fuse needs no capability; a kernel without it says ENXIO or ENODEV once the rules let the call through.
  const device = { path: '/dev/fuse', type: 'c' as const, major: 10, minor: 229, fileMode: 0o666 }
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.devices = [device]
    spec.process!.args = ['inside', 'open', '/dev/fuse', '--', 'open', '/dev/null']
  })
  t.is(sandbox.runContainer().stdout, 'open: open: EPERM\nopened\n')
  sandbox.configure((spec) => {
    spec.linux!.devices = [device]
    spec.linux!.resources!.devices!.push({ allow: true, type: 'c', major: 10, minor: 229, access: 'rwm' })
    spec.process!.args = ['inside', 'open', '/dev/fuse']
  })
  t.regex(sandbox.runContainer().stdout, /^opened\n|ENXIO|ENODEV/)
})
