/** What is in a container: what images bring, what volumes do, and how it comes in and out. */
import { strict as assert } from 'node:assert'
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Docker } from './docker.ts'
import { ended, ofRunning, run, sh, unique, until, type Feature } from './feature.ts'

const image = 'box'

/** An image whose container has run the script. */
async function committed(docker: Docker, script: string, ...flags: string[]): Promise<string> {
  const [name, tag] = [unique(), unique('image')]
  await docker.client.ok`run --name ${name} ${image} ${sh(script)}`
  await docker.client.ok`commit ${flags} ${name} ${tag}`
  await docker.client.ok`rm ${name}`
  return tag
}

function folderIn(docker: Docker, files: Readonly<Record<string, string>>): string {
  const folder = path.join(docker.dir, unique('folder'))
  mkdirSync(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text)
  return folder
}

export const contentFeatures: readonly Feature<Docker>[] = [
  {
    feature: 'cp: of a container that is not running: folders, owners, modes, links',
    run: async (docker) => {
      const [name, folder] = [unique(), folderIn(docker, { file: 'from outside' })]
      symlinkSync('file', path.join(folder, 'link'))
      await docker.client.ok`create --name ${name} ${image} cat /put/link`
      await docker.client.ok`cp ${folder} ${name}:/put`
      ended(await docker.client.result`start -a ${name}`, 0, /from outside/)
      await docker.client.ok`cp ${name}:/put ${folder}/back`
      assert.equal(readFileSync(path.join(folder, 'back/file'), 'utf8'), 'from outside')
      await docker.client.ok`cp ${name}:/tmp ${folder}/tmp`
      assert.equal(statSync(path.join(folder, 'tmp')).mode & 0o7777, 0o1777)
      ended(await docker.client.result`cp ${name}:/no/such ${folder}`, 1, /no\/such/)
      await docker.client.ok`rm ${name}`
    },
  },
  ofRunning<Docker>(
    'cp: into and out of a volume, and as a tar',
    async (docker, name) => {
      const [file, volume] = [docker.file(unique('in'), 'for the volume'), '/volume/file']
      await docker.client.ok`cp ${file} ${name}:${volume}`
      assert.equal(await docker.client.ok`exec ${name} cat ${volume}`, 'for the volume')
      assert.match(await docker.client.ok`cp ${name}:${volume} -`, /^file\0[\s\S]*for the volume/)
    },
    ['-v', '/volume'],
  ),
  ofRunning('diff: added, changed and deleted', async ({ client }, name) => {
    await client.ok`exec ${name} ${sh('touch /added; echo more >> /etc/text; rm /etc/group; mkdir -p /deep/down')}`
    const lines = (await client.ok`diff ${name}`).split('\n').sort()
    assert.deepEqual(lines, ['A /added', 'A /deep', 'A /deep/down', 'C /etc', 'C /etc/text', 'D /etc/group'])
  }),
  ofRunning('commit: while it runs, with --change', async ({ client }, name) => {
    await client.ok`exec ${name} ${sh('echo kept > /kept; rm /etc/text')}`
    const tag = unique('image')
    const change = 'CMD ["sh", "-c", "cat /kept; ls /etc/text"]'
    await client.ok`commit --change ${change} --change ${'ENV A=b'} ${name} ${tag}`
    ended(await client.result`run --rm ${tag}`, 1, /^kept\n/, /\/etc\/text: No such file/)
    assert.equal(await client.ok`run --rm ${tag} ${sh('echo $A')}`, 'b')
  }),
  {
    feature: 'export, import',
    run: async (docker) => {
      const [name, tag] = [unique(), unique('image')]
      await docker.client.ok`run --name ${name} ${image} ${sh('echo exported > /file')}`
      const tar = path.join(docker.dir, `${name}.tar`)
      await docker.client.ok`export -o ${tar} ${name}`
      await docker.client.ok`import --change ${'ENTRYPOINT ["cat"]'} ${tar} ${tag}`
      assert.equal(await docker.client.ok`run --rm ${tag} /file`, 'exported')
      await docker.client.ok`rm ${name}`
    },
  },
  {
    feature: 'save, load: several layers, with what one deleted',
    run: async (docker) => {
      const tag = await committed(docker, 'rm /etc/text; mkdir /new; echo layered > /new/file')
      const tar = path.join(docker.dir, `${tag}.tar`)
      await docker.client.ok`save -o ${tar} ${tag}`
      await docker.client.ok`rmi ${tag}`
      assert.match(await docker.client.ok`load -i ${tar}`, /Loaded image/)
      const script = sh('cat /new/file; test -e /etc/text || echo deleted')
      assert.equal(await docker.client.ok`run --rm ${tag} ${script}`, 'layered\ndeleted')
    },
  },
  {
    feature: '-v without propagation: the host’s later mounts do not arrive',
    run: async (docker) => {
      const [name, folder] = [unique(), path.join(docker.setting.work, unique('prop'))]
      const inner = path.join(folder, 'inner')
      mkdirSync(inner, { recursive: true })
      await docker.client.ok`run -d --name ${name} -v ${folder}:/p ${image} sleep 1000`
      ended(await run('mount', ['-t', 'tmpfs', 'late', inner]), 0)
      try {
        const mounts = await docker.client.ok`exec ${name} ${sh('grep -c " /p/inner " /proc/mounts; true')}`
        assert.equal(mounts, '0')
        // What was there before is seen by a new container.
        assert.match(await docker.client.ok`run --rm -v ${folder}:/p ${image} grep /p/inner /proc/mounts`, /tmpfs/)
      } finally {
        ended(await run('umount', [inner]), 0)
        await docker.client.ok`rm -f ${name}`
      }
    },
  },
  {
    feature: '-v: below another one, and at the end of a link of the image’s',
    run: async (docker) => {
      const [outer, inner] = [folderIn(docker, { file: 'outer' }), folderIn(docker, { file: 'inner' })]
      const flags = ['-v', `${inner}:/at/below`, '-v', `${outer}:/at`]
      assert.equal(await docker.client.ok`run --rm ${flags} ${image} cat /at/file /at/below/file`, 'outerinner')
      const tag = await committed(docker, 'mkdir -p /real; ln -s /real /link; ln -s ../../../../etc /climbs')
      assert.equal(await docker.client.ok`run --rm -v ${outer}:/link/in ${tag} cat /real/in/file`, 'outer')
      assert.equal(await docker.client.ok`run --rm -v ${outer}:/climbs/in ${tag} cat /etc/in/file`, 'outer')
      assert.ok(!existsSync('/etc/in'))
    },
  },
  {
    feature: 'volumes: of the image, anonymous, nocopy, gone with --rm',
    run: async (docker) => {
      const { client } = docker
      const tag = await committed(docker, 'mkdir /data; echo first > /data/file', '--change', 'VOLUME /data')
      const name = unique()
      await client.ok`run -d --rm --name ${name} ${tag} sleep 1000`
      const volume = await docker.inspect(name, '{{(index .Mounts 0).Name}}')
      assert.equal(await client.ok`exec ${name} cat /data/file`, 'first')
      await client.ok`volume inspect ${volume}`
      await client.ok`kill ${name}`
      await until('the volume is gone', async () => (await client.result`volume inspect ${volume}`).status !== 0)
      const mount = `type=volume,source=${unique('volume')},target=/data,volume-nocopy`
      assert.equal(await client.ok`run --rm --mount ${mount} ${tag} ls /data`, '')
    },
  },
  {
    feature: '--mount type=tmpfs with size and mode',
    run: async ({ client }) => {
      const mount = 'type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=700'
      const output =
        await client.ok`run --rm --mount ${mount} ${image} ${sh('stat -c %a /t; grep " /t " /proc/mounts')}`
      assert.match(output, /^700\n.*size=1024k/)
    },
  },
]
