// Two commands on one container at once, in many different orders of their effects.
import test, { type ExecutionContext } from 'ava'
import type { Context } from '../../../src/runtime/context.ts'
import { create } from '../../../src/runtime/create.ts'
import { deleteContainer } from '../../../src/runtime/delete.ts'
import { exec } from '../../../src/runtime/exec.ts'
import { kill } from '../../../src/runtime/kill.ts'
import { list, state } from '../../../src/runtime/list.ts'
import { run } from '../../../src/runtime/run.ts'
import { start } from '../../../src/runtime/start.ts'
import { openFlags } from '../../../src/host/host.ts'
import { act, machine, succeed, type Outcome } from '../../simulated/commands.ts'
import { SimulatedHost } from '../../simulated/host.ts'
import type { World } from '../../simulated/world.ts'

type Command = (context: Context) => Promise<unknown>
type Before = (t: ExecutionContext, world: World) => Promise<unknown>

const make: Command = (context) => create({ id: 'web' }, context)
const detached: Command = (context) => run({ id: 'web', detach: true }, context)
const go: Command = (context) => start('web', context)
const remove: Command = (context) => deleteContainer({ id: 'web' }, context)
const force: Command = (context) => deleteContainer({ id: 'web', force: true }, context)
const process: Command = (context) => exec({ id: 'web', args: ['sleep'], detach: true }, context)
const end: Command = (context) => kill({ id: 'web', signal: 'KILL' }, context)
const look: Command = (context) => state('web', context)

const none: Before = async () => undefined
const created: Before = (t, world) => succeed(t, world, make)
const running: Before = (t, world) => succeed(t, world, detached)
const stopped: Before = async (t, world) => {
  await running(t, world)
  await succeed(t, world, end)
}

interface Pair {
  name: string
  before: Before
  commands: [Command, Command]
  /** How many of the two succeed; any number where there is none. */
  succeed?: number
}

const pairs: Pair[] = [
  { name: 'create, create', before: none, commands: [make, make], succeed: 1 },
  { name: 'run, run', before: none, commands: [detached, detached], succeed: 1 },
  { name: 'create, delete --force', before: none, commands: [make, force] },
  { name: 'run, delete --force', before: none, commands: [detached, force] },
  { name: 'run, delete', before: none, commands: [detached, remove] },
  { name: 'create, state', before: none, commands: [make, look] },
  { name: 'create, list', before: none, commands: [make, list], succeed: 2 },
  { name: 'create, kill', before: none, commands: [make, end] },
  { name: 'start, start', before: created, commands: [go, go], succeed: 1 },
  { name: 'start, delete', before: created, commands: [go, remove], succeed: 1 },
  { name: 'start, delete --force', before: created, commands: [go, force] },
  { name: 'start, kill', before: created, commands: [go, end] },
  { name: 'exec, delete --force', before: running, commands: [process, force] },
  { name: 'exec, exec', before: running, commands: [process, process], succeed: 2 },
  { name: 'exec, kill', before: running, commands: [process, end] },
  { name: 'delete, delete', before: stopped, commands: [remove, remove], succeed: 1 },
  { name: 'delete, create', before: stopped, commands: [remove, make] },
  { name: 'delete --force, delete --force', before: running, commands: [force, force], succeed: 2 },
  { name: 'delete --force, create', before: running, commands: [force, make] },
]

for (const { name, before, commands, succeed: expected } of pairs) {
  test(`${name}: in whatever order their effects come, the container is whole or gone`, async (t) => {
    for (let seed = 1; seed <= 60; seed++) {
      const world = machine()
      await before(t, world)
      const outcomes = await Promise.all(
        commands.map((command, index) => act(t, world, command, { seed: seed * 2 + index })),
      )
      const told = outcomes.map(({ error }) => String(error)).join(' | ')
      if (expected !== undefined) t.is(outcomes.filter(succeeded).length, expected, `seed ${seed}: ${told}`)
      t.false(/internal|TypeError|EBADF/.test(told), told)
      const listed = await succeed(t, world, list)
      for (const { status } of listed) t.true(['created', 'running', 'stopped'].includes(status))
      if (listed.length === 0) t.deepEqual(world.remains(), [], `seed ${seed}: ${told}`)
      await succeed(t, world, force)
      t.deepEqual(world.remains(), [], `after delete --force, seed ${seed}: ${told}`)
    }
  })
}

function succeeded({ error }: Outcome<unknown>): boolean {
  return error === undefined
}

test('a command that waited for a container that was deleted does not touch the one that took its name', async (t) => {
  const world = machine()
  await created(t, world)
  const deleter = new SimulatedHost(world)
  const { files } = deleter.host
  await files.lock(await files.open('/run/runt/web', openFlags.readOnly | openFlags.directory), true)
  const waiter = act(t, world, go)
  // Until it waits for the lock.
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  await files.removeTree('/run/runt/web')
  for (const process of world.alive()) world.kill(process, 9)
  await files.rmdir('/sys/fs/cgroup/own/web')
  await created(t, world)
  deleter.end()
  const { error } = await waiter
  t.is((error as Error).message, 'container does not exist')
  t.is((await succeed(t, world, (context) => state('web', context))).status, 'created')
})
