/** exec into containers of every kind, and its flags that are about the container rather than the process. */
import test, { type ExecutionContext } from 'ava'
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Namespace, Spec } from '../../src/spec/schema.gen.ts'
import { eventually, lacks, lines, runtime, Sandbox } from './harness.ts'
import { openUp, ownUsers } from './users.ts'

const types = ['user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup', 'time']

/** A running container whose program waits. */
function running(t: ExecutionContext, change: (spec: Spec) => void = () => undefined): Sandbox {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
    spec.process!.env = ['PATH=/bin']
    change(spec)
  })
  openUp(sandbox)
  const { status, stderr } = sandbox.detached(['run', '-d', sandbox.id])
  if (status !== 0) throw new Error(stderr)
  return sandbox
}

/** Starts a process that waits, and gives its pid. */
function execWaiting(t: ExecutionContext, sandbox: Sandbox): number {
  const file = path.join(sandbox.dir, 'pid')
  const { status, stderr } = sandbox.detached(['exec', '-d', '--pid-file', file, sandbox.id, 'inside', 'wait'])
  t.is(status, 0, stderr)
  return Number(readFileSync(file, 'utf8'))
}

const links = (pid: number): string[] => types.map((type) => readlinkSync(`/proc/${pid}/ns/${type}`))

function without(spec: Spec, ...left: Namespace['type'][]): void {
  spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => !left.includes(type))
}

const kinds: Record<string, (spec: Spec, other: number) => void> = {
  'the default namespaces': () => undefined,
  'a user namespace': (spec) => {
    ownUsers(spec)
  },
  'no pid namespace': (spec) => {
    without(spec, 'pid')
  },
  'no pid namespace, and a user namespace': (spec) => {
    ownUsers(spec)
    without(spec, 'pid')
    // A procfs of a pid namespace that the user namespace does not own cannot be mounted.
    spec.mounts!.find(({ destination }) => destination === '/proc')!.type = 'bind'
    Object.assign(
      spec.mounts!.find(({ destination }) => destination === '/proc')!,
      {
        source: '/proc',
        options: ['rbind'],
      },
    )
  },
  'a pid namespace of others': (spec, other) => {
    without(spec, 'pid')
    spec.linux!.namespaces!.push({ type: 'pid', path: `/proc/${other}/ns/pid` })
  },
  'a time namespace': (spec) => {
    spec.linux!.namespaces!.push({ type: 'time' })
    spec.linux!.timeOffsets = { boottime: { secs: 100_000, nanosecs: 0 } }
  },
  'a mount namespace alone': (spec) => {
    without(spec, 'pid', 'network', 'ipc', 'uts', 'cgroup')
    delete spec.hostname
    spec.mounts = spec.mounts!.filter(({ type }) => type !== 'mqueue' && type !== 'cgroup' && type !== 'sysfs')
  },
}

for (const [kind, change] of Object.entries(kinds)) {
  test(`exec enters a container with ${kind}`, async (t) => {
    if (lacks(t, 'runt')) return
    const other = spawn('unshare', ['--pid', '--fork', '--kill-child', 'sleep', '1000'], { stdio: 'ignore' })
    t.teardown(() => other.kill('SIGKILL'))
    const children = `/proc/${other.pid}/task/${other.pid}/children`
    await eventually(() => readFileSync(children, 'utf8').trim() !== '', 'the other process is there')
    const sandbox = running(t, (spec) => {
      change(spec, Number(readFileSync(children, 'utf8').trim()))
    })
    const pid = execWaiting(t, sandbox)
    t.deepEqual(links(pid), links(sandbox.state().pid))
    t.is(sandbox.run(['exec', sandbox.id, 'inside', 'echo', 'in']).stdout, 'in\n')
    process.kill(pid, 'SIGKILL')
    t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
    sandbox.assertClean(t)
  })
}

const CLONE_NEWNS = 0x00020000
const CLONE_NEWUTS = 0x04000000
const CLONE_NEWPID = 0x20000000

/** A container whose init leaves namespaces, with the right to do so. */
async function leaving(t: ExecutionContext, flags: number): Promise<Sandbox> {
  const sandbox = running(t, (spec) => {
    spec.process!.args = ['inside', 'unshare', String(flags), '--', 'wait']
    for (const set of ['bounding', 'permitted', 'effective'] as const)
      spec.process!.capabilities![set]!.push('CAP_SYS_ADMIN')
  })
  await eventually(() => sandbox.output() === 'unshared\n', 'init has left')
  return sandbox
}

// cve: left-namespaces
test('an init that left a namespace does not lead exec after it', async (t) => {
  if (lacks(t, 'runt')) return
  for (const [flag, name] of [
    [CLONE_NEWNS, 'mnt'],
    [CLONE_NEWUTS, 'uts'],
  ] as const) {
    const sandbox = await leaving(t, flag)
    const { status, stdout, stderr } = sandbox.run(['exec', sandbox.id, 'inside', 'echo', 'astray'])
    t.is(status, 255)
    t.is(stdout, '')
    t.regex(
      stderr,
      new RegExp(`init has left the namespaces that it was created with \\(ns/${name} is ${name}:\\[\\d+\\]\\)`),
    )
    t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
    sandbox.assertClean(t)
  }
})

test('an init that makes a pid namespace for its children is still followed', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = await leaving(t, CLONE_NEWPID)
  t.is(sandbox.run(['exec', sandbox.id, 'inside', 'echo', 'here']).stdout, 'here\n')
})

test('--cgroup names a cgroup below the container’s, and nothing else', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = running(t, (spec) => {
    // With a cgroup namespace, paths would begin at the container's own.
    without(spec, 'cgroup')
  })
  const own = lines(readFileSync(`/proc/${sandbox.state().pid}/cgroup`, 'utf8')).find((line) => line.startsWith('0::'))!
  const dir = `/sys/fs/cgroup${own.slice('0::'.length)}`
  mkdirSync(`${dir}/sub`)
  t.teardown(() => {
    try {
      rmdirSync(`${dir}/sub`)
    } catch {
      // It went with the container.
    }
  })
  const inside = (cgroup: string) =>
    sandbox.run(['exec', '--cgroup', cgroup, sandbox.id, 'inside', 'cat', '/proc/self/cgroup'])
  for (const cgroup of ['sub', '/sub', './sub/', '//sub'])
    t.true(lines(inside(cgroup).stdout).includes(`${own}/sub`), cgroup)
  t.true(lines(inside('/').stdout).includes(own))
  for (const [cgroup, says] of [
    ['missing', /open cgroup .*\/missing: no such file or directory/],
    ['../sub', /is not a path below the container's cgroup/],
    ['sub/../..', /is not a path below the container's cgroup/],
    ['cpu:sub', /names a controller/],
    ['cpu,memory:sub', /hint: cgroup v2 has one hierarchy/],
    [':sub', /names a controller/],
  ] as const) {
    const { status, stdout, stderr } = inside(cgroup)
    t.is(status, 255, cgroup)
    t.is(stdout, '')
    t.regex(stderr, says, cgroup)
    t.regex(stderr, /--cgroup/)
  }
})

test('a paused container takes no process, but with --ignore-paused, which goes on when the container does', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = running(t)
  const own = lines(readFileSync(`/proc/${sandbox.state().pid}/cgroup`, 'utf8')).find((line) => line.startsWith('0::'))!
  const freezer = `/sys/fs/cgroup${own.slice('0::'.length)}/cgroup.freeze`
  writeFileSync(freezer, '1')
  await sandbox.until('paused')
  const refused = sandbox.run(['exec', sandbox.id, 'inside', 'echo', 'no'])
  t.is(refused.status, 255)
  t.regex(refused.stderr, /cannot exec in a paused container \(use --ignore-paused to override\)/)
  const child = sandbox.start(['exec', '--ignore-paused', sandbox.id, 'inside', 'echo', 'thawed'])
  let output = ''
  let errors = ''
  child.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const ended = new Promise((resolve) => child.on('close', resolve))
  await new Promise((resolve) => setTimeout(resolve, 500))
  t.is(output, '')
  t.is(child.exitCode, null)
  writeFileSync(freezer, '0')
  t.is(await ended, 0, errors)
  t.is(output, 'thawed\n')
})

test('what a process file does not say of rights and standing is as the container has it', (t) => {
  const sandbox = running(t, (spec) => {
    spec.process!.rlimits = [{ type: 'RLIMIT_CORE', soft: 11, hard: 22 }]
    spec.process!.oomScoreAdj = 123
    spec.process!.user = { uid: 0, gid: 0, umask: 0o77 }
  })
  const file = path.join(sandbox.dir, 'process.json')
  const args = ['/bin/inside', 'status', 'CapBnd', '--', 'rlimits', '--', 'cat', '/proc/self/oom_score_adj', '--', 'id']
  const exec = (more: object): string[] => {
    writeFileSync(file, JSON.stringify({ args, cwd: '/', env: ['PATH=/bin'], ...more }))
    const { stdout, stderr } = sandbox.run(['exec', '--process', file, sandbox.id])
    t.is(stderr, '')
    return lines(stdout)
  }
  const containers = lines(readFileSync(`/proc/${sandbox.state().pid}/status`, 'utf8')).find((line) =>
    line.startsWith('CapBnd'),
  )!
  const taken = exec({ user: { uid: 5, gid: 5 } })
  t.true(taken.includes(containers))
  // Limits are the file's alone: none there, and runt's own stay.
  t.false(taken.includes('4 11 22'))
  t.true(taken.includes('123'))
  if (runtime === 'runt') t.regex(taken.at(-1)!, /^uid 5 5 5 .* umask 77$/)
  if (runtime !== 'runt') return
  const own = exec({
    user: { uid: 5, gid: 5, umask: 0o27 },
    capabilities: { bounding: ['CAP_KILL'] },
    rlimits: [{ type: 'RLIMIT_CORE' as const, soft: 1, hard: 2 }],
    oomScoreAdj: 200,
  })
  t.true(own.includes('CapBnd:\t0000000000000020'))
  t.true(own.includes('4 1 2'))
  t.true(own.includes('200'))
  t.regex(own.at(-1)!, /umask 27$/)
})

test('--cap gives an ordinary user’s program what the container has inheritable, and no more', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = running(t, (spec) => {
    spec.process!.capabilities!.inheritable = ['CAP_NET_ADMIN']
    for (const set of ['bounding', 'permitted', 'effective'] as const)
      spec.process!.capabilities![set]!.push('CAP_NET_ADMIN')
  })
  const ambient = (...flags: string[]): string =>
    sandbox.run(['exec', '--user', '1000', ...flags, sandbox.id, 'inside', 'status', 'CapAmb']).stdout
  t.is(ambient(), 'CapAmb:\t0000000000000000\n')
  t.is(ambient('--cap', 'CAP_NET_ADMIN'), 'CapAmb:\t0000000000001000\n')
  if (runtime === 'runt') t.is(ambient('--cap', 'CAP_SYS_TIME'), 'CapAmb:\t0000000000000000\n')
})

test('another user than the container’s has a home of its own', (t) => {
  const sandbox = running(t)
  const home = (...flags: string[]): string | undefined =>
    lines(sandbox.run(['exec', ...flags, sandbox.id, 'inside', 'env']).stdout).find((entry) =>
      entry.startsWith('HOME='),
    )
  t.is(home(), 'HOME=/root')
  t.is(home('--user', '1000'), 'HOME=/home/user')
  t.is(home('--user', '4242'), 'HOME=/')
  t.is(home('--user', '1000', '--env', 'HOME=/tmp'), 'HOME=/tmp')
})

test('failures of exec before the program leave with 255, whatever the fault', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = running(t)
  const cases = [
    ['exec', 'no-such-container', 'inside'],
    ['exec', '--process', '/no/such/file', sandbox.id],
    ['exec', '--user', 'root', sandbox.id, 'inside', 'id'],
    ['exec', '--cwd', '/no/such', sandbox.id, 'inside', 'id'],
    ['exec', sandbox.id, '/no/such'],
  ]
  for (const args of cases) {
    const { status, stdout } = sandbox.run(args)
    t.is(status, runtime === 'runc' && args.includes('root') ? status : 255, args.join(' '))
    t.is(stdout, '')
  }
})
