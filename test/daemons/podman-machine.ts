/** What of Podman needs cgroup controllers or systemd. */
import { strict as assert } from 'node:assert'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ended, ofRunning, run, sh, unique, until, type Feature } from './feature.ts'
import { type Podman } from './podman-client.ts'

const image = 'localhost/box'

type Place = 'vm' | 'systemd'

/** With the cgroup manager cgroupfs in the one machine, with systemd in the other. */
const both: readonly Place[] = ['vm', 'systemd']
const managers: Readonly<Record<Place, string>> = { vm: 'cgroupfs', systemd: 'systemd' }

/** A feature of a container that runs, which a client with or without root has. */
export function inPlace(where: Place, feature: Feature<Podman>): Feature<Podman> {
  return { ...feature, where }
}

/** Files of the container's own cgroup. */
function limits(flags: string, expected: Readonly<Record<string, RegExp>>): Feature<Podman>['run'] {
  return async ({ client }) => {
    const files = Object.keys(expected)
    const script = sh(files.map((file) => `cat /sys/fs/cgroup/${file}`).join('; '))
    const output = await client.ok`run --rm --network none ${flags.split(' ')} ${image} ${script}`
    const lines = output.split('\n')
    files.forEach((file, index) => assert.match(lines[index] ?? '', expected[file]!, `${file}: ${output}`))
  }
}

/** The cgroup of a container's first process, on the host. */
export async function cgroupOf(podman: Podman, name: string): Promise<string> {
  const pid = await podman.inspect(name, '{{.State.Pid}}')
  return `/sys/fs/cgroup${/^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1]}`
}

/** Limits of a container that runs are changed, and its use of them is told. */
export function updates(where: Place): Feature<Podman> {
  return inPlace(
    where,
    ofRunning(
      `update, stats (${managers[where]})`,
      async ({ client }, name) => {
        await client.ok`update --memory 48m --memory-swap 48m --cpus 1.5 ${name}`
        const files = sh('cd /sys/fs/cgroup; cat memory.max cpu.max pids.max')
        assert.equal(await client.ok`exec ${name} ${files}`, '50331648\n150000 100000\n77')
        assert.match(await client.ok`stats --no-stream --format ${'{{.MemUsage}}'} ${name}`, /^[1-9][\d.]*[kM]?B \/ /)
      },
      ['--network', 'none', '--memory', '64m', '--memory-swap', '64m', '--pids-limit', '77'],
    ),
  )
}

/**
 * A container of the machine's own root below an overlay, with its systemd as the first process: it runs a unit, and stops all in
 * their order when Podman sends it SIGRTMIN+3.
 */
const realSystemd: Feature<Podman> = {
  feature: '--systemd=always: systemd boots, runs a unit and stops it',
  run: async (podman) => {
    const { client, dir } = podman
    const [folder, name] = [path.join(dir, unique('boot')), unique()]
    mkdirSync(folder, { mode: 0o777 })
    // The mask does not bind chmod: what the user's container writes comes here.
    await run('chmod', ['777', folder])
    const unit = (lines: readonly string[]) => `[Unit]\nDefaultDependencies=no\n${lines.join('\n')}\n`
    writeFileSync(path.join(folder, 'inside.target'), unit(['Requires=inside.service', 'After=inside.service']))
    const service = [
      'Conflicts=shutdown.target',
      'Before=shutdown.target',
      '[Service]',
      'Type=oneshot',
      'RemainAfterExit=yes',
      'ExecStart=/bin/true',
    ]
    const stop = `ExecStop=/bin/sh -c 'echo stopped > /out/stopped'`
    writeFileSync(path.join(folder, 'inside.service'), unit([...service, stop]))
    const units = ['target', 'service'].flatMap((kind) => [
      '-v',
      `${folder}/inside.${kind}:/etc/systemd/system/inside.${kind}:ro`,
    ])
    // Podman's own would begin as copies of the machine's.
    const empty = ['/run', '/run/lock', '/tmp', '/var/log/journal'].flatMap((destination) => [
      '--mount',
      `type=tmpfs,destination=${destination},notmpcopyup`,
    ])
    const flags = ['--systemd=always', '--network', 'none', '-v', `${folder}:/out`, ...units, ...empty]
    const command = ['/lib/systemd/systemd', '--unit=inside.target']
    await client.ok`run -d --name ${name} ${flags} --rootfs /:O ${command}`
    await until('the unit runs', async () => {
      return (await client.result`exec ${name} systemctl is-active inside.target`).stdout.trim() === 'active'
    })
    // It has the cgroup for itself, and made its own below it.
    assert.match(await client.ok`exec ${name} cat /proc/1/cgroup`, /^0::\/init\.scope$/m)
    assert.equal(await podman.inspect(name, '{{.State.Status}}'), 'running')
    await client.ok`stop -t 200 ${name}`
    assert.equal(readFileSync(path.join(folder, 'stopped'), 'utf8'), 'stopped\n')
    assert.notEqual(await podman.inspect(name, '{{.State.ExitCode}}'), '137')
    await client.ok`rm ${name}`
  },
}

export const machineFeatures: readonly Feature<Podman>[] = [
  ...both.map((where) => ({
    feature: `--memory, --memory-reservation, --cpus, --cpu-shares, --cpuset-cpus, --pids-limit (${managers[where]})`,
    where,
    run: limits('--memory 32m --memory-reservation 16m --cpus 0.5 --cpu-shares 512 --cpuset-cpus 1 --pids-limit 50', {
      'memory.max': /^33554432$/,
      'memory.low': /^16777216$/,
      'cpu.max': /^50000 100000$/,
      'cpu.weight': /^(20|59)$/,
      'cpuset.cpus': /^1$/,
      'pids.max': /^50$/,
    }),
  })),
  ...both.map((where) => ({
    feature: `--cgroup-conf: files of cgroup v2 (${managers[where]})`,
    where,
    run: limits('--cgroup-conf memory.high=30000000 --cgroup-conf pids.max=33', {
      'memory.high': /^29999104$/,
      'pids.max': /^33$/,
    }),
  })),
  {
    feature: 'more processes than --pids-limit',
    where: 'vm',
    run: async ({ client }) => {
      const forks = sh('for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; wait')
      const result = await client.result`run --rm --network none --pids-limit 5 ${image} ${forks}`
      assert.match(result.stderr, /can't fork/, result.told)
    },
  },
  {
    // What inspect says of it is left out: Debian's conmon does not tell Podman, whatever the runtime.
    feature: 'more memory than --memory: killed',
    where: 'vm',
    run: async (podman) => {
      const [name, limit] = [unique(), ['--network', 'none', '--memory', '16m', '--memory-swap', '16m']]
      ended(await podman.client.result`run --name ${name} ${limit} ${image} ${sh('exec tail /dev/zero')}`, 137)
      assert.equal(await podman.inspect(name, '{{.State.ExitCode}}'), '137')
      const child = sh('tail /dev/zero; grep oom_kill /sys/fs/cgroup/memory.events')
      ended(await podman.client.result`run --rm ${limit} ${image} ${child}`, 0, /^oom_kill 1$/m)
    },
  },
  {
    feature: 'error: too little memory to start',
    where: 'vm',
    run: async ({ client }) => {
      const result = await client.result`run --rm --network none --memory 128k ${image} true`
      assert.notEqual(result.status, 0, result.told)
      assert.match(result.stderr, /memory/i)
    },
  },
  ...both.map(updates),
  {
    feature: '--device-cgroup-rule',
    where: 'vm',
    run: async ({ client }) => {
      const script = sh('mknod /x c 10 229; : < /x && echo opened; : > /x')
      const flags = ['--network', 'none', '--cap-add', 'MKNOD']
      const forbidden = /\/x: Operation not permitted/
      ended(await client.result`run --rm ${flags} ${image} ${script}`, [1, 2], forbidden)
      const rule = ['--device-cgroup-rule', 'c 10:229 rm']
      ended(await client.result`run --rm ${flags} ${rule} ${image} ${script}`, [1, 2], /^opened$/m, forbidden)
    },
  },
  {
    feature: '--cgroup-parent (cgroupfs)',
    where: 'vm',
    run: async ({ client }) => {
      const flags = ['--cgroupns', 'host', '--cgroup-parent', '/made/below']
      const output = await client.ok`run --rm --network none ${flags} ${image} grep ^0: /proc/self/cgroup`
      assert.match(output, /^0::\/made\/below\/libpod-[0-9a-f]{64}$/)
    },
  },
  {
    feature: '--cgroup-parent (systemd)',
    where: 'systemd',
    run: async ({ client }) => {
      const flags = ['--cgroupns', 'host', '--cgroup-parent', 'made-below.slice']
      const output = await client.ok`run --rm --network none ${flags} ${image} grep ^0: /proc/self/cgroup`
      assert.match(output, /^0::\/made\.slice\/made-below\.slice\/libpod-[0-9a-f]{64}\.scope$/)
    },
  },
  {
    feature: '--cgroup-manager cgroupfs beside systemd',
    where: 'systemd',
    run: async ({ client }) => {
      const cgroupfs = ['--cgroup-manager', 'cgroupfs']
      const output =
        await client.ok`${cgroupfs} run --rm --network none --cgroupns host --memory 32m ${image} grep ^0: /proc/self/cgroup`
      assert.match(output, /^0::\/libpod_parent\/libpod-[0-9a-f]{64}$/)
    },
  },
  {
    feature: '--cgroups=split in a unit of systemd',
    where: 'systemd',
    run: async ({ client }) => {
      // systemd starts its services in the machine's own mount namespace, which has no Podman.
      const enter = ['nsenter', `--mount=/proc/${process.pid}/ns/mnt`, '--']
      const service = ['systemd-run', '--wait', '--pipe', '--quiet', '--collect', '-p', 'Delegate=yes']
      const environment = Object.entries(client.environment).map(([name, value]) => `--setenv=${name}=${value}`)
      const unit = client.as([...service, ...environment, ...enter])
      const output =
        await unit.ok`run --rm --network none --cgroups=split --cgroupns host --memory 32m ${image} grep ^0: /proc/self/cgroup`
      assert.match(output, /^0::\/system\.slice\/run-\w+\.service\/(libpod-payload-[0-9a-f]{64}|container)$/)
    },
  },
  {
    feature: 'the cgroup manager systemd: a scope of its own, limits, exec, pause, stop',
    where: 'systemd',
    run: async (podman) => {
      const name = unique()
      await podman.client.ok`run -d --name ${name} --network none --memory 64m --cgroupns host ${image} sleep 1000`
      assert.match(await podman.client.ok`exec ${name} cat /proc/self/cgroup`, /libpod-[0-9a-f]{64}\.scope/)
      const cgroup = await cgroupOf(podman, name)
      const scope = /libpod-[0-9a-f]{64}\.scope/.exec(cgroup)![0]
      const shown = await run('systemctl', ['show', scope, '--value', '-p', 'MemoryMax', '-p', 'ActiveState'])
      assert.deepEqual(shown.stdout.trim().split('\n').sort(), ['67108864', 'active'], shown.told)
      await podman.client.ok`pause ${name}`
      assert.equal(await podman.inspect(name, '{{.State.Status}}'), 'paused')
      await podman.client.ok`unpause ${name}`
      await podman.client.ok`stop -t 1 ${name}`
      assert.equal(await podman.inspect(name, '{{.State.ExitCode}}'), '137')
      await podman.client.ok`rm ${name}`
      await until('the scope is gone', async () => Promise.resolve(!existsSync(cgroup)))
      assert.equal((await run('systemctl', ['is-active', scope])).stdout.trim(), 'inactive')
    },
  },
  realSystemd,
  {
    // With cgroupfs, Podman 4.3 forbids a pod's cgroup all devices.
    feature: 'a pod: two containers share its namespaces',
    where: 'systemd',
    run: async ({ client }) => {
      const pod = unique('pod')
      await client.ok`pod create --name ${pod} --share net,ipc,uts,pid --hostname of-pod`
      const name = unique()
      const server = sh('mkdir /w; echo served > /w/index.html; exec httpd -f -p 80 -h /w')
      await client.ok`run -d --name ${name} --pod ${pod} ${image} ${server}`
      await until('the other container is seen', async () => {
        return (await client.result`run --rm --pod ${pod} ${image} wget -qO- http://127.0.0.1/`).stdout === 'served\n'
      })
      assert.equal(await client.ok`run --rm --pod ${pod} ${image} hostname`, 'of-pod')
      assert.match(await client.ok`run --rm --pod ${pod} ${image} ps`, /httpd/)
      await client.ok`pod stop -t 0 ${pod}`
      await client.ok`pod rm ${pod}`
    },
  },
  {
    // With cgroupfs, Podman 4.3 forbids a pod's cgroup all devices.
    feature: 'play kube',
    where: 'systemd',
    run: async ({ client, dir }) => {
      const pod = unique('kube')
      const manifest = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: pod },
        spec: {
          restartPolicy: 'Never',
          containers: [
            { name: 'one', image, imagePullPolicy: 'Never', command: ['sh', '-c', 'echo up; exec sleep 1000'] },
            {
              name: 'two',
              image,
              imagePullPolicy: 'Never',
              command: ['sleep', '1000'],
              securityContext: { runAsUser: 1000 },
            },
          ],
        },
      }
      const file = path.join(dir, `${pod}.json`)
      writeFileSync(file, JSON.stringify(manifest))
      await client.ok`play kube ${file}`
      assert.equal(await client.ok`exec ${pod}-two id -u`, '1000')
      await client.ok`play kube --down ${file}`
    },
  },
]
