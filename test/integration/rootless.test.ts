import test from 'ava'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmdirSync, statSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import type { IdMapping, Spec } from '../../src/spec/schema.gen.ts'
import { eventually, lacks, runtime, Sandbox } from './harness.ts'
import { gid, grantSubids, subCount, subids, uid, UserSandbox } from './rootless.ts'

const args = (...words: string[]) => {
  return (spec: Spec): void => {
    spec.process!.args = ['inside', ...words]
  }
}

test('an ordinary user runs what spec --rootless writes', (t) => {
  if (lacks(t, 'runc')) return // What crun's `spec` writes has no mappings.
  const sandbox = new UserSandbox(t)
  t.is(sandbox.asUser(['spec', '--rootless', '--bundle', sandbox.runtimeDir]).status, 0)
  const written = JSON.parse(readFileSync(path.join(sandbox.runtimeDir, 'config.json'), 'utf8')) as Spec
  t.like(written.linux, {
    uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
    gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
  })
  written.process!.terminal = false
  const seen = ['id', '--', 'cat', '/proc/self/uid_map', '--', 'pid', '--', 'uname', '--', 'ls', '/sys', '--']
  written.process!.args = ['inside', ...seen, 'stat', '/dev/null', '--', 'write', '/dev/null', 'x']
  sandbox.writeConfig(JSON.stringify(written))
  const { status, stdout, stderr } = sandbox.asUser(['run', sandbox.id])
  t.is(status, 0, stderr)
  t.is(stderr, '')
  t.regex(stdout, /^uid 0 0 0 gid 0 0 0 /)
  t.regex(stdout, new RegExp(`^ +0 +${uid} +1$`, 'm'))
  t.regex(stdout, /^pid 1 ppid 0$/m)
  t.regex(stdout, /^kernel$/m, '/sys is the host’s')
  t.regex(stdout, /^\/dev\/null char 666 \d+ \d+ 1:3$/m)
  t.notRegex(stdout, /write: /)
  sandbox.assertClean(t)
})

test('every command works as that user, on state of its own', async (t) => {
  const sandbox = new UserSandbox(t, args('catch', '15', '--', 'wait'))
  const { id } = sandbox
  t.is(sandbox.asUserDetached(['create', '--pid-file', path.join(sandbox.runtimeDir, 'pid'), id]).status, 0)
  t.is(sandbox.stateAsUser().status, 'created')
  t.is(readFileSync(path.join(sandbox.runtimeDir, 'pid'), 'utf8'), String(sandbox.stateAsUser().pid))
  t.is(sandbox.asUser(['start', id]).status, 0)
  t.is(sandbox.stateAsUser().status, 'running')
  t.is(statSync(`/proc/${sandbox.stateAsUser().pid}`).uid, uid)
  const executed = sandbox.asUser(['exec', id, 'inside', 'id', '--', 'pid', '--', 'cat', '/proc/self/setgroups'])
  t.is(executed.status, 0, executed.stderr)
  t.regex(executed.stdout, /^uid 0 0 0 gid 0 0 0 /)
  t.regex(executed.stdout, /^deny$/m)
  t.is(sandbox.asUserDetached(['exec', '--detach', id, 'inside', 'wait']).status, 0)
  t.is(sandbox.asUser(['list', '--quiet']).stdout.trim(), id)
  t.is(sandbox.asUser(['delete', id]).status, 1)
  t.is(sandbox.asUser(['kill', id, 'TERM']).status, 0)
  await eventually(() => sandbox.stateAsUser().status === 'stopped', 'it is stopped')
  t.is(sandbox.asUser(['delete', id]).status, 0)
  t.is(sandbox.asUser(['list', '--quiet']).stdout.trim(), '')

  const detached = sandbox.asUserDetached(['run', '--detach', id])
  t.is(detached.status, 0, detached.stderr)
  t.is(sandbox.stateAsUser().status, 'running')
  t.is(sandbox.asUser(['delete', '--force', id]).status, 0)
  sandbox.assertClean(t)
})

test('the state of a user is below the runtime directory, and safe from being cleaned away', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new UserSandbox(t)
  t.is(sandbox.asUser(['run', sandbox.id]).status, 0)
  const { mode, uid: owner } = statSync(path.join(sandbox.runtimeDir, 'runt'))
  t.is(mode & 0o7777, 0o1700)
  t.is(owner, uid)
})

test('without a runtime directory the error says what to set', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new UserSandbox(t)
  const { status, stderr } = sandbox.asUser(['run', sandbox.id], { env: { XDG_RUNTIME_DIR: '' } })
  t.is(status, 1)
  t.regex(stderr, /make state directory \/run\/runt.*: permission denied/)
  t.regex(stderr, /set XDG_RUNTIME_DIR/)
})

test('what root made is out of reach', (t) => {
  if (lacks(t, 'runt')) return
  const roots = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
  })
  t.is(roots.detached(['run', '--detach', roots.id]).status, 0)
  const sandbox = new UserSandbox(t)
  t.regex(sandbox.asUser(['state', roots.id]).stderr, /does not exist/)
  t.is(sandbox.asUser(['delete', '--force', roots.id]).status, 0, 'of the user’s own there is none')
  chmodSync(roots.dir, 0o755)
  for (const command of [
    ['kill', roots.id, 'KILL'],
    ['state', roots.id],
    ['delete', '--force', roots.id],
    ['exec', roots.id, 'inside', 'pid'],
  ]) {
    const { status, stderr } = sandbox.asUser(['--root', roots.stateRoot, ...command])
    t.not(status, 0, command.join(' '))
    t.regex(stderr, /permission denied/, command.join(' '))
  }
  t.is(roots.state().status, 'running')
  t.is(roots.run(['delete', '--force', roots.id]).status, 0)
})

const withSubids = (field: 'uid' | 'gid'): IdMapping[] => [
  { containerID: 0, hostID: field === 'uid' ? uid : gid, size: 1 },
  { containerID: 1, hostID: subids, size: subCount },
]

function mapAll(spec: Spec): void {
  spec.linux!.uidMappings = withSubids('uid')
  spec.linux!.gidMappings = withSubids('gid')
}

// covers: /linux/uidMappings, /linux/gidMappings
test('more users than the own are mapped by newuidmap and newgidmap', (t) => {
  const sandbox = new UserSandbox(t, (spec) => {
    mapAll(spec)
    spec.process!.user = { uid: 1000, gid: 1001, ...(runtime === 'runt' && { additionalGids: [7] }) }
    spec.process!.args = ['inside', 'id', '--', 'cat', '/proc/self/uid_map', '--', 'cat', '/proc/self/gid_map', '--']
    spec.process!.args.push('cat', '/proc/self/setgroups')
  })
  grantSubids(t)
  const { status, stdout, stderr } = sandbox.asUser(['run', sandbox.id])
  t.is(status, 0, stderr)
  t.regex(
    stdout,
    runtime === 'runt' ? /^uid 1000 1000 1000 gid 1001 1001 1001 groups 7 / : /^uid 1000 1000 1000 gid 1001/,
  )
  t.is(stdout.match(new RegExp(`^ +1 +${subids} +${subCount}$`, 'gm'))?.length, 2, stdout)
  t.regex(stdout, /^allow$/m)
  sandbox.assertClean(t)

  sandbox.configureRootless((spec) => {
    mapAll(spec)
    spec.process!.args = ['inside', 'wait']
    spec.process!.user = { uid: 1000, gid: 1001 }
  })
  t.is(sandbox.asUserDetached(['run', '--detach', sandbox.id]).status, 0)
  t.is(statSync(`/proc/${sandbox.stateAsUser().pid}`).uid, subids + 999)
  const executed = sandbox.asUser(['exec', '--user', '5:6', sandbox.id, 'inside', 'id'])
  t.regex(executed.stdout, /^uid 5 5 5 gid 6 6 6 /, executed.stderr)
  t.is(sandbox.asUser(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('without newuidmap, and for ids of others, the error names the map', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new UserSandbox(t, mapAll)
  grantSubids(t)
  // Nothing is there but the interpreter that dist/cli.js asks for.
  const interpreter = path.join(sandbox.dir, 'interpreter')
  mkdirSync(interpreter)
  symlinkSync(process.execPath, path.join(interpreter, 'node'))
  const missing = sandbox.asUser(['run', sandbox.id], {
    through: ['env', `PATH=:bin:${sandbox.runtimeDir}:${interpreter}`],
  })
  t.is(missing.status, 1)
  t.regex(missing.stderr, /map more than the own id: newgidmap is not in PATH/)
  t.regex(missing.stderr, /from: linux\.gidMappings /)
  t.regex(missing.stderr, /package uidmap/)
  sandbox.assertClean(t)

  sandbox.configureRootless((spec) => {
    spec.linux!.uidMappings = [{ containerID: 0, hostID: 0, size: 10 }]
  })
  const others = sandbox.asUser(['run', sandbox.id])
  t.is(others.status, 1)
  t.regex(others.stderr, /newuidmap: uid range \[0-10\) -> \[0-10\) not allowed/)
  t.regex(others.stderr, /from: linux\.uidMappings /)
  sandbox.assertClean(t)
})

test('newuidmap is found where the caller has no PATH', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new UserSandbox(t, mapAll)
  grantSubids(t)
  t.is(sandbox.asUser(['run', sandbox.id], { through: ['env', '-u', 'PATH'] }).status, 0)
})

test('groups that a user may not set are refused', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new UserSandbox(t, (spec) => {
    spec.process!.user = { uid: 0, gid: 0, additionalGids: [0] }
  })
  const { status, stderr } = sandbox.asUser(['run', sandbox.id])
  t.is(status, 1)
  t.regex(stderr, /process\.user: become the user: operation not permitted \(setgroups\)/)
  t.regex(stderr, /leave out additionalGids/)
  sandbox.assertClean(t)
})

test('a user without a user namespace is told so', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new UserSandbox(t, (spec) => {
    spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'user')
    delete spec.linux!.uidMappings
    delete spec.linux!.gidMappings
  })
  const { status, stderr } = sandbox.asUser(['run', sandbox.id])
  t.is(status, 1)
  t.regex(stderr, /linux\.namespaces must have a user namespace: the caller is user 21001/)
  sandbox.assertClean(t)
})

test('a network namespace of its own has its loopback, and its parameters are set', (t) => {
  const sandbox = new UserSandbox(t, (spec) => {
    spec.linux!.namespaces!.push({ type: 'network' })
    spec.linux!.sysctl = { 'net.ipv4.ip_forward': '1' }
    spec.mounts = spec.mounts!.map((mount) =>
      mount.destination === '/sys' ? { ...mount, type: 'sysfs', source: 'sysfs', options: ['ro', 'nosuid'] } : mount,
    )
    spec.process!.args = ['inside', 'cat', '/proc/net/fib_trie', '--', 'cat', '/proc/sys/net/ipv4/ip_forward']
  })
  const { stdout, stderr } = sandbox.asUser(['run', sandbox.id])
  t.true(stdout.includes('127.0.0.1'), stderr)
  t.regex(stdout, /^1$/m)
  sandbox.assertClean(t)
})

test('clocks, limits and the OOM score are set without root', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new UserSandbox(t, (spec) => {
    spec.linux!.namespaces!.push({ type: 'time' })
    spec.linux!.timeOffsets = { boottime: { secs: 864_000 } }
    spec.process!.oomScoreAdj = 500
    spec.process!.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 100, hard: 200 }]
    spec.process!.args = ['inside', 'wait']
  })
  t.is(sandbox.asUserDetached(['run', '--detach', sandbox.id]).status, 0)
  const words = ['cat', '/proc/self/timens_offsets', '--', 'cat', '/proc/self/oom_score_adj', '--', 'rlimits']
  const { stdout, stderr } = sandbox.asUser(['exec', sandbox.id, 'inside', ...words])
  t.regex(stdout, /^boottime +864000 +0$/m, stderr)
  t.regex(stdout, /^500$/m)
  t.regex(stdout, /^7 100 200$/m)
  t.is(readFileSync(`/proc/${sandbox.stateAsUser().pid}/oom_score_adj`, 'utf8'), '500\n')
  t.is(sandbox.asUser(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('a second container of the user joins the namespaces of the first', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new UserSandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
    spec.process!.oomScoreAdj = 300
  })
  t.is(sandbox.asUserDetached(['run', '--detach', sandbox.id]).status, 0)
  const { pid } = sandbox.stateAsUser()
  const files: Record<string, string> = { user: 'user', ipc: 'ipc', uts: 'uts', pid: 'pid' }
  sandbox.configureRootless((spec) => {
    for (const namespace of spec.linux!.namespaces!) {
      const file = files[namespace.type]
      if (file !== undefined) namespace.path = `/proc/${pid}/ns/${file}`
    }
    delete spec.linux!.uidMappings
    delete spec.linux!.gidMappings
    delete spec.hostname
    spec.process!.oomScoreAdj = 400
    spec.process!.args = [
      'inside',
      'id',
      '--',
      'uname',
      '--',
      'cat',
      '/proc/1/comm',
      '--',
      'cat',
      '/proc/self/oom_score_adj',
    ]
  })
  const { status, stdout, stderr } = sandbox.asUser(['run', sandbox.newId()])
  t.is(status, 0, stderr)
  t.regex(stdout, /^uid 0 0 0 gid 0 0 0 /)
  t.regex(stdout, /^runt /m)
  t.regex(stdout, /^inside$/m)
  t.regex(stdout, /^400$/m)
  t.is(sandbox.asUser(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

// covers: /linux/resources/pids/limit
test('without a cgroup of its own a container runs, and a limit or a place for it is an error', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new UserSandbox(t)
  t.is(sandbox.asUser(['run', sandbox.id]).status, 0)
  sandbox.configureRootless((spec) => {
    spec.linux!.resources = { pids: { limit: 100 } }
  })
  const limited = sandbox.asUser(['run', sandbox.id])
  t.is(limited.status, 1)
  t.regex(limited.stderr, /limits need a cgroup: create cgroup \/sys\/fs\/cgroup\S*: permission denied/)
  t.regex(limited.stderr, /from: linux\.resources\.pids\.limit /)
  sandbox.configureRootless((spec) => {
    spec.linux!.cgroupsPath = `/${sandbox.id}`
  })
  const placed = sandbox.asUser(['run', sandbox.id])
  t.is(placed.status, 1)
  t.regex(placed.stderr, /create cgroup \/sys\/fs\/cgroup\/\S*: permission denied/)
  t.regex(placed.stderr, /from: linux\.cgroupsPath /)
  // As root would have it.
  sandbox.configureRootless()
  t.is(sandbox.asUser(['--rootless', 'false', 'run', sandbox.id]).status, 1)
  t.is(sandbox.asUser(['--rootless', 'true', 'run', sandbox.id]).status, 0)
  t.is(sandbox.asUser(['--cgroup-manager', 'disabled', 'run', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('in a delegated subtree the container has a cgroup', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new UserSandbox(t, args('wait'))
  const delegated = `/sys/fs/cgroup/${sandbox.id}-user`
  const caller = `${delegated}/caller`
  t.teardown(() => {
    for (const dir of [caller, delegated]) if (existsSync(dir)) rmdirSync(dir)
  })
  for (const dir of [delegated, caller]) {
    mkdirSync(dir)
    for (const file of ['', '/cgroup.procs', '/cgroup.threads', '/cgroup.subtree_control'])
      chownSync(dir + file, uid, gid)
  }
  const options = { cgroup: caller }
  const { status, stderr } = sandbox.asUserDetached(['run', '--detach', sandbox.id], options)
  t.is(status, 0, stderr)
  const { pid } = sandbox.stateAsUser()
  t.true(readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`0::/${sandbox.id}-user/${sandbox.id}\n`))
  const executed = sandbox.asUser(['exec', sandbox.id, 'inside', 'cat', '/proc/self/cgroup'], options)
  t.regex(executed.stdout, /^0::\/$/m, executed.stderr)
  t.is(sandbox.asUser(['delete', '--force', sandbox.id]).status, 0)
  t.false(existsSync(`${delegated}/${sandbox.id}`))
  sandbox.assertClean(t)
})

test('a delegated cgroup with controllers takes limits', (t) => {
  if (lacks(t, 'runt', 'controllers')) return
  const sandbox = new UserSandbox(t, (spec) => {
    spec.linux!.resources = { pids: { limit: 77 } }
    spec.process!.args = ['inside', 'cat', '/sys/fs/cgroup/pids.max']
  })
  const delegated = `/sys/fs/cgroup/${sandbox.id}-user`
  const caller = `${delegated}/caller`
  t.teardown(() => {
    for (const dir of [caller, delegated]) if (existsSync(dir)) rmdirSync(dir)
  })
  for (const dir of [delegated, caller]) {
    mkdirSync(dir)
    for (const file of ['', '/cgroup.procs', '/cgroup.threads', '/cgroup.subtree_control'])
      chownSync(dir + file, uid, gid)
  }
  const { status, stdout, stderr } = sandbox.asUser(['run', sandbox.id], { cgroup: caller })
  t.is(status, 0, stderr)
  t.is(stdout, '77\n')
  sandbox.assertClean(t)
})

test('root of a user namespace runs containers in it', (t) => {
  const sandbox = new UserSandbox(t)
  sandbox.configure((spec) => {
    // Group 5 is not mapped.
    for (const mount of spec.mounts!) mount.options = (mount.options ?? []).filter((option) => option !== 'gid=5')
    spec.process!.args = ['inside', 'id', '--', 'cat', '/proc/self/uid_map', '--', 'stat', '/dev/null', '--']
    spec.process!.args.push('write', '/dev/null', 'x', '--', 'pid')
  })
  const through = ['unshare', '--user', '--map-root-user']
  const { status, stdout, stderr } = sandbox.asUser(['run', sandbox.id], { through })
  t.is(status, 0, stderr)
  t.regex(stdout, /^uid 0 0 0 gid 0 0 0 /)
  t.regex(stdout, new RegExp(`^ +0 +${uid} +1$`, 'm'))
  t.regex(stdout, /^\/dev\/null char 666 \d+ \d+ 1:3$/m)
  t.notRegex(stdout, /write: /)
  t.regex(stdout, /^pid 1 /m)
  sandbox.assertClean(t)
})

test('root of a user namespace makes another one inside', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new UserSandbox(t, (spec) => {
    spec.linux!.uidMappings = spec.linux!.gidMappings = [{ containerID: 0, hostID: 0, size: 1 }]
    spec.process!.args = ['inside', 'wait']
  })
  const through = ['unshare', '--user', '--map-root-user', '/bin/sh', '-c']
  const run = [...sandbox.command('run', '--detach', sandbox.id)].filter(
    (word) => !['--root', sandbox.stateRoot].includes(word),
  )
  const exec = [...sandbox.command('exec', sandbox.id, 'inside', 'id')].filter(
    (word) => !['--root', sandbox.stateRoot].includes(word),
  )
  const remove = [...sandbox.command('delete', '--force', sandbox.id)].filter(
    (word) => !['--root', sandbox.stateRoot].includes(word),
  )
  const script = `${run.join(' ')} > ../out 2>&1 </dev/null && ${exec.join(' ')} && ${remove.join(' ')}`
  const { status, stdout, stderr } = sandbox.asUser([], { through: [...through, script] })
  t.is(status, 0, stderr + readFileSync(path.join(sandbox.dir, 'out'), 'utf8'))
  t.regex(stdout, /^uid 0 0 0 gid 0 0 0 /)
  sandbox.assertClean(t)
})

test('a link that leads the state elsewhere is the user’s own affair', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new UserSandbox(t)
  symlinkSync('/run', path.join(sandbox.runtimeDir, 'runt'))
  const { status, stderr } = sandbox.asUser(['run', sandbox.id])
  t.is(status, 1)
  t.regex(stderr, /permission denied/)
})
