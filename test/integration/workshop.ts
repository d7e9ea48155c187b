/** A place to unpack images in: a filesystem of its own with a store, images and bundles. */
import type { ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { underTest, type Result } from './harness.ts'

export class Workshop {
  readonly dir = mkdtempSync(path.join(tmpdir(), 'runt-workshop-'))
  readonly store = this.path('store')
  private readonly t: ExecutionContext

  constructor(t: ExecutionContext) {
    this.t = t
    t.teardown(() => {
      rmSync(this.dir, { recursive: true })
    })
    this.mount('.', '64m')
  }

  /** Mounts a tmpfs of a size at a name. overlayfs's upper directories can be on it wherever the tests run. */
  mount(name: string, size: string): void {
    mkdirSync(this.path(name), { recursive: true })
    this.t.is(spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', this.path(name)]).status, 0)
    this.t.teardown(() => spawnSync('umount', ['-l', this.path(name)]))
  }

  path(name: string): string {
    return path.join(this.dir, name)
  }

  run(args: string[], input?: Buffer): Result {
    const [file, ...rest] = [...underTest, ...args]
    const { status, stdout, stderr } = spawnSync(file!, rest, { input, timeout: 120_000, cwd: this.dir })
    return { status: status ?? -1, stdout: stdout.toString(), stderr: stderr.toString() }
  }

  unpack(image: string, bundle: string, more: string[] = [], input?: Buffer): Result {
    return this.run(['unpack', '--store', this.store, '--image', image, ...more, bundle], input)
  }

  /** Unpacks to the bundle `bundle`, which works. @returns its config.json */
  bundle(image: string, more: string[] = [], input?: Buffer): Spec {
    rmSync(this.path('bundle'), { recursive: true, force: true })
    const { status, stderr } = this.unpack(image, 'bundle', more, input)
    this.t.is(status, 0, stderr)
    return this.config('bundle')
  }

  /** Unpacks to the bundle `bundle`, which fails and leaves nothing. */
  fails(expected: RegExp, image: string, more: string[] = [], input?: Buffer): void {
    rmSync(this.path('bundle'), { recursive: true, force: true })
    const { status, stderr } = this.unpack(image, 'bundle', more, input)
    this.t.is(status, 1, stderr)
    this.t.regex(stderr, expected)
    this.t.notRegex(stderr, /internal error/)
    this.t.false(existsSync(this.path('bundle')))
    this.t.deepEqual(this.rubbish(), [])
  }

  config(bundle: string): Spec {
    return JSON.parse(readFileSync(this.path(`${bundle}/config.json`), 'utf8')) as Spec
  }

  layers(): { chainId: string; users: string[] }[] {
    const { stdout, stderr } = this.run(['layers', '--store', this.store, '--format', 'json'])
    if (stdout === '') throw new Error(stderr)
    return JSON.parse(stdout) as { chainId: string; users: string[] }[]
  }

  /** What is in a store and no layer, bundle or lock. */
  rubbish(store = 'store'): string[] {
    const parts = readdirSync(this.path(`${store}/layers/sha256`)).filter((name) => name.includes('.'))
    return [...parts, ...readdirSync(this.path(`${store}/spool`))]
  }
}
