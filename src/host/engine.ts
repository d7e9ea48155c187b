/**
 * The engines that run this program: the executable brings one of its own (native/engine/main.cpp), which has the language's own objects,
 * TextEncoder and TextDecoder; Node and Bun have theirs. Whatever else is needed goes through the addon, so that all run the same code.
 */

/** What the executable's own engine tells its program. */
export interface OwnEngine {
  /** Linked in; what it is, addon.ts says. */
  addon: unknown
  /** Of QuickJS. */
  version: string
  /** As Node names it: `x64`, `arm64`. */
  architecture: string
  /** argv, the name that runt was called by first. */
  arguments: readonly string[]
  environment: Readonly<Record<string, string>>
  /** Absolute; `/` where the working directory was removed. */
  directory: string
}

/** What is used of `process`, which Node and Bun have. */
export interface NodeProcess {
  argv: readonly string[]
  execArgv: readonly string[]
  env: Readonly<Record<string, string>>
  versions: { node: string; bun?: string }
  arch: string
  cwd(): string
  stderr: { write(text: string): void }
  exit(code: number): never
  dlopen(module: { exports: unknown }, path: string): void
}

const globals = globalThis as { runtEngine?: OwnEngine; process?: NodeProcess }

/** Undefined under Node and Bun. */
export const ownEngine = globals.runtEngine

/** To be used only where there is no own engine. */
export const nodeProcess = globals.process!
