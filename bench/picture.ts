/** The figures as a picture: docs/performance.svg. Each panel is drawn by Observable Plot, into a document that no browser shows. */
import { createRequire } from 'node:module'
import * as Plot from '@observablehq/plot'
import type { Results, Row } from './results.ts'

/** What is used of a document. The package has types, but as a script's. */
interface Element {
  setAttribute(name: string, value: string): void
  appendChild(child: Element): void
  textContent: string
  readonly outerHTML: string
}
interface Document {
  createElementNS(namespace: string, name: string): Element
}
const domino = createRequire(import.meta.url)('@mixmark-io/domino') as { createDocument: () => Document }

const panelWidth = 400
const panelHeight = 270
const margin = 24
const head = 104
const svgNamespace = 'http://www.w3.org/2000/svg'
/** Of each family, the colours of its versions, the newest last. */
const colours = { runt: ['#e8590c'], runc: ['#a5c8ec', '#2b6cb0'], crun: ['#b7d7a8', '#3f8f46'] }

interface Panel {
  title: string
  unit: string
  draw: (rows: Row[], style: Style) => Plot.PlotOptions
  what: string[]
}

interface Style {
  names: string[]
  colour: Map<string, string>
}

/** Each shown peer and its colour. */
function styleOf({ peers }: Results): Style {
  const shown = peers.filter(({ extra }) => !extra)
  const colour = new Map(
    shown.map(({ name, family }) => {
      const versions = shown.filter((peer) => peer.family === family)
      const list = colours[family]
      return [
        name,
        list[Math.max(0, list.length - versions.length) + versions.findIndex((peer) => peer.name === name)]!,
      ]
    }),
  )
  return { names: shown.map(({ name }) => name), colour }
}

const label = (value: number): string => value.toFixed(value < 10 ? 1 : 0)

/** Medians as bars in groups, the quartiles as whiskers. */
function bars(group: (row: Row) => string, groups: string[], scale = 1): Panel['draw'] {
  return (rows, { names, colour }) => {
    const data = rows.map((row) => ({
      peer: row.peer,
      group: group(row),
      median: row.median / scale,
      q1: row.q1 / scale,
      q3: row.q3 / scale,
    }))
    const place = { fx: 'group', x: 'peer' } as const
    return {
      fx: { domain: groups, label: null, padding: 0.12 },
      x: { axis: null, domain: names, padding: 0.08 },
      y: { grid: true, label: null, ticks: 5, nice: true },
      marks: [
        Plot.barY(data, { ...place, y: 'median', fill: (row: { peer: string }) => colour.get(row.peer)! }),
        Plot.ruleX(data, { ...place, y1: 'q1', y2: 'q3', stroke: '#343a40', strokeWidth: 1.2 }),
        Plot.text(data, {
          ...place,
          y: 'q3',
          text: ({ median }: { median: number }) => label(median),
          dy: -7,
          fontSize: 9.5,
          fill: '#343a40',
        }),
        Plot.ruleY([0], { stroke: '#868e96' }),
      ],
    }
  }
}

/** Medians as lines, the quartiles as bands. `ordinal`: sizes have equal distances. */
function lines(text: string, ordinal = false): Panel['draw'] {
  return (rows, { colour }) => {
    const data = [...rows].sort((a, b) => a.at! - b.at!)
    const of = ({ peer }: Row): string => colour.get(peer)!
    const sizes = [...new Set(data.map(({ at }) => at!))]
    const line = { x: 'at', y: 'median', z: (row: Row) => `${row.peer} ${row.what}`, stroke: of } as const
    return {
      x: {
        label: text,
        labelAnchor: 'center',
        labelArrow: 'none',
        ...(ordinal ? { type: 'point', domain: sizes } : { ticks: sizes }),
      },
      y: { grid: true, label: null, ticks: 5, nice: true, zero: true },
      marks: [
        Plot.ruleX(data, { x: 'at', y1: 'q1', y2: 'q3', stroke: of, strokeWidth: 5, strokeOpacity: 0.25 }),
        Plot.lineY(
          data.filter(({ what }) => what !== 'overlay'),
          { ...line, strokeWidth: 2 },
        ),
        Plot.lineY(
          data.filter(({ what }) => what === 'overlay'),
          { ...line, strokeWidth: 1.5, strokeDasharray: '4 3' },
        ),
        Plot.dot(data, { x: 'at', y: 'median', fill: of, r: 3 }),
        Plot.ruleY([0], { stroke: '#868e96' }),
      ],
    }
  }
}

const configNames = ['minimal', 'default', 'Docker']
const byConfig = bars((row) => row.config!, configNames)
const panels: readonly Panel[] = [
  { title: 'run', unit: 'ms', what: ['run'], draw: byConfig },
  { title: 'create + start + kill + delete', unit: 'ms', what: ['lifecycle'], draw: byConfig },
  { title: 'exec', unit: 'ms', what: ['exec'], draw: byConfig },
  { title: 'state', unit: 'ms', what: ['state'], draw: byConfig },
  {
    title: 'init before start, peak memory',
    unit: 'MiB',
    what: ['init'],
    draw: bars((row) => row.config!, configNames, 1024),
  },
  { title: 'throughput of run', unit: 'per second', what: ['throughput'], draw: lines('at once', true) },
  { title: 'run with more mounts', unit: 'ms', what: ['mounts'], draw: lines('bind mounts') },
  { title: 'run beside running containers', unit: 'ms', what: ['containers'], draw: lines('containers') },
  {
    title: 'run on layers (dashed: mounted before)',
    unit: 'ms',
    what: ['layers', 'overlay'],
    draw: lines('layers'),
  },
]

/** The picture, as SVG. The same figures give the same text. */
export function draw(results: Results): string {
  const document = domino.createDocument()
  const element = (name: string, attributes: Record<string, string | number>, text?: string): Element => {
    const made = document.createElementNS(svgNamespace, name)
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value))
    if (text !== undefined) made.textContent = text
    return made
  }
  const put = (parent: Element, ...children: Element[]): void => {
    for (const child of children) parent.appendChild(child)
  }
  const style = styleOf(results)
  const across = 3
  const width = margin + across * (panelWidth + margin)
  const height = head + Math.ceil(panels.length / across) * (panelHeight + 30 + margin)
  const root = element('svg', {
    xmlns: svgNamespace,
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    'font-family': 'system-ui, sans-serif',
    fill: '#212529',
  })
  put(
    root,
    element('title', {}, 'runt beside runc and crun: medians with quartiles'),
    element('rect', { width, height, fill: 'white' }),
    element('text', { x: margin, y: 32, 'font-size': 19, 'font-weight': 600 }, 'runt beside runc and crun'),
    element(
      'text',
      { x: margin, y: 53, 'font-size': 13, fill: '#495057' },
      'medians; whiskers and bands from the first to the third quartile; less is better, but for throughput',
    ),
  )
  style.names.forEach((name, index) => {
    const x = margin + index * 130
    put(
      root,
      element('rect', { x, y: 68, width: 14, height: 14, rx: 2, fill: style.colour.get(name)! }),
      element('text', { x: x + 20, y: 80, 'font-size': 13 }, name),
    )
  })
  panels.forEach((panel, index) => {
    const rows = results.rows.filter(({ what, peer }) => panel.what.includes(what) && style.names.includes(peer))
    if (rows.length === 0) return
    const x = margin + (index % across) * (panelWidth + margin)
    const y = head + Math.floor(index / across) * (panelHeight + 30 + margin)
    const title = element('text', { x, y: y + 14, 'font-size': 14, 'font-weight': 600 }, panel.title)
    const unit = element('tspan', { 'font-weight': 400, fill: '#495057' }, `, ${panel.unit}`)
    put(title, unit)
    const plot = Plot.plot({
      document: document as never,
      width: panelWidth,
      height: panelHeight,
      marginLeft: 36,
      marginRight: 12,
      marginTop: 18,
      marginBottom: 36,
      ...panel.draw(rows, style),
    }) as unknown as Element
    plot.setAttribute('x', String(x))
    plot.setAttribute('y', String(y + 24))
    put(root, title, plot)
  })
  // XML has no name for a space that does not break.
  return `${root.outerHTML.replaceAll('&nbsp;', '&#160;')}\n`
}
