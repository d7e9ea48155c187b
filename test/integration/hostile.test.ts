// What hostile images and volumes try. Every attack is carried out for real; the control is RUNT_UNDER_TEST=runc.
// hostile-init.test.ts has what containers try on init, exec, namespaces and cgroups.
import test from 'ava'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { lacks, lines, runtime } from './harness.ts'
import { HostileSandbox } from './hostile.ts'

/** A program whose dynamic loader has this name: what an image wants to be printed when it is missing. */
function programWithLoader(loader: string): Buffer {
  const name = Buffer.from(`${loader}\0`)
  const file = Buffer.alloc(4096)
  file.write('\x7fELF\x02\x01\x01', 'latin1')
  file.writeUInt16LE(2, 16) // ET_EXEC
  file.writeUInt16LE(process.arch === 'arm64' ? 183 : 62, 18)
  file.writeUInt32LE(1, 20)
  file.writeBigUInt64LE(64n, 32)
  file.writeUInt16LE(64, 52)
  file.writeUInt16LE(56, 54)
  file.writeUInt16LE(1, 56)
  file.writeUInt32LE(3, 64) // PT_INTERP
  file.writeUInt32LE(4, 68)
  file.writeBigUInt64LE(120n, 72)
  file.writeBigUInt64LE(BigInt(name.length), 96)
  file.writeBigUInt64LE(BigInt(name.length), 104)
  name.copy(file, 120)
  return file
}

/** Control characters but the end of a line, or a line that the image began. */
const harmful = /(?!\n)\p{Cc}|^runt: forged/mu

// cve: terminal-escapes
test('no name that an image chose commands the terminal or forges a line of an error', (t) => {
  // runc prints the program's name as it is.
  if (lacks(t, 'runt')) return
  const evil = '\x1b]0;title\x07\x1b[31m\x9b31m\nrunt: forged'
  const sandbox = new HostileSandbox(t)
  writeFileSync(path.join(sandbox.rootfs, 'bin/loader'), programWithLoader(`/lib/${evil}`), { mode: 0o755 })
  writeFileSync(path.join(sandbox.rootfs, 'bin/script'), `#!/lib/${evil}\n`, { mode: 0o755 })
  for (const program of ['/bin/loader', '/bin/script', `/bin/${evil}`]) {
    sandbox.args(program)
    for (const flags of [[], ['--log', path.join(sandbox.dir, 'log')]]) {
      const { status, stdout, stderr } = sandbox.run([...flags, 'run', sandbox.id])
      t.is(status, 1)
      const text = stdout + stderr
      t.true(text.includes('exec'), text)
      t.notRegex(text, harmful, JSON.stringify(text))
    }
  }
  t.notRegex(readFileSync(path.join(sandbox.dir, 'log'), 'utf8'), harmful)
})

test('a file or directory of the host that is standard input stays its owner’s', (t) => {
  // Debian 12's runc gives it away where it hands it on.
  if (lacks(t, 'runt')) return
  const sandbox = new HostileSandbox(t, (spec) => {
    spec.process!.user = { uid: 1000, gid: 1000 }
    spec.process!.args = ['hostile', 'reopen', '/proc/self/fd/0', 'hacked']
  })
  const file = path.join(sandbox.dir, 'secret')
  const directory = path.join(sandbox.dir, 'directory')
  writeFileSync(file, 'of the host', { mode: 0o644 })
  mkdirSync(directory)
  const [program, ...args] = sandbox.command('run', sandbox.id)
  for (const [input, answer] of [
    [file, 'reopen: EACCES\n'],
    [directory, 'reopen: EISDIR\n'],
  ] as const) {
    const stdin = openSync(input, 'r')
    const { stdout, stderr } = spawnSync(program!, args, {
      cwd: sandbox.bundle,
      encoding: 'utf8',
      stdio: [stdin, 'pipe', 'pipe'],
    })
    closeSync(stdin)
    t.is(stdout, answer, stderr)
    t.is(statSync(input).uid, 0)
  }
  t.is(readFileSync(file, 'utf8'), 'of the host')
})

test('a file that takes standard output can be opened again by the container’s user', async (t) => {
  const sandbox = new HostileSandbox(t, (spec) => {
    spec.process!.user = { uid: 1000, gid: 1000 }
    spec.process!.args = ['hostile', 'reopen', '/proc/self/fd/1', 'again']
  })
  const { stderr } = sandbox.detached(['run', '--detach', sandbox.id])
  t.is(stderr, '')
  await sandbox.until('stopped')
  t.regex(sandbox.output(), /again|written/)
})

// cve: CVE-2019-16884, CVE-2025-52881
test('no volume of an image takes the place of /proc or of a directory in it', (t) => {
  for (const destination of ['/proc', '/proc/self', '/proc/sys/kernel', '/x/../proc/1/', '/alias/self', '/alias']) {
    const sandbox = new HostileSandbox(t)
    const volume = path.join(sandbox.dir, 'volume')
    mkdirSync(volume)
    symlinkSync('/proc', path.join(sandbox.rootfs, 'alias'))
    sandbox.configure((spec) => {
      spec.mounts!.push({ destination, type: 'bind', source: volume, options: ['rbind'] })
    })
    const { status, stdout } = sandbox.runContainer()
    t.is(stdout, '', destination)
    t.not(status, 0, destination)
    sandbox.assertClean(t)
  }
})

test('files of /proc that tell about the machine can be replaced', (t) => {
  const sandbox = new HostileSandbox(t)
  const file = path.join(sandbox.dir, 'meminfo')
  writeFileSync(file, 'MemTotal: 1 kB\n')
  sandbox.configure((spec) => {
    spec.mounts!.push({ destination: '/proc/meminfo', type: 'bind', source: file, options: ['bind', 'ro'] })
    spec.process!.args = ['inside', 'cat', '/proc/meminfo']
  })
  t.is(sandbox.runContainer().stdout, 'MemTotal: 1 kB\n')
})

test('a container without a pid namespace has the host’s /proc', (t) => {
  const sandbox = new HostileSandbox(t, (spec) => {
    spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'pid')
    spec.mounts!.splice(0, 1, { destination: '/proc', type: 'bind', source: '/proc', options: ['rbind'] })
    spec.process!.args = ['inside', 'stat', '/proc/self']
  })
  t.regex(sandbox.runContainer().stdout, /^\/proc\/self symlink/)
})

test('no mount covers the root itself', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new HostileSandbox(t, (spec) => {
    spec.mounts!.push({ destination: '/tmp/..', type: 'tmpfs', source: 'tmpfs' })
  })
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /mounts\[\d\]\.destination must not be the root itself/)
})

// cve: CVE-2021-30465, CVE-2024-45310
test('volumes in which names are exchanged while containers are made keep all inside the root', (t) => {
  // Debian 12's runc falls for it.
  if (lacks(t, 'runt')) return
  const sandbox = new HostileSandbox(t)
  const volume = path.join(sandbox.dir, 'volume')
  const outside = path.join(sandbox.dir, 'outside')
  mkdirSync(path.join(volume, 'directory'), { recursive: true })
  mkdirSync(path.join(outside, 'masked'), { recursive: true })
  writeFileSync(path.join(outside, 'masked/host'), 'secret')
  symlinkSync(`${'../'.repeat(20)}${outside.slice(1)}`, path.join(volume, 'link'))
  sandbox.configure((spec) => {
    spec.root!.readonly = false
    spec.mounts!.push(
      { destination: '/data', type: 'bind', source: volume, options: ['rbind'] },
      { destination: '/data/directory/a/tmpfs', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/data/directory/bound', type: 'bind', source: volume, options: ['rbind'] },
      { destination: '/data/directory/b/file', type: 'bind', source: '/etc/hosts', options: ['bind'] },
    )
    spec.linux!.devices = [
      { path: '/data/directory/c/null', type: 'c', major: 1, minor: 3 },
      { path: '/data/directory/fifo', type: 'p' },
    ]
    spec.linux!.maskedPaths!.push('/data/directory/masked')
    spec.linux!.readonlyPaths!.push('/data/directory')
    spec.process!.cwd = '/data/directory/d/cwd'
    spec.process!.args = ['inside', 'cat', '/data/directory/masked/host', '--', 'cat', `${outside}/masked/host`]
  })
  sandbox.meanwhile(t, 'swap', path.join(volume, 'directory'), path.join(volume, 'link'))
  for (let count = 0; count < 30; count++) t.notRegex(sandbox.runContainer().stdout, /secret/)
  t.deepEqual(readdirSync(outside), ['masked'])
  t.deepEqual(readdirSync(path.join(outside, 'masked')), ['host'])
  t.false(readFileSync('/proc/self/mountinfo', 'utf8').includes(outside))
})

// cve: CVE-2026-41579, CVE-2026-47766
test('a symlink of the image at /dev takes no device and no link out of the root', (t) => {
  // Debian 12's runc falls for it.
  if (lacks(t, 'runt')) return
  for (const mounted of [true, false]) {
    const sandbox = new HostileSandbox(t)
    const outside = path.join(sandbox.dir, 'outside')
    mkdirSync(outside)
    writeFileSync(path.join(outside, 'ptmx'), 'of the host')
    rmdirSync(path.join(sandbox.rootfs, 'dev'))
    symlinkSync(`${'../'.repeat(20)}${outside.slice(1)}`, path.join(sandbox.rootfs, 'dev'))
    sandbox.configure((spec) => {
      spec.root!.readonly = false
      if (!mounted) spec.mounts = spec.mounts!.filter(({ destination }) => !destination.startsWith('/dev'))
      spec.linux!.devices = [{ path: '/dev/disk', type: 'b', major: 8, minor: 0 }]
    })
    sandbox.runContainer()
    t.deepEqual(readdirSync(outside), ['ptmx'])
    t.is(readFileSync(path.join(outside, 'ptmx'), 'utf8'), 'of the host')
    sandbox.assertClean(t)
  }
})

// cve: CVE-2025-31133
test('a masked or read-only path that is a symlink hides nothing of the host', (t) => {
  const sandbox = new HostileSandbox(t, (spec) => {
    spec.linux!.maskedPaths = ['/masked', '/dev/null']
    spec.linux!.readonlyPaths = ['/frozen']
    spec.process!.args = ['inside', 'stat', '/dev/null', '--', 'open', '/dev/null']
  })
  const outside = path.join(sandbox.dir, 'outside')
  mkdirSync(outside)
  for (const name of ['masked', 'frozen'])
    symlinkSync(`${'../'.repeat(20)}${outside.slice(1)}`, path.join(sandbox.rootfs, name))
  t.is(sandbox.runContainer().stdout, '/dev/null char 666 0 0 1:3\nopened\n')
  writeFileSync(path.join(outside, 'still'), 'writable')
  t.deepEqual(readdirSync(outside), ['still'])
})

// cve: CVE-2024-21626
test('no working directory leads to a descriptor of the host', (t) => {
  const sandbox = new HostileSandbox(t)
  for (let fd = 0; fd < 16; fd++) {
    sandbox.configure((spec) => {
      spec.process!.cwd = `/proc/self/fd/${fd}`
      spec.process!.args = ['inside', 'cwd', '--', 'ls', '.', '--', 'ls', '../../..']
    })
    const { status, stdout } = sandbox.runContainer()
    t.is(stdout, '', `descriptor ${fd}`)
    t.not(status, 0)
  }
  sandbox.assertClean(t)
})

// cve: CVE-2024-21626
test('exec enters no descriptor of the host either, named by a path or by a symlink', async (t) => {
  const sandbox = new HostileSandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
  })
  for (let fd = 3; fd < 16; fd++) symlinkSync(`/proc/self/fd/${fd}`, path.join(sandbox.rootfs, `fd${fd}`))
  t.is(sandbox.detached(['run', '--detach', sandbox.id]).stderr, '')
  await sandbox.until('running')
  for (let fd = 3; fd < 16; fd++) {
    for (const cwd of [`/proc/self/fd/${fd}`, `/fd${fd}`]) {
      const { status, stdout } = sandbox.run(['exec', '--cwd', cwd, sandbox.id, 'inside', 'ls', '.', '--', 'cwd'])
      t.is(stdout, '', cwd)
      t.not(status, 0, cwd)
    }
  }
})

// cve: CVE-2019-5736
test('a program that is /proc/self/exe, by itself or as an interpreter, is nothing of the host', (t) => {
  const sandbox = new HostileSandbox(t)
  writeFileSync(path.join(sandbox.rootfs, 'bin/script'), '#!/proc/self/exe\n', { mode: 0o755 })
  symlinkSync('/proc/self/exe', path.join(sandbox.rootfs, 'bin/link'))
  for (const program of ['/bin/script', '/bin/link', '/proc/self/exe']) {
    sandbox.args(program, '3', '4', '5')
    const { status, stdout } = sandbox.runContainer()
    t.not(status, 0, program)
    t.is(stdout, '', program)
  }
  sandbox.assertClean(t)
})

test('a passwd file of any kind neither stops nor deceives exec and create', (t) => {
  // Debian 12's runc waits for the fifo.
  if (lacks(t, 'runt')) return
  const passwd: [string, (file: string) => void, string][] = [
    ['a fifo', (file) => spawnSync('mkfifo', [file]), '/'],
    ['a directory', mkdirSync, '/'],
    ['a device', (file) => spawnSync('mknod', [file, 'c', '1', '5']), '/'],
    ['a link to the kernel’s log', (file) => symlinkSync('/proc/kmsg', file), '/'],
    ['a link to standard input', (file) => symlinkSync('/proc/self/fd/0', file), '/'],
    ['noise', (file) => writeFileSync(file, randomBytes(6 << 20)), '/'],
    ['one line of megabytes', (file) => writeFileSync(file, 'a'.repeat(6 << 20)), '/'],
    ['lines without fields', (file) => writeFileSync(file, ':\n::::::\n0\nroot:x:0\nroot:x:0:0::/found:\n'), '/found'],
    ['numbers that overflow', (file) => writeFileSync(file, 'a:x:4294967296:0::/wrong:\na:x:00:0::/zero:\n'), '/zero'],
  ]
  for (const [what, make, home] of passwd) {
    const sandbox = new HostileSandbox(t, (spec) => {
      spec.process!.env = ['PATH=/bin']
      spec.process!.args = ['inside', 'env']
    })
    const file = path.join(sandbox.rootfs, 'etc/passwd')
    rmSync(file)
    make(file)
    const { stdout, stderr } = sandbox.run(['run', sandbox.id], { timeout: 10_000, input: 'root:x:0:0::/deceived:/\n' })
    t.deepEqual(lines(stdout).sort(), [`HOME=${home}`, 'PATH=/bin'], `${what}: ${stderr}`)
  }
})

// cve: CVE-2024-21626
test('with its standard streams closed, runt opens nothing in their place that a container inherits', (t) => {
  const sandbox = new HostileSandbox(t, (spec) => {
    spec.root!.readonly = false
    spec.process!.args = ['hostile', 'streams', '/streams']
  })
  const [file, ...args] = sandbox.command('run', sandbox.id)
  spawnSync('sh', ['-c', '"$@" <&- >&- 2>&-', 'sh', file!, ...args], { cwd: sandbox.bundle, stdio: 'ignore' })
  const found = lines(readFileSync(path.join(sandbox.rootfs, 'streams'), 'utf8'))
  t.is(found.length, 3)
  for (const stream of found) t.regex(stream, /^[0-2] (\/dev\/null|pipe:\[\d+\])$/)
})

// cve: state-files
test('no other user can look into or meddle with the state of a container', (t) => {
  const sandbox = new HostileSandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
  })
  t.is(sandbox.create().status, 0)
  chmodSync(sandbox.dir, 0o755)
  const directory = path.join(sandbox.stateRoot, sandbox.id)
  t.is(statSync(directory).mode & 0o077 & (runtime === 'runt' ? 0o077 : 0o022), 0)
  t.is(statSync(sandbox.stateRoot).mode & 0o022, 0)
  const attempts = [
    `ls ${directory}`,
    `cat ${directory}/state.json`,
    `echo > ${directory}/start`,
    `ls ${sandbox.stateRoot}`,
  ]
  for (const attempt of runtime === 'runt' ? attempts : []) {
    const { status } = spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'sh', '-c', attempt])
    t.not(status, 0, attempt)
  }
  t.is(sandbox.state().status, 'created')
})

// cve: state-files
test('a symlink in the place of the pid file, or of its temporary one, is not followed', (t) => {
  const sandbox = new HostileSandbox(t)
  const victim = path.join(sandbox.dir, 'victim')
  const open = path.join(sandbox.dir, 'open')
  writeFileSync(victim, 'of the host')
  mkdirSync(open)
  chmodSync(open, 0o1777)
  const script = 'for i in $(seq 0 30); do ln -s "$1" "$2/.pid.$$.$i"; done; shift 2; exec "$@"'
  const pidFile = path.join(open, 'pid')
  symlinkSync(victim, pidFile)
  const command = sandbox.command('run', '--pid-file', pidFile, sandbox.id)
  const { stdout, stderr } = spawnSync('sh', ['-c', script, 'sh', victim, open, ...command], {
    cwd: sandbox.bundle,
    encoding: 'utf8',
  })
  t.is(stdout, 'hello\n', stderr)
  t.is(readFileSync(victim, 'utf8'), 'of the host')
  t.regex(readFileSync(pidFile, 'utf8'), /^\d+$/)
})
