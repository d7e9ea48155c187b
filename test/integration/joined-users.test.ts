// User namespaces that an ordinary user made, and root's runt joins.
import test from 'ava'
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { eventually, lacks, Sandbox } from './harness.ts'
import { gid, uid } from './rootless.ts'
import { openUp } from './users.ts'

/** The host's view of a process's supplementary groups. */
function groupsOf(pid: number | string): string | undefined {
  return /^Groups:[ \t]*(.*?) *$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
}

test('a container does not get the groups of root, which its user namespace would forbid to leave', async (t) => {
  if (lacks(t, 'runt')) return
  const user = ['--reuid', String(uid), '--regid', String(gid), '--clear-groups']
  const maker = spawn('setpriv', [...user, 'unshare', '--user', '--map-root-user', 'sleep', '300'])
  t.teardown(() => maker.kill('SIGKILL'))
  const setgroups = () => readFileSync(`/proc/${maker.pid}/setgroups`, 'utf8')
  const map = () => readFileSync(`/proc/${maker.pid}/uid_map`, 'utf8')
  await eventually(() => setgroups() === 'deny\n' && map() !== '', 'it is mapped')

  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.namespaces!.push({ type: 'user', path: `/proc/${maker.pid}/ns/user` })
    spec.mounts = spec.mounts!.filter(({ type }) => type === 'proc')
    spec.process!.args = ['inside', 'wait']
    delete spec.process!.rlimits
  })
  openUp(sandbox)
  t.is(spawnSync('chown', ['-R', `${uid}:${gid}`, sandbox.rootfs]).status, 0)
  // As a shell of root has them: root, adm, shadow.
  const asRoot = (...args: string[]) => {
    const { status } = spawnSync('setpriv', ['--groups', '0,4,42', ...sandbox.command(...args)], {
      cwd: sandbox.bundle,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    t.is(status, 0)
  }
  asRoot('run', '--detach', sandbox.id)
  t.is(groupsOf(sandbox.state().pid), '')
  const file = `${sandbox.dir}/pid`
  asRoot('exec', '--detach', '--pid-file', file, sandbox.id, 'inside', 'wait')
  t.is(groupsOf(readFileSync(file, 'utf8')), '')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})
