/** What needs cgroup controllers or security modules. */
import { strict as assert } from 'node:assert'
import type { Docker } from './docker.ts'
import { unique, until, type Feature } from './feature.ts'

const image = 'box'
const sh = (script: string) => ['sh', '-c', script]

/** Files of the container's own cgroup. */
function limits(
  feature: string,
  flags: readonly string[],
  expected: Readonly<Record<string, RegExp>>,
): Feature<Docker> {
  return {
    feature,
    where: 'vm',
    run: async ({ client }) => {
      const files = Object.keys(expected)
      const output =
        await client.ok`run --rm ${flags} ${image} ${sh(files.map((file) => `cat /sys/fs/cgroup/${file}`).join('; '))}`
      const lines = output.split('\n')
      files.forEach((file, index) => assert.match(lines[index] ?? '', expected[file]!, `${file}: ${output}`))
    },
  }
}

export const machineFeatures: readonly Feature<Docker>[] = [
  limits('--memory, --memory-reservation', ['--memory=64m', '--memory-reservation=32m'], {
    'memory.max': /^67108864$/,
    'memory.low': /^33554432$/,
  }),
  limits('--cpus, --cpu-shares, --cpuset-cpus', ['--cpus=0.5', '--cpu-shares=512', '--cpuset-cpus=0'], {
    'cpu.max': /^50000 100000$/,
    'cpu.weight': /^(20|59)$/,
    'cpuset.cpus': /^0$/,
  }),
  limits('--pids-limit', ['--pids-limit=50'], { 'pids.max': /^50$/ }),
  {
    feature: 'more processes than --pids-limit',
    where: 'vm',
    run: async ({ client }) => {
      const result =
        await client.result`run --rm --pids-limit=5 ${image} ${sh('for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; wait')}`
      assert.match(result.stderr, /can't fork/, result.told)
    },
  },
  {
    feature: 'more memory than --memory: killed, and inspect says so',
    where: 'vm',
    run: async (docker) => {
      const name = unique()
      const hog = sh('head -c 100m /dev/zero | tail')
      const result = await docker.client.result`run --name ${name} --memory=16m --memory-swap=16m ${image} ${hog}`
      assert.notEqual(result.status, 0, result.told)
      assert.equal(await docker.inspect(name, '{{.State.OOMKilled}}'), 'true')
      await docker.client.ok`rm ${name}`
    },
  },
  {
    feature: 'update',
    where: 'vm',
    run: async ({ client }) => {
      const name = unique()
      await client.ok`run -d --name ${name} --memory=64m --memory-swap=64m ${image} sleep 1000`
      await client.ok`update --memory=48m --memory-swap=48m --pids-limit=77 --cpus=1.5 ${name}`
      const files = sh('cd /sys/fs/cgroup; cat memory.max pids.max cpu.max')
      assert.equal(await client.ok`exec ${name} ${files}`, '50331648\n77\n150000 100000')
      await client.ok`rm -f ${name}`
    },
  },
  {
    feature: 'stats',
    where: 'vm',
    run: async ({ client }) => {
      const name = unique()
      await client.ok`run -d --name ${name} --memory=64m ${image} sleep 1000`
      await until('the numbers are there', async () => {
        return /^\d[\w.]* \/ 64MiB \d+$/.test(
          await client.ok`stats --no-stream --format ${'{{.MemUsage}} {{.PIDs}}'} ${name}`,
        )
      })
      await client.ok`rm -f ${name}`
    },
  },
  {
    feature: '--device-cgroup-rule',
    where: 'vm',
    run: async ({ client }) => {
      const make = sh('mknod /tmp/f c 1 7 && cat /tmp/f | head -c 1 | wc -c')
      assert.equal(await client.ok`run --rm --device-cgroup-rule ${'c 1:7 r'} ${image} ${make}`, '1')
    },
  },
  {
    feature: '--cgroup-parent',
    where: 'vm',
    run: async ({ client }) => {
      const output =
        await client.ok`run --rm --cgroup-parent=/some/parent --cgroupns=host ${image} cat /proc/self/cgroup`
      assert.match(output, /^0::\/some\/parent\/[0-9a-f]{64}$/)
    },
  },
  {
    feature: 'the cgroup driver systemd: a scope of its own, limits, exec, stop',
    where: 'systemd',
    run: async (docker) => {
      const name = unique()
      assert.equal(await docker.client.ok`info --format {{.CgroupDriver}}`, 'systemd')
      await docker.client.ok`run -d --name ${name} --memory=64m --cgroupns=host ${image} sleep 1000`
      assert.match(
        await docker.client.ok`exec ${name} cat /proc/self/cgroup`,
        /^0::\/system\.slice\/docker-[0-9a-f]{64}\.scope/,
      )
      await docker.client.ok`update --memory=48m --memory-swap=-1 ${name}`
      await docker.client.ok`pause ${name}`
      await docker.client.ok`unpause ${name}`
      await docker.client.ok`stop -t 1 ${name}`
      assert.equal(await docker.inspect(name, '{{.State.ExitCode}}'), '137')
      await docker.client.ok`rm ${name}`
    },
  },
]
