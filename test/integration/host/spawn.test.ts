import test from 'ava'
import { commandOf, quoted, run } from './helpers.ts'

const program = quoted(commandOf('executable-program.ts'))
const ended = { kind: 'exited', code: 0 }

test('init runs from a sealed memfd', async (t) => {
  const spawned = run(['sh', '-c', program])
  await spawned.ended
  const facts = JSON.parse(spawned.stdout()) as Record<string, unknown>
  t.is(facts.exe, '/memfd:runt-init (deleted)')
  t.not(facts.update, 'opened')
  t.not(facts.truncate, 'opened')
  t.deepEqual(facts.status, ended)
})

// vm.memfd_noexec belongs to a pid namespace (Linux 6.3).
const forbidden = 'mount -t proc proc /proc; echo 2 > /proc/sys/vm/memfd_noexec || exit 99;'

function whereForbidden(command: string) {
  return run(['unshare', '--pid', '--fork', '--mount', 'sh', '-c', `${forbidden} ${command}`])
}

test('init runs from a read-only filesystem that is mounted nowhere when memfds may not be executed', async (t) => {
  const spawned = whereForbidden(program)
  if ((await spawned.ended).code === 99) {
    t.log('skipped: this kernel has no vm.memfd_noexec')
    t.pass()
    return
  }
  t.deepEqual(JSON.parse(spawned.stdout()), { exe: '/runt-init', update: 'EROFS', truncate: 'EROFS', status: ended })
})

test('a user who may not mount runs init from a file without a name when memfds may not be executed', async (t) => {
  const asUser = 'setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all'
  const spawned = whereForbidden(`${asUser} ${program}`)
  if ((await spawned.ended).code === 99) {
    t.log('skipped: this kernel has no vm.memfd_noexec')
    t.pass()
    return
  }
  const facts = JSON.parse(spawned.stdout()) as Record<string, unknown>
  t.regex(String(facts.exe), /^\/.*\(deleted\)$/)
  t.not(facts.update, 'opened')
  t.deepEqual(facts.status, ended)
})

test('init starts with the soft limit of open files that the caller had', async (t) => {
  const script = quoted(commandOf('foreground-program.ts', '--no-terminal', 'sh', '-c', 'ulimit -Sn; ulimit -Hn'))
  // The shell stays the parent: it has something to do afterwards.
  const spawned = run(['sh', '-c', `ulimit -Sn 777; ${script}; ulimit -Hn`])
  await spawned.ended
  const [soft, hard, own] = spawned.stdout().split('\n')
  t.is(soft, '777')
  t.is(hard, own)
})
