import test from 'ava'
import { stepSpans } from '../../../src/trace/steps.ts'

const ms = (time: number): bigint => BigInt(time) * 1_000_000n

const steps = ['umask', 'fork', 'sync', 'exec'].map((op, index) => ({ op, origin: `/${index}` }))

/** Name, pid, begin and end of each span. */
function spans(times: bigint[], changes: Partial<Parameters<typeof stepSpans>[0]> = {}) {
  const taken = { pids: [7], from: 0, steps, times, after: 100, before: 200, ...changes }
  return stepSpans(taken).map(({ name, pid, begin, end }) => [name, pid, begin, end])
}

test('every step has a span from its beginning to that of the next, the last one until the times were taken', (t) => {
  t.deepEqual(spans([110, 120, 130, 140, 0].map(ms)), [
    ['umask', 7, 110, 120],
    ['fork', 7, 120, 130],
    ['sync', 7, 130, 140],
    ['exec', 7, 140, 200],
  ])
})

test('a step knows its index in the plan and its field', (t) => {
  const [, , third] = stepSpans({ pids: [7], from: 0, steps, times: [1, 2, 3, 4].map(ms), after: 0, before: 9 })
  t.deepEqual(third!.args, { index: 2, origin: '/2' })
  const [only] = stepSpans({
    pids: [7],
    from: 3,
    steps: steps.slice(3),
    times: [1, 2, 3, 4].map(ms),
    after: 0,
    before: 9,
  })
  t.deepEqual([only!.name, only!.begin, only!.args], ['exec', 4, { index: 3, origin: '/3' }])
})

test('steps that were not begun have none', (t) => {
  t.deepEqual(spans([110, 120, 0, 0, 0].map(ms)), [
    ['umask', 7, 110, 120],
    ['fork', 7, 120, 200],
  ])
  t.deepEqual(spans([]), [])
})

test('what comes after a fork is of the next process', (t) => {
  const pids = spans([110, 120, 130, 140, 0].map(ms), { pids: [7, 8] }).map(([, pid]) => pid)
  t.deepEqual(pids, [7, 7, 8, 8])
})

test('the clock of a time namespace is put right at the step that entered it', (t) => {
  const second = [110, 120, 1_000_125, 1_000_135, 0]
  t.deepEqual(spans(second.map(ms)), [
    ['umask', 7, 110, 120],
    ['fork', 7, 120, 120],
    ['sync', 7, 120, 130],
    ['exec', 7, 130, 200],
  ])
  const back = spans([110, 120, 25, 35, 0].map(ms))
  t.deepEqual(
    back.map(([, , begin]) => begin),
    [110, 120, 120, 130],
  )
})

test('what comes after a filter of system calls is named, as it has no times', (t) => {
  const filtered = ['umask', 'seccomp', 'capabilities', 'exec'].map((op) => ({ op, origin: '' }))
  const found = stepSpans({
    pids: [7],
    from: 0,
    steps: filtered,
    times: [110, 120, 0, 0, 0].map(ms),
    after: 0,
    before: 200,
  })
  t.deepEqual(
    found.map(({ name, args }) => [name, args?.andThen]),
    [
      ['umask', undefined],
      ['seccomp', ['capabilities', 'exec']],
    ],
  )
})
