/** A list of instructions for the native driver (driver.c), and what it measured. */
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import type { Peer } from './peers.ts'

/** What the driver found under one tag; lists of figures in the order of the instructions. */
export interface Findings {
  milliseconds: number[]
  /** Peak resident memory of a command and of what it waited for, or of a process that was asked about. */
  peakKib: number[]
  cpuMilliseconds: number[]
  /** Commands that ended per second, of a burst. */
  perSecond: number[]
}

/** Compiles a C program without dynamic libraries. */
export function compile(source: string, target: string): void {
  const { status, stderr } = spawnSync('cc', ['-static', '-O2', '-s', '-Wall', '-Wextra', '-o', target, source], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`cannot compile ${path.basename(source)}: ${stderr}`)
}

/** Instructions are collected, then run in one process of the driver. */
export class Program {
  private readonly lines: string[] = []
  private readonly places = new Map<string, string>()
  private readonly driver: string

  constructor(driver: string) {
    this.driver = driver
  }

  private add(...fields: (string | number)[]): this {
    if (fields.some((field) => /[\t\n]/.test(String(field)))) throw new Error(`no instruction: ${fields.join(' ')}`)
    this.lines.push(fields.join('\t'))
    return this
  }

  private place({ usr }: Peer): string {
    if (usr === undefined) return '-'
    const known = this.places.get(usr)
    if (known !== undefined) return known
    const name = String(this.places.size + 1)
    this.places.set(usr, name)
    this.add('place', name, usr, '/usr')
    return name
  }

  /** Lets the kernel tear down what the last command left. */
  rest(milliseconds = 20): this {
    return this.add('rest', milliseconds)
  }

  /** A peer's command that is not measured. */
  run(peer: Peer, args: readonly string[]): this {
    return this.add('run', this.place(peer), ...peer.command, ...args)
  }

  /** A peer's command after a rest, of so many milliseconds; `{}` in its arguments is a new name each time. */
  time(tag: string, peer: Peer, args: readonly string[], rest = 20): this {
    return this.rest(rest).add('time', tag, this.place(peer), ...peer.command, ...args)
  }

  /** Remembers the process whose number a file has, and `gone` waits for its end. */
  watch(pidFile: string): this {
    return this.add('watch', pidFile)
  }

  gone(): this {
    return this.add('gone')
  }

  /** Peak memory of the process whose number a file has. */
  memory(tag: string, pidFile: string): this {
    return this.add('memory', tag, pidFile)
  }

  /** So many at once run the command over and over, for so many milliseconds. */
  burst(tag: string, peer: Peer, workers: number, milliseconds: number, args: readonly string[]): this {
    return this.rest(100).add('burst', tag, this.place(peer), workers, milliseconds, ...peer.command, ...args)
  }

  /** The command, once for each of the numbers, which stand for `{}`, so many at once, unmeasured. */
  fill(peer: Peer, workers: number, first: number, last: number, args: readonly string[]): this {
    if (last < first) return this
    return this.add('fill', this.place(peer), workers, first, last, ...peer.command, ...args)
  }

  /** Runs all instructions. Throws with what the driver said where one fails. */
  execute(): Map<string, Findings> {
    const input = this.lines.map((line) => `${line}\n`).join('')
    const options = { input, encoding: 'utf8', maxBuffer: 1 << 28, timeout: 300_000 } as const
    const { status, stdout, stderr } = spawnSync(this.driver, [], options)
    if (status !== 0) throw new Error(`the driver failed: ${stderr.trim().split('\n').slice(-5).join('\n')}`)
    const found = new Map<string, Findings>()
    for (const line of stdout.split('\n').slice(0, -1)) {
      const [verb, tag, ...texts] = line.split(' ')
      const [first, second, third] = texts.map(Number)
      const of = found.get(tag!) ?? { milliseconds: [], peakKib: [], cpuMilliseconds: [], perSecond: [] }
      found.set(tag!, of)
      if (verb === 'burst') {
        of.perSecond.push(first! / (second! / 1e9))
      } else if (verb === 'memory') {
        of.peakKib.push(first!)
      } else {
        of.milliseconds.push(first! / 1e6)
        of.peakKib.push(second!)
        of.cpuMilliseconds.push(third! / 1e3)
      }
    }
    return found
  }
}
