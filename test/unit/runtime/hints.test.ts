import test from 'ava'
import { main } from '../../../src/cli/main.ts'
import { failedStep } from '../../../src/runtime/step-errors.ts'
import { machine } from '../../simulated/commands.ts'
import { SimulatedHost } from '../../simulated/host.ts'
import type { World } from '../../simulated/world.ts'

async function told(world: World, line: string): Promise<string> {
  world.stderr = ''
  const host = new SimulatedHost(world, {})
  await main({ argv0: 'runt', args: line.split(' '), cwd: '/bundle', env: {}, engine: 'node 20' }, host.host)
  host.end()
  return world.stderr
}

for (const [line, hint] of [
  ['state none', /"runt list" shows those of \/run\/runt; --root names another place/],
  ['--root /other kill none', /"runt list" shows those of \/other;/],
  ['explain --bundle /none', /a bundle is a directory with a config\.json/],
  ['explain --bundle /', /name the directory of the bundle with --bundle/],
  ['lsit', /did you mean list\?/],
  ['version', /runt --version tells it/],
  ['spec', /or name another directory with --bundle/],
] as const) {
  test(`"runt ${line}" is told how to go on`, async (t) => {
    t.regex(await told(machine(), line), new RegExp(`\n {2}hint: .*${hint.source}`))
  })
}

test('a flag of exec that makes no process is named', async (t) => {
  const world = machine()
  await told(world, 'run -d web')
  t.regex(await told(world, 'exec --cwd here web ls'), /cwd must be an absolute path.*\n {2}from: --cwd\n/)
  t.regex(await told(world, 'exec --env NAME web ls'), /must be NAME=value.*\n {2}from: --env\n/)
})

test('an option that the filesystem does not know is compared with those of every mount', (t) => {
  const detail = new TextEncoder().encode("e tmpfs: Unknown parameter 'nosiud'")
  const failed = { type: 'failed', step: 1, errno: 22, syscall: 'fsconfig', subject: 'nosiud', detail } as const
  const step = { op: 'newMount', origin: '/mounts/1' }
  t.is(failedStep({ failed, step, architecture: 'x64', spec: undefined }).hint, 'did you mean nosuid?')
})

test('an AppArmor profile that is not loaded is named', (t) => {
  const failed = {
    type: 'failed',
    step: 1,
    errno: 2,
    syscall: 'write',
    subject: 'x',
    detail: new Uint8Array(),
  } as const
  const hint = (step: { text?: string }) =>
    failedStep({ failed, step: { op: 'writeSelf', origin: '/process/apparmorProfile', ...step }, architecture: 'x64' })
      .hint ?? ''
  t.regex(hint({ text: 'exec some-profile' }), /^the profile some-profile is not loaded:/)
  t.regex(hint({}), /^the profile is not loaded:/)
})
