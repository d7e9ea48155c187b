import test from 'ava'
import { chmodSync } from 'node:fs'
import { lacks, Sandbox } from './harness.ts'
import { ownUsers } from './users.ts'

// covers: /root/path
test('the way to the rootfs may be closed to the ids of the container’s user namespace', (t) => {
  if (lacks(t, 'runt')) return // The others want it to be open.
  const sandbox = new Sandbox(t, (spec) => {
    ownUsers(spec)
    spec.process!.args = ['inside', 'wait']
  })
  // Where the sandboxes of tests lie, and rootless Podman's storage.
  for (const folder of [sandbox.dir, sandbox.bundle]) chmodSync(folder, 0o700)
  const { status, stderr } = sandbox.detached(['run', '--detach', sandbox.id])
  t.is(status, 0, stderr)
  const executed = sandbox.run(['exec', sandbox.id, 'inside', 'cat', '/proc/self/uid_map'])
  t.regex(executed.stdout, /^ +0 +100000 +65536$/m, executed.stderr)
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})
