/** The client of systemd against a bus that keeps it waiting. */
import test, { type ExecutionContext } from 'ava'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadAddon } from '../../../src/host/addon.ts'

const program = fileURLToPath(new URL('../../integration/bus.py', import.meta.url))

/** The address of a fake bus of that mode. */
async function bus(t: ExecutionContext, mode: string): Promise<string> {
  const dir = mkdtempSync(path.join(tmpdir(), 'runt-bus-'))
  const socket = path.join(dir, 'bus')
  const server = spawn('python3', [program, socket, mode], { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  t.teardown(() => {
    // With the process of each connection.
    process.kill(-server.pid!, 'SIGKILL')
    rmSync(dir, { recursive: true })
  })
  await new Promise((resolve) => server.stdout.once('data', resolve))
  return `unix:path=${socket}`
}

const addon = loadAddon()

for (const [mode, job] of [
  ['deaf', false],
  ['endless', true],
] as const) {
  test(`a call has an end, on a bus that is ${mode}`, async (t) => {
    const connection = addon.systemdOpen(await bus(t, mode), false, 20_000)
    const args = ['a.scope', 'replace', [], []]
    const call = () => addon.systemdCall(connection, 'StartTransientUnit', 'ssa(sv)a(sa(sv))', args, job, 200)
    t.like(t.throws(call), { code: 'ETIMEDOUT' })
    addon.systemdClose(connection)
    t.like(t.throws(call), { code: 'EBADF' })
  })
}

test('a property has an end, and so has the greeting', async (t) => {
  const connection = addon.systemdOpen(await bus(t, 'deaf'), false, 20_000)
  t.like(
    t.throws(() => addon.systemdProperty(connection, 'Version', 200)),
    { code: 'ETIMEDOUT', path: 'Version' },
  )
  addon.systemdClose(connection)
  const silent = await bus(t, 'silent')
  t.like(
    t.throws(() => addon.systemdOpen(silent, false, 200)),
    { code: 'ETIMEDOUT' },
  )
})

test('one connection serves several calls, and the end of a job is heard', async (t) => {
  const connection = addon.systemdOpen(await bus(t, 'canceled'), false, 20_000)
  const args = ['a.scope', 'replace', [], []]
  t.is(addon.systemdProperty(connection, 'Version', 20_000), '252.1')
  for (let i = 0; i < 2; i++) {
    const answer = addon.systemdCall(connection, 'StartTransientUnit', 'ssa(sv)a(sa(sv))', args, true, 20_000)
    t.deepEqual(answer, { result: 'canceled' })
  }
  addon.systemdClose(connection)
  addon.systemdClose(connection)
})
