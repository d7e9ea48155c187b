/** A sandbox whose rootfs has the attacker's program (inside/hostile.c) beside the tests' own. */
import type { ExecutionContext } from 'ava'
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { Sandbox } from './harness.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))

let built: string | undefined

/** The attacker's program, built once. */
export function hostileProgram(): string {
  if (built !== undefined) return built
  const source = path.join(project, 'test/integration/inside/hostile.c')
  const target = path.join(project, 'build/test/hostile')
  if (!existsSync(target) || statSync(target).mtimeMs < statSync(source).mtimeMs) {
    mkdirSync(path.dirname(target), { recursive: true })
    const flags = ['-static', '-Os', '-Wall', '-Wno-unused-result', '-s', '-o', target, source]
    const { status, stderr } = spawnSync('cc', flags, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`cannot build the attacker's program: ${stderr}`)
  }
  return (built = target)
}

/** What Docker gives by default, for attacks that need them. */
export const dockerCapabilities = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_MKNOD', 'CAP_NET_RAW', 'CAP_SETGID'],
  ...['CAP_SETUID', 'CAP_SETFCAP', 'CAP_SETPCAP', 'CAP_NET_BIND_SERVICE', 'CAP_SYS_CHROOT', 'CAP_KILL'],
]

export class HostileSandbox extends Sandbox {
  private readonly change: (spec: Spec) => void

  constructor(t: ExecutionContext, change: (spec: Spec) => void = () => undefined) {
    super(t, change)
    this.change = change
    copyFileSync(hostileProgram(), path.join(this.rootfs, 'bin/hostile'))
  }

  /** Sets the program of the container. */
  args(...args: string[]): void {
    this.configure((spec) => {
      this.change(spec)
      spec.process!.args = args
    })
  }

  /** Makes a user of the host the owner of the rootfs, and lets it in. */
  giveTo(id: number): void {
    chmodSync(this.dir, 0o755)
    spawnSync('chown', ['-R', `${id}:${id}`, this.rootfs])
  }

  /** Runs the attacker's program on the host, as another container with the same files would, until the test is over. */
  meanwhile(t: ExecutionContext, ...args: string[]): void {
    const child = spawn(hostileProgram(), args, { stdio: 'ignore' })
    t.teardown(() => {
      child.kill('SIGKILL')
    })
  }
}

/** Gives the process these capabilities in the sets that count. */
export function grant(spec: Spec, capabilities: readonly string[]): void {
  const sets = spec.process!.capabilities!
  for (const set of ['bounding', 'effective', 'permitted'] as const) sets[set] = [...capabilities]
}

/** The rounds of a race: so many, or as many as there is time for, three at least. */
export function* rounds(most: number): Generator<number> {
  const end = Date.now() + 8000
  for (let count = 0; count < most && (count < 3 || Date.now() < end); count++) yield count
}
