/** What a process can do that takes archives apart, should an archive take it over: native/addon/confined.h. */
import test from 'ava'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { SIGABRT, SIGSYS } = constants.signals
/** It could; the kernel refused, and let it go on. */
const [could, refused] = ['status 0', 'status 2']

test('a process that was taken over can compute, and nothing else', (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'runt-confined-'))
  t.teardown(() => {
    rmSync(dir, { recursive: true })
  })
  const program = path.join(dir, 'confined')
  const sources = ['test/machine/confined.cpp', 'native/addon/confined.cpp'].map((name) => path.join(root, name))
  const built = spawnSync('c++', ['-std=c++20', '-D_GNU_SOURCE', '-Wall', '-Werror', '-o', program, ...sources], {
    encoding: 'utf8',
  })
  t.is(built.status, 0, built.stderr)
  const { status, stdout, stderr } = spawnSync(program, { encoding: 'utf8', timeout: 60_000 })
  t.is(status, 0, stderr)
  const ends = stdout
    .trim()
    .split('\n')
    .map((line) => /^(.+) (\w+ \d+)$/.exec(line)!.slice(1) as [string, string])
  t.true(ends.length > 30)
  const expected: Record<string, string> = {
    compute: could,
    'much memory': refused,
    'memory of a stack': refused,
    'memory to read': refused,
    'other descriptors': refused,
    abort: `signal ${SIGABRT}`,
  }
  for (const [name, end] of ends) t.is(end, expected[name] ?? `signal ${SIGSYS}`, name)
})
