/** Features of Podman that need no more than the runtime and its place in containers.conf. */
import { strict as assert } from 'node:assert'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, ended, ofRunning, run, sh, unique, until, type Feature } from './feature.ts'
import { prints, type Podman } from './podman-client.ts'

const image = 'localhost/box'

/** The configuration that docs/daemons.md tells people to write, with the runtime under test. */
function documented(executable: string): string {
  const page = readFileSync(fileURLToPath(new URL('../../docs/daemons.md', import.meta.url)), 'utf8')
  const [, block] = /^## Podman and Buildah\n[\s\S]*?\n((?: {4}.*\n)+)/m.exec(page)!
  return block!.replaceAll(/^ {4}/gm, '').replace('/usr/local/bin/runt', executable)
}

/** `podman run --group-add keep-groups`: a file that only a group of the caller may read is read. */
export const keepGroups: Feature<Podman> = {
  feature: '--group-add keep-groups',
  run: async ({ bare, dir, become }) => {
    const file = path.join(dir, unique('secret'))
    writeFileSync(file, 'of the group')
    chownSync(file, 1, 4321)
    chmodSync(file, 0o040)
    const ids = become.length === 0 ? ['--reuid', '0', '--regid', '0'] : become.slice(1, 5)
    const member = bare.as(['setpriv', ...ids, '--groups', '4321', '--'])
    const args = ['--cap-drop', 'DAC_OVERRIDE', '-v', `${file}:/secret`, image, 'cat', '/secret']
    assert.equal(await member.ok`run --rm --group-add keep-groups ${args}`, 'of the group')
    ended(await member.result`run --rm ${args}`, 1, /Permission denied/)
  },
}

export const moreFeatures: readonly Feature<Podman>[] = [
  {
    feature: 'containers.conf of docs/daemons.md',
    run: async (podman) => {
      const file = podman.configuration('documented.conf', documented(podman.setting.executable))
      const client = podman.client.as([], { CONTAINERS_CONF: file })
      assert.equal(await client.ok`info --format {{.Host.OCIRuntime.Name}}`, 'runt')
      ended(await client.result`run --rm ${image} ${sh('exit 43')}`, 43)
      ended(await client.result`run --rm ${image} no-such-program`, 127, /no-such-program.*not found/)
      ended(await client.result`run --rm ${image} /etc/text`, 126, /\/etc\/text.*permission denied/i)
      if (podman.setting.runtime === 'runt')
        assert.equal(await client.ok`run --rm --cgroups=disabled ${image} echo on`, 'on')
    },
  },
  {
    feature: '--runtime with a path',
    run: async ({ client, setting }) => {
      const name = unique()
      const runtime = ['--runtime', setting.executable]
      await client.ok`${runtime} run -d --name ${name} ${image} sleep 1000`
      // The container keeps its runtime.
      assert.equal(await client.ok`inspect --format {{.OCIRuntime}} ${name}`, setting.executable)
      assert.equal(await client.ok`exec ${name} echo on`, 'on')
      await client.ok`rm -f -t 0 ${name}`
      ended(await client.result`${runtime} run --rm ${image} no-such-program`, 127, /no-such-program.*not found/)
      ended(await client.result`${runtime} run --rm ${image} /etc/text`, 126, /\/etc\/text.*permission denied/i)
    },
  },
  {
    feature: 'info: the runtime and its version',
    run: async ({ client, setting }) => {
      const path = setting.runtime === 'runt' ? '/usr/bin/crun' : setting.executable
      assert.equal(await client.ok`info --format {{.Host.OCIRuntime.Path}}`, path)
      assert.match(await client.ok`info --format {{.Host.OCIRuntime.Version}}`, /version \d+\.\d+/)
    },
  },
  {
    feature: 'logs: --tail, -t, -f',
    run: async ({ client }) => {
      const name = unique()
      await client.ok`run -d --name ${name} ${image} ${sh('echo one; echo two >&2; sleep 1; echo three')}`
      assert.match((await client.result`logs -f ${name}`).stdout, /^one\nthree$/m)
      assert.equal(await client.ok`logs --tail 1 ${name}`, 'three')
      assert.match(await client.ok`logs -t ${name}`, /^\d{4}-\d\d-\d\dT\S+ one$/m)
      await client.ok`rm ${name}`
    },
  },
  ofRunning(
    'attach',
    async ({ client }, name) => {
      assert.match((await client.exec(['attach', name], { input: 'hello\n' })).stdout, /got hello/)
      assert.equal(await client.ok`wait ${name}`, '6')
    },
    ['-i'],
    sh('echo up; read line; echo got $line; exit 6'),
  ),
  ofRunning('events', async ({ client }, name) => {
    await client.ok`exec ${name} true`
    await client.ok`kill ${name}`
    await client.ok`wait ${name}`
    await until('the events are there', async () => {
      const events = await client.ok`events --stream=false --filter container=${name} --format {{.Status}}`
      return ['create', 'start', 'exec', 'kill', 'died'].every((event) => events.split('\n').includes(event))
    })
  }),
  ofRunning(
    'kill -s, rename, exists',
    async ({ client }, name) => {
      await client.ok`rename ${name} ${name}-new`
      await client.ok`container exists ${name}-new`
      await client.ok`kill -s USR1 ${name}-new`
      assert.equal(await client.ok`wait ${name}-new`, '33')
      await client.ok`rm ${name}-new`
    },
    [],
    sh('trap "exit 33" USR1; echo up; while :; do sleep 0.1; done'),
  ),
  {
    feature: '--restart on-failure',
    run: async (podman) => {
      const name = unique()
      await podman.client.ok`run -d --name ${name} --restart on-failure:2 ${image} ${sh('exit 3')}`
      await until('it was started twice more', async () => (await podman.inspect(name, '{{.RestartCount}}')) === '2')
      await until('it has ended', async () => (await podman.inspect(name, '{{.State.Status}}')) === 'exited')
      assert.equal(await podman.inspect(name, '{{.State.ExitCode}}'), '3')
      await podman.client.ok`rm ${name}`
    },
  },
  ofRunning('generate systemd, generate kube', async ({ client }, name) => {
    const unit = await client.ok`generate systemd --new --name ${name}`
    assert.match(unit, /^ExecStart=\/usr\/bin\/podman run/m)
    assert.match(unit, /^Type=notify$/m)
    assert.match(await client.ok`generate kube ${name}`, /^kind: Pod$/m)
  }),
  {
    feature: '--pid, --ipc and --network container:…',
    run: async ({ client }) => {
      const name = unique()
      await client.ok`run -d --name ${name} --ipc shareable ${image} sleep 1000`
      const of = (kind: string) => client.ok`exec ${name} readlink /proc/1/ns/${kind}`
      const flags = ['pid', 'ipc', 'network'].map((kind) => `--${kind}=container:${name}`)
      const links =
        await client.ok`run --rm ${flags} ${image} ${sh('for kind in pid ipc net; do readlink /proc/self/ns/$kind; done')}`
      assert.equal(links, `${await of('pid')}\n${await of('ipc')}\n${await of('net')}`)
      await client.ok`rm -f -t 0 ${name}`
    },
  },
  {
    feature: '--userns=auto',
    run: async ({ client }) => {
      const map = async () => await client.ok`run --rm --userns=auto:size=2000 ${image} cat /proc/self/uid_map`
      assert.match(await map(), /^0\s+\d{5,}\s+2000$/)
      const [one, two] = [unique(), unique()]
      const of = async (name: string) => {
        await client.ok`run -d --userns=auto:size=2000 --name ${name} ${image} sleep 1000`
        return (await client.ok`exec ${name} cat /proc/self/uid_map`).split(/\s+/)[1]
      }
      assert.notEqual(await of(one), await of(two))
      await client.ok`rm -f -t 0 ${one} ${two}`
    },
  },
  ofRunning(
    '--userns=container:…',
    async ({ client }, name) => {
      const map = await client.ok`exec ${name} cat /proc/self/uid_map`
      assert.equal(await client.ok`run --rm --userns=container:${name} ${image} cat /proc/self/uid_map`, map)
    },
    ['--uidmap', '0:350000:5000', '--gidmap', '0:350000:5000'],
  ),
  {
    feature: '-v with :U, :O and :Z',
    run: async ({ client, dir }) => {
      const folder = path.join(dir, unique('bind'))
      mkdirSync(folder)
      writeFileSync(path.join(folder, 'file'), 'of the host\n')
      // Without SELinux there is nothing to relabel.
      assert.equal(await client.ok`run --rm -v ${folder}:/b:Z ${image} cat /b/file`, 'of the host')
      const changes = sh('cat /b/file; echo changed > /b/file; echo x > /b/new; ls /b')
      assert.equal(await client.ok`run --rm -v ${folder}:/b:O ${image} ${changes}`, 'of the host\nfile\nnew')
      assert.equal(readFileSync(path.join(folder, 'file'), 'utf8'), 'of the host\n')
      assert.ok(!existsSync(path.join(folder, 'new')))
      const mapped = ['--uidmap', '0:300000:65536', '--gidmap', '0:300000:65536', '--user', '5:5']
      assert.equal(await client.ok`run --rm ${mapped} -v ${folder}:/b:U ${image} stat -c %u /b/file`, '5')
      assert.equal(statSync(path.join(folder, 'file')).uid, 300_005)
    },
  },
  {
    feature: '--mount type=image, --volumes-from, --secret',
    run: async ({ client, dir }) => {
      const [name, secret] = [unique(), unique('secret')]
      await client.ok`create --name ${name} -v ${unique('volume')}:/v ${image} true`
      await client.ok`run --rm --volumes-from ${name} ${image} ${sh('echo kept > /v/file')}`
      assert.equal(await client.ok`run --rm --volumes-from ${name}:ro ${image} cat /v/file`, 'kept')
      const mount = `type=image,source=${image},destination=/i`
      assert.equal(await client.ok`run --rm --mount ${mount} ${image} cat /i/etc/text`, 'no program')
      const file = path.join(dir, secret)
      writeFileSync(file, 'hidden')
      await client.ok`secret create ${secret} ${file}`
      const secrets = ['--secret', `${secret},uid=1000,mode=0400`, '--secret', `${secret},type=env,target=OF_ENV`]
      const shows = sh(`cat /run/secrets/${secret}; echo $OF_ENV`)
      assert.equal(await client.ok`run --rm --user 1000 ${secrets} ${image} ${shows}`, 'hiddenhidden')
      await client.ok`rm -v ${name}`
    },
  },
  {
    feature: '-v with rslave: the host’s later mounts arrive',
    run: async ({ client, dir }) => {
      const [folder, name] = [path.join(dir, unique('bind')), unique()]
      mkdirSync(path.join(folder, 'sub'), { recursive: true })
      await client.ok`run -d --name ${name} -v ${folder}:/b:rslave ${image} sleep 1000`
      assert.equal((await run('mount', ['-t', 'tmpfs', 'late', path.join(folder, 'sub')])).status, 0)
      writeFileSync(path.join(folder, 'sub', 'late'), 'seen')
      assert.equal(await client.ok`exec ${name} cat /b/sub/late`, 'seen')
      await client.ok`rm -f -t 0 ${name}`
      await run('umount', [path.join(folder, 'sub')])
    },
  },
  {
    feature: '--rootfs, and with an overlay',
    run: async ({ client, setting }) => {
      const root = path.join(setting.work, 'image')
      assert.equal(
        await client.ok`run --rm --rootfs ${root}:O ${sh('touch /of-overlay && cat /etc/text')}`,
        'no program',
      )
      assert.ok(!existsSync(path.join(root, 'of-overlay')))
      assert.equal(await client.ok`run --rm --rootfs ${root} cat /etc/text`, 'no program')
    },
  },
  {
    feature: '--security-opt seccomp=FILE',
    run: async ({ client, dir }) => {
      const file = path.join(dir, unique('seccomp'))
      const syscalls = [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }]
      writeFileSync(file, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }))
      ended(await client.result`run --rm --security-opt seccomp=${file} ${image} mkdir /x`, 1, /not supported/i)
    },
  },
  prints('--oom-score-adj', '--oom-score-adj 321', ['cat', '/proc/self/oom_score_adj'], /^321$/),
  prints('--log-driver passthrough', '--log-driver passthrough', ['echo', 'through'], /^through$/),
  {
    feature: 'a folder of OCI hooks',
    run: async ({ client, dir }) => {
      const folder = path.join(dir, unique('hooks'))
      mkdirSync(folder)
      for (const stage of ['createRuntime', 'poststop']) {
        const script = path.join(folder, `${stage}.sh`)
        writeFileSync(script, `#!/bin/sh\ncat > ${folder}/${stage}\n`, { mode: 0o755 })
        const hook = { version: '1.0.0', hook: { path: script }, when: { annotations: { 'with-hooks': 'yes' } } }
        writeFileSync(path.join(folder, `${stage}.json`), JSON.stringify({ ...hook, stages: [stage] }))
      }
      const hooks = ['--hooks-dir', folder]
      await client.ok`${hooks} run --rm --annotation with-hooks=yes ${image} true`
      for (const [stage, status] of [
        ['createRuntime', /^creat/],
        ['poststop', /^stopped$/],
      ] as const) {
        const state = JSON.parse(readFileSync(path.join(folder, stage), 'utf8')) as Record<string, unknown>
        assert.match(String(state.status), status)
        assert.deepEqual((state.annotations as Record<string, string>)['with-hooks'], 'yes')
      }
    },
  },
  ofRunning('conmon is killed: Podman cleans up', async (podman, name) => {
    const conmon = Number(await podman.inspect(name, '{{.State.ConmonPid}}'))
    const pid = await podman.inspect(name, '{{.State.Pid}}')
    process.kill(conmon, 'SIGKILL')
    await until('conmon is gone', async () => Promise.resolve(!existsSync(`/proc/${conmon}/exe`)))
    assert.equal(await podman.client.ok`exec ${name} echo here`, 'here')
    await podman.client.ok`rm -f -t 0 ${name}`
    assert.ok(!existsSync(`/proc/${pid}/exe`))
  }),
  {
    feature: 'system service: the Docker client',
    run: async ({ client, dir }) => {
      const socket = path.join(dir, unique('api'))
      const service = client.start`system service -t 0 unix://${socket}`
      try {
        await until('the socket is there', async () => Promise.resolve(existsSync(socket)))
        const docker = new Client('docker', ['-H', `unix://${socket}`])
        const name = unique()
        // In the foreground, `docker run` never ends with this service, whatever the runtime.
        await docker.ok`run -d --name ${name} --network none ${image} ${sh('echo up; exec sleep 1000')}`
        ended(await docker.result`exec ${name} ${sh('echo inside; exit 4')}`, 4, /^inside$/m)
        await docker.ok`pause ${name}`
        await docker.ok`unpause ${name}`
        assert.equal(await docker.ok`logs ${name}`, 'up')
        assert.match(await docker.ok`top ${name}`, /sleep 1000/)
        await docker.ok`stop -t 0 ${name}`
        assert.equal(await docker.ok`wait ${name}`, '137')
        await docker.ok`rm ${name}`
        const missing = await docker.result`run -d --network none ${image} no-such-program`
        ended(missing, [125, 126, 127], /no-such-program.*not found/)
      } finally {
        service.kill()
      }
    },
  },
  keepGroups,
  {
    feature: 'an image whose annotations name directories of the host does not get them',
    run: async ({ client, buildah, dir, setting }) => {
      const [name, tag, folder] = [unique('working'), unique('annotated'), path.join(dir, unique('private'))]
      mkdirSync(folder)
      writeFileSync(path.join(folder, 'secret'), 'of the host')
      const layers = JSON.stringify([path.join(setting.work, 'image'), folder])
      await buildah.ok`from --name ${name} ${image}`
      await buildah.ok`config --annotation io.runt.layers=${layers} --annotation io.runt.upper=tmpfs ${name}`
      await buildah.ok`commit ${name} ${tag}`
      for (const result of [
        await client.result`run --rm ${tag} cat /secret`,
        await buildah.result`run ${name} cat /secret`,
      ]) {
        assert.notEqual(result.status, 0, result.told)
        assert.doesNotMatch(result.stdout, /of the host/)
      }
      await buildah.ok`rm ${name}`
    },
  },
]
