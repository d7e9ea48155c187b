// Every command, with each of its effects failing once, and killed before each: what is left behind.
import test, { type ExecutionContext } from 'ava'
import { RuntError } from '../../../src/errors.ts'
import type { Context } from '../../../src/runtime/context.ts'
import { create } from '../../../src/runtime/create.ts'
import { deleteContainer } from '../../../src/runtime/delete.ts'
import { exec } from '../../../src/runtime/exec.ts'
import { kill } from '../../../src/runtime/kill.ts'
import { list } from '../../../src/runtime/list.ts'
import { run } from '../../../src/runtime/run.ts'
import { start } from '../../../src/runtime/start.ts'
import type { Spec } from '../../../src/spec/schema.gen.ts'
import { act, machine, succeed } from '../../simulated/commands.ts'
import type { Script, World } from '../../simulated/world.ts'

interface Case {
  name: string
  /** Makes the machine in which the command is run. */
  before?: (t: ExecutionContext, world: World) => Promise<unknown>
  config?: (spec: Spec) => void
  script?: Script
  command: (context: Context) => Promise<unknown>
  /** A failure leaves the container as it was, or gone on; else it leaves nothing new. The end of `run` is a `delete`. */
  mayLeave?: true
}

const terminal = (spec: Spec): void => void (spec.process!.terminal = true)
const userNamespace = (spec: Spec): void => {
  spec.linux!.namespaces!.push({ type: 'user' })
  spec.linux!.uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
  spec.linux!.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }]
}
const layers = (spec: Spec): void =>
  void (spec.annotations = { 'io.runt.layers': '["/bundle/rootfs"]', 'io.runt.store': '/store' })
const limits = (spec: Spec): void => void (spec.linux!.resources = { memory: { limit: 1 << 20 }, pids: { limit: 9 } })
const joined = (spec: Spec): void => {
  spec.linux!.namespaces!.find(({ type }) => type === 'pid')!.path = '/bundle/ns'
}
/** The command of a service manager that waits for readiness. */
const notified = (context: Context): Context => ({
  ...context,
  globals: { ...context.globals, env: { NOTIFY_SOCKET: '/run/systemd/notify' } },
})
const created = (t: ExecutionContext, world: World): Promise<unknown> =>
  succeed(t, world, (context) => create({ id: 'web' }, context))
const running = (t: ExecutionContext, world: World): Promise<unknown> =>
  succeed(t, world, (context) => run({ id: 'web', detach: true }, context))
const stopped = async (t: ExecutionContext, world: World): Promise<void> => {
  await running(t, world)
  await succeed(t, world, (context) => kill({ id: 'web', signal: 'KILL' }, context))
}

const cases: Case[] = [
  { name: 'create', command: (context) => create({ id: 'web', pidFile: '/run/pid' }, context) },
  { name: 'create with limits', config: limits, command: (context) => create({ id: 'web' }, context) },
  { name: 'create with a user namespace', config: userNamespace, command: (context) => create({ id: 'web' }, context) },
  { name: 'create with layers', config: layers, command: (context) => create({ id: 'web' }, context) },
  {
    name: 'delete of a container with layers',
    config: layers,
    before: created,
    command: (context) => deleteContainer({ id: 'web' }, context),
    mayLeave: true,
  },
  {
    name: 'create in a pid namespace that is joined',
    config: joined,
    command: (context) => create({ id: 'web' }, context),
  },
  {
    name: 'create with a terminal',
    config: terminal,
    command: (context) => create({ id: 'web', consoleSocket: '/c', pidfdSocket: '/p' }, context),
  },
  {
    name: 'create of a program that is missing',
    script: { failStep: { op: 'program', errno: 2 } },
    command: (context) => create({ id: 'web' }, context),
  },
  {
    name: 'run',
    script: { exits: 0 },
    command: (context) => run({ id: 'web', pidFile: '/run/pid' }, context),
    mayLeave: true,
  },
  { name: 'run --keep', script: { exits: 0 }, command: (context) => run({ id: 'web', keep: true }, context) },
  { name: 'run --detach', command: (context) => run({ id: 'web', detach: true }, context) },
  {
    name: 'run with a terminal',
    config: terminal,
    script: { exits: 0 },
    command: (context) => run({ id: 'web' }, context),
    mayLeave: true,
  },
  {
    name: 'run of a program that cannot be executed',
    script: { failStep: { op: 'exec', errno: 8 } },
    command: (context) => run({ id: 'web' }, context),
  },
  {
    name: 'run --detach that waits until the container is ready',
    command: (context) => run({ id: 'web', detach: true }, notified(context)),
  },
  {
    name: 'run that tells when the container is ready',
    script: { exits: 0 },
    command: (context) => run({ id: 'web' }, notified(context)),
    mayLeave: true,
  },
  {
    name: 'start that waits until the container is ready',
    before: (t, world) => succeed(t, world, (context) => create({ id: 'web' }, notified(context))),
    command: (context) => start('web', notified(context)),
    mayLeave: true,
  },
  { name: 'start', before: created, command: (context) => start('web', context), mayLeave: true },
  {
    name: 'exec',
    before: running,
    script: { exits: 0 },
    command: (context) => exec({ id: 'web', args: ['ls'], pidFile: '/run/pid' }, context),
  },
  {
    name: 'exec --detach',
    before: running,
    command: (context) => exec({ id: 'web', args: ['sleep'], detach: true }, context),
  },
  {
    name: 'exec with a terminal',
    before: running,
    command: (context) => exec({ id: 'web', args: ['sh'], tty: true, detach: true, consoleSocket: '/c' }, context),
  },
  { name: 'kill', before: running, command: (context) => kill({ id: 'web' }, context), mayLeave: true },
  { name: 'list', before: running, command: list },
  {
    name: 'delete of a stopped container',
    before: stopped,
    command: (context) => deleteContainer({ id: 'web' }, context),
    mayLeave: true,
  },
  {
    name: 'delete of a created container',
    before: created,
    command: (context) => deleteContainer({ id: 'web' }, context),
    mayLeave: true,
  },
  {
    name: 'delete --force of a running container',
    before: running,
    command: (context) => deleteContainer({ id: 'web', force: true }, context),
    mayLeave: true,
  },
]

async function prepare(t: ExecutionContext, { config, before, script }: Case): Promise<World> {
  const world = machine(config)
  world.write('/bundle/ns', '')
  await before?.(t, world)
  world.script = script ?? {}
  return world
}

const forceDelete = (context: Context): Promise<void> => deleteContainer({ id: 'web', force: true }, context)

for (const each of cases) {
  test(`${each.name}: whichever effect fails, nothing is left behind`, async (t) => {
    const count = (await act(t, await prepare(t, each), each.command)).host.effects.length
    t.true(count > 3)
    for (let failAt = 0; failAt < count; failAt++) {
      const world = await prepare(t, each)
      const before = world.remains()
      const { error, host } = await act(t, world, each.command, { failAt })
      const where = `effect ${failAt}, ${host.effects[failAt]!}: ${String(error)}`
      // In a failure's clean-up a failure of its own: it is told.
      const told = error instanceof RuntError && error.cleanupErrors.length > 0
      if (error !== undefined && each.mayLeave !== true && !told) {
        t.deepEqual(world.remains(), before, where)
        t.is(world.read('/run/pid'), undefined, where)
      }
      t.false(
        world.remains().some((line) => line.includes('zombie')),
        where,
      )
      await succeed(t, world, forceDelete)
      t.deepEqual(world.remains(), [], `after delete --force: ${where}`)
    }
  })

  test(`${each.name}: killed before any effect, it leaves what list shows and delete --force removes whole`, async (t) => {
    const count = (await act(t, await prepare(t, each), each.command)).host.effects.length
    for (let killAt = 0; killAt < count; killAt++) {
      const world = await prepare(t, each)
      const { host } = await act(t, world, each.command, { killAt })
      t.true(host.dead)
      const listed = await succeed(t, world, list)
      for (const { status } of listed) t.true(['created', 'running', 'stopped'].includes(status), status)
      await succeed(t, world, forceDelete)
      t.deepEqual(world.remains(), [], `killed before effect ${killAt}, ${host.effects[killAt]!}`)
    }
  })
}

test('delete --force that is killed can be repeated until it ends', async (t) => {
  const world = machine()
  await running(t, world)
  for (let tries = 0; world.remains().length > 0; tries++) {
    t.true(tries < 100)
    await act(t, world, forceDelete, { killAt: tries })
  }
  t.pass()
})
