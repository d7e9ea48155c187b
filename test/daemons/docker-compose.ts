/** Compose: Debian's docker-compose, which speaks to dockerd by itself. */
import { strict as assert } from 'node:assert'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Docker } from './docker.ts'
import { Client, ended, sh, unique, until, type Feature } from './feature.ts'

/** Services by their names, as in docker-compose.yml. */
type Services = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** A project of the services in a folder of its own. */
interface Project {
  readonly docker: Docker
  readonly name: string
  readonly folder: string
  readonly compose: Client
}

/** A feature of a project that is not yet up; what is left of it is removed afterwards. */
function ofProject(
  feature: string,
  services: Services,
  test: (project: Project) => Promise<void>,
  more: Readonly<Record<string, unknown>> = {},
): Feature<Docker> {
  return {
    feature,
    run: async (docker) => {
      const name = unique('project')
      const folder = path.join(docker.dir, name)
      mkdirSync(folder)
      const file = path.join(folder, 'docker-compose.yml')
      // YAML takes JSON.
      writeFileSync(file, JSON.stringify({ version: '3.8', services, ...more }))
      const env = { DOCKER_HOST: docker.address, COMPOSE_HTTP_TIMEOUT: '300' }
      const compose = new Client('docker-compose', ['--file', file, '--no-ansi'], env)
      try {
        await test({ docker, name, folder, compose })
      } finally {
        await compose.result`down -v -t 0`
      }
    },
  }
}

const server = {
  image: 'box',
  command: sh('mkdir -p /data && echo served > /data/index.html && echo up && exec httpd -f -p 80 -h /data'),
}
const sleeper = { image: 'box', command: sh('echo ready; exec sleep 1000') }

/** As long as the server takes to listen. */
const fetch = 'until wget -qO- http://server/; do sleep 0.1; done'

export const composeFeatures: readonly Feature<Docker>[] = [
  ofProject(
    'Compose: up -d with a network and a volume, ps, logs, exec, down -v',
    {
      server: { ...server, volumes: ['data:/data'], networks: ['inner'] },
      client: { ...sleeper, volumes: ['data:/shared:ro'], networks: ['inner'], depends_on: ['server'] },
    },
    async ({ docker, name, compose }) => {
      const own = async (kind: string) =>
        docker.client.ok`${kind.split(' ')} --quiet --filter label=com.docker.compose.project=${name}`
      await compose.ok`up -d`
      const shown = await compose.ok`ps`
      for (const service of ['client', 'server']) assert.match(shown, new RegExp(`${name}_${service}_1 .* Up\\b`))
      await until('both have logged', async () => {
        const logs = await compose.ok`logs --no-color`
        return /^client_1 +\| ready$/m.test(logs) && /^server_1 +\| up$/m.test(logs)
      })
      assert.equal(await compose.ok`exec -T client ${sh(fetch)}`, 'served')
      assert.equal(await compose.ok`exec -T client cat /shared/index.html`, 'served')
      ended(await compose.result`exec -T client touch /shared/new`, 1, /Read-only file system/)
      ended(await compose.result`exec -T client ${sh('exit 7')}`, 7)
      ended(await compose.typed('tty; exit 3\n')`exec client sh`, 3, /\/dev\/pts\/\d/)
      assert.notEqual(await own('volume ls'), '')
      await compose.ok`down -v -t 1`
      for (const kind of ['ps --all', 'network ls', 'volume ls']) assert.equal(await own(kind), '', kind)
    },
    { networks: { inner: {} }, volumes: { data: {} } },
  ),
  ofProject(
    'Compose: up --exit-code-from',
    { server, test: { image: 'box', command: sh(`${fetch}; exit 9`), depends_on: ['server'] } },
    async ({ compose }) => {
      ended(await compose.result`up --no-color -t 1 --exit-code-from test`, 9, /^test_1 +\| served$/m)
    },
  ),
  ofProject(
    'Compose: run --rm, and its exit status',
    { server, client: { ...sleeper, depends_on: ['server'] } },
    async ({ compose }) => {
      assert.equal(await compose.ok`run --rm -T client ${sh(fetch)}`, 'served')
      ended(await compose.result`run --rm -T client ${sh('exit 43')}`, 43)
    },
  ),
  ofProject('Compose: --scale, stop, start, restart, pause, kill, rm', { worker: sleeper }, async ({ compose }) => {
    const count = async () => (await compose.ok`ps -q`).split('\n').length
    await compose.ok`up -d --scale worker=3`
    assert.equal(await count(), 3)
    await compose.ok`up -d -t 0 --scale worker=1`
    assert.equal(await count(), 1)
    for (const [command, state] of [
      ['stop -t 0', 'stopped'],
      ['start', 'running'],
      ['restart -t 0', 'running'],
      ['pause', 'paused'],
      ['unpause', 'running'],
      ['kill', 'stopped'],
    ] as const) {
      await compose.ok`${command.split(' ')}`
      assert.equal(await compose.ok`ps --services --filter status=${state}`, 'worker', command)
    }
    await compose.ok`rm -f`
    assert.equal(await compose.ok`ps -q`, '')
  }),
  ofProject(
    'Compose: a service waits until another is healthy',
    {
      server: { ...server, healthcheck: { test: ['CMD', 'wget', '-qO-', 'http://127.0.0.1/'], interval: '1s' } },
      client: {
        image: 'box',
        command: ['wget', '-qO-', 'http://server/'],
        depends_on: { server: { condition: 'service_healthy' } },
      },
    },
    async ({ compose }) => {
      await compose.ok`up -d`
      await until('it was served', async () => /\| served$/m.test(await compose.ok`logs --no-color client`))
    },
  ),
  ofProject(
    'Compose: build, and the settings of a service',
    {
      made: {
        build: { context: '.', network: 'none' },
        user: 'someone',
        read_only: true,
        tmpfs: ['/scratch:size=1m'],
        cap_drop: ['ALL'],
        init: true,
        hostname: 'named',
        sysctls: { 'net.ipv4.ip_default_ttl': '77' },
        ulimits: { nofile: 99 },
        environment: { SOME: 'value' },
      },
    },
    async ({ folder, compose }) => {
      writeFileSync(path.join(folder, 'Dockerfile'), 'FROM box\nRUN echo built > /made\n')
      await compose.ok`build`
      const questions = [
        'cat /made; id -un; hostname; echo $SOME; ulimit -n; cat /proc/sys/net/ipv4/ip_default_ttl /proc/1/comm',
        'sed -n "s/^CapBnd:.//p" /proc/self/status; touch /x 2>/dev/null || echo read-only; grep -c " /scratch " /proc/mounts',
      ].join('; ')
      assert.deepEqual((await compose.ok`run --rm -T made ${sh(questions)}`).split('\n'), [
        ...['built', 'someone', 'named', 'value', '99', '77', 'docker-init'],
        ...['0000000000000000', 'read-only', '1'],
      ])
    },
  ),
  ofProject(
    'Compose: error: a missing program',
    { wrong: { image: 'box', command: ['no-such-program'] } },
    async ({ compose }) => {
      ended(await compose.result`up -d`, 1, /"no-such-program": executable file not found in \$PATH/)
    },
  ),
]
