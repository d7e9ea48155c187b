/** `top`: on a terminal a table that is drawn again at each interval, with keys; else tables one below the other, or JSON lines. */
import { textOf } from '../bytes.ts'
import type { Context } from '../runtime/context.ts'
import { processors, Sampler, type Usage } from '../runtime/top.ts'
import { parseInterval } from './duration.ts'
import type { Parsed } from './parse.ts'
import { sorted, summary, table, type SortKey, type Style, type View } from './top-table.ts'

const standardInput = 0
const standardOutput = 1

/** Milliseconds after which the first rates are there, whatever the interval. */
const firstInterval = 500

const maxWait = 0x7fffffff

export async function run(parsed: Parsed, context: Context): Promise<number> {
  const { host, globals } = context
  const interval = parseInterval('interval', parsed.text('interval') ?? '2s')
  const count = parsed.number('count')
  const json = parsed.text('format') === 'json'
  const sampler = new Sampler(context, parsed.args)
  await sampler.check()
  const sort = (parsed.text('sort') ?? 'cpu') as SortKey
  const view: View = { sort, processors: await processors(context) }
  const size = await host.processes.windowSize(standardOutput)
  const { TERM = 'dumb', NO_COLOR = '', LC_ALL = '', LC_CTYPE = '', LANG = '' } = globals.env
  const terminal = size !== undefined && TERM !== 'dumb' && TERM !== ''
  const style: Style = {
    colour: terminal && NO_COLOR === '',
    unicode: /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG),
    width: terminal ? known(size.columns, 80) : undefined,
  }
  if (terminal && count === undefined && !json) return new Screen(context, sampler, view, style, interval).run()
  return listing({ context, sampler, view, style, interval, count: count ?? 1, json })
}

/** A terminal that does not know its size says 0. */
function known(size: number | undefined, usual: number): number {
  return size === undefined || size === 0 ? usual : size
}

interface Listing {
  context: Context
  sampler: Sampler
  view: View
  style: Style
  interval: number
  /** 0: without end. */
  count: number
  json: boolean
}

/** Tables one below the other. */
async function listing({ context, sampler, view, style, interval, count, json }: Listing): Promise<number> {
  const { output, events } = context.host
  await sampler.look()
  let pause = Math.min(interval, firstInterval)
  for (let number = 1; ; number++) {
    if ((await events.waitFor([], Math.min(maxWait, Math.ceil(pause)))).unread) return 0
    pause = interval
    const usages = sorted(await sampler.look(), view.sort)
    const time = await context.host.system.now()
    const lines = json ? [jsonLine(usages, time)] : table(usages, view, style)
    await output.stdout(`${!json && number > 1 ? '\n' : ''}${lines.join('\n')}\n`)
    if (number === count) return 0
  }
}

/** Numbers in bytes, bytes a second and percent, to the thousandth; what cannot be told is left out. */
function jsonLine(usages: readonly Usage[], time: string): string {
  const containers = usages.map(({ id, status, pid, cpu, memory, pids, io, pressure }) => {
    return { id, status, pid, cpu, memory, pids, io, pressure }
  })
  return JSON.stringify({ time, containers }, (_, value: unknown) =>
    typeof value === 'number' ? Math.round(value * 1000) / 1000 : value,
  )
}

const signals = { hangUp: 1, interrupt: 2, quit: 3, terminate: 15, goOn: 18, stop: 20, resized: 28 } as const

/** The other screen of the terminal, without a cursor; and back. */
const enter = '\u001B[?1049h\u001B[?25l'
const leave = '\u001B[?25h\u001B[?1049l'

const sortOfKey: Readonly<Record<string, SortKey>> = { c: 'cpu', m: 'memory', p: 'pids', i: 'io', n: 'name' }

/** Lines of one table that are not containers: the summary, an empty one, the headings, an empty one, the keys. */
const frame = 6

class Screen {
  private readonly context: Context
  private readonly sampler: Sampler
  private readonly interval: number
  private view: View
  private style: Style
  private usages: readonly Usage[] = []
  /** How many containers are above the first one that is shown. */
  private offset = 0
  private rows = 24
  /** Whether standard input gives keys. */
  private keys = false

  constructor(context: Context, sampler: Sampler, view: View, style: Style, interval: number) {
    this.context = context
    this.sampler = sampler
    this.interval = interval
    this.view = view
    this.style = style
  }

  /** @returns the exit status */
  async run(): Promise<number> {
    // Before anything is drawn: an error is told on the screen that stays.
    this.usages = await this.sampler.look()
    try {
      await this.open()
      return await this.loop()
    } finally {
      await this.close()
    }
  }

  private async open(): Promise<void> {
    const { events, output } = this.context.host
    await events.catchSignals(Object.values(signals))
    this.keys = await events.typedKeys(true)
    await output.stdout(enter)
  }

  private async close(): Promise<void> {
    const { events, output } = this.context.host
    await output.stdout(leave)
    await events.typedKeys(false)
    await events.catchSignals([])
  }

  private async loop(): Promise<number> {
    const { events, files, system } = this.context.host
    let next = (await system.monotonic()) + Math.min(this.interval, firstInterval)
    for (;;) {
      await this.draw()
      const left = Math.max(0, Math.ceil(next - (await system.monotonic())))
      const { ready, signal, unread } = await events.waitFor(this.keys ? [standardInput] : [], Math.min(left, maxWait))
      if (unread) return 0
      if (ready[0] === true) {
        const typed = await files.read(standardInput, 256)
        // The terminal is gone.
        if (typed.length === 0) return 0
        if (this.press(textOf(typed))) return 0
      }
      const status = await this.answer(signal)
      if (status !== undefined) return status
      const now = await system.monotonic()
      if (now < next) continue
      this.usages = await this.sampler.look()
      next = Math.max(next + this.interval, now + Math.min(this.interval, firstInterval))
    }
  }

  /** @returns the exit status where the signal ends it */
  private async answer(signal: number): Promise<number | undefined> {
    switch (signal) {
      case 0:
      case signals.resized:
        return undefined
      case signals.interrupt:
        return 0
      case signals.goOn:
        await this.open()
        return undefined
      case signals.stop:
        await this.close()
        await this.stop()
        await this.open()
        return undefined
      default:
        return 128 + signal
    }
  }

  /** Stops as any other program does, now that the signal has its meaning back. */
  private async stop(): Promise<void> {
    const { files, processes } = this.context.host
    const self = await processes.pidfdOpen(Number(await files.readLink('/proc/self')))
    try {
      await processes.pidfdSignal(self, signals.stop)
    } finally {
      await files.close(self)
    }
  }

  /** @returns whether that was the end */
  private press(typed: string): boolean {
    const page = Math.max(1, this.rows - frame)
    const moves: Readonly<Record<string, number>> = {
      '\u001B[A': -1,
      '\u001B[B': 1,
      '\u001B[5~': -page,
      '\u001B[6~': page,
      '\u001B[H': -Infinity,
      '\u001B[F': Infinity,
      k: -1,
      j: 1,
    }
    // eslint-disable-next-line no-control-regex -- a key may be a sequence of characters
    for (const key of typed.match(/\u001B\[[0-9;]*[A-Za-z~]|./gsu) ?? []) {
      if (key === 'q' || key === 'Q') return true
      const sort = sortOfKey[key]
      if (sort !== undefined) this.view = { ...this.view, sort }
      this.offset = Math.max(0, this.offset + (moves[key] ?? 0))
    }
    return false
  }

  private async draw(): Promise<void> {
    const { output, processes, system } = this.context.host
    const size = await processes.windowSize(standardOutput)
    this.rows = known(size?.rows, 24)
    this.style = { ...this.style, width: known(size?.columns, 80) }
    const usages = sorted(this.usages, this.view.sort)
    const room = Math.max(1, this.rows - frame)
    this.offset = Math.min(this.offset, Math.max(0, usages.length - room))
    // The columns are those of all containers, so that they stay where they are when the list moves.
    const [groups = '', titles = '', ...rows] = table(usages, this.view, this.style)
    const shown = rows.slice(this.offset, this.offset + room)
    const time = (await system.now()).slice(11, 19)
    const lines = [summary(usages, `${time} UTC`, this.style), '', groups, titles, ...shown]
    while (lines.length < this.rows - 1) lines.push('')
    lines.length = Math.max(1, this.rows - 1)
    lines.push(this.footer(usages.length, room))
    // Every line is cleared before it is written: what is written last never flickers.
    await output.stdout(`\u001B[H${lines.map((line) => `\u001B[K${line}`).join('\r\n')}`)
  }

  private footer(count: number, room: number): string {
    const { colour, width = 80 } = this.style
    const end = Math.min(count, this.offset + room)
    const part = count > room ? `${this.offset + 1}-${end} of ${count}` : ''
    const text = 'q quit  sort by: c cpu, m memory, p tasks, i io, n name'
    const line = part === '' ? text : text.padEnd(Math.max(text.length + 2, width - part.length)) + part
    const cut = line.slice(0, width)
    return colour ? `\u001B[2m${cut}\u001B[0m` : cut
  }
}
