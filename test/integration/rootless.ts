/** A user of the machine other than root, for the tests of containers without root. */
import type { ExecutionContext } from 'ava'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { defaultSpec } from '../../src/spec/default.ts'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { runtime, type Result, Sandbox } from './harness.ts'

export const uid = 21001
export const gid = 21002
/** First of the user's 65,536 ids of /etc/subuid and /etc/subgid. */
export const subids = 2_100_000
export const subCount = 65_536

export interface UserOptions {
  env?: Record<string, string>
  /** A command that runs the runtime in turn, such as `unshare`. */
  through?: readonly string[]
  /** A cgroup of the machine to start in. */
  cgroup?: string
  cwd?: string
  input?: Buffer | undefined
}

/** A sandbox that belongs to the user, who runs all commands in it. */
export class UserSandbox extends Sandbox {
  readonly runtimeDir: string

  constructor(t: ExecutionContext, change: (spec: Spec) => void = () => undefined) {
    super(t)
    this.runtimeDir = path.join(this.dir, 'runtime')
    mkdirSync(this.runtimeDir)
    chmodSync(this.dir, 0o755)
    this.configureRootless(change)
    this.giveAway()
  }

  /** Everything to the user, once more. */
  giveAway(): void {
    const { status, stderr } = spawnSync('chown', ['-R', `${uid}:${gid}`, this.dir], { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
  }

  /** What `spec --rootless` writes for the user, without a terminal, changed. */
  configureRootless(change: (spec: Spec) => void = () => undefined): void {
    const spec = defaultSpec({ rootless: true, uid, gid })
    if (runtime === 'crun') spec.ociVersion = '1.0.2'
    spec.process!.terminal = false
    spec.process!.args = ['inside', 'id']
    change(spec)
    this.writeConfig(JSON.stringify(spec))
    chownSync(path.join(this.bundle, 'config.json'), uid, gid)
  }

  /** Runs a command of the runtime as the user, with the state below the runtime directory. */
  asUser(args: readonly string[], options: UserOptions = {}): Result {
    const [file, ...rest] = this.userCommand(args, options)
    const result = spawnSync(file!, rest, {
      cwd: options.cwd ?? this.bundle,
      encoding: 'utf8',
      timeout: 120_000,
      killSignal: 'SIGKILL',
      input: options.input ?? '',
      env: this.environment(options),
    })
    return { status: result.status ?? 137, stdout: result.stdout, stderr: result.stderr }
  }

  /** As `asUser`, for commands whose container goes on. */
  asUserDetached(args: readonly string[], options: UserOptions = {}): Result {
    const words = this.userCommand(args, options).map((word) => `'${word.replaceAll("'", "'\\''")}'`)
    const [out, err] = [path.join(this.dir, 'out'), path.join(this.dir, 'err')]
    const { status } = spawnSync('/bin/sh', ['-c', `exec ${words.join(' ')} </dev/null >>'${out}' 2>>'${err}'`], {
      cwd: options.cwd ?? this.bundle,
      timeout: 120_000,
      env: this.environment(options),
    })
    return { status: status ?? 137, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') }
  }

  /** The same, without waiting for its end; the test ends it. */
  startAsUser(args: readonly string[], options: UserOptions = {}): ChildProcess {
    const [file, ...rest] = this.userCommand(args, options)
    return spawn(file!, rest, {
      cwd: options.cwd ?? this.bundle,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: this.environment(options),
    })
  }

  private environment(options: UserOptions): Record<string, string> {
    return { PATH: process.env.PATH ?? '', XDG_RUNTIME_DIR: this.runtimeDir, ...options.env }
  }

  private userCommand(args: readonly string[], options: UserOptions): string[] {
    const [file, ...rest] = this.command(...args)
    // Not the sandbox's state root: the user's own.
    const flag = rest.indexOf('--root')
    rest.splice(flag, 2)
    const user = ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--clear-groups', '--inh-caps=-all']
    const command = [...user, ...(options.through ?? []), file!, ...rest]
    if (options.cgroup === undefined) return command
    return ['/bin/sh', '-c', `echo $$ > '${options.cgroup}/cgroup.procs' && exec "$@"`, 'sh', ...command]
  }

  stateAsUser(id: string = this.id): { status: string; pid: number } {
    const { status, stdout, stderr } = this.asUser(['state', id])
    if (status !== 0) throw new Error(stderr)
    return JSON.parse(stdout) as { status: string; pid: number }
  }
}

/** Makes the user known to newuidmap(1), in this test run's mount namespace alone: the real files stay as they are. */
export function grantSubids(t: ExecutionContext): void {
  const dir = mkdtempSync(path.join(tmpdir(), 'runt-subids-'))
  chmodSync(dir, 0o755)
  t.teardown(() => {
    rmSync(dir, { recursive: true, force: true })
  })
  const entries: Record<string, string> = {
    '/etc/passwd': `runttest:x:${uid}:${gid}::/nonexistent:/bin/sh\n`,
    '/etc/group': `runttest:x:${gid}:\n`,
    '/etc/subuid': `runttest:${subids}:${subCount}\n`,
    '/etc/subgid': `runttest:${subids}:${subCount}\n`,
  }
  for (const [file, line] of Object.entries(entries)) {
    if (!existsSync(file)) writeFileSync(file, '')
    const copy = path.join(dir, path.basename(file))
    writeFileSync(copy, readFileSync(file, 'utf8') + line)
    const { status, stderr } = spawnSync('mount', ['--bind', copy, file], { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    t.teardown(() => spawnSync('umount', ['--lazy', file]))
  }
}
