import test from 'ava'
import { PlanBuilder } from '../../src/plan/plan.ts'
import { encodePlan } from '../../src/plan/wire.ts'
import { initBinary, runPlan } from './machine.ts'
import { existsSync } from 'node:fs'

const EBADMSG = 74

/** A plan that would create the marker, were any of it run. */
function harmless(): Buffer {
  const builder = new PlanBuilder()
  const root = builder.register('root')
  builder.add('umask', '', { mask: 0o77 })
  builder.add('program', '', { args: ['/bin/true', 'x'], env: ['A=1', 'B=2'] })
  builder.add('rlimit', '', { resource: 7, soft: 1, hard: 2 })
  builder.add('openIn', '', { dst: root, root, path: 'a', make: 0, mode: 0, kind: 0, optional: 0 })
  return Buffer.from(encodePlan(builder.plan))
}

test.before('the sanitizer build of init is there', (t) => {
  t.true(existsSync(initBinary), `${initBinary}: npm run build:sanitize makes it`)
})

test('a plan that is cut off anywhere is refused before any step runs', async (t) => {
  const plan = harmless()
  for (let length = 1; length < plan.length; length += 3) {
    const { status, messages } = await runPlan(plan.subarray(0, length))
    t.is(status, 1, `length ${length}`)
    t.like(messages[0], { type: 'failed', errno: EBADMSG, syscall: 'plan', subject: 'malformed' })
  }
})

// cve: CVE-2021-43784
test('a plan with trailing bytes is refused', async (t) => {
  const { messages } = await runPlan(Buffer.concat([harmless(), Buffer.from([0])]))
  t.like(messages[0], { type: 'failed', errno: EBADMSG })
})

test('a plan that is empty, or whose descriptors are not numbers, is refused', async (t) => {
  t.is((await runPlan(Buffer.alloc(0))).status, 2)
  t.is((await runPlan(harmless(), { args: ['x', '4'] })).status, 2)
  t.is((await runPlan(harmless(), { args: ['3', '999'] })).status, 2)
  t.is((await runPlan(harmless(), { args: ['3'] })).status, 2)
  t.is((await runPlan(harmless(), { args: ['3', '4', '77'] })).status, 2)
})

test('a plan with another number of inputs than it was given is refused', async (t) => {
  const { messages } = await runPlan(harmless(), { inputs: ['/dev/null'] })
  t.like(messages[0], { type: 'failed', errno: EBADMSG, subject: 'inputs' })
})

// cve: CVE-2021-43784
test('no changed word of a plan makes init read outside of it', async (t) => {
  const plan = harmless()
  // Header and records, a word at a time: sizes, counts, offsets, lengths, registers, step numbers.
  const words = (plan.length - plan.readUInt32LE(28)) / 4
  for (let word = 0; word < words; word++) {
    for (const value of [0xffffffff, 0x7fffffff, 0x10000, plan.readUInt32LE(word * 4) + 1]) {
      const changed = Buffer.from(plan)
      changed.writeUInt32LE(value >>> 0, word * 4)
      const { stderr, signal, status, messages } = await runPlan(changed)
      t.is(signal, null, `word ${word} = ${value}: ${stderr}`)
      t.is(status, 1)
      t.is(messages[0]?.type, 'failed')
    }
  }
})

test('a missing NUL, and one too many, are refused', async (t) => {
  const plan = harmless()
  const strings = plan.length - plan.readUInt32LE(28)
  for (let at = strings; at < plan.length; at++) {
    const changed = Buffer.from(plan)
    changed[at] = changed[at] === 0 ? 0x41 : 0
    const { messages } = await runPlan(changed)
    t.is(messages[0]?.errno, EBADMSG, `byte ${at}`)
  }
})

test('a register that is filled twice, or read while empty, fails its step', async (t) => {
  const empty = new PlanBuilder()
  const root = empty.register('root')
  const file = empty.register('file')
  empty.add('openIn', '', { dst: file, root, path: 'a', make: 0, mode: 0, kind: 0, optional: 0 })
  t.like((await runPlan(empty.plan)).messages[0], { type: 'failed', value: 0, errno: 9, syscall: 'openat2' })

  const twice = new PlanBuilder()
  const input = twice.input('root', '', { kind: 'path', path: '/', flags: 'path' })
  const target = twice.register('target')
  for (let i = 0; i < 2; i++) {
    twice.add('openIn', '', { dst: target, root: input, path: 'dev', make: 0, mode: 0, kind: 1, optional: 0 })
  }
  const { messages } = await runPlan(twice.plan, { inputs: ['/'] })
  t.like(messages[0], { type: 'failed', value: 1, errno: 16, syscall: 'register' })
})

test('init leaves when the other side is gone at a sync point', async (t) => {
  const builder = new PlanBuilder()
  builder.add('sync', '', { point: 3 })
  builder.add('program', '', { args: ['/bin/echo', 'reached'], env: [] })
  builder.add('exec', '', {})
  const gone = await runPlan(builder.plan, { hangUp: true })
  t.is(gone.status, 1)
  t.is(gone.stdout, '')
  const there = await runPlan(builder.plan)
  t.is(there.stdout, 'reached\n')
  t.is(there.status, 0)
})
