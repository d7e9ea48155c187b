import test from 'ava'
import { PlanBuilder, type Plan } from '../../../src/plan/plan.ts'
import { planVersion } from '../../../src/plan/layouts.gen.ts'
import { decodePlan, encodePlan } from '../../../src/plan/wire.ts'

/** A plan with every kind of field. */
function sample(): Plan {
  const builder = new PlanBuilder()
  const start = builder.input('start', '', { kind: 'state', file: 'start' })
  const tmp = builder.register('tmp')
  builder.add('sethostname', '/hostname', { name: 'wéb' })
  builder.add('rlimit', '/process/rlimits/0', { resource: 7, soft: 1024, hard: 0xffffffffffffffffn })
  builder.add('newMount', '/mounts/0', {
    dst: tmp,
    type: 'tmpfs',
    source: '',
    parameters: ['size=64k', '', 'mode=755'],
    attributes: 6,
  })
  builder.add('setsid', '', {})
  builder.add('program', '/process/args', { args: [], env: ['A=1'] })
  builder.add('close', '', { fd: start })
  return builder.plan
}

test('a plan read back is the plan that was written, but for origins and names', (t) => {
  const plan = sample()
  const decoded = decodePlan(encodePlan(plan))
  t.is(decoded.inputs, 1)
  t.is(decoded.registers, 2)
  t.deepEqual(
    decoded.steps as unknown[],
    plan.steps.map(({ origin: _, ...step }) => step),
  )
})

test('a plan says whether its steps are timed', (t) => {
  t.false(decodePlan(encodePlan(sample())).timed)
  t.true(decodePlan(encodePlan(sample(), true)).timed)
  const neither = encodePlan(sample(), true)
  new DataView(neither.buffer, neither.byteOffset).setUint32(32, 2, true)
  t.throws(() => decodePlan(neither), { message: /timed/ })
})

test('equal strings are stored once', (t) => {
  const once = new PlanBuilder()
  once.add('sethostname', '', { name: 'x'.repeat(100) })
  const twice = new PlanBuilder()
  twice.add('sethostname', '', { name: 'x'.repeat(100) })
  twice.add('setdomainname', '', { name: 'x'.repeat(100) })
  t.true(encodePlan(twice.plan).length - encodePlan(once.plan).length < 100)
})

test('a string with a NUL, a number out of range or an unknown register is refused', (t) => {
  const nul = new PlanBuilder()
  nul.add('sethostname', '', { name: 'a\0b' })
  t.throws(() => encodePlan(nul.plan), { instanceOf: TypeError, message: /sethostname.name: NUL/ })
  const nulInList = new PlanBuilder()
  nulInList.add('program', '', { args: ['a\0b'], env: [] })
  t.throws(() => encodePlan(nulInList.plan), { instanceOf: TypeError, message: /program.args: NUL/ })
  const range = new PlanBuilder()
  range.add('umask', '', { mask: -1 })
  t.throws(() => encodePlan(range.plan), { instanceOf: TypeError, message: /umask.mask: does not fit: -1/ })
  const register = new PlanBuilder()
  register.add('close', '', { fd: 3 as never })
  t.throws(() => encodePlan(register.plan), { instanceOf: TypeError, message: /no such register/ })
})

test('registers in a row are written as such, and none that is missing or out of its row', (t) => {
  const plan = new PlanBuilder()
  const registers = ['a', 'b', 'c', 'd', 'e'].map((name) => plan.register(name))
  const [dst, first, second, third, upper] = registers as [(typeof registers)[0], ...typeof registers]
  const fields = { dst: dst, upper: upper!, parameters: [], owner: 0, names: 0 }
  plan.add('overlay', '', { ...fields, layers: [first!, second!, third!] })
  t.like(decodePlan(encodePlan(plan.plan)).steps[0], { op: 'overlay', layers: [1, 2, 3] })
  for (const layers of [
    [first!, third!],
    [second!, first!],
    [upper!, 5 as typeof dst],
  ]) {
    plan.plan.steps = []
    plan.add('overlay', '', { ...fields, layers: layers })
    t.throws(() => encodePlan(plan.plan), { instanceOf: TypeError, message: /overlay.layers/ })
  }
})

test('a plan of another version is refused', (t) => {
  const bytes = Buffer.from(encodePlan(sample()))
  bytes.writeUInt32LE((planVersion ^ 1) >>> 0, 4)
  t.throws(() => decodePlan(bytes), { message: /another version/ })
})

test('a plan that is cut off anywhere, or has a byte too many, is refused', (t) => {
  const bytes = encodePlan(sample())
  for (let length = 0; length < bytes.length; length++) {
    t.throws(() => decodePlan(bytes.subarray(0, length)), { instanceOf: TypeError }, `at ${length}`)
  }
  t.throws(() => decodePlan(Buffer.concat([bytes, Buffer.alloc(1)])), { instanceOf: TypeError })
})

test('any changed byte gives another plan or a TypeError, never another error', (t) => {
  const bytes = encodePlan(sample())
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of [1, 0x80, 0xff]) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= bit
      try {
        decodePlan(changed)
      } catch (error) {
        t.true(error instanceof TypeError, `byte ${at}: ${String(error)}`)
      }
    }
  }
  t.pass()
})
