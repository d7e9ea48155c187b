/** Scheduling of the process: what the kernel would refuse with a bare EINVAL is told by its field. */
import { maxCpus, maxNodes, parseList } from '../lists.ts'
import { describe } from '../problem.ts'
import type { Process, Scheduler, Spec } from '../schema.gen.ts'
import type { Check, Report } from './check.ts'

const realtime = new Set(['SCHED_FIFO', 'SCHED_RR'])
/** Least runtime of SCHED_DEADLINE, in nanoseconds: the resolution of its clock. */
const leastRuntime = 1024

export const scheduler: Check<Process> = {
  section: 'config.md#linux-process; sched(7), sched_setattr(2)',
  reads: ['/scheduler'],
  run({ scheduler }, report) {
    if (scheduler === undefined) return
    priorities(scheduler, report)
    if (scheduler.policy === 'SCHED_DEADLINE') deadline(scheduler, report)
    else notDeadline(scheduler, report)
  },
}

function priorities({ policy, nice = 0, priority }: Scheduler, report: Report): void {
  if (nice < -20 || nice > 19)
    report.problem('/scheduler/nice', `must be at least -20 and at most 19, is ${describe(nice)}`)
  else if (nice !== 0 && (realtime.has(policy) || policy === 'SCHED_DEADLINE'))
    report.warning('/scheduler/nice', `has no effect with ${policy}`)
  if (realtime.has(policy)) {
    if (priority === undefined || priority < 1 || priority > 99)
      unfit('priority', priority, `at least 1 and at most 99 with ${policy}`, report)
  } else if (priority !== undefined && priority !== 0) {
    const hint = 'SCHED_OTHER and SCHED_BATCH have scheduler.nice'
    report.problem('/scheduler/priority', `must be 0 with ${policy}, is ${describe(priority)}`, hint)
  }
}

/** As the kernel: 1024 ns <= runtime <= deadline <= period; without a period the deadline is the period. */
function deadline({ runtime, deadline, period = 0 }: Scheduler, report: Report): void {
  if (runtime === undefined || runtime < leastRuntime)
    unfit('runtime', runtime, `at least ${leastRuntime} nanoseconds with SCHED_DEADLINE`, report)
  if (deadline === undefined || deadline === 0 || deadline < (runtime ?? 0))
    unfit('deadline', deadline, `at least the runtime with SCHED_DEADLINE`, report)
  if (period !== 0 && period < (deadline ?? 0)) unfit('period', period, `at least the deadline (${deadline})`, report)
}

function unfit(field: keyof Scheduler, value: number | undefined, wanted: string, report: Report): void {
  const message = value === undefined ? `is required: ${wanted}` : `must be ${wanted}, is ${describe(value)}`
  report.problem(`/scheduler/${field}`, message)
}

function notDeadline(scheduler: Scheduler, report: Report): void {
  for (const field of ['runtime', 'deadline', 'period'] as const) {
    const value = scheduler[field] ?? 0
    if (value !== 0) report.problem(`/scheduler/${field}`, `must be 0 with ${scheduler.policy}, is ${describe(value)}`)
  }
}

export const ioPriority: Check<Process> = {
  section: 'config.md#linux-process; ioprio_set(2)',
  reads: ['/ioPriority'],
  run({ ioPriority }, report) {
    if (ioPriority === undefined) return
    const { priority = 0 } = ioPriority
    if (priority < 0 || priority > 7)
      report.problem('/ioPriority/priority', `must be at least 0 and at most 7, is ${describe(priority)}`)
  },
}

export const execCpuAffinity: Check<Process> = {
  section: 'config.md#linux-process',
  reads: ['/execCPUAffinity'],
  run({ execCPUAffinity }, report) {
    for (const field of ['initial', 'final'] as const) {
      const list = parseList(execCPUAffinity?.[field] ?? '', maxCpus)
      if (typeof list === 'string') report.problem(`/execCPUAffinity/${field}`, list)
    }
  },
}

/** Policies that are about nodes, and those that have none. MPOL_PREFERRED without nodes is MPOL_LOCAL. */
const withNodes = new Set(['MPOL_BIND', 'MPOL_INTERLEAVE', 'MPOL_WEIGHTED_INTERLEAVE', 'MPOL_PREFERRED_MANY'])
const withoutNodes = new Set(['MPOL_DEFAULT', 'MPOL_LOCAL'])

export const memoryPolicy: Check<Spec> = {
  section: 'config-linux.md#memory-policy; set_mempolicy(2)',
  reads: ['/linux/memoryPolicy'],
  run({ linux }, report) {
    if (linux?.memoryPolicy === undefined) return
    const { mode, nodes, flags = [] } = linux.memoryPolicy
    const list = parseList(nodes ?? '', maxNodes)
    const pointer = '/linux/memoryPolicy/nodes'
    if (typeof list === 'string') report.problem(pointer, list)
    else if (list.length === 0 && withNodes.has(mode))
      report.problem(pointer, nodes === undefined ? `is required with ${mode}` : `must name a node with ${mode}`)
    else if (list.length > 0 && withoutNodes.has(mode)) report.problem(pointer, `must be empty with ${mode}`)
    for (const [index, flag] of flags.entries()) {
      const at = `/linux/memoryPolicy/flags/${index}`
      if (withoutNodes.has(mode)) report.problem(at, `must not be there: ${mode} has no flags`)
      else if (flag === 'MPOL_F_STATIC_NODES' && flags.includes('MPOL_F_RELATIVE_NODES'))
        report.problem(at, 'must not be together with MPOL_F_RELATIVE_NODES')
      else if (flag !== 'MPOL_F_NUMA_BALANCING' && typeof list !== 'string' && list.length === 0)
        report.problem(at, `must not be there without nodes`)
    }
  },
}

export const personality: Check<Spec> = {
  section: 'config-linux.md#personality',
  reads: ['/linux/personality'],
  run({ linux }, report) {
    linux?.personality?.flags?.forEach((_, index) =>
      report.problem(`/linux/personality/flags/${index}`, 'must not be there: no flag is defined'),
    )
  },
}
