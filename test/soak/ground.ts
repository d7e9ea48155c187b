/** What the scenarios stand on: a tmpfs of their own, bundles, and the runtime under test. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { Bench } from '../../bench/bench.ts'
import { type Config, configs } from '../../bench/configs.ts'
import type { Peer } from '../../bench/peers.ts'
import { eventually, runtime, underTest } from '../integration/harness.ts'
import type { Place } from '../integration/concurrent.ts'
import { type Count, countsOf } from './counts.ts'

/** What a scenario found. */
export interface Report {
  readonly scenario: string
  /** What was measured, each with its unit in its name. */
  readonly figures: Record<string, number | string>
  /** Tables for a page. */
  readonly tables: { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }[]
  /** What should not be; nothing where all is well. */
  readonly failures: string[]
}

export interface Ended {
  status: number
  stdout: string
  stderr: string
}

/** With the path of the program: the driver looks for none. */
function absolute([program, ...args]: readonly string[]): string[] {
  if (program!.includes('/')) return [program!, ...args]
  const { stdout } = spawnSync('which', [program!], { encoding: 'utf8' })
  if (stdout === '') throw new Error(`${program} is not there`)
  return [stdout.trim(), ...args]
}

const controllers = (): string[] =>
  (existsSync('/sys/fs/cgroup/cgroup.controllers') ? readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8') : '')
    .trim()
    .split(' ')

/** Whether cgroups of this machine have limits. */
export const hasLimits: boolean = ['memory', 'pids', 'cpu'].every((name) => controllers().includes(name))

/** runt's default, with the limits that the machine can have; a device filter it has anyway. */
const usual: Config = (shared) => {
  const spec = configs.default!(shared)
  if (hasLimits) {
    const { resources } = spec.linux!
    spec.linux!.resources = { ...resources, memory: { limit: 64 << 20 }, pids: { limit: 32 }, cpu: { shares: 512 } }
  }
  return spec
}

/** The same with users of its own. */
const mapped: Config = (shared) => {
  const spec = usual(shared)
  const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }]
  spec.linux = { ...spec.linux!, uidMappings: map, gidMappings: map }
  spec.linux.namespaces!.push({ type: 'user' })
  return spec
}

/** One of a bundle for each kind of container. */
export interface Kind {
  readonly name: string
  readonly bundle: string
}

export class Ground {
  readonly dir: string
  readonly bench: Bench
  readonly peer: Peer
  readonly counts: readonly Count[]
  /** Where commands write to: not where is counted. */
  private readonly out: string

  /**
   * @param dir as `prepare` of the benchmark leaves it
   * @param prefix of the names of containers, that no other's have
   */
  constructor(dir: string, prefix: string) {
    this.dir = dir
    this.peer = { name: runtime, family: runtime, version: '', command: absolute(underTest), extra: false }
    this.bench = new Bench(dir, [this.peer], false, undefined, prefix)
    this.counts = countsOf(dir, prefix)
    this.out = `${dir}-out`
    mkdirSync(this.out)
  }

  get root(): string {
    return this.bench.state(this.peer)[1]!
  }

  /** A bundle whose container goes on until it is ended. */
  bundle(name = 'default', change?: Parameters<Bench['bundle']>[3]): string {
    return this.bench.bundle(name, usual, '/bin/pause', change)
  }

  /** Containers of all kinds that cycles go through. */
  kinds(): Kind[] {
    return [
      { name: 'default', bundle: this.bundle() },
      { name: 'as Docker makes them', bundle: this.bench.bundle('Docker', configs.Docker!, '/bin/pause') },
      { name: 'with a user namespace', bundle: this.bench.bundle('mapped', mapped, '/bin/pause') },
      { name: 'that end by themselves', bundle: this.bench.bundle('default', usual, '/bin/true') },
    ]
  }

  /** The arguments of a command, after the program's. */
  args(...args: string[]): string[] {
    return ['--root', this.root, ...args]
  }

  /** Runs a command to its end. What it leaves running keeps no stream of ours open. */
  run(...args: string[]): Ended {
    return this.runAt(this.root, ...args)
  }

  /** The same with another state root. */
  runAt(root: string, ...args: string[]): Ended {
    const [out, err] = [path.join(this.out, 'stdout'), path.join(this.out, 'stderr')]
    const command = [...this.peer.command, '--root', root, ...args]
    const { status, signal } = spawnSync(
      '/bin/sh',
      ['-c', 'out=$1 err=$2; shift 2; exec "$@" < /dev/null > "$out" 2> "$err"', 'sh', out, err, ...command],
      { timeout: 120_000, killSignal: 'SIGKILL', stdio: 'ignore' },
    )
    const [stdout, stderr] = [readFileSync(out, 'utf8'), readFileSync(err, 'utf8')]
    return { status: status ?? 137, stdout, stderr: signal === null ? stderr : `${stderr}\n(took too long)` }
  }

  /** Runs a command that must succeed. @returns what it printed */
  must(...args: string[]): string {
    const { status, stdout, stderr } = this.run(...args)
    if (status !== 0) throw new Error(`${args.join(' ')}: status ${status}: ${stderr.trim()}`)
    return stdout
  }

  status(id: string): string {
    return (JSON.parse(this.must('state', id)) as { status: string }).status
  }

  list(): { id: string; status: string; pid: number }[] {
    return (JSON.parse(this.must('list', '--format', 'json')) ?? []) as { id: string; status: string; pid: number }[]
  }

  /** Commands side by side, with `launch` of the integration tests. */
  place(bundle: string): Place {
    return { dir: this.out, bundle, command: (...args) => [...this.peer.command, ...this.args(...args)] }
  }

  /** What there is of containers, each with its place; nothing where all are gone. */
  left(root = this.root): string[] {
    const states = existsSync(root) ? readdirSync(root).filter((name) => name.startsWith(this.bench.prefix)) : []
    const cgroups = readdirSync('/sys/fs/cgroup').filter((name) => name.startsWith(this.bench.prefix))
    const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && this.isOurs(name))
    return [
      ...states.map((name) => `state of ${name}: ${readdirSync(path.join(root, name)).join(' ')}`),
      ...cgroups.map((name) => `cgroup ${name}`),
      ...processes.map((pid) => `process ${pid}`),
    ]
  }

  /** Whether a process is in a cgroup of ours, which Debian's crun would be without. */
  private isOurs(pid: string): boolean {
    try {
      return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`/${this.bench.prefix}`)
    } catch {
      return false
    }
  }

  /** Removes what a scenario that failed has left, and what commands said. */
  remove(): void {
    this.bench.clean()
    rmSync(this.out, { recursive: true, force: true })
  }

  /** Waits until nothing of containers is left, a little, as the kernel and init take their time. @returns what is left all the same */
  async clean(root = this.root): Promise<string[]> {
    await eventually(() => this.left(root).length === 0, 'nothing is left', 5000).catch(() => undefined)
    return this.left(root)
  }
}

/** To as many decimals as tell anything. */
export const short = (value: number): string =>
  Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 1 ? 3 : Math.abs(value) < 10 ? 2 : 1)
