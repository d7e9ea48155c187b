/** The benchmark's arithmetic, and that docs/performance.md shows what docs/performance.json has. */
import test from 'ava'
import { readFileSync } from 'node:fs'
import { draw } from '../../../bench/picture.ts'
import { report, withFigures } from '../../../bench/report.ts'
import { readResults, type Results, type Row, writeJson } from '../../../bench/results.ts'
import { curvature, quantile, summarize } from '../../../bench/statistics.ts'
import { judge } from '../../../bench/targets.ts'

const row = (peer: string, what: string, median: number, more: Partial<Row> = {}): Row => ({
  ...{ what, peer, config: 'default', unit: 'ms' },
  ...summarize([median]),
  ...more,
})

/** A run with two versions of runc. */
function results(rows: Row[]): Results {
  const peer = (family: 'runt' | 'runc', version: string, name = `${family} ${version}`) => ({
    name,
    family,
    version,
    extra: false,
  })
  return {
    machine: { processor: 'some', processors: 2, memoryGib: 24, kernel: '6.1', others: 0 },
    peers: [peer('runt', '1', 'runt'), peer('runc', '1.1'), peer('runc', '1.3')],
    rows,
  }
}

test('the middle, the quartiles and the spread of figures do not depend on their order', (t) => {
  const summary = { count: 5, median: 3, q1: 2, q3: 4, mad: 1, min: 1, max: 100 }
  t.deepEqual(summarize([100, 3, 1, 4, 2]), summary)
  t.is(quantile([1, 2], 0.5), 1.5)
  t.throws(() => summarize([]), { message: 'no figures' })
})

test('growth is linear where both halves of a range cost the same, and noise on a flat line is no growth', (t) => {
  const grow = (cost: (size: number) => number): number =>
    curvature([0, 100, 250, 500].map((size) => [size, cost(size)] as const))
  t.is(
    grow((size) => 10 + size),
    1,
  )
  t.is(
    grow((size) => 10 + size ** 2),
    3,
  )
  t.is(
    grow((size) => 10 + (size === 500 ? 0.3 : 0)),
    1,
  )
  t.true(grow((size) => 10 + Math.sqrt(size)) < 1)
})

test('a target is met only against every version of a runtime, and a missed one is told', (t) => {
  const figures = (old: number, recent: number): Results =>
    results([row('runt', 'run', 4), row('runc 1.1', 'run', old), row('runc 1.3', 'run', recent)])
  const judged = judge(figures(10, 20))
  t.deepEqual(
    judged.map(({ met, measured }) => [met, measured]),
    [
      [
        true,
        [
          { value: 0.4, peer: 'runc 1.1' },
          { value: 0.2, peer: 'runc 1.3' },
        ],
      ],
    ],
  )
  t.false(judge(figures(9, 20))[0]!.met)
  t.true(report(figures(9, 20)).includes('| `run` | ≤ 0.4 × runc | 0.44 × runc 1.1, 0.20 × runc 1.3 | **missed** |'))
})

test('tables replace what stands between the markers of a document, and nothing else', (t) => {
  const text = 'before\n<!-- figures: written by npm run bench -- --write -->\nold\n<!-- end of figures -->\nafter\n'
  const filled = withFigures(text, results([row('runt', 'run', 4)]))
  t.regex(filled, /^before\n<!-- figures[^]*\*\*4\.00\*\* \(4\.00–4\.00\)[^]*<!-- end of figures -->\nafter\n$/)
  t.notRegex(filled, /old/)
  t.is(withFigures(filled, results([row('runt', 'run', 4)])), filled)
  t.throws(() => withFigures('no markers', results([])), { message: /no place for figures/ })
})

test('the page of figures and the picture show what docs/performance.json has', (t) => {
  const read = (name: string): string => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')
  const kept = readResults(new URL('../../../docs/performance.json', import.meta.url).pathname)
  t.is(withFigures(read('performance.md'), kept), read('performance.md'), "run 'npm run bench -- --render'")
  t.is(draw(kept), read('performance.svg'), "run 'npm run bench -- --render'")
  t.is(writeJson(kept), read('performance.json'))
})
