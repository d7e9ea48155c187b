/** Podman as root. */
import { strict as assert } from 'node:assert'
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ended, ofRunning, refuses, run, sh, unique, until, type Daemon, type Feature } from './feature.ts'
import { prints, startPodman, type Podman } from './podman-client.ts'
import { machineFeatures } from './podman-machine.ts'
import { moreFeatures } from './podman-more.ts'

const image = 'localhost/box'
const status = (field: string) => ['sed', '-n', `s/^${field}:\\t*//p`, '/proc/self/status']

const features: readonly Feature<Podman>[] = [
  { ...prints('run', '', ['echo', 'hello'], /^hello$/), smoke: true },
  {
    feature: 'run: exit status',
    run: async ({ client }) => {
      ended(await client.result`run --rm ${image} ${sh('exit 43')}`, 43)
      ended(await client.result`run --rm --init ${image} ${sh('kill -KILL $$')}`, 137)
    },
  },
  {
    feature: 'run -i: standard input',
    run: async ({ client }) => {
      assert.equal(await client.fed('text')`run --rm -i ${image} cat`, 'text')
    },
  },
  {
    feature: 'run -it: a terminal',
    run: async ({ client }) => {
      ended(await client.typed('tty; exit 7\n')`run --rm -it ${image} sh`, 7, /\/dev\/pts\/0/)
    },
  },
  prints('--init', '--init', ['cat', '/proc/1/comm'], /catatonit|podman-init/),
  prints('--user by name', '--user someone', ['id'], /uid=1000\(someone\).*2000\(extra\)/),
  prints(
    '--read-only',
    '--read-only',
    sh('touch /x 2>&1 || true; touch /tmp/x && echo tmp'),
    /Read-only file system\ntmp/,
  ),
  prints('--tmpfs', '--tmpfs /t:size=1m,noexec', ['grep', ' /t ', '/proc/mounts'], /noexec.*size=1024k/),
  prints('--cap-add, --cap-drop', '--cap-drop ALL --cap-add NET_RAW', status('CapEff'), /^0000000000002000$/),
  prints(
    '--privileged',
    '--privileged',
    sh('mount -t tmpfs x /tmp && echo mounted; ls /dev/kmsg'),
    /^mounted\n\/dev\/kmsg$/,
  ),
  prints('the default seccomp profile', '', status('Seccomp'), /^2$/),
  prints('--security-opt no-new-privileges', '--security-opt no-new-privileges', status('NoNewPrivs'), /^1$/),
  prints(
    '--security-opt mask and unmask',
    '--security-opt mask=/etc/text --security-opt unmask=/proc/sys',
    sh('wc -c < /etc/text'),
    /^0$/,
  ),
  prints(
    '--device',
    '--device /dev/fuse:/dev/other:r',
    sh(': < /dev/other && echo opened; (: > /dev/other) 2>&1 || true'),
    /opened\n.*Operation not permitted/,
  ),
  prints('--ulimit', '--ulimit nofile=100:200 --ulimit nproc=300:400', sh('ulimit -Sn; ulimit -Hn'), /^100\n200$/),
  prints(
    '--hostname, --workdir, --env',
    '--hostname here --workdir /tmp --env A=b',
    sh('hostname; pwd; echo $A'),
    /^here\n\/tmp\nb$/,
  ),
  prints('--sysctl', '--sysctl net.ipv4.ip_forward=1', ['cat', '/proc/sys/net/ipv4/ip_forward'], /^1$/),
  prints('--network none', '--network none', ['ls', '/sys/class/net'], /^lo$/),
  {
    feature: '--network host',
    run: async ({ client }) => {
      const own = readlinkSync('/proc/self/ns/net')
      assert.equal(await client.ok`run --rm --network host ${image} readlink /proc/self/ns/net`, own)
    },
  },
  prints('--pid host', '--pid host', ['ps'], /podman/),
  prints(
    '--uidmap, --gidmap',
    '--uidmap 0:300000:65536 --gidmap 0:300000:65536',
    sh('cat /proc/self/uid_map; touch /x; stat -c %u /x'),
    /300000\s+65536\n0$/,
  ),
  prints('--cgroups=disabled', '--cgroups=disabled', ['echo', 'on'], /^on$/),
  prints('--cgroupns host', '--cgroupns host', ['grep', '^0:', '/proc/self/cgroup'], /libpod/),
  prints('--umask, --group-add', '--umask 0077 --group-add 3000', sh('umask; id -G'), /^0077\n.*3000/),
  prints('--timezone, --shm-size', '--shm-size 3m', sh('df -k /dev/shm | tail -n 1'), /\b3072\b/),
  {
    feature: '-v: binds and named volumes',
    run: async ({ client, dir }) => {
      const [folder, volume] = [path.join(dir, unique('bind')), unique('volume')]
      mkdirSync(folder)
      writeFileSync(path.join(folder, 'in'), 'from the host')
      assert.equal(
        await client.ok`run --rm -v ${folder}:/b ${image} ${sh('cat /b/in; echo x > /b/out')}`,
        'from the host',
      )
      assert.equal(readFileSync(path.join(folder, 'out'), 'utf8'), 'x\n')
      ended(await client.result`run --rm -v ${folder}:/b:ro ${image} touch /b/x`, 1, /Read-only file system/)
      await client.ok`run --rm -v ${volume}:/v ${image} ${sh('echo kept > /v/file')}`
      assert.equal(await client.ok`run --rm -v ${volume}:/v ${image} cat /v/file`, 'kept')
    },
  },
  ofRunning('exec, and its exit status', async ({ client }, name) => {
    assert.equal(await client.ok`exec ${name} echo hello`, 'hello')
    ended(await client.result`exec ${name} ${sh('exit 9')}`, 9)
    assert.equal(await client.fed('text')`exec -i ${name} cat`, 'text')
  }),
  ofRunning('exec -it', async ({ client }, name) => {
    ended(await client.typed('tty; exit 3\n')`exec -it ${name} sh`, 3, /\/dev\/pts\/\d/)
  }),
  ofRunning('exec -u, -w, -e, -d', async ({ client }, name) => {
    const output = await client.ok`exec -u someone -w /tmp -e A=b ${name} ${sh('id -un; pwd; echo $A')}`
    assert.equal(output, 'someone\n/tmp\nb')
    await client.ok`exec -d ${name} touch /made`
    await until('the file is there', async () => (await client.result`exec ${name} test -e /made`).status === 0)
  }),
  ofRunning('exec --privileged', async ({ client }, name) => {
    const mask = status('CapEff')
    const capSysAdmin = 1n << 21n
    const [own, all] = [await client.ok`exec ${name} ${mask}`, await client.ok`exec --privileged ${name} ${mask}`]
    assert.deepEqual([BigInt(`0x${own}`) & capSysAdmin, BigInt(`0x${all}`) & capSysAdmin], [0n, capSysAdmin])
  }),
  {
    feature: 'create, start -ai: a terminal',
    run: async ({ client }) => {
      const name = unique()
      await client.ok`create -it --name ${name} ${image} ${sh('read line; echo got $line; exit 5')}`
      ended(await client.typed('hello\n')`start -ai ${name}`, 5, /got hello/)
      await client.ok`rm ${name}`
    },
  },
  ofRunning(
    'stop: the program’s own handler',
    async (podman, name) => {
      await podman.client.ok`stop -t 30 ${name}`
      assert.equal(await podman.inspect(name, '{{.State.ExitCode}}'), '21')
    },
    [],
    sh('trap "exit 21" TERM; echo up; while :; do sleep 0.1; done'),
  ),
  ofRunning('kill, wait, start again, restart', async ({ client }, name) => {
    await client.ok`kill ${name}`
    assert.equal(await client.ok`wait ${name}`, '137')
    await client.ok`start ${name}`
    await client.ok`restart -t 0 ${name}`
    assert.equal(await client.ok`exec ${name} echo on`, 'on')
  }),
  ofRunning('pause, unpause', async (podman, name) => {
    await podman.client.ok`pause ${name}`
    assert.equal(await podman.inspect(name, '{{.State.Status}}'), 'paused')
    await podman.client.ok`unpause ${name}`
    assert.equal(await podman.client.ok`exec ${name} echo on`, 'on')
  }),
  ofRunning('top, inspect: the pid is the program’s', async (podman, name) => {
    assert.match(await podman.client.ok`top ${name}`, /sleep 1000/)
    const pid = await podman.inspect(name, '{{.State.Pid}}')
    assert.equal(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), 'sleep\x001000\x00')
  }),
  ofRunning('cp, diff, commit', async ({ client, dir }, name) => {
    const file = path.join(dir, unique('file'))
    writeFileSync(file, 'copied')
    await client.ok`cp ${file} ${name}:/added`
    assert.equal(await client.ok`exec ${name} cat /added`, 'copied')
    assert.match(await client.ok`diff ${name}`, /^A \/added$/m)
    const copy = unique('committed')
    await client.ok`commit -q ${name} ${copy}`
    await client.ok`run --rm ${copy} test -e /added`
  }),
  ofRunning(
    'healthcheck run',
    async ({ client }, name) => {
      ended(await client.result`healthcheck run ${name}`, 1, /unhealthy/)
      await client.ok`exec ${name} touch /ready`
      await client.ok`healthcheck run ${name}`
    },
    ['--health-cmd', 'test -e /ready', '--health-interval', 'disable'],
  ),
  ofRunning('checkpoint is refused, and the container lives', async (podman, name) => {
    ended(await podman.client.result`container checkpoint ${name}`, 125, /checkpoint|criu/i)
    assert.equal(await podman.client.ok`exec ${name} echo here`, 'here')
  }),
  {
    feature: '--systemd=always',
    run: async ({ client }) => {
      const mounts = sh(
        'grep -E " /run tmpfs| /run/lock tmpfs| /sys/fs/cgroup cgroup2 rw" /proc/mounts | wc -l; echo $container',
      )
      assert.equal(await client.ok`run --rm --systemd=always ${image} ${mounts}`, '3\npodman')
    },
  },
  {
    feature: 'bridge network, published ports, names',
    run: async (podman) => {
      const [network, name] = [unique('net'), unique()]
      await podman.client.ok`network create ${network}`
      const server = sh('mkdir /w; echo served > /w/index.html; echo up; exec httpd -f -p 80 -h /w')
      await podman.client.ok`run -d --name ${name} --network ${network} -p 127.0.0.1:18080:80 ${image} ${server}`
      await until('the port answers', async () => {
        return (await run('busybox', ['wget', '-qO-', 'http://127.0.0.1:18080/'])).stdout === 'served\n'
      })
      ended(
        await podman.client.result`run --rm --network ${network} ${image} ping -c 1 ${name}`,
        0,
        /1 packets received/,
      )
      await podman.client.ok`rm -f -t 0 ${name}`
      await podman.client.ok`network rm ${network}`
    },
  },
  {
    feature: 'build',
    run: async (podman) => {
      const tag = unique('built')
      const folder = podman.context(
        `FROM ${image}\nRUN echo made > /made\nUSER someone\nRUN id -un > /tmp/who\nCMD cat /made /tmp/who\n`,
      )
      await podman.client.ok`build --network none -t ${tag} ${folder}`
      assert.equal(await podman.client.ok`run --rm ${tag}`, 'made\nsomeone')
    },
  },
  {
    feature: 'rm -f leaves nothing behind',
    run: async (podman) => {
      const name = unique()
      await podman.client.ok`run -d --name ${name} ${image} sleep 1000`
      const pid = await podman.inspect(name, '{{.State.Pid}}')
      const cgroup = `/sys/fs/cgroup${/^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1]}`
      assert.ok(existsSync(cgroup), cgroup)
      await podman.client.ok`rm -f -t 0 ${name}`
      await until('the cgroup is gone', async () => !existsSync(cgroup))
    },
  },
  {
    feature: 'ten containers at once',
    run: async ({ client }) => {
      const outputs = Array.from(
        { length: 10 },
        (_, index) => client.ok`run --rm --network none ${image} echo ${index}`,
      )
      assert.deepEqual(await Promise.all(outputs), [...Array(10).keys()].map(String))
    },
  },
  refuses('error: a missing program', [image, 'no-such-program'], 127, /no-such-program.*not found/),
  refuses(
    'error: a missing program, by path',
    [image, '/no/such/program'],
    127,
    /\/no\/such\/program.*(no such file or directory|not found)/i,
  ),
  refuses('error: a program that is a directory', [image, '/etc'], 126, /\/etc.*(is a directory|permission denied)/i),
  refuses('error: a program that may not be executed', [image, '/etc/text'], 126, /\/etc\/text.*permission denied/i),
  refuses(
    'error: a missing source of a bind mount',
    ['-v', '/no/such/source:/b', image, 'true'],
    125,
    /\/no\/such\/source.*no such file or directory/,
  ),
  refuses('error: an unknown capability', ['--cap-add', 'NO_SUCH', image, 'true'], 125, /NO_SUCH/i),
  refuses('error: an unknown sysctl', ['--sysctl', 'net.no.such=1', image, 'true'], 127, /net[./]no[./]such/),
  ofRunning('error: exec of a missing program', async ({ client }, name) => {
    ended(await client.result`exec ${name} no-such-program`, 127, /no-such-program.*not found/)
    ended(await client.result`exec ${name} /etc/text`, 126, /\/etc\/text.*permission denied/i)
    ended(await client.result`exec -w /no/such/dir ${name} true`, 127, /\/no\/such\/dir.*no such file or directory/i)
  }),
]

export const podman: Daemon<Podman> = {
  name: 'Podman',
  version: async () => (await run('podman', ['--version'])).stdout.trim().split(' ').pop() ?? '?',
  start: startPodman,
  stop: async () => undefined,
  features: [...features, ...moreFeatures, ...machineFeatures],
}
