/**
 * Controllers down the tree: a file such as memory.max is there only if every ancestor passes its controller on
 * (cgroup-v2.rst, "Controlling Controllers"). Also tells what stands in the way where one cannot be had.
 */
import { RuntError } from '../errors.ts'
import type { Host } from '../host/host.ts'
import { codeOf, inWords, readOfProcess } from './failures.ts'

/** A controller that a limit needs, and the limit's field of config.json. */
export interface Need {
  controller: string
  pointer: string
}

/** Why a controller is not passed on by `dir`. */
interface Refusal {
  dir: string
  controller: string
  code: string
}

/** Controllers that can be on in a cgroup with processes; turning them on alone there makes it the root of threaded cgroups. */
const threaded = new Set(['cpu', 'cpuset', 'perf_event', 'pids'])

/**
 * Passes every controller that the hierarchy has on to the cgroup at `path`: the limits need some, and daemons read the
 * statistics of the others. Two reads if all is as it should be.
 *
 * @throws RuntError `NO_CONTROLLER` if one that `needs` names cannot be had; others may stay off
 * @throws RuntError `CGROUP_THREADED` if no process can be put into the cgroup
 */
export async function enableControllers(host: Host, root: string, path: string, needs: readonly Need[]): Promise<void> {
  const here = await readWords(host, `${path}/cgroup.controllers`)
  const all = await readWords(host, `${root}/cgroup.controllers`)
  if (all.every((controller) => here.includes(controller)))
    return requireAll(host, { root, all, path, here, refusals: [] }, needs)

  await refuseThreaded(host, path)
  const refusals: Refusal[] = []
  let available = all
  for (const dir of ancestors(root, path)) {
    const enabled = await readWords(host, `${dir}/cgroup.subtree_control`)
    const missing = available.filter((controller) => !enabled.includes(controller))
    const refused = missing.length === 0 ? [] : await passOn(host, dir, missing, dir === root)
    refusals.push(...refused)
    const off = refused.map((refusal) => refusal.controller)
    available = available.filter((controller) => !off.includes(controller))
  }
  await requireAll(host, { root, all, path, here: available, refusals }, needs)
  await refuseThreaded(host, path)
}

/** From the root down to the parent of `path`. */
function ancestors(root: string, path: string): string[] {
  const parts = path.slice(root.length + 1).split('/')
  return parts.map((_, index) => [root, ...parts.slice(0, index)].join('/'))
}

async function readWords(host: Host, file: string): Promise<string[]> {
  return (await host.files.readText(file)).split(/\s+/).filter(Boolean)
}

/** Turns the controllers on for the cgroups below `dir`; returns those that it could not. */
async function passOn(host: Host, dir: string, controllers: readonly string[], isRoot: boolean): Promise<Refusal[]> {
  const refuse = (code: string) => controllers.map((controller) => ({ dir, controller, code }))
  if (!isRoot && controllers.every((controller) => threaded.has(controller)) && (await hasProcesses(host, dir))) {
    // The kernel would do it, and make every cgroup below unusable for processes ("domain invalid").
    return refuse('EBUSY')
  }
  const code = await write(host, dir, controllers)
  if (code === undefined) return []
  // Processes are in the way of all of them; so is what keeps the file from being written at all.
  if (['EBUSY', 'EACCES', 'EPERM', 'EROFS', 'EOPNOTSUPP'].includes(code)) return refuse(code)
  const refusals: Refusal[] = []
  // Domain controllers first: on a cgroup that has processes after all, they fail and show it.
  for (const controller of controllers.toSorted((a, b) => Number(threaded.has(a)) - Number(threaded.has(b)))) {
    const why = refusals.some((refusal) => refusal.code === 'EBUSY') ? 'EBUSY' : await write(host, dir, [controller])
    if (why !== undefined) refusals.push({ dir, controller, code: why })
  }
  return refusals
}

async function write(host: Host, dir: string, controllers: readonly string[]): Promise<string | undefined> {
  try {
    const text = controllers.map((controller) => `+${controller}`).join(' ')
    await host.files.writeExisting(`${dir}/cgroup.subtree_control`, text)
    return undefined
  } catch (error) {
    const code = codeOf(error)
    if (code === undefined) throw error
    return code
  }
}

async function hasProcesses(host: Host, dir: string): Promise<boolean> {
  return (await host.files.readText(`${dir}/cgroup.procs`)) !== ''
}

/** clone3(2) into a cgroup below one that is threaded, or threaded itself, fails with EOPNOTSUPP: say so before. */
async function refuseThreaded(host: Host, path: string): Promise<void> {
  const type = (await host.files.readTextIfExists(`${path}/cgroup.type`))?.trim() ?? 'domain'
  if (type !== 'threaded' && type !== 'domain invalid') return
  const parent = path.slice(0, path.lastIndexOf('/'))
  throw new RuntError('CGROUP_THREADED', `create cgroup ${path}: ${parent} is part of a threaded subtree`, {
    origin: '/linux/cgroupsPath',
    hint: 'choose a path outside of it: processes of a container cannot live among threads',
  })
}

interface Outcome {
  root: string
  /** What the hierarchy has. */
  all: readonly string[]
  path: string
  /** What the cgroup got. */
  here: readonly string[]
  refusals: readonly Refusal[]
}

async function requireAll(host: Host, outcome: Outcome, needs: readonly Need[]): Promise<void> {
  const need = needs.find(({ controller }) => controller !== '' && !outcome.here.includes(controller))
  if (need !== undefined) await missing(host, outcome, need)
}

async function missing(host: Host, { root, all, path, refusals }: Outcome, need: Need): Promise<never> {
  const { controller, pointer } = need
  const refusal = refusals.find((candidate) => candidate.controller === controller)
  const fail = (why: string, hint: string): never => {
    throw new RuntError('NO_CONTROLLER', `the ${controller} controller is not available in cgroup ${path}: ${why}`, {
      origin: pointer,
      hint,
    })
  }
  if (refusal === undefined) {
    return all.includes(controller)
      ? fail('an ancestor stopped passing it on', 'try again')
      : fail(...(await absent(host, root, controller)))
  }
  const { dir, code } = refusal
  switch (code) {
    case 'EBUSY': {
      const pids = (await host.files.readText(`${dir}/cgroup.procs`)).split('\n').filter(Boolean)
      const named: string[] = []
      for (const pid of pids.slice(0, 5)) named.push(await nameOf(host, pid))
      const who = named.length === 0 ? '' : ` (${named.join(', ')}${pids.length > 5 ? ' …' : ''})`
      return fail(
        `${dir} has processes of its own${who}, and then cannot pass controllers on`,
        `move them into a cgroup below it, or choose another linux.cgroupsPath`,
      )
    }
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return fail(
        `${dir}/cgroup.subtree_control: ${inWords(code)}`,
        `have it delegated (Delegate=yes of the systemd unit), or as root: echo +${controller} > ${dir}/cgroup.subtree_control`,
      )
    case 'EEXIST':
      // cgroup-v2.rst, "Avoid Name Collisions": the kernel does not.
      return fail(
        `${dir} cannot pass it on: a container has given a cgroup of its own the name of one of the controller's files`,
        `find and remove it: ls -d ${dir}/*/${controller}.*/`,
      )
    case 'EINVAL':
      if (controller === 'cpu') {
        return fail(
          `${dir} refuses it: ${inWords(code)}`,
          'real-time processes outside the root cgroup are in the way (CONFIG_RT_GROUP_SCHED): ps -eo pid,cls,comm shows them as RR or FF',
        )
      }
  }
  return fail(
    `${dir} does not pass it on: ${inWords(code)}`,
    `see what the kernel says to: echo +${controller} > ${dir}/cgroup.subtree_control`,
  )
}

/** `1234 sshd`; the number alone where it is gone. */
async function nameOf(host: Host, pid: string): Promise<string> {
  const name = await readOfProcess(host, pid, 'comm')
  // Processes name themselves, and the name goes to a terminal.
  return name === undefined ? pid : `${pid} ${name.trim().replace(/[^ -~]/g, '?')}`
}

/** Names that differ in cgroup v1, whose controllers /proc/cgroups lists. */
const formerNames: Readonly<Record<string, string>> = { io: 'blkio' }

/** Why the whole hierarchy does not have a controller, and what helps. cgroups(7), "/proc/cgroups". */
async function absent(host: Host, root: string, controller: string): Promise<[why: string, hint: string]> {
  const why = `the hierarchy at ${root} does not have it`
  const unified = 'boot with systemd.unified_cgroup_hierarchy=1'
  const known = (await host.files.readTextIfExists('/proc/cgroups')) ?? ''
  for (const line of known.split('\n')) {
    const [name, hierarchy, , enabled] = line.split('\t')
    if (name !== (formerNames[controller] ?? controller)) continue
    if (enabled === '0') return [why, `it is disabled: boot with cgroup_enable=${name}`]
    if (hierarchy !== '0') return [`${why}, cgroup v1 has`, `${unified}, or leave the limit out`]
  }
  const disabled = controller === 'memory' ? ', or disabled (boot with cgroup_enable=memory)' : ''
  return [why, `it may be taken by cgroup v1 (${unified}) or not be part of the kernel${disabled}`]
}
