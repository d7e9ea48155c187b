/** A person at a terminal, played by terminal.py: types, resizes, reads. */
import type { ExecutionContext } from 'ava'
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { eventually } from './harness.ts'

const program = fileURLToPath(new URL('terminal.py', import.meta.url))

export class Terminal {
  /** Exit status of the command; 0 for a console socket whose terminal nobody has open any more. */
  readonly ended: Promise<number>
  private readonly child: ChildProcessWithoutNullStreams
  private shown = ''

  private constructor(t: ExecutionContext, args: string[], cwd: string) {
    this.child = spawn('python3', [program, ...args], { cwd, stdio: 'pipe' })
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.shown += text))
    this.child.stdin.on('error', () => undefined)
    this.ended = new Promise((resolve) => {
      this.child.on('close', (status, signal) => {
        resolve(status ?? (signal === null ? -1 : 137))
      })
    })
    t.teardown(() => this.child.kill('SIGKILL'))
  }

  /** Runs a command on a terminal of 24 lines and 80 columns. */
  static run(t: ExecutionContext, command: string[], cwd: string): Terminal {
    return new Terminal(t, ['run', ...command], cwd)
  }

  /** Listens on a console socket for a terminal. */
  static async listen(t: ExecutionContext, socket: string): Promise<Terminal> {
    const terminal = new Terminal(t, ['console', socket], '/')
    await eventually(() => existsSync(socket), `${socket} is there`)
    return terminal
  }

  type(text: string): void {
    this.order({ type: text })
  }

  resize(rows: number, columns: number): void {
    this.order({ resize: [rows, columns] })
  }

  /** What the terminal has shown so far, lines ended as in a file. */
  output(): string {
    return this.shown.replaceAll('\r\n', '\n')
  }

  /** Waits until this was shown. */
  async shows(pattern: RegExp): Promise<void> {
    try {
      await eventually(() => pattern.test(this.output()), '')
    } catch {
      throw new Error(`${pattern} was not shown, but: ${this.output()}`)
    }
  }

  private order(order: object): void {
    this.child.stdin.write(`${JSON.stringify(order)}\n`)
  }
}
