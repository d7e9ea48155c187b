/** Measuring commands one by one: for benchmarks in which something is to be done between them. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile } from './driver.ts'

/** One run of a command. */
export interface Run {
  readonly milliseconds: number
  /** Of the largest of its processes, in MB. */
  readonly memory: number
}

/** Runs a program, which must succeed. @returns standard output */
export function call(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const options = { encoding: 'utf8', maxBuffer: 1 << 28, env: { ...process.env, ...env } } as const
  const { status, stdout, stderr, error } = spawnSync(file, args, options)
  if (status === 0) return stdout
  throw new Error(`${[file, ...args].join(' ')}: ${error?.message ?? `status ${status}`}\n${stdout}${stderr}`)
}

/** Makes a static program that does nothing. */
export function makeTrue(target: string): void {
  const source = `${target}.c`
  writeFileSync(source, 'int main(void) { return 0; }\n')
  compile(source, target)
  call('rm', [source])
}

/** With the path of the program: the driver looks for none. */
function absolute([program, ...args]: readonly string[]): string[] {
  return [program!.includes('/') ? program! : call('which', [program!]).trim(), ...args]
}

/** Runs command lines by turns, with the native driver (driver.c). */
export class Timer {
  readonly #driver: string

  constructor(directory: string) {
    this.#driver = path.join(directory, 'driver')
    compile(fileURLToPath(new URL('driver.c', import.meta.url)), this.#driver)
  }

  /**
   * @param commands each split at spaces; `{}` in one is a name that is never used twice
   * @returns the runs of each command, which must all succeed
   */
  run(rounds: number, restMs: number, commands: readonly string[]): Run[][] {
    const once = commands.map((command, index) => {
      return [`rest\t${restMs}`, ['time', index, '-', ...absolute(command.split(' '))].join('\t')].join('\n')
    })
    const input = `${Array.from({ length: rounds }, () => once.join('\n')).join('\n')}\n`
    const { status, stdout, stderr } = spawnSync(this.#driver, { input, encoding: 'utf8', maxBuffer: 1 << 28 })
    if (status !== 0) throw new Error(`driver: ${stderr}`)
    const runs = commands.map((): Run[] => [])
    for (const line of stdout.trim().split('\n')) {
      const [, tag, nanoseconds, kib] = line.split(' ').map(Number) as [number, number, number, number]
      runs[tag]!.push({ milliseconds: nanoseconds / 1e6, memory: kib / 1024 })
    }
    return runs
  }
}

/** What many runs come to. */
export interface Summary {
  readonly rounds: number
  /** Milliseconds. */
  readonly median: number
  readonly low: number
  readonly high: number
  /** The most, in MB. */
  readonly memory: number
}

/** Medians, and the spread from the tenth to the ninetieth percent. */
export function summary(runs: readonly Run[]): Summary {
  const times = runs.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b)
  const at = (part: number) => times[Math.round((times.length - 1) * part)]!
  const memory = Math.max(...runs.map((run) => run.memory))
  return { rounds: runs.length, median: at(0.5), low: at(0.1), high: at(0.9), memory }
}

/** A table in Markdown; the first column is on the left. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

/** Puts a text between the two marks `<!-- NAME -->` and `<!-- end of NAME -->` of a page. */
export function intoPage(file: string, name: string, text: string): void {
  const page = readFileSync(file, 'utf8')
  const [start, end] = [`<!-- ${name} -->\n`, `<!-- end of ${name} -->`]
  const [from, to] = [page.indexOf(start), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${file} has no marks "${name}"`)
  writeFileSync(file, `${page.slice(0, from + start.length)}\n${text}\n\n${page.slice(to)}`)
}
