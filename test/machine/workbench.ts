/** A directory for a plan to mount in, in a mount namespace of its own that nothing leaves. Needs root. */
import type { ExecutionContext } from 'ava'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Register } from '../../src/plan/fields.ts'
import { PlanBuilder } from '../../src/plan/plan.ts'
import type { StepName, StepOf } from '../../src/plan/steps.ts'
import { runPlan, type Outcome } from './machine.ts'

export const CLONE_NEWNS = 0x20000
export const CLONE_NEWUTS = 0x04000000
export const MS_UNBINDABLE = 1 << 17
const MS_PRIVATE = 1 << 18
export const AT_RECURSIVE = 0x8000

/** True for a user who may not mount; says so. */
export function lacksRoot(t: ExecutionContext): boolean {
  if (process.geteuid!() === 0) return false
  t.log('skipped: needs root')
  t.pass()
  return true
}

export class Workbench {
  readonly dir: string
  readonly builder = new PlanBuilder()
  /** The directory: a mount of the new namespace. */
  readonly root: Register

  constructor(t: ExecutionContext) {
    this.dir = mkdtempSync(path.join(tmpdir(), 'runt-mounts-'))
    t.teardown(() => {
      rmSync(this.dir, { recursive: true })
    })
    mkdirSync(`${this.dir}/target`)
    this.root = this.register('root')
    this.add('unshare', { flags: CLONE_NEWNS | CLONE_NEWUTS })
    this.add('propagation', { path: '/', propagation: MS_PRIVATE, flags: AT_RECURSIVE })
    this.add('openTree', { dst: this.root, path: this.dir, flags: 0 })
    this.add('attachHost', { mount: this.root, path: this.dir })
  }

  add<N extends StepName>(op: N, fields: Omit<StepOf<N>, 'op' | 'origin'>): void {
    this.builder.add(op, '', fields)
  }

  register(name: string): Register {
    return this.builder.register(name)
  }

  /** A detached mount of a new filesystem. */
  newMount(type: string, parameters: string[] = [], attributes = 0): Register {
    const dst = this.register(type)
    this.add('newMount', { dst, type, source: type, parameters, attributes })
    return dst
  }

  /** What is at a path below the root. */
  open(target: string, root: Register = this.root): Register {
    const dst = this.register(target)
    this.add('openIn', { dst, root, path: target, make: 0, mode: 0, kind: 0, optional: 0 })
    return dst
  }

  attach(mount: Register, target: string): void {
    this.add('attach', { mount, target: this.open(target) })
  }

  /** Runs the plan up to here. */
  run(): Promise<Outcome> {
    return runPlan(this.builder.plan)
  }

  /** Runs the plan with a script at its end, in the directory. */
  script(script: string): Promise<Outcome> {
    return this.execute(['sh', '-c', `cd ${this.dir}; ${script}`])
  }

  execute(args: string[]): Promise<Outcome> {
    this.add('program', { args, env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C'] })
    this.add('exec', {})
    return this.run()
  }
}
