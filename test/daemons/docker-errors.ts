/** What a user is told, and with which exit status, where a container cannot be made: the message must name the cause. */
import { strict as assert } from 'node:assert'
import type { Docker } from './docker.ts'
import { ended, refuses, unique, type Feature } from './feature.ts'

const image = 'box'

export const errorFeatures: readonly Feature<Docker>[] = [
  {
    ...refuses(
      'error: a missing program',
      [image, 'no-such-program'],
      127,
      /"no-such-program": executable file not found in \$PATH/,
    ),
    smoke: true,
  },
  refuses(
    'error: a missing program, by path',
    [image, '/no/such/program'],
    127,
    /\/no\/such\/program.*no such file or directory/,
  ),
  refuses('error: a program that is a directory', [image, '/etc'], 126, /\/etc.*(is a directory|permission denied)/),
  refuses('error: a program that may not be executed', [image, '/etc/text'], 126, /\/etc\/text.*permission denied/),
  refuses('error: a path through a file', [image, '/etc/text/x'], 125, /\/etc\/text\/x.*not a directory/),
  refuses(
    'error: a working directory below a file',
    ['-w', '/etc/text/x', image, 'true'],
    125,
    /\/etc\/text\/x?.*not a directory/,
  ),
  refuses('error: an unknown user', ['--user', 'nobody-here', image, 'true'], 125, /unable to find user nobody-here/),
  refuses(
    'error: a directory over a file',
    ['-v', '/tmp:/etc/text', image, 'true'],
    125,
    /\/etc\/text.*not a directory/,
  ),
  refuses(
    'error: an unknown sysctl',
    ['--sysctl', 'net.no.such=1', image, 'true'],
    127,
    /net[./]no[./]such.*no such file or directory/,
  ),
  refuses('error: a device that is missing', ['--device', '/dev/no-such', image, 'true'], 127, /\/dev\/no-such/),
  {
    feature: 'error: a missing source of a bind mount',
    run: async ({ client }) => {
      const args = ['--mount', 'type=bind,source=/no/such/source,target=/b', image, 'true']
      ended(await client.result`run --rm ${args}`, 125, /\/no\/such\/source/)
    },
  },
  {
    feature: 'error: a source that went after `create`',
    run: async (docker) => {
      const { rmSync } = await import('node:fs')
      const name = unique()
      const source = docker.file(unique('source'), '')
      await docker.client.ok`create --name ${name} -v ${source}:/b/file ${image} true`
      rmSync(source)
      const result = await docker.client.result`start ${name}`
      // dockerd makes a directory of what -v names and is missing.
      assert.equal(result.status, 0, result.told)
      await docker.client.ok`rm -f ${name}`
    },
  },
  {
    feature: 'error: an unknown capability',
    run: async ({ client }) => {
      ended(await client.result`run --rm --cap-add NO_SUCH ${image} true`, 125, /NO_SUCH/)
    },
  },
  {
    feature: 'error: exec of a missing program',
    run: async ({ client }) => {
      const name = unique()
      await client.ok`run -d --name ${name} ${image} sleep 1000`
      ended(await client.result`exec ${name} no-such-program`, [126, 127], /no-such-program.*executable file not found/)
      ended(await client.result`exec ${name} /etc/text`, 126, /\/etc\/text.*permission denied/)
      ended(
        await client.result`exec -w /no/such/dir ${name} true`,
        [126, 127],
        /\/no\/such\/dir.*no such file or directory/,
      )
      ended(await client.result`exec -u nobody-here ${name} true`, [1, 126], /nobody-here/)
      await client.ok`rm -f ${name}`
    },
  },
  {
    feature: 'error: exec in a stopped container',
    run: async ({ client }) => {
      const name = unique()
      await client.ok`run --name ${name} ${image} true`
      ended(await client.result`exec ${name} true`, 1, /is not running/)
      await client.ok`rm ${name}`
    },
  },
  {
    feature: 'error: a bad seccomp profile',
    run: async (docker) => {
      const profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NO_SUCH' }] }
      const file = docker.file('bad-seccomp.json', JSON.stringify(profile))
      const result = await docker.client.result`run --rm --security-opt seccomp=${file} ${image} true`
      assert.notEqual(result.status, 0, result.told)
      assert.match(result.stderr, /SCMP_ACT_NO_SUCH/)
    },
  },
]
