/** Runs the programs beside this file in processes of their own. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const project = fileURLToPath(new URL('../../..', import.meta.url))
const loader = path.join(project, 'node_modules/tsx/dist/loader.mjs')

/** The command line of a program. */
export function commandOf(program: string, ...args: string[]): string[] {
  return [process.execPath, '--import', loader, path.join(project, 'test/integration/host', program), ...args]
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
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', TERM: 'xterm', TSX_DISABLE_CACHE: '1' },
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
    for (const limit = Date.now() + 20_000; Date.now() < limit; await new Promise((done) => setTimeout(done, 10))) {
      const match = pattern.exec(texts.stdout) ?? pattern.exec(texts.stderr)
      if (match !== null) return match
    }
    throw new Error(`${pattern} was not printed; stdout: ${texts.stdout}; stderr: ${texts.stderr}`)
  }
  return { child, stdout: () => texts.stdout, stderr: () => texts.stderr, saw, ended }
}
