/** containerd by its own client `ctr`, with the shim for runc and `--runc-binary`. */
import { strict as assert } from 'node:assert'
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Client, ended, run, slow, unique, until, type Daemon, type Feature, type Setting } from './feature.ts'
import { makeArchive } from './image.ts'

const image = 'docker.io/library/box:latest'
const sh = (script: string) => ['sh', '-c', script]

/** A containerd and its client. */
class Containerd {
  readonly setting: Setting
  readonly dir: string
  readonly client: Client
  /** Flags of `ctr run` and `ctr container create`. */
  readonly runtime: readonly string[]
  #process: ChildProcess | undefined

  constructor(setting: Setting) {
    this.setting = setting
    this.dir = path.join(setting.work, 'containerd')
    this.client = new Client('ctr', ['--address', `${this.dir}/containerd.sock`])
    this.runtime = ['--runc-binary', setting.executable, '--snapshotter', 'overlayfs']
    // Else ctr asks for a share that needs the controller.
    if (setting.where === 'host') this.runtime = [...this.runtime, '--cpu-shares', '0']
    if (setting.where === 'systemd') this.runtime = [...this.runtime, '--runc-systemd-cgroup']
  }

  async start(): Promise<void> {
    mkdirSync(this.dir, { recursive: true })
    const config = `version = 2
root = "${this.dir}/root"
state = "${this.dir}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${this.dir}/containerd.sock"
[ttrpc]
address = "${this.dir}/ttrpc.sock"
`
    writeFileSync(path.join(this.dir, 'config.toml'), config)
    const log = openSync(path.join(this.dir, 'log'), 'a')
    this.#process = spawn('containerd', ['--config', `${this.dir}/config.toml`], { stdio: ['ignore', log, log] })
    await until('containerd answers', async () => (await this.client.result`version`).status === 0)
    await this.client.ok`images import --snapshotter overlayfs ${await makeArchive(this.setting.work)}`
  }

  async end(): Promise<void> {
    const child = this.#process
    if (child?.exitCode !== null) return
    const gone = new Promise((resolve) => child.on('exit', resolve))
    child.kill()
    await gone
  }

  async status(name: string): Promise<string> {
    const list = await this.client.ok`tasks ls`
    return new RegExp(`^${name}\\s+\\d+\\s+(\\w+)`, 'm').exec(list)?.[1] ?? 'none'
  }

  async remove(name: string): Promise<void> {
    await this.client.result`tasks kill --signal SIGKILL ${name}`
    await until(`${name} has ended`, async () => ['STOPPED', 'none'].includes(await this.status(name)))
    await this.client.result`tasks delete ${name}`
    await this.client.ok`containers delete ${name}`
  }
}

/** A feature that one container's output proves. */
function prints(
  feature: string,
  flags: readonly string[],
  command: readonly string[],
  expected: RegExp,
): Feature<Containerd> {
  return {
    feature,
    run: async ({ client, runtime }) => {
      assert.match(await client.ok`run --rm ${runtime} ${flags} ${image} ${unique()} ${command}`, expected)
    },
  }
}

/** A feature of a container that runs. */
function ofRunning(feature: string, test: (engine: Containerd, name: string) => Promise<void>): Feature<Containerd> {
  return {
    feature,
    run: async (engine) => {
      const name = unique()
      await engine.client.ok`run -d ${engine.runtime} ${image} ${name} sleep 1000`
      try {
        await test(engine, name)
      } finally {
        await engine.remove(name)
      }
    },
  }
}

const features: readonly Feature<Containerd>[] = [
  { ...prints('run', [], ['echo', 'hello'], /^hello$/), smoke: true },
  {
    feature: 'run: exit status',
    run: async ({ client, runtime }) => {
      ended(await client.result`run --rm ${runtime} ${image} ${unique()} ${sh('exit 43')}`, 43)
    },
  },
  {
    feature: 'run -t: a terminal',
    run: async ({ client, runtime }) => {
      const name = unique()
      ended(await client.typed('tty; exit 5\n')`run --rm -t ${runtime} ${image} ${name} sh`, 5, /\/dev\/pts\/0/)
    },
  },
  prints('run --env, --cwd', ['--env', 'A=b', '--cwd', '/tmp'], sh('echo $A; pwd'), /^b\n\/tmp$/),
  prints('run --read-only', ['--read-only'], sh('touch /x 2>&1 || true'), /Read-only/),
  prints('run --privileged', ['--privileged'], sh('mount -t tmpfs x /tmp && echo mounted'), /^mounted$/),
  prints('run --seccomp', ['--seccomp'], ['grep', 'Seccomp:', '/proc/self/status'], /2/),
  prints('run --net-host', ['--net-host'], ['readlink', '/proc/self/ns/net'], /net/),
  prints(
    'run --mount',
    ['--mount', 'type=bind,src=/etc/debian_version,dst=/version,options=rbind:ro'],
    ['cat', '/version'],
    /\S/,
  ),
  prints(
    'run --uidmap, --gidmap',
    ['--uidmap', '0:300000:65536', '--gidmap', '0:300000:65536', '--remap-labels'],
    ['cat', '/proc/self/uid_map'],
    /0\s+300000\s+65536/,
  ),
  ofRunning('tasks ls, ps', async (engine, name) => {
    assert.equal(await engine.status(name), 'RUNNING')
    assert.match(await engine.client.ok`tasks ps ${name}`, /\d+/)
  }),
  ofRunning('tasks exec, and its exit status', async ({ client }, name) => {
    assert.equal(await client.ok`tasks exec --exec-id one ${name} echo hello`, 'hello')
    ended(await client.result`tasks exec --exec-id two ${name} ${sh('exit 7')}`, 7)
  }),
  ofRunning('tasks exec --tty', async ({ client }, name) => {
    ended(await client.typed('tty; exit 6\n')`tasks exec --tty --exec-id one ${name} sh`, 6, /\/dev\/pts\/\d/)
  }),
  ofRunning('tasks pause, resume', async (engine, name) => {
    await engine.client.ok`tasks pause ${name}`
    assert.equal(await engine.status(name), 'PAUSED')
    await engine.client.ok`tasks resume ${name}`
    assert.equal(await engine.status(name), 'RUNNING')
  }),
  ofRunning('tasks metrics', async ({ client }, name) => {
    assert.match(await client.ok`tasks metrics ${name}`, /memory|cpu|pids/i)
  }),
  ofRunning('tasks kill, delete', async (engine, name) => {
    await engine.client.ok`tasks kill --signal SIGKILL ${name}`
    await until('it has stopped', async () => (await engine.status(name)) === 'STOPPED')
    ended(await engine.client.result`tasks delete ${name}`, [0, 137])
    assert.equal(await engine.status(name), 'none')
  }),
  ofRunning('tasks checkpoint is refused, and the container lives', async (engine, name) => {
    const result = await engine.client.result`tasks checkpoint ${name}`
    ended(result, 1, /checkpoint|criu/i)
    assert.equal(await engine.status(name), 'RUNNING')
  }),
  ofRunning('kill of a process that is gone', async (engine, name) => {
    await engine.client.ok`tasks kill --signal SIGKILL ${name}`
    await until('it has stopped', async () => (await engine.status(name)) === 'STOPPED')
    ended(await engine.client.result`tasks kill --signal SIGTERM ${name}`, [0, 1], /process already finished|not found/)
  }),
  {
    feature: 'the shim is killed: containerd cleans up',
    alone: true,
    run: async (engine) => {
      const name = unique()
      await engine.client.ok`run -d ${engine.runtime} ${image} ${name} sleep 1000`
      const pid = /^\S+\s+(\d+)/m.exec(
        (await engine.client.ok`tasks ls`).split('\n').find((line) => line.startsWith(name))!,
      )![1]!
      const shims = readdirSync('/proc').filter((entry) => {
        if (!/^\d+$/.test(entry)) return false
        const args = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0')
        return args[0]!.endsWith('containerd-shim-runc-v2') && args.includes(name)
      })
      assert.equal(shims.length, 1)
      process.kill(Number(shims[0]), 'SIGKILL')
      await until(
        'the container has ended',
        async () => !existsSync(`/proc/${pid}/ns/pid`) || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '),
      )
      await until('its state is gone', async () => !existsSync(`/run/containerd/runc/default/${name}`))
      await until('the task is gone', async () => (await engine.status(name)) !== 'RUNNING')
      await engine.remove(name)
    },
  },
  {
    feature: 'fifty at once',
    alone: true,
    run: async ({ client, runtime }) => {
      const count = slow ? 10 : 50
      const outputs = Array.from(
        { length: count },
        (_, index) => client.ok`run --rm ${runtime} ${image} ${unique()} echo ${index}`,
      )
      assert.deepEqual(await Promise.all(outputs), [...Array(count).keys()].map(String))
    },
  },
  {
    feature: 'error: a missing program',
    run: async ({ client, runtime }) => {
      const result = await client.result`run --rm ${runtime} ${image} ${unique()} no-such-program`
      ended(result, 1, /"no-such-program": executable file not found in \$PATH/)
    },
  },
  {
    feature: 'error: a missing source of a bind mount',
    run: async ({ client, runtime }) => {
      const mount = 'type=bind,src=/no/such/source,dst=/b,options=rbind'
      ended(
        await client.result`run --rm --mount ${mount} ${runtime} ${image} ${unique()} true`,
        1,
        /\/no\/such\/source.*no such file or directory/,
      )
    },
  },
  {
    feature: 'run --memory-limit, --cpus',
    where: 'vm',
    run: async ({ client, runtime }) => {
      const files = sh('cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max')
      const mounts = ['--mount', 'type=cgroup,src=cgroup,dst=/sys/fs/cgroup,options=ro']
      const flags = ['--memory-limit', '33554432', '--cpus', '0.5', ...mounts]
      assert.equal(
        await client.ok`run --rm ${flags} ${runtime} ${image} ${unique()} ${files}`,
        '33554432\n50000 100000',
      )
    },
  },
]

async function start(setting: Setting): Promise<Containerd> {
  const engine = new Containerd(setting)
  await engine.start()
  return engine
}

export const containerd: Daemon<Containerd> = {
  name: 'containerd',
  version: async () => (await run('containerd', ['--version'])).stdout.split(' ')[2] ?? '?',
  start,
  stop: (engine) => engine.end(),
  features,
}
