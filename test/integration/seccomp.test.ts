import test, { type ExecutionContext } from 'ava'
import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Process, Seccomp, SeccompArgument, SeccompRule } from '../../src/spec/schema.gen.ts'
import { eventually, lacks, lines, Sandbox, type Result } from './harness.ts'

const here = path.dirname(fileURLToPath(import.meta.url))

/** Numbers of x86-64; `i386 20` is getpid, too. */
const nr = { read: 0, write: 1, getpid: 39, mkdir: 83, getuid: 102, mount: 165, getppid: 110 }
const EPERM = -1
const ENOSYS = -38
const [SIGSYS, killed] = [31, 128 + 31]

let program: string | undefined

/** The freestanding program of inside/call.c, built once. */
function callProgram(): string {
  if (program !== undefined) return program
  const source = path.join(here, 'inside/call.c')
  const target = path.join(here, '../../build/test/call')
  if (!existsSync(target) || statSync(target).mtimeMs < statSync(source).mtimeMs) {
    mkdirSync(path.dirname(target), { recursive: true })
    const flags =
      '-static -nostdlib -nostartfiles -ffreestanding -fno-stack-protector -fno-pic -no-pie -fcf-protection=none -mno-red-zone -Os'
    const { status, stderr } = spawnSync('cc', [...flags.split(' '), '-o', target, source], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`cannot build the program that makes calls: ${stderr}`)
  }
  return (program = target)
}

/** A container with a filter, whose program makes calls: see inside/call.c. */
function sandboxWith(
  t: ExecutionContext,
  seccomp: Seccomp,
  calls: string,
  change: (process: Process) => void = () => undefined,
): Sandbox {
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.seccomp = seccomp
    spec.process!.args = ['/bin/call', ...calls.split(' ')]
    change(spec.process!)
  })
  copyFileSync(callProgram(), path.join(sandbox.rootfs, 'bin/call'))
  return sandbox
}

function run(t: ExecutionContext, seccomp: Seccomp, calls: string, change?: (process: Process) => void): Result {
  return sandboxWith(t, seccomp, calls, change).runContainer()
}

/** What the calls of a container gave. */
function results(t: ExecutionContext, seccomp: Seccomp, calls: string): number[] {
  const { status, stdout, stderr } = run(t, seccomp, calls)
  t.is(status, 0, stderr)
  return lines(stdout).map(Number)
}

const rule = (name: string, action: SeccompRule['action'], rest: Partial<SeccompRule> = {}): SeccompRule => ({
  names: [name],
  action,
  ...rest,
})
const allowing = (...syscalls: SeccompRule[]): Seccomp => ({ defaultAction: 'SCMP_ACT_ALLOW', syscalls })

// covers: config-linux.md#seccomp, /linux/seccomp, /linux/seccomp/syscalls/*/action, /linux/seccomp/syscalls/*/errnoRet
test('a refused call gives EPERM, or the errno that the rule names', (t) => {
  const profile = allowing(rule('getuid', 'SCMP_ACT_ERRNO'), rule('getppid', 'SCMP_ACT_ERRNO', { errnoRet: 77 }))
  t.deepEqual(results(t, profile, `${nr.getpid} , ${nr.getuid} , ${nr.getppid}`), [1, EPERM, -77])
})

// covers: /linux/seccomp/defaultAction, /linux/seccomp/defaultErrnoRet
test('a call that no rule names gives the default', (t) => {
  const allow = ['execve', 'write', 'exit_group', 'getpid', 'read', 'close', 'close_range', 'futex', 'clone3']
  const profile: Seccomp = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 77,
    syscalls: [{ names: allow, action: 'SCMP_ACT_ALLOW' }],
  }
  if (lacks(t, 'runt')) return
  t.deepEqual(results(t, profile, `${nr.getpid} , ${nr.getuid} , 10000`), [1, -77, ENOSYS])
})

for (const action of ['SCMP_ACT_KILL', 'SCMP_ACT_KILL_THREAD'] as const) {
  test(`${action} ends the thread by SIGSYS, and no other`, (t) => {
    t.deepEqual(results(t, allowing(rule('getuid', action)), `thread ${nr.getuid} , ${nr.getpid}`), [1])
    t.is(run(t, allowing(rule('getuid', action)), `${nr.getuid} , ${nr.getpid}`).status, killed)
  })
}

test('SCMP_ACT_KILL_PROCESS ends all threads by SIGSYS', (t) => {
  const { status, stdout } = run(
    t,
    allowing(rule('getuid', 'SCMP_ACT_KILL_PROCESS')),
    `thread ${nr.getuid} , ${nr.getpid}`,
  )
  t.deepEqual([status, stdout], [killed, ''])
})

test('SCMP_ACT_TRAP sends SIGSYS, which a program can catch', (t) => {
  const profile = allowing(rule('getuid', 'SCMP_ACT_TRAP'))
  t.is(run(t, profile, String(nr.getuid)).status, killed)
  const [caught] = results(t, profile, `trap ${nr.getuid}`)
  t.is(caught, 1_000_000 + nr.getuid, `the handler sees the call of signal ${SIGSYS}`)
})

test('SCMP_ACT_TRACE without a tracer gives ENOSYS', (t) => {
  t.deepEqual(results(t, allowing(rule('getuid', 'SCMP_ACT_TRACE', { errnoRet: 5 })), String(nr.getuid)), [ENOSYS])
})

test('SCMP_ACT_LOG and SCMP_ACT_ALLOW let a call pass', (t) => {
  const profile: Seccomp = { defaultAction: 'SCMP_ACT_LOG', syscalls: [rule('getpid', 'SCMP_ACT_ALLOW')] }
  t.deepEqual(results(t, profile, `${nr.getpid} , ${nr.getuid}`), [1, 0])
})

// covers: /linux/seccomp/syscalls/*/args, /linux/seccomp/syscalls/*/args/*/op, /linux/seccomp/syscalls/*/args/*/value
// covers: /linux/seccomp/syscalls/*/args/*/valueTwo, /linux/seccomp/syscalls/*/args/*/index
for (const [op, hits] of [
  ['SCMP_CMP_NE', [4, 6, 4294967301]],
  ['SCMP_CMP_LT', [4]],
  ['SCMP_CMP_LE', [4, 5]],
  ['SCMP_CMP_EQ', [5]],
  ['SCMP_CMP_GE', [5, 6, 4294967301]],
  ['SCMP_CMP_GT', [6, 4294967301]],
  ['SCMP_CMP_MASKED_EQ', [5, 4294967301]],
] as const) {
  test(`${op} refuses by the argument's value`, (t) => {
    const arg: SeccompArgument =
      op === 'SCMP_CMP_MASKED_EQ' ? { index: 2, value: 7, valueTwo: 5, op } : { index: 2, value: 5, op }
    const values = [4, 5, 6, 4294967301]
    const got = results(
      t,
      allowing(rule('getuid', 'SCMP_ACT_ERRNO', { args: [arg] })),
      values.map((value) => `${nr.getuid} 0 0 ${value}`).join(' , '),
    )
    t.deepEqual(
      got,
      values.map((value) => ((hits as readonly number[]).includes(value) ? EPERM : 0)),
    )
  })
}

test('a value of 64 bits is taken to the bit', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = sandboxWith(
    t,
    allowing(rule('getuid', 'SCMP_ACT_ERRNO', { args: [{ index: 0, value: 123456789, op: 'SCMP_CMP_EQ' }] })),
    `${nr.getuid} -100 , ${nr.getuid} -1 , ${nr.getuid} -99`,
  )
  const config = path.join(sandbox.bundle, 'config.json')
  sandbox.writeConfig(readFileSync(config, 'utf8').replace('123456789', '18446744073709551516'))
  t.deepEqual(lines(sandbox.runContainer().stdout).map(Number), [EPERM, 0, 0])
})

// covers: /linux/seccomp/architectures
test('calls of i386 and x32 are filtered where they are listed, and end the program where they are not', (t) => {
  const profile = allowing(rule('getpid', 'SCMP_ACT_ERRNO', { errnoRet: 77 }))
  const all: Seccomp = { ...profile, architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'] }
  t.deepEqual(results(t, all, `${nr.getpid} , i386 20 , x32 ${nr.getpid} , i386 24`), [-77, -77, -77, 0])
  t.is(run(t, profile, `i386 20`).status, killed)
  t.is(run(t, profile, `x32 ${nr.getpid}`).status, killed)
})

test('names of system calls that nobody knows are ignored', (t) => {
  t.deepEqual(
    results(t, allowing({ names: ['no_such_call', 'getuid'], action: 'SCMP_ACT_ERRNO' }), String(nr.getuid)),
    [EPERM],
  )
})

// covers: /linux/seccomp/flags
for (const flags of [
  undefined,
  [],
  ['SECCOMP_FILTER_FLAG_LOG'],
  ['SECCOMP_FILTER_FLAG_SPEC_ALLOW', 'SECCOMP_FILTER_FLAG_TSYNC'],
] as (Seccomp['flags'] | undefined)[]) {
  test(`the kernel takes a filter with flags ${JSON.stringify(flags)}`, (t) => {
    if (flags !== undefined && lacks(t, 'runt')) return
    const sandbox = sandboxWith(t, { ...allowing(rule('getuid', 'SCMP_ACT_ERRNO')), ...(flags && { flags }) }, '')
    sandbox.configure((spec) => {
      spec.linux!.seccomp = { ...allowing(rule('mkdir', 'SCMP_ACT_ERRNO')), ...(flags && { flags }) }
      spec.process!.args = ['inside', 'status', 'Seccomp', '--', 'status', 'Speculation_Store', '--', 'mkdir', '/tmp/a']
    })
    const { stdout, stderr } = sandbox.runContainer()
    t.regex(stdout, /^Seccomp:\t2$/m, stderr)
    t.regex(stdout, /^mkdir: mkdir: EPERM$/m)
    // With SPEC_ALLOW the kernel does not turn the mitigation on by force; where it can at all.
    if (flags === undefined) t.notRegex(stdout, /force mitigated/)
  })
}

/** What a freestanding program needs, and not one call more. */
const bare = ['execve', 'write', 'exit_group', 'getpid']

test('with no_new_privs a profile need allow only what the program itself needs', (t) => {
  if (lacks(t, 'runt')) return
  const profile: Seccomp = {
    defaultAction: 'SCMP_ACT_KILL_PROCESS',
    syscalls: [{ names: bare, action: 'SCMP_ACT_ALLOW' }],
  }
  for (const user of [0, 1000]) {
    const { status, stdout, stderr } = run(t, profile, String(nr.getpid), (process) => {
      process.user = { uid: user, gid: user }
    })
    t.deepEqual([status, stdout], [0, '1\n'], stderr)
  }
})

test('an allow-list that is short for runc is enough', (t) => {
  const ofRunc =
    'read close openat futex epoll_pwait fcntl nanosleep rt_sigreturn mmap munmap madvise tgkill getuid fstatfs statfs newfstatat getdents64'
  const syscalls: SeccompRule[] = [{ names: [...bare, ...ofRunc.split(' ')], action: 'SCMP_ACT_ALLOW' }]
  t.deepEqual(
    results(t, { defaultAction: 'SCMP_ACT_ERRNO', syscalls }, `${nr.getpid} , ${nr.getuid} , ${nr.getppid}`),
    [1, 0, EPERM],
  )
})

test('without no_new_privs it must allow capset, read and close as well', (t) => {
  if (lacks(t, 'runt')) return
  const profile: Seccomp = {
    defaultAction: 'SCMP_ACT_KILL_PROCESS',
    syscalls: [{ names: [...bare, 'capset', 'read', 'close'], action: 'SCMP_ACT_ALLOW' }],
  }
  for (const user of [0, 1000]) {
    const { status, stdout, stderr } = run(t, profile, String(nr.getpid), (process) => {
      process.noNewPrivileges = false
      process.user = { uid: user, gid: user }
    })
    t.deepEqual([status, stdout], [0, '1\n'], stderr)
  }
})

test('a filter that ends init is told as such, and nothing is left', (t) => {
  if (lacks(t, 'runt')) return
  const profile: Seccomp = {
    defaultAction: 'SCMP_ACT_KILL_PROCESS',
    syscalls: [{ names: bare, action: 'SCMP_ACT_ALLOW' }],
  }
  const sandbox = sandboxWith(t, profile, String(nr.getpid), (process) => {
    process.noNewPrivileges = false
  })
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /container init died/)
  t.regex(stderr, /seccomp/)
  sandbox.assertClean(t)
})

test('a filter without no_new_privs leaves the capabilities as they are configured', (t) => {
  for (const uid of [0, 1000]) {
    const sandbox = new Sandbox(t, (spec) => {
      spec.linux!.seccomp = allowing(rule('mkdir', 'SCMP_ACT_ERRNO'))
      spec.process!.noNewPrivileges = false
      spec.process!.user = { uid, gid: uid }
      spec.process!.args = ['inside', 'status', 'Cap', '--', 'status', 'NoNewPrivs', '--', 'mkdir', '/tmp/a']
    })
    const filtered = sandbox.runContainer().stdout
    t.regex(filtered, /NoNewPrivs:\t0\nmkdir: mkdir: EPERM\n$/)
    sandbox.configure((spec) => {
      spec.process!.noNewPrivileges = false
      spec.process!.user = { uid, gid: uid }
      spec.process!.args = ['inside', 'status', 'Cap', '--', 'status', 'NoNewPrivs']
    })
    t.is(filtered.replace(/mkdir.*\n$/, ''), sandbox.runContainer().stdout)
  }
})

test("exec runs under the container's filter, with and without no_new_privs, and without the cache", (t) => {
  const sandbox = sandboxWith(t, allowing(rule('mkdir', 'SCMP_ACT_ERRNO')), '')
  sandbox.configure((spec) => {
    spec.linux!.seccomp = allowing(rule('mkdir', 'SCMP_ACT_ERRNO', { errnoRet: 77 }))
    spec.process!.noNewPrivileges = false
    spec.process!.args = ['inside', 'wait']
  })
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  rmSync(path.join(sandbox.stateRoot, '.seccomp~'), { recursive: true, force: true })
  for (const flags of [[], ['--user', '1000'], ['--no-new-privs']]) {
    const { stdout, stderr } = sandbox.run([
      'exec',
      ...flags,
      sandbox.id,
      'inside',
      'mkdir',
      '/tmp/a',
      '--',
      'status',
      'Seccomp:',
    ])
    t.regex(stdout, /^mkdir: mkdir: EBADFD\nSeccomp:\t2\n/, stderr)
  }
})

for (const name of ['docker-default', 'podman-default']) {
  test(`the profile ${name} loads, and programs run under it`, (t) => {
    const profile = JSON.parse(readFileSync(path.join(here, `../seccomp/${name}.json`), 'utf8')) as Seccomp
    for (const noNewPrivileges of [true, false]) {
      const sandbox = new Sandbox(t, (spec) => {
        spec.linux!.seccomp = profile
        spec.process!.noNewPrivileges = noNewPrivileges
        spec.process!.args = ['inside', 'forks', '2', '--', 'mkdir', '/dev/a', '--', 'status', 'Seccomp:']
      })
      const { status, stdout, stderr } = sandbox.runContainer()
      t.is(status, 0, stderr)
      t.is(stdout, 'forks 2\nmade\nSeccomp:\t2\n')
    }
  })
}

// ——— the cache ———

const cacheOf = (sandbox: Sandbox): string => path.join(sandbox.stateRoot, '.seccomp~')
const cached = (sandbox: Sandbox): string[] =>
  readdirSync(cacheOf(sandbox)).map((name) => path.join(cacheOf(sandbox), name))

test('a profile is compiled once, and again when what is kept of it is damaged, foreign or gone', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = sandboxWith(t, allowing(rule('getuid', 'SCMP_ACT_ERRNO', { errnoRet: 77 })), String(nr.getuid))
  const check = (what: string): void => {
    const { stdout, stderr } = sandbox.runContainer()
    t.is(stdout, '-77\n', `${what}: ${stderr}`)
  }
  const loads = (): boolean => {
    const trace = path.join(sandbox.dir, 'trace')
    const [file, ...rest] = sandbox.command('run', sandbox.id)
    spawnSync('strace', ['-f', '-e', 'trace=openat', '-o', trace, file!, ...rest], { cwd: sandbox.bundle })
    return readFileSync(trace, 'utf8').includes('libseccomp')
  }
  check('first')
  const [file, ...more] = cached(sandbox)
  t.deepEqual(more, [])
  t.is(statSync(file!).mode & 0o777, 0o600)
  t.is(statSync(cacheOf(sandbox)).mode & 0o777, 0o700)
  const text = readFileSync(file!, 'utf8')
  if (spawnSync('strace', ['-V']).status === 0) t.false(loads(), 'the library is loaded for a filter that is kept')

  const changed = JSON.parse(text) as { program: string; library: { size: number } }
  // A filter that allows everything, with the digest of another.
  const all = Buffer.from([6, 0, 0, 0, 0, 0, 0xff, 0x7f]).toString('base64')
  for (const [what, damaged] of [
    ['cut', text.slice(0, -20)],
    ['empty', ''],
    ['another program', JSON.stringify({ ...changed, program: all })],
    ['no program', JSON.stringify({ ...changed, program: 5 })],
    ['another library', JSON.stringify({ ...changed, library: { ...changed.library, size: 1 } })],
  ] as const) {
    writeFileSync(file!, damaged)
    check(what)
    t.is(readFileSync(file!, 'utf8'), text, `${what} is mended`)
  }
  chmodSync(cacheOf(sandbox), 0o777)
  writeFileSync(file!, JSON.stringify({ ...changed, program: all }))
  check('a directory that others may write to')
  t.not(readFileSync(file!, 'utf8'), text, 'nothing is kept there')
})

test('the cache is no container, and has a limit', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = sandboxWith(t, allowing(rule('getuid', 'SCMP_ACT_ERRNO')), String(nr.getuid))
  sandbox.runContainer()
  t.is(sandbox.run(['list', '--quiet']).stdout, '')
  for (let index = 0; index < 70; index++) writeFileSync(path.join(cacheOf(sandbox), `old${index}`), '')
  sandbox.configure((spec) => {
    spec.linux!.seccomp = allowing(rule('mkdir', 'SCMP_ACT_ERRNO'))
  })
  t.is(sandbox.runContainer().status, 0)
  t.true(cached(sandbox).length <= 37, String(cached(sandbox).length))
})

test('explain shows the filter, as any user, and keeps nothing', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = sandboxWith(t, allowing(rule('getuid', 'SCMP_ACT_ERRNO')), String(nr.getuid))
  const { status, stdout, stderr } = sandbox.run(['explain'])
  t.is(status, 0, stderr)
  t.regex(stdout, /linux\.seccomp +seccomp filter \d+ instructions, flags SECCOMP_FILTER_FLAG_SPEC_ALLOW/)
  t.false(existsSync(sandbox.stateRoot))
})

// ——— who answers ———

interface Told {
  state?: { ociVersion: string; fds: string[]; pid: number; metadata?: string; state: Record<string, unknown> }
  descriptors?: number
  link?: string
  call?: number
}

/** Starts agent.py; `told()` is what it printed so far. */
async function agent(t: ExecutionContext, socket: string, count: number): Promise<() => Told[]> {
  let output = ''
  const child = spawn('python3', [path.join(here, 'agent.py'), socket, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child.stdout.on('data', (data: Buffer) => (output += data.toString()))
  t.teardown(() => child.kill('SIGKILL'))
  await eventually(() => output.startsWith('ready\n'), 'the agent listens')
  return () =>
    lines(output)
      .slice(1)
      .map((line) => JSON.parse(line) as Told)
}

// covers: /linux/seccomp/listenerPath, /linux/seccomp/listenerMetadata
// covers: config-linux.md#seccomp/listener-socket, config-linux.md#seccomp/one-state
// covers: config-linux.md#the-container-process-state/payload, config-linux.md#the-container-process-state/descriptors-first
for (const noNewPrivileges of [true, false]) {
  test(`an agent gets the listener and answers, ${noNewPrivileges ? 'with' : 'without'} no_new_privs, of create and of exec`, async (t) => {
    if (lacks(t, 'runc')) return
    const sandbox = sandboxWith(t, allowing(), '')
    const socket = path.join(sandbox.dir, 'agent')
    const told = await agent(t, socket, 2)
    sandbox.configure((spec) => {
      // The calls with which init hands over and waits are answered, too.
      spec.linux!.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        listenerPath: socket,
        listenerMetadata: 'x'.repeat(5000),
        syscalls: [{ names: ['mkdir', 'close', 'sendmsg', 'exit_group'], action: 'SCMP_ACT_NOTIFY' }],
      }
      spec.annotations = { purpose: 'test' }
      spec.process!.noNewPrivileges = noNewPrivileges
      spec.process!.args = ['inside', 'mkdir', '/tmp/a', '--', 'wait']
    })
    const created = sandbox.create()
    t.is(created.status, 0, created.stderr)
    const { pid } = sandbox.state()
    await eventually(() => told().length > 0, 'the agent was told')
    const [first] = told()
    const { state: inner, ...rest } = first!.state!
    t.deepEqual({ ...rest, ociVersion: '' }, { ociVersion: '', fds: ['seccompFd'], pid, metadata: 'x'.repeat(5000) })
    t.like(inner, { id: sandbox.id, status: 'creating', pid, bundle: sandbox.bundle, annotations: { purpose: 'test' } })
    t.deepEqual([first!.descriptors, first!.link], [1, 'anon_inode:seccomp notify'])

    t.is(sandbox.run(['start', sandbox.id]).status, 0)
    await eventually(() => sandbox.output().includes('mkdir'), 'the agent answered')
    t.is(sandbox.output(), 'mkdir: mkdir: ENOMSG\n')
    await eventually(() => told().some(({ call }) => call === nr.mkdir), 'the call was told')

    const child = sandbox.start(['exec', sandbox.id, 'inside', 'mkdir', '/tmp/a'])
    let output = ''
    child.stdout!.on('data', (data: Buffer) => (output += data.toString()))
    await new Promise((resolve) => child.on('exit', resolve))
    t.is(output, 'mkdir: mkdir: ENOMSG\n')
    const second = told().filter(({ state }) => state !== undefined)[1]!.state!
    t.like(second.state, { id: sandbox.id, status: 'running', pid })
    t.not(second.pid, pid)
  })
}

// covers: config-linux.md#seccomp/listener-failure
test('an agent that is not there is told with its path, and nothing is left', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = sandboxWith(
    t,
    { ...allowing(rule('mkdir', 'SCMP_ACT_NOTIFY')), listenerPath: '/run/no-agent' },
    String(nr.getpid),
  )
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /send the seccomp listener to \/run\/no-agent: no such file or directory/)
  t.regex(stderr, /linux\.seccomp\.listenerPath/)
  t.deepEqual(readdirSync(sandbox.stateRoot), ['.seccomp~'])
})

test('listenerPath without SCMP_ACT_NOTIFY is ignored', (t) => {
  if (lacks(t, 'runc')) return
  t.deepEqual(
    results(t, { ...allowing(rule('getuid', 'SCMP_ACT_ERRNO')), listenerPath: '/run/no-agent' }, String(nr.getuid)),
    [EPERM],
  )
})
