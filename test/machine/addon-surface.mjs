// node|bun addon-surface.mjs ADDON: calls every function of an addon with arguments that do not fit, and with some that do. What a
// function takes is learned from what it refuses: each refusal names an argument. Prints what it is about to call, one line each, so that
// the last line tells what ended the process; a line `fault …` for every answer that is not as it must be; and `done` with numbers.
// To be run where nothing can be harmed: addon-surface.test.ts.
import { closeSync, fstatSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs'

const mostArguments = 10

/** What would end this process, or never return, with arguments that fit: only those are not given. */
const spared = {
  exitNow: 'ends this process',
}
/** Arguments that are a time to wait: a huge one, though it fits, is not given. */
const times = new Set(['ms', 'timeoutMs', 'timeout', 'milliseconds'])

const say = (line) => writeSync(1, line + '\n')
let faults = 0
function fault(text) {
  faults++
  say(`fault ${text}`)
}

/** A descriptor that is open, by a number that no process has; and beside it there is a file, `name`. */
const open = 300
function prepare() {
  // Whatever the last call made of it: a fifo, say, for whose writer the next one would wait.
  for (const name of readdirSync('.')) if (name !== 'descriptor') rmSync(name, { recursive: true, force: true })
  writeFileSync('name', 'text\n')
  try {
    fstatSync(open)
  } catch {
    // Another file: who still has the former one may hold its lock.
    rmSync('descriptor', { force: true })
    for (const below = []; ;) {
      const fd = openSync('descriptor', 'a+')
      if (fd === open) return below.forEach((other) => closeSync(other))
      below.push(fd)
    }
  }
}

function detached() {
  const bytes = new Uint8Array(64)
  globalThis.structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

function shrunk() {
  const buffer = new ArrayBuffer(4096, { maxByteLength: 8192 })
  const bytes = new Uint8Array(buffer, 1024)
  buffer.resize?.(512)
  return bytes
}

function revoked(target) {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

/** An array that, when it is read, takes away the memory of the bytes among the arguments. */
const freeing = (item) => (others) => {
  return Object.defineProperty([1], 0, {
    get() {
      for (const [index, other] of others.entries()) {
        if (!(other instanceof Uint8Array) || other.byteLength === 0) continue
        // Of the same size and contents, for what fits to stay so in the next call.
        const copy = other.slice()
        globalThis.structuredClone(other.buffer, { transfer: [other.buffer] })
        others[index] = copy
      }
      globalThis.gc?.()
      globalThis.Bun?.gc(true)
      return item
    },
  })
}

const throwing = {
  get() {
    throw new RangeError('thrown by the argument')
  },
  getOwnPropertyDescriptor() {
    throw new RangeError('thrown by the argument')
  },
}

/** By kind, what fits most arguments of that kind: tried in turn until nothing is said against an argument. */
const fitting = [
  ['number', open],
  ['number', 2],
  ['number', -1],
  ['string', 'name'],
  ['boolean', false],
  ['bigint', 1n],
  ['array', []],
  ['array', ['name']],
  ['array', [open]],
  ['bytes', new Uint8Array(0)],
  ['bytes', new Uint8Array(8)],
]

/** Where the first that fits in itself does not fit with others. */
const hints = {
  exportOpen: { compression: 'none' },
  runHook: { path: '/name' },
  removeDeep: { path: './name' },
  spawn: { plan: new Uint8Array(64), cloneFlags: 0 },
  systemdCall: { signature: 's', args: ['name'] },
}
/** Less to wait for than a descriptor's number. */
const shortTime = 1

/** By kind, what fits few arguments or none. Made anew for each call where a call could spoil it. */
const odd = [
  ...[
    NaN,
    Infinity,
    -Infinity,
    -0,
    0.5,
    -1,
    -(2 ** 31),
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53,
    1e308,
    5e-324,
  ].map((value) => ['number', String(value), () => value]),
  ...[0n, -1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n, -(2n ** 64n), 2n ** 4096n].map((value) => [
    'bigint',
    `bigint ${String(value).slice(0, 24)}`,
    () => value,
  ]),
  ['string', 'empty string', () => ''],
  ['string', 'NUL in a string', () => 'a\0b'],
  ['string', 'lone surrogates', () => '\ud800x\udfff'],
  ['string', 'a name too long', () => 'x'.repeat(5000)],
  ['string', '%s%n', () => '%s%n%s%n'],
  ['string', 'string of 2 MB', () => 'y'.repeat(2 << 20)],
  ['boolean', 'true', () => true],
  ['undefined', 'undefined', () => undefined],
  ['null', 'null', () => null],
  ['symbol', 'symbol', () => Symbol('s')],
  ['function', 'function', () => () => 1],
  ['function', 'class', () => class {}],
  ['object', 'object', () => ({})],
  ['object', 'frozen object without a prototype', () => Object.freeze(Object.create(null))],
  ['object', 'object with a length', () => ({ length: 2 ** 32 - 1, 0: 'a' })],
  ['object', 'object that throws', () => new Proxy({}, throwing)],
  ['object', 'revoked object', () => revoked({})],
  ['object', 'Number', () => new Number(3)],
  ['object', 'String', () => new String('name')],
  ['object', 'Date', () => new Date(0)],
  ['object', 'promise', () => Promise.resolve()],
  ['object', 'ArrayBuffer', () => new ArrayBuffer(8)],
  ['object', 'detached ArrayBuffer', () => detached().buffer],
  ['object', 'SharedArrayBuffer', () => new SharedArrayBuffer(8)],
  ['object', 'DataView', () => new DataView(new ArrayBuffer(8))],
  ['object', 'Float64Array', () => new Float64Array(2)],
  ['object', 'BigUint64Array', () => new BigUint64Array(2)],
  ['bytes', 'odd bytes', () => new Uint8Array([255, 1, 254, 2, 128, 127, 9])],
  ['bytes', 'bytes of ones', () => new Uint8Array(4096).fill(255)],
  ['bytes', 'small words', () => new Uint8Array(Uint32Array.from({ length: 256 }, (_, index) => index % 7).buffer)],
  ['bytes', 'detached bytes', detached],
  ['bytes', 'bytes out of bounds', shrunk],
  ['bytes', 'shared bytes', () => new Uint8Array(new SharedArrayBuffer(64))],
  ['bytes', '32 MB', () => new Uint8Array(32 << 20)],
  ['array', 'sparse array', () => new Array(2 ** 32 - 1)],
  ['array', 'array of everything', () => [undefined, null, NaN, 'a', {}, 1n, Symbol('s')]],
  ['array', 'array of arrays', () => [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]],
  [
    'array',
    'array of itself',
    () => {
      const array = []
      array.push(array)
      return array
    },
  ],
  ['array', 'array that throws', () => new Proxy(['a'], throwing)],
  ['array', 'array of a string that frees the others', freeing('name')],
  ['array', 'array of a number that frees the others', freeing(open)],
  ['array', 'array of NULs', () => ['\0']],
  ['array', 'array of closed descriptors', () => [2999, 2 ** 31 - 1]],
  ['array', 'array of negative numbers', () => [-1]],
  ['array', 'array of long strings', () => ['z'.repeat(1 << 20), '']],
  ['array', '20,000 strings', () => new Array(20_000).fill('name')],
  ['array', '20,000 numbers', () => new Array(20_000).fill(3)],
]

/** What a call came to: `refused`, naming an argument; `failed`, a system call; `threw` what an argument itself threw; `returned`. */
function outcome(name, call) {
  prepare()
  try {
    return { kind: 'returned', value: call() }
  } catch (error) {
    const argument = error instanceof TypeError ? /^argument '(\w+)' /.exec(error.message)?.[1] : undefined
    if (argument !== undefined) return { kind: 'refused', argument, error }
    if (error instanceof Error && typeof error.syscall === 'string' && Number.isInteger(error.errno) && error.errno > 0)
      return /^E[A-Z0-9]+$/.test(error.code) ? { kind: 'failed', error } : { kind: 'other', error }
    if (error instanceof RangeError && error.message === 'thrown by the argument') return { kind: 'threw', error }
    return { kind: 'other', error }
  }
}

/** Calls that return objects: handles fit only where they come from, and some can be used but once. */
const makers = []

/**
 * Arguments that a function takes, with their kinds and, by position, their names: each is found by what makes it complain about
 * another one, or about none.
 */
function learn(name, f) {
  const taken = { values: [], kinds: [], names: [], make: {} }
  const given = new Array(mostArguments).fill(undefined)
  for (;;) {
    const first = outcome(name, () => f(...given))
    const directory = first.kind === 'failed' && first.error.code === 'ENOTDIR' ? given.indexOf('name') : -1
    if (directory >= 0) {
      given[directory] = taken.values[directory] = '.'
      continue
    }
    if (first.kind !== 'refused') return { ...taken, first }
    const found = fit(name, f, given, first.argument)
    if (found === undefined) return { ...taken, first }
    const { position, kind, value, make } = found
    given[position] = value
    taken.values = given.slice(0, Math.max(taken.values.length, position + 1))
    taken.kinds[position] = kind
    taken.names[position] = first.argument
    if (make !== undefined) taken.make[position] = make
  }
}

function kindOf(value) {
  return value instanceof Uint8Array ? 'bytes' : Array.isArray(value) ? 'array' : typeof value
}

function fit(name, f, given, argument) {
  const hint = hints[name]?.[argument]
  const candidates = [
    ...(hint === undefined ? [] : [[kindOf(hint), hint]]),
    ...fitting,
    ...makers.map((make) => ['handle', make(), make]),
  ]
  for (let position = 0; position < mostArguments; position++) {
    if (given[position] !== undefined) continue
    for (const [kind, value, make] of candidates) {
      const changed = given.with?.(position, value) ?? Object.assign([...given], { [position]: value })
      const next = outcome(name, () => f(...changed))
      if (next.kind === 'refused' && next.argument === argument) continue
      return { position, kind, value: times.has(argument) && kind === 'number' ? shortTime : value, make }
    }
  }
  return undefined
}

function check(name, what, result) {
  if (result.kind === 'other')
    fault(`${name} (${what}): ${String(result.error?.name)}: ${String(result.error?.message).slice(0, 300)}`)
}

/** Every argument in turn is replaced by every odd value, and left out with all that follow. */
function surprise(name, f, { values: first, kinds, names, make: fresh }) {
  let calls = 0
  const values = () => first.map((value, position) => fresh[position]?.() ?? value)
  for (let position = 0; position < first.length; position++) {
    const short = outcome(name, () => f(...values().slice(0, position)))
    check(name, `${position} arguments`, short)
    if (short.kind !== 'refused') fault(`${name}: takes ${position} arguments, but should ${first.length}`)
    for (const [kind, described, make] of odd) {
      if (kind === 'number' && (name in spared || times.has(names[position])) && Number.isInteger(make())) continue
      const what = `'${names[position]}' is ${described}`
      say(`call ${name}: ${what}`)
      const changed = values()
      changed[position] = make(changed)
      const result = outcome(name, () => f(...changed))
      calls++
      check(name, what, result)
      if (kind !== kinds[position] && result.kind !== 'refused' && result.kind !== 'threw')
        fault(`${name} (${what}): ${result.kind}, but it takes a ${kinds[position]}`)
      if (kind !== kinds[position] && result.kind === 'refused' && result.argument !== names[position])
        fault(`${name} (${what}): it complains about '${result.argument}'`)
    }
  }
  if (first.length > 1)
    for (const [, described, make] of odd) {
      say(`call ${name}: all are ${described}`)
      const all = first.map(() => make([]))
      if (!first.every((_, index) => name in spared || times.has(names[index])))
        check(
          name,
          `all are ${described}`,
          outcome(name, () => f(...all)),
        )
      calls++
    }
  if (!(name in spared)) {
    say(`call ${name}: of another object, and as a constructor`)
    check(
      name,
      'of another object',
      outcome(name, () => f.apply(Symbol('s'), values())),
    )
    const constructed = outcome(name, () => Reflect.construct(f, values()))
    if (!(constructed.error instanceof TypeError)) check(name, 'as a constructor', constructed)
  }
  return calls
}

const module = { exports: {} }
process.dlopen(module, process.argv[2])
const names = Object.keys(module.exports)
const learned = new Map()
// Twice: a handle is there only once a function returned it.
for (let pass = 0; pass < 2; pass++) {
  for (const name of names) {
    const f = module.exports[name]
    if (typeof f !== 'function') {
      fault(`${name} is no function`)
      continue
    }
    if (name in spared || (pass === 1 && learned.get(name).first.kind !== 'refused')) continue
    say(`learn ${name}`)
    const known = learn(name, f)
    learned.set(name, known)
    check(name, 'arguments that fit', known.first)
    const value = known.first.value
    if (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
      makers.push(() => outcome(name, () => f(...known.values)).value)
  }
}
learned.set('exitNow', { values: [0], kinds: ['number'], names: ['code'], make: {}, first: { kind: 'returned' } })
let calls = 0
for (const [name, known] of learned) {
  if (known.first.kind === 'refused')
    fault(`${name}: what fits '${known.first.argument}' is not known: ${known.first.error.message}`)
  calls += surprise(name, module.exports[name], known)
}
// What is freed is freed while somebody looks.
globalThis.gc?.()
globalThis.Bun?.gc(true)
say(
  `done ${names.length} functions, ${[...learned.values()].reduce((sum, { values }) => sum + values.length, 0)} arguments, ${calls} calls, ${faults} faults`,
)
say(`learned ${[...learned].map(([name, { names }]) => `${name}(${names.join(', ')})`).join('; ')}`)
process.exit(0)
