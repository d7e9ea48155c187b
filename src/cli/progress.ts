/** Progress of `unpack` on a terminal: a bar for the whole and one for each layer. Elsewhere nothing is shown. */
import type { Host } from '../host/host.ts'
import type { UnpackProgress } from '../runtime/unpacking.ts'
import { sizeText } from './size.ts'

const standardError = 2
const barWidth = 24
/** Milliseconds between two pictures. */
const pause = 100

export interface ProgressBars {
  report: (progress: UnpackProgress) => Promise<void>
  /** Leaves the last picture as it is. */
  end: () => Promise<void>
}

/** The lines of one picture. @param rows how many there may be */
export function progressLines(parts: ReadonlyMap<string, UnpackProgress>, rows: number, columns: number): string[] {
  const list = [...parts.values()]
  const layers = list.filter(({ part }) => part !== 'archive')
  const count = layers[0]?.layers ?? 0
  const whole =
    count === 0
      ? []
      : [
          line(
            'image',
            layers.reduce((sum, each) => sum + shareOf(each), 0) / count,
            `${layers.filter(({ state }) => state !== 'working').length} of ${count} layers`,
          ),
        ]
  const each = list.map((progress) => {
    const { part, read, size, state } = progress
    const amount = size === undefined ? sizeText(read) : `${sizeText(read)} of ${sizeText(size)}`
    return line(
      part === 'archive' ? 'archive' : `layer ${part + 1}`,
      size === undefined ? undefined : shareOf(progress),
      state === 'stored' ? 'in the store' : amount,
    )
  })
  // The newest matter most.
  return [...whole, ...each.slice(-Math.max(1, rows - whole.length - 1))].map((text) =>
    text.slice(0, Math.max(1, columns - 1)),
  )
}

function shareOf({ read, size, state }: UnpackProgress): number {
  if (state !== 'working') return 1
  return size === undefined || size === 0 ? 0 : Math.min(1, read / size)
}

function line(name: string, share: number | undefined, text: string): string {
  const full = share === undefined ? 0 : Math.round(share * barWidth)
  const percent = share === undefined ? '    ' : `${String(Math.floor(share * 100)).padStart(3)}%`
  return `${name.padEnd(10)} [${'#'.repeat(full)}${'.'.repeat(barWidth - full)}] ${percent}  ${text}`
}

export async function progressBars(host: Host): Promise<ProgressBars> {
  const window = await host.processes.windowSize(standardError)
  if (window === undefined) return { report: () => Promise.resolve(), end: () => Promise.resolve() }
  const rows = window.rows > 0 ? window.rows : 24
  const columns = window.columns > 0 ? window.columns : 80
  const parts = new Map<string, UnpackProgress>()
  let drawn = 0
  let last = -Infinity
  const draw = async () => {
    const lines = progressLines(parts, rows, columns)
    const up = drawn === 0 ? '' : `\u001b[${drawn}A`
    await host.output.stderr(`${up}${lines.map((text) => `${text}\u001b[K\n`).join('')}`)
    drawn = Math.max(drawn, lines.length)
  }
  return {
    report: async (progress) => {
      const known = parts.get(String(progress.part))
      parts.set(String(progress.part), progress)
      const now = await host.system.monotonic()
      if (known?.state === progress.state && now - last < pause) return
      last = now
      await draw()
    },
    end: async () => {
      if (parts.size > 0) await draw()
    },
  }
}
