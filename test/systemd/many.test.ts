/** Many containers of systemd, and the commands that need it not. scripts/systemd-loop.sh makes as many as one likes. */
import test from 'ava'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { lines, Sandbox } from '../integration/harness.ts'

const loop = fileURLToPath(new URL('../../scripts/systemd-loop.sh', import.meta.url))

test.serial('containers one after the other and at once leave no unit, no cgroup and no device filter', (t) => {
  const { status, stdout, stderr } = spawnSync('bash', [loop, '4', '4'], { encoding: 'utf8', timeout: 300_000 })
  t.is(status, 0, stdout + stderr)
  t.regex(stdout, /8 containers left nothing/)
})

test.serial('state, kill and exec talk to nobody over D-Bus', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
  })
  const { id } = sandbox
  t.is(sandbox.detached(['--systemd-cgroup', 'run', '--detach', id]).stderr, '')
  for (const command of [
    ['state', id],
    ['exec', id, 'inside', 'pid'],
    ['kill', id, 'KILL'],
  ]) {
    const [file, ...args] = sandbox.command(...command)
    const trace = ['-f', '-qq', '-e', 'trace=connect,openat', file!, ...args]
    const { status, stderr } = spawnSync('strace', trace, { encoding: 'utf8', timeout: 120_000 })
    t.is(status, 0, stderr)
    const touched = lines(stderr).filter((line) => /sun_path|libsystemd/.test(line))
    t.deepEqual(touched, [], command[0])
  }
  t.is(sandbox.run(['delete', '--force', id]).stderr, '')
  sandbox.assertClean(t)
})
