import test from 'ava'
import { main } from '../../../src/cli/main.ts'
import { features } from '../../../src/runtime/features.ts'
import { machine } from '../../simulated/commands.ts'
import { SimulatedHost } from '../../simulated/host.ts'

for (const euid of [0, 1000]) {
  test(`features prints the document, and nothing on standard error, for user ${euid}`, async (t) => {
    const world = machine()
    const host = new SimulatedHost(world, { euid })
    const caller = { argv0: 'runt', args: ['features'], cwd: '/', env: {}, engine: 'node 20' }
    t.is(await main(caller, host.host), 0)
    t.deepEqual(JSON.parse(world.stdout), JSON.parse(JSON.stringify(features())))
    t.is(world.stderr, '')
    t.deepEqual(world.remains(), [])
    host.end()
  })
}
