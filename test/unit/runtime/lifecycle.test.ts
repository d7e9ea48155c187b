import test, { type ExecutionContext } from 'ava'
import { create } from '../../../src/runtime/create.ts'
import { deleteContainer } from '../../../src/runtime/delete.ts'
import { exec } from '../../../src/runtime/exec.ts'
import { kill } from '../../../src/runtime/kill.ts'
import { list, state } from '../../../src/runtime/list.ts'
import { run } from '../../../src/runtime/run.ts'
import { start } from '../../../src/runtime/start.ts'
import { act, failure, machine, succeed } from '../../simulated/commands.ts'
import type { World } from '../../simulated/world.ts'

async function status(t: ExecutionContext, world: World, id = 'web'): Promise<string> {
  return (await succeed(t, world, (context) => state(id, context))).status
}

test('a container goes from created over running to stopped, and leaves nothing', async (t) => {
  const world = machine()
  const { pid } = await succeed(t, world, (context) => create({ id: 'web' }, context))
  t.is(await status(t, world), 'created')
  await succeed(t, world, (context) => start('web', context))
  t.is(await status(t, world), 'running')
  await succeed(t, world, (context) => kill({ id: 'web' }, context))
  t.is(await status(t, world), 'stopped')
  t.false(world.processes.has(pid))
  await succeed(t, world, (context) => deleteContainer({ id: 'web' }, context))
  t.deepEqual(world.remains(), [])
})

test('state has the fields of the specification and no pid once the container stopped', async (t) => {
  const world = machine((spec) => (spec.annotations = { a: 'b' }))
  const { pid } = await succeed(t, world, (context) => create({ id: 'web' }, context))
  const expected = {
    ociVersion: '1.3.0',
    id: 'web',
    pid,
    status: 'created',
    bundle: '/bundle',
    rootfs: '/bundle/rootfs',
    created: '2026-01-02T03:04:05.123456789Z',
    annotations: { a: 'b' },
    owner: '',
  }
  t.deepEqual(await succeed(t, world, (context) => state('web', context)), expected as never)
  await succeed(t, world, (context) => kill({ id: 'web', signal: 'KILL' }, context))
  t.is((await succeed(t, world, (context) => state('web', context))).pid, 0)
  const [listed] = await succeed(t, world, list)
  t.is(listed?.owner, 'root')
})

test('run returns how the program ended and leaves nothing', async (t) => {
  const world = machine()
  world.script = { exits: 7 }
  t.deepEqual(await succeed(t, world, (context) => run({ id: 'web' }, context)), { kind: 'exited', code: 7 })
  t.deepEqual(world.remains(), [])
})

test('run --keep leaves the stopped container', async (t) => {
  const world = machine()
  world.script = { exits: 0 }
  await succeed(t, world, (context) => run({ id: 'web', keep: true }, context))
  t.is(await status(t, world), 'stopped')
})

test('run --detach returns while the program runs', async (t) => {
  const world = machine()
  t.is(await succeed(t, world, (context) => run({ id: 'web', detach: true }, context)), undefined)
  t.is(await status(t, world), 'running')
})

test('the pid file holds the digits and nothing else', async (t) => {
  const world = machine()
  const { pid } = await succeed(t, world, (context) => create({ id: 'web', pidFile: 'init.pid' }, context))
  t.is(world.read('/bundle/init.pid'), String(pid))
})

test('the terminal goes to the console socket, the pidfd to its socket', async (t) => {
  const world = machine((spec) => (spec.process!.terminal = true))
  await succeed(t, world, (context) => create({ id: 'web', consoleSocket: '/c.sock', pidfdSocket: 'p.sock' }, context))
  t.deepEqual(world.sent, [
    { socket: '/c.sock', data: '/dev/pts/ptmx' },
    { socket: '/bundle/p.sock', data: 'standard' },
  ])
})

test('a terminal that nobody takes is refused before anything is done', async (t) => {
  const world = machine((spec) => (spec.process!.terminal = true))
  t.regex((await failure(t, world, (context) => create({ id: 'web' }, context))).message, /nobody takes it/)
  const plain = machine()
  const error = await failure(t, plain, (context) => create({ id: 'web', consoleSocket: '/c' }, context))
  t.regex(error.message, /process\.terminal is false/)
  t.deepEqual([...world.remains(), ...plain.remains()], [])
})

test('an id in use is refused and the container that has it is untouched', async (t) => {
  const world = machine()
  await succeed(t, world, (context) => create({ id: 'web' }, context))
  const before = world.remains()
  const error = await failure(t, world, (context) => create({ id: 'web' }, context))
  t.is(error.message, 'container with given ID already exists')
  t.deepEqual(world.remains(), before)
})

test('a pid that another process got is never signalled', async (t) => {
  const world = machine()
  const { pid } = await succeed(t, world, (context) => create({ id: 'web' }, context))
  world.kill(world.processes.get(pid)!, 9)
  const other = world.reuse(pid)
  t.is(await status(t, world), 'stopped')
  t.is(
    (await failure(t, world, (context) => kill({ id: 'web', signal: '9' }, context))).message,
    'container not running',
  )
  await succeed(t, world, (context) => deleteContainer({ id: 'web', force: true }, context))
  t.is(other.status, undefined)
})

test('a failing step is told with its field and its line', async (t) => {
  const world = machine()
  world.script = { failStep: { op: 'program', errno: 2, subject: 'nope' } }
  const error = await failure(t, world, (context) => create({ id: 'web' }, context))
  t.is(error.message, 'exec: "nope": executable file not found in $PATH')
  t.is(error.origin, '/process/args/0')
  const text = world.read('/bundle/config.json')!.split('\n')
  const { location } = error as unknown as { location: { file: string; line: number } }
  t.is(location.file, '/bundle/config.json')
  t.is(text[location.line - 1]!.trim(), '"/bin/true"')
  t.deepEqual(world.remains(), [])
})

test('a program that cannot be executed fails start, with its field', async (t) => {
  const world = machine()
  world.script = { failStep: { op: 'exec', errno: 8, subject: '/bin/true' } }
  await succeed(t, world, (context) => create({ id: 'web' }, context))
  const error = await failure(t, world, (context) => start('web', context))
  t.is(error.message, 'exec /bin/true: exec format error')
  t.is(error.origin, '/process/args/0')
  t.is(await status(t, world), 'stopped')
})

test('run of a program that cannot be executed leaves nothing', async (t) => {
  const world = machine()
  world.script = { failStep: { op: 'exec', errno: 2, subject: '/bin/true' } }
  const error = await failure(t, world, (context) => run({ id: 'web' }, context))
  t.is(error.message, 'exec /bin/true: no such file or directory')
  t.deepEqual(world.remains(), [])
})

test('an init that dies without a word is told, and nothing is left', async (t) => {
  const world = machine()
  world.script = { dieAt: 'pivotRoot' }
  t.is((await failure(t, world, (context) => create({ id: 'web' }, context))).code, 'INIT_DIED')
  t.deepEqual(world.remains(), [])
})

test('exec runs a process in the container and tells how it ended', async (t) => {
  const world = machine()
  await succeed(t, world, (context) => run({ id: 'web', detach: true }, context))
  world.script = { exits: 3 }
  const result = await succeed(t, world, (context) => exec({ id: 'web', args: ['ls'], pidFile: '/run/e.pid' }, context))
  t.deepEqual(result.status, { kind: 'exited', code: 3 })
  t.is(world.read('/run/e.pid'), String(result.pid))
})

test('exec that fails writes no pid file and leaves no process', async (t) => {
  const world = machine()
  await succeed(t, world, (context) => run({ id: 'web', detach: true }, context))
  const before = world.remains()
  world.script = { failStep: { op: 'program', errno: 2, subject: 'ls' } }
  const request = { id: 'web', args: ['ls'], detach: true, pidFile: '/run/e.pid' }
  t.regex((await failure(t, world, (context) => exec(request, context))).message, /executable file not found in \$PATH/)
  t.is(world.read('/run/e.pid'), undefined)
  t.deepEqual(world.remains(), before)
})

test('delete --force ends everything in the container', async (t) => {
  const world = machine()
  await succeed(t, world, (context) => run({ id: 'web', detach: true }, context))
  await succeed(t, world, (context) => exec({ id: 'web', args: ['sleep'], detach: true }, context))
  t.is(world.processes.size, 2)
  await succeed(t, world, (context) => deleteContainer({ id: 'web', force: true }, context))
  t.deepEqual(world.remains(), [])
})

test('delete --force of a container that does not exist succeeds', async (t) => {
  await t.notThrowsAsync(succeed(t, machine(), (context) => deleteContainer({ id: 'web', force: true }, context)))
})

test('delete --force removes a directory without or with a damaged state.json', async (t) => {
  const world = machine()
  world.tree.makeParents('/run/runt/empty')
  world.write('/run/runt/damaged/state.json', '{')
  for (const id of ['empty', 'damaged']) {
    await succeed(t, world, (context) => deleteContainer({ id, force: true }, context))
  }
  t.deepEqual(world.remains(), [])
})

test('a process that SIGKILL does not end is told, and the state stays to find it', async (t) => {
  const world = machine()
  world.script = { stuck: true }
  await succeed(t, world, (context) => run({ id: 'web', detach: true }, context))
  const { error } = await act(t, world, (context) => deleteContainer({ id: 'web', force: true }, context))
  t.is((error as { code?: string }).code, 'STUCK')
  t.is(await status(t, world), 'running')
})

test('kill of all in a container without a pid namespace of its own reaches what outlived its init', async (t) => {
  const world = machine((spec) => {
    spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'pid')
  })
  const { pid } = await succeed(t, world, async (context) => {
    const made = await create({ id: 'web' }, context)
    await start('web', context)
    return made
  })
  await succeed(t, world, (context) => exec({ id: 'web', args: ['sleep'], detach: true }, context))
  world.kill(world.processes.get(pid)!, 9)
  t.is(world.alive().length, 1)
  t.is(
    (await failure(t, world, (context) => kill({ id: 'web', signal: 'TERM' }, context))).message,
    'container not running',
  )
  await succeed(t, world, (context) => kill({ id: 'web', signal: '15', all: true }, context))
  t.is(world.alive().length, 0)
  await t.notThrowsAsync(succeed(t, world, (context) => kill({ id: 'web', signal: 'KILL', all: true }, context)))
})
