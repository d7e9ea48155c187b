/** Buildah with the isolation `oci`, in which it calls the runtime by itself. */
import { strict as assert } from 'node:assert'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { ended, run, unique, type Daemon, type Feature } from './feature.ts'
import { startPodman, type Podman } from './podman-client.ts'

const image = 'localhost/box'
const sh = (script: string) => ['sh', '-c', script]

const features: readonly Feature<Podman>[] = [
  {
    feature: 'bud: stages, RUN, COPY, WORKDIR, USER',
    smoke: true,
    run: async (podman) => {
      const tag = unique('built')
      const folder = podman.context(
        `FROM ${image} AS first\nRUN echo made > /made\nFROM ${image}\nCOPY --from=first /made /made\nWORKDIR /deep\nUSER someone\nRUN id -un > /tmp/who && pwd >> /tmp/who\nCMD cat /made /tmp/who\n`,
      )
      await podman.buildah.ok`bud --network none -t ${tag} ${folder}`
      assert.equal(await podman.client.ok`run --rm ${tag}`, 'made\nsomeone\n/deep')
    },
  },
  {
    feature: 'bud: a RUN that fails',
    run: async (podman) => {
      const folder = podman.context(`FROM ${image}\nRUN echo said && exit 23\n`)
      const result = await podman.buildah.result`bud --network none ${folder}`
      assert.notEqual(result.status, 0, result.told)
      assert.match(result.stdout + result.stderr, /said[\s\S]*\b23\b/)
    },
  },
  {
    feature: 'from, run, commit',
    run: async ({ buildah, client }) => {
      const [name, tag] = [unique('working'), unique('committed')]
      await buildah.ok`from --name ${name} ${image}`
      await buildah.ok`run ${name} touch /added`
      ended(await buildah.result`run ${name} ${sh('exit 6')}`, 6)
      await buildah.ok`commit ${name} ${tag}`
      await client.ok`run --rm ${tag} test -e /added`
      await buildah.ok`rm ${name}`
    },
  },
  {
    feature: 'run -t: a terminal',
    run: async ({ buildah }) => {
      const name = unique('working')
      await buildah.ok`from --name ${name} ${image}`
      ended(await buildah.typed('tty; exit 4\n')`run -t ${name} sh`, 4, /pts|console/)
      await buildah.ok`rm ${name}`
    },
  },
  {
    feature: 'run --user, -v, --hostname',
    run: async ({ buildah }) => {
      const name = unique('working')
      await buildah.ok`from --name ${name} ${image}`
      const output =
        await buildah.ok`run --user someone --hostname here -v /etc/debian_version:/version:ro ${name} ${sh('id -un; hostname; test -s /version && echo seen')}`
      assert.equal(output, 'someone\nhere\nseen')
      await buildah.ok`rm ${name}`
    },
  },
  {
    feature: 'run --cap-drop, --cap-add, --runtime',
    run: async ({ buildah, setting }) => {
      const name = unique('working')
      await buildah.ok`from --name ${name} ${image}`
      const flags = ['--cap-drop', 'CAP_CHOWN', '--cap-add', 'CAP_SYS_TIME', '--runtime', setting.executable]
      const output = await buildah.ok`run ${flags} ${name} grep CapEff /proc/self/status`
      const [chown, sysTime] = [1n, 1n << 25n]
      assert.equal(BigInt(`0x${output.split('\t')[1]!}`) & (chown | sysTime), sysTime, output)
      await buildah.ok`rm ${name}`
    },
  },
  {
    feature: 'from --userns-uid-map, --userns-gid-map',
    run: async ({ buildah }) => {
      const name = unique('working')
      await buildah.ok`from --name ${name} --userns-uid-map 0:300000:65536 --userns-gid-map 0:300000:65536 ${image}`
      const output = await buildah.ok`run ${name} ${sh('cat /proc/self/uid_map; touch /tmp/x; stat -c %u /tmp/x')}`
      assert.match(output, /^\s*0\s+300000\s+65536\n0$/)
      await buildah.ok`rm ${name}`
    },
  },
  {
    feature: 'bud: RUN --mount=type=bind, tmpfs, cache and secret',
    run: async (podman) => {
      const folder = podman.context(
        [
          `FROM ${image}`,
          'RUN --mount=type=bind,target=/src cp /src/Dockerfile /copied',
          'RUN --mount=type=tmpfs,target=/t grep -q " /t tmpfs" /proc/mounts && touch /t/x',
          'RUN --mount=type=cache,target=/c test -e /c/kept || echo kept > /c/kept',
          'RUN --mount=type=secret,id=word cp /run/secrets/word /word',
          'RUN cat /word',
          '',
        ].join('\n'),
      )
      const file = path.join(folder, 'secret')
      writeFileSync(file, 'of the secret')
      const result = await podman.buildah.result`bud --network none --secret ${`id=word,src=${file}`} ${folder}`
      ended(result, 0, /of the secret/)
    },
  },
  ...(['vm', 'systemd'] as const).map((where): Feature<Podman> => {
    return {
      feature: `bud --memory, --cpu-shares (${where === 'vm' ? 'cgroupfs' : 'systemd'})`,
      where,
      run: async (podman) => {
        const own = '/sys/fs/cgroup$(sed s/0::// /proc/self/cgroup)'
        const folder = podman.context(`FROM ${image}\nRUN cat ${own}/memory.max ${own}/cpu.weight\n`)
        const result = await podman.buildah.result`bud --network none --memory 64m --cpu-shares 512 ${folder}`
        ended(result, 0, /^67108864\n(20|59)$/m)
      },
    }
  }),
  {
    feature: 'error: a missing program',
    run: async ({ buildah }) => {
      const name = unique('working')
      await buildah.ok`from --name ${name} ${image}`
      const result = await buildah.result`run ${name} no-such-program`
      assert.notEqual(result.status, 0, result.told)
      assert.match(result.stderr, /no-such-program.*not found/)
      await buildah.ok`rm ${name}`
    },
  },
]

export const buildah: Daemon<Podman> = {
  name: 'Buildah',
  version: async () => (await run('buildah', ['--version'])).stdout.split(' ')[2] ?? '?',
  start: startPodman,
  stop: async () => undefined,
  features,
}
