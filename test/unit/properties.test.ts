/** What holds for any input, with inputs that nobody thought of: fast-check makes them, and the smallest that fails is told. */
import test from 'ava'
import fc from 'fast-check'
import { parseInterval } from '../../src/cli/duration.ts'
import { compileCreate } from '../../src/compiler/create.ts'
import { InvalidConfigError, RuntError } from '../../src/errors.ts'
import { convertConfig, userOf } from '../../src/images/convert.ts'
import { checkedConfig, diffIdsOf, parsePlatform } from '../../src/images/image.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { decodePlan, encodePlan } from '../../src/plan/wire.ts'
import { defaultSpec } from '../../src/spec/default.ts'
import { parseList } from '../../src/spec/lists.ts'
import { checkSpec, parseSpec } from '../../src/spec/parse.ts'
import { escapePointer } from '../../src/spec/problem.ts'
import { facts } from './compiler/sample.ts'
import { set } from './spec/config.ts'

/** Texts that mean something somewhere, among others. */
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    '/',
    '..',
    '/proc',
    'idmap=uids=0-1-2;gids=@0-0-1',
    'ro',
    'rbind',
    'size=1k',
    'user',
    '0-3',
    'CAP_CHOWN',
    '\0',
    '1e3',
  ),
)
const numbers = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, -1, 2 ** 32, 2 ** 53, 2 ** 64, -(2 ** 63)))
const values: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    texts,
    numbers,
    fc.constantFrom(null, true, false),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(texts, fc.constantFrom('path', 'type', 'options', 'source', 'destination')), tie('value'), {
      maxKeys: 4,
    }),
  ),
})).value

function* pointers(value: unknown, pointer = ''): Generator<string> {
  yield pointer
  if (typeof value !== 'object' || value === null) return
  for (const [key, item] of Object.entries(value)) yield* pointers(item, `${pointer}/${escapePointer(key)}`)
}

/** Places where a configuration may have something: all of the default one, and some that it has not. */
const places = [
  ...[...pointers(defaultSpec())].slice(1),
  '/hooks',
  '/annotations',
  '/process/rlimits/0',
  '/process/user/additionalGids',
  '/process/apparmorProfile',
  '/mounts/0/options/0',
  '/mounts/-',
  '/linux/uidMappings',
  '/linux/sysctl',
  '/linux/devices',
  '/linux/resources/memory',
  '/linux/resources/cpu',
  '/linux/resources/pids',
  '/linux/resources/unified',
  '/linux/rootfsPropagation',
  '/linux/cgroupsPath',
  '/linux/timeOffsets',
  '/linux/personality',
  '/linux/intelRdt',
]
const configs = fc
  .array(fc.tuple(fc.constantFrom(...places), values), { minLength: 1, maxLength: 4 })
  .map((changes) => {
    const document: unknown = structuredClone(defaultSpec())
    for (const [place, value] of changes) {
      try {
        set(document, place, value)
      } catch {
        // Another change took away what it is in.
      }
    }
    return JSON.stringify(document)
  })

/** The plan as it goes over the wire, and back. */
function checkWire(plan: Plan): void {
  const bytes = encodePlan(plan)
  const { inputs, steps } = decodePlan(bytes)
  if (inputs !== plan.inputs.length) throw new Error('inputs')
  const again: Plan = { ...plan, steps: steps.map((step) => ({ ...step, origin: '' }) as Plan['steps'][number]) }
  if (Buffer.compare(encodePlan(again), bytes) !== 0) throw new Error('the plan is another one when it was decoded')
}

const check = <T>(arbitrary: fc.Arbitrary<T>, run: (value: T) => void, numRuns = 500) =>
  fc.assert(fc.property(arbitrary, run), { numRuns, seed: 20_240_229, interruptAfterTimeLimit: 15_000 })

/** Runs it; only a refusal of ours may come out of it. */
function refusedOr<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (error instanceof RuntError && error.message.length > 0) return undefined
    throw error
  }
}

test('any configuration gives a plan or a list of problems, and a plan is the same after the wire', (t) => {
  let plans = 0
  check(configs, (text) => {
    const { spec, problems } = parseSpec(text)
    if (spec === undefined) {
      if (problems.length === 0) throw new Error('refused without a problem')
      return
    }
    if (spec.linux?.seccomp !== undefined) return
    try {
      checkWire(compileCreate(spec, facts).plan)
      plans++
    } catch (error) {
      if (!(error instanceof InvalidConfigError) || error.problems.length === 0) throw error
    }
  })
  t.true(plans > 0)
})

test('any text is a configuration or is told what is wrong', (t) => {
  check(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      values.map((value) => JSON.stringify(value)),
    ),
    (text) => {
      const { spec, problems } = parseSpec(text)
      if ((spec === undefined) !== problems.length > 0) throw new Error('neither')
    },
  )
  t.pass()
})

test('what is read of plans is a plan or a TypeError', (t) => {
  const bytes = encodePlan(compileCreate(defaultSpec(), facts).plan)
  check(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }), (changes) => {
    const changed = bytes.slice()
    for (const [at, value] of changes) changed[at] = value
    try {
      decodePlan(changed)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
    }
  })
  t.pass()
})

test("any image's configuration gives a configuration or a refusal", (t) => {
  const keys = ['Env', 'Entrypoint', 'Cmd', 'User', 'WorkingDir', 'Volumes', 'Labels', 'StopSignal', 'ExposedPorts']
  const config = fc.dictionary(fc.constantFrom(...keys), fc.oneof(values, fc.array(texts), texts))
  const document = fc.oneof(
    values,
    fc.record({ os: texts, architecture: texts, created: values, author: values, config }),
  )
  const users = { passwd: 'root:x:0:0::/root:/bin/sh\na:x:1:x\n:::\n', group: 'root:x:0:\nb:x:7:a\n' }
  let made = 0
  check(document, (value) => {
    const spec = refusedOr(() => convertConfig(checkedConfig(value, 'config'), users, { annotations: {} }))
    if (spec === undefined) return
    t.deepEqual(checkSpec(structuredClone(spec)).problems, [])
    made++
  })
  check(values, (value) => void refusedOr(() => diffIdsOf(checkedConfig(value, 'config'), 'config')))
  t.true(made > 0)
})

test('users, platforms, lists and intervals are taken or refused', (t) => {
  const word = fc.oneof(texts, fc.string({ unit: fc.constantFrom(...Array.from('0123456789:,-/.smh')) }))
  const files = fc.record({
    passwd: fc.option(fc.string(), { nil: undefined }),
    group: fc.option(fc.string(), { nil: undefined }),
  })
  check(fc.tuple(word, files), ([text, users]) => {
    const user = refusedOr(() => userOf(text, users))
    for (const id of user === undefined ? [] : [user.uid, user.gid, ...(user.additionalGids ?? [])])
      if (!Number.isInteger(id) || id < 0 || id > 0xffffffff) throw new Error(String(id))
  })
  check(word, (text) => {
    refusedOr(() => parsePlatform(text))
    const list = parseList(text, 64)
    if (typeof list !== 'string' && list.some((item) => item < 0 || item >= 64)) throw new Error(text)
    const interval = refusedOr(() => parseInterval('--interval', text))
    if (interval !== undefined && !(interval > 0 && interval < Infinity)) throw new Error(`${text}: ${interval}`)
  })
  t.pass()
})
