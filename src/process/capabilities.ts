/** process.capabilities (config.md#linux-process, capabilities(7)) as masks and steps. */
import { ownOrigin, type PlanBuilder } from '../plan/plan.ts'
import { capabilityNames } from '../spec/names.ts'
import type { Capabilities } from '../spec/schema.gen.ts'

const sets = ['bounding', 'effective', 'permitted', 'inheritable', 'ambient'] as const
export type Masks = Record<(typeof sets)[number], bigint>

const pointer = '/process/capabilities'

/** The names of the capabilities in a mask. */
export function namesOf(mask: number | bigint): string[] {
  const names: string[] = []
  for (let rest = BigInt(mask), number = 0; rest !== 0n; rest >>= 1n, number++)
    if ((rest & 1n) !== 0n) names.push(capabilityNames[number] ?? `CAP_${number}`)
  return names
}

/**
 * The five sets. Unknown names are left out (validation has warned of them), and so is what the kernel
 * cannot grant in one set for want of another: config.md, "runtimes SHOULD NOT fail".
 */
export function capabilityMasks(capabilities: Capabilities | undefined, warnings: string[], permitted?: bigint): Masks {
  const masks: Masks = { bounding: 0n, effective: 0n, permitted: 0n, inheritable: 0n, ambient: 0n }
  for (const set of sets) {
    for (const name of capabilities?.[set] ?? []) {
      const number = capabilityNames.indexOf(name)
      if (number >= 0) masks[set] |= 1n << BigInt(number)
    }
  }
  if (permitted !== undefined) {
    let missing = 0n
    for (const set of sets) {
      missing |= masks[set] & ~permitted
      masks[set] &= permitted
    }
    if (missing !== 0n)
      warnings.push(`process.capabilities: ignored ${namesOf(missing).join(', ')}: runt itself does not have them`)
  }
  // Ambient capabilities without the inheritable ones stand in every configuration that `runc spec` wrote: no warning.
  masks.ambient &= masks.permitted & masks.inheritable
  const excess = masks.inheritable & ~masks.bounding
  if (excess !== 0n) {
    masks.inheritable &= masks.bounding
    const names = namesOf(excess).join(', ')
    warnings.push(`process.capabilities.inheritable: ignored ${names}: not in the bounding set`)
  }
  return masks
}

/** What it takes to become the program: the steps of `addProcess` and of a console, as root of the container. */
const steppingStones: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_SYS_RESOURCE',
]

/**
 * Before init shows up among the container's processes: one with CAP_SYS_PTRACE can take it over all the same (CVE-2016-9962),
 * and should find no right there that leads out of the container, nor get one by execve(2).
 * @param filtersAsAdmin a filter of system calls will be loaded, which takes CAP_SYS_ADMIN: src/process/seccomp.ts
 */
export function addCapabilityCeiling(
  plan: PlanBuilder,
  masks: Masks,
  permitted: bigint | undefined,
  filtersAsAdmin: boolean,
): void {
  let ceiling = masks.effective | masks.permitted | masks.inheritable
  if (filtersAsAdmin) ceiling |= sysAdmin
  for (const name of steppingStones) ceiling |= 1n << BigInt(capabilityNames.indexOf(name))
  if (permitted !== undefined) ceiling &= permitted
  plan.add('boundingSet', ownOrigin, { mask: masks.bounding })
  plan.add('capabilities', ownOrigin, { effective: ceiling, permitted: ceiling, inheritable: 0n })
}

/** Before the user is changed: what no later execve(2) can give back, and what is to outlive the change. */
export function addCapabilityLimits(plan: PlanBuilder, masks: Masks): void {
  plan.add('boundingSet', `${pointer}/bounding`, { mask: masks.bounding })
  plan.add('keepCapabilities', pointer, { keep: 1 })
}

/** What seccomp(2) asks for without no_new_privs. */
export const sysAdmin = 1n << BigInt(capabilityNames.indexOf('CAP_SYS_ADMIN'))

/**
 * After the user was changed. CVE-2022-29162: inheritable and ambient have only what the configuration gives them.
 * @param kept what is still needed beside it, until `addFinalCapabilities`
 */
export function addCapabilities(plan: PlanBuilder, masks: Masks, kept = 0n): void {
  const { effective, permitted, inheritable, ambient } = masks
  plan.add('capabilities', pointer, { effective: effective | kept, permitted: permitted | kept, inheritable })
  plan.add('ambientCapabilities', `${pointer}/ambient`, { mask: ambient })
}

/** Gives up what was kept. */
export function addFinalCapabilities(plan: PlanBuilder, { effective, permitted, inheritable }: Masks): void {
  plan.add('capabilities', pointer, { effective, permitted, inheritable })
}
