/**
 * Where in a plan the filter of linux.seccomp (config-linux.md#seccomp) is loaded: from there on init's own system calls are
 * subject to it, and no profile need allow more of them than the program needs anyhow.
 *
 * - With no_new_privs anybody may load a filter: right before the program is executed, after which there is only execve(2).
 * - Without, it takes CAP_SYS_ADMIN, which init gives up before it waits for start. A profile must allow capset(2) for that, and
 *   read(2), write(2) and close(2), by which init tells that it is ready and waits. runc asks for these and for more.
 * - A listener has to be handed over before the container is `created`: the same, without capset(2).
 */
import { seccompFlag } from '../plan/kernel.ts'
import type { PlanBuilder } from '../plan/plan.ts'
import type { Process } from '../spec/schema.gen.ts'

export interface Filter {
  /** struct sock_filter, one after the other. */
  program: Uint8Array
  /** SECCOMP_FILTER_FLAG_*. */
  flags: number
}

/** Whether loading it takes CAP_SYS_ADMIN: seccomp(2). */
export function filtersAsAdmin(process: Process, filter: Filter | undefined): boolean {
  return filter !== undefined && process.noNewPrivileges !== true
}

/** Whether it is loaded before init is ready. */
export function filtersEarly(process: Process, filter: Filter): boolean {
  return filtersAsAdmin(process, filter) || (filter.flags & seccompFlag.NEW_LISTENER) !== 0
}

/** Loads a filter that was not loaded early: the last thing before the program is executed, or hooks of the container's own are. */
export function addLateFilter(plan: PlanBuilder, process: Process, filter: Filter | undefined): void {
  if (filter !== undefined && !filtersEarly(process, filter)) addFilter(plan, filter)
}

export function addFilter(plan: PlanBuilder, { program, flags }: Filter): void {
  plan.add('seccomp', '/linux/seccomp', { filter: program, flags })
}
