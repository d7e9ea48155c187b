/** Podman without root: a user with subordinate ids. */
import { strict as assert } from 'node:assert'
import { appendFileSync, existsSync, readlinkSync } from 'node:fs'
import path from 'node:path'
import {
  ended,
  ofRunning,
  refuses,
  run,
  sh,
  unique,
  until,
  type Daemon,
  type Feature,
  type Setting,
} from './feature.ts'
import { makeTar } from './image.ts'
import { Podman, prints } from './podman-client.ts'
import { cgroupOf, inPlace, updates } from './podman-machine.ts'
import { keepGroups } from './podman-more.ts'

const image = 'localhost/box'
const user = { id: 7777 }

const features: readonly Feature<Podman>[] = [
  prints('run', '', ['cat', '/proc/self/uid_map'], new RegExp(`^\\s*0\\s+${user.id}\\s+1\\s+1\\s+\\d+\\s+65536$`)),
  {
    feature: 'run: exit status',
    run: async ({ client }) => {
      ended(await client.result`run --rm ${image} ${sh('exit 43')}`, 43)
    },
  },
  {
    feature: 'run -it: a terminal',
    run: async ({ client }) => {
      ended(await client.typed('tty; exit 7\n')`run --rm -it ${image} sh`, 7, /\/dev\/pts\/0/)
    },
  },
  prints('--user by name', '--user someone', ['id'], /uid=1000\(someone\).*2000\(extra\)/),
  prints('--userns keep-id', '--userns keep-id', ['id', '-u'], new RegExp(`^${user.id}$`)),
  prints(
    '--read-only, --tmpfs',
    '--read-only --tmpfs /t',
    sh('touch /x 2>&1 || true; touch /t/x && echo t'),
    /Read-only.*\nt/,
  ),
  prints('--privileged', '--privileged', sh('mount -t tmpfs x /tmp && echo mounted'), /^mounted$/),
  prints('--pid host', '--pid host', ['ps'], /podman/),
  {
    feature: '--network host',
    run: async ({ client }) => {
      const own = readlinkSync('/proc/self/ns/net')
      assert.equal(await client.ok`run --rm --network host ${image} readlink /proc/self/ns/net`, own)
    },
  },
  prints('--network none', '--network none', ['ls', '/sys/class/net'], /^lo$/),
  prints('--device', '--device /dev/fuse', ['ls', '/dev/fuse'], /fuse/),
  prints(
    '--security-opt seccomp=unconfined',
    '--security-opt seccomp=unconfined',
    ['grep', 'Seccomp:', '/proc/self/status'],
    /0/,
  ),
  prints('-v: a bind', '-v /etc/debian_version:/version:ro', ['cat', '/version'], /\S/),
  {
    feature: 'named volumes belong to the user of the container',
    run: async ({ client }) => {
      const volume = unique('volume')
      await client.ok`run --rm -v ${volume}:/v ${image} touch /v/file`
      assert.equal(await client.ok`run --rm -v ${volume}:/v ${image} stat -c %u /v/file`, '0')
    },
  },
  ofRunning('exec, exec -it', async ({ client }, name) => {
    ended(await client.result`exec ${name} ${sh('exit 9')}`, 9)
    ended(await client.typed('tty; exit 3\n')`exec -it ${name} sh`, 3, /\/dev\/pts\/\d/)
    assert.equal(await client.ok`exec -u someone ${name} id -un`, 'someone')
  }),
  ofRunning('top, kill, wait', async ({ client }, name) => {
    assert.match(await client.ok`top ${name}`, /sleep 1000/)
    await client.ok`kill ${name}`
    assert.equal(await client.ok`wait ${name}`, '137')
  }),
  {
    feature: 'build',
    run: async (podman) => {
      const tag = unique('built')
      const folder = podman.context(`FROM ${image}\nRUN echo made > /made\nUSER someone\nRUN id -un > /tmp/who\n`)
      await podman.client.ok`build --network none -t ${tag} ${folder}`
      assert.equal(await podman.client.ok`run --rm ${tag} cat /made /tmp/who`, 'made\nsomeone')
    },
  },
  prints('--userns keep-id with another user', '--userns keep-id:uid=200,gid=210', ['id'], /^uid=200\b.*gid=210\b/),
  prints('--userns nomap', '--userns nomap', ['cat', '/proc/self/uid_map'], /^\s*0\s+1\s+\d+$/),
  keepGroups,
  ofRunning('start again; pause is refused without a cgroup', async ({ client, setting }, name) => {
    // There is no cgroup to freeze without systemd.
    if (setting.where !== 'systemd') ended(await client.result`pause ${name}`, 125, /cgroup/i)
    await client.ok`kill ${name}`
    assert.equal(await client.ok`wait ${name}`, '137')
    await client.ok`start ${name}`
    assert.equal(await client.ok`exec ${name} echo on`, 'on')
  }),
  refuses('error: a missing program', [image, 'no-such-program'], 127, /no-such-program.*not found/),
  refuses('error: a program that may not be executed', [image, '/etc/text'], 126, /\/etc\/text.*permission denied/i),
  ...ofSystemd(),
]

/**
 * With the user's own systemd, which has the controllers that the machine's delegates. A systemd in a container is left to root's Podman: the
 * kernel refuses users another overlay over the virtual machine's root (EINVAL).
 */
function ofSystemd(): Feature<Podman>[] {
  return [
    inPlace('systemd', {
      feature: 'a scope of the user’s systemd: limits, exec, pause, stop',
      run: async (podman) => {
        const { client } = podman
        const name = unique()
        await client.ok`run -d --name ${name} --memory 64m --pids-limit 50 --cpus 0.5 ${image} sleep 1000`
        const files = sh('cd /sys/fs/cgroup; cat memory.max pids.max cpu.max')
        assert.equal(await client.ok`exec ${name} ${files}`, '67108864\n50\n50000 100000')
        const cgroup = await cgroupOf(podman, name)
        assert.match(cgroup, new RegExp(`/user@${user.id}\\.service/user\\.slice/libpod-[0-9a-f]{64}\\.scope`))
        await client.ok`pause ${name}`
        assert.equal(await podman.inspect(name, '{{.State.Status}}'), 'paused')
        await client.ok`unpause ${name}`
        await client.ok`stop -t 1 ${name}`
        assert.equal(await podman.inspect(name, '{{.State.ExitCode}}'), '137')
        await client.ok`rm ${name}`
        await until('the scope is gone', async () => Promise.resolve(!existsSync(cgroup)))
      },
    }),
    updates('systemd'),
    inPlace('systemd', {
      feature: 'a pod: two containers share its namespaces',
      run: async ({ client }) => {
        const pod = unique('pod')
        await client.ok`pod create --name ${pod} --share ipc,uts,pid --network none --hostname of-pod`
        await client.ok`run -d --pod ${pod} --memory 64m ${image} sleep 1000`
        assert.equal(await client.ok`run --rm --pod ${pod} ${image} hostname`, 'of-pod')
        assert.match(await client.ok`run --rm --pod ${pod} ${image} ps`, /sleep 1000/)
        await client.ok`pod rm -f -t 0 ${pod}`
      },
    }),
  ]
}

/** Makes the user known to the machine's systemd, and has it start one of the user's own. */
async function startUserInstance(): Promise<void> {
  const machine = ['--mount=/proc/1/ns/mnt', '--']
  const add = ['useradd', '--uid', `${user.id}`, '--no-create-home', '--home-dir', '/', 'rootless']
  for (const [file, ...args] of [
    ['nsenter', ...machine, ...add],
    ['systemctl', 'start', `user@${user.id}.service`],
  ] as const) {
    const { status, told } = await run(file, args)
    if (status !== 0 && !told.includes('already exists')) throw new Error(told)
  }
  await until('there is a bus', async () => Promise.resolve(existsSync(`/run/user/${user.id}/bus`)))
}

async function start(setting: Setting): Promise<Podman> {
  if (setting.where === 'systemd') await startUserInstance()
  appendFileSync('/etc/passwd', `rootless:x:${user.id}:${user.id}::/:/bin/sh\n`)
  appendFileSync('/etc/group', `rootless:x:${user.id}:\n`)
  for (const file of ['/etc/subuid', '/etc/subgid']) appendFileSync(file, 'rootless:400000:65536\n')
  const tar = await makeTar(setting.work)
  const podman = new Podman(setting, user)
  await podman.client.ok`import ${path.resolve(tar)} ${image}`
  return podman
}

export const rootless: Daemon<Podman> = {
  name: 'Podman without root',
  version: async () => (await run('podman', ['--version'])).stdout.trim().split(' ').pop() ?? '?',
  start,
  stop: async () => undefined,
  features,
}
