/** Images built by `docker build`, with both of its builders. */
import { strict as assert } from 'node:assert'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Docker } from './docker.ts'
import { ended, unique, type Feature } from './feature.ts'

const image = 'box'

const stages = `FROM ${image} AS first
RUN echo made > /made && mkdir -p /deep/down
WORKDIR /deep/down
RUN pwd > where && id -u > who
FROM ${image}
COPY --from=first /made /deep/down/where /from/
COPY text /from/text
USER someone
RUN id -un > /tmp/who
CMD cat /from/made /from/where /from/text /tmp/who
`

function builds(builder: string, buildkit: '0' | '1'): readonly Feature<Docker>[] {
  const build = async (docker: Docker, dockerfile: string) => {
    const [folder, tag] = [path.join(docker.dir, unique('build')), unique('built')]
    mkdirSync(folder)
    writeFileSync(path.join(folder, 'Dockerfile'), dockerfile)
    writeFileSync(path.join(folder, 'text'), 'copied\n')
    const args = ['build', '--network=none', '-t', tag, folder]
    return { tag, result: await docker.client.exec(args, { env: { DOCKER_BUILDKIT: buildkit } }) }
  }
  return [
    {
      feature: `build with ${builder}: stages, RUN, COPY, WORKDIR, USER`,
      smoke: true,
      run: async (docker) => {
        const { tag, result } = await build(docker, stages)
        ended(result, 0)
        assert.equal(await docker.client.ok`run --rm ${tag}`, 'made\n/deep/down\ncopied\nsomeone')
        const again = await build(docker, stages)
        ended(again.result, 0, buildkit === '1' ? /CACHED/ : /Using cache/)
      },
    },
    {
      feature: `build with ${builder}: a RUN that fails`,
      run: async (docker) => {
        const { result } = await build(docker, `FROM ${image}\nRUN echo said && exit 23\n`)
        assert.notEqual(result.status, 0, result.told)
        assert.match(result.stderr + result.stdout, /said[\s\S]*\b23\b/)
      },
    },
    {
      feature: `build with ${builder}: a missing program`,
      run: async (docker) => {
        const { result } = await build(docker, `FROM ${image}\nRUN ["no-such-program"]\n`)
        assert.notEqual(result.status, 0, result.told)
        assert.match(result.stderr + result.stdout, /no-such-program.*executable file not found/)
      },
    },
  ]
}

export const buildFeatures: readonly Feature<Docker>[] = [
  ...builds('the classic builder', '0'),
  ...builds('BuildKit', '1'),
]
