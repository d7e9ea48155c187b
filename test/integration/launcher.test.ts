import test from 'ava'
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { lacks, lines, Sandbox, underTest } from './harness.ts'

// cve: engine-environment
test('what gives the engine orders in the environment of the caller has no effect', (t) => {
  if (lacks(t, 'executable')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'echo', 'hello']
  })
  for (const env of [
    { BUN_BE_BUN: '1' },
    { BUN_OPTIONS: '--version' },
    { BUN_OPTIONS: '--preload=/tmp/no-such-file.js' },
    { BUN_INSPECT: 'ws://127.0.0.1:1/' },
    { BUN_JSC_useNoSuchOption: '1', BUN_JSC_dumpOptions: '2' },
    { RUNT_NOFILE: 'many' },
  ]) {
    t.deepEqual(
      sandbox.run(['run', sandbox.id], { env }),
      { status: 0, stdout: 'hello\n', stderr: '' },
      JSON.stringify(env),
    )
  }
})

test('the program starts with the caller’s soft limit of open files, whatever the engine and the caller’s parent have', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'rlimits']
    spec.process!.rlimits = []
  })
  if (lacks(t, 'executable')) return
  for (const soft of [333, 777]) {
    const args = [`--nofile=${soft}:`, ...underTest, '--root', sandbox.stateRoot, 'run', sandbox.id]
    const { stdout, stderr, status } = spawnSync('prlimit', args, { cwd: sandbox.bundle, encoding: 'utf8' })
    t.is(status, 0, stderr)
    const limit = lines(stdout).find((line) => line.startsWith('7 '))
    t.regex(limit ?? stdout, new RegExp(`^7 ${soft} `))
  }
})

test('a caller whose working directory was removed is served all the same', (t) => {
  const sandbox = new Sandbox(t)
  const gone = path.join(sandbox.dir, 'gone')
  mkdirSync(gone)
  const line = [...underTest, '--root', sandbox.stateRoot, 'list', '--quiet'].map((word) => `'${word}'`).join(' ')
  // The shell stays in the directory when it is gone.
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `rmdir "$PWD" && ${line}`], { cwd: gone, encoding: 'utf8' })
  t.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' })
})

test('a launcher without its executable says so', (t) => {
  if (lacks(t, 'executable')) return
  const sandbox = new Sandbox(t)
  const copy = path.join(sandbox.dir, 'prefix/bin/runt')
  mkdirSync(path.dirname(copy), { recursive: true })
  copyFileSync(underTest[0]!, copy)
  chmodSync(copy, 0o755)
  const { status, stderr } = spawnSync(copy, ['--version'], { encoding: 'utf8' })
  t.is(status, 127)
  t.regex(stderr, /libexec\/runt.* is missing/)
})
