/** Figures as tables of Markdown, for the terminal and for docs/performance.md. */
import { readFileSync, writeFileSync } from 'node:fs'
import { findRow, type Results, type Row } from './results.ts'
import { judge, type Verdict } from './targets.ts'

const dash = '–'
const begin = '<!-- figures: written by npm run bench -- --write -->'
const end = '<!-- end of figures -->'

/** The lines of a table; the first column is text, the others are numbers. */
function table(head: readonly string[], body: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...body.map(line)]
}

/** A number with as many decimals as tell anything. */
const short = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)

/** A median and its quartiles. */
const spread = (row: Row | undefined): string =>
  row === undefined ? dash : `**${short(row.median)}** (${short(row.q1)}–${short(row.q3)})`

const quotient = (own: number | undefined, other: number | undefined): string =>
  own === undefined || other === undefined ? dash : (own / other).toFixed(2)

/** Those whose figures stand side by side. */
const columns = (results: Results): string[] => results.peers.filter(({ extra }) => !extra).map(({ name }) => name)

/** The newest of a family, with which ratios are. */
const newest = (results: Results, family: string): string | undefined =>
  results.peers.findLast((peer) => peer.family === family)?.name

interface Line {
  name: string
  what: string
  config?: string
  at?: number
}

/** One line for each kind of figure, one column for each peer, and ratios; lines that nobody has are left out. */
function compare(results: Results, head: string, lines: readonly Line[]): string[] {
  const names = columns(results)
  const others = ['runc', 'crun'].flatMap((family) => newest(results, family) ?? [])
  const body = lines.flatMap((line) => {
    const rows = names.map((name) => findRow(results, name, line.what, line))
    if (rows.every((row) => row === undefined)) return []
    const ratios = others.map((name) => quotient(rows[0]?.median, rows[names.indexOf(name)]?.median))
    return [[line.name, ...rows.map(spread), ...ratios]]
  })
  return body.length === 0 ? [] : table([head, ...names, ...others.map((name) => `runt ÷ ${name}`)], body)
}

/** Sizes at which something was measured, of anybody. */
const sizes = (results: Results, what: string): number[] =>
  [...new Set(results.rows.flatMap((row) => (row.what === what ? [row.at!] : [])))].sort((a, b) => a - b)

const growth = (results: Results, what: string, text: (at: number) => string): Line[] =>
  sizes(results, what).map((at) => ({ name: text(at), what, at }))

function verdicts(list: readonly Verdict[]): string[] {
  const value = ({ value: ratio, peer }: Verdict['measured'][number]): string =>
    `${ratio.toFixed(2)}${peer === undefined ? '' : ` × ${peer}`}`
  const body = list.map(({ target, measured, met }) => [
    target.text,
    target.against === undefined ? `≤ ${target.limit}` : `≤ ${target.limit} × ${target.against}`,
    measured.map(value).join(', '),
    met ? 'met' : '**missed**',
  ])
  return table(['target', 'limit', 'measured', 'result'], body)
}

/** Processor time of the timed commands: what it costs to run many of them, and what a busy machine changes least. */
function processor(results: Results): string[] {
  const names = columns(results)
  const body = ['run', 'create', 'start', 'kill', 'delete', 'exec', 'state'].flatMap((what) => {
    const times = names.map((name) => findRow(results, name, what, { config: 'default' })?.cpuMs)
    if (times.every((time) => time === undefined)) return []
    return [[`\`${what}\``, ...times.map((time) => (time === undefined ? dash : short(time)))]]
  })
  return table(['processor time, ms', ...names], body)
}

function memory(results: Results): string[] {
  const names = columns(results)
  const mib = (kib: number | undefined): string => (kib === undefined ? dash : (kib / 1024).toFixed(1))
  const line = (name: string, kib: (number | undefined)[]): string[][] =>
    kib.every((value) => value === undefined)
      ? []
      : [[name, ...kib.map(mib), quotient(kib[0], kib[names.indexOf(newest(results, 'crun') ?? '')])]]
  const commands = ['run', 'create', 'start', 'kill', 'delete', 'exec', 'state'].flatMap((what) =>
    line(
      `\`${what}\``,
      names.map((name) => findRow(results, name, what, { config: 'default' })?.peakKib),
    ),
  )
  const inits = ['minimal', 'default', 'Docker'].flatMap((config) =>
    line(
      `init before \`start\`, ${config}`,
      names.map((name) => findRow(results, name, 'init', { config })?.median),
    ),
  )
  if (commands.length + inits.length === 0) return []
  return table(['peak memory, MiB', ...names, `runt ÷ ${newest(results, 'crun') ?? 'crun'}`], [...commands, ...inits])
}

const named: readonly [what: string, name: string][] = [
  ['run', '`run`'],
  ['lifecycle', 'life cycle'],
  ['exec', '`exec`'],
  ['state', '`state`'],
]
const latency: Line[] = named.flatMap(([what, name]) =>
  ['minimal', 'default', 'Docker'].map((config) => ({ name: `${name}, ${config}`, what, config })),
)
const steps: Line[] = ['create', 'start', 'kill', 'delete'].map((what) => ({
  name: `\`${what}\``,
  what,
  config: 'default',
}))

/** All tables, with what has to be known to read them. */
export function report(results: Results): string {
  const { machine, peers } = results
  const notes = peers.flatMap(({ name, note }) => (note === undefined ? [] : [`${name} ran ${note}`]))
  const onNode = findRow(results, 'runt on Node', 'run', { config: 'default' })
  const parts: [heading: string, lines: string[]][] = [
    ['Targets', verdicts(judge(results))],
    ['Latency', compare(results, 'ms', latency)],
    ['The steps of a life cycle, default configuration', compare(results, 'ms', steps)],
    [
      'Throughput',
      compare(
        results,
        '`run` per second',
        growth(results, 'throughput', (at) => `${at} at once`),
      ),
    ],
    [
      'Mounts',
      compare(
        results,
        '`run`, ms',
        growth(results, 'mounts', (at) => `${at} more mounts`),
      ),
    ],
    [
      'Containers',
      compare(results, 'ms', [
        ...growth(results, 'containers', (at) => `\`run\` beside ${at}`),
        ...growth(results, 'containers-state', (at) => `\`state\` beside ${at}`),
      ]),
    ],
    [
      'Layers',
      compare(results, '`run`, ms', [
        ...growth(results, 'layers', (at) => `${at} mounted by runt itself`),
        ...growth(results, 'overlay', (at) => `overlay of ${at} mounted beforehand`),
      ]),
    ],
    ['Processor time, default configuration', processor(results)],
    ['Memory', memory(results)],
  ]
  return [
    `Measured on ${machine.processors} processors (${machine.processor}), ${machine.memoryGib} GiB, Linux ${machine.kernel}.`,
    `Other programs and the kernel's own threads used ${(machine.others * 100).toFixed(0)} % of the processors meanwhile.`,
    ...(notes.length === 0 ? [] : [`${notes.join('; ')}.`]),
    // A table without lines has its head alone.
    ...parts.flatMap(([heading, lines]) => (lines.length <= 2 ? [] : ['', `### ${heading}`, '', ...lines])),
    ...(onNode === undefined ? [] : ['', `\`run\` with the sources on Node (\`dist/cli.js\`): ${spread(onNode)} ms.`]),
  ].join('\n')
}

/** A document with the tables between its two markers. */
export function withFigures(text: string, results: Results): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`no place for figures: '${begin}' … '${end}'`)
  return `${text.slice(0, from)}${begin}\n\n${report(results)}\n\n${text.slice(to)}`
}

/** Puts the tables into a document. */
export function fillDocument(file: string, results: Results): void {
  writeFileSync(file, withFigures(readFileSync(file, 'utf8'), results))
}
