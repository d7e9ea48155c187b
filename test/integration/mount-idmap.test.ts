import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, readlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Mount, Spec } from '../../src/spec/schema.gen.ts'
import { lacks, lines, runtime, Sandbox } from './harness.ts'
import { mountMappable, tmpfsHasIds } from './mappable.ts'
import { mountAt, mountinfo, verbs } from './mounts-seen.ts'
import { openUp, ownUsers } from './users.ts'

/** A directory of the host with files of users 0, 5 and 1000, on a filesystem that can be id-mapped. */
function source(t: ExecutionContext, sandbox: Sandbox): string {
  let dir = path.join(sandbox.dir, 'source')
  if (tmpfsHasIds) {
    mkdirSync(dir)
  } else {
    // Not in the sandbox, below which no mount may be left.
    dir = mkdtempSync(path.join(tmpdir(), 'runt-source-'))
    mountMappable(t, dir)
    chmodSync(dir, 0o755)
  }
  // The mapped root of a user namespace could not make it.
  mkdirSync(path.join(sandbox.rootfs, 'data'))
  for (const id of [0, 5, 1000]) {
    const file = path.join(dir, `of-${id}`)
    writeFileSync(file, '')
    chownSync(file, id, id)
  }
  return dir
}

const range = (containerID: number, hostID: number, size: number) => ({ containerID, hostID, size })

/** Runs `stat` on the three files of a mount of them; uid and gid of each. */
function owners(t: ExecutionContext, mount: Partial<Mount>, change: (spec: Spec) => void = () => undefined): string[] {
  const sandbox = new Sandbox(t)
  const dir = source(t, sandbox)
  sandbox.configure((spec) => {
    change(spec)
    spec.mounts!.push({ destination: '/data', type: 'bind', source: dir, ...mount })
    spec.process!.args = verbs(...['of-0', 'of-5', 'of-1000'].map((name) => ['stat', `/data/${name}`]))
  })
  openUp(sandbox)
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stderr, '')
  sandbox.assertClean(t)
  return lines(stdout).map((line) => line.split(' ').slice(3).join(':'))
}

const nobody = '65534:65534'

// covers: /mounts/*/uidMappings/*/containerID, /mounts/*/uidMappings/*/hostID, /mounts/*/uidMappings/*/size
// covers: /mounts/*/gidMappings/*/containerID, /mounts/*/gidMappings/*/hostID, /mounts/*/gidMappings/*/size
// covers: config.md#linux-mount-options/idmap-given
test('a bind mount shows the ids of its mappings, and what they leave out as nobody', (t) => {
  if (lacks(t, 'runt')) return // Debian 12's runc and crun do not know the fields.
  const mappings = { uidMappings: [range(0, 7000, 10)], gidMappings: [range(0, 8000, 10)] }
  t.deepEqual(owners(t, { options: ['bind', 'idmap'], ...mappings }), ['7000:8000', '7005:8005', nobody])
  t.deepEqual(owners(t, { options: ['rbind', 'ridmap'], ...mappings }), ['7000:8000', '7005:8005', nobody])
  t.deepEqual(owners(t, { options: ['bind'], ...mappings }), ['7000:8000', '7005:8005', nobody], 'without the option')
})

test('without mappings a mount has those of the container’s user namespace', (t) => {
  if (runtime === 'runc') return void t.pass() // Debian 12's does not know the option.
  t.deepEqual(owners(t, { options: ['bind'] }, ownUsers), [nobody, nobody, nobody], 'without the option')
  t.deepEqual(owners(t, { options: ['bind', 'idmap'] }, ownUsers), ['0:0', '5:5', '1000:1000'])
})

// covers: config.md#linux-mount-options/idmap-without-mappings
test('an id mapping without mappings and without a user namespace is refused at its place', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.mounts!.push({ destination: '/data', type: 'bind', source: '/srv', options: ['bind', 'idmap'] })
  })
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /mounts\[7\]\.options\[1\] needs mappings: the container has no user namespace/)
  t.regex(stderr, /hint: add uidMappings and gidMappings to mounts\[7\]/)
  sandbox.assertClean(t)
})

test('the option may carry its mappings, as crun has it', (t) => {
  if (runtime === 'runc') return void t.pass()
  const mapped = owners(t, { options: ['bind', 'idmap=uids=0-7000-1#5-9000-1;gids=0-8000-10'] })
  t.deepEqual(mapped, ['7000:8000', '9000:8005', nobody])
})

test('a range with @ counts in the container’s user namespace', (t) => {
  if (runtime === 'runc') return void t.pass()
  const mapped = owners(t, { options: ['bind', 'idmap=uids=@5-42-1;gids=@0-0-100'] }, ownUsers)
  t.deepEqual(mapped, ['65534:0', '42:5', nobody])
})

test('a range with @ outside the user namespace is refused', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    ownUsers(spec, 10)
    spec.mounts!.push({ destination: '/data', source: '/srv', options: ['bind', 'idmap=uids=@0-10-1;gids=0-0-1'] })
  })
  const { stderr } = sandbox.runContainer()
  t.regex(stderr, /mounts\[7\]\.options\[1\] must name ids of the container's user namespace: it does not map 10/)
})

test('ids of the kind that the option does not name stay as they are', (t) => {
  if (lacks(t, 'runt')) return // crun shows them as nobody's.
  t.deepEqual(owners(t, { options: ['bind', 'idmap=uids=5-42-1'] }), ['65534:0', '42:5', '65534:1000'])
})

test('what is written through an id-mapped mount belongs to the unmapped user', (t) => {
  if (runtime === 'runc') return void t.pass()
  const sandbox = new Sandbox(t)
  const dir = source(t, sandbox)
  chownSync(dir, 5, 5)
  sandbox.configure((spec) => {
    ownUsers(spec)
    spec.mounts!.push({
      destination: '/data',
      type: 'bind',
      source: dir,
      options: ['bind', 'idmap=uids=@5-0-1;gids=@5-0-1'],
    })
    spec.process!.args = verbs(['write', '/data/new', 'x'], ['stat', '/data/new'])
  })
  openUp(sandbox)
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stdout, '/data/new file 644 0 0\n', stderr)
  const { uid, gid } = lstatSync(path.join(dir, 'new'))
  t.deepEqual({ uid, gid }, { uid: 5, gid: 5 })
})

test('a plain idmap leaves the mounts below alone, ridmap maps them too', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  const dir = source(t, sandbox)
  const below = path.join(dir, 'below')
  mkdirSync(below)
  mountMappable(t, below)
  const seen = (option: string, change: (spec: Spec) => void): string => {
    sandbox.configure((spec) => {
      change(spec)
      spec.mounts!.push({
        ...{ destination: '/data', source: dir, options: ['rbind', option] },
        ...{ uidMappings: [range(0, 7000, 10)], gidMappings: [range(0, 7000, 10)] },
      })
      spec.process!.args = verbs(['stat', '/data/of-0'], ['stat', '/data/below'])
    })
    openUp(sandbox)
    const { stdout, stderr } = sandbox.runContainer()
    t.is(stderr, '')
    return stdout
  }
  t.is(
    seen('idmap', () => undefined),
    '/data/of-0 file 644 7000 7000\n/data/below directory 1777 0 0\n',
  )
  t.is(
    seen('ridmap', () => undefined),
    '/data/of-0 file 644 7000 7000\n/data/below directory 1777 7000 7000\n',
  )
  // In a user namespace, 7000 of the host is nobody: the mapping is the mount's, not the container's.
  t.is(seen('ridmap', ownUsers), '/data/of-0 file 644 65534 65534\n/data/below directory 1777 65534 65534\n')
})

test('a new filesystem can be id-mapped', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.mounts!.push({
      ...{ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['idmap', 'mode=755'] },
      ...{ uidMappings: [range(0, 3000, 100)], gidMappings: [range(0, 4000, 100)] },
    })
    spec.process!.args = verbs(['stat', '/data'])
  })
  const { stdout, stderr } = sandbox.runContainer()
  if (tmpfsHasIds) t.is(stdout, '/data directory 755 3000 4000\n', stderr)
  else
    t.regex(
      stderr,
      /mounts\[7\]\.uidMappings → \/data: .*\n.*\n.*hint: this kernel cannot map the ids of this filesystem/,
    )
})

test('a filesystem that cannot be id-mapped is told with the mount and the reason', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.mounts!.push({
      ...{ destination: '/data', source: '/proc', options: ['bind', 'idmap'] },
      ...{ uidMappings: [range(0, 3000, 100)], gidMappings: [range(0, 4000, 100)] },
    })
  })
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /mounts\[7\]\.uidMappings → \/data: map the ids of the mount: invalid argument \(mount_setattr\)/)
  t.regex(stderr, /hint: .*filesystem/)
  sandbox.assertClean(t)
})

test('mappings that the kernel refuses are told, and nothing is left', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  const dir = source(t, sandbox)
  sandbox.configure((spec) => {
    // No id of the host's root may be 4294967295, and one too many is more than a map has.
    const many = Array.from({ length: 340 }, (_, index) => range(index * 2, index * 2, 1))
    spec.mounts!.push({
      ...{ destination: '/data', source: dir, options: ['bind', 'idmap'] },
      ...{ uidMappings: many, gidMappings: many },
    })
    spec.process!.args = verbs(['stat', '/data'])
  })
  const { status } = sandbox.runContainer()
  t.is(status, 0, 'the largest map')
  sandbox.assertClean(t)
})

test('an id-mapped mount gets its attributes and shares no events with the host', (t) => {
  if (lacks(t, 'runt')) return
  for (const users of [() => undefined, ownUsers]) {
    const sandbox = new Sandbox(t)
    const dir = source(t, sandbox)
    t.is(spawnSync('mount', ['--bind', dir, dir]).status, 0)
    t.teardown(() => spawnSync('umount', ['--lazy', dir]))
    t.is(spawnSync('mount', ['--make-shared', dir]).status, 0)
    sandbox.configure((spec) => {
      users(spec)
      spec.mounts!.push({
        ...{ destination: '/data', source: dir, options: ['bind', 'idmap', 'ro', 'nosuid', 'noatime'] },
        ...{ uidMappings: [range(0, 100_000, 10)], gidMappings: [range(0, 100_000, 10)] },
      })
      spec.process!.args = verbs(mountinfo, ['write', '/data/x', 'x'])
    })
    openUp(sandbox)
    const { stdout, stderr } = sandbox.runContainer()
    t.is(stderr, '')
    const mount = mountAt(stdout, '/data')!
    for (const option of ['ro', 'nosuid', 'noatime']) t.true(mount.options.includes(option), option)
    t.true(mount.options.includes('idmapped'))
    t.false(
      mount.propagation.some((text) => text.startsWith('shared:')),
      mount.propagation.join(),
    )
    t.is(lines(stdout).at(-1), 'write: open: EROFS')
  }
})

test('the mapping of a joined user namespace is taken from it', (t) => {
  if (lacks(t, 'runt')) return
  const first = new Sandbox(t, (spec) => {
    ownUsers(spec)
    spec.process!.args = ['inside', 'wait']
  })
  openUp(first)
  t.is(first.create().status, 0)
  const { pid } = first.state()
  t.truthy(readlinkSync(`/proc/${pid}/ns/user`))
  const second = new Sandbox(t)
  const dir = source(t, second)
  second.configure((spec) => {
    spec.linux!.namespaces!.push({ type: 'user', path: `/proc/${pid}/ns/user` })
    spec.mounts!.push({ destination: '/data', source: dir, options: ['bind', 'idmap'] })
    spec.process!.args = verbs(['stat', '/data/of-5'])
  })
  openUp(second)
  const { stdout, stderr } = second.runContainer()
  t.is(stdout, '/data/of-5 file 644 5 5\n', stderr)
})
