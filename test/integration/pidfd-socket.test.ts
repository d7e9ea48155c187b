/** --pidfd-socket: who asks for it gets a descriptor of the process, and the word that says which kind it is. */
import test, { type ExecutionContext } from 'ava'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { eventually, lacks, Sandbox } from './harness.ts'
import { openUp, ownUsers } from './users.ts'

interface Received {
  text: string
  pids: number[]
}

/** A process that takes pidfds at a socket. */
class Receiver {
  readonly socket: string
  private readonly child
  private readonly lines: AsyncIterableIterator<string>

  private constructor(t: ExecutionContext, sandbox: Sandbox) {
    this.socket = path.join(sandbox.dir, 'pidfd.sock')
    const program = fileURLToPath(new URL('pidfd.py', import.meta.url))
    this.child = spawn('python3', [program, this.socket], { stdio: ['pipe', 'pipe', 'inherit'] })
    t.teardown(() => this.child.kill('SIGKILL'))
    this.lines = createInterface(this.child.stdout)[Symbol.asyncIterator]()
  }

  static async listen(t: ExecutionContext, sandbox: Sandbox): Promise<Receiver> {
    const receiver = new Receiver(t, sandbox)
    t.is(await receiver.line(), 'ready')
    return receiver
  }

  private async line(): Promise<string> {
    const next = await this.lines.next()
    if (next.done === true) throw new Error('the receiver ended')
    return next.value
  }

  /** The next pidfd; the receiver keeps it until `tell`. */
  async next(): Promise<Received> {
    this.child.stdin.write('next\n')
    return JSON.parse(await this.line()) as Received
  }

  tell(word: 'kill' | 'close'): void {
    this.child.stdin.write(`${word}\n`)
  }

  async end(): Promise<void> {
    this.child.stdin.end()
    if (this.child.exitCode === null) await once(this.child, 'exit')
  }
}

function waiting(t: ExecutionContext, change: (spec: Spec) => void = () => undefined): Sandbox {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
    spec.process!.env = ['PATH=/bin']
    change(spec)
  })
  openUp(sandbox)
  return sandbox
}

for (const [name, change] of [
  ['a container', () => undefined],
  ['a container with a user namespace', ownUsers],
] as const) {
  test(`create sends the pidfd of ${name}, as runc calls it`, async (t) => {
    if (lacks(t, 'runt')) return
    const sandbox = waiting(t, change)
    const receiver = await Receiver.listen(t, sandbox)
    const { status, stderr } = sandbox.create(sandbox.id, '--pidfd-socket', receiver.socket)
    t.is(status, 0, stderr)
    t.deepEqual(await receiver.next(), { text: 'standard', pids: [sandbox.state().pid] })
    receiver.tell('kill')
    await sandbox.until('stopped')
    await receiver.end()
    t.is(sandbox.run(['delete', sandbox.id]).status, 0)
    sandbox.assertClean(t)
  })
}

test('run sends it too, and a relative path is one from the working directory', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = waiting(t)
  const receiver = await Receiver.listen(t, sandbox)
  const { status, stderr } = sandbox.detached(['run', '-d', '--pidfd-socket', '../pidfd.sock', sandbox.id])
  t.is(status, 0, stderr)
  t.deepEqual(await receiver.next(), { text: 'standard', pids: [sandbox.state().pid] })
  receiver.tell('close')
  await receiver.end()
})

test('exec sends the pidfd of its own process', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = waiting(t)
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  const receiver = await Receiver.listen(t, sandbox)
  const pidFile = path.join(sandbox.dir, 'pid')
  const flags = ['--pidfd-socket', receiver.socket, '--pid-file', pidFile]
  const { status, stderr } = sandbox.detached(['exec', '-d', ...flags, sandbox.id, 'inside', 'wait'])
  t.is(status, 0, stderr)
  const pid = Number(readFileSync(pidFile, 'utf8'))
  t.not(pid, sandbox.state().pid)
  t.deepEqual(await receiver.next(), { text: 'setns', pids: [pid] })
  receiver.tell('kill')
  await eventually(() => !existsSync(`/proc/${pid}/root/bin`), 'the process of exec ended')
  t.is(sandbox.state().status, 'running')
  await receiver.end()
})

test('exec sends it before the program runs, and the pid file is only written when it does', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = waiting(t)
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  writeFileSync(path.join(sandbox.rootfs, 'bin/broken'), '#!/missing\n', { mode: 0o755 })
  const receiver = await Receiver.listen(t, sandbox)
  const pidFile = path.join(sandbox.dir, 'pid')
  const flags = ['--pidfd-socket', receiver.socket, '--pid-file', pidFile]
  t.is(sandbox.detached(['exec', '-d', ...flags, sandbox.id, 'broken']).status, 255)
  t.is((await receiver.next()).text, 'setns')
  receiver.tell('close')
  t.false(existsSync(pidFile))
  await receiver.end()
})

test('where nobody listens nothing runs and nothing is left', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = waiting(t)
  const missing = path.join(sandbox.dir, 'missing.sock')
  const created = sandbox.create(sandbox.id, '--pidfd-socket', missing)
  t.is(created.status, 1)
  t.regex(created.stderr, /missing\.sock: no such file or directory\n.*--pidfd-socket/)
  sandbox.assertClean(t)
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  const marker = path.join(sandbox.rootfs, 'tmp/ran')
  const args = ['exec', '--pidfd-socket', missing, sandbox.id, 'inside', 'write', '/tmp/ran', 'yes']
  t.is(sandbox.run(args).status, 255)
  t.false(existsSync(marker))
})
