/** What needs cgroup controllers, with each of the drivers that dockerd has for cgroups. */
import { strict as assert } from 'node:assert'
import { existsSync, readFileSync } from 'node:fs'
import type { Docker } from './docker.ts'
import { ended, ofRunning, run, sh, unique, until, type Feature } from './feature.ts'

const image = 'box'

type Place = 'vm' | 'systemd'
/** A feature as it is without the place, which says which driver there is. */
type Limit = Pick<Feature<Docker>, 'feature' | 'run'>

/** Files of the container's own cgroup. */
function limits(feature: string, flags: readonly string[], expected: Readonly<Record<string, RegExp>>): Limit {
  return {
    feature,
    run: async ({ client }) => {
      const files = Object.keys(expected)
      const script = files.map((file) => `echo $(cat /sys/fs/cgroup/${file})`).join('; ')
      const output = await client.ok`run --rm ${flags} ${image} ${sh(script)}`
      const lines = output.split('\n')
      files.forEach((file, index) => assert.match(lines[index] ?? '', expected[file]!, `${file}: ${output}`))
    },
  }
}

/** The folder of a running container's cgroup. */
async function cgroupOf(docker: Docker, name: string): Promise<string> {
  const pid = await docker.inspect(name, '{{.State.Pid}}')
  return `/sys/fs/cgroup${/^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1]}`
}

const bothDrivers: readonly Limit[] = [
  limits('--memory, --memory-reservation', ['--memory=64m', '--memory-reservation=32m'], {
    'memory.max': /^67108864$/,
    'memory.low': /^33554432$/,
  }),
  limits(
    '--cpus, --cpu-shares, --cpuset-cpus, --cpuset-mems',
    ['--cpus=0.5', '--cpu-shares=512', '--cpuset-cpus=0', '--cpuset-mems=0'],
    { 'cpu.max': /^50000 100000$/, 'cpu.weight': /^(20|59)$/, 'cpuset.cpus': /^0$/, 'cpuset.mems': /^0$/ },
  ),
  {
    feature: '--device-read-bps, --device-write-iops',
    run: async ({ client }) => {
      // A disk without anything in it is enough for a limit.
      ended(await run('modprobe', ['loop']), 0)
      const disk = (await run('losetup', ['--find'])).stdout.trim()
      const flags = [`--device-read-bps=${disk}:1mb`, `--device-write-iops=${disk}:100`]
      assert.match(
        await client.ok`run --rm ${flags} ${image} cat /sys/fs/cgroup/io.max`,
        /^7:\d+ rbps=1048576 wbps=max riops=max wiops=100$/,
      )
    },
  },
  {
    feature: 'more processes than --pids-limit',
    run: async ({ client }) => {
      const fork = sh('cat /sys/fs/cgroup/pids.max; for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; wait')
      const result = await client.result`run --rm --pids-limit=5 ${image} ${fork}`
      assert.match(result.stdout, /^5\n/, result.told)
      assert.match(result.stderr, /can't fork/, result.told)
    },
  },
  {
    feature: 'more memory than --memory: status 137, and inspect says OOMKilled',
    run: async (docker) => {
      const name = unique()
      // What busybox reads of a line it keeps.
      const args = ['--memory=16m', '--memory-swap=16m', image, ...sh('exec tail /dev/zero')]
      ended(await docker.client.result`run --name ${name} ${args}`, 137)
      await until('inspect says so', async () => (await docker.inspect(name, '{{.State.OOMKilled}}')) === 'true')
      assert.equal(await docker.client.ok`wait ${name}`, '137')
      await docker.client.ok`rm ${name}`
    },
  },
  ofRunning<Docker>(
    'update',
    async ({ client }, name) => {
      await client.ok`update --memory=48m --memory-swap=48m --pids-limit=77 --cpus=1.5 --cpuset-cpus=0-1 ${name}`
      const files = sh('cd /sys/fs/cgroup; cat memory.max pids.max cpu.max cpuset.cpus')
      assert.equal(await client.ok`exec ${name} ${files}`, '50331648\n77\n150000 100000\n0-1')
    },
    ['--memory=64m', '--memory-swap=64m', '--cpuset-cpus=0'],
  ),
  ofRunning<Docker>(
    'stats',
    async ({ client }, name) => {
      await until('the numbers are there', async () => {
        const format = '{{.MemUsage}} {{.PIDs}} {{.CPUPerc}} {{.Name}}'
        const line = await client.ok`stats --no-stream --format ${format} ${name}`
        return /^[1-9][\d.]*[KM]iB \/ 64MiB 1 [\d.]+% \w+$/.test(line)
      })
    },
    ['--memory=64m', '--cpus=1.5'],
  ),
  ofRunning<Docker>(
    'pause: the cgroup is frozen; unpause, top, exec',
    async (docker, name) => {
      const events = `${await cgroupOf(docker, name)}/cgroup.events`
      await docker.client.ok`pause ${name}`
      assert.match(readFileSync(events, 'utf8'), /^frozen 1$/m)
      assert.match(await docker.client.ok`top ${name}`, /sleep 1000/)
      ended(await docker.client.result`exec ${name} true`, 1, /paused/)
      await docker.client.ok`unpause ${name}`
      assert.match(readFileSync(events, 'utf8'), /^frozen 0$/m)
      assert.equal(await docker.client.ok`exec ${name} echo on`, 'on')
    },
    ['--memory=64m'],
  ),
  {
    feature: 'devices: only those allowed; --device, --device-cgroup-rule',
    run: async ({ client }) => {
      // Whoever has the capability makes a device; /dev/full may always be opened, /dev/fuse only with leave.
      const fuse = sh(
        'mknod /tmp/f c 10 229; mknod /tmp/full c 1 7; head -c 1 /tmp/full | wc -c; : < /tmp/f && echo opened',
      )
      ended(await client.result`run --rm ${image} ${fuse}`, [1, 2], /^1\n/, /\/tmp\/f: Operation not permitted/)
      const rule = ['--device-cgroup-rule', 'c 10:229 r']
      ended(await client.result`run --rm ${rule} ${image} ${fuse}`, 0, /^1\nopened$/m)
      const written = sh(': < /dev/other && echo opened; : > /dev/other')
      const device = ['--device', '/dev/fuse:/dev/other:r']
      ended(await client.result`run --rm ${device} ${image} ${written}`, [1, 2], /^opened/, /Operation not permitted/)
    },
  },
  ofRunning<Docker>(
    'rm leaves no cgroup',
    async (docker, name) => {
      const cgroup = await cgroupOf(docker, name)
      assert.ok(existsSync(cgroup), cgroup)
      await docker.client.ok`exec -d ${name} sleep 2000`
      await docker.client.ok`rm -f ${name}`
      await until(`${cgroup} is gone`, () => Promise.resolve(!existsSync(cgroup)))
    },
    ['--memory=64m'],
  ),
]

const onCgroupfs: readonly Limit[] = [
  {
    feature: '--cgroup-parent',
    run: async ({ client }) => {
      const output =
        await client.ok`run --rm --cgroup-parent=/some/parent --cgroupns=host ${image} cat /proc/self/cgroup`
      assert.match(output, /^0::\/some\/parent\/[0-9a-f]{64}$/)
    },
  },
]

const onSystemd: readonly Limit[] = [
  // Where dockerd is in the root of the cgroups, it takes the kernel for one that cannot limit swap.
  limits('--memory-swap', ['--memory=64m', '--memory-swap=96m'], { 'memory.swap.max': /^33554432$/ }),
  {
    feature: 'a scope of its own, limits, exec, stop',
    run: async (docker) => {
      const name = unique()
      assert.equal(await docker.client.ok`info --format {{.CgroupDriver}}`, 'systemd')
      const id = await docker.client.ok`run -d --name ${name} --memory=64m --cgroupns=host ${image} sleep 1000`
      assert.equal(await docker.client.ok`exec ${name} cat /proc/self/cgroup`, `0::/system.slice/docker-${id}.scope`)
      const property = async (of: string) =>
        (await run('systemctl', ['show', '--value', '--property', of, `docker-${id}.scope`])).stdout.trim()
      assert.equal(await property('MemoryMax'), '67108864')
      await docker.client.ok`update --memory=48m --memory-swap=-1 ${name}`
      assert.equal(await property('MemoryMax'), '50331648')
      await docker.client.ok`stop -t 1 ${name}`
      assert.equal(await docker.inspect(name, '{{.State.ExitCode}}'), '137')
      await docker.client.ok`start ${name}`
      assert.equal(await property('MemoryMax'), '50331648')
      await docker.client.ok`rm -f ${name}`
      await until('the scope is gone', async () => (await property('LoadState')) === 'not-found')
    },
  },
  {
    feature: '--cgroup-parent',
    run: async ({ client }) => {
      const flags = ['--cgroup-parent=some-parent.slice', '--cgroupns=host']
      assert.match(
        await client.ok`run --rm ${flags} ${image} cat /proc/self/cgroup`,
        /^0::\/some\.slice\/some-parent\.slice\/docker-[0-9a-f]{64}\.scope$/,
      )
    },
  },
  {
    feature: 'four containers at once',
    run: async ({ client }) => {
      const outputs = Array.from({ length: 4 }, (_, index) => client.ok`run --rm --memory=64m ${image} echo ${index}`)
      assert.deepEqual(await Promise.all(outputs), ['0', '1', '2', '3'])
    },
  },
]

const placed = (where: Place, before: string, rows: readonly Limit[]): readonly Feature<Docker>[] =>
  rows.map(({ feature, run: test }) => ({ feature: `${before}: ${feature}`, where, run: test }))

export const machineFeatures: readonly Feature<Docker>[] = [
  ...placed('vm', 'cgroup driver cgroupfs', [...bothDrivers, ...onCgroupfs]),
  ...placed('systemd', 'cgroup driver systemd', [...bothDrivers, ...onSystemd]),
]
