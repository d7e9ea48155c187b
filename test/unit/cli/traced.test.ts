import test from 'ava'
import { main } from '../../../src/cli/main.ts'
import type { HookRequest } from '../../../src/host/host.ts'
import { machine } from '../../simulated/commands.ts'
import { SimulatedHost } from '../../simulated/host.ts'
import type { World } from '../../simulated/world.ts'

/** A machine with a container `web`, on which the command has pid 77. */
async function withContainer(): Promise<World> {
  const world = machine((spec) => {
    spec.hooks = { poststop: [{ path: '/hook' }] }
  })
  world.write('/proc/self/stat', `77 (runt) S ${'0 '.repeat(18)}1000 0\n`)
  world.write('/proc/uptime', '10.02 1.00\n')
  await runt(world, 'create web')
  return world
}

async function runt(world: World, line: string, env: Record<string, string> = {}) {
  world.stdout = world.stderr = ''
  const host = new SimulatedHost(world)
  const hooks: (readonly string[])[] = []
  const { processes: simulated } = host.host
  const processes = {
    ...simulated,
    runHook: (request: HookRequest) => {
      hooks.push(request.env)
      return simulated.runHook(request)
    },
  }
  const caller = { argv0: 'runt', args: line.split(' '), cwd: '/bundle', env, engine: 'node 20' }
  const code = await main(caller, { ...host.host, processes })
  host.end()
  return { code, stderr: world.stderr, effects: host.effects, hooks }
}

function names(world: World, file: string): string[] {
  const { traceEvents } = JSON.parse(world.read(file)!) as { traceEvents: { name: string; ph: string }[] }
  return traceEvents.filter(({ ph }) => ph === 'X').map(({ name }) => name)
}

test('--trace and RUNT_TRACE write a trace with the pid and the command in its name', async (t) => {
  const world = await withContainer()
  t.is((await runt(world, '--trace t-%c-%p%%.json state web')).code, 0)
  const found = names(world, '/bundle/t-state-77%.json')
  for (const name of ['runt state', 'start of the engine', 'load the command', 'read state.json', 'stdout'])
    t.true(found.includes(name), name)
  t.is((await runt(world, 'state web', { RUNT_TRACE: '/var.json' })).code, 0)
  t.true(names(world, '/var.json').includes('runt state'))
  await runt(world, '--trace /flag.json state web', { RUNT_TRACE: '/other.json' })
  t.is(world.read('/other.json'), undefined)
  t.is((await runt(world, 'no-such-command', { RUNT_TRACE: '/%c.json' })).code, 1)
  t.true(names(world, '/help.json').includes('runt help'))
})

test('without it a command does what it did, and an empty variable is none', async (t) => {
  const world = await withContainer()
  const { effects } = await runt(world, 'state web')
  t.deepEqual((await runt(world, 'state web', { RUNT_TRACE: '' })).effects, effects)
  t.false(effects.some((effect) => effect.includes('/proc/self/stat')))
  t.false((await runt(world, 'start web')).effects.some((effect) => effect.includes('/times')))
})

test('a trace that cannot be written is a warning', async (t) => {
  const world = await withContainer()
  const { code, stderr } = await runt(world, '--trace /no/such/t.json state web')
  t.is(code, 0)
  t.is(stderr, 'runt: warning: write the trace /no/such/t.json: no such file or directory\n')
  world.tree.makeParents('/taken')
  t.regex(
    (await runt(world, '--trace /taken state web')).stderr,
    /warning: write the trace \/taken: there is a directory/,
  )
  world.tree.remove('/proc/self/stat', 'unlink')
  const without = await runt(world, '--trace /t.json state web')
  t.is(without.code, 0)
  t.regex(without.stderr, /warning: a trace needs \/proc/)
})

test('the status of a command that fails stays, and the failure is told once', async (t) => {
  const world = await withContainer()
  const { code, stderr } = await runt(world, '--trace /t.json start missing')
  t.is(code, 1)
  t.is(stderr.match(/container does not exist/g)!.length, 1)
  t.true(names(world, '/t.json').includes('runt start'))
})

test('hooks do not get RUNT_TRACE', async (t) => {
  const world = await withContainer()
  const { hooks } = await runt(world, 'delete --force web', { RUNT_TRACE: '/t.json', OTHER: '1' })
  t.deepEqual(hooks, [['OTHER=1']])
  t.true(names(world, '/t.json').includes('runHook /hook'))
})
