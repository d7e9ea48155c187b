import test from 'ava'
import { exactIntegers } from '../../../src/spec/exact.ts'
import { problemsWith, warningsWith } from './config.ts'

const seccomp = (fields: object) => ({
  '/linux/seccomp': { defaultAction: 'SCMP_ACT_ERRNO', ...fields },
})
const rule = (fields: object) => seccomp({ syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW', ...fields }] })

const notify = { names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }

// covers: /linux/seccomp/defaultAction, /linux/seccomp/syscalls/*/action, /linux/seccomp/architectures, /linux/seccomp/flags
// covers: /linux/seccomp/syscalls/*/args/*/op
for (const [what, changes, problem] of [
  ['an action', seccomp({ defaultAction: 'SCMP_ACT_DENY' }), /^\/linux\/seccomp\/defaultAction must be S/],
  ['an action of a rule', rule({ action: 'ALLOW' }), /^\/linux\/seccomp\/syscalls\/0\/action must be S/],
  ['an architecture', seccomp({ architectures: ['x86'] }), /^\/linux\/seccomp\/architectures\/0 must be S/],
  ['a flag', seccomp({ flags: ['LOG'] }), /^\/linux\/seccomp\/flags\/0 must be S/],
  [
    'an operator',
    rule({ args: [{ index: 0, value: 1, op: '==' }] }),
    /^\/linux\/seccomp\/syscalls\/0\/args\/0\/op must be S/,
  ],
] as const) {
  test(`${what} that nobody knows is refused at its place`, (t) => {
    const problems = problemsWith(changes)
    t.is(problems.length, 1, problems.join('\n'))
    t.regex(problems[0]!, problem)
  })
}

// covers: /linux/seccomp/defaultErrnoRet, /linux/seccomp/syscalls/*/errnoRet
// covers: config-linux.md#seccomp/default-errno-unsupported, config-linux.md#seccomp/errno-unsupported
test('an errno for an action that has none is refused', (t) => {
  t.deepEqual(problemsWith(rule({ errnoRet: 1 })), [
    '/linux/seccomp/syscalls/0/errnoRet must not be there: SCMP_ACT_ALLOW has no errno',
  ])
  t.deepEqual(problemsWith(seccomp({ defaultAction: 'SCMP_ACT_KILL', defaultErrnoRet: 1 })), [
    '/linux/seccomp/defaultErrnoRet must not be there: SCMP_ACT_KILL has no errno',
  ])
  t.deepEqual(problemsWith(rule({ action: 'SCMP_ACT_TRACE', errnoRet: 65535 })), [])
  t.deepEqual(problemsWith(seccomp({ defaultErrnoRet: 38 })), [])
})

test('an errno that the kernel cannot give is refused', (t) => {
  t.deepEqual(problemsWith(seccomp({ defaultErrnoRet: 4095 })), [
    '/linux/seccomp/defaultErrnoRet must be at most 4094, is a number (4095)',
  ])
  t.deepEqual(problemsWith(rule({ action: 'SCMP_ACT_TRACE', errnoRet: 65536 })), [
    '/linux/seccomp/syscalls/0/errnoRet must be at most 65535, is a number (65536)',
  ])
})

// covers: /linux/seccomp/syscalls/*/names, /linux/seccomp/syscalls/*/args/*/index, config-linux.md#seccomp/names-required
test('a rule names a call, and arguments that calls have', (t) => {
  t.deepEqual(problemsWith(rule({ names: [] })), ['/linux/seccomp/syscalls/0/names must have at least one item'])
  t.deepEqual(problemsWith(rule({ names: ['read', ''] })), ['/linux/seccomp/syscalls/0/names/1 must not be empty'])
  t.deepEqual(problemsWith(rule({ args: [{ index: 6, value: 1, op: 'SCMP_CMP_EQ' }] })), [
    '/linux/seccomp/syscalls/0/args/0/index must be less than 6, is a number (6): system calls have that many arguments',
  ])
})

// covers: /linux/seccomp/listenerPath, /linux/seccomp/listenerMetadata, config-linux.md#seccomp/metadata-alone
test('a listener is told where it is needed, and metadata only with it', (t) => {
  t.deepEqual(problemsWith(seccomp({ syscalls: [notify] })), [
    '/linux/seccomp/listenerPath is required: a rule has SCMP_ACT_NOTIFY, and its listener must be known',
  ])
  t.deepEqual(problemsWith(seccomp({ listenerMetadata: 'x' })), [
    '/linux/seccomp/listenerMetadata must not be there without listenerPath',
  ])
  t.deepEqual(problemsWith(seccomp({ listenerPath: '/a', listenerMetadata: 'x' })), [])
  t.deepEqual(problemsWith(seccomp({ listenerPath: '', listenerMetadata: '' })), [])
  t.deepEqual(problemsWith(seccomp({ syscalls: [notify], listenerPath: '/a' })), [])
})

test('what would wait for ever is refused', (t) => {
  t.deepEqual(problemsWith(seccomp({ defaultAction: 'SCMP_ACT_NOTIFY', listenerPath: '/a' })), [
    '/linux/seccomp/defaultAction must not be SCMP_ACT_NOTIFY: every call would wait for a listener that is not there yet',
  ])
  const syscalls = [notify, { names: ['read', 'write'], action: 'SCMP_ACT_NOTIFY' }]
  t.deepEqual(problemsWith(seccomp({ syscalls, listenerPath: '/a' })), [
    '/linux/seccomp/syscalls/1/names/1 must not be "write" with SCMP_ACT_NOTIFY: the listener is handed over by a write(2)',
  ])
})

// covers: /linux/seccomp/flags
test('a flag that means nothing without a listener is a warning', (t) => {
  const flags = ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV']
  t.deepEqual(problemsWith(seccomp({ flags })), [])
  t.deepEqual(warningsWith(seccomp({ flags })), [
    '/linux/seccomp/flags/1 is ignored: it means something with SCMP_ACT_NOTIFY only',
  ])
  t.deepEqual(warningsWith(seccomp({ flags, listenerPath: '/a', syscalls: [notify] })), [])
})

test('integers beyond 2^53 are read with all their digits', (t) => {
  const text = '\ufeff{ "a": [ 1, 18446744073709551516 ], "a/b": 1e19, "c": { "d": 9007199254740993 }, "e": 12 }'
  t.deepEqual(
    exactIntegers(text, ['/a/1', '/a~1b', '/c/d', '/e']),
    new Map([
      ['/a/1', 18446744073709551516n],
      ['/a~1b', 10_000_000_000_000_000_000n],
      ['/c/d', 9007199254740993n],
      ['/e', 12n],
    ]),
  )
})
