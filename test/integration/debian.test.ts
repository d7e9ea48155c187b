/** Programs of a real distribution, in a Debian root made by test/minbase.sh. */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { lacks, lines, Sandbox } from './harness.ts'
import { Terminal } from './terminal.ts'

const script = fileURLToPath(new URL('../minbase.sh', import.meta.url))

let cached: string | undefined

/** The root file system, made on the first call. */
function minbase(): string {
  if (cached !== undefined) return cached
  const { status, stdout, stderr } = spawnSync('bash', [script], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`there is no Debian root: ${stderr}`)
  return (cached = stdout.trim())
}

/** A container of Debian, read-only but for /tmp. */
function debian(t: ExecutionContext, args: string[], change: (spec: Spec) => void = () => undefined): Sandbox {
  return new Sandbox(
    t,
    (spec) => {
      spec.process!.args = args
      spec.process!.env!.push('LC_ALL=C')
      spec.mounts!.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=1777'] })
      change(spec)
    },
    minbase(),
  )
}

/** What login, package and user programs need, as a container that may become other users has it. */
function privileged(spec: Spec): void {
  const names = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'SETGID', 'SETUID', 'SYS_CHROOT', 'AUDIT_WRITE', 'KILL']
  const sets = names.map((name) => `CAP_${name}`)
  spec.process!.capabilities = { bounding: sets, effective: sets, permitted: sets }
  spec.process!.noNewPrivileges = false
}

/** What a program prints, which must end well. */
function output(t: ExecutionContext, args: string[], change?: (spec: Spec) => void): string {
  const sandbox = debian(t, args, change)
  const { status, stdout, stderr } = sandbox.runContainer()
  t.is(status, 0, stderr)
  t.is(stderr, '')
  sandbox.assertClean(t)
  return stdout
}

test('apt-get tells its version', (t) => {
  t.regex(output(t, ['apt-get', '--version']), /^apt \d+\.\d+.* \(\w+\)\n/)
})

test('dpkg knows the packages of the distribution', (t) => {
  const packages = Number(output(t, ['bash', '-c', 'dpkg -l | grep -c ^ii']))
  t.true(packages > 50, String(packages))
  t.regex(output(t, ['dpkg', '--verify', 'base-files', 'dpkg']), /^$/)
})

test('perl runs, its modules and its child processes', (t) => {
  const program = 'use POSIX; $| = 1; print join(",", map { $_ ** 2 } 1 .. 5), "\\n"; print `echo $$ child`; exit 0'
  t.deepEqual(lines(output(t, ['perl', '-e', program])), ['1,4,9,16,25', '1 child'])
})

test('a pipeline in bash gives the status of each of its parts', (t) => {
  // 141: SIGPIPE ends a writer without a reader, unless it was ignored in the runtime and stayed so.
  const program = 'seq 100000 | sort -rn | head -n 2; yes | head -n 1; echo "${PIPESTATUS[@]}"'
  t.deepEqual(lines(output(t, ['bash', '-c', program])), ['100000', '99999', 'y', '141 0'])
  t.is(
    output(t, ['bash', '-c', 'set -o pipefail; wc -l < /etc/debian_version; false | true || echo failed']),
    '1\nfailed\n',
  )
})

test('here documents, process substitution and temporary files work on the read-only root', (t) => {
  const text =
    'cat <<< here; cat <(echo there); f=$(mktemp); echo file > "$f"; cat "$f"; ! touch /etc/x 2> /dev/null && echo read-only'
  t.deepEqual(lines(output(t, ['bash', '-c', text])), ['here', 'there', 'file', 'read-only'])
})

test('id as an unprivileged user knows the names of Debian', (t) => {
  const user = (spec: Spec): void => {
    spec.process!.user = { uid: 1, gid: 1, additionalGids: [4, 20] }
  }
  t.is(output(t, ['id'], user), 'uid=1(daemon) gid=1(daemon) groups=1(daemon),4(adm),20(dialout)\n')
  t.is(output(t, ['bash', '-c', 'cd; pwd; ! cat /etc/shadow 2> /dev/null && echo denied'], user), '/usr/sbin\ndenied\n')
})

test('nobody cannot become root through a setuid program', (t) => {
  const sandbox = debian(t, ['bash', '-c', 'su -c id < /dev/null; mount -t tmpfs x /tmp; id -u'], (spec) => {
    spec.process!.user = { uid: 65534, gid: 65534 }
  })
  const { status, stdout } = sandbox.runContainer()
  t.is(status, 0)
  t.is(stdout, '65534\n')
})

test('su gives a login shell of another user', (t) => {
  const command = ['su', '--login', '--shell', '/bin/bash', 'daemon', '-c', 'id -un; id -gn; echo "$USER $SHELL"']
  t.deepEqual(lines(output(t, command, privileged)), ['daemon', 'daemon', 'daemon /bin/bash'])
})

test('standard streams are all that is open, and /proc shows the container’s processes alone', (t) => {
  const listing = lines(output(t, ['ls', '-l', '/proc/self/fd']))
  // ls itself reads the folder with 3.
  t.deepEqual(
    listing.slice(1).map((line) => line.split(/\s+/)[8]),
    ['0', '1', '2', '3'],
  )
  t.is(output(t, ['bash', '-c', 'cd /proc; echo [0-9]*; cat 1/comm; :']), '1\nbash\n')
})

test('mount lists what the config mounts, by the names that it gives', (t) => {
  const table = new Map(
    lines(output(t, ['mount'])).map((line) => {
      const [, source, target, type, options] = /^(\S+) on (\S+) type (\S+) \((.*)\)$/.exec(line)!
      return [target!, { source, type, options: options!.split(',') }]
    }),
  )
  t.is(table.get('/')!.type, 'overlay')
  t.true(table.get('/')!.options.includes('ro'))
  t.is(table.get('/proc')!.type, 'proc')
  t.like(table.get('/tmp'), { source: 'tmpfs', type: 'tmpfs' })
  t.like(table.get('/dev/shm'), { source: 'shm', type: 'tmpfs' })
  t.is(table.get('/dev/pts')!.type, 'devpts')
  for (const option of ['ro', 'nosuid', 'nodev', 'noexec']) t.true(table.get('/sys')!.options.includes(option), option)
})

test('the programs of coreutils see the devices and the limits', (t) => {
  const text =
    'head -c 1000000 /dev/zero | wc -c; head -c 8 /dev/urandom | wc -c; echo gone > /dev/null; ulimit -n; nproc > /tmp/n; tty'
  const sandbox = debian(t, ['bash', '-c', text])
  const { stdout } = sandbox.runContainer()
  t.deepEqual(lines(stdout), ['1000000', '8', '1024', 'not a tty'])
})

test('a package is installed into a writable root, and its user is made', (t) => {
  const sandbox = debian(t, ['bash', '/tmp/work.sh'], (spec) => {
    privileged(spec)
    spec.root!.readonly = false
    spec.mounts!.push({ destination: '/tmp/work.sh', type: 'bind', source: 'work.sh', options: ['bind', 'ro'] })
  })
  writeFileSync(
    path.join(sandbox.bundle, 'work.sh'),
    `set -e
     cd /tmp
     mkdir -p p/DEBIAN p/usr/share/greeting
     printf 'Package: greeting\\nVersion: 1\\nArchitecture: all\\nMaintainer: nobody\\nDescription: a test\\n' > p/DEBIAN/control
     printf '#!/bin/sh\\nset -e\\nuseradd --create-home greeter\\necho hello > /home/greeter/greeting\\nchown greeter: /home/greeter/greeting\\n' > p/DEBIAN/postinst
     chmod 755 p/DEBIAN/postinst
     dpkg-deb --root-owner-group --build p greeting.deb > /dev/null
     dpkg --force-unsafe-io -i greeting.deb > /tmp/log 2>&1 || { cat /tmp/log; exit 1; }
     dpkg-query -W greeting
     su greeter -c 'cat ~/greeting; echo more >> ~/greeting'
     stat -c '%U %s' /home/greeter/greeting`,
  )
  const { status, stdout, stderr } = sandbox.runContainer()
  t.is(status, 0, `${stdout}${stderr}`)
  t.deepEqual(lines(stdout), ['greeting\t1', 'hello', 'greeter 11'])
  t.is(readFileSync(path.join(sandbox.rootfs, 'home/greeter/greeting'), 'utf8'), 'hello\nmore\n')
  sandbox.assertClean(t)
})

test('a shell on a terminal in the foreground: job control, its size, its name, its status', async (t) => {
  // Debian 12's crun does not hand on the size that the terminal has at first.
  if (lacks(t, 'runc')) return
  const sandbox = debian(t, ['bash', '--norc', '-i'], (spec) => {
    spec.process!.terminal = true
    spec.process!.env!.push('PS1=[$?] ', 'TERM=dumb')
  })
  const terminal = Terminal.run(t, sandbox.command('run', sandbox.id), sandbox.bundle)
  await terminal.shows(/\[0\] $/)
  t.notRegex(terminal.output(), /no job control/)
  terminal.type('tty; stty size; ls -Ll /proc/self/fd/0 | cut -d" " -f3,4\n')
  await terminal.shows(/\n\/dev\/(console|pts\/0)\n24 80\nroot tty\n/)
  terminal.resize(40, 100)
  terminal.type('sleep 0.2; stty size; apt-get --version | head -n 1\n')
  await terminal.shows(/\n40 100\napt \d/)
  terminal.type('cat | tr a-z A-Z\nshout\n\u0004')
  await terminal.shows(/\nSHOUT\n/)
  terminal.type('sleep 100\n')
  await terminal.shows(/sleep 100\n/)
  terminal.type('\u0003')
  await terminal.shows(/\[130\] $/)
  terminal.type('exit 7\n')
  t.is(await terminal.ended, 7)
  sandbox.assertClean(t)
})

for (const [what, args, expected] of [
  ['apt-get --version', ['apt-get', '--version'], /^apt \d/],
  ['perl -e', ['perl', '-e', 'print -t STDIN && -t STDOUT ? "a terminal\n" : "none\n"'], /^a terminal\n/],
  ['a pipeline in bash', ['bash', '-c', 'yes | head -n 2 | sort | uniq -c'], /^ *2 y\n/],
  ['id', ['id', '--user', '--name'], /^nobody\n/],
] as const) {
  test(`${what} as an unprivileged user on a terminal, in the foreground and detached`, async (t) => {
    const change = (spec: Spec): void => {
      spec.process!.terminal = true
      spec.process!.user = { uid: 65534, gid: 65534 }
    }
    const sandbox = debian(t, [...args], change)
    const terminal = Terminal.run(t, sandbox.command('run', sandbox.id), sandbox.bundle)
    t.is(await terminal.ended, 0, terminal.output())
    t.regex(terminal.output(), expected)
    sandbox.assertClean(t)

    const socket = path.join(sandbox.dir, 'console')
    const console = await Terminal.listen(t, socket)
    const { status, stderr } = sandbox.detached(['run', '--detach', '--console-socket', socket, sandbox.id])
    t.is(status, 0, stderr)
    await console.ended
    t.regex(console.output(), expected)
    await sandbox.until('stopped')
    t.is(sandbox.run(['delete', sandbox.id]).status, 0)
    sandbox.assertClean(t)
  })
}

test('a detached shell goes on, exec enters it, and a signal ends it', async (t) => {
  const program =
    'trap "echo ended; exit 0" TERM; apt-get --version | head -n 1; echo ready; while :; do sleep 0.05; done'
  const sandbox = debian(t, ['bash', '-c', program])
  t.is(sandbox.detached(['run', '--detach', sandbox.id]).status, 0)
  await sandbox.until('running')
  t.is(sandbox.run(['exec', sandbox.id, 'bash', '-c', 'cat /proc/1/comm']).stdout, 'bash\n')
  t.is(sandbox.run(['exec', '--user', '65534:65534', sandbox.id, 'id', '-un']).stdout, 'nobody\n')
  t.is(sandbox.run(['exec', sandbox.id, 'perl', '-e', 'exit 9']).status, 9)
  const terminal = Terminal.run(
    t,
    sandbox.command('exec', '--tty', sandbox.id, 'bash', '-c', 'tty; ls /proc/self/fd | wc -l'),
    '/',
  )
  t.is(await terminal.ended, 0)
  t.regex(terminal.output(), /^\/dev\/pts\/\d+\n4\n$/)
  t.is(sandbox.run(['kill', sandbox.id, 'TERM']).status, 0)
  await sandbox.until('stopped')
  t.regex(sandbox.output(), /^apt .*\nready\nended\n$/)
  t.is(sandbox.run(['delete', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})
