/** Commands of the runtime at the same time, and commands that are killed on the way. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Result, Sandbox } from './harness.ts'

let counter = 0

export interface Ended extends Result {
  /** Whether SIGKILL ended it. */
  killed: boolean
}

export interface LaunchOptions {
  /** Milliseconds after which the command gets SIGKILL. */
  killAfter?: number | undefined
  /** A command line that runs the command, such as strace's. */
  by?: readonly string[]
}

/** Programs before a command, for `launch`, by which it gets a signal as it makes a system call for the n-th time. */
export function signalled(call: string, n: number, signal = 'KILL'): string[] {
  return ['strace', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:signal=${signal}:when=${n}`]
}

/** Where commands run: a sandbox, or what gives the same. */
export type Place = Pick<Sandbox, 'dir' | 'bundle' | 'command'>

/** Runs a command with its streams in files of its own, as a container may hold them open for longer than the command lives. */
export async function launch(
  sandbox: Place,
  args: string[],
  { killAfter, by = [] }: LaunchOptions = {},
): Promise<Ended> {
  const name = path.join(sandbox.dir, `command-${++counter}`)
  const [file, ...rest] = [...by, ...sandbox.command(...args)]
  const [out, err] = [openSync(`${name}.out`, 'w'), openSync(`${name}.err`, 'w')]
  const child = spawn(file!, rest, { cwd: sandbox.bundle, stdio: ['ignore', out, err] })
  closeSync(out)
  closeSync(err)
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter)
  const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (...end) => {
      resolve(end)
    })
  })
  clearTimeout(timer)
  return {
    status: status ?? 137,
    killed: signal === 'SIGKILL',
    stdout: readFileSync(`${name}.out`, 'utf8'),
    stderr: readFileSync(`${name}.err`, 'utf8'),
  }
}

/** Runs commands side by side. */
export function together(sandbox: Place, commands: readonly string[][]): Promise<Ended[]> {
  return Promise.all(commands.map((args) => launch(sandbox, args)))
}
