/**
 * What every integration test stands on: bundles made of one static program, the runtime under test, and the proof that
 * nothing is left behind.
 *
 * RUNT_UNDER_TEST  the runtime's command line, default dist/bin/runt; `runc`, or `crun --cgroup-manager=disabled`, as a control
 * RUNT_TEST_ENV    `vm` in the virtual machine, where nothing may be skipped; else `host`
 */
import type { ExecutionContext } from 'ava'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { defaultSpec } from '../../src/spec/default.ts'
import type { Spec } from '../../src/spec/schema.gen.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))

/** The runtime's executable and its first arguments. */
export const underTest: readonly string[] = (process.env.RUNT_UNDER_TEST ?? 'dist/bin/runt')
  .split(' ')
  .map((word) => (word.includes('/') && !word.startsWith('-') ? path.resolve(project, word) : word))

/** `runt`, `runc` or `crun`. */
export const runtime: 'runt' | 'runc' | 'crun' = (() => {
  const words = underTest.map((word) => path.basename(word))
  return words.includes('runc') ? 'runc' : words.includes('crun') ? 'crun' : 'runt'
})()

export const inVm: boolean = process.env.RUNT_TEST_ENV === 'vm'

/** Whether a command takes a tenth of a second and more: on Node, and in emulation. Tests that run hundreds run fewer. */
export const slow: boolean = inVm || (runtime === 'runt' && path.basename(underTest.at(-1)!) !== 'runt')

/** The executable, and not the same sources on Node. */
const compiled = runtime === 'runt' && path.basename(underTest.at(-1)!) === 'runt'

/** Why a test may be left out. Nothing else is a reason. */
const requirements = {
  /** cgroup v2 with every controller: the virtual machine has it. */
  controllers: () => (inVm ? undefined : 'needs cgroup v2 controllers: runs in the virtual machine'),
  /** Behaviour of runt alone. */
  runt: () => (runtime === 'runt' ? undefined : `is not how ${runtime} behaves`),
  /** What only the executable does. */
  executable: () => (compiled ? undefined : 'is about dist/bin/runt'),
  /** Behaviour that Debian 12's crun, as old as it is and here without cgroups, does not share. */
  runc: () => (runtime === 'crun' ? 'is not how crun behaves' : undefined),
} as const

/** True where the test cannot run here; says why, and fails instead in the virtual machine, where everything can. */
export function lacks(t: ExecutionContext, ...needs: (keyof typeof requirements)[]): boolean {
  for (const need of needs) {
    const reason = requirements[need]()
    if (reason === undefined) continue
    if (inVm && runtime === 'runt') t.fail(`skipped where nothing may be skipped: ${reason}`)
    else t.log(`skipped: ${reason}`)
    t.pass()
    return true
  }
  return false
}

export interface Result {
  /** Exit status; 128 + n where a signal ended the runtime itself. */
  status: number
  stdout: string
  stderr: string
}

export interface RunOptions {
  cwd?: string
  env?: Record<string, string>
  input?: string
  /** Milliseconds, 60,000 unless told. */
  timeout?: number
}

let inside: string | undefined

/** The static program of inside/inside.c, built once. */
function insideProgram(): string {
  if (inside !== undefined) return inside
  const source = path.join(project, 'test/integration/inside/inside.c')
  const target = path.join(project, 'build/test/inside')
  if (!existsSync(target) || statSync(target).mtimeMs < statSync(source).mtimeMs) {
    mkdirSync(path.dirname(target), { recursive: true })
    const flags = ['-static', '-Os', '-Wall', '-Wno-unused-result', '-s', '-o', target, source]
    const { status, stderr } = spawnSync('cc', flags, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`cannot build the program for the containers: ${stderr}`)
  }
  return (inside = target)
}

let counter = 0

/** A directory of its own for one test: a state root and a bundle, and all commands on them. */
export class Sandbox {
  readonly dir: string
  readonly stateRoot: string
  readonly bundle: string
  readonly rootfs: string
  /** An id that no other test uses. */
  readonly id: string
  private readonly ids = new Set<string>()
  private readonly children: ChildProcess[] = []
  /** Mounts of the harness, in the order in which they were made. */
  private readonly ownMounts: string[] = []

  /** @param lower a root file system to take, which stays as it is, instead of the small one with the tests' program */
  constructor(t: ExecutionContext, change: (spec: Spec) => void = () => undefined, lower?: string) {
    this.dir = mkdtempSync(path.join(tmpdir(), 'runt-test-'))
    this.stateRoot = path.join(this.dir, 'state')
    this.bundle = path.join(this.dir, 'bundle')
    this.rootfs = path.join(this.bundle, 'rootfs')
    this.id = this.newId()
    mkdirSync(this.rootfs, { recursive: true })
    t.teardown(() => {
      this.remove()
    })
    if (lower === undefined) this.fillRootfs()
    else this.mountRootfs(lower)
    this.configure(change)
  }

  private fillRootfs(): void {
    for (const name of ['proc', 'sys', 'dev', 'tmp', 'etc', 'bin'])
      mkdirSync(path.join(this.rootfs, name), { recursive: true })
    copyFileSync(insideProgram(), path.join(this.rootfs, 'bin/inside'))
    writeFileSync(
      path.join(this.rootfs, 'etc/passwd'),
      'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n',
    )
    writeFileSync(path.join(this.rootfs, 'etc/group'), 'root:x:0:\nuser:x:1000:\n')
  }

  /** An overlay whose changes are in a tmpfs, as an overlay's own upper layer cannot be on another overlay. */
  private mountRootfs(lower: string): void {
    const layers = path.join(this.dir, 'layers')
    mkdirSync(layers)
    mount('-t', 'tmpfs', 'tmpfs', layers)
    for (const name of ['upper', 'work']) mkdirSync(path.join(layers, name))
    const options = `lowerdir=${lower},upperdir=${layers}/upper,workdir=${layers}/work`
    mount('-t', 'overlay', '-o', options, 'overlay', this.rootfs)
    this.ownMounts.push(layers, this.rootfs)
  }

  newId(): string {
    return `t${process.pid}-${++counter}`
  }

  /** Writes config.json anew: runt's default, without a terminal, changed. */
  configure(change: (spec: Spec) => void): void {
    const spec = defaultSpec()
    // Debian 12's crun refuses versions newer than itself.
    if (runtime === 'crun') spec.ociVersion = '1.0.2'
    // Newer runcs warn of what they cannot raise.
    if (runtime !== 'runt') delete spec.process!.capabilities!.ambient
    spec.process!.terminal = false
    spec.process!.args = ['inside', 'echo', 'hello']
    change(spec)
    this.writeConfig(JSON.stringify(spec, null, 2))
  }

  writeConfig(text: string): void {
    writeFileSync(path.join(this.bundle, 'config.json'), text)
  }

  /** The command line for a command of the runtime; without arguments, for a script that gives it the sandbox's id itself. */
  command(...args: string[]): string[] {
    if (args.length === 0) this.ids.add(this.id)
    for (const arg of args) if (arg.startsWith(`t${process.pid}-`)) this.ids.add(arg)
    return [...underTest, '--root', this.stateRoot, ...args]
  }

  /** Runs a command of the runtime to its end. */
  run(args: string[], options: RunOptions = {}): Result {
    const [file, ...rest] = this.command(...args)
    const { status, signal, stdout, stderr, error } = spawnSync(file!, rest, {
      cwd: options.cwd ?? this.bundle,
      encoding: 'utf8',
      timeout: options.timeout ?? 60_000,
      killSignal: 'SIGKILL',
      ...(options.env && { env: options.env }),
      input: options.input ?? '',
    })
    if (error && (error as NodeJS.ErrnoException).code !== 'ETIMEDOUT') throw error
    return { status: status ?? (signal === null ? -1 : 137), stdout, stderr: error ? `${stderr}\n(timed out)` : stderr }
  }

  /** `run` of the bundle, in the foreground. */
  runContainer(...flags: string[]): Result {
    return this.run(['run', ...flags, this.id])
  }

  /** Creates with streams to files, as a pipe that the container holds open would never end. */
  create(id: string = this.id, ...flags: string[]): Result {
    return this.detached(['create', ...flags, id])
  }

  /** Runs a command whose container goes on: what is printed goes to files. `output()` reads what the container wrote. */
  detached(args: string[], options: RunOptions = {}): Result {
    const out = path.join(this.dir, 'stdout')
    const err = path.join(this.dir, 'stderr')
    const command = this.command(...args)
      .map((word) => `'${word.replaceAll("'", "'\\''")}'`)
      .join(' ')
    const { status } = spawnSync('/bin/sh', ['-c', `exec ${command} </dev/null >>'${out}' 2>>'${err}'`], {
      cwd: options.cwd ?? this.bundle,
      timeout: options.timeout ?? 60_000,
      ...(options.env && { env: options.env }),
    })
    return { status: status ?? -1, stdout: this.output(), stderr: readFileSync(err, 'utf8') }
  }

  /** What detached containers wrote to standard output so far. */
  output(): string {
    const file = path.join(this.dir, 'stdout')
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  }

  /** Starts a command of the runtime and leaves it running. */
  start(args: string[], options: RunOptions & { stdio?: 'pipe' | 'ignore' } = {}): ChildProcess {
    const [file, ...rest] = this.command(...args)
    const child = spawn(file!, rest, {
      cwd: options.cwd ?? this.bundle,
      stdio: options.stdio ?? 'pipe',
      ...(options.env && { env: options.env }),
    })
    this.children.push(child)
    return child
  }

  state(id: string = this.id): { status: string; pid: number; [key: string]: unknown } {
    const { status, stdout, stderr } = this.run(['state', id])
    if (status !== 0) throw new Error(`state ${id}: ${stderr}`)
    return JSON.parse(stdout) as { status: string; pid: number }
  }

  /** Waits until the container has this status. */
  async until(status: string, id: string = this.id, ms = 20_000): Promise<void> {
    await eventually(() => this.state(id).status === status, `${id} is ${status}`, ms)
  }

  /** Asserts that nothing of these containers is left: no state, no cgroup, no mount, no process. */
  assertClean(t: ExecutionContext): void {
    // Caches of compiled filters, beside the containers: newer cruns have one, too.
    const state = existsSync(this.stateRoot) ? readdirSync(this.stateRoot) : []
    const own = state.filter((name) => name !== '.seccomp~' && (runtime !== 'crun' || !name.startsWith('.')))
    t.deepEqual(own, [], 'state is left')
    // Debian 12's runc now and then leaves the cgroup of a container that it ended by force.
    if (runtime === 'runt')
      for (const id of this.ids) t.false(existsSync(`/sys/fs/cgroup/${id}`), `the cgroup of ${id} is left`)
    const mounts = lines(readFileSync('/proc/self/mountinfo', 'utf8')).filter((line) => line.includes(this.dir))
    const left = mounts.filter((line) => !this.ownMounts.includes(line.split(' ')[4]!))
    t.deepEqual(left, [], 'a mount is left')
    // crun does not wait for the end of what it killed.
    if (runtime !== 'crun') t.deepEqual(processesOf(this.rootfs), [], 'a process is left')
    t.deepEqual(initsOf(this.dir), [], 'an init is left')
  }

  private remove(): void {
    for (const child of this.children) child.kill('SIGKILL')
    for (const id of this.ids) {
      this.run(['delete', '--force', id])
      const cgroup = `/sys/fs/cgroup/${id}`
      if (existsSync(`${cgroup}/cgroup.kill`)) writeFileSync(`${cgroup}/cgroup.kill`, '1')
    }
    for (const pid of [...processesOf(this.rootfs), ...initsOf(this.dir)]) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It ended by itself.
      }
    }
    for (const target of this.ownMounts.reverse()) spawnSync('umount', ['--lazy', target])
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 })
  }
}

function mount(...args: string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`)
}

/** Waits for a condition, looking every 20 ms. */
export async function eventually(condition: () => boolean, what: string, ms = 20_000): Promise<void> {
  const end = Date.now() + ms * (inVm ? 3 : 1)
  while (!condition()) {
    if (Date.now() > end) throw new Error(`still not so: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Pids of runt's inits that have a file below the directory open: the start fifo, or a standard stream. */
export function initsOf(dir: string): number[] {
  const found: number[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      if (!readlinkSync(`/proc/${name}/exe`).startsWith('/memfd:')) continue
      const open = readdirSync(`/proc/${name}/fd`).map((fd) => readlinkSync(`/proc/${name}/fd/${fd}`))
      if (open.some((file) => file.startsWith(`${dir}/`))) found.push(Number(name))
    } catch {
      // It ended meanwhile, or is a kernel thread.
    }
  }
  return found
}

/** Pids of processes whose executable is the tests' program, or whose root is this one. */
export function processesOf(rootfs: string): number[] {
  const program = path.join(rootfs, 'bin/inside')
  const [link, of] = existsSync(program) ? ['exe', statSync(program)] : ['root', statSync(rootfs)]
  const found: number[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const { ino, dev } = statSync(`/proc/${name}/${link}`)
      if (ino === of.ino && dev === of.dev) found.push(Number(name))
    } catch {
      // It ended meanwhile, or is a kernel thread.
    }
  }
  return found
}

/** Lines of a text, without the last empty one. */
export function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}
