/** Compiles a `process` object into the plan that runs it in an existing container. Pure. */
import { clone, join } from '../plan/kernel.ts'
import { ownOrigin, PlanBuilder } from '../plan/plan.ts'
import { addCapabilityCeiling, capabilityMasks } from '../process/capabilities.ts'
import { addConsole, addUseConsole } from '../process/console.ts'
import { addProcess } from '../process/process.ts'
import { prepareRlimits } from '../process/rlimits.ts'
import type { Process, Spec } from '../spec/schema.gen.ts'
import type { Compiled, ExecFacts, ParentActions } from './facts.ts'
import { addBeginning, addKeyring, Namespaces } from './namespaces.ts'

export type { Compiled, ExecFacts, ParentActions, ParentRlimit } from './facts.ts'

/** CLONE_NEW* of every namespace that the configuration names, new or joined: what `exec` joins. */
export function namespaceFlags(spec: Spec): number {
  return new Namespaces(spec.linux?.namespaces ?? []).flags
}

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
  const setgroups = facts.euid === 0 || !ownUser

  const init = plan.input('init', ownOrigin, { kind: 'pidfd', pid: facts.pid })
  addBeginning(plan, true)
  // All at once: the kernel checks every one before it changes any.
  if (facts.namespaces !== 0) plan.add('setns', ownOrigin, { fd: init, type: facts.namespaces, mode: join.must })
  if ((facts.namespaces & clone.NEWPID) !== 0) {
    // A user namespace's own root has no rights over init, which was executed outside of it.
    if (!ownUser) {
      const masks = capabilityMasks(process.capabilities, [], facts.permitted)
      addCapabilityCeiling(plan, masks, facts.permitted)
    }
    plan.add('fork', ownOrigin, { flags: 0 })
  }
  if (ownUser) plan.add('becomeRoot', ownOrigin, { setgroups: setgroups ? 1 : 0 })
  if (process.terminal !== true) plan.add('setsid', ownOrigin, {})
  addKeyring(plan, facts.id, facts.noNewKeyring)
  if (process.terminal === true) {
    const root = plan.register('root')
    plan.add('openRoot', '/process/terminal', { dst: root })
    const terminal = addConsole(plan, root, process)
    plan.add('close', '/process/terminal', { fd: root })
    addUseConsole(plan, terminal)
  }
  const rlimits = prepareRlimits(process.rlimits ?? [])
  addProcess(
    plan,
    process,
    { rlimits: ownUser ? [] : rlimits, listenFds, setgroups, permitted: ownUser ? undefined : facts.permitted },
    warnings,
  )
  plan.add('exec', '/process/args', { preserve: plan.plan.preserveFds })

  const parent: ParentActions = { rlimits: ownUser ? rlimits : [] }
  const { oomScoreAdj } = process
  if (oomScoreAdj !== undefined) parent.oomScoreAdj = { value: oomScoreAdj, origin: '/process/oomScoreAdj' }
  return { plan: plan.plan, warnings, parent }
}
