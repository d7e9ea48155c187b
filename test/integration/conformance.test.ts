/** Clauses of the specification that no other file is about. */
import test from 'ava'
import { Ajv } from 'ajv'
import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { eventually, lacks, lines, runtime, Sandbox } from './harness.ts'

/** What the specification's state-schema.json demands of a container on Linux, said anew. */
const stateSchema = {
  type: 'object',
  required: ['ociVersion', 'id', 'status', 'bundle'],
  properties: {
    ociVersion: { type: 'string' },
    id: { type: 'string' },
    status: { type: 'string', enum: ['creating', 'created', 'running', 'stopped'] },
    pid: { type: 'integer', minimum: 0 },
    bundle: { type: 'string', pattern: '^/' },
    annotations: { type: 'object', additionalProperties: { type: 'string' } },
  },
}

// covers: runtime.md#state/schema, runtime.md#state/properties
test('the state fits the specification’s schema while the container is created, running and stopped', async (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.annotations = { 'org.example.key': 'value', empty: '' }
    spec.process!.args = ['inside', 'wait']
  })
  const fits = new Ajv().compile(stateSchema)
  const check = (status: string): void => {
    const state = sandbox.state()
    t.true(fits(state), JSON.stringify(fits.errors))
    t.is(state.status, status)
    t.true(String(state.bundle).startsWith('/'))
    t.is((state.annotations as Record<string, string>)['org.example.key'], 'value')
  }
  t.is(sandbox.create().status, 0)
  check('created')
  t.is(sandbox.run(['start', sandbox.id]).status, 0)
  check('running')
  t.is(sandbox.run(['kill', sandbox.id, 'KILL']).status, 0)
  await sandbox.until('stopped')
  check('stopped')
  t.is(sandbox.run(['delete', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

// covers: runtime.md#create/properties, runtime.md#lifecycle/environment, runtime.md#create/args-wait
test('create alone makes the namespaces, mounts, names, parameters and cgroup of the configuration', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.hostname = 'made-by-create'
    spec.linux!.sysctl = { 'net.ipv4.ip_forward': '1' }
    spec.mounts!.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['size=128k'] })
    spec.process!.args = ['inside', 'echo', 'started']
  })
  t.is(sandbox.create().status, 0)
  const { pid } = sandbox.state()
  for (const name of ['pid', 'net', 'ipc', 'uts', 'mnt']) {
    const file = name === 'pid' ? 'pid_for_children' : name
    t.not(readlinkSync(`/proc/${pid}/ns/${file}`), readlinkSync(`/proc/self/ns/${name}`), name)
  }
  const mounts = readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
  t.regex(mounts, / \/tmp .* tmpfs .*size=128k/)
  t.regex(mounts, / \/proc .* proc /)
  const inNamespaces = spawnInNamespaces(pid, 'uname -n; cat /proc/sys/net/ipv4/ip_forward')
  return inNamespaces.then((printed) => {
    t.deepEqual(lines(printed), ['made-by-create', '1'])
    if (runtime === 'runt')
      t.regex(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`^0::.*/${sandbox.id}$`, 'm'))
    t.is(sandbox.output(), '', 'the program has not run')
    t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
    sandbox.assertClean(t)
  })
})

/** What a shell of the host prints in the names and the network of a process. */
async function spawnInNamespaces(pid: number, script: string): Promise<string> {
  const child = spawn('nsenter', [`--uts=/proc/${pid}/ns/uts`, `--net=/proc/${pid}/ns/net`, 'sh', '-c', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  await new Promise((resolve) => child.on('close', resolve))
  return printed
}

// covers: runtime.md#delete/nothing-else, runtime.md#delete/resources
test('delete leaves what the container only used: its root, its volumes and the namespaces that it joined', async (t) => {
  const other = spawn('unshare', ['--net', 'sleep', '1000'], { stdio: 'ignore' })
  t.teardown(() => other.kill('SIGKILL'))
  await eventually(() => readlinkSync(`/proc/${other.pid}/exe`).endsWith('sleep'), 'it sleeps')
  const network = readlinkSync(`/proc/${other.pid}/ns/net`)
  const sandbox = new Sandbox(t)
  const volume = path.join(sandbox.dir, 'volume')
  mkdirSync(volume)
  writeFileSync(path.join(volume, 'kept'), 'kept')
  sandbox.configure((spec) => {
    spec.linux!.namespaces!.find(({ type }) => type === 'network')!.path = `/proc/${other.pid}/ns/net`
    spec.mounts!.push({ destination: '/tmp', type: 'bind', source: volume, options: ['bind', 'rw'] })
    spec.process!.args = ['inside', 'write', '/tmp/new', 'new', '--', 'wait']
  })
  const files = readdirSync(sandbox.rootfs, { recursive: true }).length
  t.is(sandbox.detached(['run', '--detach', sandbox.id]).status, 0)
  await eventually(() => existsSync(path.join(volume, 'new')), 'it has written')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  t.deepEqual(readdirSync(volume).sort(), ['kept', 'new'])
  t.true(readdirSync(sandbox.rootfs, { recursive: true }).length >= files)
  t.true(existsSync(path.join(sandbox.bundle, 'config.json')))
  t.is(readlinkSync(`/proc/${other.pid}/ns/net`), network)
  t.is(other.exitCode, null, 'the process of the joined namespace lives')
  sandbox.assertClean(t)
})

// covers: config.md#mounts/relative-destination
test('a relative destination counts from the root', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.mounts!.push({ destination: 'tmp/below', type: 'tmpfs', source: 'tmpfs' })
    spec.root!.readonly = false
    spec.process!.args = ['inside', 'cat', '/proc/self/mountinfo']
  })
  const { status, stdout, stderr } = sandbox.runContainer()
  t.is(status, 0, stderr)
  t.regex(stdout, / \/tmp\/below .* tmpfs /)
  if (runtime === 'runt') t.regex(stderr, /mounts\[\d+\]\.destination/, 'deprecated, so it is a warning')
  sandbox.assertClean(t)
})

// covers: config.md#annotations/key-not-empty
test('an annotation without a name is refused', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.annotations = { '': 'nameless' }
  })
  const { status, stderr } = sandbox.run(['create', sandbox.id])
  t.is(status, 1)
  t.regex(stderr, /annotations/)
  sandbox.assertClean(t)
})

// covers: config.md#annotations/unknown, config.md#extensibility/unknown-ignored, /process/commandLine, /process/user/username
test('unknown annotations and properties, and those of other platforms, change nothing', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.annotations = { 'org.opencontainers.image.stopSignal': 'SIGUSR1', 'com.example.unknown': 'x' }
    Object.assign(spec, { future: { deep: [1, 2] } })
    Object.assign(spec.process!, { commandLine: 'other.exe', tomorrow: true })
    Object.assign(spec.process!.user!, { username: 'somebody' })
    Object.assign(spec.linux!, { 'x-vendor': 'y' })
    spec.process!.args = ['inside', 'echo', 'hello', '--', 'id']
  })
  const { status, stdout, stderr } = sandbox.runContainer()
  t.deepEqual({ status, stderr }, { status: 0, stderr: '' })
  t.regex(stdout, /^hello\nuid 0 0 0 gid 0 0 0 /)
  sandbox.assertClean(t)
})

// covers: config-linux.md#devices/existing-file
test('a file that stands where a device should be is an error, the device itself is not', (t) => {
  // runc and crun take whatever is there.
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.devices = [{ path: '/etc/device', type: 'c', major: 1, minor: 3 }]
    spec.root!.readonly = false
  })
  writeFileSync(path.join(sandbox.rootfs, 'etc/device'), 'a file')
  const { status, stderr } = sandbox.run(['create', sandbox.id])
  t.is(status, 1, stderr)
  t.regex(stderr, /linux\.devices\[0\]/)
  t.is(readFileSync(path.join(sandbox.rootfs, 'etc/device'), 'utf8'), 'a file')
  sandbox.assertClean(t)
  sandbox.configure((spec) => {
    spec.linux!.devices = [{ path: '/etc/again', type: 'c', major: 1, minor: 3 }]
    spec.root!.readonly = false
  })
  for (const round of ['made', 'found']) t.is(sandbox.runContainer().stdout, 'hello\n', round)
  t.true(statSync(path.join(sandbox.rootfs, 'etc/again')).isCharacterDevice())
  sandbox.assertClean(t)
})

// covers: config-linux.md#cgroups-path/forms, config-linux.md#cgroups-path/consistent, /linux/cgroupsPath
test('cgroupsPath may be absolute and relative, and leads to the same place each time', (t) => {
  // crun runs here without cgroups; runc puts a relative path below the caller’s own cgroup.
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  // A cgroup on the way to the container's stays, as with runc.
  const parents = new Set<string>()
  t.teardown(() => {
    for (const parent of parents) rmdirSync(parent)
  })
  for (const cgroupsPath of [`/runt-${sandbox.id}/absolute`, `runt-${sandbox.id}/relative`]) {
    sandbox.configure((spec) => {
      spec.linux!.cgroupsPath = cgroupsPath
      spec.process!.args = ['inside', 'wait']
    })
    const seen = [1, 2].map(() => {
      t.is(sandbox.create().status, 0)
      const cgroup = readFileSync(`/proc/${sandbox.state().pid}/cgroup`, 'utf8')
      t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
      return /^0::(.*)$/m.exec(cgroup)![1]!
    })
    parents.add(path.dirname(`/sys/fs/cgroup${seen[0]}`))
    t.is(seen[0], seen[1])
    t.true(seen[0]!.endsWith(cgroupsPath), seen[0])
    if (cgroupsPath.startsWith('/')) t.is(seen[0], cgroupsPath)
  }
  sandbox.assertClean(t)
})
