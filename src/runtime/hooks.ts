/**
 * Hooks that runt runs itself, in its own namespaces (config.md#posix-platform-hooks: prestart, createRuntime, poststart, poststop),
 * and what is said of a hook that fails. Loaded only where there are any.
 */
import { RuntError } from '../errors.ts'
import type { ExitStatus, Fd } from '../host/host.ts'
import { hookState, hookTimeout, type HookFacts } from '../process/hooks.ts'
import type { Hook, Hooks } from '../spec/schema.gen.ts'
import type { Context } from './context.ts'
import { explained, isErrno } from './failures.ts'
import { isAlive } from './procfs.ts'
import { signalName } from './signals.ts'
import type { SavedState } from './state.ts'

/** The end of what a hook wrote: more helps nobody in an error. */
const maxOutput = 1000

/** What became of a hook that did not succeed; `seconds` are those that it had. */
export type HookOutcome = ExitStatus | { kind: 'timeout'; seconds: number }

type Event = 'prestart' | 'createRuntime' | 'poststart' | 'poststop'

/**
 * Runs a hook to its end.
 * @param state for its standard input
 * @param directory where it runs; undefined: where runt does
 * @throws RuntError `HOOK_FAILED`, or of the errno for which it could not be executed
 */
async function runHook(context: Context, origin: string, hook: Hook, state: string, directory?: string): Promise<void> {
  const { path } = hook
  let result
  try {
    result = await context.host.processes.runHook({
      path,
      args: hook.args ?? [],
      env: hook.env ?? callersEnvironment(context),
      stdin: state,
      timeout: hookTimeout(hook),
      directory,
    })
  } catch (error) {
    const hint = isErrno(error, 'ENOENT') ? 'the path counts from the root of the host' : undefined
    throw await explained(hookTitle(origin, path), error, { origin, hint })
  }
  const { status } = result
  if (status !== 'timeout' && status.kind === 'exited' && status.code === 0) return
  const outcome: HookOutcome = status === 'timeout' ? { kind: 'timeout', seconds: hook.timeout ?? 0 } : status
  throw new RuntError('HOOK_FAILED', hookSentence(origin, path, outcome, result), {
    origin: hookOrigin(origin, outcome),
  })
}

/** What createContainer hooks get, if there are any: CreateFacts.hookEnvironment. */
export function hookEnvironment(context: Context, hooks: Hooks | undefined): string[] | undefined {
  return hooks?.createContainer?.some(({ env }) => env === undefined) === true ? callersEnvironment(context) : undefined
}

/** As with runc, what a hook without an environment of its own gets. */
function callersEnvironment({ globals }: Context): string[] {
  return Object.entries(globals.env).map(([name, value]) => `${name}=${value}`)
}

/** Runs the hooks of an event in their order; the first that fails is the last. */
async function runHooks(
  context: Context,
  event: Event,
  hooks: Hooks | undefined,
  state: string,
  directory?: string,
): Promise<void> {
  for (const [index, hook] of (hooks?.[event] ?? []).entries())
    await runHook(context, `/hooks/${event}/${index}`, hook, state, directory)
}

/** `error running createRuntime hook #0: /path`: the first words are runc's, which tests and tools look for. */
export function hookTitle(origin: string, path: string): string {
  const [, , event = '', index = ''] = origin.split('/')
  return `error running ${event} hook #${index}: ${path}`
}

/** The field behind a failure. */
export function hookOrigin(origin: string, { kind }: HookOutcome): string {
  return kind === 'timeout' ? `${origin}/timeout` : origin
}

/** The whole sentence for a hook that ran and did not succeed. */
export function hookSentence(
  origin: string,
  path: string,
  outcome: HookOutcome,
  output: { stdout?: string; stderr: string },
): string {
  const streams = (['stdout', 'stderr'] as const).flatMap((name) => {
    const text = (output[name] ?? '').trim()
    return text === '' ? [] : [`, ${name}: ${text.length > maxOutput ? `…${text.slice(-maxOutput)}` : text}`]
  })
  return `${hookTitle(origin, path)}: ${outcomeText(outcome)}${streams.join('')}`
}

function outcomeText(outcome: HookOutcome): string {
  if (outcome.kind === 'timeout') return `took longer than its timeout of ${outcome.seconds} s and was killed`
  return outcome.kind === 'exited' ? `exit status ${outcome.code}` : `killed by ${signalName(outcome.signal)}`
}

/** prestart, then createRuntime: the namespaces and mounts are made, the root is not entered. */
export async function runCreateHooks(context: Context, hooks: Hooks, facts: HookFacts, pid: number): Promise<void> {
  const state = hookState(facts, 'creating', pid)
  await runHooks(context, 'prestart', hooks, state, facts.bundle)
  await runHooks(context, 'createRuntime', hooks, state, facts.bundle)
}

/** In milliseconds: init, which waits for the hooks itself, has more to tell of one that takes too long. */
const grace = 10_000

/** Of poll(2), in milliseconds. */
const longestWait = 2 ** 31 - 1

/**
 * Waits until something is heard of a container that was started, as long as its startContainer hooks may take together: a filter of
 * system calls may forbid init to see that one takes too long, or to end it.
 * @param hooks all of them
 * @param started the fifo
 * @throws RuntError `HOOK_FAILED`: the container has to be destroyed, which ends the hook
 */
export async function attendStartHooks(
  { host }: Context,
  hooks: NonNullable<SavedState['startHooks']>,
  started: Fd,
): Promise<void> {
  const seconds = hooks.reduce((sum, { timeout }) => sum + timeout, 0)
  if (await host.files.waitReadable(started, Math.min(seconds * 1000 + grace, longestWait))) return
  const outcome: HookOutcome = { kind: 'timeout', seconds }
  const only = hooks.length === 1 ? hooks[0] : undefined
  const message =
    only === undefined
      ? `error running startContainer hooks: together they took longer than ${seconds} s, their timeouts, and were killed`
      : hookSentence('/hooks/startContainer/0', only.path, outcome, { stderr: '' })
  throw new RuntError('HOOK_FAILED', message, {
    origin: only === undefined ? '/hooks/startContainer' : hookOrigin('/hooks/startContainer/0', outcome),
    hint: 'without ppoll, kill and wait4, which the filter of linux.seccomp forbids, init cannot end them itself',
  })
}

/**
 * poststart: the program was executed, and may have ended since.
 * @param directory as with runc: of `run`, the bundle; undefined: the caller's
 */
export async function runPoststart(context: Context, saved: SavedState, directory?: string): Promise<void> {
  const alive = await isAlive(context.host, saved)
  await runHooks(
    context,
    'poststart',
    saved.hooks,
    hookState(saved, alive ? 'running' : 'stopped', alive ? saved.pid : undefined),
    directory,
  )
}

/**
 * poststop: the container is gone. All of them are run; one that fails is warned of, and nothing else.
 * @param directory of `create` and `run`, the bundle; undefined: the caller's
 */
export async function runPoststop(context: Context, saved: SavedState, directory?: string): Promise<void> {
  const state = hookState(saved, 'stopped', undefined)
  for (const [index, hook] of (saved.hooks?.poststop ?? []).entries()) {
    try {
      await runHook(context, `/hooks/poststop/${index}`, hook, state, directory)
    } catch (error) {
      if (!(error instanceof RuntError)) throw error
      await context.log?.warn(error.message)
    }
  }
}
