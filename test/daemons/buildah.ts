/** Buildah with the isolation `oci`, in which it calls the runtime by itself. */
import { strict as assert } from 'node:assert'
import { ended, run, unique, type Daemon, type Feature } from './feature.ts'
import { startPodman, type Podman } from './podman.ts'

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
