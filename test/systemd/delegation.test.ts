/** A scope's cgroup for the container's user: in the virtual machine that boots systemd with D-Bus. */
import test from 'ava'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { Sandbox } from '../integration/harness.ts'
import { openUp } from '../integration/users.ts'

test.serial('a scope that the container may write to is its user’s, and stays so when systemd is reloaded', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.namespaces!.push({ type: 'user' })
    spec.linux!.uidMappings = [{ containerID: 0, hostID: 300_000, size: 2000 }]
    spec.linux!.gidMappings = [{ containerID: 0, hostID: 300_000, size: 2000 }]
    for (const mount of spec.mounts!)
      if (mount.type === 'cgroup') mount.options = mount.options!.filter((option) => option !== 'ro')
    spec.process!.args = ['inside', 'wait']
  })
  openUp(sandbox)
  t.is(sandbox.detached(['--systemd-cgroup', 'run', '--detach', sandbox.id]).stderr, '')
  const dir = `/sys/fs/cgroup/system.slice/runt-${sandbox.id}.scope`
  const owned = (): string[] => ['.', ...readdirSync(dir)].filter((name) => statSync(`${dir}/${name}`).uid === 300_000)
  const list = readFileSync('/sys/kernel/cgroup/delegate', 'utf8').split('\n').filter(Boolean)
  const expected = ['.', ...list.filter((name) => existsSync(`${dir}/${name}`))].sort()
  t.deepEqual(owned().sort(), expected)
  t.is(statSync('/sys/fs/cgroup/system.slice').uid, 0)
  t.is(spawnSync('systemctl', ['daemon-reload']).status, 0)
  t.deepEqual(owned().sort(), expected)
  const inside = (...args: string[]): string => sandbox.run(['exec', sandbox.id, 'inside', ...args]).stdout
  t.is(inside('mkdir', '/sys/fs/cgroup/child'), 'made\n')
  t.is(inside('write', '/sys/fs/cgroup/pids.max', '3'), 'write: open: EACCES\n')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).stderr, '')
  t.false(existsSync(dir))
  sandbox.assertClean(t)
})
