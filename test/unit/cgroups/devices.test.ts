import test from 'ava'
import { compileDevices, defaultRules, deviceAccess, deviceType, maxRules } from '../../../src/cgroups/devices.ts'
import { instructionSize } from '../../../src/cgroups/bpf.ts'
import type { DeviceRule } from '../../../src/spec/schema.gen.ts'
import { runDeviceProgram, type DeviceRequest } from './bpf-machine.ts'

const { char, block } = deviceType
const { read, write, mknod } = deviceAccess

function allows(rules: readonly DeviceRule[] | undefined, type: number, major: number, minor: number, access: number) {
  const { filter, problems } = compileDevices(rules)
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  return runDeviceProgram(filter.program, { type, major, minor, access })
}

/** The meaning of the rules, bit by bit, as plainly as it can be said. */
function reference(rules: readonly DeviceRule[], request: DeviceRequest): boolean {
  return [
    [read, 'r'],
    [write, 'w'],
    [mknod, 'm'],
  ].every(([bit, letter]) => {
    if ((request.access & (bit as number)) === 0) return true
    let allowed = false
    for (const rule of rules) {
      const type = rule.type ?? 'a'
      if (type !== 'a' && (type === 'c') !== (request.type === char)) continue
      if ((rule.major ?? -1) !== -1 && rule.major !== request.major) continue
      if ((rule.minor ?? -1) !== -1 && rule.minor !== request.minor) continue
      if (rule.access?.includes(letter as string)) allowed = rule.allow
    }
    return allowed
  })
}

/** A repeatable source of numbers (mulberry32). */
function random(seed: number) {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/** Few numbers, so that rules meet each other and the default devices. */
const numbers = [1, 3, 5, 10, 136, 200, 0xffffffff]

function pick<T>(pool: readonly T[], next: (below: number) => number): T {
  return pool[next(pool.length)] as T
}

function randomRule(next: (below: number) => number): DeviceRule {
  const accesses = ['r', 'w', 'm', 'rw', 'wm', 'rm', 'rwm', 'rwm', 'rwm'] as const
  const rule: DeviceRule = { allow: next(2) === 0, access: pick(accesses, next) }
  if (next(5) > 0) rule.type = pick(['a', 'b', 'c', 'c'], next)
  if (next(9) > 0) rule.major = pick([-1, ...numbers], next)
  if (next(9) > 0) rule.minor = pick([-1, ...numbers], next)
  return rule
}

test('the program agrees with a plain evaluation of random rules, for every device and access', (t) => {
  for (let seed = 1; seed <= 400; seed++) {
    const next = random(seed)
    const rules = Array.from({ length: next(14) }, () => randomRule(next))
    const { filter, problems } = compileDevices(rules)
    t.deepEqual(problems, [])
    const all = [...rules, ...defaultRules]
    for (const type of [char, block]) {
      for (const major of [...numbers, 77]) {
        for (const minor of [...numbers, 77]) {
          for (let access = 1; access <= 7; access++) {
            const request = { type, major, minor, access }
            const got = runDeviceProgram(filter.program, request)
            if (got !== reference(all, request)) {
              t.fail(`seed ${seed}: ${JSON.stringify({ rules, request, got })}`)
              return
            }
          }
        }
      }
    }
  }
  t.pass()
})

test('without rules a container may use the default devices and make any node', (t) => {
  for (const rules of [undefined, []]) {
    for (const [major, minor] of [
      [1, 3],
      [1, 5],
      [1, 7],
      [1, 8],
      [1, 9],
      [5, 0],
      [5, 2],
      [136, 0],
      [136, 4711],
      [10, 200],
    ] as const) {
      t.true(allows(rules, char, major, minor, read | write | mknod), `c ${major}:${minor}`)
    }
    t.true(allows(rules, char, 99, 99, mknod))
    t.true(allows(rules, block, 8, 0, mknod))
  }
})

test('without rules a container may open no other device of the host', (t) => {
  t.false(allows(undefined, block, 8, 0, read))
  t.false(allows(undefined, block, 8, 0, read | mknod))
  t.false(allows(undefined, char, 5, 1, read), "the system's console")
  t.false(allows(undefined, char, 1, 1, read), '/dev/mem')
  t.false(allows(undefined, block, 1, 3, read), 'a block device with the number of null')
})

test('a rule for all devices resets what the rules before it said', (t) => {
  const rules = [
    { allow: true, type: 'b', major: 8, minor: 0, access: 'rwm' },
    { allow: false, access: 'rwm' },
    { allow: true, type: 'b', major: 8, minor: 1, access: 'r' },
  ]
  t.false(allows(rules, block, 8, 0, read))
  t.true(allows(rules, block, 8, 1, read))
  t.false(allows(rules, block, 8, 1, write))
})

test('an access is refused when one of the accesses in it is not allowed', (t) => {
  const rules = [{ allow: true, type: 'c', major: 10, minor: 229, access: 'r' }]
  t.true(allows(rules, char, 10, 229, read))
  t.false(allows(rules, char, 10, 229, read | write))
})

test('accesses that two rules allow may be asked for together', (t) => {
  const rules = [
    { allow: true, type: 'c', major: 10, minor: 229, access: 'r' },
    { allow: true, type: 'c', major: 10, access: 'w' },
  ]
  t.true(allows(rules, char, 10, 229, read | write))
})

test('a denial takes a device out of a wildcard that was allowed before', (t) => {
  const rules = [
    { allow: true, access: 'rwm' },
    { allow: false, type: 'b', major: 8, access: 'w' },
  ]
  t.true(allows(rules, block, 8, 0, read))
  t.false(allows(rules, block, 8, 0, write))
  t.false(allows(rules, block, 8, 0, read | write))
  t.true(allows(rules, block, 9, 0, read | write))
})

test('a rule of type a with a number speaks only for that number', (t) => {
  const rules = [{ allow: true, type: 'a', major: 7, minor: 1, access: 'r' }]
  t.true(allows(rules, char, 7, 1, read))
  t.true(allows(rules, block, 7, 1, read))
  t.false(allows(rules, char, 7, 2, read))
})

test('rules that allow everything need no filter', (t) => {
  t.true(compileDevices([{ allow: true, access: 'rwm' }]).filter.allowsAll)
  t.true(
    compileDevices([
      { allow: false, access: 'rwm' },
      { allow: true, type: 'a', access: 'mwr' },
    ]).filter.allowsAll,
  )
  t.false(compileDevices([{ allow: true, access: 'rw' }]).filter.allowsAll)
  t.false(
    compileDevices([
      { allow: true, access: 'rwm' },
      { allow: false, type: 'b', access: 'w' },
    ]).filter.allowsAll,
  )
  t.false(compileDevices(undefined).filter.allowsAll)
})

test('the program compiled in advance is what the compiler makes of the default rules', (t) => {
  const inAdvance = [undefined, [], [{ allow: false, access: 'rwm' }]].map((rules) => compileDevices(rules).filter)
  const compiled = compileDevices([{ allow: false, access: 'rwm' }, ...defaultRules]).filter
  for (const filter of inAdvance) t.deepEqual(filter, compiled)
  t.true(compiled.program.length / instructionSize <= 40, `${compiled.program.length / instructionSize} instructions`)
})

test('every problem of the rules is reported with its pointer', (t) => {
  const { problems, filter } = compileDevices([
    { allow: true, type: 'p', major: 1, minor: 1, access: 'r' },
    { allow: true, type: 'c', major: -2, minor: 2 ** 32, access: 'rx' },
    { allow: true, type: 'c', access: '' },
    { allow: true, type: 'c' },
  ])
  t.deepEqual(
    problems.map(({ pointer, message }) => `${pointer}: ${message}`),
    [
      '/linux/resources/devices/0/type: "p" is not a type of device; it is one of a, b, c',
      '/linux/resources/devices/1/major: is -2; a device number is 0 to 4294967295',
      '/linux/resources/devices/1/minor: is 4294967296; a device number is 0 to 4294967295',
      '/linux/resources/devices/1/access: access "rx" has letters other than r, w and m',
      '/linux/resources/devices/2/access: device access cannot be empty',
      '/linux/resources/devices/3: device access cannot be empty',
    ],
  )
  t.false(runDeviceProgram(filter.program, { type: char, major: 1, minor: 3, access: read }), 'fails closed')
})

test('as many rules as the kernel takes are compiled, and one more is refused', (t) => {
  const rules = Array.from({ length: maxRules }, (_, i) => ({
    allow: i % 2 === 0,
    type: i % 3 === 0 ? 'b' : 'c',
    major: 300 + i,
    minor: i,
    access: 'rw',
  }))
  const { filter, problems } = compileDevices(rules)
  t.deepEqual(problems, [])
  t.true(filter.program.length / instructionSize < 30_000)
  t.true(runDeviceProgram(filter.program, { type: block, major: 300, minor: 0, access: read }))
  t.false(runDeviceProgram(filter.program, { type: char, major: 301, minor: 1, access: read }))
  const tooMany = compileDevices([...rules, { allow: true, type: 'c', major: 9999, minor: 1, access: 'rw' }])
  t.is(tooMany.problems[0]?.pointer, '/linux/resources/devices')
  t.regex(tooMany.problems[0]?.message ?? '', /has 2001 rules that differ; the kernel takes at most 2000/)
})
