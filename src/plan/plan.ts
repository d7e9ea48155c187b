/**
 * A plan: the program that init runs, as plain data, and the builder that compilers use to write one.
 * Nothing here does anything; a plan can be run by another process than the one that compiled it.
 */
import type { Register } from './fields.ts'
import type { Step, StepName, StepOf } from './steps.ts'

/** A line of /proc/PID/uid_map or gid_map. */
export interface IdRange {
  containerID: number
  hostID: number
  size: number
}

/** A descriptor that the host opens before it spawns init; fills a register. */
export interface Input {
  register: Register
  name: string
  origin: string
  source:
    | { kind: 'path'; path: string; flags: 'path' | 'readOnly' | 'readWrite' }
    /** A file of the container's state directory. */
    | { kind: 'state'; file: string }
    /** The process whose namespaces are joined, as a pidfd. */
    | { kind: 'pidfd'; pid: number }
    /** The root directory of that process. */
    | { kind: 'root'; pid: number }
    /** A user namespace that nobody is in, for its mappings. */
    | { kind: 'userns'; uid: readonly IdRange[]; gid: readonly IdRange[] }
}

/** What init is to do, step by step. */
export interface Plan {
  /** CLONE_NEW* with which init is cloned. */
  cloneFlags: number
  /** The first registers, in order. */
  inputs: Input[]
  steps: Step[]
  /** Names of the registers, for people. */
  registers: string[]
  preserveFds: number
  /** Processors on which init is cloned; undefined: those of its parent. */
  cpus?: readonly number[] | undefined
}

/** kMaxRegisters of native/common/wire.h. */
export const maxRegisters = 65_536

/** The host's procfs, opened where no container can have put anything in its place. */
export const hostProc = { kind: 'path', path: '/proc', flags: 'path' } as const

/** Origin of what runt does by itself, for no field: the container's isolation. */
export const ownOrigin = ''

export class PlanBuilder {
  readonly plan: Plan = { cloneFlags: 0, inputs: [], steps: [], registers: [], preserveFds: 0 }

  /** A new register; `name` is for people. */
  register(name: string): Register {
    this.plan.registers.push(name)
    return (this.plan.registers.length - 1) as Register
  }

  /** Declares an input; all inputs come before the first other register. */
  input(name: string, origin: string, source: Input['source']): Register {
    if (this.plan.inputs.length !== this.plan.registers.length) {
      throw new Error('plan: inputs are declared before other registers')
    }
    const register = this.register(name)
    this.plan.inputs.push({ register, name, origin, source })
    return register
  }

  add<N extends StepName>(op: N, origin: string, fields: Omit<StepOf<N>, 'op' | 'origin'>): void {
    this.plan.steps.push({ op, origin, ...fields } as unknown as Step)
  }
}
