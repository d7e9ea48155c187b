import test from 'ava'
import { UsageError } from '../../../src/errors.ts'
import { execProcess, parseUser } from '../../../src/runtime/exec-process.ts'
import type { ExecRequest } from '../../../src/runtime/requests.ts'
import type { SavedState } from '../../../src/runtime/state.ts'
import type { Process } from '../../../src/spec/schema.gen.ts'
import { globals } from '../../simulated/commands.ts'
import { SimulatedHost } from '../../simulated/host.ts'
import { World } from '../../simulated/world.ts'

const base: Process = {
  terminal: true,
  cwd: '/srv',
  args: ['server'],
  env: ['PATH=/bin', 'A=1'],
  user: { uid: 7, gid: 8, additionalGids: [9] },
  capabilities: {
    bounding: ['CAP_KILL'],
    effective: ['CAP_KILL'],
    permitted: ['CAP_KILL'],
    inheritable: [],
    ambient: [],
  },
}

async function changed(request: Partial<ExecRequest>, world = new World()): Promise<Process> {
  const state = { process: base } as SavedState
  const { host } = new SimulatedHost(world)
  return (await execProcess({ host, globals: globals() }, { id: 'web', ...request }, state)).process
}

test("exec takes the container's process and changes what the flags say", async (t) => {
  const process = await changed({ args: ['ls', '-l'], cwd: '/', env: ['A=2', 'B=3,4'], user: '1', additionalGids: [5] })
  t.deepEqual(process.args, ['ls', '-l'])
  t.is(process.cwd, '/')
  t.deepEqual(process.env, ['PATH=/bin', 'A=1', 'A=2', 'B=3,4'])
  t.like(process.user, { uid: 1, gid: 8, additionalGids: [9, 5] })
  t.false(process.terminal)
  t.deepEqual(base.args, ['server'])
})

// cve: CVE-2022-29162
test('exec --cap adds to every set but the inheritable one', async (t) => {
  // Ambient capabilities are only had where they are inheritable: CVE-2022-29162.
  const { capabilities } = await changed({ args: ['ls'], capabilities: ['CAP_SYS_ADMIN'] })
  for (const set of ['bounding', 'effective', 'permitted'] as const) {
    t.deepEqual(capabilities?.[set], ['CAP_KILL', 'CAP_SYS_ADMIN'])
  }
  t.deepEqual([capabilities?.inheritable, capabilities?.ambient], [[], ['CAP_SYS_ADMIN']])
})

test('exec without a command is refused', async (t) => {
  await t.throwsAsync(changed({}), { instanceOf: UsageError })
  await t.throwsAsync(changed({ args: [] }), { instanceOf: UsageError })
})

test('exec with a relative working directory is refused', async (t) => {
  await t.throwsAsync(changed({ args: ['ls'], cwd: 'tmp' }), { instanceOf: UsageError, message: /cwd/ })
})

test('exec --process takes the whole process from a file', async (t) => {
  const world = new World()
  world.write('/bundle/p.json', JSON.stringify({ cwd: '/', args: ['id'], user: { uid: 1, gid: 1 } }))
  const process = await changed({ process: 'p.json' }, world)
  t.deepEqual(process.args, ['id'])
  t.is(process.env, undefined)
})

test('exec --process tells every problem of the file, with its lines', async (t) => {
  const world = new World()
  world.write('/p.json', '{\n "cwd": 1,\n "args": "x"\n}')
  const error = await t.throwsAsync(changed({ process: '/p.json' }, world), { code: 'INVALID_CONFIG' })
  const { problems } = error as unknown as { problems: { line: number }[] }
  t.deepEqual(problems.map(({ line }) => line).sort(), [2, 3])
})

test('a user is a number and perhaps a group, and nothing becomes root by mistake', (t) => {
  t.deepEqual(parseUser('1'), { uid: 1 })
  t.deepEqual(parseUser('1:2'), { uid: 1, gid: 2 })
  t.deepEqual(parseUser('0:0'), { uid: 0, gid: 0 })
  for (const text of [
    '',
    'x',
    ':',
    '1:',
    ':1',
    '1:2:3',
    '-1',
    '1.0',
    '0x1',
    '4294967295',
    '1:4294967296',
    ' 1',
    '1 ',
  ]) {
    t.throws(() => parseUser(text), { instanceOf: UsageError }, text)
  }
})
