/** Labels that the kernel cannot give: told before anything was done. Loaded only where a process has labels. */
import type { ConfigProblem } from '../errors.ts'
import type { Host } from '../host/host.ts'
import type { Process } from '../spec/schema.gen.ts'

/** SELINUX_MAGIC of linux/magic.h. */
const selinuxMagic = 0xf97cff8c

/** @returns problems with pointers into config.json */
export async function labelProblems(host: Host, process: Process): Promise<ConfigProblem[]> {
  const problems: ConfigProblem[] = []
  if (process.apparmorProfile !== undefined && !(await hasAppArmor(host))) {
    problems.push({
      pointer: '/process/apparmorProfile',
      message: `must not be set: the kernel runs without AppArmor, and would leave the process unconfined`,
      hint: 'boot with apparmor=1 and lsm=…,apparmor, or take the field out',
    })
  }
  if (process.selinuxLabel !== undefined && !(await hasSelinux(host))) {
    problems.push({
      pointer: '/process/selinuxLabel',
      message: 'must not be set: the kernel runs without SELinux, and would leave the process unconfined',
      hint: 'boot with selinux=1 and lsm=…,selinux, or take the field out',
    })
  }
  return problems
}

/** The module's parameter is there wherever AppArmor was compiled in; it says whether it was switched on at boot. */
async function hasAppArmor(host: Host): Promise<boolean> {
  return (await host.files.readTextIfExists('/sys/module/apparmor/parameters/enabled'))?.startsWith('Y') === true
}

async function hasSelinux(host: Host): Promise<boolean> {
  for (const place of ['/sys/fs/selinux', '/selinux'])
    if ((await host.files.filesystemType(place)) === selinuxMagic) return true
  return false
}
