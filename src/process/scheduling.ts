/**
 * Where and when the process runs: process.scheduler, ioPriority (config.md#linux-process), linux.memoryPolicy and
 * linux.personality (config-linux.md).
 */
import {
  ioClasses,
  memoryFlags,
  memoryModes,
  personalities,
  schedulerFlags,
  schedulerPolicies,
} from '../plan/kernel.ts'
import { ownOrigin, type PlanBuilder } from '../plan/plan.ts'
import type { StepOf } from '../plan/steps.ts'
import { listOf, maxNodes } from '../spec/lists.ts'
import { uint64 } from '../spec/numbers.ts'
import type { IoPriority, MemoryPolicy, Personality, Process, Scheduler, Spec } from '../spec/schema.gen.ts'

/** What of `linux` is about each process of the container. */
export interface Domain {
  memoryPolicy?: MemoryPolicy | undefined
  personality?: Personality | undefined
}

/** undefined where there is nothing of it. */
export function domainOf({ linux }: Spec): Domain | undefined {
  const { memoryPolicy, personality } = linux ?? {}
  return memoryPolicy === undefined && personality === undefined ? undefined : { memoryPolicy, personality }
}

/** The attributes of a step, beside its name and origin. */
export type SchedulerFields = Omit<StepOf<'scheduler'>, 'op' | 'origin'>
export type IoPriorityFields = Omit<StepOf<'ioPriority'>, 'op' | 'origin'>

/** A scheduler that was checked, in the kernel's numbers. */
export function schedulerFields(scheduler: Scheduler): SchedulerFields {
  const { policy, nice = 0, priority = 0, flags = [], runtime = 0, deadline = 0, period = 0 } = scheduler
  return {
    policy: schedulerPolicies[policy],
    flags: flags.reduce((all, flag) => all | schedulerFlags[flag], 0),
    nice,
    priority,
    runtime: uint64(runtime),
    deadline: uint64(deadline),
    period: uint64(period),
  }
}

/** In the kernel's numbers. */
export function ioPriorityFields({ class: ioClass, priority = 0 }: IoPriority): IoPriorityFields {
  return { ioClass: ioClasses[ioClass], priority }
}

/**
 * First of what concerns scheduling: SCHED_DEADLINE asks for all processors of the cgroup.
 * @param cpus none: processors that runt itself was bound to are not the container's; since Linux 6.2 they outlive the
 * entry into a cgroup
 */
export function addAffinity(plan: PlanBuilder, cpus: readonly string[]): void {
  plan.add('cpuAffinity', cpus.length === 0 ? ownOrigin : '/process/execCPUAffinity/final', { cpus })
}

/** What a process without privileges outside of its user namespace has to have done by others. */
export function schedulingOf({ scheduler, ioPriority }: Process): {
  scheduler?: SchedulerFields
  ioPriority?: IoPriorityFields
} {
  return {
    ...(scheduler && { scheduler: schedulerFields(scheduler) }),
    ...(ioPriority && { ioPriority: ioPriorityFields(ioPriority) }),
  }
}

/** While the process still has CAP_SYS_NICE, which a smaller nice value and the real-time policies need. */
export function addScheduling(plan: PlanBuilder, { scheduler, ioPriority: io }: Process): void {
  if (io !== undefined) plan.add('ioPriority', '/process/ioPriority', ioPriorityFields(io))
  if (scheduler !== undefined) plan.add('scheduler', '/process/scheduler', schedulerFields(scheduler))
}

/** Before seccomp, which may forbid the calls. */
export function addDomain(plan: PlanBuilder, { memoryPolicy, personality }: Domain): void {
  if (memoryPolicy !== undefined) {
    const { mode, nodes, flags = [] } = memoryPolicy
    plan.add('memoryPolicy', '/linux/memoryPolicy', {
      mode: flags.reduce<number>((all, flag) => all | memoryFlags[flag], memoryModes[mode]),
      nodes: listOf(nodes, maxNodes).map(String),
    })
  }
  if (personality !== undefined)
    plan.add('personality', '/linux/personality', { domain: personalities[personality.domain] })
}
