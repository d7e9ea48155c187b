/** What the soak takes for a leak. */
import test from 'ava'
import { type Count, courses, type Sample, slope } from '../../soak/counts.ts'

/** A course of 5,000 cycles: what others have comes and goes by some hundreds, by a rule, so that every run sees the same. */
const course = (perCycle: number, own: boolean) => {
  const counts: Count[] = [{ name: 'things', own, perCycle: 0.1, read: () => 0 }]
  const others = (at: number): number => (own ? 0 : Math.round(300 * Math.sin(at * 1.7) + 100 * Math.sin(at / 900)))
  const samples: Sample[] = Array.from({ length: 51 }, (_, index) => index * 100).map((at) => {
    return { at, values: [1000 + others(at) + perCycle * at] }
  })
  return courses(counts, samples)[0]!
}

test('one thing left by each cycle is found, whatever others do', (t) => {
  t.is(slope([0, 1, 2, 3].map((at) => [at, 2 * at] as const)), 2)
  t.like(course(1, false), { judged: true, flat: false })
  t.like(course(0.2, false), { judged: true, flat: false })
  t.like(course(0.02, true), { judged: true, flat: false })
})

test('what others do is no leak, nor is what becomes less', (t) => {
  t.like(course(0, false), { judged: true, flat: true })
  t.like(course(-0.1, false), { flat: true })
  t.like(course(0, true), { judged: true, flat: true, before: 1000, after: 1000 })
})

test('a kernel that does not count something leaves it out', (t) => {
  const counts: Count[] = [{ name: 'things', own: true, perCycle: 0, read: () => undefined }]
  t.deepEqual(
    courses(
      counts,
      [0, 1, 2].map((at) => ({ at, values: [undefined] })),
    ),
    [],
  )
})
