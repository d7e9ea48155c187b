import test from 'ava'
import { assemble, ret } from '../../../src/seccomp/bpf.ts'
import { newerCallsPrelude } from '../../../src/seccomp/enosys.ts'
import { architectures } from '../../../src/seccomp/names.ts'
import { answer } from './machine.ts'

const { SCMP_ARCH_X86_64: x64, SCMP_ARCH_X86: x86, SCMP_ARCH_X32: x32, SCMP_ARCH_AARCH64: arm64 } = architectures
const ENOSYS = 0x00050026
/** What the filter after the prelude answers. */
const rest = 0x00050001
const x32Bit = 0x40000000

/** The answer of a prelude, in front of a filter that answers `rest` to everything. */
function answers(last: [number, number][], number: number, architecture = x64): number {
  return answer(assemble([...newerCallsPrelude(new Map(last)), ret(rest)]), { number, architecture })
}

test('a call that is newer than the profile answers ENOSYS, and no other call does', (t) => {
  t.is(answers([[x64, 300]], 300), rest)
  t.is(answers([[x64, 300]], 301), ENOSYS)
  t.is(answers([[x64, 300]], 0), rest)
  t.is(answers([[arm64, 300]], 301, arm64), ENOSYS)
  t.is(answers([[arm64, 300]], 299, arm64), rest)
})

test('each architecture has a largest number of its own', (t) => {
  const last: [number, number][] = [
    [x64, 300],
    [x86, 400],
    [x32, x32Bit + 350],
  ]
  for (const order of [last, [...last].reverse()]) {
    for (const [architecture, base, largest] of [
      [x64, 0, 300],
      [x86, 0, 400],
      [x64, x32Bit, 350],
    ] as const) {
      t.is(answers(order, base + largest, architecture), rest, `${architecture} ${base}`)
      t.is(answers(order, base + largest + 1, architecture), ENOSYS, `${architecture} ${base}`)
    }
  }
})

test('calls of x32 and of x86-64 are told apart where only one of them is known', (t) => {
  t.is(answers([[x64, 300]], x32Bit + 1000), rest)
  t.is(answers([[x32, x32Bit + 300]], 1000), rest)
  t.is(answers([[x32, x32Bit + 300]], x32Bit + 301), ENOSYS)
})

test('an architecture that the profile does not know is left to the filter', (t) => {
  t.is(answers([[x64, 300]], 1000, x86), rest)
  t.is(answers([[x64, 300]], 1000, arm64), rest)
})

test('a number that is no call, -1, is newer than any', (t) => {
  t.is(answers([[x64, 300]], -1, x64), rest, 'it has the bit of x32')
  t.is(answers([[arm64, 300]], -1, arm64), ENOSYS)
})

test('without anything known there is nothing to add', (t) => {
  t.deepEqual(newerCallsPrelude(new Map()), [])
})
