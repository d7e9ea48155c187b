import test, { type ExecutionContext } from 'ava'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { constants, tmpdir } from 'node:os'
import path from 'node:path'
import { SystemError } from '../../../src/errors.ts'
import { directHost } from '../../../src/host/direct.ts'
import { openFlags, type Child, type InitMessage } from '../../../src/host/host.ts'
import type { Register } from '../../../src/plan/fields.ts'
import { PlanBuilder } from '../../../src/plan/plan.ts'
import { encodePlan } from '../../../src/plan/wire.ts'

const host = directHost()
const { processes, system } = host
const { SIGKILL, SIGTERM } = constants.signals

async function failure(t: ExecutionContext, call: () => unknown, expected: { code: string; syscall: string }) {
  const error = await t.throwsAsync(async () => call(), { instanceOf: SystemError })
  t.like(error, expected)
}

// ——— spawn ———

function temporaryDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'runt-processes-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A plan that runs a shell script in this machine's own namespaces, with `/` as input 0 when `prepare` wants it. */
function shellPlan(script: string, prepare: (builder: PlanBuilder) => void = () => undefined): PlanBuilder {
  const builder = new PlanBuilder()
  prepare(builder)
  builder.add('program', '', { args: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin', 'ONLY=this'] })
  builder.add('exec', '', { preserve: builder.plan.preserveFds })
  return builder
}

async function start(builder: PlanBuilder, inputs: number[] = []): Promise<Child> {
  const { cloneFlags, preserveFds } = builder.plan
  return host.processes.spawn({ plan: encodePlan(builder.plan), inputs, cloneFlags, cgroup: -1, preserveFds })
}

/** All that init says until it executes the program; sync points are let go. */
async function converse({ socket }: Child): Promise<InitMessage[]> {
  const messages: InitMessage[] = []
  for (;;) {
    const message = await processes.receive(socket)
    if (message.type === 'closed') return messages
    messages.push(message)
    if (message.type === 'reached') await processes.proceed(socket)
  }
}

async function end(child: Child) {
  await processes.pidfdWait(child.pidfd, -1)
  const status = await processes.wait(child.pid)
  await host.files.close(child.pidfd)
  await host.files.close(child.socket)
  return status
}

test.serial('a plan runs to its program, whose status is told', async (t) => {
  const child = await start(shellPlan('exit 7'))
  t.deepEqual(await converse(child), [])
  t.deepEqual(await end(child), { kind: 'exited', code: 7 })
})

test.serial('init waits at a sync point until it may go on', async (t) => {
  const child = await start(shellPlan('exit 0', (builder) => builder.add('sync', '', { point: 5 })))
  t.deepEqual(await processes.receive(child.socket), { type: 'reached', point: 5 })
  t.false(await processes.pidfdWait(child.pidfd, 50))
  await processes.proceed(child.socket)
  t.deepEqual(await processes.receive(child.socket), { type: 'closed' })
  t.deepEqual(await end(child), { kind: 'exited', code: 0 })
})

test.serial(
  'the program gets default signal actions, no blocked signal, its own environment, and no descriptor of this process',
  async (t) => {
    const result = path.join(temporaryDirectory(t), 'result')
    const script = `exec > ${result}; cat /proc/self/status; env; exec ls /proc/self/fd`
    const leaked = openSync('/etc/passwd', 'r')
    t.teardown(() => closeSync(leaked))
    const child = await start(shellPlan(script))
    await converse(child)
    t.deepEqual(await end(child), { kind: 'exited', code: 0 })
    const text = readFileSync(result, 'utf8')
    for (const set of ['SigBlk', 'SigIgn', 'SigCgt']) t.regex(text, new RegExp(`^${set}:\\s+0{16}$`, 'm'))
    t.regex(text, /^ONLY=this$/m)
    t.notRegex(text, /^HOME=/m)
    // 3 is the directory that ls reads.
    t.deepEqual(
      text.split('\n').filter((line) => /^\d+$/.test(line)),
      ['0', '1', '2', '3'],
    )
  },
)

test.serial('the executable of init is no file of the host, and cannot be written', async (t) => {
  const child = await start(shellPlan('exit 0', (builder) => builder.add('sync', '', { point: 1 })))
  await processes.receive(child.socket)
  t.regex(readlinkSync(`/proc/${child.pid}/exe`), /^\/(memfd:)?runt-init \(deleted\)$/)
  for (const flags of ['r+', 'w', 'a']) t.throws(() => openSync(`/proc/${child.pid}/exe`, flags), undefined, flags)
  await processes.proceed(child.socket)
  await converse(child)
  await end(child)
})

test.serial('inputs fill the first registers', async (t) => {
  const file = path.join(temporaryDirectory(t), 'text')
  writeFileSync(file, 'x')
  const fd = await host.files.open(file, openFlags.readOnly)
  // verifyNull refuses what is not the null device: it saw the file.
  const builder = shellPlan('exit 0', (plan) => {
    const input = plan.input('file', '', { kind: 'path', path: file, flags: 'readOnly' })
    plan.add('verifyNull', '', { fd: input })
  })
  const child = await start(builder, [fd])
  t.like((await converse(child))[0], { type: 'failed', step: 0 })
  await end(child)
  const null_ = await host.files.open('/dev/null', openFlags.readOnly)
  const other = await start(builder, [null_])
  t.deepEqual(await converse(other), [])
  t.deepEqual(await end(other), { kind: 'exited', code: 0 })
  for (const open of [fd, null_]) await host.files.close(open)
})

test.serial('a step that fails is told with its number, call and subject', async (t) => {
  const builder = new PlanBuilder()
  builder.add('umask', '', { mask: 0o22 })
  builder.add('program', '', { args: ['no-such-program'], env: ['PATH=/nowhere'] })
  const child = await start(builder)
  const [message] = await converse(child)
  t.like(message, { type: 'failed', step: 1, errno: 2, subject: 'no-such-program' })
  t.deepEqual(await end(child), { kind: 'exited', code: 1 })
})

test.serial('bytes that are no plan end init, which runs nothing', async (t) => {
  const child = await host.processes.spawn({
    plan: Buffer.alloc(64, 0xff),
    inputs: [],
    cloneFlags: 0,
    cgroup: -1,
    preserveFds: 0,
  })
  await converse(child)
  t.like(await end(child), { kind: 'exited' })
  const builder = new PlanBuilder()
  builder.add('exec', '', { preserve: 0 })
  builder.add('close', '', { fd: 9 as Register })
  t.throws(() => encodePlan(builder.plan), undefined, 'the encoder refuses it, too')
})

test.serial('descriptors that are to be preserved must be the caller’s', async (t) => {
  // Node opens an epoll descriptor first: somewhere from 3 on.
  const fds = readdirSync('/proc/self/fd').map(Number)
  const builder = shellPlan('exit 0')
  builder.plan.preserveFds = Math.max(...fds) + 10
  await failure(t, () => start(builder), { code: 'EBADF', syscall: 'fcntl' })
})

test.serial('a cgroup that is none fails the clone, and leaves no child', async (t) => {
  const fd = await host.files.open('/', openFlags.path)
  const builder = shellPlan('exit 0')
  const plan = encodePlan(builder.plan)
  const spawn = () => processes.spawn({ plan, inputs: [], cloneFlags: 0, cgroup: fd, preserveFds: 0 })
  await failure(t, spawn, { code: 'EBADF', syscall: 'clone3' })
  await host.files.close(fd)
  t.is(readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim(), '')
})

test.serial('spawning leaves no descriptor behind', async (t) => {
  const before = readdirSync('/proc/self/fd').length
  const spawned = 40
  for (let i = 0; i < spawned; i++) {
    const child = await start(shellPlan('exit 0'))
    await converse(child)
    await end(child)
  }
  // Node opens and closes some of its own meanwhile.
  const more = readdirSync('/proc/self/fd').length - before
  t.true(more < spawned / 2, `${more} more`)
})

// ——— processes ———

test.serial('a signal reaches the process of a pidfd, and its end is seen', async (t) => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  const pidfd = await processes.pidfdOpen(child.pid!)
  t.false(await processes.pidfdWait(pidfd, 20))
  await processes.pidfdSignal(pidfd, SIGTERM)
  t.true(await processes.pidfdWait(pidfd, -1))
  await once(child, 'exit')
  await failure(t, () => processes.pidfdSignal(pidfd, SIGTERM), { code: 'ESRCH', syscall: 'pidfd_send_signal' })
  await host.files.close(pidfd)
})

test.serial('a process that does not exist has no pidfd and cannot be waited for', async (t) => {
  await failure(t, () => processes.pidfdOpen(0x7ffffff0), { code: 'ESRCH', syscall: 'pidfd_open' })
  await failure(t, () => processes.wait(1), { code: 'ECHILD', syscall: 'waitid' })
})

test.serial('a number that is not that of a process, but of a thread or a group, has no pidfd either', async (t) => {
  const thread = readdirSync('/proc/self/task').find((name) => Number(name) !== process.pid)
  await failure(t, () => processes.pidfdOpen(Number(thread)), { code: 'ESRCH', syscall: 'pidfd_open' })
  // A leader that leaves its group behind.
  const leader = spawn('sh', ['-c', 'sleep 60 & echo $!'], { stdio: ['ignore', 'pipe', 'ignore'], detached: true })
  const member = Number(String((await once(leader.stdout, 'data'))[0]))
  t.teardown(() => process.kill(member, 'SIGKILL'))
  leader.stdout.destroy()
  await once(leader, 'exit')
  await failure(t, () => processes.pidfdOpen(leader.pid!), { code: 'ESRCH', syscall: 'pidfd_open' })
})

test.serial('waiting takes as long as it was told', async (t) => {
  const pidfd = await processes.pidfdOpen(process.pid)
  const start = performance.now()
  t.false(await processes.pidfdWait(pidfd, 120))
  const took = performance.now() - start
  t.true(took >= 119 && took < 2000, String(took))
  await host.files.close(pidfd)
})

test.serial('a limit of a process is set', async (t) => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  t.teardown(() => child.kill())
  const core = 4
  await processes.setLimit(child.pid!, core, 4096n, 8192n)
  t.regex(readFileSync(`/proc/${child.pid}/limits`, 'utf8'), /^Max core file size\s+4096\s+8192/m)
  await failure(t, () => processes.setLimit(child.pid!, core, 2n, 1n), { code: 'EINVAL', syscall: 'prlimit64' })
})

// ——— hooks ———

const hook = { path: '/bin/sh', env: ['A=b'], stdin: '', timeout: 0 }

test.serial('a hook gets its arguments, environment and input, and what it prints comes back', async (t) => {
  const args = ['sh', '-c', 'cat; echo "$0 $A ${HOME-unset}"; echo oops >&2; exit 4', 'own-name']
  t.deepEqual(await processes.runHook({ ...hook, args, stdin: '{"state": "ä"}\n' }), {
    status: { kind: 'exited', code: 4 },
    stdout: '{"state": "ä"}\nown-name b unset\n',
    stderr: 'oops\n',
  })
})

test.serial('a hook without arguments gets its path as the first', async (t) => {
  const { stdout } = await processes.runHook({ ...hook, args: [], stdin: 'echo "$0"\n' })
  t.is(stdout, '/bin/sh\n')
})

test.serial('a hook runs where it is told to, and what is kept of its output is the end', async (t) => {
  const directory = temporaryDirectory(t)
  const { stdout } = await processes.runHook({ ...hook, args: ['sh', '-c', 'pwd'], directory })
  t.is(stdout, `${directory}\n`)
  const missing = { ...hook, args: [], directory: '/nowhere' }
  await failure(t, () => processes.runHook(missing), { code: 'ENOENT', syscall: 'chdir' })
  const many = await processes.runHook({ ...hook, args: ['sh', '-c', 'head -c 300000 /dev/zero; echo the end'] })
  t.is(many.stdout.length, 64 << 10)
  t.true(many.stdout.endsWith('the end\n'))
})

test.serial('a hook that takes too long is killed', async (t) => {
  const start = performance.now()
  const { status, stdout } = await processes.runHook({
    ...hook,
    args: ['sh', '-c', 'echo begun; exec sleep 30'],
    timeout: 150,
  })
  t.is(status, 'timeout')
  t.is(stdout, 'begun\n')
  t.true(performance.now() - start < 5000)
})

test.serial('a hook may ignore a large input and print more than is kept', async (t) => {
  const args = ['sh', '-c', 'exec <&-; head -c 300000 /dev/zero | tr "\\0" x; head -c 300000 /dev/zero >&2']
  const result = await processes.runHook({ ...hook, args, stdin: 'y'.repeat(1 << 20) })
  t.deepEqual(result.status, { kind: 'exited', code: 0 })
  t.is(result.stdout, 'x'.repeat(65536))
  t.is(result.stderr.length, 65536)
})

test.serial('a hook that reads a large input gets all of it', async (t) => {
  const result = await processes.runHook({ ...hook, args: ['sh', '-c', 'wc -c'], stdin: 'y'.repeat(1 << 20) })
  t.is(result.stdout.trim(), String(1 << 20))
})

test.serial('the end of a hook is not delayed by what it left running', async (t) => {
  const start = performance.now()
  const { status } = await processes.runHook({ ...hook, args: ['sh', '-c', 'sleep 20 & echo $! >&2; exit 0'] })
  t.deepEqual(status, { kind: 'exited', code: 0 })
  t.true(performance.now() - start < 5000)
})

test.serial('a hook that dies of a signal says which', async (t) => {
  const { status } = await processes.runHook({ ...hook, args: ['sh', '-c', 'kill -9 $$'] })
  t.deepEqual(status, { kind: 'signaled', signal: SIGKILL })
})

test.serial('a hook that cannot be executed is an error that names it', async (t) => {
  const missing = { ...hook, path: '/nowhere/hook', args: [] }
  const error = await t.throwsAsync(async () => processes.runHook(missing), { instanceOf: SystemError })
  t.like(error, { code: 'ENOENT', path: '/nowhere/hook' })
  const file = path.join(temporaryDirectory(t), 'hook')
  writeFileSync(file, '', { mode: 0o600 })
  await failure(t, () => processes.runHook({ ...hook, path: file, args: [] }), { code: 'EACCES', syscall: 'execveat' })
})

// ——— sockets and the rest ———

test.serial('a descriptor is sent over a socket, however long its path is', async (t) => {
  const directory = temporaryDirectory(t)
  const server = createServer()
  t.teardown(() => server.close())
  server.listen(path.join(directory, 's'))
  await once(server, 'listening')
  for (const place of [`${directory}/s`, `${directory}${'/.'.repeat(60)}/s`]) {
    const received = new Promise<Buffer>((resolve) => {
      server.once('connection', (stream) => stream.once('data', resolve))
    })
    await host.sockets.sendDescriptor(place, 0, '/dev/ptmx')
    t.is((await received).toString(), '/dev/ptmx')
  }
})

test.serial('a socket that nobody listens on refuses, a missing one is missing', async (t) => {
  const directory = temporaryDirectory(t)
  const missing = path.join(directory, 'missing')
  await failure(t, () => host.sockets.sendDescriptor(missing, 0, 'x'), { code: 'ENOENT', syscall: 'connect' })
  writeFileSync(path.join(directory, 'file'), '')
  const file = path.join(directory, 'file')
  await failure(t, () => host.sockets.sendDescriptor(file, 0, 'x'), { code: 'ECONNREFUSED', syscall: 'connect' })
})

test.serial('a file has no window', async (t) => {
  const fd = openSync('/dev/null', 'r')
  t.is(await processes.windowSize(fd), undefined)
  closeSync(fd)
})

test.serial('the clock tells UTC with nanoseconds', async (t) => {
  const before = Date.now()
  const now = await system.now()
  t.regex(now, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/)
  t.true(Math.abs(Date.parse(now) - before) < 2000, now)
})

test.serial('the facts of the machine are those of the kernel', async (t) => {
  t.is(await system.kernelRelease(), readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim())
  t.is(await system.euid(), process.geteuid!())
  t.is(await system.egid(), process.getegid!())
  t.is(await system.architecture(), process.arch)
})
