import test from 'ava'
import { didYouMean } from '../../../src/spec/problem.ts'

for (const [written, meant] of [
  ['bundel', 'bundle'],
  ['lsit', 'list'],
  ['cdw', 'cwd'],
  ['nosiud', 'nosuid'],
  ['ARGS', 'args'],
  ['x', undefined],
  ['something', undefined],
  ['n'.repeat(65), undefined],
] as const) {
  test(`${written.slice(0, 12)} may be meant as ${meant ?? 'nothing'}`, (t) => {
    const known = ['args', 'bundle', 'create', 'cwd', 'list', 'nosuid', 'n'.repeat(64)]
    t.is(didYouMean(written, known), meant === undefined ? undefined : `did you mean ${meant}?`)
  })
}
