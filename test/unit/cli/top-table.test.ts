import test from 'ava'
import { bytes, sorted, summary, table, type Style } from '../../../src/cli/top-table.ts'
import type { Usage } from '../../../src/runtime/top.ts'

const MiB = 1 << 20

const usages: readonly Usage[] = [
  {
    id: 'web',
    status: 'running',
    pid: 10,
    cpu: 103.44,
    memory: { used: 312 * MiB, total: 400 * MiB, limit: 512 * MiB },
    pids: { current: 12, limit: 64 },
    io: { read: 1_300_000, write: 0 },
    pressure: { cpu: 12.34, memory: 0, io: 48 },
  },
  { id: 'old', status: 'stopped', pid: 0, pressure: {} },
  {
    id: '3f9c1ab44e0d77aa51b2c3d4e5f60718293a4b5c6d7e8f901234567890abcdef',
    status: 'paused',
    pid: 11,
    cpu: 0,
    memory: { used: 0, total: 4096, limit: undefined },
    pids: { current: 1, limit: undefined },
    io: { read: 0, write: 5 },
    pressure: { cpu: 0.01, memory: 100 },
  },
]
const view = { sort: 'cpu', processors: 2 } as const
const style = (width?: number, more: Partial<Style> = {}): Style => ({ width, colour: false, unicode: true, ...more })

test('eighty columns have room for every number, and the id gets what is left', (t) => {
  t.deepEqual(table(usages, view, style(80)), [
    '                      CPU  ──── MEMORY ─────  TASKS  ── IO/s ───  ── PRESSURE ──',
    'CONTAINER               %    USED LIMIT    %    NOW   READ WRITE   CPU  MEM   IO',
    'web                 103.4    312M  512M   61     12   1.2M     0  12.3    0 48.0',
    'old               stopped       -     -    -      -      -     -     -    -    -',
    '3f9c1ab44e0d77a…   paused       0     ∞    -      1      0    5B     0  100    -',
  ])
})

test('a wider terminal has bars and limits too', (t) => {
  const lines = table(usages, view, style(132))
  t.true(lines.every((line) => line.length <= 132))
  t.regex(lines[0]!, /─ CPU ─.*─ MEMORY ─.*─ TASKS ─.*─ IO\/s ─.*─ PRESSURE ─/)
  t.regex(lines[2]!, /^web +103\.4 ━━━━━───── +312M +512M +61 ━━━━━━──── +12 +64 +1\.2M +0 +12\.3 +0 48\.0$/)
  t.regex(lines[4]!, /^3f9c1ab44e0d77aa51b2c3d4e.*… +paused +0 +∞ +- +1 +∞ /)
})

test('whatever the width, no line is longer, and what matters most stays', (t) => {
  for (let width = 1; width < 250; width++) {
    for (const each of [style(width), style(width, { unicode: false })]) {
      const lines = table(usages, view, each)
      for (const line of [...lines, summary(usages, '12:00:00', each)])
        t.true(line.length <= width, `${width}: ${line}`)
      if (width >= 36) t.regex(lines[2]!, /^web +103\.4 .*312M/, String(width))
    }
  }
  const whole = table(usages, view, style())
  t.true(whole[4]!.startsWith(usages[2]!.id))
})

test('without colours and beyond ASCII only where it is wanted', (t) => {
  const plain = [
    ...table(usages, view, style(140, { unicode: false })),
    summary(usages, '', style(100, { unicode: false })),
  ]
  t.regex(plain.join('\n'), /^[\x20-\x7E\n]*$/)
  t.true(plain.join('\n').includes('none'))
  const coloured = table(usages, view, style(140, { colour: true }))
  // eslint-disable-next-line no-control-regex -- that is what it is about
  const bare = coloured.map((line) => line.replaceAll(/\u001B\[[0-9;]*m/g, '').trimEnd())
  t.deepEqual(bare, table(usages, view, style(140)))
  t.true(coloured[2]!.includes('\u001B[31m48.0\u001B[0m'))
})

test('amounts have four characters at most', (t) => {
  const expected: Record<string, number> = {
    '0B': 0,
    '999B': 999,
    '1.0K': 1000,
    '9.9K': 10_137,
    '10K': 10_240,
    '999K': 999 * 1024,
    '1.0M': 1000 * 1024,
    '512M': 512 * MiB,
    '1.5G': 1536 * MiB,
    '16E': 2 ** 64,
  }
  for (const [text, value] of Object.entries(expected)) t.is(bytes(value), text)
  for (let value = 0; value < 2 ** 64; value = value * 1.01 + 1) t.true(bytes(value).length <= 4, String(value))
})

test('what uses most comes first, equals by name, and what is not known last', (t) => {
  const base = { status: 'running', pid: 1, pressure: {} } as const
  const list: Usage[] = [
    { ...base, id: 'c', cpu: 1, io: { read: 0, write: 9 } },
    { ...base, id: 'b', cpu: 1, pids: { current: 3 } },
    { ...base, id: 'a', memory: { used: 5, total: 5 } },
    { ...base, id: 'd', cpu: 2 },
  ]
  const order = (key: Parameters<typeof sorted>[1]) =>
    sorted(list, key)
      .map(({ id }) => id)
      .join('')
  t.deepEqual(
    [order('cpu'), order('memory'), order('pids'), order('io'), order('name')],
    ['dbca', 'abcd', 'bacd', 'cabd', 'abcd'],
  )
})

test('the summary counts containers and what they use together', (t) => {
  t.is(summary(usages, '12:00:00', style(40)), 'runt top  1 running · 1 stopped · 1 paus')
  t.regex(
    summary(usages, '12:00:00', style(100)),
    /^runt top {2}1 running · 1 stopped · 1 paused +cpu 103\.4% {3}memory 312M {3}tasks 13 {3}12:00:00$/,
  )
  t.regex(summary([], '12:00:00', style(80)), /^runt top {2}no containers +12:00:00$/)
})
