/** What needs cgroup controllers of containerd, with both drivers: cgroups that are folders, and those of systemd's units. */
import { strict as assert } from 'node:assert'
import { existsSync, readFileSync } from 'node:fs'
import type { Containerd } from './containerd.ts'
import { image, withPod, type Pod } from './containerd-pods.ts'
import { Mode, type ContainerConfig } from './cri.ts'
import { ended, run, sh, unique, until, type Feature } from './feature.ts'

const forever = ['sleep', '1000']
const MiB = 1 << 20

/** Where a container's cgroup is. */
interface Place {
  readonly folder: (id: string) => string
  /** Must be these properties of its unit, where it has one. */
  readonly unit: (id: string, expected: Readonly<Record<string, string>>) => Promise<void>
}

async function assertUnit(unit: string, expected: Readonly<Record<string, string>>): Promise<void> {
  const names = Object.keys(expected)
  const { stdout } = await run('systemctl', ['show', ...names.map((name) => `--property=${name}`), unit])
  const lines = stdout.trim().split('\n').sort()
  assert.deepEqual(lines, names.map((name) => `${name}=${expected[name]}`).sort())
}

/** Contents of files of a cgroup. */
function read(folder: string, ...files: string[]): string[] {
  return files.map((file) => readFileSync(`${folder}/${file}`, 'utf8').trim())
}

/** A feature of pods, once with each driver. The pod's own cgroup is named as a kubelet names it. */
function withDrivers(
  feature: string,
  test: (pod: Pod, engine: Containerd, place: Place) => Promise<void>,
): Feature<Containerd>[] {
  const options = { security: { namespace_options: { network: Mode.node, pid: Mode.container } } }
  const folders: Feature<Containerd> = {
    feature: `CRI, cgroup driver cgroupfs: ${feature}`,
    where: 'vm',
    run: (engine) => {
      const parent = `/kubepods/${unique('pod')}`
      const place = { folder: (id: string) => `/sys/fs/cgroup${parent}/${id}`, unit: async () => undefined }
      return withPod(engine, { ...options, parent }, (pod) => test(pod, engine, place))
    },
  }
  const units: Feature<Containerd> = {
    feature: `CRI, cgroup driver systemd: ${feature}`,
    where: 'systemd',
    run: (engine) => {
      const parent = `/kubepods.slice/kubepods-${unique('pod')}.slice`
      const scope = (id: string) => `cri-containerd-${id}.scope`
      const place: Place = {
        folder: (id) => `/sys/fs/cgroup${parent}/${scope(id)}`,
        unit: (id, expected) => assertUnit(scope(id), expected),
      }
      return withPod(engine, { ...options, parent }, (pod) => test(pod, engine, place))
    },
  }
  return [folders, units]
}

const limited = (memory: number): ContainerConfig => ({ linux: { resources: { memory_limit_in_bytes: memory } } })

export const cgroupFeatures: readonly Feature<Containerd>[] = [
  ...withDrivers('limits of a container', async (pod, { cri }, place) => {
    const resources = {
      memory_limit_in_bytes: 64 * MiB,
      cpu_period: 100_000,
      cpu_quota: 50_000,
      cpu_shares: 512,
      cpuset_cpus: '0',
      unified: { 'memory.high': `${48 * MiB}` },
    }
    const id = await pod.start(forever, { linux: { resources } })
    const seen = read(place.folder(id), 'memory.max', 'memory.high', 'cpu.max', 'cpuset.cpus', 'pids.current')
    assert.deepEqual(seen, [`${64 * MiB}`, `${48 * MiB}`, '50000 100000', '0', '1'])
    assert.equal(await pod.ok(id, ['cat', '/sys/fs/cgroup/memory.max']), `${64 * MiB}`)
    await place.unit(id, { MemoryMax: `${64 * MiB}`, CPUQuotaPerSecUSec: '500ms', AllowedCPUs: '0' })
    await cri.call('StopContainer', { container_id: id, timeout: 0 })
    await until('its cgroup is gone', async () => !existsSync(place.folder(id)))
    await until('its unit is gone', () => place.unit(id, { ActiveState: 'inactive' }).then(() => true))
  }),
  ...withDrivers('UpdateContainerResources', async (pod, { cri }, place) => {
    const id = await pod.start(forever, limited(64 * MiB))
    const linux = { memory_limit_in_bytes: 48 * MiB, cpu_period: 100_000, cpu_quota: 200_000 }
    await cri.call('UpdateContainerResources', { container_id: id, linux })
    assert.deepEqual(read(place.folder(id), 'memory.max', 'cpu.max'), [`${48 * MiB}`, '200000 100000'])
    await place.unit(id, { MemoryMax: `${48 * MiB}`, CPUQuotaPerSecUSec: '2s' })
  }),
  ...withDrivers('stats of a container and its pod', async (pod, { cri }) => {
    const container_id = await pod.start(forever, limited(64 * MiB))
    await until('the numbers are there', async () => {
      const { stats } = await cri.call('ContainerStats', { container_id })
      assert.equal(stats!.attributes!.id, container_id)
      return stats!.memory!.working_set_bytes!.value > 0 && stats!.cpu!.usage_core_nano_seconds!.value > 0
    })
    const { linux } = (await cri.call('PodSandboxStats', { pod_sandbox_id: pod.id })).stats!
    assert.deepEqual(
      linux!.containers.map(({ attributes }) => attributes!.id),
      [container_id],
    )
    assert.ok(linux!.memory!.usage_bytes!.value > 0)
  }),
  ...withDrivers('more memory than the limit: OOMKilled', async (pod) => {
    const id = await pod.start(sh('head -c 100m /dev/zero | tail'), limited(16 * MiB))
    assert.equal((await pod.ended(id)).exit_code, 137)
    await until('the reason is told', async () => (await pod.status(id)).reason === 'OOMKilled')
  }),
  ...withDrivers('more memory than the limit, at the start', async (pod, { cri }) => {
    const container_id = await pod.create(forever, limited(64 * 1024)).catch((error: unknown) => String(error))
    // Where the container was made, its start fails.
    const told = container_id.includes(' ')
      ? container_id
      : await cri.call('StartContainer', { container_id }).then(String, String)
    assert.match(told, /memory limit too low|OOM-killed/i)
  }),
  {
    feature: 'run --memory-limit, --cpus',
    where: 'vm',
    run: async (engine) => {
      const name = unique()
      const flags = ['--memory-limit', `${32 * MiB}`, '--cpus', '0.5']
      await engine.client.ok`run -d ${flags} ${engine.runtime} ${image} ${name} sleep 1000`
      try {
        const seen = read(`/sys/fs/cgroup/default/${name}`, 'memory.max', 'cpu.max')
        assert.deepEqual(seen, [`${32 * MiB}`, '50000 100000'])
      } finally {
        await engine.remove(name)
      }
    },
  },
  {
    feature: 'tasks metrics: memory, CPU and processes',
    where: 'vm',
    run: async (engine) => {
      const { client, runtime } = engine
      const name = unique()
      await client.ok`run -d --memory-limit ${64 * MiB} ${runtime} ${image} ${name} sleep 1000`
      try {
        const table = await client.ok`tasks metrics ${name}`
        const shown = (row: string) => Number(new RegExp(`^${row}\\s+(\\d+)\\s*$`, 'm').exec(table)?.[1])
        assert.deepEqual([shown('memory.usage_limit'), shown('pids.current')], [64 * MiB, 1], table)
        assert.ok(shown('memory.usage') > 0 && shown('cpu.usage_usec') > 0, table)
      } finally {
        await engine.remove(name)
      }
    },
  },
  {
    feature: 'run --runc-systemd-cgroup: a scope with limits, exec, pause',
    where: 'systemd',
    run: async (engine) => {
      const { client, runtime } = engine
      const name = unique()
      const flags = ['--runc-systemd-cgroup', '--cgroup', `system.slice:ctr:${name}`, '--memory-limit', `${64 * MiB}`]
      await client.ok`run -d ${flags} ${runtime} ${image} ${name} sleep 1000`
      try {
        const folder = `/sys/fs/cgroup/system.slice/ctr-${name}.scope`
        assert.deepEqual(read(folder, 'memory.max', 'pids.current'), [`${64 * MiB}`, '1'])
        await assertUnit(`ctr-${name}.scope`, { MemoryMax: `${64 * MiB}`, ActiveState: 'active' })
        ended(await client.result`tasks exec --exec-id one ${name} ${sh('exit 7')}`, 7)
        await client.ok`tasks pause ${name}`
        assert.equal(await engine.status(name), 'PAUSED')
        await client.ok`tasks resume ${name}`
      } finally {
        await engine.remove(name)
      }
      await until('its unit is gone', () =>
        assertUnit(`ctr-${name}.scope`, { ActiveState: 'inactive' }).then(() => true),
      )
    },
  },
]
