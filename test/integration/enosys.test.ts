/**
 * System calls that a kernel lacks, or that a seccomp filter around runt answers with ENOSYS: each failure names the call and the
 * oldest kernel, and leaves nothing; what a command does not need may be missing.
 */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { lacks, Sandbox, type Result } from './harness.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))
let program: string | undefined

/** The program of inside/without.c, built once. */
function withoutProgram(): string {
  if (program !== undefined) return program
  const source = path.join(project, 'test/integration/inside/without.c')
  const target = path.join(project, 'build/test/without')
  if (!existsSync(target) || statSync(target).mtimeMs < statSync(source).mtimeMs) {
    mkdirSync(path.dirname(target), { recursive: true })
    const { status, stderr } = spawnSync('cc', ['-Os', '-Wall', '-o', target, source], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`cannot build the program that takes calls away: ${stderr}`)
  }
  return (program = target)
}

/** Runs a command of the runtime without these system calls. */
function without(sandbox: Sandbox, calls: readonly string[], ...args: string[]): Result {
  const { status, stdout, stderr } = spawnSync(withoutProgram(), [...calls, '--', ...sandbox.command(...args)], {
    cwd: sandbox.bundle,
    encoding: 'utf8',
    timeout: 60_000,
    killSignal: 'SIGKILL',
    input: '',
  })
  return { status: status ?? -1, stdout, stderr }
}

function says(t: ExecutionContext, { stderr }: Result, call: string): void {
  t.regex(stderr, /function not implemented/, call)
  const hint = `hint: the kernel has no ${call}: runt needs Linux 5.15 or newer, and a seccomp filter around runt must allow the call`
  t.true(stderr.includes(hint), `${call}: ${stderr}`)
  t.notRegex(stderr, /not cleaned up|internal error/, call)
}

/** What every container with the default configuration needs. */
const needed = [
  'clone3',
  'close_range',
  'execveat',
  'memfd_create',
  'openat2',
  'open_tree',
  'fsopen',
  'fsconfig',
  'fsmount',
  'move_mount',
  'mount_setattr',
]

for (const call of needed) {
  // covers: runtime.md#errors/as-never-attempted, runtime.md#lifecycle/environment-error
  test(`without ${call} a container is refused by the name of the call, and nothing is left`, (t) => {
    if (lacks(t, 'runt')) return
    const sandbox = new Sandbox(t)
    for (const command of ['run', 'create']) {
      const result = without(sandbox, [call], command, sandbox.id)
      t.is(result.status, 1, result.stderr)
      t.is(result.stdout, '')
      says(t, result, call)
      sandbox.assertClean(t)
    }
  })
}

test('a kernel that loads no device filter makes no container whose devices are open', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  const result = without(sandbox, ['bpf'], 'run', sandbox.id)
  t.is(result.status, 1)
  says(t, result, 'bpf')
  t.regex(result.stderr, /from: linux\.resources\.devices/)
  sandbox.assertClean(t)
})

test('the errors in the log of a daemon name the call too', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  const result = without(sandbox, ['openat2'], '--log-format', 'json', 'create', sandbox.id)
  t.is(result.status, 1)
  t.regex(result.stderr, /openat2/)
  sandbox.assertClean(t)
})

test('a command that does not need a call works without it', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  const { status, stdout, stderr } = without(sandbox, ['pidfd_open'], 'run', sandbox.id)
  t.deepEqual({ status, stdout, stderr }, { status: 0, stdout: 'hello\n', stderr: '' })
  sandbox.assertClean(t)
})

test('the commands on a running container say what is missing and leave it as it is', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
  })
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  const before = sandbox.state()
  for (const call of ['clone3', 'close_range', 'execveat', 'openat2', 'pidfd_open']) {
    const result = without(sandbox, [call], 'exec', sandbox.id, 'inside', 'echo', 'entered')
    t.is(result.status, 255, call)
    t.is(result.stdout, '')
    says(t, result, call)
  }
  for (const call of ['pidfd_open', 'pidfd_send_signal']) {
    const result = without(sandbox, [call], 'kill', sandbox.id, 'KILL')
    t.is(result.status, 1, call)
    says(t, result, call)
  }
  const deleted = without(sandbox, ['pidfd_open'], 'delete', '--force', sandbox.id)
  t.is(deleted.status, 1)
  says(t, deleted, 'pidfd_open')
  const told = without(sandbox, [...needed, 'pidfd_open', 'pidfd_send_signal'], 'state', sandbox.id)
  t.deepEqual(JSON.parse(told.stdout), before, 'nothing of this touched it, and state needs none of the calls')
  t.is(without(sandbox, ['openat2'], 'delete', '--force', sandbox.id).status, 0)
  sandbox.assertClean(t)
})
