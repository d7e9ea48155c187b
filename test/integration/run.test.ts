import test from 'ava'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { lacks, lines, Sandbox } from './harness.ts'

// covers: /process/args
test('run gives what the program prints, and leaves nothing', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'echo', 'hello', '--', 'error', 'oops']
  })
  t.deepEqual(sandbox.runContainer(), { status: 0, stdout: 'hello\n', stderr: 'oops\n' })
  sandbox.assertClean(t)
})

test('the exit status is the program’s, and 128 + n for a signal', (t) => {
  const sandbox = new Sandbox(t)
  for (const [args, status] of [
    [['exit', '0'], 0],
    [['exit', '3'], 3],
    [['exit', '255'], 255],
    // Pid 1 of a pid namespace is deaf to signals that it sends itself.
    [['child-signal', '9', '--', 'exit', '5'], 5],
  ] as const) {
    sandbox.configure((spec) => {
      spec.process!.args = ['inside', ...args]
    })
    t.is(sandbox.runContainer().status, status, args.join(' '))
  }
  sandbox.configure((spec) => {
    spec.process!.args = ['inside', 'suicide', '9']
    spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'pid')
  })
  t.is(sandbox.runContainer().status, 137)
  sandbox.assertClean(t)
})

test('standard input reaches the program', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'read-all']
  })
  const text = 'line\n'.repeat(100_000)
  const { stdout, status } = sandbox.run(['run', sandbox.id], { input: text })
  t.is(status, 0)
  t.is(stdout.length, text.length)
  t.is(stdout, text)
})

test('a signal to run reaches the program', async (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'catch', '15', '--', 'catch', '10', '--', 'echo', 'ready', '--', 'wait']
  })
  for (const signal of ['SIGTERM', 'SIGUSR1'] as const) {
    const child = sandbox.start(['run', sandbox.id])
    let output = ''
    let errors = ''
    child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    await new Promise<void>((resolve, reject) => {
      child.stdout!.on('data', (chunk: Buffer) => {
        output += chunk.toString()
        if (output.includes('ready')) resolve()
      })
      child.on('exit', () => {
        reject(new Error(`ended early: ${output}${errors}`))
      })
    })
    const ended = new Promise((resolve) => child.on('close', resolve))
    child.kill(signal)
    t.is(await ended, signal === 'SIGTERM' ? 55 : 50)
    t.true(output.includes(signal === 'SIGTERM' ? 'signal 15' : 'signal 10'))
  }
  sandbox.assertClean(t)
})

test('run --detach comes back while the program goes on, and writes the pid', async (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'echo', 'up', '--', 'wait']
  })
  const pidFile = path.join(sandbox.dir, 'pid')
  t.is(sandbox.detached(['run', '--detach', '--pid-file', pidFile, sandbox.id]).status, 0)
  const state = sandbox.state()
  t.is(state.status, 'running')
  t.is(readFileSync(pidFile, 'utf8'), String(state.pid))
  t.false(existsSync(path.join(sandbox.dir, '.pid')))
  t.is(sandbox.run(['kill', sandbox.id, 'KILL']).status, 0)
  await sandbox.until('stopped')
  t.is(sandbox.run(['delete', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('--keep leaves the stopped container for delete', (t) => {
  if (lacks(t, 'runt')) return // Debian 12's runc has no --keep.
  const sandbox = new Sandbox(t)
  t.is(sandbox.runContainer('--keep').status, 0)
  t.is(sandbox.state().status, 'stopped')
  t.is(sandbox.run(['delete', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('the bundle is found by --bundle, and by the working directory', (t) => {
  const sandbox = new Sandbox(t)
  t.is(sandbox.run(['run', '--bundle', sandbox.bundle, sandbox.id], { cwd: '/' }).stdout, 'hello\n')
  t.is(sandbox.run(['run', '-b', 'bundle', sandbox.id], { cwd: sandbox.dir }).stdout, 'hello\n')
  t.is(sandbox.run(['run', sandbox.id]).stdout, 'hello\n')
})

test('it works with an empty environment, through a symlink and without standard streams', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'write', '/tmp/was-here', 'yes']
    spec.root!.readonly = false
  })
  t.is(sandbox.run(['run', sandbox.id], { env: {} }).stderr, '')
  const marker = path.join(sandbox.rootfs, 'tmp/was-here')
  t.is(readFileSync(marker, 'utf8'), 'yes')
  writeFileSync(marker, '')
  const command = sandbox.command('run', sandbox.id).join(' ')
  const { status } = sandbox.run(['--version'])
  t.is(status, 0)
  const shell = (script: string): number | null => spawnShell(script, sandbox.bundle)
  t.is(shell(`exec ${command} <&- >&- 2>&-`), 0)
  t.is(readFileSync(marker, 'utf8'), 'yes')
})

test('several containers run at once', async (t) => {
  const sandbox = new Sandbox(t)
  const ids = Array.from({ length: 8 }, () => sandbox.newId())
  const results = await Promise.all(
    ids.map(
      (id) =>
        new Promise<string>((resolve) => {
          const child = sandbox.start(['run', id])
          let output = ''
          child.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()))
          child.on('close', (status) => {
            resolve(`${status} ${output}`)
          })
        }),
    ),
  )
  t.deepEqual(new Set(results), new Set(['0 hello\n']))
  sandbox.assertClean(t)
})

// covers: runtime-linux.md#file-descriptors/standard-streams
test('descriptors of the caller do not reach the program, but those that --preserve-fds names', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'fds']
  })
  const fds = (flags: string): string[] => {
    const command = sandbox.command('run', ...(flags === '' ? [] : flags.split(' ')), sandbox.id).join(' ')
    const out = path.join(sandbox.dir, 'fds')
    t.is(spawnShell(`exec 3</etc/hostname 4</etc/passwd 5</etc/group; exec ${command} >${out}`, sandbox.bundle), 0)
    return lines(readFileSync(out, 'utf8')).map((line) => line.split(' ')[0]!)
  }
  t.deepEqual(fds(''), ['0', '1', '2'])
  t.deepEqual(fds('--preserve-fds 2'), ['0', '1', '2', '3', '4'])
})

function spawnShell(script: string, cwd: string): number | null {
  return spawnSync('/bin/bash', ['-c', script], { cwd, timeout: 60_000 }).status
}
