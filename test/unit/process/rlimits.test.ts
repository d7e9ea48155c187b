import test from 'ava'
import { prepareRlimits } from '../../../src/process/rlimits.ts'

test('limits have the numbers of the kernel, and no limit is its infinity', (t) => {
  const infinity = (1n << 64n) - 1n
  t.deepEqual(
    prepareRlimits([
      { type: 'RLIMIT_NOFILE', soft: 1024, hard: 4096 },
      // What JSON.parse makes of 18446744073709551615.
      { type: 'RLIMIT_CORE', soft: 0, hard: 18446744073709552000 },
    ]),
    [
      { resource: 7, soft: 1024n, hard: 4096n, origin: '/process/rlimits/0' },
      { resource: 4, soft: 0n, hard: infinity, origin: '/process/rlimits/1' },
    ],
  )
})
