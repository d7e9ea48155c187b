/** containerd's CRI plugin: how it is configured, and pods made through it as a kubelet makes them. */
import { strict as assert } from 'node:assert'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Containerd } from './containerd.ts'
import { Mode, State, type ContainerConfig, type ContainerStatus, type PodConfig, type PodSecurity } from './cri.ts'
import { run, slow, unique, until, type Setting } from './feature.ts'
import { stream, type Streamed, type StreamOptions } from './streaming.ts'

export const image = 'docker.io/library/box:latest'
/** What holds a pod's namespaces. Where it has them all, its shell collects the orphans. */
export const pauseImage = 'docker.io/library/pause:local'
export const pauseCommand = ['sh', '-c', 'while :; do sleep 1000; done']

/** A file of docs/kubernetes, for a reader to take as it is. */
function documented(name: string): string {
  return readFileSync(fileURLToPath(new URL(`../../docs/kubernetes/${name}`, import.meta.url)), 'utf8')
}

/** The handler that the documented RuntimeClass names. */
export const handler = /^handler: (\S+)$/m.exec(documented('runtimeclass.yaml'))![1]!

function replaced(text: string, old: string, by: string): string {
  assert.ok(text.includes(old), `no ${old} in\n${text}`)
  return text.replace(old, by)
}

/** What differs between the generations of containerd. */
export interface Generation {
  /** Finds the folder of its programs, where they are not those of this machine. */
  readonly programs?: () => Promise<string>
  /** Its file of docs/kubernetes. */
  readonly file: string
  /** The table of the plugin that runs pods. */
  readonly plugin: string
  /** What it has to be told at this place, beyond what the generations share. */
  readonly more: (where: Setting['where']) => string
}

export const first: Generation = {
  file: 'containerd.toml',
  plugin: 'plugins."io.containerd.grpc.v1.cri"',
  // Natively there are no controllers.
  more: (where) => `disable_cgroup = ${where === 'host'}\nsandbox_image = "${pauseImage}"`,
}

export const second: Generation = {
  programs: async () => {
    const newest = await run(fileURLToPath(new URL('../vm/newest.sh', import.meta.url)), ['containerd'])
    assert.equal(newest.status, 0, newest.told)
    return `${newest.stdout.trim()}/usr/bin`
  },
  file: 'containerd-2.toml',
  plugin: 'plugins."io.containerd.cri.v1.runtime"',
  // Not every kernel shows the layers of an image on a tmpfs with other owners.
  more: () => `[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "${pauseImage}"
[plugins."io.containerd.snapshotter.v1.overlayfs"]
  slow_chown = true`,
}

/**
 * The documented configuration with the runtime under test, and what this place needs. A pod that names no class gets a runtime that
 * does not exist.
 */
export function criConfiguration(
  { executable, where }: Setting,
  { file, plugin, more }: Generation,
  dir: string,
): string {
  const network = {
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      {
        type: 'bridge',
        bridge: 'pods0',
        isGateway: true,
        ipam: { type: 'host-local', dataDir: `${dir}/addresses`, ranges: [[{ subnet: '10.99.0.0/16' }]] },
      },
    ],
  }
  mkdirSync(`${dir}/networks`, { recursive: true })
  writeFileSync(`${dir}/networks/10-pods.conflist`, JSON.stringify(network))
  const named = replaced(documented(file), '"/usr/local/bin/runt"', `"${executable}"`)
  const ours =
    where === 'systemd' ? named : replaced(named, '\n    SystemdCgroup = true\n', '\n    SystemdCgroup = false\n')
  // Natively root may not make its processes more important than they are.
  return `${ours}
[${plugin}]
restrict_oom_score_adj = ${where === 'host'}
${more(where)}
[${plugin}.cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "${dir}/networks"
[${plugin}.containerd]
  default_runtime_name = "none"
[${plugin}.containerd.runtimes.none]
  runtime_type = "io.containerd.runc.v2"
  [${plugin}.containerd.runtimes.none.options]
    BinaryName = "/no/such/runtime"
`
}

/** What a pod is made of, beyond what every pod here has. */
export interface PodOptions {
  readonly security?: PodSecurity
  readonly sysctls?: Readonly<Record<string, string>>
  /** As a kubelet names the cgroup of a pod: with the driver systemd a slice. */
  readonly parent?: string
  /** What its class says; else the documented one. */
  readonly handler?: string
}

/** A pod with its containers. */
export class Pod {
  readonly id: string
  readonly name: string
  readonly config: PodConfig
  readonly #engine: Containerd

  private constructor(engine: Containerd, id: string, name: string, config: PodConfig) {
    this.#engine = engine
    this.id = id
    this.name = name
    this.config = config
  }

  static async run(engine: Containerd, options: PodOptions = {}): Promise<Pod> {
    const name = unique('pod')
    // With the host's network it has the host's name.
    const hostname = options.security?.namespace_options?.network === Mode.node ? '' : name
    const config: PodConfig = {
      metadata: { name, uid: name, namespace: 'default' },
      hostname,
      log_directory: path.join(engine.dir, 'logs', name),
      linux: {
        // What a kubelet asks for where the pod says nothing.
        security_context: { namespace_options: { pid: Mode.container }, ...options.security },
        ...(options.sysctls && { sysctls: options.sysctls }),
        ...(options.parent && { cgroup_parent: options.parent }),
      },
    }
    const request = { config, runtime_handler: options.handler ?? handler }
    const { pod_sandbox_id } = await engine.cri.call('RunPodSandbox', request)
    return new Pod(engine, pod_sandbox_id, name, config)
  }

  /** Ends its containers and removes them and it. */
  async remove(): Promise<void> {
    await this.#engine.cri.call('StopPodSandbox', { pod_sandbox_id: this.id })
    await this.#engine.cri.call('RemovePodSandbox', { pod_sandbox_id: this.id })
  }

  /** Makes a container. It has the namespaces that the pod says, unless it says more. @returns its id */
  async create(command: readonly string[], more: ContainerConfig = {}): Promise<string> {
    const name = unique()
    const { security_context } = this.config.linux!
    const config: ContainerConfig = {
      metadata: { name },
      image: { image },
      command,
      log_path: `${name}.log`,
      ...more,
      linux: {
        ...more.linux,
        security_context: {
          namespace_options: security_context!.namespace_options!,
          ...more.linux?.security_context,
        },
      },
    }
    const request = { pod_sandbox_id: this.id, config, sandbox_config: this.config }
    const { container_id } = await this.#engine.cri.call('CreateContainer', request)
    this.#logs.set(container_id, path.join(this.config.log_directory!, config.log_path!))
    return container_id
  }

  readonly #logs = new Map<string, string>()

  /** Makes and starts one. @returns its id */
  async start(command: readonly string[], more?: ContainerConfig): Promise<string> {
    const container_id = await this.create(command, more)
    await this.#engine.cri.call('StartContainer', { container_id })
    return container_id
  }

  /** Runs one to its end. @returns its log, without white space around it, and how it ended */
  async complete(command: readonly string[], more?: ContainerConfig): Promise<{ log: string; ended: ContainerStatus }> {
    const id = await this.start(command, more)
    const ended = await this.ended(id)
    return { log: this.log(id), ended }
  }

  async status(container_id: string): Promise<ContainerStatus> {
    return (await this.#engine.cri.call('ContainerStatus', { container_id })).status!
  }

  /** Waits until the container has ended. */
  async ended(id: string): Promise<ContainerStatus> {
    await until('the container has ended', async () => (await this.status(id)).state === State.exited)
    return this.status(id)
  }

  /** What the container printed to both streams. Each line of the file has a time, the stream, and whether it is a whole one. */
  log(id: string): string {
    const lines = readFileSync(this.#logs.get(id)!, 'utf8').split('\n')
    return lines
      .map((line) => /^\S+ (?:stdout|stderr) [FP] (.*)$/.exec(line)?.[1] ?? '')
      .join('\n')
      .trim()
  }

  /** Runs a command in a container. @returns standard output, without white space around it; the command must succeed */
  async ok(container_id: string, cmd: readonly string[]): Promise<string> {
    const { stdout, stderr, exit_code } = await this.#engine.cri.call('ExecSync', { container_id, cmd })
    assert.equal(exit_code, 0, `${cmd.join(' ')}: status ${exit_code}\n${stdout.toString()}${stderr.toString()}`)
    return stdout.toString().trim()
  }

  /** The same with streams, and on a terminal if asked. */
  async typed(
    container_id: string,
    cmd: readonly string[],
    { tty, ...options }: Omit<StreamOptions, 'timeout'> & { readonly tty: boolean },
  ): Promise<Streamed> {
    const streams = { tty, stdin: options.input !== undefined, stdout: true, stderr: !tty }
    const { url } = await this.#engine.cri.call('Exec', { container_id, cmd, ...streams })
    return stream(url, { ...options, timeout })
  }

  /** Attaches to what the container itself reads and prints. */
  async attached(container_id: string, options: Omit<StreamOptions, 'timeout'>): Promise<Streamed> {
    const streams = { tty: true, stdin: true, stdout: true }
    const { url } = await this.#engine.cri.call('Attach', { container_id, ...streams })
    return stream(url, { ...options, timeout })
  }
}

/** Seconds for a stream to end. */
const timeout = slow ? 300 : 60

/** Runs a pod for the length of the test. */
export async function withPod(
  engine: Containerd,
  options: PodOptions,
  test: (pod: Pod) => Promise<void>,
): Promise<void> {
  const pod = await Pod.run(engine, options)
  try {
    await test(pod)
  } finally {
    await pod.remove()
  }
}
