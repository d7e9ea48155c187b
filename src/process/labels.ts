/**
 * process.apparmorProfile and process.selinuxLabel (config.md#linux-process): what the kernel is to do at execve(2) of the program.
 * Written to this process's own files of the host's procfs, which was opened before any part of the container could be in its
 * place (CVE-2019-16884, CVE-2025-52881).
 */
import type { Register } from '../plan/fields.ts'
import type { PlanBuilder } from '../plan/plan.ts'
import type { Process } from '../spec/schema.gen.ts'

const selinuxOrigin = '/process/selinuxLabel'

/** Whether the plan needs the host's procfs for labels. */
export function hasLabels({ apparmorProfile, selinuxLabel }: Process): boolean {
  return apparmorProfile !== undefined || selinuxLabel !== undefined
}

/** Keys made from here on, the session keyring among them, belong to the container; execve(2) forgets it. */
export function addKeyLabel(plan: PlanBuilder, proc: Register, { selinuxLabel }: Process): void {
  if (selinuxLabel !== undefined)
    plan.add('writeSelf', selinuxOrigin, { proc, path: 'attr/keycreate', text: selinuxLabel })
}

/** Children inherit it until they execute something. */
export function addLabels(plan: PlanBuilder, proc: Register, { apparmorProfile, selinuxLabel }: Process): void {
  if (apparmorProfile !== undefined) {
    const fields = { proc, path: 'attr/apparmor/exec', text: `exec ${apparmorProfile}` }
    plan.add('writeSelf', '/process/apparmorProfile', fields)
  }
  if (selinuxLabel !== undefined) plan.add('writeSelf', selinuxOrigin, { proc, path: 'attr/exec', text: selinuxLabel })
}
