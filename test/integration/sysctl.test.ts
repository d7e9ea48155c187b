import test from 'ava'
import { readFileSync } from 'node:fs'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { lacks, Sandbox } from './harness.ts'

function set(sysctl: Record<string, string>, ...more: string[]) {
  return (spec: Spec): void => {
    spec.linux!.sysctl = sysctl
    const files = Object.keys(sysctl).map(
      (name) => `/proc/sys/${name.includes('/') ? name : name.replaceAll('.', '/')}`,
    )
    spec.process!.args = ['inside', ...[...files, ...more].flatMap((file) => ['cat', file, '--'])]
  }
}

// covers: /linux/sysctl
test('parameters of the ipc namespace are set', (t) => {
  const sandbox = new Sandbox(
    t,
    set({
      'kernel.msgmax': '8193',
      'kernel.msgmnb': '16385',
      'kernel.msgmni': '1001',
      'kernel.sem': '250 32000 32 129',
      'kernel.shmall': '1000',
      'kernel.shmmax': '100000',
      'kernel.shmmni': '4097',
      'kernel.shm_rmid_forced': '1',
      'fs.mqueue.msg_max': '11',
    }),
  )
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stdout.replace(/\t/g, ' '), '8193\n16385\n1001\n250 32000 32 129\n1000\n100000\n4097\n1\n11\n', stderr)
  sandbox.assertClean(t)
})

test('parameters of network and uts namespaces are set, also with slashes in their names', (t) => {
  if (lacks(t, 'runc')) return
  const before = readFileSync('/proc/sys/kernel/domainname', 'utf8')
  const sandbox = new Sandbox(
    t,
    set({ 'net/ipv4/ip_forward': '1', 'net.ipv4.ping_group_range': '0\t7', 'kernel.domainname': 'd' }),
  )
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stdout, '1\n0\t7\nd\n', stderr)
  t.is(readFileSync('/proc/sys/kernel/domainname', 'utf8'), before)
  sandbox.assertClean(t)
})

test('a user namespace has its own limits of namespaces', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    set({ 'user.max_net_namespaces': '3' })(spec)
    spec.linux!.namespaces!.push({ type: 'user' })
    spec.linux!.uidMappings = spec.linux!.gidMappings = [{ containerID: 0, hostID: 0, size: 65_536 }]
  })
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stdout, '3\n', stderr)
})

test('a parameter of the machine, or of a namespace that the container shares with it, is refused', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  for (const [name, without, says] of [
    ['kernel.core_pattern', '', /core_pattern"\] must not be set: it belongs to no namespace/],
    ['vm.swappiness', '', /must not be set: it belongs to no namespace/],
    ['kernel.shmmax', 'ipc', /needs an ipc namespace/],
    ['net.ipv4.ip_forward', 'network', /needs a network namespace/],
    ['kernel.domainname', 'uts', /needs a uts namespace/],
    ['user.max_net_namespaces', '', /needs a user namespace/],
    ['kernel.hostname', '', /must not be set: it is what hostname is for/],
  ] as const) {
    sandbox.configure((spec) => {
      set({ [name]: '1' })(spec)
      spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== without)
      if (without === 'uts') delete spec.hostname
    })
    const { status, stderr } = sandbox.runContainer()
    t.is(status, 1, name)
    t.regex(stderr, says, name)
  }
  sandbox.configure((spec) => {
    set({ 'net.ipv4.ip_forward': '1' })(spec)
    spec.linux!.namespaces!.find(({ type }) => type === 'network')!.path = '/proc/self/ns/net'
  })
  t.regex(sandbox.runContainer().stderr, /must not be set: the network namespace of the container is the machine's/)
  sandbox.assertClean(t)
})

test('parameters are set in a user namespace that shares the pid namespace of the host', (t) => {
  const before = readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')
  const sandbox = new Sandbox(t, (spec) => {
    set({ 'net.ipv4.ping_group_range': '0\t7', 'net.ipv4.ip_forward': '1' })(spec)
    spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'pid')
    spec.linux!.namespaces.push({ type: 'user' })
    spec.linux!.uidMappings = spec.linux!.gidMappings = [{ containerID: 0, hostID: 0, size: 65_536 }]
    // The kernel lets a user namespace mount no procfs of the host's processes.
    spec.mounts = spec.mounts!.map((mount) =>
      mount.type === 'proc' ? { destination: '/proc', source: '/proc', options: ['rbind'] } : mount,
    )
    delete spec.linux!.maskedPaths
    delete spec.linux!.readonlyPaths
  })
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stdout, '0\t7\n1\n', stderr)
  t.is(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8'), before)
  sandbox.assertClean(t)
})
