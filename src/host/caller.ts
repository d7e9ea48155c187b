/** The process that runt's command is: how it was called, and its end. Only for the command; the library has no caller. */
import { loadAddon } from './addon.ts'

export interface Caller {
  /** The name that runt was called by. */
  argv0: string
  /** Arguments after it. */
  args: readonly string[]
  /** Absolute. */
  cwd: string
  env: Readonly<Record<string, string>>
  /** What runs this program: `bun 1.4.5`, `node 20.19.0`. */
  engine: string
}

export function caller(): Caller {
  const bun = process.versions.bun
  return {
    // A script's argv[0] is the engine's.
    argv0: bun !== undefined && process.argv[1]?.startsWith('/$bunfs') === true ? process.argv0 : 'runt',
    args: process.argv.slice(2),
    cwd: workingDirectory(),
    env: process.env as Record<string, string>,
    engine: bun === undefined ? `node ${process.versions.node}` : `bun ${bun}`,
  }
}

/** A directory that was removed has no path; relative names then count from nowhere in particular. */
export function workingDirectory(): string {
  try {
    return process.cwd()
  } catch {
    return '/'
  }
}

/** Ends this process at once: nothing is left to be written, and the engine's own end takes its time. */
export function leave(code: number): never {
  return loadAddon().exitNow(code)
}

/** A message where there is no host to write it, and the end. */
export function leaveWith(message: string): never {
  console.error(message)
  process.exit(1)
}
