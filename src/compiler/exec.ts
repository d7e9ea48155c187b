/** Compiles a `process` object into the plan that runs it in an existing container. Pure. */
import { clone, join } from '../plan/kernel.ts'
import type { Register } from '../plan/fields.ts'
import { hostProc, ownOrigin, PlanBuilder } from '../plan/plan.ts'
import { syncPoint } from '../plan/sync.ts'
import { addCapabilityCeiling, capabilityMasks } from '../process/capabilities.ts'
import { addConsole, addUseConsole } from '../process/console.ts'
import { addKeyLabel, addLabels, hasLabels } from '../process/labels.ts'
import { addProcess } from '../process/process.ts'
import { prepareRlimits } from '../process/rlimits.ts'
import { schedulingOf } from '../process/scheduling.ts'
import { listOf, maxCpus } from '../spec/lists.ts'
import { addLateFilter, filtersAsAdmin } from '../process/seccomp.ts'
import type { Process } from '../spec/schema.gen.ts'
import type { Compiled, ExecFacts, ParentActions } from './facts.ts'
import { addBecomeRoot, addBeginning, addDropGroups, addKeyring } from './namespaces.ts'

export type { Compiled, ExecFacts, ParentActions, ParentRlimit } from './facts.ts'

/**
 * Origins are pointers into config.json (`/process/…`), wherever the process came from.
 * @param process one that passed validation (src/spec)
 */
export function compileExec(process: Process, facts: ExecFacts): Compiled {
  const plan = new PlanBuilder()
  const warnings: string[] = []
  const listenFds = facts.listenFds ?? 0
  plan.plan.preserveFds = listenFds + (facts.preserveFds ?? 0)
  const ownUser = (facts.namespaces & clone.NEWUSER) !== 0
  const keepGroups = facts.keepGroups === true
  const setgroups = !ownUser && facts.inUserNamespace !== true

  const init = plan.input('init', ownOrigin, { kind: 'pidfd', pid: facts.pid })
  const proc = hasLabels(process) || facts.namespaceLinks !== undefined
  const procfs = proc ? plan.input('procfs', ownOrigin, hostProc) : undefined
  // In the machine's mount namespace, init's root is its own.
  const root =
    (facts.namespaces & clone.NEWNS) === 0 ? plan.input('root', ownOrigin, { kind: 'root', pid: facts.pid }) : undefined
  const oomPoint = addBeginning(plan, facts, process, false)
  if (ownUser && !keepGroups) addDropGroups(plan, ownOrigin, facts)
  if (procfs !== undefined) {
    if (facts.keyring !== undefined) addKeyLabel(plan, procfs, process)
    addLabels(plan, procfs, process)
  }
  // All at once: the kernel checks every one before it changes any.
  if (facts.namespaces !== 0) plan.add('setns', ownOrigin, { fd: init, type: facts.namespaces, mode: join.must })
  if (procfs !== undefined) {
    if (facts.namespaceLinks !== undefined) verifyNamespaces(plan, procfs, facts.namespaceLinks)
    // Before anybody in the container can see this process, and take what it holds.
    plan.add('close', ownOrigin, { fd: procfs })
  }
  if (root !== undefined) plan.add('chroot', ownOrigin, { root })
  if ((facts.namespaces & clone.NEWPID) !== 0) {
    // A user namespace's own root has no rights over init, which was executed outside of it.
    if (!ownUser) {
      const masks = capabilityMasks(process.capabilities, [], facts.permitted)
      addCapabilityCeiling(plan, masks, facts.permitted, filtersAsAdmin(process, facts.seccomp))
    }
    plan.add('fork', ownOrigin, { flags: 0 })
  }
  if (ownUser) addBecomeRoot(plan, ownOrigin, process, keepGroups)
  if (process.terminal !== true) plan.add('setsid', ownOrigin, {})
  addKeyring(plan, facts.keyring)
  if (process.terminal === true) {
    const root = plan.register('root')
    plan.add('openRoot', '/process/terminal', { dst: root })
    const terminal = addConsole(plan, root, process)
    plan.add('close', '/process/terminal', { fd: root })
    addUseConsole(plan, terminal)
  }
  const rlimits = prepareRlimits(process.rlimits ?? [])
  const { initial, final } = affinity(process)
  if (initial.length > 0) plan.plan.cpus = initial
  addProcess(
    plan,
    process,
    {
      rlimits: ownUser ? [] : rlimits,
      listenFds,
      setgroups,
      keepGroups,
      permitted: ownUser ? undefined : facts.permitted,
      // Without `final`, the kernel decides what `initial` means in the container's cgroup: config.md#linux-process.
      cpus: final.length === 0 && initial.length > 0 ? undefined : final.map(String),
      // CAP_SYS_NICE went before anybody in the container could see this process.
      privileged: false,
      domain: facts.domain ?? {},
      seccomp: facts.seccomp,
    },
    warnings,
  )
  addLateFilter(plan, process, facts.seccomp)
  plan.add('exec', '/process/args', {})

  const parent: ParentActions = { rlimits: ownUser ? rlimits : [], ...schedulingOf(process) }
  if (facts.seccomp?.listener !== undefined) parent.listener = facts.seccomp.listener
  if (facts.attached === true) parent.attach = true
  const { oomScoreAdj } = process
  const point = oomPoint ?? syncPoint.ready
  if (oomScoreAdj !== undefined) parent.oomScoreAdj = { value: oomScoreAdj, origin: '/process/oomScoreAdj', point }
  return { plan: plan.plan, warnings, parent }
}

/** Processors of process.execCPUAffinity, each list empty where it is not given. */
function affinity({ execCPUAffinity }: Process): { initial: number[]; final: number[] } {
  return { initial: listOf(execCPUAffinity?.initial, maxCpus), final: listOf(execCPUAffinity?.final, maxCpus) }
}

/** /proc/PID/ns has two links for these: where a process is, and where its children are to be, which setns(2) changes. */
const joinedFor: Readonly<Record<string, string>> = { pid: 'pid_for_children', time: 'time_for_children' }

/** An init that went elsewhere, or made itself new namespaces, must not lead processes of others there. */
function verifyNamespaces(plan: PlanBuilder, proc: Register, links: Readonly<Record<string, string>>): void {
  const expected = Object.entries(links).flatMap(([name, link]) => [`ns/${joinedFor[name] ?? name}`, link])
  plan.add('verifySelf', ownOrigin, { proc, links: expected })
}
