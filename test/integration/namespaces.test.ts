import test from 'ava'
import { spawn } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { eventually, lacks, lines, Sandbox } from './harness.ts'
import { openUp } from './users.ts'

const names = ['pid', 'net', 'ipc', 'uts', 'mnt', 'cgroup', 'user'] as const
const stats = (): string[] => names.flatMap((name) => ['stat', `/proc/self/ns/${name}`, '--'])

/** Links of the namespaces that the program saw. */
function namespacesIn(stdout: string): Record<string, string> {
  return Object.fromEntries(
    lines(stdout).map((line) => {
      const [file, , , , , target] = line.split(' ')
      return [file!.split('/').at(-1)!, target!]
    }),
  )
}

// covers: /linux/namespaces/*/type, config-linux.md#namespaces/created, config-linux.md#namespaces/inherited
test('the default config makes six new namespaces and shares the user namespace', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', ...stats(), 'pid']
  })
  const { stdout } = sandbox.runContainer()
  const own = namespacesIn(stdout.replace(/^pid.*\n/m, ''))
  for (const name of names) {
    const host = readlinkSync(`/proc/self/ns/${name}`)
    if (name === 'user') t.is(own[name], host)
    else t.not(own[name], host, name)
  }
  t.regex(stdout, /^pid 1 ppid 0$/m)
})

// covers: config-linux.md#namespaces/inherited
test('a namespace that the config does not name is the caller’s', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.namespaces = [{ type: 'mount' }, { type: 'pid' }]
    delete spec.hostname
    // A sysfs of its own needs a network namespace of its own, an mqueue an ipc one.
    spec.mounts = spec.mounts!.filter(({ type }) => type !== 'mqueue' && type !== 'cgroup')
    spec.process!.args = ['inside', ...stats()]
  })
  const own = namespacesIn(sandbox.runContainer().stdout)
  for (const name of ['net', 'ipc', 'uts', 'cgroup', 'user'] as const) {
    t.is(own[name], readlinkSync(`/proc/self/ns/${name}`), name)
  }
})

// covers: /linux/namespaces/*/path, config-linux.md#namespaces/joined
test('every kind of namespace is joined by path', async (t) => {
  // Another process in namespaces of its own, to share with.
  const other = spawn(
    'unshare',
    ['--net', '--ipc', '--uts', '--cgroup', '--pid', '--fork', '--kill-child', 'sleep', '1000'],
    {
      stdio: 'ignore',
    },
  )
  t.teardown(() => other.kill('SIGKILL'))
  await eventually(() => childrenOf(other.pid!) !== undefined, 'the other process is there')
  const pid = childrenOf(other.pid!)!
  await eventually(() => readlinkSync(`/proc/${pid}/exe`).endsWith('sleep'), 'it sleeps')
  const link = (name: string): string => readlinkSync(`/proc/${pid}/ns/${name}`)
  for (const [type, file] of [
    ['network', 'net'],
    ['ipc', 'ipc'],
    ['uts', 'uts'],
    ['pid', 'pid'],
    ['cgroup', 'cgroup'],
  ] as const) {
    // Debian 12's runc refuses to join a cgroup namespace.
    if (type === 'cgroup' && process.env.RUNT_UNDER_TEST?.startsWith('runc')) continue
    const sandbox = new Sandbox(t, (spec) => {
      const namespace = spec.linux!.namespaces!.find((candidate) => candidate.type === type)!
      namespace.path = `/proc/${pid}/ns/${file}`
      if (type === 'uts') delete spec.hostname
      spec.process!.args = ['inside', ...stats()]
    })
    const { stdout, stderr, status } = sandbox.runContainer()
    t.is(status, 0, stderr)
    const own = namespacesIn(stdout)
    t.is(own[file], link(file), type)
    for (const name of ['net', 'ipc', 'uts', 'pid'] as const) {
      if (name !== file) t.not(own[name], link(name), `${type}: ${name}`)
    }
    sandbox.assertClean(t)
  }
})

// covers: /linux/namespaces/*/path, config-linux.md#namespaces/joined
test('all namespaces of another process are joined at once', async (t) => {
  const other = spawn('unshare', ['--net', '--ipc', '--uts', '--pid', '--fork', '--kill-child', 'sleep', '1000'], {
    stdio: 'ignore',
  })
  t.teardown(() => other.kill('SIGKILL'))
  await eventually(() => childrenOf(other.pid!) !== undefined, 'the other process is there')
  const pid = childrenOf(other.pid!)!
  await eventually(() => readlinkSync(`/proc/${pid}/exe`).endsWith('sleep'), 'it sleeps')
  const sandbox = new Sandbox(t, (spec) => {
    const files: Record<string, string> = { network: 'net', ipc: 'ipc', uts: 'uts', pid: 'pid' }
    for (const namespace of spec.linux!.namespaces!) {
      const file = files[namespace.type]
      if (file !== undefined) namespace.path = `/proc/${pid}/ns/${file}`
    }
    delete spec.hostname
    spec.process!.args = ['inside', ...stats()]
  })
  const { stdout, stderr, status } = sandbox.runContainer()
  t.is(status, 0, stderr)
  const own = namespacesIn(stdout)
  for (const name of ['net', 'ipc', 'uts', 'pid']) t.is(own[name], readlinkSync(`/proc/${pid}/ns/${name}`))
})

function childrenOf(pid: number): number | undefined {
  const [first] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')
  return first === undefined || first === '' ? undefined : Number(first)
}

test('a user namespace maps its users, and root in it owns what it makes', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.namespaces!.push({ type: 'user' })
    spec.linux!.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }]
    spec.linux!.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }]
    spec.process!.args = ['inside', 'id', '--', 'cat', '/proc/self/uid_map', '--', 'cat', '/proc/self/gid_map']
  })
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stderr, '')
  t.regex(stdout, /^uid 0 0 0 gid 0 0 0/)
  t.is(stdout.match(/ +0 +0 +65536/g)?.length, 2)
  sandbox.assertClean(t)
})

// covers: /linux/uidMappings/*/containerID, /linux/uidMappings/*/hostID, /linux/uidMappings/*/size
// covers: /linux/gidMappings/*/containerID, /linux/gidMappings/*/hostID, /linux/gidMappings/*/size
test('a user namespace with other host users', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.namespaces!.push({ type: 'user' })
    spec.linux!.uidMappings = [{ containerID: 0, hostID: 100000, size: 1000 }]
    spec.linux!.gidMappings = [{ containerID: 0, hostID: 200000, size: 1000 }]
    spec.process!.args = [
      'inside',
      'id',
      '--',
      'cat',
      '/proc/self/uid_map',
      '--',
      'cat',
      '/proc/self/gid_map',
      '--',
      'stat',
      '/dev/null',
      '--',
      'write',
      '/dev/null',
      'x',
    ]
  })
  openUp(sandbox)
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stderr, '')
  t.regex(stdout, /^uid 0 0 0 gid 0 0 0/)
  t.regex(stdout, / +0 +100000 +1000\n/)
  t.regex(stdout, / +0 +200000 +1000\n/)
  t.regex(stdout, /\/dev\/null char 666 \d+ \d+ 1:3/)
  t.notRegex(stdout, /write: /)
  sandbox.assertClean(t)
})

// covers: /linux/sysctl
test('sysctls of the container’s own namespaces are set', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.sysctl = { 'net.ipv4.ip_forward': '1', 'kernel.shmmni': '1234' }
    spec.process!.args = ['inside', 'cat', '/proc/sys/net/ipv4/ip_forward', '--', 'cat', '/proc/sys/kernel/shmmni']
  })
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stdout, '1\n1234\n', stderr)
})

test('the loopback interface is up', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'cat', '/proc/net/fib_trie']
  })
  t.true(sandbox.runContainer().stdout.includes('127.0.0.1'))
})

test('a cgroup namespace shows the container’s cgroup as the root', (t) => {
  if (lacks(t, 'runt')) return // Debian 12's crun runs here without cgroups, runc's path is the same but for its name.
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'cat', '/proc/self/cgroup', '--', 'cat', '/sys/fs/cgroup/cgroup.procs']
  })
  const { stdout } = sandbox.runContainer()
  t.true(lines(stdout).includes('0::/'), stdout)
  t.is(lines(stdout).at(-1), '1', 'the cgroup mount shows the container itself')
})
