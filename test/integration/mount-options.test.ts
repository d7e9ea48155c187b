import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import path from 'node:path'
import type { Mount, Spec } from '../../src/spec/schema.gen.ts'
import { lacks, lines, runtime, Sandbox } from './harness.ts'
import { mountAt, mountinfo, verbs, type SeenMount } from './mounts-seen.ts'
import { openUp, ownUsers } from './users.ts'

/** The mount on /data in a container with these mounts. */
function seen(
  t: ExecutionContext,
  mounts: (sandbox: Sandbox) => Mount[],
  change: (spec: Spec) => void = () => undefined,
): SeenMount | undefined {
  const { stdout, stderr } = run(t, mounts, verbs(mountinfo), change)
  t.is(stderr, '')
  return mountAt(stdout, '/data')
}

function run(
  t: ExecutionContext,
  mounts: (sandbox: Sandbox) => Mount[],
  args: string[],
  change: (spec: Spec) => void = () => undefined,
) {
  const sandbox = new Sandbox(t)
  const made = mounts(sandbox)
  const data = path.join(sandbox.rootfs, 'data')
  if (lstatSync(data, { throwIfNoEntry: false }) === undefined) mkdirSync(data)
  sandbox.configure((spec) => {
    change(spec)
    spec.mounts!.push(...made)
    spec.process!.args = args
  })
  openUp(sandbox)
  return { sandbox, ...sandbox.runContainer() }
}

function mountOnHost(t: ExecutionContext, ...args: string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  t.teardown(() => spawnSync('umount', ['--lazy', args.at(-1)!]))
}

/** A directory of the host, a mount of its own with these options. */
function hostMount(t: ExecutionContext, sandbox: Sandbox, options: string): string {
  const dir = path.join(sandbox.dir, 'source')
  mkdirSync(dir)
  mountOnHost(t, '-t', 'tmpfs', '-o', options, 'tmpfs', dir)
  return dir
}

const tmpfs = (...options: string[]): Mount => ({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options })

/** Options of a mount, and what mountinfo shows for them (or, after a !, does not show). */
const shown: readonly [options: string[], ...expected: string[]][] = [
  [['ro'], 'ro'],
  [['ro', 'rw'], 'rw'],
  [['nosuid', 'nodev', 'noexec'], 'nosuid', 'nodev', 'noexec'],
  [['nosuid', 'suid', 'nodev', 'dev', 'noexec', 'exec'], '!nosuid', '!nodev', '!noexec'],
  [['noatime'], 'noatime'],
  [['noatime', 'atime'], '!noatime', 'relatime'],
  [['nodiratime'], 'nodiratime'],
  [['nodiratime', 'diratime'], '!nodiratime'],
  [['relatime'], 'relatime'],
  [['norelatime'], '!noatime'],
  [['strictatime'], '!relatime', '!noatime'],
  [['strictatime', 'nostrictatime'], 'relatime'],
  [['nosymfollow'], 'nosymfollow'],
  [['nosymfollow', 'symfollow'], '!nosymfollow'],
  [['defaults', 'async', 'noiversion', 'nolazytime', 'nomand', 'silent', 'loud'], 'rw', '!sync', '!lazytime'],
  [['sync', 'dirsync', 'lazytime', 'iversion'], 'sync', 'dirsync', 'lazytime'],
]

// covers: config.md#linux-mount-options/flags, /mounts/*/options
for (const [options, ...expected] of shown) {
  test(`a tmpfs with ${options.join()} is ${expected.join()}`, (t) => {
    if (lacks(t, 'runt')) return // Debian 12's runc and crun lack some of them.
    const { options: flags, superblock } = seen(t, () => [tmpfs(...options)])!
    const all = [...flags, ...superblock]
    for (const name of expected)
      t.is(all.includes(name.replace('!', '')), !name.startsWith('!'), `${name}: ${all.join()}`)
  })
}

/** Recursive options, on a bind of a mount with another one below. */
const recursive: readonly [option: string, before: string, ...expected: string[]][] = [
  ['rro', 'rw', 'ro'],
  ['rrw', 'ro', 'rw'],
  ['rnosuid', 'suid', 'nosuid'],
  ['rsuid', 'nosuid', '!nosuid'],
  ['rnodev', 'dev', 'nodev'],
  ['rdev', 'nodev', '!nodev'],
  ['rnoexec', 'exec', 'noexec'],
  ['rexec', 'noexec', '!noexec'],
  ['rnoatime', 'relatime', 'noatime'],
  ['ratime', 'noatime', '!noatime'],
  ['rrelatime', 'noatime', 'relatime'],
  ['rstrictatime', 'relatime', '!relatime'],
  ['rnostrictatime', 'strictatime', 'relatime'],
  ['rnodiratime', 'diratime', 'nodiratime'],
  ['rdiratime', 'nodiratime', '!nodiratime'],
  ['rnosymfollow', 'symfollow', 'nosymfollow'],
  ['rsymfollow', 'nosymfollow', '!nosymfollow'],
  ['rnorelatime', 'relatime', '!noatime'],
]

// covers: config.md#linux-mount-options/flags, config.md#linux-mount-options/bind
for (const [option, before, expected] of recursive) {
  test(`${option} holds for what is mounted below too`, (t) => {
    if (lacks(t, 'runt')) return
    const { stdout, stderr } = run(
      t,
      (sandbox) => {
        const source = hostMount(t, sandbox, 'rw')
        mkdirSync(path.join(source, 'below'))
        mountOnHost(t, '-t', 'tmpfs', '-o', before, 'tmpfs', path.join(source, 'below'))
        return [{ destination: '/data', source, options: ['rbind', option] }]
      },
      verbs(mountinfo),
    )
    t.is(stderr, '')
    for (const point of ['/data', '/data/below']) {
      const { options } = mountAt(stdout, point)!
      t.is(options.includes(expected!.replace('!', '')), !expected!.startsWith('!'), `${point}: ${options.join()}`)
    }
  })
}

// covers: config.md#linux-mount-options/propagation
test('propagation options hold, for the mount alone or with what is below', (t) => {
  if (lacks(t, 'runc')) return
  const cases = [
    ['private', /^$/],
    ['rprivate', /^$/],
    ['shared', /^shared:/],
    ['rshared', /^shared:/],
    ['unbindable', /^unbindable/],
    ['runbindable', /^unbindable/],
    ['slave', /^(master:|$)/],
    ['rslave', /^(master:|$)/],
  ] as const
  for (const [option, expected] of cases)
    t.regex(seen(t, () => [tmpfs(option)])!.propagation.join(' '), expected, option)
})

// covers: config.md#linux-mount-options/remount
test('remount changes what is mounted there already, and its parameters', (t) => {
  if (lacks(t, 'runt')) return
  const mount = seen(t, () => [tmpfs('nosuid', 'size=64k'), { ...tmpfs('remount', 'noexec', 'size=128k') }])!
  for (const option of ['nosuid', 'noexec']) t.true(mount.options.includes(option), mount.options.join())
  t.true(mount.superblock.includes('size=128k'), mount.superblock.join())
  const { status, stderr } = run(t, () => [{ ...tmpfs('remount', 'ro'), destination: '/bin' }], verbs(['echo', 'x']))
  t.is(status, 1)
  t.regex(stderr, /mounts\[7\]\.options → \/bin: set mount attributes: invalid argument/)
})

test('a bind keeps the flags of its source that it does not name', (t) => {
  if (lacks(t, 'runt')) return // runc and crun drop them as soon as there is any flag.
  const mount = seen(t, (sandbox) => [
    { destination: '/data', source: hostMount(t, sandbox, 'nosuid,nodev,noexec'), options: ['bind', 'ro', 'exec'] },
  ])!
  for (const option of ['ro', 'nosuid', 'nodev']) t.true(mount.options.includes(option), option)
  t.false(mount.options.includes('noexec'))
})

test('in a user namespace, flags that are locked stay whatever the options say', (t) => {
  if (lacks(t, 'runt')) return // Debian 12's runc fails with EPERM; its crun mounts the source anew, without its flags.
  for (const options of [
    ['bind'],
    ['bind', 'ro'],
    ['rbind', 'rw', 'suid', 'dev', 'exec'],
    ['bind', 'noatime', 'suid'],
  ]) {
    const mount = seen(
      t,
      (sandbox) => [{ destination: '/data', source: hostMount(t, sandbox, 'ro,nosuid,nodev,noexec'), options }],
      ownUsers,
    )!
    for (const option of ['ro', 'nosuid', 'nodev', 'noexec'])
      t.true(mount.options.includes(option), `${options.join()}: ${option}`)
  }
})

test('in a user namespace, of the flags to be cleared those that are not locked go', (t) => {
  if (lacks(t, 'runt')) return
  // The bind's own noexec comes and goes in one list; nosuid is the host's.
  const mount = seen(
    t,
    (sandbox) => [
      {
        destination: '/data',
        source: hostMount(t, sandbox, 'nosuid'),
        options: ['bind', 'suid', 'dev', 'nosymfollow'],
      },
    ],
    ownUsers,
  )!
  t.true(mount.options.includes('nosuid') && mount.options.includes('nosymfollow'), mount.options.join())
})

// covers: /mounts/*/source
test('files, sockets, fifos and devices are bound onto what is made for them', (t) => {
  const { stdout, stderr } = run(
    t,
    (sandbox) => {
      const at = (name: string) => path.join(sandbox.dir, name)
      writeFileSync(at('file'), 'text')
      const script = 'mkfifo "$1"; python3 -c "import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])" "$2"'
      spawnSync('bash', ['-c', script, 'bash', at('fifo'), at('socket')])
      const bind = (source: string, name: string) => ({
        destination: `/new/${name}`,
        source,
        type: 'bind',
        options: ['bind'],
      })
      return [
        bind(at('file'), 'file'),
        bind(at('socket'), 'socket'),
        bind(at('fifo'), 'fifo'),
        bind('/dev/zero', 'zero'),
      ]
    },
    verbs(...['file', 'socket', 'fifo', 'zero'].map((name) => ['stat', `/new/${name}`])),
  )
  t.is(stderr, '')
  t.deepEqual(
    lines(stdout).map((line) => line.split(' ')[1]),
    ['file', 'socket', 'fifo', 'char'],
  )
})

// covers: /mounts/*/destination, config.md#mounts/order
test('mounts are made in their order: nested, over each other, and in a read-only tmpfs', (t) => {
  const { stdout, stderr, sandbox } = run(
    t,
    (sandbox) => {
      const source = path.join(sandbox.dir, 'source')
      mkdirSync(path.join(source, 'inner'), { recursive: true })
      writeFileSync(path.join(source, 'file'), 'bound\n')
      return [
        { ...tmpfs('ro'), destination: '/data' },
        { destination: '/data/made/here', source, type: 'bind', options: ['bind', 'ro'] },
        { ...tmpfs(), destination: '/data/made/here/inner' },
        { destination: '/data/made/file', source: path.join(source, 'file'), type: 'bind', options: ['bind'] },
        { ...tmpfs(), destination: '/over' },
        { destination: '/over', source, type: 'bind', options: ['bind'] },
      ]
    },
    verbs(
      ['cat', '/data/made/file'],
      ['ls', '/data/made/here'],
      ['write', '/data/made/here/inner/x', ''],
      ['write', '/data/x', ''],
      ['ls', '/over'],
    ),
  )
  t.is(stderr, '')
  t.deepEqual(lines(stdout), ['bound', 'file', 'inner', 'write: open: EROFS', 'file', 'inner'])
  t.deepEqual(readdirSync(path.join(sandbox.dir, 'source/inner')), [])
})

test('a mount point that is missing in a read-only bind is an error that says so', (t) => {
  if (lacks(t, 'runt')) return
  const { status, stderr, sandbox } = run(
    t,
    (sandbox) => {
      const source = path.join(sandbox.dir, 'source')
      mkdirSync(source)
      return [
        { destination: '/data', source, options: ['bind', 'ro'] },
        { ...tmpfs(), destination: '/data/missing' },
      ]
    },
    verbs(['echo', 'x']),
  )
  t.is(status, 1)
  t.regex(stderr, /mounts\[8\]\.destination → \/data\/missing: open \/data\/missing: read-only file system/)
  t.regex(stderr, /hint: the mount point does not exist/)
  sandbox.assertClean(t)
})

test('a relative destination counts from the root', (t) => {
  const { stdout } = run(t, () => [{ ...tmpfs('size=64k'), destination: 'data' }], verbs(mountinfo))
  t.is(mountAt(stdout, '/data')?.type, 'tmpfs')
})

test('an overlay takes its layers, however long their list is', (t) => {
  const { stdout, stderr } = run(
    t,
    (sandbox) => {
      const layers = Array.from({ length: 6 }, (_, index) => path.join(sandbox.dir, `layer-${index}-${'x'.repeat(60)}`))
      layers.forEach((layer, index) => {
        mkdirSync(layer)
        writeFileSync(path.join(layer, `file-${index}`), '')
      })
      return [
        {
          destination: '/data',
          type: 'overlay',
          source: 'overlay',
          options: [`lowerdir=${layers.slice(0, 2).join(':')}`],
        },
        { destination: '/long', type: 'overlay', source: 'overlay', options: [`lowerdir=${layers.join(':')}`] },
      ]
    },
    verbs(['ls', '/data'], ['ls', '/long']),
  )
  const [major = 0, minor = 0] = release().split(/[.-]/).map(Number)
  if (runtime === 'runt' && (major < 6 || (major === 6 && minor < 7))) {
    // A parameter is cut at 255 bytes there, and layers cannot be given one by one.
    t.regex(stderr, /mounts\[8\]/)
    t.regex(stderr, /hint: .*6\.7/)
    return
  }
  t.is(stderr, '')
  t.deepEqual(lines(stdout), ['file-0', 'file-1', ...[0, 1, 2, 3, 4, 5].map((index) => `file-${index}`)])
})

test('copy-symlink makes the link, src-nofollow binds it, dest-nofollow covers one', (t) => {
  if (lacks(t, 'runt')) return
  const { stdout, stderr } = run(
    t,
    (sandbox) => {
      const at = (name: string) => path.join(sandbox.dir, name)
      writeFileSync(at('file'), 'plain\n')
      symlinkSync('../etc/passwd', at('link'))
      symlinkSync('nowhere', path.join(sandbox.rootfs, 'data'))
      return [
        { destination: '/new/link', source: at('link'), options: ['bind', 'copy-symlink'] },
        { destination: '/new/file', source: at('file'), options: ['bind', 'copy-symlink'] },
        { destination: '/data', source: at('link'), options: ['bind', 'src-nofollow', 'dest-nofollow'] },
      ]
    },
    verbs(['stat', '/new/link'], ['cat', '/new/file'], ['stat', '/data']),
  )
  t.is(stderr, '')
  t.deepEqual(lines(stdout), [
    '/new/link symlink 777 0 0 ../etc/passwd',
    'plain',
    '/data symlink 777 0 0 ../etc/passwd',
  ])
})

test('copy-symlink leaves an equal link alone and refuses to replace another file', (t) => {
  if (lacks(t, 'runt')) return
  const attempt = (there: string) =>
    run(
      t,
      (sandbox) => {
        symlinkSync('target', path.join(sandbox.dir, 'link'))
        symlinkSync(there, path.join(sandbox.rootfs, 'data'))
        return [{ destination: '/data', source: path.join(sandbox.dir, 'link'), options: ['bind', 'copy-symlink'] }]
      },
      verbs(['stat', '/data']),
    )
  t.is(attempt('target').stdout, '/data symlink 777 0 0 target\n')
  const { status, stderr } = attempt('other')
  t.is(status, 1)
  t.regex(stderr, /mounts\[7\]\.options\[1\] → \/data: make link data: file exists/)
})

test('copy-symlink excludes the others', (t) => {
  if (lacks(t, 'runt')) return
  const { stderr } = run(
    t,
    () => [
      { destination: '/data', source: '/srv', options: ['bind', 'copy-symlink', 'src-nofollow', 'dest-nofollow'] },
    ],
    verbs(['echo', 'x']),
  )
  t.regex(stderr, /options\[2\] is "src-nofollow", which excludes "copy-symlink"/)
  t.regex(stderr, /options\[3\] is "dest-nofollow", which excludes "copy-symlink"/)
})

// covers: /linux/rootfsPropagation
test('rootfsPropagation is that of the container’s root', (t) => {
  const cases = [
    ['private', /^$/],
    ['rprivate', /^$/],
    ['shared', /shared:/],
    ['rshared', /shared:/],
    ['slave', /^(master:|$)/],
    ['rslave', /^(master:|$)/],
    ['unbindable', /^unbindable$/],
    ['runbindable', /^unbindable$/],
  ] as const
  for (const [value, expected] of cases) {
    // Debian 12's runc and crun cannot bind an unbindable root; runc sets what it binds, which is not shared.
    if (runtime !== 'runt' && /unbindable|shared/.test(value)) continue
    const { stdout, stderr } = run(
      t,
      () => [],
      verbs(mountinfo),
      (spec) => {
        spec.linux!.rootfsPropagation = value
      },
    )
    t.is(stderr, '', value)
    t.regex(mountAt(stdout, '/')!.propagation.join(' '), expected, value)
  }
})

// covers: /linux/mountLabel
test('mountLabel without SELinux is an error that says so', (t) => {
  if (lacks(t, 'runt') || readFileSync('/proc/filesystems', 'utf8').includes('selinuxfs')) return void t.pass()
  const { status, stderr, sandbox } = run(
    t,
    () => [],
    verbs(['echo', 'x']),
    (spec) => {
      spec.linux!.mountLabel = 'system_u:object_r:container_file_t:s0:c1,c2'
    },
  )
  t.is(status, 1)
  t.regex(stderr, /linux\.mountLabel: the kernel has no SELinux/)
  sandbox.assertClean(t)
})

test('in a user namespace, filesystems of the host’s namespaces are its own mounts', (t) => {
  if (lacks(t, 'runt')) return
  const { stdout, stderr } = run(
    t,
    () => [],
    verbs(mountinfo, ['write', '/sys/kernel/mm/x', '']),
    (spec) => {
      ownUsers(spec)
      spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'network')
    },
  )
  t.is(stderr, '')
  t.is(mountAt(stdout, '/sys')?.type, 'sysfs')
  for (const option of ['ro', 'nosuid', 'nodev', 'noexec']) t.true(mountAt(stdout, '/sys')!.options.includes(option))
})

test('a group of devpts that the user namespace does not have is left out with a warning', (t) => {
  if (lacks(t, 'runt')) return
  const { stdout, stderr, status } = run(
    t,
    () => [],
    verbs(mountinfo),
    (spec) => {
      ownUsers(spec, 2)
    },
  )
  t.is(status, 0)
  t.regex(stderr, /mounts\[2\]: ignored gid=5: the container's user namespace has no such group/)
  t.is(mountAt(stdout, '/dev/pts')?.type, 'devpts')
})

test('cgroup mounts, with and without a cgroup namespace, are as read-only as they say', (t) => {
  if (lacks(t, 'runt')) return
  for (const own of [true, false]) {
    for (const [type, flag] of [
      ['cgroup', 'ro'],
      ['cgroup2', 'rw'],
    ] as const) {
      const { stdout, stderr } = run(
        t,
        () => [],
        verbs(mountinfo, ['mkdir', '/sys/fs/cgroup/../cgroup/cgroup.procs/x']),
        (spec) => {
          const mount = spec.mounts!.find(({ destination }) => destination === '/sys/fs/cgroup')!
          mount.type = type
          mount.options = ['nosuid', 'noexec', 'nodev', flag]
          if (!own) spec.linux!.namespaces = spec.linux!.namespaces!.filter((namespace) => namespace.type !== 'cgroup')
        },
      )
      t.is(stderr, '')
      const seen = mountAt(stdout, '/sys/fs/cgroup')!
      t.is(seen.type, 'cgroup2')
      t.true(seen.options.includes(flag), `${type} ${flag}: ${seen.options.join()}`)
    }
  }
})

test('proc takes its options, in a new and in a joined pid namespace', (t) => {
  if (lacks(t, 'runt')) return
  const first = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
  })
  t.is(first.create().status, 0)
  const { pid } = first.state()
  for (const joined of [undefined, `/proc/${pid}/ns/pid`]) {
    const { stdout, stderr } = run(
      t,
      () => [],
      verbs(mountinfo, ['ls', '/proc']),
      (spec) => {
        spec.mounts![0]!.options = ['nosuid', 'hidepid=2', 'subset=pid']
        spec.linux!.maskedPaths = []
        spec.linux!.readonlyPaths = []
        if (joined !== undefined) spec.linux!.namespaces!.find(({ type }) => type === 'pid')!.path = joined
      },
    )
    t.is(stderr, '')
    t.true(mountAt(stdout, '/proc')!.superblock.includes('subset=pid'), stdout)
    t.false(lines(stdout).includes('cpuinfo'))
  }
})

// covers: /linux/maskedPaths, /linux/readonlyPaths
test('masked and read-only paths may be links, repeat, and lie below each other or below a file', (t) => {
  if (lacks(t, 'runc')) return
  const { stdout, stderr, sandbox } = run(
    t,
    (sandbox) => {
      const at = (name: string) => path.join(sandbox.rootfs, name)
      mkdirSync(at('secret/inner'), { recursive: true })
      writeFileSync(at('secret/inner/key'), 'key')
      writeFileSync(at('etc/key'), 'key')
      mkdirSync(at('frozen/inner'), { recursive: true })
      symlinkSync('/secret', at('to-secret'))
      symlinkSync('../../../../../../../../etc/key', at('to-key'))
      symlinkSync('/frozen', at('to-frozen'))
      return []
    },
    verbs(['ls', '/secret'], ['cat', '/etc/key'], ['write', '/frozen/x', ''], ['write', '/frozen/inner/x', '']),
    (spec) => {
      spec.root!.readonly = false
      const below = runtime === 'runt' ? ['/etc/key/below-a-file'] : []
      spec.linux!.maskedPaths = ['/to-secret', '/secret', '/secret/inner', '/to-key', '/etc/key', '/nowhere', ...below]
      spec.linux!.readonlyPaths = ['/to-frozen', '/frozen', '/frozen/inner', '/frozen', '/nowhere/at/all', ...below]
    },
  )
  t.is(stderr, '')
  t.deepEqual(lines(stdout), ['write: open: EROFS', 'write: open: EROFS'])
  t.is(readFileSync(path.join(sandbox.rootfs, 'etc/key'), 'utf8'), 'key')
})

test('links in the places of mount points lead nowhere outside, for any kind of mount', (t) => {
  if (lacks(t, 'runt')) return
  const { sandbox, status } = run(
    t,
    (sandbox) => {
      const outside = path.join(sandbox.dir, 'outside')
      mkdirSync(outside)
      symlinkSync(outside, path.join(sandbox.rootfs, 'data'))
      symlinkSync('../'.repeat(20) + outside, path.join(sandbox.rootfs, 'up'))
      writeFileSync(path.join(sandbox.dir, 'file'), '')
      symlinkSync('file', path.join(sandbox.dir, 'link'))
      return [
        { ...tmpfs('tmpcopyup'), destination: '/data/a' },
        { destination: '/up/b', source: path.join(sandbox.dir, 'file'), options: ['bind'] },
        { destination: '/up/c', source: path.join(sandbox.dir, 'link'), options: ['bind', 'copy-symlink'] },
        { destination: '/up/d', type: 'overlay', options: [`lowerdir=${sandbox.rootfs}:${sandbox.dir}/outside`] },
      ]
    },
    verbs(['echo', 'x']),
  )
  t.is(status, 0)
  t.deepEqual(readdirSync(path.join(sandbox.dir, 'outside')), [])
  sandbox.assertClean(t)
})
