/** containerd as a kubelet uses it: pods through its CRI plugin, by the handler of a RuntimeClass. */
import { strict as assert } from 'node:assert'
import { existsSync, readlinkSync } from 'node:fs'
import type { Containerd } from './containerd.ts'
import { handler, Pod, withPod, type PodOptions } from './containerd-pods.ts'
import { CallError, Mode, Profile, State, type ContainerConfig, type Security } from './cri.ts'
import { sh, slow, until, type Feature } from './feature.ts'

const forever = ['sleep', '1000']
const secure = (security_context: Security, more: ContainerConfig = {}): ContainerConfig => ({
  ...more,
  linux: { security_context },
})

function inPod(
  feature: string,
  options: PodOptions,
  test: (pod: Pod, engine: Containerd) => Promise<void>,
): Feature<Containerd> {
  return { feature: `CRI: ${feature}`, run: (engine) => withPod(engine, options, (pod) => test(pod, engine)) }
}

/** A feature that the output of one container proves. */
function prints(
  feature: string,
  config: ContainerConfig,
  script: string,
  expected: RegExp,
  options: PodOptions = {},
): Feature<Containerd> {
  return inPod(feature, options, async (pod) => {
    const { log, ended } = await pod.complete(sh(`exec 2>&1; ${script}`), config)
    assert.match(log, expected, `status ${ended.exit_code} ${ended.message}`)
    assert.equal(ended.exit_code, 0, log)
  })
}

/** Must be refused. @returns what the daemon says */
async function refused(call: Promise<unknown>): Promise<string> {
  const outcome = await call.catch((error: unknown) => error)
  assert.ok(outcome instanceof CallError, 'was not refused')
  return outcome.message
}

/** Where the shim has the runtime keep its state. */
const stateRoot = '/run/containerd/runc/k8s.io'
const namespacesOf = (...names: string[]) => sh(names.map((name) => `readlink /proc/self/ns/${name}`).join('; '))
const own = namespacesOf('net', 'ipc', 'uts')

export const criFeatures: readonly Feature<Containerd>[] = [
  inPod('a pod of two containers shares network, IPC and host name, not processes', {}, async (pod) => {
    const [one, two] = [await pod.start(forever), await pod.start(forever)]
    assert.equal(await pod.ok(one, own), await pod.ok(two, own))
    assert.notEqual(await pod.ok(one, namespacesOf('pid')), await pod.ok(two, namespacesOf('pid')))
    assert.equal(await pod.ok(two, ['hostname']), pod.name)
    assert.match(await pod.ok(two, sh('tr "\\0" " " < /proc/1/cmdline')), /^sleep 1000/)
  }),
  inPod('a pod that shares processes, too', { security: { namespace_options: { pid: Mode.pod } } }, async (pod) => {
    const [one, two] = [await pod.start(forever), await pod.start(['sleep', '999'])]
    assert.equal(await pod.ok(one, namespacesOf('pid')), await pod.ok(two, namespacesOf('pid')))
    const processes = await pod.ok(one, ['ps', '-o', 'args'])
    for (const command of ['while :', 'sleep 1000', 'sleep 999']) assert.ok(processes.includes(command), processes)
  }),
  inPod('a container among the processes of another, as for debugging', {}, async (pod) => {
    const target = await pod.start(['sleep', '998'])
    const guest = await pod.start(forever, secure({ namespace_options: { pid: Mode.target, target_id: target } }))
    assert.match(await pod.ok(guest, ['ps', '-o', 'args']), /sleep 998/)
  }),
  inPod(
    'a pod in the host’s network, processes and IPC',
    { security: { namespace_options: { network: Mode.node, pid: Mode.node, ipc: Mode.node } } },
    async (pod) => {
      const container = await pod.start(forever)
      const expected = ['net', 'ipc', 'pid'].map((name) => readlinkSync(`/proc/self/ns/${name}`))
      assert.deepEqual((await pod.ok(container, namespacesOf('net', 'ipc', 'pid'))).split('\n'), expected)
    },
  ),
  {
    feature: 'CRI: pods reach each other over a bridge',
    run: (engine) =>
      withPod(engine, {}, async (server) => {
        await server.start(sh('echo -n hello | nc -l -p 80'))
        const { status } = await engine.cri.call('PodSandboxStatus', { pod_sandbox_id: server.id })
        assert.match(status!.network!.ip, /^10\.99\./)
        await withPod(engine, {}, async (client) => {
          const container = await client.start(forever)
          const ask = ['nc', '-w', '5', status!.network!.ip, '80']
          await until('the other pod answers', async () => (await client.ok(container, ask)) === 'hello')
        })
      }),
  },
  prints('sysctls of a pod', {}, 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start', /^81$/, {
    sysctls: { 'net.ipv4.ip_unprivileged_port_start': '81' },
  }),
  {
    feature: 'CRI: the runtime handler of a RuntimeClass',
    run: async (engine) => {
      await withPod(engine, {}, async ({ id }) => {
        const { status } = await engine.cri.call('PodSandboxStatus', { pod_sandbox_id: id })
        assert.equal(status!.runtime_handler, handler)
      })
      // The default one does not exist: what runs by the class does not run without.
      assert.match(await refused(Pod.run(engine, { handler: '' })), /\/no\/such\/runtime/)
      assert.match(await refused(Pod.run(engine, { handler: 'unknown' })), /no runtime for "unknown" is configured/)
    },
  },
  inPod('ExecSync: both streams, and the exit status', {}, async (pod, { cri }) => {
    const container_id = await pod.start(forever)
    const cmd = sh('echo out; echo err >&2; exit 7')
    const { stdout, stderr, exit_code } = await cri.call('ExecSync', { container_id, cmd })
    assert.deepEqual([stdout.toString(), stderr.toString(), exit_code], ['out\n', 'err\n', 7])
  }),
  inPod('ExecSync: a command that takes too long is killed', {}, async (pod, { cri }) => {
    const container_id = await pod.start(forever)
    const call = cri.call('ExecSync', { container_id, cmd: ['sleep', '997'], timeout: 1 })
    assert.match(await refused(call), /timeout 1s exceeded/)
    assert.doesNotMatch(await pod.ok(container_id, ['ps', '-o', 'args']), /sleep 997/)
  }),
  inPod('ExecSync: a missing program', {}, async (pod, { cri }) => {
    const container_id = await pod.start(forever)
    const message = await refused(cri.call('ExecSync', { container_id, cmd: ['no-such-program'] }))
    assert.match(message, /exec: "no-such-program": executable file not found in \$PATH/)
    assert.equal((await pod.status(container_id)).state, State.running)
  }),
  inPod('Exec on a terminal: its size, and the exit status', {}, async (pod) => {
    const container = await pod.start(forever)
    const input = 'until stty size | grep "33 111"; do sleep 0.1; done; tty; exit 5\n'
    const { stdout, status, told } = await pod.typed(container, ['sh'], { tty: true, input, size: [111, 33] })
    assert.match(stdout, /\/dev\/pts\/\d[\s\S]*/, told)
    assert.equal(status, 5, told)
  }),
  inPod('Exec without a terminal: standard input, both streams', {}, async (pod) => {
    const container = await pod.start(forever)
    const command = sh('read line; echo "got $line"; echo err >&2; exit 6')
    const { stdout, stderr, status, told } = await pod.typed(container, command, { tty: false, input: 'text\n' })
    assert.deepEqual([stdout, stderr, status], ['got text\n', 'err\n', 6], told)
  }),
  inPod('Attach to a container with a terminal', {}, async (pod) => {
    const container = await pod.start(['sh'], { tty: true, stdin: true })
    const options = { input: 'echo $((40 + 2)); tty\n', until: /42[\s\S]*\/dev\/pts\/0/ }
    const { stdout } = await pod.attached(container, options)
    assert.match(stdout, options.until)
  }),
  inPod('exit statuses and reasons', {}, async (pod) => {
    const done = (await pod.complete(['true'])).ended
    assert.deepEqual([done.exit_code, done.reason], [0, 'Completed'])
    const failed = (await pod.complete(sh('exit 43'))).ended
    assert.deepEqual([failed.exit_code, failed.reason], [43, 'Error'])
    assert.equal((await pod.complete(sh("sh -c 'kill -KILL $$'; exit $?"))).ended.exit_code, 137)
  }),
  inPod('logs of both streams', {}, async (pod) => {
    assert.equal(
      (await pod.complete(sh('echo one; echo two >&2; echo three'))).log.split('\n').sort().join(),
      'one,three,two',
    )
  }),
  inPod('StopContainer: SIGTERM, then SIGKILL', {}, async (pod, { cri }) => {
    const polite = await pod.start(sh('trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done'))
    const stubborn = await pod.start(sh('trap "" TERM; echo ready; while :; do sleep 0.1; done'))
    await until('both handle the signal', async () => pod.log(polite) === 'ready' && pod.log(stubborn) === 'ready')
    await cri.call('StopContainer', { container_id: polite, timeout: 100 })
    assert.equal((await pod.status(polite)).exit_code, 9)
    await cri.call('StopContainer', { container_id: stubborn, timeout: 1 })
    assert.equal((await pod.status(stubborn)).exit_code, 137)
  }),
  {
    feature: 'CRI: StopPodSandbox ends its containers, removal leaves nothing',
    run: async (engine) => {
      const pod = await Pod.run(engine)
      const containers = [await pod.start(forever), await pod.start(forever)]
      await engine.cri.call('StopPodSandbox', { pod_sandbox_id: pod.id })
      for (const container of containers) assert.equal((await pod.status(container)).state, State.exited)
      await engine.cri.call('RemoveContainer', { container_id: containers[0]! })
      assert.match(await refused(pod.status(containers[0]!)), /not found/)
      await pod.remove()
      const left = (await engine.cri.call('ListContainers', {})).containers
      assert.deepEqual(
        left.filter(({ pod_sandbox_id }) => pod_sandbox_id === pod.id),
        [],
      )
      for (const id of [pod.id, ...containers]) assert.ok(!existsSync(`${stateRoot}/${id}`), id)
    },
  },
  prints(
    'environment, working directory',
    { envs: [{ key: 'A', value: 'b' }], working_dir: '/tmp' },
    'echo $A; pwd',
    /^b\n\/tmp$/,
  ),
  prints(
    'mounts, writable and read-only',
    {
      mounts: [
        { host_path: '/etc', container_path: '/host', readonly: true },
        { host_path: '/run/daemons', container_path: '/data', propagation: 1 },
      ],
    },
    'test -s /host/debian_version; touch /host/x; touch /data/written && echo done',
    /Read-only file system\ndone$/,
  ),
  prints(
    'devices',
    { devices: [{ host_path: '/dev/full', container_path: '/dev/other', permissions: 'rw' }] },
    'echo x > /dev/other; test -c /dev/other && echo device',
    /No space left on device\ndevice$/,
  ),
  prints(
    'run_as_user, run_as_group, supplemental_groups',
    secure({ run_as_user: { value: 1000 }, run_as_group: { value: 2000 }, supplemental_groups: [3000] }),
    'id -u; id -g; id -G',
    /^1000\n2000\n2000 3000$/,
  ),
  prints('run_as_username', secure({ run_as_username: 'someone' }), 'id -un; id -gn', /^someone\nsomeone$/),
  prints('readonly_rootfs', secure({ readonly_rootfs: true }), 'touch /x || echo no', /Read-only file system\nno$/),
  prints(
    'capabilities, no_new_privs',
    secure({
      capabilities: { drop_capabilities: ['ALL'], add_capabilities: ['NET_BIND_SERVICE'] },
      no_new_privs: true,
    }),
    'grep -E "CapEff|CapBnd|NoNewPrivs" /proc/self/status',
    /^CapEff:\s+0000000000000400\nCapBnd:\s+0000000000000400\nNoNewPrivs:\s+1$/,
  ),
  prints(
    'seccomp: the runtime’s default',
    secure({ seccomp: { profile_type: Profile.runtimeDefault } }),
    'grep Seccomp: /proc/self/status; unshare -m true || echo refused',
    /^Seccomp:\s+2\nunshare: .*Operation not permitted\nrefused$/,
  ),
  prints(
    'seccomp: unconfined',
    secure({ seccomp: { profile_type: Profile.unconfined } }),
    'grep Seccomp: /proc/self/status',
    /\s0$/,
  ),
  prints(
    'masked and read-only paths',
    secure({ masked_paths: ['/proc/keys', '/sys/kernel'], readonly_paths: ['/proc/sys'] }),
    'wc -c < /proc/keys; ls /sys/kernel | wc -l; echo x > /proc/sys/kernel/domainname || echo no',
    /^0\n0\n.*Read-only file system\nno$/,
  ),
  prints(
    'a privileged container',
    secure({ privileged: true }),
    'mount -t tmpfs x /tmp && echo mounted; grep Seccomp: /proc/self/status; test -e /dev/kmsg && echo devices',
    /^mounted\nSeccomp:\s+0\ndevices$/,
    { security: { privileged: true, namespace_options: { pid: Mode.container } } },
  ),
  {
    feature: 'CRI: ten pods at once',
    alone: true,
    run: async (engine) => {
      const outputs = Array.from({ length: slow ? 3 : 10 }, async (_, index) => {
        const pod = await Pod.run(engine)
        try {
          return (await pod.complete(['echo', String(index)])).log
        } finally {
          await pod.remove()
        }
      })
      assert.deepEqual(await Promise.all(outputs), [...outputs.keys()].map(String))
    },
  },
  inPod('error: a missing program', {}, async (pod, { cri }) => {
    const container_id = await pod.create(['no-such-program'])
    const message = await refused(cri.call('StartContainer', { container_id }))
    assert.match(message, /exec: "no-such-program": executable file not found in \$PATH/)
    const status = await pod.status(container_id)
    assert.deepEqual([status.state, status.exit_code, status.reason], [State.exited, 128, 'StartError'])
    assert.match(status.message, /"no-such-program": executable file not found in \$PATH/)
  }),
  inPod('error: a mount onto what is no folder', {}, async (pod, { cri }) => {
    const mounts = [{ host_path: '/etc', container_path: '/etc/text' }]
    const container_id = await pod.create(forever, { mounts })
    assert.match(await refused(cri.call('StartContainer', { container_id })), /\/etc\/text.*not a directory/)
  }),
  {
    feature: 'CRI: containerd restarts, pods live on',
    alone: true,
    run: async (engine) => {
      await withPod(engine, {}, async (pod) => {
        const container = await pod.start(sh('trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done'))
        const before = await pod.ok(container, ['cat', '/proc/1/stat'])
        await engine.end()
        await engine.start()
        assert.equal((await pod.status(container)).state, State.running)
        assert.equal((await pod.ok(container, ['cat', '/proc/1/stat'])).split(' ')[21], before.split(' ')[21])
        await engine.cri.call('StopContainer', { container_id: container, timeout: 100 })
        assert.equal((await pod.status(container)).exit_code, 3)
      })
    },
  },
]

const map = { host_id: 300_000, container_id: 0, length: 65_536 }
const apart = { mode: Mode.pod, uids: [map], gids: [map] }

/** What the second generation knows beyond the first. */
export const laterFeatures: readonly Feature<Containerd>[] = [
  {
    feature: 'CRI: the features of the runtime handler',
    run: async ({ cri }) => {
      const { runtime_handlers } = await cri.call('Status', {})
      const { features } = runtime_handlers.find(({ name }) => name === handler)!
      assert.deepEqual({ ...features }, { recursive_read_only_mounts: true, user_namespaces: true })
    },
  },
  inPod(
    'a pod in a user namespace (hostUsers: false)',
    { security: { namespace_options: { pid: Mode.container, userns_options: apart } } },
    async (pod) => {
      const container = await pod.start(forever)
      for (const file of ['uid_map', 'gid_map'])
        assert.match(await pod.ok(container, ['cat', `/proc/self/${file}`]), /^0\s+300000\s+65536$/)
      assert.equal(
        await pod.ok(container, sh('id -u; stat -c %u /bin/busybox; touch /own; stat -c %u /own')),
        '0\n0\n0',
      )
    },
  ),
  inPod('a mount that is read-only with all below it', {}, async (pod) => {
    const mounts = [{ host_path: '/run', container_path: '/host', readonly: true, recursive_read_only: true }]
    const container = await pod.start(forever, { mounts })
    assert.equal(await pod.ok(container, sh('touch /host/daemons/x 2>&1 | grep -c "Read-only file system"')), '1')
  }),
]
