/** What runt makes, and who may do what with it: SECURITY.md says so, and is compared with what is there. */
import test from 'ava'
import { spawnSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync, type Stats } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { lacks, Sandbox } from './harness.ts'

/** Rows of the table of SECURITY.md: a pattern of paths, their type and their permissions. */
function promised(): { pattern: string; matches: RegExp; type: string; mode: string }[] {
  const text = readFileSync(fileURLToPath(new URL('../../SECURITY.md', import.meta.url)), 'utf8')
  return [...text.matchAll(/^\| `([^`]+)` \| (directory|file|fifo|socket) \| (\d{4}) \|/gm)].map(
    ([, pattern, type, mode]) => ({
      pattern: pattern!,
      matches: new RegExp(`^${pattern!.replaceAll('.', '\\.').replaceAll('*', '[^/.][^/]*')}$`),
      type: type!,
      mode: mode!,
    }),
  )
}

function typeOf(status: Stats): string {
  if (status.isDirectory()) return 'directory'
  if (status.isFIFO()) return 'fifo'
  if (status.isSocket()) return 'socket'
  return status.isFile() ? 'file' : 'other'
}

/** All that is below a directory, and itself, by the name that SECURITY.md gives it. */
function* walk(name: string, place: string): Generator<{ name: string; status: Stats }> {
  const status = lstatSync(place)
  yield { name, status }
  // Below these it is the container's, and overlayfs's.
  if (!status.isDirectory() || /^STORE\/containers\/[^/]+\/(upper|work)$/.test(name)) return
  for (const entry of readdirSync(place)) yield* walk(`${name}/${entry}`, path.join(place, entry))
}

// cve: state-files
test('all that runt makes has the permissions that SECURITY.md promises, where the umask takes none away', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  const [layer, store] = [path.join(sandbox.dir, 'layer'), path.join(sandbox.dir, 'store')]
  mkdirSync(layer)
  mkdirSync(path.join(sandbox.bundle, 'empty'))
  spawnSync('cp', ['-a', `${sandbox.rootfs}/.`, layer])
  sandbox.configure((spec) => {
    spec.root = { path: 'empty' }
    spec.annotations = { 'io.runt.layers': JSON.stringify([layer]), 'io.runt.store': store }
    spec.linux!.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['acct'], action: 'SCMP_ACT_ERRNO' }] }
    spec.process!.args = ['inside', 'wait']
  })
  const [pidFile, log, socket] = ['pid', 'log', 'notify.sock'].map((name) => path.join(sandbox.dir, name))
  const [file, ...rest] = sandbox.command('--log', log!, '--debug', 'create', '--pid-file', pidFile!, sandbox.id)
  const run = spawnSync(
    'sh',
    ['-c', 'umask 0; exec "$@" >/dev/null 2>"$0"', path.join(sandbox.dir, 'err'), file!, ...rest],
    {
      cwd: sandbox.bundle,
      env: { ...process.env, NOTIFY_SOCKET: socket! },
    },
  )
  t.is(run.status, 0, readFileSync(path.join(sandbox.dir, 'err'), 'utf8'))
  const rows = promised()
  const seen = new Set<string>()
  const unknown: string[] = []
  const cgroup = /^0::(.*)$/m.exec(readFileSync(`/proc/${sandbox.state().pid}/cgroup`, 'utf8'))![1]!
  const made = [
    ...walk('STATE', sandbox.stateRoot),
    ...walk('STORE', store),
    ...walk('PID-FILE', pidFile!),
    ...walk('LOG', log!),
    { name: 'CGROUP', status: lstatSync(`/sys/fs/cgroup${cgroup}`) },
  ]
  for (const { name, status } of made) {
    const row = rows.find(({ matches }) => matches.test(name))
    if (row === undefined) {
      unknown.push(name)
      continue
    }
    seen.add(row.pattern)
    const mode = (status.mode & 0o7777).toString(8).padStart(4, '0')
    t.deepEqual({ type: typeOf(status), mode, uid: status.uid }, { type: row.type, mode: row.mode, uid: 0 }, name)
  }
  t.deepEqual(unknown, [], 'SECURITY.md says nothing of these')
  for (const { pattern } of rows) t.true(seen.has(pattern), `${pattern} was not made`)
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
})
