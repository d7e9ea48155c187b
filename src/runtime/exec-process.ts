/** The process that `exec` runs: a file's, or the container's own with the flags' changes. Plain data in, plain data out. */
import { RuntError, UsageError } from '../errors.ts'
import { copyOf } from '../spec/copy.ts'
import { checkProcess, maxConfigBytes, parseProcess } from '../spec/parse.ts'
import type { Capabilities, Process, User } from '../spec/schema.gen.ts'
import { invalidConfig, sentence } from './bundle.ts'
import { absolute, type Context } from './context.ts'
import { attempt } from './failures.ts'
import type { ExecRequest } from './requests.ts'
import type { SavedState } from './state.ts'

export interface ExecProcess {
  process: Process
  warnings: string[]
  /** Where the process was read, for the lines of errors. */
  source?: { file: string; text: string } | undefined
}

export async function execProcess(context: Context, request: ExecRequest, state: SavedState): Promise<ExecProcess> {
  if (request.process !== undefined) return processFromFile(context, request, request.process, state)
  if (request.args === undefined || request.args.length === 0) {
    throw new UsageError('exec needs a command, or a file with --process', { origin: 'command' })
  }
  const { process, problems, warnings } = checkProcess(changedProcess(request, state))
  if (process === undefined) {
    const [first] = problems
    const origin = first && flagOf(first.pointer)
    throw new UsageError(first === undefined ? 'the process is not valid' : sentence(first), {
      origin,
      hint: first?.hint,
    })
  }
  return { process, warnings: warnings.map(sentence) }
}

/** The flag that sets a field of the process. */
function flagOf(pointer: string): string | undefined {
  const flags = { args: 'command', cwd: '--cwd', env: '--env', user: '--user', capabilities: '--cap' } as const
  const [, field = ''] = pointer.split('/')
  return Object.hasOwn(flags, field) ? flags[field as keyof typeof flags] : undefined
}

async function processFromFile(
  context: Context,
  request: ExecRequest,
  name: string,
  state: SavedState,
): Promise<ExecProcess> {
  const file = absolute(context.globals, name)
  const text = await attempt(`read ${file}`, { origin: '--process' }, () =>
    context.host.files.readText(file, maxConfigBytes),
  )
  const { process, problems, warnings } = parseProcess(text)
  if (process === undefined) throw await invalidConfig(file, text, problems, 'Process')
  if (request.tty === true) process.terminal = true
  return { process: withContainers(process, state.process), warnings: warnings.map(sentence), source: { file, text } }
}

/** What confines and schedules a process is the container's where the file does not say otherwise, as in runc. */
const inherited = [
  'apparmorProfile',
  'selinuxLabel',
  'capabilities',
  'oomScoreAdj',
  'scheduler',
  'ioPriority',
  'execCPUAffinity',
] as const satisfies readonly (keyof Process)[]

function withContainers(process: Process, containers: Process | undefined): Process {
  if (containers === undefined) return process
  const taken = inherited.filter((field) => process[field] === undefined && containers[field] !== undefined)
  const umask = process.user?.umask ?? containers.user?.umask
  return {
    ...process,
    ...Object.fromEntries(taken.map((field) => [field, containers[field]])),
    ...(umask !== undefined && { user: { ...(process.user ?? { uid: 0, gid: 0 }), umask } }),
  }
}

/** The container's own process, with what the flags say. */
function changedProcess(request: ExecRequest, state: SavedState): Process {
  if (state.process === undefined) {
    throw new RuntError('NO_PROCESS', 'the container has no process to take user and environment from', {
      hint: 'give the whole process in a file, with --process',
    })
  }
  const process = copyOf(state.process)
  process.args = [...(request.args ?? [])]
  process.terminal = request.tty === true
  if (request.tty !== true) delete process.consoleSize
  if (request.cwd !== undefined) process.cwd = request.cwd
  if (request.env !== undefined) process.env = [...(process.env ?? []), ...request.env]
  if (request.user !== undefined || request.additionalGids !== undefined)
    process.user = changedUser(request, process.user)
  if (request.noNewPrivs === true) process.noNewPrivileges = true
  if (request.apparmor !== undefined) process.apparmorProfile = request.apparmor
  if (request.processLabel !== undefined) process.selinuxLabel = request.processLabel
  if (request.capabilities !== undefined && request.capabilities.length > 0) {
    process.capabilities = moreCapabilities(process.capabilities, request.capabilities)
  }
  return process
}

function changedUser(request: ExecRequest, user: User | undefined): User {
  const changed: User = { ...(user ?? { uid: 0, gid: 0 }) }
  if (request.user !== undefined) Object.assign(changed, parseUser(request.user))
  if (request.additionalGids !== undefined) {
    changed.additionalGids = [...(changed.additionalGids ?? []), ...request.additionalGids]
  }
  return changed
}

/**
 * `uid` or `uid:gid` in decimal, and nothing else: what is not a number must never become user 0 (CVE-2026-30892).
 * @throws UsageError
 */
export function parseUser(text: string): { uid: number; gid?: number } {
  const match = /^([0-9]{1,10})(?::([0-9]{1,10}))?$/.exec(text)
  const [uid, gid] = [Number(match?.[1]), match?.[2] === undefined ? undefined : Number(match[2])]
  // 2^32 - 1 means "leave as it is" to the kernel.
  const fits = (id: number) => id < 0xffffffff
  if (match === null || !fits(uid) || (gid !== undefined && !fits(gid))) {
    throw new UsageError(`user ${JSON.stringify(text)} is not uid[:gid]`, {
      origin: '--user',
      hint: 'numbers only: names are the business of the container',
    })
  }
  return gid === undefined ? { uid } : { uid, gid }
}

/**
 * The sets with more capabilities in them. The inheritable set stays: a capability there would pass to programs that the
 * process executes (CVE-2022-29162). The kernel takes ambient ones only where they are inheritable: without an
 * inheritable set none is asked for.
 */
function moreCapabilities(sets: Capabilities | undefined, added: readonly string[]): Capabilities {
  const union = (set: readonly string[] | undefined) => [...new Set([...(set ?? []), ...added])]
  return {
    ...sets,
    bounding: union(sets?.bounding),
    effective: union(sets?.effective),
    permitted: union(sets?.permitted),
    ...(sets?.inheritable !== undefined && { ambient: union(sets.ambient) }),
  }
}
