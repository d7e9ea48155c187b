/** containerd by its own client `ctr`, with the shim for runc and `--runc-binary`. */
import { strict as assert } from 'node:assert'
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { cgroupFeatures } from './containerd-cgroups.ts'
import { criFeatures, laterFeatures } from './containerd-cri.ts'
import { criConfiguration, first, image, pauseCommand, pauseImage, second, type Generation } from './containerd-pods.ts'
import { Cri } from './cri.ts'
import { Client, ended, run, sh, slow, unique, until, type Daemon, type Feature, type Setting } from './feature.ts'
import { makeArchive } from './image.ts'

/** A containerd and its clients. */
export class Containerd {
  readonly setting: Setting
  readonly dir: string
  readonly socket: string
  readonly client: Client
  readonly cri: Cri
  /** Flags of `ctr run` and `ctr container create`. */
  readonly runtime: readonly string[]
  #process: ChildProcess | undefined

  readonly #generation: Generation
  /** Before a program's name, for those of its generation. */
  readonly #programs: string

  constructor(setting: Setting, generation: Generation, programs: string | undefined) {
    this.setting = setting
    this.#generation = generation
    this.#programs = programs === undefined ? '' : `${programs}/`
    this.dir = path.join(setting.work, 'containerd')
    this.socket = `${this.dir}/containerd.sock`
    this.client = new Client(`${this.#programs}ctr`, ['--address', this.socket])
    this.cri = new Cri(this.socket)
    this.runtime = ['--runc-binary', setting.executable, '--snapshotter', 'overlayfs']
    // Else ctr asks for a share that needs the controller.
    if (setting.where === 'host') this.runtime = [...this.runtime, '--cpu-shares', '0']
  }

  /** Starts it, for the first time or again. */
  async start(): Promise<void> {
    mkdirSync(this.dir, { recursive: true })
    writeFileSync('/run/daemons/environment', 'FROM_FILE=yes\n')
    writeFileSync(path.join(this.dir, 'config.toml'), criConfiguration(this.setting, this.#generation, this.dir))
    const log = openSync(path.join(this.dir, 'log'), 'a')
    const places = ['--root', `${this.dir}/root`, '--state', `${this.dir}/state`, '--address', this.socket]
    // It looks for the shim beside itself, and then in PATH.
    this.#process = spawn(`${this.#programs}containerd`, ['--config', `${this.dir}/config.toml`, ...places], {
      stdio: ['ignore', log, log],
      env: { ...process.env, PATH: `${this.#programs}:${process.env.PATH}` },
    })
    await until('containerd answers', async () => (await this.client.result`version`).status === 0)
    await until('its CRI plugin is ready', async () => {
      const { status } = await this.cri.call('Status', {})
      return status!.conditions.some((condition) => condition.type === 'RuntimeReady' && condition.status)
    })
  }

  async addImages(): Promise<void> {
    const archive = await makeArchive(this.setting.work, { [image]: ['sh'], [pauseImage]: pauseCommand })
    for (const namespace of ['default', 'k8s.io'])
      await this.client.ok`--namespace ${namespace} images import --snapshotter overlayfs ${archive}`
    await until('the CRI plugin has the image', async () => {
      const has = async (name: string) =>
        (await this.cri.call('ImageStatus', { image: { image: name } })).image !== undefined
      return (await has(image)) && (await has(pauseImage))
    })
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

/** A command for `tasks exec`: ctr loses the output of one that ends before ctr has opened its pipe. */
const said = (script: string) => sh(`${script}; sleep 1`)

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
  {
    feature: 'run --net-host',
    run: async ({ client, runtime }) => {
      const command = ['readlink', '/proc/self/ns/net']
      assert.equal(
        await client.ok`run --rm --net-host ${runtime} ${image} ${unique()} ${command}`,
        readlinkSync('/proc/self/ns/net'),
      )
    },
  },
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
  prints('run --env-file', ['--env-file', '/run/daemons/environment'], sh('echo $FROM_FILE'), /^yes$/),
  prints(
    'run --cap-drop, --cap-add',
    ['--cap-drop', 'CAP_CHOWN', '--cap-add', 'CAP_SYS_TIME'],
    ['grep', 'CapEff', '/proc/self/status'],
    /^CapEff:\s+00000000aa0425fa$/,
  ),
  prints('run --allow-new-privs', ['--allow-new-privs'], ['grep', 'NoNewPrivs', '/proc/self/status'], /0$/),
  prints('run --device', ['--device', '/dev/fuse'], sh(': < /dev/fuse && echo opened'), /^opened$/),
  prints(
    'run --rootfs-propagation, --no-pivot',
    ['--rootfs-propagation', 'slave', '--no-pivot'],
    ['echo', 'hello'],
    /^hello$/,
  ),
  {
    feature: 'run --pid-file, --with-ns',
    run: async (engine) => {
      const [one, two] = [unique(), unique()]
      const file = `${engine.dir}/${one}.pid`
      await engine.client.ok`run -d --pid-file ${file} ${engine.runtime} ${image} ${one} sleep 1000`
      try {
        const shared = `network:/proc/${readFileSync(file, 'utf8')}/ns/net`
        const command = said('readlink /proc/self/ns/net')
        const seen = await engine.client.ok`run --rm --with-ns ${shared} ${engine.runtime} ${image} ${two} ${command}`
        assert.equal(await engine.client.ok`tasks exec --exec-id one ${one} ${command}`, seen)
      } finally {
        await engine.remove(one)
      }
    },
  },
  {
    // The shim itself looks for runc here: there is no flag that names it.
    feature: 'containers create, tasks start, attach',
    run: async (engine) => {
      const name = unique()
      await engine.client
        .ok`containers create --snapshotter overlayfs -- ${image} ${name} ${sh('until test -e /go; do sleep 0.1; done; echo said; exit 8')}`
      await engine.client.ok`tasks start -d ${name}`
      const attached = engine.client.result`tasks attach ${name}`
      await engine.client.ok`tasks exec --exec-id one ${name} touch /go`
      ended(await attached, 8)
      await engine.client.ok`containers delete ${name}`
    },
  },
  ofRunning('tasks ls, ps', async (engine, name) => {
    assert.equal(await engine.status(name), 'RUNNING')
    assert.match(await engine.client.ok`tasks ps ${name}`, /\d+/)
  }),
  ofRunning('tasks exec, and its exit status', async ({ client }, name) => {
    assert.equal(await client.ok`tasks exec --exec-id one ${name} ${said('echo hello')}`, 'hello')
    ended(await client.result`tasks exec --exec-id two ${name} ${sh('exit 7')}`, 7)
  }),
  ofRunning('tasks exec --tty', async ({ client }, name) => {
    ended(await client.typed('tty; exit 6\n')`tasks exec --tty --exec-id one ${name} sh`, 6, /\/dev\/pts\/\d/)
  }),
  ofRunning('tasks exec --user, --cwd', async ({ client }, name) => {
    assert.equal(
      await client.ok`tasks exec --user someone --cwd /tmp --exec-id one ${name} ${said('id -u; pwd')}`,
      '1000\n/tmp',
    )
  }),
  ofRunning('tasks exec of a missing program', async ({ client }, name) => {
    const result = await client.result`tasks exec --exec-id one ${name} no-such-program`
    ended(result, 1, /"no-such-program": executable file not found in \$PATH/)
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
    ended(result, 1, /criu/i)
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
]

function daemon(name: string, generation: Generation, features: readonly Feature<Containerd>[]): Daemon<Containerd> {
  return {
    name,
    version: async () => {
      const programs = await generation.programs?.()
      const { stdout } = await run(programs === undefined ? 'containerd' : `${programs}/containerd`, ['--version'])
      return stdout.split(' ')[2] ?? '?'
    },
    start: async (setting) => {
      const engine = new Containerd(setting, generation, await generation.programs?.())
      await engine.start()
      await engine.addImages()
      return engine
    },
    stop: (engine) => engine.end(),
    features,
  }
}

export const containerd = daemon('containerd', first, [...features, ...criFeatures, ...cgroupFeatures])

/** This generation gives the holder of each pod's namespaces a share of the processor, which needs the controller. */
const inMachine = (row: Feature<Containerd>): Feature<Containerd> => ({ ...row, where: row.where ?? 'vm' })

/** That of Debian's newest suite: Debian 12 has none of this generation. */
export const containerd2 = daemon('containerd of Debian’s newest suite', second, [
  ...features,
  ...[...criFeatures, ...laterFeatures, ...cgroupFeatures].map(inMachine),
])
