/**
 * The last part of every plan, of `create` as of `exec`: from root inside the container to the program's own user,
 * privileges, directory and environment. Nothing of it may be left out or fail silently.
 */
import type { Register } from '../plan/fields.ts'
import { ownOrigin, type PlanBuilder } from '../plan/plan.ts'
import { syncPoint } from '../plan/sync.ts'
import type { Process } from '../spec/schema.gen.ts'
import {
  addCapabilities,
  addCapabilityLimits,
  addFinalCapabilities,
  capabilityMasks,
  sysAdmin,
} from './capabilities.ts'
import { needsHome, uniqueEnvironment } from './environment.ts'
import { addLabels } from './labels.ts'
import type { PreparedRlimit } from './rlimits.ts'
import { addAffinity, addDomain, addScheduling, type Domain } from './scheduling.ts'
import { addFilter, filtersAsAdmin, filtersEarly, type Filter } from './seccomp.ts'

export interface ProcessFacts {
  /** Those that init sets itself. */
  rlimits: readonly PreparedRlimit[]
  /** Sockets handed on by LISTEN_FDS. */
  listenFds: number
  /** Whether setgroups(2) is allowed for certain: a user namespace may forbid it. */
  setgroups: boolean
  /** The supplementary groups stay as they are, whatever process.user says. */
  keepGroups: boolean
  /** Mask of the capabilities that can be given; undefined: all. */
  permitted?: bigint | undefined
  /** Processors to run on, as decimal numbers; none: all of the cgroup; undefined: as they are. */
  cpus: readonly string[] | undefined
  /** Whether the process has CAP_SYS_NICE outside of its user namespace until the end: else others set its scheduling. */
  privileged: boolean
  domain: Domain
  /** The host's procfs, closed after it was used; undefined where there are no labels, or they were written before. */
  proc?: Register | undefined
  /** linux.seccomp, compiled. Where it can, it is left to `addLateFilter`. */
  seccomp?: Filter | undefined
}

/** runc's, where the configuration has none. */
const defaultUmask = 0o022

/**
 * Adds all steps up to the sync point `ready`; what follows is only the execution. The process has entered its root and
 * has its terminal.
 */
export function addProcess(plan: PlanBuilder, process: Process, facts: ProcessFacts, warnings: string[]): void {
  const { uid, gid, umask, additionalGids } = process.user ?? { uid: 0, gid: 0 }
  const env = uniqueEnvironment(process.env ?? [])
  const masks = capabilityMasks(process.capabilities, warnings, facts.permitted)

  // As root: the directory may be closed to the user.
  plan.add('chdir', '/process/cwd', { path: process.cwd, make: 0 })
  if (needsHome(env)) plan.add('home', '/process/env', { uid })
  if (process.terminal !== true) plan.add('chownStreams', '/process/user/uid', { uid })
  for (const { origin, ...limit } of facts.rlimits) plan.add('rlimit', origin, limit)
  if (facts.cpus !== undefined) addAffinity(plan, facts.cpus)
  if (facts.privileged) addScheduling(plan, process)
  addDomain(plan, facts.domain)
  if (facts.proc !== undefined) {
    addLabels(plan, facts.proc, process)
    plan.add('close', ownOrigin, { fd: facts.proc })
  }
  if (process.noNewPrivileges === true) plan.add('noNewPrivileges', '/process/noNewPrivileges', {})

  addCapabilityLimits(plan, masks)
  plan.add('user', '/process/user', {
    uid,
    gid,
    groups: facts.keepGroups ? [] : (additionalGids ?? []).map(String),
    setgroups: facts.setgroups ? 1 : 0,
    keep: facts.keepGroups ? 1 : 0,
  })
  const asAdmin = filtersAsAdmin(process, facts.seccomp)
  // The caller may not have it: seccomp(2) will say so.
  const kept = asAdmin ? sysAdmin & (facts.permitted ?? sysAdmin) : 0n
  addCapabilities(plan, masks, kept)
  plan.add('umask', '/process/user/umask', { mask: umask ?? defaultUmask })

  // As the user: what it cannot execute is not found.
  const sockets = facts.listenFds > 0 ? [`LISTEN_FDS=${facts.listenFds}`] : []
  plan.add('program', '/process/args', { args: process.args ?? [], env: uniqueEnvironment([...env, ...sockets]) })
  if (facts.listenFds > 0) plan.add('listenPid', ownOrigin, {})
  // CVE-2024-21626. Here, as a filter need not allow it.
  plan.add('closeOnExec', ownOrigin, { preserve: plan.plan.preserveFds })
  // From the next sync point on it is the socket whose end tells init that the other side is gone.
  plan.add('dieWithParent', ownOrigin, { signal: 0 })
  if (facts.seccomp !== undefined && filtersEarly(process, facts.seccomp)) {
    addFilter(plan, facts.seccomp)
    if ((kept & ~(masks.effective & masks.permitted)) !== 0n) addFinalCapabilities(plan, masks)
  }
  plan.add('sync', ownOrigin, { point: syncPoint.ready })
}
