import test from 'ava'
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { lacks, lines, Sandbox, underTest } from './harness.ts'

test('the executable is one file that needs the C library alone', (t) => {
  if (lacks(t, 'executable')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'echo', 'hello']
  })
  const copy = path.join(sandbox.dir, 'copy')
  copyFileSync(underTest[0]!, copy)
  chmodSync(copy, 0o755)
  const args = ['--root', sandbox.stateRoot, 'run', '--bundle', sandbox.bundle, sandbox.id]
  const { status, stdout, stderr } = spawnSync(copy, args, { encoding: 'utf8', env: {} })
  t.deepEqual({ status, stdout, stderr }, { status: 0, stdout: 'hello\n', stderr: '' })
  const needed = spawnSync('readelf', ['--dynamic', '--wide', copy], { encoding: 'utf8' }).stdout
  const libraries = [...needed.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, library]) => library!)
  t.deepEqual(
    libraries.filter((library) => !/^(libc|libm|ld-linux-.*)\.so\./.test(library)),
    [],
  )
})

test('root does not run an executable that every user may write', (t) => {
  if (lacks(t, 'executable')) return
  const sandbox = new Sandbox(t)
  const copy = path.join(sandbox.dir, 'copy')
  copyFileSync(underTest[0]!, copy)
  chmodSync(copy, 0o757)
  const { status, stderr } = spawnSync(copy, ['--version'], { encoding: 'utf8' })
  t.is(status, 70)
  t.regex(stderr, /^runt: .*writable by every user/)
})

// cve: engine-environment
test('nothing in the environment of the caller gives the engine orders', (t) => {
  if (lacks(t, 'executable')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'echo', 'hello']
  })
  for (const env of [
    { NODE_OPTIONS: '--require=/tmp/no-such-file.js' },
    { BUN_BE_BUN: '1' },
    { QJS_MODULE_PATH: '/tmp' },
  ]) {
    t.deepEqual(
      sandbox.run(['run', sandbox.id], { env }),
      { status: 0, stdout: 'hello\n', stderr: '' },
      JSON.stringify(env),
    )
  }
})

// cve: engine-environment
test('files of the working directory give the engine no orders, and the program inherits nothing of the caller’s environment', (t) => {
  if (lacks(t, 'executable')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.env = ['PATH=/bin', 'HOME=/']
    spec.process!.args = ['inside', 'env']
  })
  const planted = (name: string, text: string): void => {
    writeFileSync(path.join(sandbox.bundle, name), text)
  }
  const evil = "require('node:fs').writeSync(1, 'planted\\n')\n"
  planted('evil.js', evil)
  planted('bunfig.toml', 'preload = ["./evil.js"]\n')
  planted('.env', 'BUN_OPTIONS=--version\nRUNT_ROOT=/nowhere\n')
  planted('package.json', '{"type":"commonjs","main":"evil.js"}')
  planted('tsconfig.json', '{"compilerOptions":{"paths":{"*":["./evil.js"]}}}')
  const env = { PATH: process.env.PATH ?? '', SECRET: 'of the caller', LD_LIBRARY_PATH: sandbox.bundle, LD_PRELOAD: '' }
  const { status, stdout, stderr } = sandbox.run(['run', sandbox.id], { env })
  t.deepEqual({ status, stderr }, { status: 0, stderr: '' })
  t.deepEqual(lines(stdout).sort(), ['HOME=/', 'PATH=/bin'])
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
