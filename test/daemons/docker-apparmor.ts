/** AppArmor, which the virtual machine's kernel has. */
import { strict as assert } from 'node:assert'
import type { Docker } from './docker.ts'
import { ended, run, sh, unique, type Feature } from './feature.ts'

const image = 'box'
const current = ['cat', '/proc/self/attr/current']

function row(feature: string, test: (docker: Docker) => Promise<void>): Feature<Docker> {
  return { feature: `AppArmor: ${feature}`, where: 'vm', run: test }
}

export const appArmorFeatures: readonly Feature<Docker>[] = [
  row('docker-default confines what runs, and what is executed later', async ({ client }) => {
    const name = unique()
    assert.match(await client.ok`info --format {{.SecurityOptions}}`, /name=apparmor/)
    await client.ok`run -d --name ${name} ${image} sleep 1000`
    assert.equal(await client.ok`exec ${name} ${current}`, 'docker-default (enforce)')
    assert.equal(await client.ok`exec ${name} cat /proc/1/attr/current`, 'docker-default (enforce)')
    assert.equal(await client.ok`inspect --format {{.AppArmorProfile}} ${name}`, 'docker-default')
    await client.ok`rm -f ${name}`
    // Mounts are denied by the profile, whatever the capabilities.
    ended(
      await client.result`run --rm --cap-add SYS_ADMIN ${image} mount -t tmpfs x /tmp`,
      [1, 255],
      /[Pp]ermission denied/,
    )
  }),
  row('docker-default with no-new-privileges', async ({ client }) => {
    assert.equal(
      await client.ok`run --rm --security-opt no-new-privileges ${image} ${current}`,
      'docker-default (enforce)',
    )
  }),
  row('--security-opt apparmor=unconfined, --privileged', async ({ client }) => {
    const mounts = sh('cat /proc/self/attr/current; mount -t tmpfs x /tmp && echo mounted')
    const flags = ['--security-opt', 'apparmor=unconfined', '--cap-add', 'SYS_ADMIN']
    assert.equal(await client.ok`run --rm ${flags} ${image} ${mounts}`, 'unconfined\nmounted')
    assert.equal(await client.ok`run --rm --privileged ${image} ${current}`, 'unconfined')
  }),
  row('--security-opt apparmor=PROFILE', async (docker) => {
    const name = unique('profile')
    const rules = 'file, capability, network, signal, ptrace, unix,\n  deny /etc/text r,'
    const profile = `profile ${name} flags=(attach_disconnected,mediate_deleted) {\n  ${rules}\n}\n`
    const file = docker.file(name, profile)
    ended(await run('apparmor_parser', ['--skip-cache', '--add', file]), 0)
    try {
      const script = sh('cat /proc/self/attr/current /etc/text /etc/group')
      const result = await docker.client.result`run --rm --security-opt apparmor=${name} ${image} ${script}`
      ended(result, 1, new RegExp(`^${name} \\(enforce\\)`), /\/etc\/text.*Permission denied/, /extra:/)
    } finally {
      ended(await run('apparmor_parser', ['--remove', file]), 0)
    }
  }),
  row('a missing profile: the error names it', async ({ client }) => {
    const name = unique()
    const result = await client.result`run --name ${name} --security-opt apparmor=no-such-profile ${image} true`
    ended(result, [125, 126, 127], /no-such-profile/)
    await client.ok`rm ${name}`
  }),
]
