/** Commands sleep until what they wait for has happened: nothing looks again and again (docs/performance.md, "Waits"). */
// Not in the virtual machine: system calls and events are the same there, under strace a hundred times slower.
import test, { type ExecutionContext } from 'ava'
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { freezeCgroup } from '../../src/cgroups/freezer.ts'
import { findCgroupRoot, removeCgroup } from '../../src/cgroups/fs.ts'
import { directHost } from '../../src/host/direct.ts'
import { launch, together } from './concurrent.ts'
import { lacks, lines, Sandbox } from './harness.ts'

const host = directHost()

/** Runs a command that has to succeed, and returns its calls that wait, or lock. */
async function waitsOf(t: ExecutionContext, sandbox: Sandbox, ...args: string[]): Promise<string[]> {
  const log = path.join(sandbox.dir, 'strace')
  const calls = 'nanosleep,clock_nanosleep,sched_yield,poll,ppoll,select,pselect6,flock'
  const by = ['strace', '-qq', '-e', `trace=${calls}`, '-e', 'signal=none', '-o', log]
  const { status, stderr } = await launch(sandbox, args, { by })
  t.is(status, 0, stderr)
  return lines(readFileSync(log, 'utf8'))
}

function assertNoSleep(t: ExecutionContext, command: string, waits: readonly string[]): void {
  const sleeps = waits.filter((call) => /nanosleep|sched_yield|poll\((NULL|0x0|\[\])|select\(0, NULL/.test(call))
  t.deepEqual(sleeps, [], command)
  // One wait for each thing, and one for each of at most ten kills of what may have been spared.
  t.true(waits.filter((call) => /poll\(|select/.test(call)).length <= 12, `${command}:\n${waits.join('\n')}`)
}

test('no command of a life cycle sleeps, even where it comes before the kernel is done with the last one', async (t) => {
  if (lacks(t, 'executable')) return
  const sandbox = new Sandbox(t, (spec) => (spec.process!.args = ['inside', 'wait']))
  const { id } = sandbox
  const check = async (...args: string[]): Promise<void> => {
    assertNoSleep(t, args.join(' '), await waitsOf(t, sandbox, ...args))
  }
  await check('create', id)
  await check('start', id)
  await check('pause', id)
  await check('resume', id)
  await check('kill', id, 'KILL')
  await check('delete', '--force', id)
  await check('run', '--detach', id)
  await check('delete', '--force', id)
  await check('create', id)
  await check('delete', id)
  sandbox.assertClean(t)
})

test('the processes of a container without a pid namespace are killed without a sleep', async (t) => {
  if (lacks(t, 'executable')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
    spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'pid')
  })
  const { id } = sandbox
  for (const command of [
    ['kill', '--all', id, 'KILL'],
    ['delete', '--force', id],
  ]) {
    t.is(sandbox.detached(['run', '--detach', id]).status, 0)
    for (let n = 0; n < 3; n++) t.is(sandbox.detached(['exec', '--detach', id, 'inside', 'wait']).status, 0)
    assertNoSleep(t, command.join(' '), await waitsOf(t, sandbox, ...command))
    t.is(sandbox.run(['delete', '--force', id]).status, 0)
  }
  sandbox.assertClean(t)
})

test('delete --force waits in one call for the command that has the container, and is done when that is', async (t) => {
  if (lacks(t, 'executable')) return
  const sandbox = new Sandbox(t, (spec) => (spec.process!.args = ['inside', 'wait']))
  t.is(sandbox.create().status, 0)
  const held = spawn('flock', [path.join(sandbox.stateRoot, sandbox.id), 'sh', '-c', 'echo; exec sleep 1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve) => held.stdout.once('data', resolve))
  const waits = await waitsOf(t, sandbox, 'delete', '--force', sandbox.id)
  assertNoSleep(t, 'delete --force', waits)
  t.true(waits.filter((call) => call.includes('flock(')).length <= 4, waits.join('\n'))
  sandbox.assertClean(t)
})

test('delete --force ends a creation that waits for a hook, and several at once end the same one', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.hooks = { createRuntime: [{ path: '/bin/sleep', args: ['sleep', '1'] }] }
  })
  const create = launch(sandbox, ['create', sandbox.id])
  const file = path.join(sandbox.stateRoot, sandbox.id, 'state.json')
  const end = Date.now() + 60_000
  // Before init is known: what tells of it is the next state.json.
  for (;;) {
    try {
      if (readFileSync(file, 'utf8') !== '') break
    } catch {
      if (Date.now() > end) throw new Error('there is no state.json')
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const ended = await together(sandbox, [
    ['delete', '--force', sandbox.id],
    ['delete', '--force', sandbox.id],
  ])
  for (const { status, stderr } of ended) t.is(status, 0, stderr)
  t.is((await create).status, 1)
  sandbox.assertClean(t)
})

test('the kernel tells when a cgroup is empty and when it is frozen', async (t) => {
  const root = await findCgroupRoot(host)
  const dir = `${root}/runt-waits-${process.pid}`
  mkdirSync(dir)
  t.teardown(() => removeCgroup(host, root, dir))
  const child = spawn('sh', ['-c', `echo 0 > ${dir}/cgroup.procs && echo && exec sleep 600`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await new Promise((resolve) => child.stdout.once('data', resolve))
  const { cgroups, system } = host
  t.true(await cgroups.waitForEvent(dir, 'populated 1', 60_000))
  const start = await system.monotonic()
  t.false(await cgroups.waitForEvent(dir, 'populated 0', 50))
  t.true((await system.monotonic()) - start >= 49)
  await freezeCgroup(host, dir, true)
  t.regex(readFileSync(`${dir}/cgroup.events`, 'utf8'), /^frozen 1$/m)
  await freezeCgroup(host, dir, false)
  // By another process, while this one waits.
  spawn('sh', ['-c', `sleep 0.3; echo 1 > ${dir}/cgroup.freeze`], { stdio: 'ignore' })
  t.true(await cgroups.waitForEvent(dir, 'frozen 1', 60_000))
  writeFileSync(`${dir}/cgroup.freeze`, '0')
  spawn('sh', ['-c', `sleep 0.3; kill -KILL ${child.pid!}`], { stdio: 'ignore' })
  t.true(await cgroups.waitForEvent(dir, 'populated 0', 60_000))
  rmdirSync(dir)
  t.true(await cgroups.waitForEvent(dir, 'populated 1', 60_000), 'it is gone')
})
