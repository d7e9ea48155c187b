/** Notes what a command does and when: times are milliseconds of CLOCK_MONOTONIC, in runt as in init. */
import { viewOf } from '../bytes.ts'
import { SystemError } from '../errors.ts'
import { openFlags, type Fd, type Host, type TimedSteps, type TimesFile, type Trace } from '../host/host.ts'
import type { Span } from './span.ts'
import { stepSpans, wordSize } from './steps.ts'

/** What init noted in a file. */
interface Taken extends TimedSteps {
  /** Between these init has taken all of its times. */
  after: number
  before: number
  /** Nanoseconds; 0: not noted. */
  times: readonly bigint[]
}

/** A command that goes on for days is traced at its beginning only. */
const maxSpans = 100_000

export class Tracer implements Trace {
  readonly pid: number
  /** Spans that are not there because there are too many. */
  dropped = 0
  /** Why the times of init are missing, if they are. */
  failure: SystemError | undefined
  private readonly host: Host
  private readonly noted: Span[] = []
  private readonly opened = new Map<string, { after: number; lasting: boolean }>()
  private readonly taken = new Map<string, Taken>()
  private readonly begun: number

  /** @param host one that answers at once, as that of the command does */
  constructor(host: Host, pid: number) {
    this.host = host
    this.pid = pid
    this.begun = this.now()
  }

  now(): number {
    return this.host.system.monotonic() as number
  }

  /** All that was noted, in the order in which it ended; then the steps of init. */
  spans(): Span[] {
    return [...this.noted, ...[...this.taken.values()].flatMap((taken) => stepSpans(taken))]
  }

  note(span: Omit<Span, 'pid'>): void {
    if (this.noted.length >= maxSpans) this.dropped++
    else this.noted.push({ ...span, pid: this.pid })
  }

  phase<T>(name: string, action: () => T): T {
    return this.timed({ name, category: 'phase' }, action)
  }

  /** Runs an action and notes how long it takes, to the end of its promise if it returns one. */
  timed<T>(what: Pick<Span, 'name' | 'category' | 'args'>, action: () => T): T {
    const begin = this.now()
    const end = () => this.note({ ...what, begin, end: this.now() })
    let result: T
    try {
      result = action()
    } catch (error) {
      end()
      throw error
    }
    if (result instanceof Promise) return result.finally(end) as T
    end()
    return result
  }

  async openTimes({ path, lasting }: TimesFile, steps: number): Promise<Fd | undefined> {
    const { files } = this.host
    return this.unlessItFails(async () => {
      const fd = await files.open(path, openFlags.create | openFlags.readWrite | openFlags.noFollow)
      try {
        // Written, not only made as long: no page of it can be missing when init writes to it.
        await files.write(fd, new Uint8Array((steps + 1) * wordSize))
      } catch (error) {
        await files.close(fd)
        throw error
      }
      this.opened.set(path, { after: this.now(), lasting })
      return fd
    })
  }

  async takeTimes(path: string, steps: TimedSteps): Promise<void> {
    await this.unlessItFails(async () => {
      const opened = this.opened.get(path)
      const known = this.taken.get(path)
      const times = await this.read(path)
      const after = opened?.after ?? this.begun
      if (times !== undefined) this.taken.set(path, { ...(known ?? steps), times, after, before: this.now() })
      if (opened?.lasting === false) await this.remove(path)
    })
  }

  /** Removes the files that no later command reads, after a failure too. */
  async close(): Promise<void> {
    for (const [path, { lasting }] of this.opened) if (!lasting) await this.unlessItFails(() => this.remove(path))
  }

  private async remove(path: string): Promise<void> {
    this.opened.delete(path)
    await this.host.files.unlink(path)
  }

  /** undefined where there is no such file: the container was not created by a command that was traced. */
  private async read(path: string): Promise<bigint[] | undefined> {
    const { files } = this.host
    if ((await files.status(path, { follow: false }))?.type !== 'file') return undefined
    const fd = await files.open(path, openFlags.readOnly | openFlags.noFollow)
    try {
      const times: bigint[] = []
      for (;;) {
        const bytes = await files.read(fd, 1024 * wordSize)
        if (bytes.length < wordSize) return times
        const words = viewOf(bytes)
        for (let at = 0; at + wordSize <= bytes.length; at += wordSize) times.push(words.getBigUint64(at, true))
      }
    } finally {
      await files.close(fd)
    }
  }

  private async unlessItFails<T>(action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action()
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      this.failure ??= error
      return undefined
    }
  }
}
