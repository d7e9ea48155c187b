// Operation × state: what each command does to a container in each state, and what it says where it refuses.
import test, { type ExecutionContext } from 'ava'
import { RuntError } from '../../../src/errors.ts'
import type { Context } from '../../../src/runtime/context.ts'
import { create } from '../../../src/runtime/create.ts'
import { deleteContainer } from '../../../src/runtime/delete.ts'
import { exec } from '../../../src/runtime/exec.ts'
import { kill } from '../../../src/runtime/kill.ts'
import { list, state } from '../../../src/runtime/list.ts'
import { pause, resume } from '../../../src/runtime/pause.ts'
import { run } from '../../../src/runtime/run.ts'
import { start } from '../../../src/runtime/start.ts'
import { act, machine, succeed } from '../../simulated/commands.ts'
import { SimulatedHost } from '../../simulated/host.ts'
import type { World } from '../../simulated/world.ts'

const states = {
  none: async () => undefined,
  /** Its creator is alive, and works on it. */
  creating: async (_t: ExecutionContext, world: World) => {
    const creator = new SimulatedHost(world)
    const dir = '/run/runt/web'
    world.tree.makeParents(dir)
    const { files } = creator.host
    await files.lock(await files.open(dir, 0b100001), true)
    const saved = { format: 1, id: 'web', bundle: '/bundle', pid: 0, startTime: 0, phase: 'creating', annotations: {} }
    await files.writeAtomic(`${dir}/state.json`, JSON.stringify(saved))
    world.creator = creator
  },
  /** Its creator was killed. */
  interrupted: async (t: ExecutionContext, world: World) => {
    await states.creating(t, world)
    ;(world.creator as SimulatedHost).end()
    world.creator = undefined
  },
  created: (t: ExecutionContext, world: World) => succeed(t, world, (context) => create({ id: 'web' }, context)),
  running: (t: ExecutionContext, world: World) =>
    succeed(t, world, (context) => run({ id: 'web', detach: true }, context)),
  paused: async (t: ExecutionContext, world: World) => {
    await states.running(t, world)
    world.write('/sys/fs/cgroup/own/web/cgroup.freeze', '1\n')
  },
  stopped: async (t: ExecutionContext, world: World) => {
    await states.running(t, world)
    await succeed(t, world, (context) => kill({ id: 'web', signal: 'KILL' }, context))
  },
}
type State = keyof typeof states

const commands: Record<string, (context: Context) => Promise<unknown>> = {
  create: (context) => create({ id: 'web' }, context),
  start: (context) => start('web', context),
  state: (context) => state('web', context),
  list,
  kill: (context) => kill({ id: 'web' }, context),
  'kill --all': (context) => kill({ id: 'web', all: true }, context),
  exec: (context) => exec({ id: 'web', args: ['sleep'], detach: true }, context),
  'exec --ignore-paused': (context) => exec({ id: 'web', args: ['sleep'], detach: true, ignorePaused: true }, context),
  pause: (context) => pause('web', context),
  resume: (context) => resume('web', context),
  delete: (context) => deleteContainer({ id: 'web' }, context),
  'delete --force': (context) => deleteContainer({ id: 'web', force: true }, context),
}

const missing = 'container does not exist'
const exists = 'container with given ID already exists'
const notRunning = 'container not running'
const inStopped = 'cannot exec in a stopped container'
const notStopped = (status: string) => `cannot delete container web that is not stopped: ${status}`
const alreadyRunning = 'cannot start an already running container'
const hasStopped = 'cannot start a container that has stopped'

/** The state afterwards; or the refusal, which leaves the state as it is; or that it waits for another command. */
type Expected = State | 'waits' | { refuses: string }

const expected: Record<string, Record<State, Expected>> = {
  create: {
    none: 'created',
    creating: { refuses: exists },
    interrupted: { refuses: exists },
    created: { refuses: exists },
    running: { refuses: exists },
    paused: { refuses: exists },
    stopped: { refuses: exists },
  },
  start: {
    none: { refuses: missing },
    creating: 'waits',
    interrupted: { refuses: hasStopped },
    created: 'running',
    running: { refuses: alreadyRunning },
    paused: { refuses: 'cannot start a container in the paused state' },
    stopped: { refuses: hasStopped },
  },
  state: {
    none: { refuses: missing },
    creating: 'creating',
    interrupted: 'stopped',
    created: 'created',
    running: 'running',
    paused: 'paused',
    stopped: 'stopped',
  },
  list: {
    none: 'none',
    creating: 'creating',
    interrupted: 'stopped',
    created: 'created',
    running: 'running',
    paused: 'paused',
    stopped: 'stopped',
  },
  kill: {
    none: { refuses: missing },
    creating: { refuses: notRunning },
    interrupted: { refuses: notRunning },
    created: 'stopped',
    running: 'stopped',
    paused: 'stopped',
    stopped: { refuses: notRunning },
  },
  'kill --all': {
    none: { refuses: missing },
    creating: 'creating',
    interrupted: 'stopped',
    created: 'stopped',
    running: 'stopped',
    paused: 'stopped',
    stopped: 'stopped',
  },
  exec: {
    none: { refuses: missing },
    creating: { refuses: 'cannot exec in a container that is being created' },
    interrupted: { refuses: inStopped },
    created: 'created',
    running: 'running',
    paused: { refuses: 'cannot exec in a paused container (use --ignore-paused to override)' },
    stopped: { refuses: inStopped },
  },
  'exec --ignore-paused': {
    none: { refuses: missing },
    creating: { refuses: 'cannot exec in a container that is being created' },
    interrupted: { refuses: inStopped },
    created: 'created',
    running: 'running',
    paused: 'paused',
    stopped: { refuses: inStopped },
  },
  pause: {
    none: { refuses: missing },
    creating: 'waits',
    interrupted: { refuses: notRunning },
    created: 'paused',
    running: 'paused',
    paused: { refuses: notRunning },
    stopped: { refuses: notRunning },
  },
  resume: {
    none: { refuses: missing },
    creating: 'waits',
    interrupted: { refuses: 'container not paused' },
    created: { refuses: 'container not paused' },
    running: { refuses: 'container not paused' },
    paused: 'running',
    stopped: { refuses: 'container not paused' },
  },
  delete: {
    none: { refuses: missing },
    creating: 'waits',
    interrupted: 'none',
    created: 'none',
    running: { refuses: notStopped('running') },
    paused: { refuses: notStopped('paused') },
    stopped: 'none',
  },
  'delete --force': {
    none: 'none',
    creating: { refuses: 'another command has been working on the container for 10 seconds' },
    interrupted: 'none',
    created: 'none',
    running: 'none',
    paused: 'none',
    stopped: 'none',
  },
}

async function statusOf(t: ExecutionContext, world: World): Promise<State> {
  const { value, error } = await act(t, world, (context) => state('web', context))
  if (error instanceof RuntError && error.message === missing) return 'none'
  return value!.status
}

for (const [name, row] of Object.entries(expected)) {
  for (const [from, result] of Object.entries(row) as [State, Expected][]) {
    if (result === 'waits') continue
    test(`${name}: ${from} → ${typeof result === 'string' ? result : result.refuses}`, async (t) => {
      const world = machine()
      await states[from](t, world)
      const before = await statusOf(t, world)
      const { error } = await act(t, world, commands[name]!)
      t.is(error instanceof Error ? error.message : undefined, typeof result === 'string' ? undefined : result.refuses)
      t.is(await statusOf(t, world), typeof result === 'string' ? result : before)
    })
  }
}

for (const name of ['start', 'delete']) {
  test(`${name} waits for the command that creates the container`, async (t) => {
    const world = machine()
    const creator = new SimulatedHost(world, { seed: 1 })
    const globals = {
      root: '/run/runt',
      systemdCgroup: false,
      cgroupManager: 'cgroupfs',
      rootless: 'auto',
      debug: false,
    } as const
    const creation = create({ id: 'web' }, { host: creator.host, globals: { ...globals, cwd: '/bundle', env: {} } })
    // As soon as the directory is there, before the container is.
    await world.until(() => world.tree.find('/run/runt/web/state.json') !== undefined)
    const command = succeed(t, world, commands[name]!)
    await creation
    creator.end()
    await command
    t.is(await statusOf(t, world), name === 'start' ? 'running' : 'none')
  })
}
