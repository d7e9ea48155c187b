/** init notes when it comes to each step, where the plan says so: native/common/protocol.h. */
import test, { type ExecutionContext } from 'ava'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PlanBuilder } from '../../src/plan/plan.ts'
import { encodePlan } from '../../src/plan/wire.ts'
import { runPlan } from './machine.ts'

const EBADMSG = 74

/** A plan of four steps, and a file with room for so many times. */
function timed(t: ExecutionContext, room: number, failing = false) {
  const dir = mkdtempSync(path.join(tmpdir(), 'runt-times-'))
  t.teardown(() => {
    rmSync(dir, { recursive: true })
  })
  const file = path.join(dir, 'times')
  writeFileSync(file, Buffer.alloc(room * 8))
  const builder = new PlanBuilder()
  builder.add('umask', '', { mask: 0o22 })
  builder.add('sync', '', { point: 3 })
  builder.add('program', '', { args: [failing ? 'no-such-program' : 'true'], env: ['PATH=/bin:/usr/bin'] })
  builder.add('exec', '', {})
  const words = () => {
    const bytes = readFileSync(file)
    return Array.from({ length: bytes.length / 8 }, (_, index) => bytes.readBigUInt64LE(index * 8))
  }
  return { plan: encodePlan(builder.plan, true), untimed: encodePlan(builder.plan), file, words }
}

test('the beginning of the first step and the end of each are noted, in order', async (t) => {
  const { plan, file, words } = timed(t, 5)
  const before = process.hrtime.bigint()
  const { status, messages } = await runPlan(plan, { times: file })
  t.is(status, 0)
  t.deepEqual(
    messages.map(({ type }) => type),
    ['reached'],
  )
  const [a, b, c, d, last] = words() as [bigint, bigint, bigint, bigint, bigint]
  t.true(before <= a && a <= b && b <= c && c <= d && d <= process.hrtime.bigint())
  t.is(last, 0n)
})

test('a step that fails has no end', async (t) => {
  const { plan, file, words } = timed(t, 5, true)
  t.is((await runPlan(plan, { times: file })).status, 1)
  t.deepEqual(
    words().map((word) => word > 0n),
    [true, true, true, false, false],
  )
})

test('a file that is too short is left alone', async (t) => {
  const { plan, file, words } = timed(t, 4)
  t.is((await runPlan(plan, { times: file })).status, 0)
  t.deepEqual(words(), [0n, 0n, 0n, 0n])
})

test('a plan that is timed needs the file, and one that is not takes none', async (t) => {
  const { plan, untimed, file } = timed(t, 5)
  t.like((await runPlan(plan)).messages[0], { type: 'failed', errno: EBADMSG })
  t.like((await runPlan(untimed, { times: file })).messages[0], { type: 'failed', errno: EBADMSG })
  const neither = Buffer.from(plan)
  neither.writeUInt32LE(2, 32)
  t.like((await runPlan(neither, { times: file })).messages[0], { type: 'failed', errno: EBADMSG })
})
