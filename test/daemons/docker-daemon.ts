/** Features of dockerd itself, and its networks. */
import { strict as assert } from 'node:assert'
import { appendFileSync, chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Docker } from './docker.ts'
import { ended, run, unique, until, type Feature } from './feature.ts'

const image = 'box'
const sh = (script: string) => ['sh', '-c', script]

export const daemonFeatures: readonly Feature<Docker>[] = [
  {
    feature: 'info names the runtime',
    run: async ({ client }) => {
      const version = await client.ok`version`
      assert.match(version, /under-test:\s+Version:\s+\d+\.\d+/)
    },
  },
  {
    feature: 'bridge network, published ports',
    run: async (docker) => {
      const name = unique()
      const server = sh('mkdir /w; echo served > /w/index.html; echo up; exec httpd -f -p 80 -h /w')
      await docker.client.ok`run -d --name ${name} -p 127.0.0.1:0:80 ${image} ${server}`
      const port = (await docker.client.ok`port ${name} 80`).split(':').pop()
      await until('the port answers', async () => {
        return (await run('busybox', ['wget', '-qO-', `http://127.0.0.1:${port}/`])).stdout === 'served\n'
      })
      await docker.client.ok`rm -f ${name}`
    },
  },
  {
    feature: 'a network of the user’s, with names',
    run: async (docker) => {
      const [network, name] = [unique('net'), unique()]
      await docker.client.ok`network create ${network}`
      await docker.client.ok`run -d --name ${name} --network ${network} ${image} sleep 1000`
      ended(
        await docker.client.result`run --rm --network ${network} ${image} ping -c 1 ${name}`,
        0,
        /1 packets received/,
      )
      await docker.client.ok`rm -f ${name}`
      await docker.client.ok`network rm ${network}`
    },
  },
  {
    feature: 'network connect and disconnect of a running container',
    run: async (docker) => {
      const [network, name] = [unique('net'), unique()]
      await docker.client.ok`network create ${network}`
      await docker.client.ok`run -d --name ${name} ${image} sleep 1000`
      await docker.client.ok`network connect ${network} ${name}`
      assert.match(await docker.client.ok`exec ${name} ls /sys/class/net`, /eth0\s+eth1/)
      await docker.client.ok`network disconnect ${network} ${name}`
      await docker.client.ok`rm -f ${name}`
      await docker.client.ok`network rm ${network}`
    },
  },
  {
    feature: '--userns-remap',
    smoke: true,
    alone: true,
    run: async (docker) => {
      for (const file of ['/etc/passwd', '/etc/group'])
        appendFileSync(file, file.endsWith('passwd') ? 'remapped:x:777:777::/:/bin/false\n' : 'remapped:x:777:\n')
      for (const file of ['/etc/subuid', '/etc/subgid']) appendFileSync(file, 'remapped:300000:65536\n')
      const other = await docker.another('remapped', '--userns-remap=remapped')
      try {
        assert.match(await other.client.ok`run --rm ${image} cat /proc/self/uid_map`, /^\s*0\s+300000\s+65536$/)
        const name = unique()
        await other.client.ok`run -d --name ${name} ${image} ${sh('touch /mine; id -u; exec sleep 1000')}`
        await other.logged(name, '0')
        assert.equal(await other.client.ok`exec ${name} ${sh('id -u; stat -c %u /mine')}`, '0\n0')
        ended(await other.client.typed('tty; exit 4\n')`exec -it ${name} sh`, 4, /pts/)
        await other.client.ok`rm -f ${name}`
        assert.equal(await other.client.ok`run --rm -v vol:/v ${image} ${sh('echo x > /v/f; stat -c %u /v/f')}`, '0')
        ended(await other.client.typed('tty; exit 4\n')`run --rm -it ${image} sh`, 4, /pts/)
        assert.match(await other.client.ok`run --rm --userns=host ${image} cat /proc/self/uid_map`, /4294967295/)
        const closed = path.join(other.dir, 'closed')
        mkdirSync(path.join(closed, 'source'), { recursive: true })
        writeFileSync(path.join(closed, 'source/file'), 'from a home directory')
        chownSync(closed, 5555, 5555)
        chmodSync(closed, 0o700)
        const bound = await other.client.ok`run --rm -v ${closed}/source:/b:ro ${image} cat /b/file`
        assert.equal(bound, 'from a home directory')
      } finally {
        await other.end()
      }
    },
  },
]
