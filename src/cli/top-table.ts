/**
 * The table of `top`, from what the containers use: which columns a width has room for, and their colours. Pure: knows no terminal.
 */
import type { Usage } from '../runtime/top.ts'

export type SortKey = 'cpu' | 'memory' | 'pids' | 'io' | 'name'

export const sortKeys: readonly SortKey[] = ['cpu', 'memory', 'pids', 'io', 'name']

/** How a table is written. */
export interface Style {
  /** Characters of a line; undefined: as many as it takes, with every column. */
  width?: number | undefined
  colour: boolean
  /** Other characters than those of ASCII. */
  unicode: boolean
}

/** What the table shows beside the containers. */
export interface View {
  sort: SortKey
  /** Of this machine, for the bar of a container's share of them. */
  processors: number
}

type Paint = 'plain' | 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan'

/** SGR parameters (ECMA-48). */
const codes: Readonly<Record<Paint, string>> = {
  plain: '',
  bold: '1',
  dim: '2',
  green: '32',
  yellow: '33',
  red: '31',
  cyan: '36',
}

/** Text of one paint. */
type Cell = readonly [text: string, paint: Paint]

interface Column {
  title: string
  /** Those of the same group stand under one heading, and closer together. */
  group: string
  width: number
  left?: boolean
  /** What goes first where there is no room; undefined: it stays. */
  rank?: number
  sort?: SortKey
  cells: (usage: Usage, view: View, style: Style) => readonly Cell[]
}

// ——— cells ———

const unknown: Cell = ['-', 'dim']

/** `9.9M`, `123K`: four characters at most, in units of 1024. */
export function bytes(value: number): string {
  let unit = 0
  // 999.5 would be rounded to a fourth digit.
  while (value >= (unit === 0 ? 1000 : 999.5) && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0
  return `${value.toFixed(digits)}${units[unit]!}`
}

const units = ['B', 'K', 'M', 'G', 'T', 'P', 'E']

/** As many digits as four characters have room for. */
function percent(value: number): string {
  return value.toFixed(value < 99.95 ? 1 : 0)
}

function amount(value: number | undefined): Cell {
  if (value === undefined) return unknown
  return value < 1 ? ['0', 'dim'] : [bytes(value), 'plain']
}

function share(usage: Usage): number | undefined {
  const { memory } = usage
  return memory?.limit === undefined ? undefined : (100 * memory.used) / Math.max(1, memory.limit)
}

/** The colour of a share of something that runs out. */
function level(value: number, high: number, highest: number): Paint {
  return value >= highest ? 'red' : value >= high ? 'yellow' : 'green'
}

function pressure(value: number | undefined): Cell {
  if (value === undefined) return unknown
  if (value < 0.05) return ['0', 'dim']
  return [percent(value), value >= 40 ? 'red' : value >= 10 ? 'yellow' : 'plain']
}

const barWidth = 10

function bar(value: number | undefined, paint: Paint, { unicode }: Style): readonly Cell[] {
  if (value === undefined) return [[' '.repeat(barWidth), 'plain']]
  const full = Math.min(barWidth, Math.max(0, Math.round((value / 100) * barWidth)))
  return [
    [(unicode ? '━' : '|').repeat(full), paint],
    [(unicode ? '─' : '.').repeat(barWidth - full), 'dim'],
  ]
}

const statePaint: Readonly<Record<Usage['status'], Paint>> = {
  creating: 'dim',
  created: 'dim',
  running: 'bold',
  paused: 'cyan',
  stopped: 'dim',
}

const columns: readonly Column[] = [
  {
    title: 'CONTAINER',
    group: '',
    width: 9,
    left: true,
    sort: 'name',
    cells: ({ id, status }) => [[id, statePaint[status]]],
  },
  {
    title: '%',
    group: 'CPU',
    width: 7,
    sort: 'cpu',
    rank: 11,
    cells: ({ cpu, status }) => {
      if (status !== 'running') return [[status, statePaint[status]]]
      return [cpu === undefined ? unknown : [cpu.toFixed(1), cpu < 0.05 ? 'dim' : 'plain']]
    },
  },
  {
    title: '',
    group: 'CPU',
    width: barWidth,
    left: true,
    rank: 1,
    cells: ({ cpu, status }, { processors }, style) => {
      const value = cpu === undefined || status !== 'running' ? undefined : cpu / processors
      return bar(value, level(value ?? 0, 70, 90), style)
    },
  },
  {
    title: 'USED',
    group: 'MEMORY',
    width: 6,
    sort: 'memory',
    rank: 10,
    cells: ({ memory }) => [amount(memory?.used)],
  },
  {
    title: 'LIMIT',
    group: 'MEMORY',
    width: 5,
    rank: 6,
    cells: ({ memory }, _, { unicode }) => [
      memory === undefined
        ? unknown
        : memory.limit === undefined
          ? [unicode ? '∞' : 'none', 'dim']
          : amount(memory.limit),
    ],
  },
  {
    title: '%',
    group: 'MEMORY',
    width: 4,
    rank: 5,
    cells: (usage) => {
      const value = share(usage)
      return [value === undefined ? unknown : [value.toFixed(0), level(value, 75, 90)]]
    },
  },
  {
    title: '',
    group: 'MEMORY',
    width: barWidth,
    left: true,
    rank: 2,
    cells: (usage, _, style) => {
      const value = share(usage)
      return bar(value, level(value ?? 0, 75, 90), style)
    },
  },
  {
    title: 'NOW',
    group: 'TASKS',
    width: 5,
    sort: 'pids',
    rank: 9,
    cells: ({ pids }) => [pids === undefined ? unknown : [String(pids.current), 'plain']],
  },
  {
    title: 'LIMIT',
    group: 'TASKS',
    width: 6,
    rank: 3,
    cells: ({ pids }, _, { unicode }) => [
      pids === undefined ? unknown : [String(pids.limit ?? (unicode ? '∞' : 'none')), 'dim'],
    ],
  },
  {
    title: 'READ',
    group: 'IO/s',
    width: 5,
    rank: 8,
    sort: 'io',
    cells: ({ io }) => [amount(io?.read)],
  },
  {
    title: 'WRITE',
    group: 'IO/s',
    width: 5,
    rank: 8,
    sort: 'io',
    cells: ({ io }) => [amount(io?.write)],
  },
  ...(['cpu', 'memory', 'io'] as const).map((resource): Column => ({
    title: resource === 'memory' ? 'MEM' : resource.toUpperCase(),
    group: 'PRESSURE',
    width: 4,
    rank: 7,
    cells: (usage) => [pressure(usage.pressure[resource])],
  })),
]

// ——— layout ———

/** Between columns of one group, and between groups. */
const gaps = { inner: 1, outer: 2 }

/** Ranks of columns that only say again what others say, or what does not change. */
const decoration = 3

/** How much of an id is worth more than decoration, and how much more than any other column. */
const wishedId = 20
const shortestId = 12

function widthOf(list: readonly Column[]): number {
  return list.reduce((sum, column, index) => sum + column.width + gapBefore(list, index), 0)
}

function gapBefore(list: readonly Column[], index: number): number {
  if (index === 0) return 0
  return list[index]!.group === list[index - 1]!.group ? gaps.inner : gaps.outer
}

/** The columns that a width has room for; the ids get what is left. */
function fit(usages: readonly Usage[], { width }: Style): Column[] {
  const longest = Math.max(columns[0]!.width, ...usages.map(({ id }) => id.length))
  let list = columns.map((column, index) => (index === 0 ? { ...column, width: longest } : column))
  if (width === undefined) return list
  const withId = (id: number): Column[] =>
    list.map((column, index) => (index === 0 ? { ...column, width: id } : column))
  for (;;) {
    const ranks = list.flatMap(({ rank }) => rank ?? [])
    const [next] = ranks.sort((a, b) => a - b)
    // What only decorates gives way to a longer id.
    const least = Math.min(longest, next !== undefined && next <= decoration ? wishedId : shortestId)
    if (next === undefined || widthOf(withId(least)) <= width) break
    list = list.filter(({ rank }) => rank !== next)
  }
  const rest = width - widthOf(withId(0))
  return withId(Math.max(1, Math.min(longest, rest)))
}

function paint(text: string, how: Paint | '4' | '1;4', { colour }: Style): string {
  const code = how in codes ? codes[how as Paint] : how
  return colour && code !== '' && text !== '' ? `\u001B[${code}m${text}\u001B[0m` : text
}

/** The text of cells in a column, cut or filled to its width. */
function fill(cells: readonly Cell[], { width, left }: Column, style: Style): string {
  let room = width
  let text = ''
  for (const [word, how] of cells) {
    const cut = word.length <= room ? word : `${word.slice(0, Math.max(0, room - 1))}${style.unicode ? '…' : '~'}`
    text += paint(cut.slice(0, room), how, style)
    room -= Math.min(room, cut.length)
  }
  return left === true ? text + ' '.repeat(room) : ' '.repeat(room) + text
}

function headings(list: readonly Column[], view: View, style: Style): string[] {
  let groups = ''
  let titles = ''
  for (let index = 0; index < list.length; index++) {
    const column = list[index]!
    const gap = ' '.repeat(gapBefore(list, index))
    if (column.group !== list[index - 1]?.group) {
      const members = list.filter(({ group }) => group === column.group)
      const wide = widthOf(members)
      const name = column.group.trim().slice(0, wide)
      // Over numbers, to the right.
      const only = members.length === 1
      groups += gap + (only ? name.padStart(wide) : center(name, wide, style))
    }
    const name = column.title.slice(0, column.width)
    const title = column.left === true ? name.padEnd(column.width) : name.padStart(column.width)
    titles += paint(gap, '4', style) + paint(title, column.sort === view.sort ? '1;4' : '4', style)
  }
  return [paint(groups.trimEnd(), 'dim', style), style.colour ? titles : titles.trimEnd()]
}

/** `── CPU ──` where there is room for lines. */
function center(name: string, width: number, { unicode }: Style): string {
  const room = width - name.length
  if (room < 4) return name.padStart(Math.ceil((width + name.length) / 2)).padEnd(width)
  const line = unicode ? '─' : '-'
  const before = Math.floor((room - 2) / 2)
  return `${line.repeat(before)} ${name} ${line.repeat(room - 2 - before)}`
}

/**
 * The table: two lines of headings, then one for each container.
 * @param usages in the order in which they are shown
 */
export function table(usages: readonly Usage[], view: View, style: Style): string[] {
  const list = fit(usages, style)
  const rows = usages.map((usage) => {
    const cells = list.map((column, index) => {
      return ' '.repeat(gapBefore(list, index)) + fill(column.cells(usage, view, style), column, style)
    })
    return cells.join('').trimEnd()
  })
  return [...headings(list, view, style), ...rows]
}

/** Above the table: how many containers there are, and what they use together. */
export function summary(usages: readonly Usage[], time: string, style: Style): string {
  const counts = new Map<string, number>()
  for (const { status } of usages) counts.set(status, (counts.get(status) ?? 0) + 1)
  const states = [...counts].map(([status, count]) => `${count} ${status}`)
  const sum = (of: (usage: Usage) => number | undefined): number | undefined => {
    const known = usages.flatMap((usage) => of(usage) ?? [])
    return known.length === 0 ? undefined : known.reduce((total, value) => total + value, 0)
  }
  const dot = style.unicode ? ' · ' : ', '
  const left = ['runt top', states.length === 0 ? 'no containers' : states.join(dot)]
  const [cpu, memory, tasks] = [
    sum(({ cpu }) => cpu),
    sum(({ memory }) => memory?.used),
    sum(({ pids }) => pids?.current),
  ]
  const totals = [
    cpu === undefined ? [] : `cpu ${cpu.toFixed(1)}%`,
    memory === undefined ? [] : `memory ${bytes(memory)}`,
    tasks === undefined ? [] : `tasks ${tasks}`,
    time,
  ].flat()
  const width = style.width ?? 0
  // As many as there is room for.
  for (;;) {
    const right = totals.join('   ')
    const room = width - left.join('  ').length - right.length
    if (room >= 2 || totals.length === 0) {
      const [name, text] = left
      const start =
        paint(name!.slice(0, width), 'bold', style) + `  ${text!}`.slice(0, Math.max(0, width - name!.length))
      return totals.length === 0 ? start : start + ' '.repeat(room) + paint(right, 'dim', style)
    }
    totals.pop()
  }
}

/** Puts containers into order: what uses most first, equals by name. */
export function sorted(usages: readonly Usage[], key: SortKey): Usage[] {
  const value = (usage: Usage): number => {
    switch (key) {
      case 'cpu':
        return usage.cpu ?? -1
      case 'memory':
        return usage.memory?.used ?? -1
      case 'pids':
        return usage.pids?.current ?? -1
      case 'io':
        return usage.io === undefined ? -1 : usage.io.read + usage.io.write
      case 'name':
        return 0
    }
  }
  return [...usages].sort((a, b) => value(b) - value(a) || (a.id < b.id ? -1 : 1))
}
