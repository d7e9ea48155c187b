/** `docker run` and its flags. */
import { strict as assert } from 'node:assert'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Docker } from './docker.ts'
import { ended, unique, until, type Feature } from './feature.ts'

const image = 'box'

/** A feature that one container's output proves. */
function prints(
  feature: string,
  flags: string,
  command: readonly string[],
  expected: string | RegExp,
): Feature<Docker> {
  return {
    feature,
    run: async ({ client }) => {
      const output = await client.ok`run --rm ${flags.split(' ').filter(Boolean)} ${image} ${command}`
      if (typeof expected === 'string') assert.equal(output, expected)
      else assert.match(output, expected)
    },
  }
}

const sh = (script: string) => ['sh', '-c', script]
const status = (field: string) => ['sed', '-n', `s/^${field}:\\t*//p`, '/proc/self/status']

export const runFeatures: readonly Feature<Docker>[] = [
  { ...prints('run in the foreground', '', ['echo', 'hello'], 'hello'), smoke: true },
  {
    feature: 'run: both streams, apart',
    run: async ({ client }) => {
      const result = await client.result`run --rm ${image} ${sh('echo out; echo err >&2')}`
      assert.deepEqual([result.stdout, result.stderr], ['out\n', 'err\n'], result.told)
    },
  },
  {
    feature: 'run -i: standard input',
    run: async ({ client }) => {
      assert.equal(await client.fed('some text\n')`run --rm -i ${image} cat`, 'some text')
    },
  },
  {
    feature: 'run: exit status of the program',
    smoke: true,
    run: async ({ client }) => {
      ended(await client.result`run --rm ${image} true`, 0)
      ended(await client.result`run --rm ${image} ${sh('exit 43')}`, 43)
    },
  },
  {
    feature: 'run: 128 + n where signal n ended it',
    run: async ({ client }) => {
      // The kernel keeps a namespace's first process from signals of its own.
      ended(await client.result`run --rm --init ${image} ${sh('kill -KILL $$')}`, 137)
      ended(await client.result`run --rm --init ${image} ${sh('kill -TERM $$')}`, 143)
    },
  },
  {
    feature: 'run -d, logs',
    smoke: true,
    run: async (docker) => {
      const name = unique()
      await docker.client.ok`run -d --name ${name} ${image} ${sh('echo started; exec sleep 1000')}`
      await docker.logged(name, 'started')
      await docker.client.ok`rm -f ${name}`
    },
  },
  {
    feature: 'run -it: a terminal',
    smoke: true,
    run: async ({ client }) => {
      const result = await client.typed('tty; stty size; exit 7\n')`run --rm -it ${image} sh`
      ended(result, 7, /\/dev\/pts\/0/)
    },
  },
  {
    feature: 'run -t: the terminal takes the size of the client’s',
    run: async (docker) => {
      const name = unique()
      await docker.client.ok`run -dt --name ${name} ${image} sh`
      const line = `stty rows 33 cols 99; docker --host ${docker.address} attach ${name}`
      const { run } = await import('./feature.ts')
      await until('the size arrives', async () => {
        const { stdout } = await run('timeout', ['--signal=KILL', '3', 'script', '-qec', line, '/dev/null'], {
          input: '',
        })
        return (await docker.client.ok`exec ${name} stty size -F /dev/console`) === '33 99' || stdout.includes('never')
      })
      await docker.client.ok`rm -f ${name}`
    },
  },
  {
    feature: 'run --rm removes the container',
    run: async ({ client }) => {
      const name = unique()
      await client.ok`run --rm --name ${name} ${image} true`
      await until('the container is gone', async () => (await client.result`inspect ${name}`).status !== 0)
    },
  },
  prints('--init: docker-init is the first process', '--init', ['cat', '/proc/1/comm'], 'docker-init'),
  prints('--user by number', '--user 1234:77', ['sh', '-c', 'id -u; id -g'], '1234\n77'),
  prints('--user by name, with its groups', '--user someone', ['id'], /uid=1000\(someone\).*2000\(extra\)/),
  prints(
    '--user: capabilities are not effective',
    '--user 1234 --cap-add NET_ADMIN',
    status('CapEff'),
    '0000000000000000',
  ),
  prints('--group-add', '--group-add 3000', ['id', '-G'], /\b3000\b/),
  {
    feature: '--read-only',
    run: async ({ client }) => {
      ended(await client.result`run --rm --read-only ${image} touch /x`, 1, /Read-only file system/)
    },
  },
  prints('--tmpfs with options', '--tmpfs /t:size=1m,noexec', ['grep', ' /t ', '/proc/mounts'], /noexec.*size=1024k/),
  prints(
    '--tmpfs where the image has no directory: any user may write there',
    '--tmpfs /scratch --user someone',
    sh('touch /scratch/file && stat -c %a /scratch'),
    '1777',
  ),
  prints('--shm-size', '--shm-size 3m', sh('df -k /dev/shm | tail -n 1'), /\b3072\b/),
  prints('capabilities of Docker’s default', '', status('CapEff'), '00000000a80425fb'),
  prints('--cap-add', '--cap-add SYS_TIME', status('CapEff'), '00000000aa0425fb'),
  prints('--cap-drop ALL', '--cap-drop ALL', status('CapEff'), '0000000000000000'),
  prints('--cap-drop ALL --cap-add', '--cap-drop ALL --cap-add NET_RAW', status('CapBnd'), '0000000000002000'),
  prints('the default seccomp profile', '', status('Seccomp'), '2'),
  prints('--security-opt seccomp=unconfined', '--security-opt seccomp=unconfined', status('Seccomp'), '0'),
  {
    feature: '--security-opt seccomp=FILE',
    run: async (docker) => {
      const profile = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }],
      }
      const file = docker.file('seccomp.json', JSON.stringify(profile))
      const result = await docker.client.result`run --rm --security-opt seccomp=${file} ${image} mkdir /x`
      ended(result, 1, /Function not implemented/)
    },
  },
  prints('--security-opt no-new-privileges', '--security-opt no-new-privileges', status('NoNewPrivs'), '1'),
  {
    feature: '--device with permissions',
    run: async ({ client }) => {
      const open = sh(': < /dev/other && echo opened; (: > /dev/other) 2>&1 || true')
      const output = await client.ok`run --rm --device /dev/fuse:/dev/other:r ${image} ${open}`
      assert.match(output, /opened\n.*other.*Operation not permitted/)
    },
  },
  prints('--ulimit', '--ulimit nofile=100:200', sh('ulimit -Sn; ulimit -Hn'), '100\n200'),
  prints('--hostname', '--hostname some.where', ['hostname'], 'some.where'),
  prints('--workdir, made where it is missing', '--workdir /some/dir', ['pwd'], '/some/dir'),
  prints('--env', '--env A=b=c --env HOME=/x', sh('echo $A $HOME'), 'b=c /x'),
  prints('--sysctl', '--sysctl net.ipv4.ip_forward=1', ['cat', '/proc/sys/net/ipv4/ip_forward'], '1'),
  prints('--oom-score-adj', '--oom-score-adj 500', ['cat', '/proc/self/oom_score_adj'], '500'),
  prints('--entrypoint', '--entrypoint echo', ['one', 'two'], 'one two'),
  prints('--add-host', '--add-host there:10.9.8.7', ['grep', 'there', '/etc/hosts'], /10\.9\.8\.7/),
  prints('--network none', '--network none', ['ls', '/sys/class/net'], 'lo'),
  {
    feature: '--network host',
    run: async ({ client }) => {
      assert.match(await client.ok`run --rm --network host ${image} ls /sys/class/net`, /docker0/)
    },
  },
  {
    feature: '--pid host',
    run: async ({ client }) => {
      assert.match(await client.ok`run --rm --pid host ${image} ps`, /dockerd/)
    },
  },
  {
    feature: '--ipc host',
    run: async ({ client }) => {
      const { readlinkSync } = await import('node:fs')
      assert.equal(
        await client.ok`run --rm --ipc host ${image} readlink /proc/self/ns/ipc`,
        readlinkSync('/proc/self/ns/ipc'),
      )
    },
  },
  prints('--ipc none: no /dev/shm of its own', '--ipc none', sh('grep -c " /dev/shm " /proc/mounts; true'), '0'),
  prints('--uts host', '--uts host', ['hostname'], readFileSync('/proc/sys/kernel/hostname', 'utf8').trim()),
  prints('--cgroupns host', '--cgroupns host', ['grep', '^0:', '/proc/self/cgroup'], /^0::\/.*docker.*[0-9a-f]{64}/),
  prints('--cgroupns private', '--cgroupns private', ['grep', '^0:', '/proc/self/cgroup'], '0::/'),
  {
    feature: '--pid, --ipc and --network container:…',
    run: async (docker) => {
      const first = unique()
      await docker.client.ok`run -d --name ${first} --ipc shareable ${image} ${sh('echo up; exec sleep 1000')}`
      await docker.logged(first, 'up')
      const links = sh('for n in pid ipc net; do readlink /proc/self/ns/$n; done')
      const there = await docker.client.ok`exec ${first} ${links}`
      const flags = ['pid', 'ipc', 'network'].map((kind) => `--${kind}=container:${first}`)
      assert.equal(await docker.client.ok`run --rm ${flags} ${image} ${links}`, there)
      await docker.client.ok`rm -f ${first}`
    },
  },
  {
    feature: '--privileged',
    run: async ({ client }) => {
      const output = await client.ok`run --rm --privileged ${image} ${sh(
        'mount -t tmpfs x /tmp && echo mounted; ls /dev/kmsg; echo 1 > /proc/sys/net/ipv4/ip_forward && echo written',
      )}`
      assert.equal(output, 'mounted\n/dev/kmsg\nwritten')
    },
  },
  {
    feature: '-v: a bind, writable and read-only',
    smoke: true,
    run: async (docker) => {
      const folder = path.join(docker.dir, unique('bind'))
      mkdirSync(folder)
      writeFileSync(path.join(folder, 'in'), 'from the host')
      assert.equal(
        await docker.client.ok`run --rm -v ${folder}:/b ${image} ${sh('cat /b/in; echo x > /b/out')}`,
        'from the host',
      )
      assert.equal(readFileSync(path.join(folder, 'out'), 'utf8'), 'x\n')
      ended(await docker.client.result`run --rm -v ${folder}:/b:ro ${image} touch /b/x`, 1, /Read-only file system/)
    },
  },
  {
    feature: '-v: a file over a file',
    run: async (docker) => {
      const file = docker.file(unique('text'), 'other text')
      assert.equal(await docker.client.ok`run --rm -v ${file}:/etc/text:ro ${image} cat /etc/text`, 'other text')
    },
  },
  {
    feature: '-v with rslave: the host’s later mounts arrive',
    run: async (docker) => {
      const { run } = await import('./feature.ts')
      const name = unique()
      const folder = path.join(docker.setting.work, unique('prop'))
      mkdirSync(path.join(folder, 'inner'), { recursive: true })
      await docker.client.ok`run -d --name ${name} -v ${folder}:/p:rslave ${image} sleep 1000`
      ended(await run('mount', ['-t', 'tmpfs', 'late', path.join(folder, 'inner')]), 0)
      assert.match(await docker.client.ok`exec ${name} grep /p/inner /proc/mounts`, /tmpfs/)
      await docker.client.ok`rm -f ${name}`
      ended(await run('umount', [path.join(folder, 'inner')]), 0)
    },
  },
  {
    feature: '-v with rshared: the container’s mounts reach the host',
    run: async (docker) => {
      const { run } = await import('./feature.ts')
      const folder = path.join(docker.setting.work, unique('prop'))
      mkdirSync(path.join(folder, 'inner'), { recursive: true })
      await docker.client.ok`run --rm --privileged -v ${folder}:/p:rshared ${image} mount -t tmpfs seen /p/inner`
      ended(await run('findmnt', [path.join(folder, 'inner')]), 0, /seen/)
      ended(await run('umount', [path.join(folder, 'inner')]), 0)
    },
  },
  {
    feature: 'named volumes keep their content, and take the image’s first',
    run: async ({ client }) => {
      const volume = unique('volume')
      await client.ok`run --rm -v ${volume}:/v ${image} ${sh('echo kept > /v/file')}`
      assert.equal(await client.ok`run --rm -v ${volume}:/v:ro ${image} cat /v/file`, 'kept')
      assert.match(await client.ok`run --rm -v ${unique('volume')}:/etc ${image} cat /etc/passwd`, /someone/)
      await client.ok`volume rm ${volume}`
    },
  },
  {
    feature: '--mount type=bind with bind-nonrecursive',
    run: async (docker) => {
      const folder = path.join(docker.dir, unique('bind'))
      mkdirSync(folder)
      const mount = `type=bind,source=${folder},target=/b,readonly,bind-nonrecursive=true`
      assert.match(await docker.client.ok`run --rm --mount ${mount} ${image} grep /b /proc/mounts`, /\bro\b/)
    },
  },
  prints(
    'masked and read-only paths',
    '',
    sh('ls /sys/firmware | wc -l; (echo 1 > /proc/sys/kernel/panic) 2>&1 || true'),
    /^0\n.*Read-only/,
  ),
  prints(
    '--security-opt systempaths=unconfined',
    '--security-opt systempaths=unconfined',
    sh('grep -c /proc/ /proc/mounts; true'),
    '0',
  ),
]
