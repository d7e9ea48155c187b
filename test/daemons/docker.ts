/** Docker Engine: dockerd with containerd as its child, and the client `docker`. */
import { strict as assert } from 'node:assert'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, openSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { appArmorFeatures } from './docker-apparmor.ts'
import { asRuncFeatures } from './docker-as-runc.ts'
import { buildFeatures } from './docker-build.ts'
import { composeFeatures } from './docker-compose.ts'
import { contentFeatures } from './docker-content.ts'
import { daemonFeatures } from './docker-daemon.ts'
import { errorFeatures } from './docker-errors.ts'
import { lifeFeatures } from './docker-life.ts'
import { machineFeatures } from './docker-machine.ts'
import { registryFeatures } from './docker-registry.ts'
import { restoreFeatures } from './docker-restore.ts'
import { runFeatures } from './docker-run.ts'
import { swarmFeatures } from './docker-swarm.ts'
import { Client, run, slow, until, type Daemon, type Engine, type Setting } from './feature.ts'
import { makeTar } from './image.ts'

export const image = 'box'

const noNetworks = ['--bridge=none', '--iptables=false']

export interface DaemonOptions {
  /** More arguments of dockerd. */
  readonly args?: readonly string[]
  /** dockerd is told of no runtime: it uses the `runc` that it finds, and so does all that comes with it. */
  readonly asRunc?: boolean
}

/** A dockerd and the client that talks to it. */
export class Docker implements Engine {
  readonly setting: Setting
  readonly image = image
  readonly dir: string
  readonly client: Client
  /** Its socket, as the client takes it. */
  readonly address: string
  readonly #asRunc: boolean
  #args: readonly string[]
  #process: ChildProcess | undefined
  #containerd: ChildProcess | undefined

  constructor(setting: Setting, name: string, { args = [], asRunc = false }: DaemonOptions = {}) {
    this.setting = setting
    this.dir = path.join(setting.work, name)
    this.address = `unix://${this.dir}/docker.sock`
    this.client = new Client('docker', ['--host', this.address], { DOCKER_CONFIG: this.dir })
    mkdirSync(this.dir, { recursive: true })
    this.#asRunc = asRunc
    this.#args = [
      ...['--data-root', `${this.dir}/data`, '--exec-root', `${this.dir}/exec`, '--pidfile', `${this.dir}/pid`],
      ...['--host', this.address, '--storage-driver', 'overlay2', '--group', 'root'],
      ...(asRunc ? [] : ['--add-runtime', `under-test=${setting.executable}`, '--default-runtime', 'under-test']),
      ...args,
    ]
  }

  /** Starts dockerd, again after it was killed too. */
  async start(): Promise<void> {
    // dockerd gives up on a child that takes longer than 15 seconds.
    if (slow && this.#containerd === undefined) await this.#startContainerd()
    const log = openSync(`${this.dir}/log`, 'a')
    this.#process = spawn('dockerd', this.#args, { stdio: ['ignore', log, log] })
    await until(`dockerd answers (${this.dir}/log)`, async () => {
      if (this.#process?.exitCode !== null) throw new Error((await run('tail', ['-n', '3', `${this.dir}/log`])).stdout)
      return (await this.client.result`info`).status === 0
    })
  }

  async #startContainerd(): Promise<void> {
    const address = `${this.dir}/containerd.sock`
    const config = `version = 2
root = "${this.dir}/containerd"
state = "${this.dir}/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${address}"
`
    const log = openSync(`${this.dir}/containerd.log`, 'a')
    this.#containerd = spawn('containerd', ['--config', this.file('containerd.toml', config)], {
      stdio: ['ignore', log, log],
    })
    await until('containerd answers', async () => (await run('ctr', ['--address', address, 'version'])).status === 0)
    this.#args = [...this.#args, '--containerd', address]
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process
    if (child?.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.on('exit', resolve))
    child.kill(signal)
    await gone
  }

  /** Ends all of it. */
  async stop(): Promise<void> {
    await this.end()
    this.#containerd?.kill()
  }

  /** Makes the image from its tar. */
  async load(tar: string): Promise<void> {
    await this.client.ok`import ${tar} ${image}`
  }

  /** The folder with the state that the runtime keeps of the containers. */
  get states(): string {
    return `${this.dir}/exec/runtime-runc/moby`
  }

  /** Another daemon with other arguments, without networks and with the same driver for cgroups; the caller ends it. */
  async another(name: string, ...args: string[]): Promise<Docker> {
    const options = { args: [...driver(this.setting), ...noNetworks, ...args], asRunc: this.#asRunc }
    const other = new Docker(this.setting, name, options)
    await other.start()
    await other.load(path.join(this.setting.work, 'image.tar'))
    return other
  }

  /** Whether something is true of a container, by `inspect`. */
  async inspect(container: string, format: string): Promise<string> {
    return this.client.ok`inspect --format ${format} ${container}`
  }

  /** Waits until the container's log has the text. */
  async logged(container: string, text: string): Promise<void> {
    await until(`${container} logs ${text}`, async () => {
      const { stdout, stderr } = await this.client.result`logs ${container}`
      return (stdout + stderr).includes(text)
    })
  }

  async remove(container: string): Promise<void> {
    await this.client.result`rm -f ${container}`
  }

  /** A file for features; its content stands in the machine under test only. */
  file(name: string, content: string): string {
    const file = path.join(this.dir, name)
    writeFileSync(file, content)
    return file
  }
}

const driver = ({ where }: Setting): string[] =>
  where === 'systemd' ? ['--exec-opt', 'native.cgroupdriver=systemd'] : []

const starts =
  (asRunc: boolean) =>
  async (setting: Setting): Promise<Docker> => {
    const tar = await makeTar(setting.work)
    const args = driver(setting)
    if (setting.smoke || setting.where !== 'host') args.push(...noNetworks)
    const docker = new Docker(setting, 'docker', { args, asRunc })
    await docker.start()
    await docker.load(tar)
    assert.equal(await docker.client.ok`info --format {{.DefaultRuntime}}`, asRunc ? 'runc' : 'under-test')
    return docker
  }

const version = async () => /version ([\w.~-]+)/.exec((await run('dockerd', ['--version'])).stdout)?.[1] ?? '?'

export const docker: Daemon<Docker> = {
  name: 'Docker Engine',
  version,
  start: starts(false),
  stop: (engine) => engine.stop(),
  features: [
    ...runFeatures,
    ...lifeFeatures,
    ...contentFeatures,
    ...errorFeatures,
    ...buildFeatures,
    ...registryFeatures,
    ...composeFeatures,
    ...daemonFeatures,
    ...restoreFeatures,
    ...machineFeatures,
    ...appArmorFeatures,
    ...swarmFeatures,
  ],
}

/** Told nothing: the runtime stands where dockerd, its shim and BuildKit look for runc. */
export const dockerAsRunc: Daemon<Docker> = {
  name: 'Docker Engine without configuration, runt as /usr/bin/runc',
  version,
  start: starts(true),
  stop: (engine) => engine.stop(),
  features: asRuncFeatures([...docker.features.filter(({ smoke }) => smoke), ...buildFeatures]),
}
