/** systemd behind a bus that does not do what it should: every call ends within its time, the error says why, nothing is left. */
import test, { type ExecutionContext } from 'ava'
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually, lacks, Sandbox, type Result } from './harness.ts'
import { UserSandbox } from './rootless.ts'

const program = fileURLToPath(new URL('bus.py', import.meta.url))

/** A fake bus; what it was asked is in the returned file. */
async function bus(t: ExecutionContext, sandbox: Sandbox, mode: string): Promise<{ address: string; asked: string }> {
  const socket = path.join(sandbox.dir, 'bus')
  const asked = path.join(sandbox.dir, 'asked')
  writeFileSync(asked, '')
  const server = spawn('/bin/sh', ['-c', `exec python3 '${program}' '${socket}' ${mode} >'${asked}'`], {
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  })
  t.teardown(() => process.kill(-server.pid!, 'SIGKILL'))
  await eventually(() => readFileSync(asked, 'utf8').startsWith('ready'), 'the bus listens')
  chmodSync(socket, 0o777)
  return { address: `unix:path=${socket}`, asked }
}

function create(sandbox: Sandbox, address: string): Result {
  const env = { PATH: process.env.PATH ?? '', DBUS_SYSTEM_BUS_ADDRESS: address }
  return sandbox.run(['--systemd-cgroup', 'create', sandbox.id], { env })
}

const limited = (t: ExecutionContext): Sandbox =>
  new Sandbox(t, (spec) => {
    spec.linux!.resources = { pids: { limit: 20 } }
  })

for (const [mode, words] of [
  ['hangup', /talk to systemd over the system bus: it hung up/],
  ['stranger', /no systemd is on/],
  ['refused', /start unit runt-.*\.scope: tasksMax= is out of range.*from: linux\.resources\.pids\.limit/s],
  ['failed', /start unit runt-.*\.scope: the job ended with "failed".*hint: see journalctl -u runt-/s],
  ['canceled', /start unit runt-.*\.scope: the job ended with "canceled"/],
] as const) {
  test(`a bus on which systemd is ${mode}: an error, and nothing is left`, async (t) => {
    if (lacks(t, 'runt')) return
    const sandbox = limited(t)
    const { address, asked } = await bus(t, sandbox, mode)
    const { status, stderr } = create(sandbox, address)
    t.is(status, 1)
    t.regex(stderr, words)
    t.notRegex(stderr, /internal error|not cleaned up/)
    if (mode === 'failed') t.regex(readFileSync(asked, 'utf8'), /call ResetFailedUnit/)
    sandbox.assertClean(t)
  })
}

test('a bus that accepts and says nothing is given up', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = limited(t)
  const { address } = await bus(t, sandbox, 'silent')
  const { status, stderr } = create(sandbox, address)
  t.is(status, 1)
  t.regex(stderr, /talk to systemd over the system bus: no answer within 10 seconds/)
  sandbox.assertClean(t)
})

test('a bus that is missing: the error says what to do', (t) => {
  if (lacks(t, 'runt')) return
  // In the machine systemd itself listens, if it booted.
  if (existsSync('/run/systemd/private')) return t.pass()
  const sandbox = limited(t)
  const { status, stderr } = create(sandbox, 'unix:path=/nowhere/bus')
  t.is(status, 1)
  t.regex(stderr, /talk to systemd over the system bus: there is no bus.*hint: systemd and D-Bus must run for it/s)
  t.notRegex(stderr, /no such file/)
  sandbox.assertClean(t)
})

test("a user's bus that is missing, or unknown: the error says what to do", (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new UserSandbox(t)
  const args = ['--systemd-cgroup', 'run', sandbox.id]
  const missing = sandbox.asUser(args)
  t.is(missing.status, 1)
  t.regex(missing.stderr, /talk to systemd over unix:path=.*\/runtime\/bus: there is no bus.*enable-linger/s)
  const root = ['--root', path.join(sandbox.runtimeDir, 'state')]
  const unknown = sandbox.asUser([...root, ...args], { env: { XDG_RUNTIME_DIR: '' } })
  t.is(unknown.status, 1)
  t.regex(unknown.stderr, /is not known.*hint: set XDG_RUNTIME_DIR or DBUS_SESSION_BUS_ADDRESS/s)
  sandbox.assertClean(t)
})

test("a user's bus without systemd: the error names the variable", async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new UserSandbox(t)
  const { address } = await bus(t, sandbox, 'stranger')
  const { status, stderr } = sandbox.asUser(['--systemd-cgroup', 'run', sandbox.id], {
    env: { DBUS_SESSION_BUS_ADDRESS: address },
  })
  t.is(status, 1)
  t.regex(stderr, /no systemd is on .*DBUS_SESSION_BUS_ADDRESS/s)
  sandbox.assertClean(t)
})
