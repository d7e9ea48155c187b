/** Hooks that take too long, and what they leave behind: whom the timeout ends, what is said, and that nobody waits for the rest. */
import test, { type ExecutionContext } from 'ava'
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Hooks, Seccomp, Spec } from '../../src/spec/schema.gen.ts'
import { eventually, lacks, lines, runtime, Sandbox } from './harness.ts'

const logIn = (sandbox: Sandbox) => path.join(sandbox.rootfs, 'tmp/log')
const record = (sandbox: Sandbox) => (existsSync(logIn(sandbox)) ? lines(readFileSync(logIn(sandbox), 'utf8')) : [])

function hooked(t: ExecutionContext, hooks: (log: string) => Hooks, change?: (spec: Spec) => void): Sandbox {
  const sandbox = new Sandbox(t)
  chmodSync(path.join(sandbox.rootfs, 'tmp'), 0o777)
  sandbox.configure((spec) => {
    spec.root!.readonly = false
    spec.process!.args = ['inside']
    change?.(spec)
    spec.hooks = hooks(logIn(sandbox))
  })
  return sandbox
}

const script = (text: string) => ({ path: '/bin/sh', args: ['sh', '-c', text] })

/** Whether a process runs; a zombie does not. */
function runs(pid: number): boolean {
  const file = `/proc/${pid}/stat`
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(file, 'utf8'))
  } catch {
    return false
  }
}

/** The processes that a process made, and those that these made. */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  const own = text.split(' ').filter(Boolean).map(Number)
  return own.flatMap((child) => [child, ...childrenOf(child)])
}

// covers: /hooks/createRuntime/*/timeout, /hooks/poststart/*/timeout, /hooks/poststop/*/timeout
for (const event of ['createRuntime', 'poststart', 'poststop'] as const) {
  test(`a ${event} hook that takes too long is killed with its children`, async (t) => {
    if (lacks(t, 'runt')) return
    const sandbox = hooked(t, (log) => ({
      [event]: [{ ...script(`sleep 600 & echo $! >>'${log}'; sleep 600`), timeout: 1 }],
    }))
    const { status, stderr } = sandbox.runContainer()
    t.is(status, event === 'poststop' ? 0 : 1)
    t.true(
      stderr.includes(`error running ${event} hook #0: /bin/sh: took longer than its timeout of 1 s and was killed`),
      stderr,
    )
    if (event !== 'poststop')
      t.regex(stderr, new RegExp(`from: hooks\\.${event}\\[0\\]\\.timeout \\(config\\.json:\\d+`))
    const [child] = record(sandbox)
    await eventually(() => !runs(Number(child)), 'the child of the hook has ended, too')
    sandbox.assertClean(t)
  })
}

// covers: /hooks/createContainer/*/timeout, /hooks/startContainer/*/timeout
test('hooks of the container that take too long: the error names the seconds and the field', (t) => {
  if (lacks(t, 'runt')) return
  for (const [event, hook] of [
    ['createContainer', script('sleep 600')],
    ['startContainer', { path: '/bin/inside', args: ['inside', 'wait'] }],
  ] as const) {
    const sandbox = hooked(t, () => ({ [event]: [{ ...hook, timeout: 1 }] }))
    const { status, stderr } = sandbox.runContainer()
    t.is(status, 1)
    t.true(
      stderr.includes(
        `error running ${event} hook #0: ${hook.path}: took longer than its timeout of 1 s and was killed`,
      ),
      stderr,
    )
    t.regex(stderr, new RegExp(`from: hooks\\.${event}\\[0\\]\\.timeout \\(config\\.json:\\d+`))
    sandbox.assertClean(t)
  }
})

test('what run does later happens in the bundle, too; what start and delete do, where they are called', async (t) => {
  if (lacks(t, 'runc')) return
  const where = (log: string): Hooks => ({
    poststart: [script(`echo poststart $(pwd) >>'${log}'`)],
    poststop: [script(`echo poststop $(pwd) >>'${log}'`)],
  })
  const all = hooked(t, where)
  const foreground = all.run(['run', '--bundle', all.bundle, all.id], { cwd: '/' })
  t.is(foreground.status, 0, foreground.stderr)
  t.deepEqual(record(all), [`poststart ${all.bundle}`, `poststop ${all.bundle}`])

  const steps = hooked(t, where)
  t.is(steps.detached(['create', '--bundle', steps.bundle, steps.id], { cwd: '/' }).status, 0)
  t.is(steps.run(['start', steps.id], { cwd: '/usr' }).status, 0)
  await steps.until('stopped')
  t.is(steps.run(['delete', steps.id], { cwd: '/usr' }).status, 0)
  // runc before 1.5 runs poststart already in `create`.
  t.deepEqual(record(steps), [`poststart ${runtime === 'runc' ? steps.bundle : '/usr'}`, 'poststop /usr'])

  const failed = hooked(t, (log) => ({ createRuntime: [script('exit 1')], ...where(log) }))
  t.is(failed.run(['create', '--bundle', failed.bundle, failed.id], { cwd: '/' }).status, 1)
  t.deepEqual(record(failed), [`poststop ${failed.bundle}`])
})

test('a startContainer hook that leaves a process behind does not hold up start', (t) => {
  const sandbox = hooked(
    t,
    () => ({ startContainer: [{ path: '/bin/inside', args: ['inside', 'leave', '600'] }] }),
    (spec) => {
      spec.process!.args = ['inside', 'wait']
    },
  )
  t.is(sandbox.create().status, 0)
  const began = Date.now()
  const { status, stderr } = sandbox.run(['start', sandbox.id], { timeout: 120_000 })
  t.is(status, 0, stderr)
  t.true(Date.now() - began < 100_000)
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
})

// ——— a filter that is in force while hooks run ———

function refusing(...names: string[]): Seccomp {
  return { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names, action: 'SCMP_ACT_ERRNO' }] }
}

for (const noNewPrivileges of [true, false]) {
  const how = noNewPrivileges ? 'with' : 'without'
  test(`a filter that forbids waiting does not keep a startContainer hook alive, ${how} no_new_privs`, (t) => {
    if (lacks(t, 'runt')) return
    const sandbox = hooked(
      t,
      () => ({ startContainer: [{ path: '/bin/inside', args: ['inside', 'wait'], timeout: 1 }] }),
      (spec) => {
        spec.process!.noNewPrivileges = noNewPrivileges
        spec.linux!.seccomp = refusing('ppoll')
      },
    )
    const { status, stderr } = sandbox.run(['run', '--bundle', sandbox.bundle, sandbox.id], { timeout: 120_000 })
    t.is(status, 1)
    t.regex(stderr, /error running startContainer hook #0: \/bin\/inside: took longer than its timeout of 1 s/)
    t.regex(stderr, /from: hooks\.startContainer\[0\]\.timeout/)
    sandbox.assertClean(t)
  })

  test(`a hook whose end cannot be seen for the filter has not succeeded, ${how} no_new_privs`, (t) => {
    if (lacks(t, 'runt')) return
    const sandbox = hooked(
      t,
      () => ({ startContainer: [{ path: '/bin/inside', args: ['inside', 'exit', '3'] }] }),
      (spec) => {
        spec.process!.noNewPrivileges = noNewPrivileges
        spec.linux!.seccomp = refusing('wait4')
      },
    )
    const { status, stderr } = sandbox.runContainer()
    t.is(status, 1)
    t.regex(stderr, /error running startContainer hook #0: \/bin\/inside: operation not permitted \(wait4\)/)
    sandbox.assertClean(t)
  })
}

test('a hook does not outlive the runtime that waits for it', async (t) => {
  if (lacks(t, 'runt')) return
  for (const event of ['createRuntime', 'createContainer'] as const) {
    const sandbox = hooked(t, (log) => ({ [event]: [script(`echo $$ >>'${log}'; exec sleep 600`)] }))
    const command = sandbox.start(['create', sandbox.id], { stdio: 'ignore' })
    await eventually(() => record(sandbox).length > 0, 'the hook runs')
    // A createContainer hook tells the number that its container sees.
    const pids = event === 'createRuntime' ? [Number(record(sandbox)[0])] : childrenOf(command.pid!)
    command.kill('SIGKILL')
    await eventually(() => pids.every((pid) => !runs(pid)), `${event}: the hook has ended`)
    t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
    sandbox.assertClean(t)
  }
})
