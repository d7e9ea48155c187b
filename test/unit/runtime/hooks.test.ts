// Hooks on the simulated machine: what becomes of the container when one fails, and when anything else fails around them.
import test, { type ExecutionContext } from 'ava'
import { RuntError } from '../../../src/errors.ts'
import type { Context } from '../../../src/runtime/context.ts'
import { create } from '../../../src/runtime/create.ts'
import { deleteContainer } from '../../../src/runtime/delete.ts'
import { explain } from '../../../src/runtime/explain.ts'
import { kill } from '../../../src/runtime/kill.ts'
import { run } from '../../../src/runtime/run.ts'
import { start } from '../../../src/runtime/start.ts'
import type { Spec } from '../../../src/spec/schema.gen.ts'
import { act, failure, machine, succeed } from '../../simulated/commands.ts'
import type { Script, World } from '../../simulated/world.ts'

const events = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const
type Event = (typeof events)[number]

/** Two hooks of each event: /prestart/0, /prestart/1 … */
const hooked = (spec: Spec): void => {
  spec.hooks = Object.fromEntries(
    events.map((event) => [event, [0, 1].map((index) => ({ path: `/${event}/${index}`, timeout: 7 }))]),
  )
}
const paths = (world: World): string[] => world.hooks.map(({ path }) => path)
const both = (...names: Event[]): string[] => names.flatMap((event) => [`/${event}/0`, `/${event}/1`])

const created = (t: ExecutionContext, world: World): Promise<unknown> =>
  succeed(t, world, (context) => create({ id: 'web' }, context))

test('hooks of the host run at their operations, with the state of the moment', async (t) => {
  const world = machine((spec) => {
    hooked(spec)
    spec.annotations = { a: 'b' }
  })
  const { pid } = await succeed(t, world, (context) => create({ id: 'web' }, context))
  t.deepEqual(paths(world), both('prestart', 'createRuntime'))
  const base = { ociVersion: '1.3.0', id: 'web', bundle: '/bundle', annotations: { a: 'b' } }
  for (const { state, directory } of world.hooks) {
    t.deepEqual(state, { ...base, status: 'creating', pid } as never)
    t.is(directory, '/bundle')
  }
  await succeed(t, world, (context) => start('web', context))
  t.deepEqual(paths(world).slice(4), both('poststart'))
  t.deepEqual(world.hooks.at(-1)!.state, { ...base, status: 'running', pid } as never)
  await succeed(t, world, (context) => kill({ id: 'web', signal: 'KILL' }, context))
  await succeed(t, world, (context) => deleteContainer({ id: 'web' }, context))
  t.deepEqual(paths(world).slice(6), both('poststop'))
  t.deepEqual(world.hooks.at(-1)!.state, { ...base, status: 'stopped' } as never)
  t.deepEqual(world.remains(), [])
})

test('a program that ended at once is stopped to the poststart hooks', async (t) => {
  const world = machine(hooked)
  world.script = { exits: 0 }
  await succeed(t, world, (context) => run({ id: 'web', detach: true }, context))
  const { state } = world.hooks.find(({ path }) => path === '/poststart/0')!
  t.is(state.status, 'stopped')
  t.is(state.pid, undefined)
})

for (const event of ['prestart', 'createRuntime'] as const) {
  test(`a ${event} hook that fails stops all that would follow and destroys the container`, async (t) => {
    const world = machine(hooked)
    world.script = { hooks: { [`/${event}/0`]: { kind: 'exited', code: 3 } } }
    const error = await failure(t, world, (context) => create({ id: 'web' }, context))
    t.is(error.message, `error running ${event} hook #0: /${event}/0: exit status 3, stderr: complaint`)
    t.is(error.code, 'HOOK_FAILED')
    t.is(error.origin, `/hooks/${event}/0`)
    const before = event === 'prestart' ? [] : both('prestart')
    t.deepEqual(paths(world), [...before, `/${event}/0`, ...both('poststop')])
    t.deepEqual(world.remains(), [])
  })
}

const inInit: [string, Partial<NonNullable<Script['failStep']>>, RegExp][] = [
  ['a status', { detail: Buffer.from('exited 3\nfirst\nlast\n') }, /exit status 3, stderr: first\nlast$/],
  ['a signal', { detail: Buffer.from('killed 15\n') }, /killed by SIGTERM$/],
  [
    'its timeout',
    { detail: Buffer.from('timeout 7\nso far') },
    /took longer than its timeout of 7 s and was killed, stderr: so far$/,
  ],
  ['what cannot be executed', { errno: 2 }, /\/p: no such file or directory/],
]
for (const [how, facts, says] of inInit) {
  test(`a hook in the container that fails by ${how} fails create or start, and the container is destroyed`, async (t) => {
    const failStep = { op: 'hook', errno: 0, subject: '/p', ...facts }
    const hooks: [Event, (context: Context) => Promise<unknown>][] = [
      ['createContainer', (context) => create({ id: 'web' }, context)],
      ['startContainer', (context) => start('web', context)],
      ['startContainer', (context) => run({ id: 'web' }, context)],
    ]
    for (const [number, [event, command]] of hooks.entries()) {
      const world = machine((spec) => {
        spec.hooks = { [event]: [{ path: '/p' }], poststop: [{ path: '/poststop/0' }] }
      })
      world.script = { failStep }
      if (number === 1) await created(t, world)
      const error = await failure(t, world, command)
      t.regex(error.message, says)
      t.true(error.message.startsWith(`error running ${event} hook #0: /p: `), error.message)
      t.is(error.origin, `/hooks/${event}/0${how === 'its timeout' ? '/timeout' : ''}`)
      t.deepEqual(paths(world), ['/poststop/0'])
      t.deepEqual(
        world.remains().filter((line) => !line.includes('zombie')),
        [],
      )
    }
  })
}

for (const [name, command] of [
  ['start', (context: Context) => start('web', context)],
  ['run', (context: Context) => run({ id: 'web' }, context)],
  ['run --detach', (context: Context) => run({ id: 'web', detach: true }, context)],
] as const) {
  test(`a poststart hook that fails fails ${name}, ends the program and destroys the container`, async (t) => {
    const world = machine(hooked)
    world.script = { hooks: { '/poststart/0': { kind: 'signaled', signal: 9 } } }
    if (name === 'start') await created(t, world)
    const error = await failure(t, world, command)
    t.is(error.message, 'error running poststart hook #0: /poststart/0: killed by SIGKILL, stderr: complaint')
    t.deepEqual(paths(world), [...both('prestart', 'createRuntime'), '/poststart/0', ...both('poststop')])
    t.deepEqual(world.remains(), [])
  })
}

test('start minds the timeouts of hooks inside, where init cannot, and destroys the container', async (t) => {
  for (const [paths, says, origin] of [
    [['/p'], /hook #0: \/p: took longer than its timeout of 7 s and was killed$/, '/hooks/startContainer/0/timeout'],
    [
      ['/p', '/q'],
      /hooks: together they took longer than 14 s, their timeouts, and were killed$/,
      '/hooks/startContainer',
    ],
  ] as const) {
    const world = machine((spec) => {
      spec.hooks = { startContainer: paths.map((path) => ({ path, timeout: 7 })) }
    })
    world.script = { silent: true }
    await created(t, world)
    const error = await failure(t, world, (context) => start('web', context))
    t.regex(error.message, says)
    t.is(error.origin, origin)
    t.deepEqual(
      world.remains().filter((line) => !line.includes('zombie')),
      [],
    )
  }
})

test('a poststop hook that fails is a warning, and the next one runs', async (t) => {
  const world = machine(hooked)
  world.script = { exits: 0, hooks: { '/poststop/0': 'timeout' } }
  const warnings: string[] = []
  await succeed(t, world, (context) =>
    run({ id: 'web' }, { ...context, log: { warn: (text) => void warnings.push(text), debug: () => undefined } }),
  )
  t.deepEqual(warnings, [
    'error running poststop hook #0: /poststop/0: took longer than its timeout of 7 s and was killed, stderr: complaint',
  ])
  t.deepEqual(paths(world).slice(-2), both('poststop'))
  t.deepEqual(world.remains(), [])
})

test('state.json has hooks only where start or delete need some', async (t) => {
  for (const [hooks, saved] of [
    [undefined, undefined],
    [{ prestart: [{ path: '/a' }], poststart: [], poststop: [] }, undefined],
    [{ prestart: [{ path: '/a' }], poststop: [{ path: '/b' }] }, { poststop: [{ path: '/b' }] }],
  ] as const) {
    const world = machine((spec) => {
      if (hooks !== undefined) spec.hooks = structuredClone(hooks) as never
    })
    await created(t, world)
    t.deepEqual((JSON.parse(world.read('/run/runt/web/state.json')!) as { hooks?: unknown }).hooks, saved)
  }
})

test('explain shows the hooks, those of the container as steps', async (t) => {
  const world = machine(hooked)
  const text = await succeed(t, world, (context) => explain({}, context))
  for (const event of ['prestart', 'createRuntime', 'poststart', 'poststop'])
    t.regex(text, new RegExp(`hooks\\.${event}\\[1\\] +run /${event}/1`))
  for (const event of ['createContainer', 'startContainer'])
    t.regex(text, new RegExp(`\\d+ +hooks\\.${event}\\[1\\] +hook path /${event}/1`))
})

// ——— whatever else fails ———

const commands: [
  string,
  (t: ExecutionContext, world: World) => Promise<unknown>,
  (context: Context) => Promise<unknown>,
][] = [
  ['create', () => Promise.resolve(), (context) => create({ id: 'web' }, context)],
  ['run', () => Promise.resolve(), (context) => run({ id: 'web' }, context)],
  ['run --detach', () => Promise.resolve(), (context) => run({ id: 'web', detach: true }, context)],
  ['start', created, (context) => start('web', context)],
  ['delete', created, (context) => deleteContainer({ id: 'web' }, context)],
]

async function prepare(
  t: ExecutionContext,
  before: (t: ExecutionContext, world: World) => Promise<unknown>,
): Promise<World> {
  const world = machine(hooked)
  await before(t, world)
  world.hooks.splice(0)
  world.script = { exits: 0 }
  return world
}

const forceDelete = (context: Context): Promise<void> => deleteContainer({ id: 'web', force: true }, context)

for (const [name, before, command] of commands) {
  test(`${name} with hooks: whichever effect fails, poststop hooks run once, and nothing is left`, async (t) => {
    const count = (await act(t, await prepare(t, before), command)).host.effects.length
    for (let failAt = 0; failAt < count; failAt++) {
      const world = await prepare(t, before)
      const { error, host } = await act(t, world, command, { failAt })
      const where = `effect ${failAt}, ${host.effects[failAt]!}: ${String(error)}`
      const told = error instanceof RuntError && error.cleanupErrors.length > 0
      const made = name === 'create' || name.startsWith('run')
      if (error !== undefined && made && !told && name !== 'run') t.deepEqual(world.remains(), [], where)
      const gone = world.remains().every((line) => !line.startsWith('/run/runt/web'))
      const hadHooks = name === 'delete' || name === 'start' || paths(world).length > 0
      if (gone && hadHooks && !host.effects[failAt]!.startsWith('processes.runHook'))
        t.deepEqual(
          paths(world).filter((path) => path.startsWith('/poststop/')),
          both('poststop'),
          where,
        )
      await succeed(t, world, forceDelete)
      t.deepEqual(world.remains(), [], `after delete --force: ${where}`)
      const stops = paths(world).filter((path) => path === '/poststop/1')
      t.true(stops.length <= 1, where)
    }
  })

  test(`${name} with hooks, killed before any effect, leaves what delete --force removes whole`, async (t) => {
    const count = (await act(t, await prepare(t, before), command)).host.effects.length
    for (let killAt = 0; killAt < count; killAt++) {
      const world = await prepare(t, before)
      const { host } = await act(t, world, command, { killAt })
      const left = world.remains().some((line) => line.startsWith('/run/runt/web/state.json'))
      const stopped = paths(world).filter((path) => path.startsWith('/poststop/')).length
      await succeed(t, world, forceDelete)
      t.deepEqual(world.remains(), [], `killed before effect ${killAt}, ${host.effects[killAt]!}`)
      if (left && stopped === 0) t.deepEqual(paths(world).slice(-2), both('poststop'))
    }
  })
}
