/**
 * What this machine offers containers and what it lacks, what each daemon here was told of runt, and what mends it. Reads only: does
 * nothing, and needs no root. To look at one more thing, add a check to the list.
 */
import { findCgroupRoot, ownCgroup } from '../cgroups/fs.ts'
import { RuntError, SystemError } from '../errors.ts'
import type { Host } from '../host/host.ts'
import type { Context } from './context.ts'
import { registrations, type Registration } from './registration.ts'

/**
 * `ok`: as it should be. `note`: not there, and not needed by every container. `warning`: containers run, and something is unsafe or
 * cannot be had. `problem`: containers do not run, or a daemon does not find runt.
 */
export type Verdict = 'ok' | 'note' | 'warning' | 'problem'

/** The answer of one check. */
export interface Finding {
  /** What was looked at: `kernel`, `Docker`. */
  subject: string
  verdict: Verdict
  message: string
  /** What to do about it. */
  hint?: string
}

type Answer = Omit<Finding, 'subject'>
interface Check {
  subject: string
  /** Takes PATH, beside the folders where daemons are looked for. Nothing is said where it does not concern this machine. */
  run: (host: Host, path: string) => Promise<Answer | undefined>
}

const ok = (message: string): Answer => ({ verdict: 'ok', message })
const note = (message: string, hint?: string): Answer => ({ verdict: 'note', message, ...(hint && { hint }) })
const warning = (message: string, hint: string): Answer => ({ verdict: 'warning', message, hint })
const problem = (message: string, hint: string): Answer => ({ verdict: 'problem', message, hint })

/** The oldest kernel that runs containers. */
const oldest = [5, 15] as const

/** Controllers behind the fields of linux.resources that daemons use. */
const controllers = ['cpu', 'cpuset', 'io', 'memory', 'pids']

/** A daemon whose configuration is TOML, which one line at a time is read of. */
interface Mentions {
  registration: Registration
  /** Files, and directories of files, of which the last one that names runt counts. */
  places: readonly string[]
  /** The line that names it; the path is the first group. */
  line: RegExp
}

const containerd: Mentions = {
  registration: registrations.containerd,
  places: ['/etc/containerd/config.toml', '/etc/containerd/conf.d'],
  line: /^\s*BinaryName\s*=\s*["']([^"']*)["']/,
}
const podman: Mentions = {
  registration: registrations.podman,
  places: [
    '/usr/share/containers/containers.conf',
    '/etc/containers/containers.conf',
    '/etc/containers/containers.conf.d',
  ],
  line: /^\s*runt\s*=\s*\[\s*["']([^"']*)["']/,
}
const crio: Mentions = {
  registration: registrations.crio,
  places: ['/etc/crio/crio.conf', '/etc/crio/crio.conf.d'],
  line: /^\s*runtime_path\s*=\s*["']([^"']*)["']/,
}

const checks: readonly Check[] = [
  { subject: 'kernel', run: checkKernel },
  { subject: 'cgroup v2', run: checkCgroups },
  { subject: 'delegation', run: checkDelegation },
  { subject: 'systemd', run: checkSystemd },
  { subject: 'user namespaces', run: checkUserNamespaces },
  { subject: 'ids of users', run: checkSubordinateIds },
  { subject: 'seccomp', run: checkSeccomp },
  { subject: 'AppArmor, SELinux', run: checkLabels },
  { subject: 'overlayfs', run: checkOverlay },
  { subject: 'runt', run: checkOwnFiles },
  { subject: registrations.docker.daemon, run: checkDocker },
  ...[containerd, podman, crio].map((mentions) => ({
    subject: mentions.registration.daemon,
    run: (host: Host, path: string) => checkMentions(host, path, mentions),
  })),
]

/** Looks at everything, in order; a check that cannot be made is a finding, too. */
export async function examine({ host, globals }: Context): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const { subject, run } of checks) {
    try {
      const answer = await run(host, globals.env.PATH ?? '')
      if (answer !== undefined) findings.push({ subject, ...answer })
    } catch (error) {
      if (error instanceof RuntError)
        findings.push({ subject, verdict: 'problem', message: error.message, ...(error.hint && { hint: error.hint }) })
      else if (error instanceof SystemError)
        findings.push({ subject, verdict: 'warning', message: `cannot be examined: ${error.message}` })
      else throw error
    }
  }
  return findings
}

/** The daemons that are on this machine: who can be told of runt. */
export async function registrationsHere({ host, globals }: Context): Promise<Registration[]> {
  const here: Registration[] = []
  for (const registration of Object.values(registrations))
    if (await isInstalled(host, globals.env.PATH ?? '', registration.programs)) here.push(registration)
  return here
}

async function checkKernel({ system }: Host): Promise<Answer> {
  const release = await system.kernelRelease()
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number)
  const enough = major > oldest[0] || (major === oldest[0] && minor >= oldest[1])
  return enough
    ? ok(`Linux ${release}`)
    : problem(`Linux ${release} is too old`, `Linux ${oldest.join('.')} or newer is needed`)
}

async function checkCgroups(host: Host): Promise<Answer> {
  const root = await findCgroupRoot(host)
  const here = (await host.files.readText(`${root}/cgroup.controllers`)).split(/\s+/)
  const missing = controllers.filter((name) => !here.includes(name))
  if (missing.length === 0) return ok(`at ${root}, with every controller that daemons use`)
  return warning(
    `at ${root}, without the controllers ${missing.join(', ')}: containers run, their limits are refused`,
    'boot with cgroup_no_v1=all and systemd.unified_cgroup_hierarchy=1, so that cgroup v1 holds no controllers',
  )
}

/** Of others than root: whether there is a place to make cgroups in. */
async function checkDelegation(host: Host): Promise<Answer | undefined> {
  const euid = await host.system.euid()
  if (euid === 0) return undefined
  const own = `${await findCgroupRoot(host)}${await ownCgroup(host)}`
  const status = await host.files.status(own)
  if (status?.uid === euid) return ok(`the cgroup ${own} is this user's`)
  return note(
    `the cgroup ${own} is not this user's: containers have no cgroup of their own, and no limits`,
    'systemd-run --user --scope gives a command one; --systemd-cgroup has the own systemd make them',
  )
}

async function checkSystemd({ files }: Host): Promise<Answer> {
  return (await files.status('/run/systemd/system'))?.type === 'directory'
    ? ok('runs: --systemd-cgroup has it make the cgroups')
    : note('does not run: --systemd-cgroup cannot be used')
}

async function checkUserNamespaces({ files, system }: Host): Promise<Answer> {
  const setting = async (name: string): Promise<string | undefined> =>
    (await files.readTextIfExists(`/proc/sys/${name}`))?.trim()
  const most = await setting('user/max_user_namespaces')
  if (most === undefined)
    return warning('the kernel has none: configurations with one are refused', 'use a kernel with CONFIG_USER_NS')
  if (most === '0') return warning('the machine allows none', 'sysctl user.max_user_namespaces=15000')
  const isRoot = (await system.euid()) === 0
  for (const [name, forbids, mends] of [
    ['kernel/unprivileged_userns_clone', '0', '1'],
    ['kernel/apparmor_restrict_unprivileged_userns', '1', '0'],
  ] as const) {
    if ((await setting(name)) !== forbids) continue
    const message = `only root may make them (${name.replaceAll('/', '.')} is ${forbids})`
    const hint = `sysctl ${name.replaceAll('/', '.')}=${mends} lets other users run containers`
    return isRoot ? note(message, hint) : problem(message, hint)
  }
  return ok(isRoot ? 'every user may make them' : 'this user may make them')
}

/** Of others than root: more ids than the own one, for containers with several users. */
async function checkSubordinateIds({ files, system }: Host): Promise<Answer | undefined> {
  const euid = await system.euid()
  if (euid === 0) return undefined
  const users = ((await files.readTextIfExists('/etc/passwd')) ?? '').split('\n').map((line) => line.split(':'))
  const name = users.find(([, , uid]) => Number(uid) === euid)?.[0]
  const missing: string[] = []
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    const owners = ((await files.readTextIfExists(file)) ?? '').split('\n').map((line) => line.split(':')[0])
    if (!owners.some((owner) => owner === name || owner === String(euid))) missing.push(file)
  }
  const user = name ?? String(euid)
  if (missing.length > 0)
    return note(
      `${missing.join(' and ')} give this user none: containers can have one user`,
      `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${user}`,
    )
  for (const tool of ['newuidmap', 'newgidmap']) {
    if ((await files.status(`/usr/bin/${tool}`)) === undefined && (await files.status(`/bin/${tool}`)) === undefined)
      return note(`${tool} is missing: containers can have one user`, 'apt-get install uidmap')
  }
  return ok('newuidmap and newgidmap give this user more than the own')
}

async function checkSeccomp({ files, seccomp }: Host): Promise<Answer> {
  if ((await files.readTextIfExists('/proc/sys/kernel/seccomp/actions_avail')) === undefined)
    return warning('the kernel has no filters: linux.seccomp is refused', 'use a kernel with CONFIG_SECCOMP_FILTER')
  try {
    return ok(`filters are compiled by libseccomp ${(await seccomp.library()).version}`)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    return warning('libseccomp is missing: linux.seccomp, which daemons use, is refused', 'apt-get install libseccomp2')
  }
}

async function checkLabels({ files }: Host): Promise<Answer> {
  const apparmor = (await files.readTextIfExists('/sys/module/apparmor/parameters/enabled'))?.startsWith('Y') === true
  const selinux = (await files.status('/sys/fs/selinux/enforce')) !== undefined
  const there = [...(apparmor ? ['AppArmor'] : []), ...(selinux ? ['SELinux'] : [])]
  if (there.length > 0) return ok(`${there.join(' and ')} can confine containers`)
  return note('the kernel runs without: process.apparmorProfile and selinuxLabel are refused')
}

async function checkOverlay({ files }: Host): Promise<Answer> {
  const known = ((await files.readTextIfExists('/proc/filesystems')) ?? '')
    .split('\n')
    .some((line) => /\boverlay$/.test(line))
  return known
    ? ok('is there')
    : note('is not loaded (yet): daemons put their layers together with it', 'modprobe overlay')
}

/** Whoever can replace the program, or a directory on its way, is whoever runs it. */
async function checkOwnFiles({ files, system }: Host): Promise<Answer> {
  const program = await files.realPath('/proc/self/exe')
  const euid = await system.euid()
  for (let at = program; ; at = at.slice(0, at.lastIndexOf('/')) || '/') {
    const status = await files.status(at)
    // A sticky directory lets nobody replace what belongs to others.
    const open = status !== undefined && (status.mode & 0o022) !== 0 && (status.mode & 0o1000) === 0
    const owner = status?.uid ?? 0
    if (open || (owner !== 0 && owner !== euid)) {
      const who = open ? `others (mode ${status.mode.toString(8)})` : `user ${owner}`
      return warning(
        `${program} can be replaced by ${who}: see ${at}`,
        'npm run install:system, as root, puts it where only root writes',
      )
    }
    if (at === '/') return ok(program)
  }
}

/** A daemon's configuration names runt by a path: that has to lead somewhere. */
async function checkPath({ files }: Host, file: string, path: string): Promise<Answer> {
  const status = await files.status(path)
  if (status?.type !== 'file' || (status.mode & 0o111) === 0)
    return problem(`${file} names ${path}, which is no program`, `write the path of an installed runt there`)
  return ok(`${file} names ${path}`)
}

const isRunt = (path: string): boolean => path === 'runt' || path.endsWith('/runt')

/** Where `npm run install:system` puts the command unless told otherwise. */
const command = '/usr/local/bin/runt'

const notTold = ({ lines }: Registration): Answer => note('was not told of runt', lines(command).join('\n'))

async function checkDocker(host: Host, path: string): Promise<Answer | undefined> {
  const file = '/etc/docker/daemon.json'
  const text = await host.files.readTextIfExists(file)
  const registration = registrations.docker
  if (text === undefined || text.trim() === '')
    return (await isInstalled(host, path, registration.programs)) ? notTold(registration) : undefined
  let runtimes: unknown
  try {
    runtimes = (JSON.parse(text) as { runtimes?: unknown } | null)?.runtimes
  } catch (error) {
    return problem(`${file} is not JSON: ${(error as Error).message}`, 'dockerd does not start with it: mend the file')
  }
  const paths = Object.values(runtimes ?? {}).map((runtime: { path?: unknown } | null) => runtime?.path)
  const named = paths.find((each) => typeof each === 'string' && isRunt(each)) as string | undefined
  return named === undefined ? notTold(registration) : checkPath(host, file, named)
}

async function checkMentions(
  host: Host,
  path: string,
  { registration, places, line }: Mentions,
): Promise<Answer | undefined> {
  let found: { file: string; path: string } | undefined
  for (const place of places) {
    for (const file of await filesAt(host, place)) {
      for (const text of ((await host.files.readTextIfExists(file)) ?? '').split('\n')) {
        const named = line.exec(text)?.[1]
        if (named !== undefined && isRunt(named)) found = { file, path: named }
      }
    }
  }
  if (found !== undefined) return checkPath(host, found.file, found.path)
  return (await isInstalled(host, path, registration.programs)) ? notTold(registration) : undefined
}

async function filesAt({ files }: Host, place: string): Promise<string[]> {
  const type = (await files.status(place))?.type
  if (type !== 'directory') return type === 'file' ? [place] : []
  return (await files.list(place)).sort().map((name) => `${place}/${name}`)
}

async function isInstalled({ files }: Host, path: string, programs: readonly string[]): Promise<boolean> {
  const dirs = path.split(':').filter((dir) => dir.startsWith('/'))
  for (const dir of new Set([...dirs, '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']))
    for (const program of programs) if ((await files.status(`${dir}/${program}`)) !== undefined) return true
  return false
}
