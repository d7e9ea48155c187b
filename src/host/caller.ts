/** The process that runt's command is: how it was called, and its end. Only for the command; the library has no caller. */
import { loadAddon } from './addon.ts'
import { nodeProcess, ownEngine } from './engine.ts'

export interface Caller {
  /** The name that runt was called by. */
  argv0: string
  /** Arguments after it. */
  args: readonly string[]
  /** Absolute. */
  cwd: string
  env: Readonly<Record<string, string>>
  /** What runs this program: `quickjs 0.17.0`, `node 20.19.0`. */
  engine: string
}

export function caller(): Caller {
  if (ownEngine !== undefined) {
    const [argv0 = 'runt', ...args] = ownEngine.arguments
    const { directory, environment, version } = ownEngine
    return { argv0, args, cwd: directory, env: environment, engine: `quickjs ${version}` }
  }
  const { argv, env, versions } = nodeProcess
  const { bun, node } = versions
  return {
    // A script's argv[0] is the engine's.
    argv0: 'runt',
    args: argv.slice(2),
    cwd: workingDirectory(),
    env,
    engine: bun === undefined ? `node ${node}` : `bun ${bun}`,
  }
}

/** A directory that was removed has no path; relative names then count from nowhere in particular. */
export function workingDirectory(): string {
  if (ownEngine !== undefined) return ownEngine.directory
  try {
    return nodeProcess.cwd()
  } catch {
    return '/'
  }
}

/** Ends this process at once: nothing is left to be written, and the engine's own end takes its time. */
export function leave(code: number): never {
  return loadAddon().exitNow(code)
}

/** A message where there is no host to write it, and the end. The executable's own engine never comes here: its addon is there. */
export function leaveWith(message: string): never {
  nodeProcess.stderr.write(`${message}\n`)
  return nodeProcess.exit(1)
}
