/** Podman with a store of its own, as root and as a user: conmon calls the runtime to create and to exec, podman itself for all else. */
import { strict as assert } from 'node:assert'
import { appendFileSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Client, unique, until, type Engine, type Feature, type Setting } from './feature.ts'
import { makeTar } from './image.ts'

const image = 'localhost/box'

/** A user with ids of his own. */
export interface User {
  readonly id: number
}

/** Podman has no daemon: a client with a store of its own. */
export class Podman implements Engine {
  readonly setting: Setting
  readonly image = image
  readonly dir: string
  /** What stands before a command that is to run as the user. */
  readonly become: readonly string[]
  readonly client: Client
  /** The client without becoming the user. */
  readonly bare: Client
  /** Buildah on the same store. */
  readonly buildah: Client
  readonly #user: User | undefined

  constructor(setting: Setting, user?: User) {
    this.setting = setting
    this.#user = user
    this.dir = path.join(setting.work, user === undefined ? 'podman' : 'rootless')
    mkdirSync(this.dir, { recursive: true })
    const storage = `[storage]
driver = "${user === undefined ? 'overlay' : 'vfs'}"
graphroot = "${this.dir}/storage"
runroot = "${this.dir}/run"
`
    writeFileSync(path.join(this.dir, 'storage.conf'), storage)
    // In crun's place, runt gets what Podman asks of crun only: its log, read as JSON.
    const [name, executable] = setting.runtime === 'runt' ? ['crun', '/usr/bin/crun'] : ['runc', setting.executable]
    const engine = `[engine]\nruntime = "${name}"\n[engine.runtimes]\n${name} = ["${executable}"]\n`
    const env: Record<string, string> = {
      CONTAINERS_STORAGE_CONF: path.join(this.dir, 'storage.conf'),
      CONTAINERS_CONF: this.configuration('containers.conf', engine),
      BUILDAH_RUNTIME: executable,
      BUILDAH_ISOLATION: 'oci',
      TMPDIR: this.dir,
    }
    if (user === undefined) {
      this.become = []
      this.client = this.bare = new Client('podman', [], env)
      this.buildah = new Client('buildah', [], env)
      return
    }
    // With systemd, its instance of the user has made this one.
    const runtimeDir = setting.where === 'systemd' ? `/run/user/${user.id}` : path.join(this.dir, 'runtime')
    mkdirSync(runtimeDir, { recursive: true, mode: 0o700 })
    for (const folder of [this.dir, runtimeDir]) chownSync(folder, user.id, user.id)
    Object.assign(env, { HOME: this.dir, XDG_RUNTIME_DIR: runtimeDir })
    if (setting.where === 'systemd') env.DBUS_SESSION_BUS_ADDRESS = `unix:path=${runtimeDir}/bus`
    this.become = ['setpriv', '--reuid', `${user.id}`, '--regid', `${user.id}`, '--init-groups', '--']
    this.bare = new Client('podman', [], env)
    this.client = this.bare.as(this.become)
    this.buildah = new Client('buildah', [], env).as(this.become)
  }

  /**
   * Writes a containers.conf.
   * @param engine its tables [engine] and [engine.runtimes], the first of which gets what all of them have
   * @returns its path
   */
  configuration(name: string, engine: string): string {
    const common = `cgroup_manager = "${this.setting.where === 'systemd' ? 'systemd' : 'cgroupfs'}"
events_logger = "file"
tmp_dir = "${this.dir}/tmp"
`
    const containers = `[containers]
pids_limit = 0
log_driver = "k8s-file"
${this.#user === undefined ? '' : 'netns = "none"'}
${engine.replace('[engine]\n', `[engine]\n${common}`)}
[network]
network_backend = "netavark"
`
    const file = path.join(this.dir, name)
    writeFileSync(file, containers)
    return file
  }

  inspect(container: string, format: string): Promise<string> {
    return this.client.ok`inspect --format ${format} ${container}`
  }

  async logged(container: string, text: string): Promise<void> {
    await until(`${container} logs ${text}`, async () => {
      const { stdout, stderr } = await this.client.result`logs ${container}`
      return (stdout + stderr).includes(text)
    })
  }

  async remove(container: string): Promise<void> {
    await this.client.result`rm -f -t 0 ${container}`
  }

  /** A new folder with a Dockerfile. */
  context(dockerfile: string): string {
    const folder = path.join(this.dir, unique('build'))
    mkdirSync(folder)
    writeFileSync(path.join(folder, 'Dockerfile'), dockerfile)
    return folder
  }
}

export async function startPodman(setting: Setting): Promise<Podman> {
  // From where --userns=auto takes ids.
  for (const file of ['/etc/subuid', '/etc/subgid']) appendFileSync(file, 'containers:500000:100000\n')
  const podman = new Podman(setting)
  await podman.client.ok`import ${await makeTar(setting.work)} ${image}`
  return podman
}

/** A feature that one container's output proves. */
export function prints(feature: string, flags: string, command: readonly string[], expected: RegExp): Feature<Podman> {
  return {
    feature,
    run: async ({ client }) => {
      assert.match(await client.ok`run --rm ${flags.split(' ').filter(Boolean)} ${image} ${command}`, expected)
    },
  }
}
