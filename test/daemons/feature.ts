/** What the daemons' lists of features are made of, and the commands that they run. */
import { strict as assert } from 'node:assert'
import { spawn, type ChildProcess } from 'node:child_process'

/** One row of docs/compatibility.md. */
export interface Feature<Engine> {
  /** What a user of the daemon would call it. */
  readonly feature: string
  /** vm: needs cgroup controllers or LSMs, and runs in the virtual machine. systemd: in one that has booted it. */
  readonly where?: 'vm' | 'systemd'
  /** Restarts daemons or looks at the whole machine: no other feature runs meanwhile. */
  readonly alone?: boolean
  /** One of the few that show in under a minute that the daemon works. */
  readonly smoke?: boolean
  /** Throws where the daemon does something else than its documentation says. */
  readonly run: (engine: Engine) => Promise<void>
}

/** A daemon, or a program that takes the place of one. */
export interface Daemon<Engine> {
  readonly name: string
  /** Its version, for the table. */
  readonly version: () => Promise<string>
  /** Starts it with the runtime, and makes the image that the features use. */
  readonly start: (setting: Setting) => Promise<Engine>
  /** Ends it; the machine's end would. */
  readonly stop: (engine: Engine) => Promise<void>
  readonly features: readonly Feature<Engine>[]
}

/** In what the daemon is started. */
export interface Setting {
  readonly runtime: 'runt' | 'runc'
  /** The executable of that runtime. */
  readonly executable: string
  readonly where: 'host' | 'vm' | 'systemd'
  /** Only the features that show that it works at all: without networks, which not every kernel has. */
  readonly smoke: boolean
  /** A folder on a tmpfs with shared propagation. */
  readonly work: string
}

export interface Result {
  /** 128 + n where a signal ended it. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
  /** The command line and both streams, for failures. */
  readonly told: string
}

export interface RunOptions {
  readonly input?: string | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Seconds until it is killed. */
  readonly timeout?: number | undefined
}

/** The emulated machine is some twenty times slower. */
export const slow = process.env.RUNT_TEST_ENV === 'vm'
const patience = slow ? 300 : 60

/** Runs a program to its end. */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    timeout: (options.timeout ?? patience) * 1000,
    killSignal: 'SIGKILL',
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  const status = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      resolve(code ?? (signal === 'SIGKILL' ? 137 : 143))
    })
  })
  const told = `${file} ${args.join(' ')}: status ${status}\n${stdout}${stderr}`
  return { status, stdout, stderr, told }
}

/** A command line as a template: words at its spaces, each `${value}` one word or part of one, a list its words. */
export type Words = (strings: TemplateStringsArray, ...values: (string | number | readonly string[])[]) => string[]

export const words: Words = (strings, ...values) => {
  const result: string[] = []
  let open = false
  const add = (text: string) => {
    if (open) result.push(`${result.pop()!}${text}`)
    else result.push(text)
    open = true
  }
  strings.forEach((text, index) => {
    const parts = text.split(/\s+/)
    parts.forEach((part, at) => {
      if (at > 0) open = false
      if (part !== '') add(part)
    })
    const value = values[index]
    if (value === undefined) return
    if (typeof value === 'object') {
      result.push(...value)
      open = false
    } else add(String(value))
  })
  return result
}

/** A client of a daemon, as a family of templates. */
export class Client {
  readonly #file: string
  readonly #before: readonly string[]
  readonly #env: Readonly<Record<string, string>>

  constructor(file: string, before: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    this.#file = file
    this.#before = before
    this.#env = env
  }

  exec(args: readonly string[], options: RunOptions = {}): Promise<Result> {
    return run(this.#file, [...this.#before, ...args], { ...options, env: { ...this.#env, ...options.env } })
  }

  /** What it adds to the environment. */
  get environment(): Readonly<Record<string, string>> {
    return this.#env
  }

  /** Starts it and leaves it running. */
  start(...template: Parameters<Words>): ChildProcess {
    const args = [...this.#before, ...words(...template)]
    return spawn(this.#file, args, { stdio: 'ignore', env: { ...process.env, ...this.#env } })
  }

  /** The same with other variables of the environment, as another user or through another program: `before` stands first. */
  as(before: readonly string[], env: Readonly<Record<string, string>> = {}): Client {
    const [file, ...args] = [...before, this.#file, ...this.#before]
    return new Client(file!, args, { ...this.#env, ...env })
  }

  /** Its result, whatever it is. */
  readonly result = (...template: Parameters<Words>): Promise<Result> => this.exec(words(...template))

  /** Must succeed. @returns standard output without white space around it */
  readonly ok = async (...template: Parameters<Words>): Promise<string> => succeeded(await this.result(...template))

  /** The same with standard input. */
  readonly fed =
    (input: string) =>
    async (...template: Parameters<Words>): Promise<string> =>
      succeeded(await this.exec(words(...template), { input }))

  /** The same on a terminal, which types the text. @returns the result, stdout being all that the terminal showed */
  readonly typed =
    (input: string) =>
    (...template: Parameters<Words>): Promise<Result> => {
      const line = [this.#file, ...this.#before, ...words(...template)].map(quoted).join(' ')
      return run('script', ['-qec', line, '/dev/null'], { input, env: this.#env })
    }
}

function succeeded(result: Result): string {
  assert.equal(result.status, 0, result.told)
  return result.stdout.trim()
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** The command must have ended with the status, and its words must match. */
export function ended(result: Result, status: number | readonly number[], ...patterns: readonly RegExp[]): void {
  assert.ok([status].flat().includes(result.status), `expected the status ${String(status)}\n${result.told}`)
  for (const pattern of patterns) assert.match(result.stdout + result.stderr, pattern)
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(() => {
      resolve()
    }, milliseconds)
  })
}

/** Waits until the probe holds; a probe that throws does not hold. */
export async function until(what: string, probe: () => Promise<boolean>): Promise<void> {
  let last = ''
  const end = Date.now() + patience * 1000
  while (Date.now() < end) {
    try {
      if (await probe()) return
    } catch (error) {
      last = `: ${String(error)}`
    }
    await sleep(100)
  }
  throw new Error(`waited ${patience} s in vain: ${what}${last}`)
}

let counter = 0
/** A name that nothing else here has. */
export function unique(prefix = 'c'): string {
  return `${prefix}${process.pid}x${++counter}`
}

/** A shell's command line in a container. */
export const sh = (script: string): string[] => ['sh', '-c', script]

/** A daemon with Docker's commands. */
export interface Engine {
  readonly client: Client
  /** The name of the image that the features run. */
  readonly image: string
  /** Waits until the container's log has the text. */
  readonly logged: (container: string, text: string) => Promise<void>
  /** Removes the container, in whatever state; where there is none, nothing. */
  readonly remove: (container: string) => Promise<void>
}

/** A feature of a container that runs, and has logged "up"; it is removed afterwards. */
export function ofRunning<E extends Engine>(
  feature: string,
  test: (engine: E, name: string) => Promise<void>,
  flags: readonly string[] = [],
  command: readonly string[] = sh('echo up; exec sleep 1000'),
): Feature<E> {
  return {
    feature,
    run: async (engine) => {
      const name = unique()
      await engine.client.ok`run -d --name ${name} ${flags} ${engine.image} ${command}`
      try {
        await engine.logged(name, 'up')
        await test(engine, name)
      } finally {
        await engine.remove(name)
      }
    },
  }
}

/** A `run` with these arguments must fail with the status, and its words must match. */
export function refuses<E extends Engine>(
  feature: string,
  args: readonly string[],
  status: number,
  ...patterns: readonly RegExp[]
): Feature<E> {
  return {
    feature,
    run: async (engine) => {
      const name = unique()
      const result = await engine.client.result`run --name ${name} ${args}`
      await engine.remove(name)
      ended(result, status, ...patterns)
    },
  }
}
