/** The command line: global flags, the command, its flags; then the command's own code; then what failed, told. */
import { UsageError } from '../errors.ts'
import type { Caller } from '../host/caller.ts'
import { phase, type Host } from '../host/host.ts'
import type { Context } from '../runtime/context.ts'
import { resolvePath } from '../runtime/paths.ts'
import type { Globals } from '../runtime/requests.ts'
import { checkArguments } from './arguments.ts'
import { globalOptions, helpOption, lifecycle } from './lifecycle.ts'
import { CommandLog, type LogFormat } from './log.ts'
import { parseFlags, type Parsed } from './parse.ts'
import { suggestion } from './nearest.ts'
import type { Command } from './table.ts'

/** What runc leaves with when `exec` fails, so that its callers can tell it from the process's own failure. */
const execFailure = 255

/** Runs one command line. @returns the exit code; never throws. */
export async function main(caller: Caller, host: Host): Promise<number> {
  let globals: Parsed
  try {
    globals = parseFlags(caller.args, globalOptions, true)
  } catch (error) {
    const log = new CommandLog(host, { file: undefined, format: 'text', debug: false })
    await report({ host, log, argv0: caller.argv0, command: undefined, parsed: undefined }, error)
    return 1
  }
  const file = globals.text('trace') ?? caller.env.RUNT_TRACE
  if (file === undefined || file === '') return execute(caller, host, globals)
  const reached = await host.system.monotonic()
  const [{ traced }, { commands }] = await Promise.all([import('./traced.ts'), import('./commands.ts')])
  const name = commands.find((row) => row.name === globals.args[0])?.name ?? 'help'
  const log = new CommandLog(host, logSettings(caller, globals))
  return traced(
    { file, cwd: caller.cwd, name, log, reached, run: (tracing) => execute(caller, tracing, globals) },
    host,
  )
}

/** Runs the command that the global flags are followed by. */
async function execute(caller: Caller, host: Host, globals: Parsed): Promise<number> {
  const log = new CommandLog(host, logSettings(caller, globals))
  let command: Command | undefined
  let parsed: Parsed | undefined
  let begun = false
  try {
    if (globals.flag('version')) return await print(host, (await import('./version.ts')).versionText(caller.engine))
    const [name, ...rest] = globals.args
    if (globals.flag('help') || name === undefined || name === 'help') return await help(host, rest[0])
    const row = (command = await findCommand(name))
    parsed = phase(host, 'parse the arguments', () =>
      parseFlags(rest, [...row.options, helpOption], row.stopAtArgument === true),
    )
    if (parsed.flag('help')) return await help(host, name)
    checkArguments(caller.argv0, command, parsed)
    const context: Context = { host, globals: await globalsOf(caller, host, globals), log }
    const module = await phase(host, 'load the command', () => row.load())
    begun = true
    return await module.run(parsed, context)
  } catch (error) {
    await report({ host, log, argv0: caller.argv0, command, parsed }, error)
    return command?.name === 'exec' && (begun || !(error instanceof UsageError)) ? execFailure : 1
  }
}

async function print(host: Host, text: string): Promise<number> {
  await host.output.stdout(text)
  return 0
}

async function help(host: Host, name: string | undefined): Promise<number> {
  const { helpText } = await import('./help.ts')
  return print(host, helpText(name === undefined ? undefined : await findCommand(name)))
}

/**
 * Commands of runc that are refused, whatever their flags: daemons ask by the status of `checkpoint --help`, and by what `restore` says of
 * an incomplete flag, whether they can offer checkpoints.
 */
const ofCriu: readonly string[] = ['checkpoint', 'restore']

async function findCommand(name: string): Promise<Command> {
  const frequent = lifecycle.find((row) => row.name === name)
  if (frequent !== undefined) return frequent
  const { commands, worker } = await import('./commands.ts')
  const command = name === worker.name ? worker : commands.find((row) => row.name === name)
  if (command !== undefined) return command
  if (ofCriu.includes(name)) throw new UsageError(`${name} is not supported: runt does not work with CRIU`)
  const known = commands.map((row) => row.name)
  const hint = name === 'version' ? 'runt --version tells it' : (suggestion(name, known) ?? 'see runt --help')
  throw new UsageError(`unknown command "${name}"`, { hint })
}

function logSettings(caller: Caller, globals: Parsed) {
  const file = globals.text('log')
  return {
    file: file === undefined || file === '' ? undefined : resolvePath(caller.cwd, file),
    format: (globals.text('log-format') ?? 'text') as LogFormat,
    debug: globals.flag('debug'),
  }
}

async function globalsOf({ cwd, env }: Caller, host: Host, parsed: Parsed): Promise<Globals> {
  const root = parsed.text('root')
  if (root !== undefined && resolvePath(cwd, root) === '/') throw new UsageError('--root cannot be /')
  const rootless = parsed.text('rootless') ?? 'auto'
  return {
    root: root === undefined || root === '' ? await defaultRoot(env, host) : root,
    systemdCgroup: parsed.flag('systemd-cgroup'),
    cgroupManager: (parsed.text('cgroup-manager') ?? 'cgroupfs') as Globals['cgroupManager'],
    rootless: rootless === 'auto' ? 'auto' : rootless === 'true',
    debug: parsed.flag('debug'),
    cwd,
    env: withoutTrace(env),
  }
}

/** What is runt's own business, and no hook's. */
function withoutTrace(env: Caller['env']): Caller['env'] {
  if (env.RUNT_TRACE === undefined) return env
  return Object.fromEntries(Object.entries(env).filter(([name]) => name !== 'RUNT_TRACE'))
}

/** As runc: also root of a user namespace is a user with a directory of its own, unless it takes itself for the machine's. */
async function defaultRoot({ XDG_RUNTIME_DIR, USER }: Caller['env'], { system }: Host): Promise<string> {
  const given = XDG_RUNTIME_DIR !== undefined && XDG_RUNTIME_DIR !== ''
  const own = given && ((await system.euid()) !== 0 || (USER !== 'root' && (await system.inUserNamespace())))
  return own ? `${XDG_RUNTIME_DIR}/runt` : '/run/runt'
}

/** How far a command came. */
interface Run {
  host: Host
  log: CommandLog
  argv0: string
  command: Command | undefined
  parsed: Parsed | undefined
}

/** With a log file, the log gets the line, and standard error the same line bare, for callers that read only that. */
async function report(run: Run, error: unknown): Promise<void> {
  const { host, log, argv0, command, parsed } = run
  const { forPeople, oneLine } = await import('./report.ts')
  const name = command?.name ?? ''
  const id = command?.args.list[0]?.name === 'container-id' ? parsed?.id : undefined
  if (log.settings.file === undefined) {
    await host.output.stderr(forPeople(name, id, error, argv0))
    if (log.settings.debug && error instanceof Error) await host.output.stderr(`${error.stack ?? ''}\n`)
    return
  }
  const line = oneLine(name, error)
  try {
    await log.append('error', line)
  } catch (failure) {
    await host.output.stderr(forPeople('', undefined, failure))
  }
  await host.output.stderr(`${line}\n`)
}
