/** NOTIFY_SOCKET: a service manager that started the command hears when the container is ready, and nothing else from it. */
import test, { type ExecutionContext } from 'ava'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { eventually, lacks, lines, runtime, Sandbox } from './harness.ts'
import { Terminal } from './terminal.ts'
import { openUp, ownUsers } from './users.ts'

interface Message {
  text: string
  fds: number
}

/** A service manager: what it was told. */
class Manager {
  readonly messages: Message[] = []
  readonly env: Record<string, string>

  private constructor(address: string) {
    this.env = { PATH: process.env.PATH ?? '/usr/bin:/bin:/usr/sbin:/sbin', NOTIFY_SOCKET: address }
  }

  static async listen(t: ExecutionContext, sandbox: Sandbox, name?: string): Promise<Manager> {
    const manager = new Manager(name ?? path.join(sandbox.dir, 'manager.sock'))
    const program = fileURLToPath(new URL('notify.py', import.meta.url))
    const child = spawn('python3', [program, manager.env.NOTIFY_SOCKET!], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => child.kill('SIGKILL'))
    const input = createInterface(child.stdout)
    await once(input, 'line')
    input.on('line', (line) => manager.messages.push(JSON.parse(line) as Message))
    return manager
  }

  /** Waits until it was told all that it is told of a container, and compares. */
  async heard(t: ExecutionContext, main: number): Promise<void> {
    const expected = [
      { text: 'READY=1\n', fds: 0 },
      { text: `MAINPID=${main}\n`, fds: 0 },
      { text: 'BARRIER=1', fds: 1 },
    ]
    // Debian 12's runc is older than its barrier.
    if (runtime === 'runc') expected.pop()
    await eventually(() => this.messages.length >= expected.length, 'all messages came')
    t.deepEqual(this.messages, expected)
  }
}

function program(t: ExecutionContext, args: string[], change: (spec: Spec) => void = () => undefined): Sandbox {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', ...args]
    spec.process!.env = ['PATH=/bin']
    change(spec)
  })
  openUp(sandbox)
  return sandbox
}

const user = (spec: Spec): void => void (spec.process!.user = { uid: 1000, gid: 1000 })

for (const [name, change] of [
  ['root', () => undefined],
  ['another user', user],
  ['root of a user namespace', ownUsers],
] as const) {
  test(`start returns when the container of ${name} is ready, and tells the manager its pid`, async (t) => {
    if (lacks(t, 'runc')) return
    const sandbox = program(t, ['notify', 'READY=1', '--', 'wait'], change)
    // Root of a user namespace may make nothing in this root filesystem.
    mkdirSync(path.join(sandbox.rootfs, 'run/notify'), { recursive: true })
    const manager = await Manager.listen(t, sandbox)
    const created = sandbox.detached(['create', sandbox.id], { env: manager.env })
    t.is(created.status, 0, created.stderr)
    t.deepEqual(manager.messages, [])
    const started = sandbox.detached(['start', sandbox.id], { env: manager.env })
    t.is(started.status, 0, started.stderr)
    await manager.heard(t, sandbox.state().pid)
    await eventually(() => sandbox.output() === 'notified\n', 'the container reached its socket')
    t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
    sandbox.assertClean(t)
  })
}

test("the caller's umask keeps nobody from the socket", async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = program(t, ['notify', 'READY=1', '--', 'wait'], user)
  const manager = await Manager.listen(t, sandbox)
  const former = process.umask(0o077)
  try {
    t.is(sandbox.detached(['create', sandbox.id], { env: manager.env }).status, 0)
    t.is(sandbox.detached(['start', sandbox.id], { env: manager.env }).status, 0)
  } finally {
    process.umask(former)
  }
  await manager.heard(t, sandbox.state().pid)
})

test('run --detach returns when the container is ready', async (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = program(t, ['sleep', '1', '--', 'notify', 'READY=1', '--', 'wait'])
  const manager = await Manager.listen(t, sandbox)
  const begun = Date.now()
  const { status, stderr } = sandbox.detached(['run', '-d', sandbox.id], { env: manager.env })
  t.is(status, 0, stderr)
  t.true(Date.now() - begun >= 1000)
  await manager.heard(t, sandbox.state().pid)
})

test('in the foreground the main process is the command, which stays', async (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = program(t, ['notify', 'READY=1', '--', 'wait'])
  const manager = await Manager.listen(t, sandbox)
  const child = sandbox.start(['run', sandbox.id], { env: manager.env, stdio: 'ignore' })
  await manager.heard(t, child.pid!)
  t.is(child.exitCode, null)
  t.is(sandbox.run(['kill', sandbox.id, 'KILL']).status, 0)
  const [status] = (await once(child, 'exit')) as [number]
  t.is(status, 137)
  sandbox.assertClean(t)
})

test('a terminal is relayed before the container is ready, and after', async (t) => {
  // runc forwards no signals until then.
  if (lacks(t, 'runt')) return
  const words = ['read-all', '--', 'notify', 'READY=1', '--', 'read-all', '--', 'echo', 'end']
  const sandbox = program(t, words, (spec) => (spec.process!.terminal = true))
  const manager = await Manager.listen(t, sandbox)
  const command = ['env', `NOTIFY_SOCKET=${manager.env.NOTIFY_SOCKET}`, ...sandbox.command('run', sandbox.id)]
  const terminal = Terminal.run(t, command, sandbox.bundle)
  terminal.type('before\n')
  await terminal.shows(/before\nbefore\n/)
  t.deepEqual(manager.messages, [])
  terminal.type('\x04')
  await eventually(() => manager.messages.length === 3, 'the manager was told')
  terminal.type('after\n')
  await terminal.shows(/after\nafter\n/)
  terminal.type('\x04')
  t.is(await terminal.ended, 0)
  t.regex(terminal.output(), /end\n$/)
  sandbox.assertClean(t)
})

test('signals reach a container that is not ready yet', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = program(t, ['catch', '15', '--', 'echo', 'waiting', '--', 'wait'])
  const manager = await Manager.listen(t, sandbox)
  const child = sandbox.start(['run', sandbox.id], { env: manager.env })
  await once(child.stdout!, 'data')
  child.kill('SIGTERM')
  // 40 and the signal: the container's own answer.
  t.deepEqual(await once(child, 'exit'), [55, null])
  t.deepEqual(manager.messages, [])
  sandbox.assertClean(t)
})

test('a start that is killed while it waits leaves a container that can be deleted', async (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = program(t, ['wait'])
  const manager = await Manager.listen(t, sandbox)
  t.is(sandbox.detached(['create', sandbox.id], { env: manager.env }).status, 0)
  const child = sandbox.start(['start', sandbox.id], { env: manager.env, stdio: 'ignore' })
  await sandbox.until('running')
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.is(sandbox.state().status, 'running')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('the container sees its own socket, read-only, and nothing of it where nobody asks', async (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = program(t, [
    'env',
    '--',
    'ls',
    '/run/notify',
    '--',
    'write',
    '/run/notify/x',
    'y',
    '--',
    'notify',
    'READY=1',
  ])
  const manager = await Manager.listen(t, sandbox)
  const { status, stdout, stderr } = sandbox.run(['run', sandbox.id], { env: manager.env })
  t.is(status, 0, stderr)
  t.true(lines(stdout).includes('NOTIFY_SOCKET=/run/notify/notify.sock'), stdout)
  t.true(lines(stdout).includes('write: open: EROFS'), stdout)
  t.regex(stdout, /notify\.sock/)
  const silent = program(t, ['env', '--', 'ls', '/run/notify'])
  const plain = silent.run(['run', silent.id], { env: { ...manager.env, NOTIFY_SOCKET: '' } })
  t.is(plain.status, 0, plain.stderr)
  t.false(plain.stdout.includes('NOTIFY_SOCKET'), plain.stdout)
  t.true(plain.stdout.includes('ENOENT'), plain.stdout)
})

test('exec has no NOTIFY_SOCKET', async (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = program(t, ['notify', 'READY=1', '--', 'wait'])
  const manager = await Manager.listen(t, sandbox)
  t.is(sandbox.detached(['run', '-d', sandbox.id], { env: manager.env }).status, 0)
  const { status, stdout, stderr } = sandbox.run(['exec', sandbox.id, 'inside', 'env'], { env: manager.env })
  t.is(status, 0, stderr)
  t.false(stdout.includes('NOTIFY_SOCKET'))
})

test('what else a container says is not handed on, whatever it is', async (t) => {
  if (lacks(t, 'runt')) return
  const hostile = [
    'STATUS=a',
    'MAINPID=1',
    'READY=2',
    'READY=11',
    'XREADY=1',
    'FDSTORE=1',
    'RELOADING=1\nX=READY=1',
    '\n\n',
  ]
  const words = hostile.flatMap((text) => ['notify', text, '--'])
  const rest = [
    'notify-zeros',
    '100000',
    '--',
    'notify-zeros',
    '0',
    '--',
    'notify',
    'STATUS=x\nREADY=1\nMAINPID=1',
    '--',
  ]
  const sandbox = program(t, [...words, ...rest, 'notify', 'READY=1', '--', 'wait'])
  const manager = await Manager.listen(t, sandbox)
  const { status, stderr } = sandbox.detached(['run', '-d', sandbox.id], { env: manager.env })
  t.is(status, 0, stderr)
  await manager.heard(t, sandbox.state().pid)
})

test('a container that goes on telling in the foreground is not kept waiting', async (t) => {
  if (lacks(t, 'runc')) return
  const more = Array.from({ length: 600 }, () => ['--', 'notify', 'STATUS=x']).flat()
  const sandbox = program(t, ['notify', 'READY=1', ...more])
  const manager = await Manager.listen(t, sandbox)
  const { status, stderr, stdout } = sandbox.run(['run', sandbox.id], { env: manager.env })
  t.is(status, 0, stderr)
  t.is(lines(stdout).length, 601)
  t.is(manager.messages.filter(({ text }) => text.startsWith('STATUS')).length, 0)
})

test('a container that ends at once was ready all the same', async (t) => {
  if (lacks(t, 'runt')) return
  for (const flags of [[], ['-d']]) {
    const sandbox = program(t, ['notify', 'READY=1'])
    const manager = await Manager.listen(t, sandbox)
    const { status, stderr } = sandbox.detached(['run', ...flags, sandbox.id], { env: manager.env })
    t.is(status, 0, stderr)
    await eventually(() => manager.messages.length === 3, 'the manager was told')
  }
})

test('start ends with a container that never is ready, and the container can be deleted meanwhile', async (t) => {
  if (lacks(t, 'runc')) return
  const ending = program(t, ['sleep', '1'])
  const manager = await Manager.listen(t, ending)
  t.is(ending.detached(['create', ending.id], { env: manager.env }).status, 0)
  t.is(ending.detached(['start', ending.id], { env: manager.env }).status, 0)
  const sandbox = program(t, ['wait'])
  t.is(sandbox.detached(['create', sandbox.id], { env: manager.env }).status, 0)
  const child = sandbox.start(['start', sandbox.id], { env: manager.env, stdio: 'ignore' })
  await sandbox.until('running')
  t.is(child.exitCode, null)
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  if (child.exitCode === null) await once(child, 'exit')
  t.is(child.exitCode, 0)
  t.deepEqual(manager.messages, [])
  sandbox.assertClean(t)
})

test('a start that was killed can be repeated, and its socket is replaced', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = program(t, ['notify', 'READY=1', '--', 'wait'])
  const manager = await Manager.listen(t, sandbox)
  t.is(sandbox.detached(['create', sandbox.id], { env: manager.env }).status, 0)
  const directory = path.join(sandbox.stateRoot, sandbox.id, 'notify')
  t.deepEqual(readdirSync(directory), [])
  t.is(statSync(directory).mode & 0o777, 0o755)
  writeFileSync(path.join(directory, 'notify.sock'), 'left')
  t.is(sandbox.detached(['start', sandbox.id], { env: manager.env }).status, 0)
  t.true(statSync(path.join(directory, 'notify.sock')).isSocket())
  await manager.heard(t, sandbox.state().pid)
})

test('a manager that is not there: start says so before anything runs, run goes on', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = program(t, ['echo', 'ran', '--', 'notify', 'READY=1'])
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', NOTIFY_SOCKET: path.join(sandbox.dir, 'missing') }
  t.is(sandbox.detached(['create', sandbox.id], { env }).status, 0)
  const { status, stderr } = sandbox.detached(['start', sandbox.id], { env })
  t.is(status, 1)
  t.regex(stderr, /connect to .*missing: no such file or directory\n.*NOTIFY_SOCKET/)
  t.is(sandbox.state().status, 'created')
  t.is(sandbox.output(), '')
  t.is(sandbox.run(['delete', sandbox.id]).status, 0)
  const run = sandbox.run(['run', sandbox.id], { env })
  t.is(run.status, 0, run.stderr)
  t.is(lines(run.stdout)[0], 'ran')
  t.regex(run.stderr, /nobody is told when the container is ready/)
  sandbox.assertClean(t)
})

test('a container that was created without it is started as ever', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = program(t, ['wait'])
  const manager = await Manager.listen(t, sandbox)
  t.is(sandbox.create().status, 0)
  t.is(sandbox.detached(['start', sandbox.id], { env: manager.env }).status, 0)
  t.is(sandbox.state().status, 'running')
})

test('the manager may listen at an abstract name, or at a long path', async (t) => {
  if (lacks(t, 'runt')) return
  const abstract = program(t, ['notify', 'READY=1', '--', 'wait'])
  const named = await Manager.listen(t, abstract, `@runt-test-${process.pid}`)
  t.is(abstract.detached(['run', '-d', abstract.id], { env: named.env }).status, 0)
  await named.heard(t, abstract.state().pid)
  const sandbox = program(t, ['notify', 'READY=1', '--', 'wait'])
  const manager = await Manager.listen(t, sandbox)
  const deep = path.join(sandbox.dir, ...Array.from({ length: 6 }, () => 'a-directory-with-a-long-name'))
  mkdirSync(deep, { recursive: true })
  const env = { ...manager.env, NOTIFY_SOCKET: `${deep}/../../../../../../manager.sock` }
  const root = `${deep}/state`
  const command = ['--root', root, 'run', '-d', sandbox.id]
  t.is(sandbox.detached(command, { env }).status, 0)
  t.is(sandbox.run(['--root', root, 'delete', '--force', sandbox.id]).status, 0)
  await eventually(() => manager.messages.length === 3, 'the manager was told')
  rmSync(root, { recursive: true })
})
