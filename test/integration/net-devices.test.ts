import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { lacks, Sandbox, type Result } from './harness.ts'
import { ownUsers } from './users.ts'

// Each test works in a network namespace of its own, with a pair of devices: v0, which is configured, and its peer v1.

const equip = `set -e
ip link set lo up
ip link add v0 type veth peer name v1
ip link set v0 mtu 1400 address 02:00:00:00:00:01
ip addr add 10.9.0.1/24 brd + dev v0
ip addr add 10.9.0.2/24 dev v0
ip addr add 10.8.0.1 peer 10.8.0.2/32 dev v0
ip addr add 10.7.0.1/24 dev v0 valid_lft 600 preferred_lft 600
ip addr add 169.254.3.3/16 scope link dev v0
ip addr add fd00::5/64 nodad dev v0
ip link set v0 up
set +e
`

interface Device {
  ifname: string
  mtu: number
  address: string
  flags: string[]
  addr_info: { local: string; prefixlen: number; scope: string; address?: string; broadcast?: string }[]
}

/** Runs a script in a new network namespace; $@ is the runtime's command line. */
function inNetwork(sandbox: Sandbox, script: string): Result {
  const [file, ...rest] = sandbox.command()
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--net', '--', 'sh', '-c', `${equip}${script}`, 'sh', file!, ...rest],
    { cwd: sandbox.bundle, encoding: 'utf8', timeout: 60_000, env: { ...process.env, ID: sandbox.id } },
  )
  return { status: status ?? -1, stdout, stderr }
}

/** Creates and prints what the container's namespace has, and then what is left outside. */
const look = `"$@" create --pid-file pid "$ID" </dev/null >out 2>&1 || { cat out; exit 1; }
nsenter --net=/proc/$(cat pid)/ns/net ip -json addr
ip -json addr
`

function sandboxWith(t: ExecutionContext, change: (spec: Spec) => void): Sandbox {
  return new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
    change(spec)
  })
}

/** The devices that `look` printed. */
function devices({ stdout, stderr }: Result): { inside: Device[]; outside: Device[] } {
  const [inside, outside] = stdout.trim().split('\n')
  try {
    return { inside: JSON.parse(inside!) as Device[], outside: JSON.parse(outside!) as Device[] }
  } catch {
    throw new Error(stdout + stderr)
  }
}

const names = (list: Device[]): string[] => list.map(({ ifname }) => ifname)
const addresses = ({ addr_info: list }: Device): string[] =>
  list.filter(({ scope }) => scope !== 'link').map(({ local, prefixlen }) => `${local}/${prefixlen}`)

/** Debian 12's runc and crun are older than network devices in the specification. */
const control = 'runt'

// covers: /linux/netDevices/*/name, config-linux.md#network-devices/available, config-linux.md#network-devices/addresses
// covers: config-linux.md#network-devices/up
test('a network device comes with its permanent addresses and attributes, under its new name, and up', (t) => {
  if (lacks(t, control)) return
  const sandbox = sandboxWith(t, (spec) => (spec.linux!.netDevices = { v0: { name: 'eth0' } }))
  const { inside, outside } = devices(inNetwork(sandbox, look))
  t.deepEqual(names(inside), ['lo', 'eth0'])
  t.deepEqual(names(outside), ['lo', 'v1'])
  const eth0 = inside[1]!
  t.like(eth0, { mtu: 1400, address: '02:00:00:00:00:01' })
  t.true(eth0.flags.includes('UP'))
  t.deepEqual(addresses(eth0).sort(), ['10.8.0.1/32', '10.9.0.1/24', '10.9.0.2/24', 'fd00::5/64'])
  const first = eth0.addr_info.find(({ local }) => local === '10.9.0.1')
  t.is(first?.broadcast, '10.9.0.255')
  t.is(eth0.addr_info.find(({ local }) => local === '10.8.0.1')?.address, '10.8.0.2')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('a network device without a new name keeps its own', (t) => {
  if (lacks(t, control)) return
  const sandbox = sandboxWith(t, (spec) => (spec.linux!.netDevices = { v0: {}, v1: {} }))
  const { inside, outside } = devices(inNetwork(sandbox, look))
  t.deepEqual(names(inside).sort(), ['lo', 'v0', 'v1'])
  t.deepEqual(names(outside), ['lo'])
})

// covers: config-linux.md#network-devices/template
test('the kernel completes a template with a number', (t) => {
  if (lacks(t, control)) return
  const sandbox = sandboxWith(t, (spec) => (spec.linux!.netDevices = { v0: { name: 'net%d' }, v1: { name: 'net%d' } }))
  const { inside } = devices(inNetwork(sandbox, look))
  t.deepEqual(names(inside).sort(), ['lo', 'net0', 'net1'])
  t.is(inside.filter(({ flags }) => flags.includes('UP')).length, 3)
})

test('network devices are moved into a container with a user namespace', (t) => {
  if (lacks(t, control)) return
  const sandbox = sandboxWith(t, (spec) => {
    spec.linux!.netDevices = { v0: { name: 'eth0' } }
    ownUsers(spec)
  })
  chmodSync(sandbox.dir, 0o755)
  const { inside } = devices(inNetwork(sandbox, look))
  t.deepEqual(names(inside), ['lo', 'eth0'])
  t.is(addresses(inside[1]!).length, 4)
})

/** A second namespace, which a container joins by path. */
const elsewhere = `unshare --net sleep 1000 &
other=$!
until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
nsenter --net=/proc/$other/ns/net ip link add taken type veth peer name v0
sed -i "s,/NETWORK,/proc/$other/ns/net," config.json
`

function join(spec: Spec, path: string): void {
  spec.linux!.namespaces!.find(({ type }) => type === 'network')!.path = path
}

test('network devices are moved into a namespace that is joined by path, even if their own name is taken there', (t) => {
  if (lacks(t, control)) return
  const sandbox = sandboxWith(t, (spec) => {
    spec.linux!.netDevices = { v0: { name: 'eth0' } }
    join(spec, '/NETWORK')
  })
  const { inside, outside } = devices(inNetwork(sandbox, `${elsewhere}${look}kill $other`))
  t.deepEqual(names(inside).sort(), ['eth0', 'lo', 'taken', 'v0'])
  t.is(addresses(inside.find(({ ifname }) => ifname === 'eth0')!).length, 4)
  t.deepEqual(names(outside), ['lo', 'v1'])
})

// covers: config-linux.md#network-devices/name-taken
test('a name that is taken in the container is refused by its field, and the device stays as it is', (t) => {
  if (lacks(t, control)) return
  const sandbox = sandboxWith(t, (spec) => {
    spec.linux!.netDevices = { v0: { name: 'taken' } }
    join(spec, '/NETWORK')
  })
  const { stdout } = inNetwork(
    sandbox,
    `${elsewhere}
"$@" create "$ID" </dev/null >out 2>&1; echo "status $?"; ip -json addr; cat out; kill $other`,
  )
  const [status, after, ...message] = stdout.split('\n')
  t.is(status, 'status 1')
  t.regex(message.join('\n'), /move network device v0 to the container as taken \(taken\): file exists/)
  t.regex(message.join('\n'), /linux\.netDevices\.v0/)
  const v0 = (JSON.parse(after!) as Device[]).find(({ ifname }) => ifname === 'v0')!
  t.true(v0.flags.includes('UP'))
  t.is(addresses(v0).length, 5, 'with the one that expires')
  sandbox.assertClean(t)
})

test('a network device that is missing is told by its field, and nothing is left', (t) => {
  if (lacks(t, control)) return
  const sandbox = sandboxWith(t, (spec) => (spec.linux!.netDevices = { v0: {}, eth9: {} }))
  const { stdout } = inNetwork(sandbox, `"$@" create "$ID" </dev/null 2>&1; ip -json addr`)
  t.regex(stdout, /find network device eth9: no such device/)
  t.regex(stdout, /linux\.netDevices\.eth9/)
  t.regex(stdout, /"ifname":"v0"/)
  sandbox.assertClean(t)
})

test('when create fails later, the devices are back with their names and addresses', (t) => {
  if (lacks(t, control)) return
  const sandbox = sandboxWith(t, (spec) => {
    spec.linux!.netDevices = { v0: { name: 'eth0' }, v1: { name: 'eth1' } }
    spec.process!.args = ['/no/such/program']
  })
  const { stdout } = inNetwork(
    sandbox,
    `"$@" create "$ID" </dev/null >out 2>&1; echo "status $?"; ip -json addr; cat out`,
  )
  const [status, after] = stdout.split('\n')
  t.is(status, 'status 1')
  const list = JSON.parse(after!) as Device[]
  t.deepEqual(names(list).sort(), ['lo', 'v0', 'v1'])
  const v0 = list.find(({ ifname }) => ifname === 'v0')!
  t.like(v0, { mtu: 1400, address: '02:00:00:00:00:01' })
  t.true(v0.flags.includes('UP'))
  t.deepEqual(addresses(v0).sort(), ['10.8.0.1/32', '10.9.0.1/24', '10.9.0.2/24', 'fd00::5/64'])
  t.false(list.find(({ ifname }) => ifname === 'v1')!.flags.includes('UP'))
  sandbox.assertClean(t)
})

test('a device that cannot leave its namespace is refused', (t) => {
  if (lacks(t, control)) return
  const sandbox = sandboxWith(t, (spec) => (spec.linux!.netDevices = { lo: { name: 'lo9' } }))
  const { stdout } = inNetwork(sandbox, `"$@" create "$ID" </dev/null 2>&1; echo "status $?"`)
  t.regex(stdout, /move network device lo to the container as lo9 .*: invalid argument/)
  t.regex(stdout, /status 1/)
  sandbox.assertClean(t)
})

test("a container that joins runt's own network namespace is not given its devices", (t) => {
  if (lacks(t, control)) return
  const sandbox = sandboxWith(t, (spec) => {
    spec.linux!.netDevices = { v0: {} }
    join(spec, '/proc/self/ns/net')
  })
  const { stdout } = inNetwork(sandbox, `"$@" create "$ID" </dev/null 2>&1; ip -json addr show v0`)
  t.regex(stdout, /network namespace is runt's own/)
  t.regex(stdout, /10\.9\.0\.1/)
  sandbox.assertClean(t)
})

// covers: config-linux.md#network-devices/unmanaged, config-linux.md#network-devices/stays
test('delete leaves the devices in a namespace that goes on', (t) => {
  if (lacks(t, control)) return
  const sandbox = sandboxWith(t, (spec) => {
    spec.linux!.netDevices = { v0: { name: 'eth0' } }
    join(spec, '/NETWORK')
  })
  const { stdout } = inNetwork(
    sandbox,
    `${elsewhere}
"$@" create "$ID" </dev/null >out 2>&1; "$@" delete --force "$ID"
nsenter --net=/proc/$other/ns/net ip -json addr show eth0; kill $other`,
  )
  t.is(addresses((JSON.parse(stdout) as Device[])[0]!).length, 4)
})
