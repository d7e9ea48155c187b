/** SIGKILL of a command at any instant leaves what `delete --force` removes whole, and never harms another container. */
import test, { type ExecutionContext } from 'ava'
import { launch, signalled } from './concurrent.ts'
import { eventually, initsOf, lacks, Sandbox, slow } from './harness.ts'

/** Counted from the command's own first effect: what the engine does before is of no interest. */
const effects = {
  create:
    'mkdir flock rename mknodat bpf socketpair memfd_create prlimit64 munmap recvmsg sendto fchmod capget write close exit_group',
  start: 'flock readlink write close exit_group',
  exec: 'pidfd_open socketpair memfd_create prlimit64 munmap recvmsg sendto fchmod capget write close wait4 exit_group',
  delete: 'flock pidfd_open pidfd_send_signal poll ppoll unlink unlinkat rmdir rename write close exit_group',
  run: 'flock rename munmap recvmsg sendto ppoll wait4 rmdir unlinkat',
} as const

/** More calls than this of one kind no command makes, but for `close`. */
const most = 40

/** Where commands are slow only some of the instants are taken; of the many `close`s some are enough anywhere. */
function strideOf(call: string): number {
  return (slow ? 10 : 1) * (call === 'close' ? 4 : 1)
}

/**
 * Runs a command again and again, killed each time before its n-th system call of a kind, until it makes no more of them.
 * @param before makes what the command works on; gives its id
 * @param after looks at what is left; may throw
 */
async function killEverywhere(
  t: ExecutionContext,
  sandbox: Sandbox,
  calls: string,
  before: () => string | Promise<string>,
  command: (id: string) => string[],
  after: (id: string, what: string) => Promise<void>,
): Promise<void> {
  let kills = 0
  for (const call of calls.split(' ')) {
    for (let n = 1; n <= most; n += strideOf(call)) {
      const id = await before()
      const what = `before ${call} ${n}`
      const inject = signalled(call, n)
      const { killed, status, stderr } = await launch(sandbox, command(id), { by: inject })
      if (!killed) t.is(status, 0, `${what}: ${stderr}`)
      else kills++
      await after(id, what)
      if (!killed) break
    }
  }
  t.log(`${kills} kills`)
  t.true(kills > 3, 'it was killed at several places')
}

/** What is left can be looked at, and goes whole with delete --force. */
async function removable(t: ExecutionContext, sandbox: Sandbox, id: string, what: string): Promise<void> {
  const list = sandbox.run(['list'])
  t.is(list.status, 0, `${what}: ${list.stderr}`)
  const state = sandbox.run(['state', id])
  t.regex(
    state.status === 0 ? state.stdout : state.stderr,
    /"status": "(created|running|stopped)"|does not exist/,
    what,
  )
  const { status, stderr } = sandbox.run(['delete', '--force', id])
  t.is(status, 0, `${what}: ${stderr}`)
  t.is(stderr, '', what)
  await eventually(() => initsOf(sandbox.dir).length === 0, `${what}: init has left`)
  sandbox.assertClean(t)
}

function waiting(t: ExecutionContext): Sandbox {
  return new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
  })
}

function must(result: { status: number; stderr: string }): void {
  if (result.status !== 0) throw new Error(result.stderr)
}

test('create that is killed before any of its effects leaves what delete --force removes', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = waiting(t)
  await killEverywhere(
    t,
    sandbox,
    effects.create,
    () => sandbox.newId(),
    (id) => ['create', '--pid-file', 'pid', id],
    (id, what) => removable(t, sandbox, id, what),
  )
})

test('start that is killed before any of its effects leaves what delete --force removes', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = waiting(t)
  await killEverywhere(
    t,
    sandbox,
    effects.start,
    () => {
      const id = sandbox.newId()
      must(sandbox.create(id))
      return id
    },
    (id) => ['start', id],
    (id, what) => removable(t, sandbox, id, what),
  )
})

test('exec that is killed before any of its effects leaves the container as it was', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = waiting(t)
  must(sandbox.detached(['run', '-d', sandbox.id]))
  await killEverywhere(
    t,
    sandbox,
    effects.exec,
    () => sandbox.id,
    (id) => ['exec', id, 'inside', 'exit', '0'],
    async (id, what) => {
      await eventually(() => initsOf(sandbox.dir).length === 0, `${what}: the process has left`)
      t.is(sandbox.state(id).status, 'running', what)
    },
  )
  t.is(sandbox.run(['exec', sandbox.id, 'inside', 'echo', 'fine']).stdout, 'fine\n')
  await removable(t, sandbox, sandbox.id, 'at the end')
})

test('delete --force that is killed before any of its effects can be given again', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = waiting(t)
  await killEverywhere(
    t,
    sandbox,
    effects.delete,
    () => {
      const id = sandbox.newId()
      must(sandbox.detached(['run', '-d', id]))
      return id
    },
    (id) => ['delete', '--force', id],
    (id, what) => removable(t, sandbox, id, what),
  )
})

test('run that is killed before any of its effects leaves what delete --force removes', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  await killEverywhere(
    t,
    sandbox,
    effects.run,
    () => sandbox.newId(),
    (id) => ['run', id],
    (id, what) => removable(t, sandbox, id, what),
  )
})

test('commands that are killed at any time leave what delete --force removes, and the id can be used again', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = waiting(t)
  const id = sandbox.newId()
  const began = performance.now()
  must(await launch(sandbox, ['create', id]))
  const duration = performance.now() - began
  await removable(t, sandbox, id, 'unharmed')
  const instants = slow ? 4 : 24
  for (let instant = 0; instant <= instants; instant++) {
    const killAfter = (duration * 1.2 * instant) / instants
    const command = instant % 2 === 0 ? ['create', id] : ['run', '-d', id]
    const { killed, status, stderr } = await launch(sandbox, command, { killAfter })
    if (!killed) t.is(status, 0, stderr)
    await removable(t, sandbox, id, `${command[0]} after ${Math.round(killAfter)} ms`)
  }
})

test('a container next to one whose commands are killed is not touched', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = waiting(t)
  const neighbour = sandbox.newId()
  must(sandbox.detached(['run', '-d', neighbour]))
  const before = sandbox.state(neighbour)
  for (let killAfter = 5; killAfter <= 40; killAfter += 5) {
    const id = sandbox.newId()
    await launch(sandbox, ['create', id], { killAfter })
    await launch(sandbox, ['delete', '--force', id], { killAfter })
    t.is(sandbox.run(['delete', '--force', id]).status, 0)
    t.deepEqual(sandbox.state(neighbour), before)
  }
  await removable(t, sandbox, neighbour, 'the neighbour')
})
