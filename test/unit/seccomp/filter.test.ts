/** linux.seccomp compiled by this machine's libseccomp, and asked what it answers. */
import test from 'ava'
import { readFileSync } from 'node:fs'
import { directHost } from '../../../src/host/direct.ts'
import { compileFilter } from '../../../src/runtime/seccomp-compile.ts'
import { architectures } from '../../../src/seccomp/names.ts'
import { InvalidConfigError } from '../../../src/errors.ts'
import type { Seccomp, SeccompArgument, SeccompRule } from '../../../src/spec/schema.gen.ts'
import { answer, type Call } from './machine.ts'

const host = directHost()
const none = new Map<string, bigint>()
const { SCMP_ARCH_X86: x86, SCMP_ARCH_AARCH64: arm64 } = architectures

const [KILL_THREAD, KILL_PROCESS, TRAP, ALLOW, LOG, NOTIFY] = [
  0, 0x80000000, 0x30000, 0x7fff0000, 0x7ffc0000, 0x7fc00000,
]
const ERRNO = (errno: number) => 0x00050000 + errno
const TRACE = (data: number) => 0x7ff00000 + data
const [EPERM, ENOSYS] = [1, 38]

/** Numbers of x86-64. */
const [read, mkdir, getuid, personality, clone, clone3] = [0, 83, 102, 135, 56, 435]
const x32Bit = 0x40000000

const programs = new Map<string, Promise<{ program: Uint8Array; unknown: string[] }>>()

/** Compiled for x86-64, where the tests run: the library takes the numbers of its own architecture. */
function compiled(seccomp: Seccomp, exact: ReadonlyMap<string, bigint> = none) {
  const key = JSON.stringify([seccomp, [...exact].map(String)])
  const known = programs.get(key) ?? compileFilter(host, seccomp, exact, 'x64')
  programs.set(key, known)
  return known
}

async function ask(seccomp: Seccomp, call: Call, exact = none): Promise<number> {
  return answer((await compiled(seccomp, exact)).program, call)
}

const rule = (names: string[], action: SeccompRule['action'], rest: Partial<SeccompRule> = {}): SeccompRule => ({
  names,
  action,
  ...rest,
})

// covers: /linux/seccomp/syscalls/*/action, /linux/seccomp/syscalls/*/names, /linux/seccomp/syscalls
for (const [action, expected] of [
  ['SCMP_ACT_KILL', KILL_THREAD],
  ['SCMP_ACT_KILL_THREAD', KILL_THREAD],
  ['SCMP_ACT_KILL_PROCESS', KILL_PROCESS],
  ['SCMP_ACT_TRAP', TRAP],
  ['SCMP_ACT_ERRNO', ERRNO(EPERM)],
  ['SCMP_ACT_TRACE', TRACE(EPERM)],
  ['SCMP_ACT_LOG', LOG],
  ['SCMP_ACT_NOTIFY', NOTIFY],
] as const) {
  test(`${action} of a rule is what its call gets, and no other`, async (t) => {
    const profile: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule(['mkdir'], action)] }
    t.is(await ask(profile, { number: mkdir }), expected)
    t.is(await ask(profile, { number: read }), ALLOW)
  })
}

// covers: /linux/seccomp/defaultAction
for (const [defaultAction, expected] of [
  ['SCMP_ACT_KILL', KILL_THREAD],
  ['SCMP_ACT_KILL_THREAD', KILL_THREAD],
  ['SCMP_ACT_KILL_PROCESS', KILL_PROCESS],
  ['SCMP_ACT_TRAP', TRAP],
  ['SCMP_ACT_ERRNO', ERRNO(EPERM)],
  ['SCMP_ACT_TRACE', TRACE(EPERM)],
  ['SCMP_ACT_LOG', LOG],
] as const) {
  test(`${defaultAction} by default is what calls get that no rule names`, async (t) => {
    const profile: Seccomp = { defaultAction, syscalls: [rule(['mkdir', 'clone3'], 'SCMP_ACT_ALLOW')] }
    t.is(await ask(profile, { number: read }), expected)
    t.is(await ask(profile, { number: mkdir }), ALLOW)
  })
}

// covers: /linux/seccomp/defaultErrnoRet, /linux/seccomp/syscalls/*/errnoRet
test('an errno is the one that is given, of rules and by default', async (t) => {
  const profile: Seccomp = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 77,
    syscalls: [
      rule(['mkdir'], 'SCMP_ACT_ERRNO', { errnoRet: 0 }),
      rule(['getuid'], 'SCMP_ACT_TRACE', { errnoRet: 0xffff }),
      rule(['personality'], 'SCMP_ACT_ERRNO', { errnoRet: 4094 }),
      rule(['clone3'], 'SCMP_ACT_ERRNO'),
    ],
  }
  t.is(await ask(profile, { number: read }), ERRNO(77))
  t.is(await ask(profile, { number: mkdir }), ERRNO(0))
  t.is(await ask(profile, { number: getuid }), TRACE(0xffff))
  t.is(await ask(profile, { number: personality }), ERRNO(4094))
  t.is(await ask(profile, { number: clone3 }), ERRNO(EPERM))
})

/** A rule on the second argument of getuid(2). */
const conditional = (...args: SeccompArgument[]): Seccomp => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [rule(['getuid'], 'SCMP_ACT_ERRNO', { args })],
})

const most = (1n << 64n) - 1n

// covers: /linux/seccomp/syscalls/*/args/*/op, /linux/seccomp/syscalls/*/args/*/value, /linux/seccomp/syscalls/*/args/*/index
for (const [op, holds] of [
  ['SCMP_CMP_NE', (a: bigint, b: bigint) => a !== b],
  ['SCMP_CMP_LT', (a: bigint, b: bigint) => a < b],
  ['SCMP_CMP_LE', (a: bigint, b: bigint) => a <= b],
  ['SCMP_CMP_EQ', (a: bigint, b: bigint) => a === b],
  ['SCMP_CMP_GE', (a: bigint, b: bigint) => a >= b],
  ['SCMP_CMP_GT', (a: bigint, b: bigint) => a > b],
] as const) {
  test(`${op} compares all 64 bits without sign`, async (t) => {
    for (const value of [0n, 5n, 1n << 32n, (1n << 32n) - 1n, (1n << 32n) + 5n, 1n << 53n]) {
      const profile = conditional({ index: 1, value: Number(value), op })
      for (const arg of [0n, 4n, 5n, 6n, (1n << 32n) - 1n, 1n << 32n, (1n << 32n) + 5n, 1n << 53n, 1n << 63n, most]) {
        const expected = holds(arg, value) ? ERRNO(EPERM) : ALLOW
        t.is(await ask(profile, { number: getuid, args: [99n, arg] }), expected, `${arg} ${op} ${value}`)
      }
    }
  })
}

// covers: /linux/seccomp/syscalls/*/args/*/valueTwo
test('SCMP_CMP_MASKED_EQ compares the bits of value with valueTwo', async (t) => {
  const profile = conditional({ index: 1, value: 0xf0, valueTwo: 0x50, op: 'SCMP_CMP_MASKED_EQ' })
  for (const [arg, hit] of [
    [0x50n, true],
    [0x5fn, true],
    [0xff_0000_0050n, true],
    [0x70n, false],
    [0n, false],
  ] as const)
    t.is(await ask(profile, { number: getuid, args: [0n, arg] }), hit ? ERRNO(EPERM) : ALLOW, String(arg))
})

test('every one of the six arguments can be asked for', async (t) => {
  for (let index = 0; index < 6; index++) {
    const profile = conditional({ index, value: 7, op: 'SCMP_CMP_EQ' })
    const args = [0n, 0n, 0n, 0n, 0n, 0n]
    t.is(await ask(profile, { number: getuid, args }), ALLOW)
    args[index] = 7n
    t.is(await ask(profile, { number: getuid, args }), ERRNO(EPERM))
  }
})

test('a value beyond 2^53 is compared as it stands in the text', async (t) => {
  // AT_FDCWD as an unsigned number: JSON.parse makes 2^64 of it.
  const value = most - 99n
  const profile = conditional({ index: 0, value: Number(value), op: 'SCMP_CMP_EQ' })
  const exact = new Map([['/linux/seccomp/syscalls/0/args/0/value', value]])
  t.is(await ask(profile, { number: getuid, args: [-100n] }, exact), ERRNO(EPERM))
  for (const other of [-1n, -99n, -101n]) t.is(await ask(profile, { number: getuid, args: [other] }, exact), ALLOW)
})

// covers: /linux/seccomp/syscalls/*/args
test('conditions on different arguments must all hold; of those on the same one it is enough that one does, as with runc', async (t) => {
  const both = conditional({ index: 0, value: 1, op: 'SCMP_CMP_EQ' }, { index: 1, value: 2, op: 'SCMP_CMP_EQ' })
  t.is(await ask(both, { number: getuid, args: [1n, 2n] }), ERRNO(EPERM))
  t.is(await ask(both, { number: getuid, args: [1n, 3n] }), ALLOW)
  t.is(await ask(both, { number: getuid, args: [3n, 2n] }), ALLOW)
  const either = conditional({ index: 0, value: 1, op: 'SCMP_CMP_EQ' }, { index: 0, value: 2, op: 'SCMP_CMP_EQ' })
  t.is(await ask(either, { number: getuid, args: [1n] }), ERRNO(EPERM))
  t.is(await ask(either, { number: getuid, args: [2n] }), ERRNO(EPERM))
  t.is(await ask(either, { number: getuid, args: [3n] }), ALLOW)
})

test('a name that the library does not know is left out, and told', async (t) => {
  const profile: Seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [rule(['mkdir', 'no_such_call'], 'SCMP_ACT_ERRNO')],
  }
  t.deepEqual((await compiled(profile)).unknown, ['no_such_call'])
  t.is(await ask(profile, { number: mkdir }), ERRNO(EPERM))
})

test('a rule that says what happens anyhow is no fault', async (t) => {
  const profile: Seccomp = {
    defaultAction: 'SCMP_ACT_KILL_THREAD',
    syscalls: [
      rule(['mkdir'], 'SCMP_ACT_KILL'),
      rule(['read', 'read'], 'SCMP_ACT_ALLOW'),
      rule(['read'], 'SCMP_ACT_ALLOW'),
    ],
  }
  t.is(await ask(profile, { number: mkdir }), KILL_THREAD)
  t.is(await ask(profile, { number: read }), ALLOW)
})

// covers: /linux/seccomp/architectures
test('calls of another architecture are filtered where it is listed, and killed where it is not', async (t) => {
  const syscalls = [rule(['getpid'], 'SCMP_ACT_ERRNO')]
  const native: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls }
  const all: Seccomp = { ...native, architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'] }
  t.is(await ask(native, { number: 39 }), ERRNO(EPERM))
  t.is(await ask(native, { number: 20, architecture: x86 }), KILL_THREAD)
  t.is(await ask(native, { number: x32Bit + 39 }), KILL_THREAD)
  t.is(await ask(all, { number: 39 }), ERRNO(EPERM))
  t.is(await ask(all, { number: 20, architecture: x86 }), ERRNO(EPERM))
  t.is(await ask(all, { number: 39, architecture: x86 }), ALLOW)
  t.is(await ask(all, { number: x32Bit + 39 }), ERRNO(EPERM))
  t.is(await ask(all, { number: 172, architecture: arm64 }), KILL_THREAD)
})

test('a call newer than the profile answers ENOSYS where the default refuses, in every architecture', async (t) => {
  const syscalls = [rule(['read', 'clone3'], 'SCMP_ACT_ALLOW')]
  for (const defaultAction of ['SCMP_ACT_ERRNO', 'SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_TRAP'] as const) {
    const profile: Seccomp = { defaultAction, architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'], syscalls }
    for (const base of [0, x32Bit]) {
      t.is(await ask(profile, { number: base + clone3 }), ALLOW)
      t.is(await ask(profile, { number: base + clone3 + 1 }), ERRNO(ENOSYS))
      t.not(await ask(profile, { number: base + clone3 - 1 }), ERRNO(ENOSYS))
    }
    t.is(await ask(profile, { number: clone3 + 1, architecture: x86 }), ERRNO(ENOSYS))
  }
  for (const defaultAction of ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'] as const)
    t.not(await ask({ defaultAction, syscalls: [rule(['read'], 'SCMP_ACT_TRAP')] }, { number: 999 }), ERRNO(ENOSYS))
})

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../seccomp/${name}.json`, import.meta.url), 'utf8')) as Seccomp

test("Docker's default profile allows, refuses and answers as it says", async (t) => {
  const docker = fixture('docker-default')
  const { program } = await compiled(docker)
  const says = (number: number, ...args: bigint[]) => answer(program, { number, args })
  t.is(says(read), ALLOW)
  t.is(says(mkdir), ALLOW)
  // mount, keyctl: no rule of default capabilities.
  t.is(says(165), ERRNO(EPERM))
  t.is(says(250), ERRNO(EPERM))
  t.is(says(clone3), ERRNO(ENOSYS))
  // clone(2) without and with CLONE_NEWUSER.
  t.is(says(clone, 0x1200011n), ALLOW)
  t.is(says(clone, 0x10000000n), ERRNO(EPERM))
  t.is(says(personality, 8n), ALLOW)
  t.is(says(personality, 9n), ERRNO(EPERM))
  t.is(says(personality, 0xffffffffn), ALLOW)
  t.is(says(10_000), ERRNO(ENOSYS))
  // write of i386, openat of x32.
  t.is(answer(program, { number: 4, architecture: x86 }), ALLOW)
  t.is(says(x32Bit + 257), ALLOW)
  t.is(answer(program, { number: 183, architecture: arm64 }), KILL_THREAD)
})

test("Podman's default profile allows, refuses and answers as it says", async (t) => {
  const { program } = await compiled(fixture('podman-default'))
  const says = (number: number, ...args: bigint[]) => answer(program, { number, args })
  t.is(says(read), ALLOW)
  t.is(says(clone3), ALLOW)
  // kexec_load, and socket(AF_NETLINK, …, NETLINK_AUDIT) without CAP_AUDIT_WRITE.
  t.is(says(246), ERRNO(EPERM))
  t.is(says(41, 16n, 3n, 9n), ERRNO(22))
  t.is(says(41, 2n, 1n, 0n), ALLOW)
  t.is(says(10_000), ERRNO(ENOSYS))
})

test('a binary tree answers as the list of rules does', async (t) => {
  // With a default that lets newer calls pass to the filter.
  const docker: Seccomp = { defaultAction: 'SCMP_ACT_TRACE', ...without(fixture('docker-default')) }
  const { program } = await compiled(docker)
  // Below the number of rules for which there is a tree.
  const all = docker.syscalls!.flatMap(({ names, ...rest }) => names.map((name) => ({ names: [name], ...rest })))
  const parts: Uint8Array[] = []
  for (let at = 0; at < all.length; at += 30)
    parts.push((await compiled({ ...docker, syscalls: all.slice(at, at + 30) })).program)
  const x64 = (await compiled({ ...docker, architectures: [] })).program
  t.true(x64.length < program.length)
  for (const [base, architecture] of [
    [0, undefined],
    [x32Bit, undefined],
    [0, x86],
  ] as const) {
    for (let number = 0; number <= 440; number++) {
      const call: Call = { number: base + number, args: [1n, 1n, 1n], ...(architecture && { architecture }) }
      const expected = parts.some((part) => answer(part, call) === ALLOW)
      const got = answer(program, call)
      t.is(got === ALLOW, expected, `${number} of ${architecture ?? base}`)
    }
  }
})

const without = ({ architectures, syscalls }: Seccomp) => ({ architectures: architectures!, syscalls: syscalls! })

/** Problems of a profile that passed the checks of a configuration. */
async function refusals(seccomp: Seccomp): Promise<string[]> {
  const error = await t_throws(() => compileFilter(host, seccomp, none, 'x64'))
  return error.problems.map(({ pointer, message }) => `${pointer} ${message}`)
}
async function t_throws(action: () => Promise<unknown>): Promise<InvalidConfigError> {
  try {
    await action()
  } catch (error) {
    if (error instanceof InvalidConfigError) return error
    throw error
  }
  throw new Error('was compiled')
}

test('what libseccomp refuses is told at its field', async (t) => {
  const defaultAction = 'SCMP_ACT_ALLOW'
  t.deepEqual(await refusals({ defaultAction, architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_S390X'] }), [
    '/linux/seccomp/architectures/1 must have the byte order of this machine',
  ])
  t.deepEqual(await refusals({ defaultAction, architectures: ['SCMP_ARCH_SH'] }), [
    '/linux/seccomp/architectures/0 is not known to libseccomp (invalid argument)',
  ])
  const args: SeccompArgument[] = [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' }]
  const contradiction = [
    rule(['read'], 'SCMP_ACT_LOG'),
    rule(['mkdir'], 'SCMP_ACT_TRAP', { args }),
    rule(['mkdir'], 'SCMP_ACT_LOG', { args }),
  ]
  t.deepEqual(await refusals({ defaultAction, syscalls: contradiction }), [
    '/linux/seccomp/syscalls/2 contradicts an earlier rule: the same call with the same conditions has another action',
  ])
})

test('a filter that the kernel would not take for its length is told at its rules', async (t) => {
  const syscalls = Array.from({ length: 2000 }, (_, value) =>
    rule(['mkdir'], 'SCMP_ACT_ERRNO', { args: [{ index: 0, value: value * 2 ** 33, op: 'SCMP_CMP_EQ' }] }),
  )
  const [problem] = await refusals({ defaultAction: 'SCMP_ACT_ALLOW', syscalls })
  t.regex(problem!, /^\/linux\/seccomp\/syscalls must have fewer rules: they take \d+ instructions, of at most 4096$/)
})

test('a digest is SHA-256', async (t) => {
  // FIPS 180-4, examples; and lengths around a block.
  t.is(await host.seccomp.digest('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  const { createHash } = await import('node:crypto')
  for (const length of [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 20_000]) {
    const text = 'ü'.repeat(length >> 1) + 'x'.repeat(length & 1)
    t.is(await host.seccomp.digest(text), createHash('sha256').update(text).digest('hex'), String(length))
  }
})
