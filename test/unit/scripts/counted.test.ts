import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const project = fileURLToPath(new URL('../../..', import.meta.url))

/** What counted of scripts/lib.sh leaves of a log. */
function counted(...log: string[]): string[] {
  const { stdout, stderr, status } = spawnSync('bash', ['-c', '. scripts/lib.sh; counted <(cat)'], {
    cwd: project,
    input: `${log.join('\n')}\n`,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return stdout.split('\n').filter((line) => line !== '')
}

test('a log counts without its colours', (t) => {
  t.deepEqual(counted('== unit', '\u001b[32m  ✔ a\u001b[39m'), ['== unit', '  ✔ a'])
})

test('what a machine ran before it failed itself does not count, and its neighbours do', (t) => {
  const first = ['== vm', '', '== in a machine with bash: a', '  ✔ a']
  const failed = ['== in a machine with bash: b', '  ✔ b', '  ✘ [fail]: b › c']
  const again = ['  ↻ booted again, for the machine itself failed', '  ✔ b', '  ✔ b › c']
  const next = ['== in a machine with systemd: d', '  ✔ d']
  t.deepEqual(
    counted(...first, ...failed, ...again, ...next),
    [...first, ...again, ...next].filter((line) => line !== ''),
  )
})
