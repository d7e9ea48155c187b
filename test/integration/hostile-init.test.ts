// Hostile containers against init, exec, namespaces and cgroups; hostile.test.ts has what hostile images and volumes try.
import test, { type ExecutionContext } from 'ava'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { capabilityNames } from '../../src/spec/names.ts'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { eventually, inVm, lacks, lines, underTest } from './harness.ts'
import { dockerCapabilities, grant, HostileSandbox } from './hostile.ts'
import { ownUsers } from './users.ts'

/** A container that may write to its own cgroup and nests others in it. */
function nestingContainer(t: ExecutionContext, change: (spec: Spec) => void = () => undefined): HostileSandbox {
  return new HostileSandbox(t, (spec) => {
    change(spec)
    spec.mounts!.find(({ destination }) => destination === '/sys/fs/cgroup')!.options = ['nosuid', 'noexec', 'nodev']
  })
}

/** What a failed test leaves, the path of which no tool takes. */
function removeByDescriptors(cgroup: string): void {
  const script = `import os, sys
def below(fd):
    for name in os.listdir(fd):
        try: child = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
        except NotADirectoryError: continue
        below(child); os.close(child); os.rmdir(name, dir_fd=fd)
top = os.open(sys.argv[1], os.O_RDONLY); below(top); os.rmdir(sys.argv[1])`
  if (existsSync(cgroup)) spawnSync('python3', ['-c', script, cgroup])
}

// cve: cgroup-names
test('a container whose cgroups have no path any more can be deleted', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = nestingContainer(t)
  const cgroup = `/sys/fs/cgroup/${sandbox.id}`
  t.teardown(() => {
    removeByDescriptors(cgroup)
  })
  const [length, depth] = [200, 40]
  sandbox.args('hostile', 'deep', '/sys/fs/cgroup', String(length), String(depth))
  t.is(sandbox.detached(['run', '--detach', sandbox.id]).stderr, '')
  await sandbox.until('stopped')
  t.is(sandbox.output(), `depth ${depth}\n`, 'the attack itself')
  const { status, stderr } = sandbox.run(['delete', sandbox.id])
  t.is(status, 0, stderr.slice(0, 300))
  t.false(existsSync(cgroup))
  sandbox.assertClean(t)
})

// cve: cgroup-names
test('a container whose cgroups have names that are no text can be deleted', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = nestingContainer(t)
  const cgroup = `/sys/fs/cgroup/${sandbox.id}`
  t.teardown(() => {
    removeByDescriptors(cgroup)
  })
  sandbox.args('hostile', 'bytes', '/sys/fs/cgroup')
  t.is(sandbox.detached(['run', '--detach', sandbox.id]).stderr, '')
  await sandbox.until('stopped')
  t.is(sandbox.output(), 'made\n', 'the attack itself')
  const { status, stderr } = sandbox.run(['delete', sandbox.id])
  t.is(status, 0, stderr)
  t.false(existsSync(cgroup))
  sandbox.assertClean(t)
})

// cve: nested-procfs
test('no user namespace of a container gets a procfs without masks, with pivot_root or without', (t) => {
  // A procfs whose files are neither masked nor read-only lets the container's root write the host's core_pattern.
  for (const flags of [[], ['--no-pivot']]) {
    const sandbox = new HostileSandbox(t, (spec) => {
      grant(spec, dockerCapabilities)
      spec.root!.readonly = false
      spec.process!.args = ['hostile', 'nested-proc']
    })
    const { stdout, stderr } = sandbox.runContainer(...flags)
    t.is(stdout, 'mount: EPERM\n', `${flags.join()} ${stderr}`)
    sandbox.assertClean(t)
  }
})

test('a user namespace works without pivot_root', (t) => {
  const sandbox = new HostileSandbox(t, (spec) => {
    ownUsers(spec)
    spec.root!.readonly = false
    spec.process!.args = ['inside', 'id', '--', 'stat', '/proc/self', '--', 'cat', '/proc/self/uid_map']
  })
  sandbox.giveTo(100_000)
  const { stdout, stderr } = sandbox.runContainer('--no-pivot')
  t.is(stderr, '')
  t.regex(stdout, /^uid 0 0 0 .*\n\/proc\/self symlink .*\n +0 +100000 +65536\n$/)
  sandbox.assertClean(t)
})

// cve: host-parameters
test('the mount namespace of the machine is not taken over', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new HostileSandbox(t, (spec) => {
    spec.linux!.namespaces!.find(({ type }) => type === 'mount')!.path = '/proc/self/ns/mnt'
  })
  // In a mount namespace that may be lost: it shows what became of its root.
  const [file, ...args] = sandbox.command('run', sandbox.id)
  const script = '"$@"; echo "status $?"; test -e /proc/self/mountinfo && echo unharmed'
  const { stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', script, 'sh', file!, ...args], {
    cwd: sandbox.bundle,
    encoding: 'utf8',
  })
  t.is(stdout, 'status 1\nunharmed\n', stderr)
  t.regex(stderr, /linux\.namespaces\[\d\]\.path must not be the machine's mount namespace/)
})

// cve: host-parameters
test('kernel parameters are not set in a network namespace that is the machine’s own', (t) => {
  const sandbox = new HostileSandbox(t, (spec) => {
    spec.linux!.namespaces!.find(({ type }) => type === 'network')!.path = '/proc/self/ns/net'
    spec.linux!.sysctl = { 'net.ipv4.ip_forward': '1' }
  })
  // In a network namespace of this test's own, where it is 0.
  const [file, ...args] = sandbox.command('run', sandbox.id)
  const script = '"$@"; echo "status $?"; cat /proc/sys/net/ipv4/ip_forward'
  const { stdout } = spawnSync('unshare', ['--net', 'sh', '-c', script, 'sh', file!, ...args], {
    cwd: sandbox.bundle,
    encoding: 'utf8',
  })
  t.is(stdout, 'status 1\n0\n')
})

/** Milliseconds. An emulated machine needs many for one `exec`. */
const attackTime = inVm || underTest[0]!.endsWith('sanitized') ? 20_000 : 4000

/** Runs `exec` again and again as long as the container's program attacks. */
async function execWhile(t: ExecutionContext, sandbox: HostileSandbox): Promise<string[]> {
  t.is(sandbox.detached(['run', '--detach', sandbox.id]).stderr, '')
  await eventually(() => sandbox.output().startsWith('ready\n'), 'the attack has begun')
  const end = Date.now() + attackTime / 2
  let count = 0
  for (; Date.now() < end; count++) {
    const { status, stdout, stderr } = sandbox.run(['exec', sandbox.id, 'inside', 'echo', 'x'])
    t.is(stdout, 'x\n', `${status} ${stderr}`)
  }
  t.true(count > 0)
  await sandbox.until('stopped')
  return lines(sandbox.output()).slice(1)
}

// cve: CVE-2016-9962, CVE-2019-5736, CVE-2024-21626
test('nothing of an init that exec brings into a container can be had there', async (t) => {
  // CVE-2016-9962, CVE-2019-5736, CVE-2024-21626: what stands behind it are files and rights of the host.
  const sandbox = new HostileSandbox(t, (spec) => {
    grant(spec, dockerCapabilities)
    spec.process!.args = ['hostile', 'peek', String(attackTime)]
  })
  t.deepEqual(await execWhile(t, sandbox), ['saw init yes'])
})

// cve: CVE-2016-9962
test('an init that exec brings into a container has no right that leads out of it', async (t) => {
  // A process with CAP_SYS_PTRACE may take it over.
  if (lacks(t, 'runt')) return
  const own = [...dockerCapabilities, 'CAP_SYS_PTRACE']
  const sandbox = new HostileSandbox(t, (spec) => {
    grant(spec, own)
    spec.process!.args = ['hostile', 'rights', String(attackTime)]
  })
  const [permitted, bounding] = (await execWhile(t, sandbox)).map((line) => line.split(' ')[1]!)
  const mask = (names: readonly string[]) =>
    names.reduce((bits, name) => bits | (1n << BigInt(capabilityNames.indexOf(name))), 0n)
  const most = mask([...own, 'CAP_SYS_RESOURCE'])
  t.not(BigInt(`0x${permitted}`), 0n, 'none was seen')
  t.is(BigInt(`0x${permitted}`) & ~most, 0n, permitted)
  t.is(BigInt(`0x${bounding}`) & ~mask(own), 0n, bounding)
})

// cve: CVE-2016-9962
test('a container that waits for start in another’s pid namespace gives nothing away', async (t) => {
  const attacker = new HostileSandbox(t, (spec) => {
    grant(spec, dockerCapabilities)
    spec.process!.args = ['hostile', 'peek', String(attackTime)]
  })
  t.is(attacker.detached(['run', '--detach', attacker.id]).stderr, '')
  const { pid } = attacker.state()
  const victim = new HostileSandbox(t, (spec) => {
    spec.linux!.namespaces!.find(({ type }) => type === 'pid')!.path = `/proc/${pid}/ns/pid`
  })
  // While the attacker is there, with time for one more.
  const end = Date.now() + attackTime / 2
  for (let count = 0; count < 3 && Date.now() < end; count++) {
    t.is(victim.create().status, 0)
    t.is(victim.run(['delete', '--force', victim.id]).status, 0)
  }
  t.is(victim.create().status, 0)
  await attacker.until('stopped')
  t.deepEqual(lines(attacker.output()), ['ready', 'saw init yes'])
})

test('whoever takes over an init cannot have runt end a process of the host', async (t) => {
  if (lacks(t, 'runt')) return
  const victim = spawn('sleep', ['100'], { stdio: 'ignore' })
  t.teardown(() => {
    victim.kill('SIGKILL')
  })
  const sandbox = new HostileSandbox(t, (spec) => {
    grant(spec, [...dockerCapabilities, 'CAP_SYS_PTRACE'])
    spec.process!.args = ['hostile', 'spoof', String(victim.pid), '60000', '--']
  })
  t.is(sandbox.detached(['run', '--detach', sandbox.id]).stderr, '')
  await eventually(() => sandbox.output().startsWith('ready\n'), 'the attack has begun')
  for (let count = 0; count < 600 && !sandbox.output().includes('sent'); count++)
    sandbox.run(['exec', sandbox.id, 'inside', 'echo'])
  t.is(sandbox.output(), 'ready\nsent\n', 'the attack itself')
  await eventually(() => sandbox.state().status === 'stopped', 'the container has stopped')
  t.is(readFileSync(`/proc/${victim.pid}/comm`, 'utf8'), 'sleep\n')
  t.regex(readFileSync(`/proc/${victim.pid}/status`, 'utf8'), /^State:\tS/m, 'it was ended')
})

test('a container that gives its controllers away can still be entered', async (t) => {
  const controllers = readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim()
  if (controllers === '' && lacks(t, 'controllers')) return
  const sandbox = nestingContainer(t, (spec) => {
    // So that the container gets a controller at all.
    if (controllers.includes('pids')) spec.linux!.resources!.pids = { limit: 100 }
  })
  sandbox.args('hostile', 'delegate')
  t.is(sandbox.detached(['run', '--detach', sandbox.id]).stderr, '')
  await eventually(() => sandbox.output() !== '', 'the attack')
  t.is(sandbox.output(), 'ready\n', 'the attack itself')
  const { stdout, stderr } = sandbox.run(['exec', sandbox.id, 'inside', 'cat', '/proc/self/cgroup'])
  t.regex(stdout, /^0::\/below$/m, stderr)
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})
