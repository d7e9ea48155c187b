/** Images built by `docker build`, with both of its builders. */
import { strict as assert } from 'node:assert'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Docker } from './docker.ts'
import { ended, unique, until, type Feature } from './feature.ts'

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

const healthOf = '{{.State.Health.Status}}'

const settings = `FROM ${image} AS wanted
ARG SAID=nothing
ENV KEPT=kept
SHELL ["/bin/sh", "-ec"]
LABEL by=file
VOLUME /volume
HEALTHCHECK --interval=1s --retries=100 CMD test -e /said
RUN echo $SAID > /said; tr '\\0' ' ' < /proc/$$/cmdline | cut -d ' ' -f 1,2 | sed s,/bin/,, > /shell
CMD cat /said; echo $KEPT; cat /shell
FROM wanted
RUN exit 1
`

const confined = "grep -E '^(CapEff|Seccomp):' /proc/self/status && ls /sys/firmware | wc -l"

function builds(builder: string, buildkit: '0' | '1'): readonly Feature<Docker>[] {
  const build = async (docker: Docker, dockerfile: string, flags: readonly string[] = []) => {
    const [folder, tag] = [path.join(docker.dir, unique('build')), unique('built')]
    mkdirSync(folder)
    writeFileSync(path.join(folder, 'Dockerfile'), dockerfile)
    writeFileSync(path.join(folder, 'text'), 'copied\n')
    const args = ['build', '--network=none', '-t', tag, ...flags, folder]
    return { tag, result: await docker.client.exec(args, { env: { DOCKER_BUILDKIT: buildkit } }) }
  }
  const refused = async (docker: Docker, dockerfile: string, pattern: RegExp) => {
    const { result } = await build(docker, dockerfile)
    assert.notEqual(result.status, 0, result.told)
    assert.match(result.stderr + result.stdout, pattern)
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
      run: (docker) => refused(docker, `FROM ${image}\nRUN echo said && exit 23\n`, /said[\s\S]*\b23\b/),
    },
    {
      feature: `build with ${builder}: a missing program`,
      run: (docker) =>
        refused(docker, `FROM ${image}\nRUN ["no-such-program"]\n`, /no-such-program.*executable file not found/),
    },
    {
      feature: `build with ${builder}: ARG, ENV, --target, SHELL, LABEL, VOLUME, HEALTHCHECK`,
      run: async (docker) => {
        const flags = ['--build-arg', 'SAID=by the client', '--target', 'wanted', '--label', 'of=client']
        const { tag, result } = await build(docker, settings, flags)
        ended(result, 0)
        assert.equal(await docker.client.ok`run --rm ${tag}`, 'by the client\nkept\nsh -ec')
        const labels = await docker.client.ok`inspect --format ${'{{.Config.Labels.of}} {{.Config.Labels.by}}'} ${tag}`
        assert.equal(labels, 'client file')
        const name = unique()
        await docker.client.ok`run -d --name ${name} ${tag} sleep 1000`
        assert.match(await docker.client.ok`exec ${name} grep /volume /proc/mounts`, /^\S+ \/volume /)
        await until('it is healthy', async () => (await docker.inspect(name, healthOf)) === 'healthy')
        await docker.client.ok`rm -f -v ${name}`
      },
    },
    {
      feature: `build with ${builder}: --network none`,
      run: async (docker) => {
        const { tag, result } = await build(docker, `FROM ${image}\nRUN ls /sys/class/net > /interfaces\n`)
        ended(result, 0)
        assert.equal(await docker.client.ok`run --rm ${tag} cat /interfaces`, 'lo')
      },
    },
    {
      feature: `build with ${builder}: what a step may: capabilities, seccomp, masked paths`,
      run: async (docker) => {
        const { tag, result } = await build(docker, `FROM ${image}\nRUN { ${confined}; } > /confined\n`)
        ended(result, 0)
        assert.equal(await docker.client.ok`run --rm ${tag} cat /confined`, 'CapEff:\t00000000a80425fb\nSeccomp:\t2\n0')
      },
    },
  ]
}

const mounts = `FROM ${image}
RUN --mount=type=secret,id=key,target=/secret cat /secret > /told && stat -c %a /secret >> /told
RUN --mount=type=cache,target=/cache echo kept > /cache/file
RUN --mount=type=cache,target=/cache cat /cache/file >> /told
RUN --mount=type=tmpfs,target=/mem grep ' /mem tmpfs ' /proc/mounts | cut -d ' ' -f 2 >> /told
RUN --mount=type=bind,target=/context cat /context/text >> /told && ! touch /context/new
RUN test ! -e /secret/key && test ! -s /secret && ! ls /context/text
`

/** Runs a build by BuildKit in a folder of its own. */
async function builtByBuildKit(docker: Docker, dockerfile: string, flags: readonly string[]) {
  const folder = path.join(docker.dir, unique('build'))
  mkdirSync(folder)
  writeFileSync(path.join(folder, 'Dockerfile'), dockerfile)
  writeFileSync(path.join(folder, 'text'), 'copied\n')
  return docker.client.exec(['build', ...flags, folder], { env: { DOCKER_BUILDKIT: '1' } })
}

export const buildFeatures: readonly Feature<Docker>[] = [
  ...builds('the classic builder', '0'),
  ...builds('BuildKit', '1'),
  {
    feature: 'build with BuildKit: RUN --mount, with secret, cache, tmpfs and bind',
    run: async (docker) => {
      const [tag, secret] = [unique('built'), docker.file(unique('secret'), 'hush\n')]
      const flags = ['--network=none', '--secret', `id=key,src=${secret}`, '-t', tag]
      ended(await builtByBuildKit(docker, mounts, flags), 0)
      assert.equal(await docker.client.ok`run --rm ${tag} cat /told`, 'hush\n400\nkept\n/mem\ncopied')
    },
  },
  {
    feature: 'build with BuildKit: --output to a folder',
    run: async (docker) => {
      const target = path.join(docker.dir, unique('output'))
      const dockerfile = `FROM ${image} AS first\nRUN echo made > /made\nFROM scratch\nCOPY --from=first /made /made\n`
      ended(await builtByBuildKit(docker, dockerfile, ['--network=none', '--output', target]), 0)
      assert.equal(readFileSync(path.join(target, 'made'), 'utf8'), 'made\n')
    },
  },
  {
    feature: 'build with BuildKit: steps at the same time',
    run: async (docker) => {
      const names = ['a', 'b', 'c', 'd', 'e', 'f']
      const steps = names.map((name) => `FROM ${image} AS ${name}\nRUN echo ${name} > /${name}\n`).join('')
      const copies = names.map((name) => `COPY --from=${name} /${name} /all/\n`).join('')
      const tag = unique('built')
      ended(await builtByBuildKit(docker, `${steps}FROM ${image}\n${copies}`, ['--network=none', '-t', tag]), 0)
      assert.equal(await docker.client.ok`run --rm ${tag} ls /all`, names.join('\n'))
    },
  },
]
