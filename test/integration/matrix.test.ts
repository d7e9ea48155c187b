// Not in the virtual machine: states and refusals are runt’s own, and cgroup.freeze needs no controller.
/** Operation × state: what each command does to a container in each state, what it says where it refuses, and the state afterwards. */
import test, { type ExecutionContext } from 'ava'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { launch, signalled } from './concurrent.ts'
import { eventually, runtime, Sandbox } from './harness.ts'

const states = ['missing', 'creating', 'interrupted', 'created', 'running', 'paused', 'stopped'] as const
type State = (typeof states)[number]

interface Refusal {
  readonly says: RegExp
  readonly status?: number
}
/** The state afterwards; or the refusal, which changes nothing; or that the command waits for the creation and then leads to a state. */
type Expected = State | Refusal | { readonly waits: State } | 'not here'

const execFailed = runtime === 'crun' ? 1 : 255
const missing: Refusal = { says: /container does not exist/ }
const exists: Refusal = { says: /container with given ID already exists/ }
const notRunning: Refusal = { says: /container not running/ }
const notPaused: Refusal = { says: /container not paused/ }
const alreadyRunning: Refusal = {
  says: /cannot start an already running container|cannot start a container in the paused state/,
}
const hasStopped: Refusal = { says: /cannot start a container that has stopped/ }
const notStopped: Refusal = { says: /cannot delete container \S+ that is not stopped: (running|paused)/ }
const inStopped: Refusal = { says: /cannot exec in a stopped container/, status: execFailed }
const inCreating: Refusal = { says: /cannot exec in a container that is being created/, status: execFailed }
const inPaused: Refusal = { says: /cannot exec in a paused container/, status: execFailed }
const execMissing: Refusal = { ...missing, status: execFailed }

interface Row {
  readonly args: (id: string) => string[]
  readonly expected: Readonly<Record<State, Expected>>
}

const same = { created: 'created', running: 'running', paused: 'paused' } as const

// What runtime.md demands of each operation, and beyond it what runc does.
const rows: Readonly<Record<string, Row>> = {
  create: {
    args: (id) => ['create', id],
    expected: {
      missing: 'created',
      creating: exists,
      interrupted: exists,
      created: exists,
      running: exists,
      paused: exists,
      stopped: exists,
    },
  },
  'run --detach': {
    args: (id) => ['run', '--detach', id],
    expected: {
      missing: 'running',
      creating: exists,
      interrupted: exists,
      created: exists,
      running: exists,
      paused: exists,
      stopped: exists,
    },
  },
  start: {
    args: (id) => ['start', id],
    expected: {
      missing,
      creating: { waits: 'running' },
      interrupted: hasStopped,
      created: 'running',
      running: alreadyRunning,
      paused: alreadyRunning,
      stopped: hasStopped,
    },
  },
  state: {
    args: (id) => ['state', id],
    expected: { missing, creating: 'creating', interrupted: 'stopped', ...same, stopped: 'stopped' },
  },
  kill: {
    args: (id) => ['kill', id, 'KILL'],
    expected: {
      missing,
      creating: notRunning,
      interrupted: notRunning,
      created: 'stopped',
      running: 'stopped',
      // Debian 12's runc leaves the signal pending until somebody thaws the container.
      paused: runtime === 'runt' ? 'stopped' : 'not here',
      stopped: notRunning,
    },
  },
  exec: {
    args: (id) => ['exec', id, '/bin/inside', 'exit', '0'],
    expected: {
      missing: execMissing,
      creating: inCreating,
      interrupted: inStopped,
      created: 'created',
      running: 'running',
      paused: inPaused,
      stopped: inStopped,
    },
  },
  pause: {
    args: (id) => ['pause', id],
    expected: {
      missing,
      creating: { waits: 'paused' },
      interrupted: notRunning,
      created: 'paused',
      running: 'paused',
      paused: notRunning,
      stopped: notRunning,
    },
  },
  resume: {
    args: (id) => ['resume', id],
    expected: {
      missing,
      creating: 'not here',
      interrupted: notPaused,
      created: notPaused,
      running: notPaused,
      paused: 'running',
      stopped: notPaused,
    },
  },
  // The specification forbids to delete a container that is created; daemons rely on it, as runc and crun do it.
  delete: {
    args: (id) => ['delete', id],
    expected: {
      missing,
      creating: { waits: 'missing' },
      interrupted: 'missing',
      created: 'missing',
      running: notStopped,
      paused: notStopped,
      stopped: 'missing',
    },
  },
  'delete --force': {
    args: (id) => ['delete', '--force', id],
    expected: {
      missing: 'missing',
      // It gives up after ten seconds, having ended the creation: test/unit/runtime/matrix.test.ts.
      creating: 'not here',
      interrupted: 'missing',
      created: 'missing',
      running: 'missing',
      paused: 'missing',
      stopped: 'missing',
    },
  },
}

/** Ends, or holds up, a command when it first talks to init, so that the container is half made. */
function atFirstAnswer(signal: 'KILL' | 'STOP'): string[] {
  return signalled('recvmsg', 1, signal)
}

/** Brings a new container into a state; what is returned lets a creation go on, and waits for its end. */
async function bring(sandbox: Sandbox, id: string, state: State): Promise<(() => Promise<void>) | undefined> {
  const must = (result: { status: number; stderr: string }): void => {
    if (result.status !== 0) throw new Error(result.stderr)
  }
  switch (state) {
    case 'missing':
      return undefined
    case 'creating':
      return creating(sandbox, id)
    case 'interrupted': {
      const { killed } = await launch(sandbox, ['create', id], { by: atFirstAnswer('KILL') })
      if (!killed) throw new Error('the creation was not interrupted')
      return undefined
    }
    default:
      must(sandbox.create(id))
  }
  if (state !== 'created') must(sandbox.run(['start', id]))
  if (state === 'paused') {
    must(sandbox.run(['pause', id]))
    await sandbox.until('paused', id)
  }
  if (state === 'stopped') {
    must(sandbox.run(['kill', id, 'KILL']))
    await sandbox.until('stopped', id)
  }
  return undefined
}

async function creating(sandbox: Sandbox, id: string): Promise<() => Promise<void>> {
  const [file, ...rest] = [...atFirstAnswer('STOP'), ...sandbox.command('create', id)]
  const tracer = spawn(file!, rest, { cwd: sandbox.bundle, stdio: 'ignore' })
  const ended = new Promise((resolve) => tracer.on('exit', resolve))
  const creator = (): number =>
    Number(readFileSync(`/proc/${tracer.pid}/task/${tracer.pid}/children`, 'utf8').split(' ')[0])
  // Its tracer stops it for a moment at every call.
  let stopped = 0
  await eventually(() => {
    if (creator() === 0 || stateOf(sandbox, id) !== 'creating') return false
    stopped = /^State:\s+[tT]/m.test(readFileSync(`/proc/${creator()}/status`, 'utf8')) ? stopped + 1 : 0
    return stopped === 5
  }, 'the creation is held up')
  let released = false
  return async () => {
    if (!released) process.kill(creator(), 'SIGCONT')
    released = true
    await ended
  }
}

/** The state that the runtime tells; an interrupted creation is a stopped container. */
function stateOf(sandbox: Sandbox, id: string): string {
  const { status, stdout } = sandbox.run(['state', id])
  return status === 0 ? (JSON.parse(stdout) as { status: string }).status : 'missing'
}

async function check(t: ExecutionContext, sandbox: Sandbox, name: string, row: Row, from: State): Promise<void> {
  const expected = row.expected[from]
  const half = from === 'creating' || from === 'interrupted'
  if (expected === 'not here' || (half && runtime !== 'runt')) return
  // crun runs here without cgroups, and so cannot pause.
  if (runtime === 'crun' && [from, name].some((word) => word.includes('pause') || word === 'resume')) return
  const what = `${name} of a container that is ${from}`
  const id = sandbox.newId()
  const release = await bring(sandbox, id, from)
  if (release !== undefined) t.teardown(release)
  const before = stateOf(sandbox, id)
  if (from !== 'interrupted') t.is(before, from, what)
  let went = release
  if (typeof expected === 'object' && 'waits' in expected) {
    const running = launch(sandbox, row.args(id))
    const first = await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 500, 'it waits'))])
    t.is(first, 'it waits', what)
    await release!()
    went = undefined
    const { status, stderr } = await running
    t.is(status, 0, `${what}: ${stderr}`)
    await eventually(() => stateOf(sandbox, id) === expected.waits, `${what}: ${expected.waits}`)
  } else {
    const { status, stderr } = await launch(sandbox, row.args(id))
    if (typeof expected === 'string') {
      t.is(status, 0, `${what}: ${stderr}`)
      t.is(stderr, '', what)
      await eventually(() => stateOf(sandbox, id) === expected, `${what}: ${expected}`)
    } else {
      t.is(status, expected.status ?? 1, `${what}: ${stderr}`)
      // crun has words of its own.
      if (runtime === 'crun') t.not(stderr, '', what)
      else t.regex(stderr, expected.says, what)
      t.is(stateOf(sandbox, id), before, `${what}: nothing changed`)
    }
  }
  if (went !== undefined) {
    await went()
    t.is(stateOf(sandbox, id), 'created', `${what}: the creation went on`)
  }
  t.is(sandbox.run(['delete', '--force', id]).status, 0, what)
}

function waiting(t: ExecutionContext): Sandbox {
  return new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'echo', 'started', '--', 'wait']
  })
}

// covers: runtime.md#query-state/missing, runtime.md#create/id-refused, runtime.md#start/created-only, runtime.md#kill/live-only
// covers: runtime.md#delete/stopped-only, runtime.md#state/status-values, runtime.md#state/pid-of-a-live-one
for (const [name, row] of Object.entries(rows)) {
  test(`${name}, in every state`, async (t) => {
    const sandbox = waiting(t)
    for (const from of states) await check(t, sandbox, name, row, from)
    sandbox.assertClean(t)
  })
}

// covers: runtime.md#start/created-only
test('a start that is refused does not run the program again', async (t) => {
  const sandbox = waiting(t)
  t.is(sandbox.create().status, 0)
  t.is(sandbox.run(['start', sandbox.id]).status, 0)
  await eventually(() => sandbox.output() === 'started\n', 'the program runs')
  t.is(sandbox.run(['start', sandbox.id]).status, 1)
  t.is(sandbox.output(), 'started\n')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

// covers: runtime.md#query-state/id-required, runtime.md#create/arguments-required, runtime.md#start/id-required
// covers: runtime.md#kill/id-required, runtime.md#delete/id-required
test('every operation without an id, and create without a bundle, is an error', (t) => {
  const sandbox = waiting(t)
  for (const command of ['state', 'create', 'start', 'kill', 'delete']) {
    const { status, stdout, stderr } = sandbox.run([command])
    t.not(status, 0, command)
    if (runtime === 'runt') t.regex(stderr, /container-id/, command)
    else t.not(stdout + stderr, '', command)
  }
  t.not(sandbox.run(['create', '--bundle', path.join(sandbox.dir, 'no-bundle'), sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

// covers: runtime.md#lifecycle/config-is-read-once
test('what becomes of config.json after create changes nothing', async (t) => {
  const sandbox = waiting(t)
  t.is(sandbox.create().status, 0)
  sandbox.writeConfig('{')
  t.is(sandbox.run(['start', sandbox.id]).status, 0)
  await eventually(() => sandbox.output() === 'started\n', 'the program of the first config.json runs')
  // Debian 12's runc reads config.json again for exec.
  if (runtime === 'runt') t.is(sandbox.run(['exec', sandbox.id, '/bin/inside', 'exit', '3']).status, 3)
  t.is(sandbox.run(['kill', sandbox.id, 'KILL']).status, 0)
  await sandbox.until('stopped')
  t.is(sandbox.run(['delete', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})
