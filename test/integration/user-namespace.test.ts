import test from 'ava'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { IdMapping, Spec } from '../../src/spec/schema.gen.ts'
import { lacks, Sandbox } from './harness.ts'
import { openUp } from './users.ts'

function mapped(maps: IdMapping[], change: (spec: Spec) => void) {
  return (spec: Spec): void => {
    spec.linux!.namespaces!.push({ type: 'user' })
    spec.linux!.uidMappings = maps
    spec.linux!.gidMappings = maps
    change(spec)
  }
}

function open(sandbox: Sandbox): void {
  openUp(sandbox)
}

// covers: /linux/uidMappings/*/containerID, /linux/uidMappings/*/hostID, /linux/uidMappings/*/size, /linux/gidMappings/*/containerID, /linux/gidMappings/*/hostID, /linux/gidMappings/*/size
test('several ranges are mapped, in their order', (t) => {
  const maps = [
    { containerID: 1000, hostID: 300_000, size: 10 },
    { containerID: 0, hostID: 100_000, size: 1 },
    { containerID: 5, hostID: 200_000, size: 3 },
  ]
  const sandbox = new Sandbox(
    t,
    mapped(maps, (spec) => {
      spec.process!.user = { uid: 1005, gid: 6 }
      spec.process!.args = ['inside', 'id', '--', 'cat', '/proc/self/uid_map', '--', 'cat', '/proc/self/gid_map']
    }),
  )
  open(sandbox)
  const { status, stdout, stderr } = sandbox.runContainer()
  t.is(status, 0, stderr)
  t.regex(stdout, /^uid 1005 1005 1005 gid 6 6 6 /)
  t.is(stdout.match(/ +1000 +300000 +10\n +0 +100000 +1\n +5 +200000 +3\n/g)?.length, 2, stdout)
  sandbox.assertClean(t)
})

test('a user namespace without an id 0 runs the user that it has', (t) => {
  if (lacks(t, 'runt')) return // runc refuses it.
  const sandbox = new Sandbox(
    t,
    mapped([{ containerID: 1000, hostID: 0, size: 10 }], (spec) => {
      spec.process!.user = { uid: 1001, gid: 1002 }
      spec.mounts = spec.mounts!.map((mount) => {
        return { ...mount, options: (mount.options ?? []).filter((option) => option !== 'gid=5') }
      })
      spec.process!.args = ['inside', 'wait']
    }),
  )
  const { status, stderr } = sandbox.detached(['run', '--detach', sandbox.id])
  t.is(status, 0, stderr)
  t.is(statSync(`/proc/${sandbox.state().pid}`).uid, 1)
  const executed = sandbox.run(['exec', sandbox.id, 'inside', 'id'])
  t.regex(executed.stdout, /^uid 1001 1001 1001 gid 1002 1002 1002 /, executed.stderr)
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('maps that the kernel would not take are refused with their field', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  const list = (count: number, from: number): IdMapping[] =>
    Array.from({ length: count }, (_, index) => ({ containerID: index, hostID: from + index * 2, size: 1 }))
  for (const [maps, says] of [
    [list(341, 0), /linux\.uidMappings must have at most 340 items, has 341/],
    [list(300, 4_000_000_000), /linux\.uidMappings must be shorter: its 300 items make \d+ bytes/],
    [[...list(6, 0), { containerID: 3, hostID: 99, size: 5 }], /linux\.uidMappings\[6\]\.containerID must not overlap/],
  ] as const) {
    sandbox.configure(mapped([...maps], () => undefined))
    const { status, stderr } = sandbox.runContainer()
    t.is(status, 1)
    t.regex(stderr, says)
  }
  sandbox.configure(
    mapped(list(10, 0), (spec) => {
      spec.process!.user = { uid: 10, gid: 0 }
      spec.mounts![2]!.options!.push('uid=11')
    }),
  )
  const { stderr } = sandbox.runContainer()
  t.regex(stderr, /process\.user\.uid is 10, which linux\.uidMappings does not map/)
  t.regex(stderr, /mounts\[2\]\.options\[\d+\] is "uid=11", which linux\.uidMappings does not map/)
  sandbox.assertClean(t)
})

const whole = [{ containerID: 0, hostID: 0, size: 65_536 }]

// covers: /linux/devices, config-linux.md#devices/available
test('devices of a user namespace are the host’s, and proven to be those asked for', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(
    t,
    mapped(whole, (spec) => {
      spec.linux!.devices = [
        { type: 'c', path: '/dev/null', major: 1, minor: 3 },
        { type: 'p', path: '/dev/pipe', fileMode: 0o640, uid: 7, gid: 8 },
      ]
      spec.process!.args = ['inside', 'stat', '/dev/null', '--', 'stat', '/dev/pipe', '--', 'stat', '/dev/full']
    }),
  )
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stdout, '/dev/null char 666 0 0 1:3\n/dev/pipe fifo 640 7 8\n/dev/full char 666 0 0 1:7\n', stderr)
  for (const device of [
    { type: 'c', path: '/dev/zero', major: 1, minor: 3 },
    { type: 'b', path: '/dev/zero', major: 1, minor: 5 },
  ] as const) {
    sandbox.configure(
      mapped(whole, (spec) => {
        spec.linux!.devices = [device]
      }),
    )
    const refused = sandbox.runContainer()
    t.is(refused.status, 1)
    t.regex(refused.stderr, /linux\.devices\[0\]: bind the device of the host not the device asked for: no such device/)
  }
  sandbox.assertClean(t)
})

// covers: /linux/devices/*/type, /linux/devices/*/path, /linux/devices/*/major, /linux/devices/*/minor, /linux/devices/*/fileMode, /linux/devices/*/uid, /linux/devices/*/gid
test('devices that root makes have exactly the type, number, mode and owner of the config', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.devices = [
      { type: 'c', path: '/dev/c', major: 10, minor: 300, fileMode: 0o604, uid: 11, gid: 12 },
      { type: 'u', path: '/dev/u', major: 4, minor: 1, fileMode: 0o600, uid: 0, gid: 5 },
      { type: 'b', path: '/dev/b', major: 7, minor: 70_000, fileMode: 0o660, uid: 1, gid: 2 },
      { type: 'p', path: '/dev/p', fileMode: 0o622, uid: 3, gid: 4 },
    ]
    spec.process!.args = ['inside', ...['c', 'u', 'b', 'p'].flatMap((name) => ['stat', `/dev/${name}`, '--'])]
  })
  const { stdout, stderr } = sandbox.runContainer()
  const wanted = ['c char 604 11 12 10:300', 'u char 600 0 5 4:1', 'b block 660 1 2 7:70000', 'p fifo 622 3 4']
  t.is(stdout, wanted.map((line) => `/dev/${line}\n`).join(''), stderr)
  sandbox.assertClean(t)
})

test('the runtime’s own user namespace cannot be joined, and the error says so', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.namespaces!.push({ type: 'user', path: '/proc/self/ns/user' })
  })
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /linux\.namespaces\[6\]\.path must not be the runtime's own user namespace/)
  t.is(spawnSync('test', ['-e', path.join(sandbox.stateRoot, sandbox.id)]).status, 1)
})

test('the source of a bind may lie in a directory that only the root of the container may enter', (t) => {
  const sandbox = new Sandbox(t)
  open(sandbox)
  // As Podman has it, whose own /dev/shm of a container lies in such a directory.
  const closed = path.join(sandbox.dir, 'closed')
  const source = path.join(closed, 'source')
  mkdirSync(source, { recursive: true })
  writeFileSync(path.join(source, 'file'), 'bound')
  for (const name of [closed, source]) chownSync(name, 300_000, 300_000)
  chmodSync(closed, 0o700)
  sandbox.configure(
    mapped([{ containerID: 0, hostID: 300_000, size: 65536 }], (spec) => {
      spec.mounts!.push({ destination: '/dev/bound', source, options: ['bind'] })
      spec.process!.args = ['inside', 'cat', '/dev/bound/file']
    }),
  )
  const { status, stdout, stderr } = sandbox.runContainer()
  t.is(status, 0, stderr)
  t.is(stdout, 'bound')
  sandbox.assertClean(t)
})

test('the source of a bind may lie in a directory that nobody of the container may enter', (t) => {
  const sandbox = new Sandbox(t)
  // A home directory of the host, as Docker's users bind from with userns-remap.
  const closed = path.join(sandbox.dir, 'closed')
  const source = path.join(closed, 'source')
  mkdirSync(source, { recursive: true })
  writeFileSync(path.join(source, 'file'), 'bound')
  chownSync(closed, 5555, 5555)
  chmodSync(closed, 0o700)
  sandbox.configure(
    mapped([{ containerID: 0, hostID: 300_000, size: 65536 }], (spec) => {
      spec.mounts!.push({ destination: '/dev/bound', source, options: ['bind', 'ro'] })
      spec.process!.args = ['inside', 'cat', '/dev/bound/file']
    }),
  )
  open(sandbox)
  const { status, stdout, stderr } = sandbox.runContainer()
  t.is(status, 0, stderr)
  t.is(stdout, 'bound')
  sandbox.assertClean(t)
})
