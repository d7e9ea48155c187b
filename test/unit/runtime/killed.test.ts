/** Processes that end without a word before they execute their program. */
import test, { type ExecutionContext } from 'ava'
import type { Context } from '../../../src/runtime/context.ts'
import { create } from '../../../src/runtime/create.ts'
import { exec } from '../../../src/runtime/exec.ts'
import { run } from '../../../src/runtime/run.ts'
import { act, failure, machine, succeed } from '../../simulated/commands.ts'
import type { World } from '../../simulated/world.ts'

const limited = (): World => machine((spec) => (spec.linux!.resources = { memory: { limit: 4096 } }))

async function running(t: ExecutionContext, world: World): Promise<World> {
  await succeed(t, world, (context) => run({ id: 'web', detach: true }, context))
  return world
}

test('run tells that init was killed for want of memory when it was to execute the program, and leaves nothing', async (t) => {
  const world = limited()
  world.script = { dieAt: 'exec', oomKilled: true }
  const error = await failure(t, world, (context) => run({ id: 'web' }, context))
  t.is(error.message, 'container init was OOM-killed (memory limit too low?)')
  t.is(error.origin, '/linux/resources/memory/limit')
  t.deepEqual(world.remains(), [])
})

test('create tells that init was killed from outside, also where it is asked for its namespaces just then', async (t) => {
  const world = machine()
  const error = await failure(t, world, ({ host, globals }) => {
    const namespaces: typeof host.processes.namespaces = (pid, names) => {
      world.kill(world.processes.get(pid)!, 9)
      return host.processes.namespaces(pid, names)
    }
    return create({ id: 'web' }, { host: { ...host, processes: { ...host.processes, namespaces } }, globals })
  })
  t.is(error.message, 'container init died while it was being set up')
  t.regex(error.hint!, /"runt delete --force"/)
  t.deepEqual(world.remains(), [])
})

test('a program that ends at once was executed, whatever was killed in its cgroup', async (t) => {
  const world = limited()
  world.script = { exits: 0, oomKilled: true }
  const status = await succeed(t, world, (context) => run({ id: 'web' }, context))
  t.deepEqual(status, { kind: 'exited', code: 0 })
})

test('exec tells that its process was killed before it was ready, and writes no pid file', async (t) => {
  for (const dieAt of ['closeOnExec', 'exec']) {
    const world = await running(t, limited())
    world.script = { dieAt, oomKilled: true }
    const request = { id: 'web', args: ['ls'], detach: true, pidFile: '/run/e.pid' }
    const error = await failure(t, world, (context) => exec(request, context))
    t.is(error.message, 'process was OOM-killed (memory limit too low?)', dieAt)
    t.is(world.read('/run/e.pid'), undefined)
  }
})

test('exec whose cgroup is removed while its process is made says that the container has stopped', async (t) => {
  const command = (context: Context) => exec({ id: 'web', args: ['ls'], detach: true }, context)
  const { host } = await act(t, await running(t, machine()), command)
  const failAt = host.effects.findIndex((effect) => effect.startsWith('processes.spawn'))
  for (const code of ['ENOENT', 'ENODEV']) {
    const { error } = await act(t, await running(t, machine()), command, { failAt, code })
    t.is((error as Error).message, 'cannot exec in a stopped container', code)
  }
})

test('exec tells of a process that died for another reason', async (t) => {
  const world = await running(t, machine())
  world.script = { dieAt: 'closeOnExec' }
  const error = await failure(t, world, (context) => exec({ id: 'web', args: ['ls'] }, context))
  t.is(error.message, 'process died while it was being set up')
})
