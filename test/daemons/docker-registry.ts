/** Images from a registry: Debian's docker-registry, on loopback. */
import { strict as assert } from 'node:assert'
import { spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Docker } from './docker.ts'
import { ended, unique, until, type Feature } from './feature.ts'

/** Starts a registry, and ends it after its use. @param use takes its address, HOST:PORT */
export async function withRegistry(docker: Docker, use: (address: string) => Promise<void>): Promise<void> {
  const folder = path.join(docker.dir, unique('registry'))
  mkdirSync(folder)
  const config = {
    version: '0.1',
    log: { accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: path.join(folder, 'data') } },
    http: { addr: '127.0.0.1:0' },
  }
  // YAML takes JSON.
  writeFileSync(path.join(folder, 'config.yml'), JSON.stringify(config))
  const log = openSync(path.join(folder, 'log'), 'a')
  const child = spawn('docker-registry', ['serve', path.join(folder, 'config.yml')], { stdio: ['ignore', log, log] })
  const gone = new Promise((resolve) => child.on('exit', resolve))
  try {
    let address: string | undefined
    await until('the registry listens', async () => {
      const said = readFileSync(path.join(folder, 'log'), 'utf8')
      address = /listening on (127\.0\.0\.1:\d+)/.exec(said)?.[1]
      if (address === undefined && child.exitCode !== null) throw new Error(said)
      return address !== undefined
    })
    await use(address!)
  } finally {
    child.kill()
    await gone
  }
}

/** A feature of a registry that has the image. */
function ofRegistry(
  feature: string,
  test: (docker: Docker, reference: string, digest: string) => Promise<void>,
): Feature<Docker> {
  return {
    feature,
    run: (docker) =>
      withRegistry(docker, async (address) => {
        const reference = `${address}/some/box:tag`
        await docker.client.ok`tag ${docker.image} ${reference}`
        const pushed = await docker.client.ok`push ${reference}`
        const digest = /^tag: digest: (sha256:[0-9a-f]{64}) /m.exec(pushed)?.[1]
        assert.ok(digest !== undefined, pushed)
        await docker.client.ok`rmi ${reference}`
        await test(docker, reference, digest)
      }),
  }
}

export const registryFeatures: readonly Feature<Docker>[] = [
  ofRegistry('push to a registry, remove, pull, run', async ({ client }, reference) => {
    ended(await client.result`run --rm --pull never ${reference} true`, 125, /[Nn]o such image/)
    await client.ok`pull ${reference}`
    assert.equal(await client.ok`run --rm --pull never ${reference} echo pulled`, 'pulled')
    await client.ok`rmi ${reference}`
  }),
  ofRegistry(
    'run pulls from a registry what is not here, by tag and by digest',
    async ({ client }, reference, digest) => {
      assert.equal(await client.ok`run --rm ${reference} echo by tag`, 'by tag')
      await client.ok`rmi ${reference}`
      const exact = reference.replace(/:tag$/, `@${digest}`)
      assert.equal(await client.ok`run --rm ${exact} echo by digest`, 'by digest')
      await client.ok`rmi ${exact}`
    },
  ),
  ofRegistry('push of an image that was built FROM one in the registry', async (docker, reference) => {
    const { client } = docker
    const built = reference.replace('/box:tag', '/built')
    const dockerfile = `FROM ${reference}\nRUN echo built > /made\nCMD ["cat", "/made"]\n`
    const args = ['build', '--network=none', '-t', built, '-']
    ended(await client.exec(args, { input: dockerfile, env: { DOCKER_BUILDKIT: '1' } }), 0)
    await client.ok`push ${built}`
    await client.ok`rmi ${built}`
    assert.equal(await client.ok`run --rm ${built}`, 'built')
    await client.ok`rmi ${built}`
  }),
  ofRegistry('error: an image that the registry does not have', async ({ client }, reference) => {
    const missing = reference.replace(/:tag$/, ':missing')
    ended(await client.result`run --rm ${missing} true`, 125, /manifest for .*:missing not found/)
  }),
]
