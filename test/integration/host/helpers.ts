/** Runs the programs beside this file in processes of their own. */
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const project = fileURLToPath(new URL('../../..', import.meta.url))
const bundles = new Map<string, string>()

/** Bun's executable, where its package's install script put it, or was not allowed to move it from. */
function bun(): string {
  const vendor = path.join(project, 'node_modules/@oven')
  const names = existsSync(vendor) ? readdirSync(vendor).map((name) => path.join(vendor, name, 'bin/bun')) : []
  const found = [...names, path.join(project, 'node_modules/bun/bin/bun.exe')].find((file) => existsSync(file))
  if (found === undefined) throw new Error('no Bun in node_modules: npm ci brings it')
  return found
}

/** The program as one file of JavaScript: what is compiled at every start takes half a minute in an emulated machine. */
function bundle(program: string): string {
  let file = bundles.get(program)
  if (file === undefined) {
    // Two levels below the project, like src/host: from there the addon is found.
    file = path.join(project, 'build/test', `${path.basename(program, '.ts')}-${process.pid}.mjs`)
    const args = ['build', path.join(project, 'test/integration/host', program), '--target=node', '--outfile', file]
    execFileSync(bun(), args, { stdio: 'pipe' })
    process.once('exit', () => {
      rmSync(file!, { force: true })
    })
    bundles.set(program, file)
  }
  return file
}

/** The command line of a program. */
export function commandOf(program: string, ...args: string[]): string[] {
  return [process.execPath, bundle(program), ...args]
}

/** A command line as a shell reads it. */
export function quoted(command: readonly string[]): string {
  return command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
}

export interface Run {
  child: ChildProcessWithoutNullStreams
  /** What was printed up to now. */
  stdout: () => string
  stderr: () => string
  /** Waits until standard output or error has matched. */
  saw: (pattern: RegExp) => Promise<RegExpMatchArray>
  /** Waits for the end. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

export function run(command: readonly string[]): Run {
  const child = spawn(command[0]!, command.slice(1), {
    stdio: 'pipe',
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', TERM: 'xterm' },
  })
  const texts = { stdout: '', stderr: '' }
  child.stdin.on('error', () => undefined)
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (texts[name] += text))
  }
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }))
  const saw = async (pattern: RegExp) => {
    for (const limit = Date.now() + 60_000; Date.now() < limit; await new Promise((done) => setTimeout(done, 10))) {
      const match = pattern.exec(texts.stdout) ?? pattern.exec(texts.stderr)
      if (match !== null) return match
    }
    throw new Error(`${pattern} was not printed; stdout: ${texts.stdout}; stderr: ${texts.stderr}`)
  }
  return { child, stdout: () => texts.stdout, stderr: () => texts.stderr, saw, ended }
}
