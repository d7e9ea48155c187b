/** Cgroups that are in the way, were tampered with, or went away: what is told, and that nothing is left. */
import test, { type ExecutionContext } from 'ava'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { eventually, lacks, Sandbox } from './harness.ts'

const top = '/sys/fs/cgroup'

/** A cgroup that the test makes, gone after it. */
function ownCgroup(t: ExecutionContext, name = `runt-fault-${process.pid}-${Math.random().toString(36).slice(2)}`) {
  const dir = `${top}/${name}`
  mkdirSync(dir)
  t.teardown(async () => {
    await eventually(() => {
      try {
        rmdirSync(dir)
      } catch {
        // The last process in it is still on its way out.
      }
      return !existsSync(dir)
    }, `${dir} is removed`)
  })
  return { name, dir }
}

/** A process in a cgroup, ended after the test. */
async function processIn(t: ExecutionContext, dir: string): Promise<number> {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  writeFileSync(`${dir}/cgroup.procs`, String(child.pid))
  await eventually(() => readFileSync(`/proc/${child.pid}/comm`, 'utf8') === 'sleep\n', 'it runs')
  return child.pid!
}

function cgroupOf(pid: number): string {
  return `${top}${/^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))![1]!}`
}

/** Processes stay when init ends. */
function sharedPids(spec: Spec): void {
  spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'pid')
  spec.mounts = spec.mounts!.filter(({ type }) => type !== 'mqueue')
}

test('a cgroup that is removed under a container is told by what needs it, and the container still ends', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => (spec.process!.args = ['inside', 'wait']))
  sandbox.detached(['run', '--detach', sandbox.id])
  const { pid } = sandbox.state()
  const cgroup = cgroupOf(pid)
  const { dir } = ownCgroup(t)
  writeFileSync(`${dir}/cgroup.procs`, String(pid))
  rmdirSync(cgroup)
  t.is(sandbox.state().status, 'running')
  for (const command of [
    ['pause', sandbox.id],
    ['update', '--pids-limit', '5', sandbox.id],
    ['exec', sandbox.id, 'inside', 'pid'],
  ]) {
    const { status, stderr } = sandbox.run(command)
    t.not(status, 0, command[0])
    t.true(stderr.includes(`the container's cgroup ${cgroup} was removed`), stderr)
    t.false(stderr.includes('no such file'), 'daemons take that for a missing program')
  }
  t.is(sandbox.run(['ps', sandbox.id]).status, 0)
  t.deepEqual(sandbox.run(['kill', sandbox.id, 'KILL']), { status: 0, stdout: '', stderr: '' })
  await sandbox.until('stopped')
  t.deepEqual(sandbox.run(['delete', sandbox.id]), { status: 0, stdout: '', stderr: '' })
  sandbox.assertClean(t)
})

// covers: config-linux.md#control-groups/unfit
test('a cgroup that another one’s processes are in, and one that is frozen, are refused and stay as they are', async (t) => {
  if (lacks(t, 'runt')) return
  const { name, dir } = ownCgroup(t)
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.cgroupsPath = `/${name}`
    spec.process!.args = ['inside', 'wait']
  })
  const pid = await processIn(t, dir)
  const populated = sandbox.create()
  t.is(populated.status, 1)
  t.regex(populated.stderr, /container's cgroup is not empty: 1 process\(es\) found/)
  t.regex(populated.stderr, /linux\.cgroupsPath/)
  t.is(readFileSync(`${dir}/cgroup.procs`, 'utf8'), `${pid}\n`)
  process.kill(pid, 'SIGKILL')
  await eventually(() => readFileSync(`${dir}/cgroup.procs`, 'utf8') === '', 'it ended')
  writeFileSync(`${dir}/cgroup.freeze`, '1')
  const frozen = sandbox.create()
  t.is(frozen.status, 1)
  t.regex(frozen.stderr, /container's cgroup unexpectedly frozen/)
  t.true(existsSync(dir))
  sandbox.assertClean(t)
  writeFileSync(`${dir}/cgroup.freeze`, '0')
  t.is(sandbox.create().status, 0)
  t.is(readFileSync(`${dir}/cgroup.procs`, 'utf8'), `${sandbox.state().pid}\n`)
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  t.false(existsSync(dir))
  mkdirSync(dir)
})

// covers: config-linux.md#control-groups/unfit
test('a place below a frozen cgroup is refused, where init would never come to anything', (t) => {
  if (lacks(t, 'runt')) return
  const { name, dir } = ownCgroup(t)
  writeFileSync(`${dir}/cgroup.freeze`, '1')
  const sandbox = new Sandbox(t, (spec) => (spec.linux!.cgroupsPath = `/${name}/inner/one`))
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /container's cgroup unexpectedly frozen/)
  t.true(stderr.includes(`echo 0 > ${dir}/cgroup.freeze`), stderr)
  t.false(existsSync(`${dir}/inner`))
  sandbox.assertClean(t)
  writeFileSync(`${dir}/cgroup.freeze`, '0')
  t.is(sandbox.runContainer().stdout, 'hello\n')
  rmdirSync(`${dir}/inner`)
})

test('a process in a cgroup above that keeps a limit away is named, with its cgroup', async (t) => {
  if (lacks(t, 'controllers', 'runt')) return
  const { name, dir } = ownCgroup(t)
  const pid = await processIn(t, dir)
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.cgroupsPath = `/${name}/inner/one`
    spec.linux!.resources!.memory = { limit: 64 << 20 }
  })
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.true(stderr.includes(`${dir} has processes of its own (${pid} sleep), and then cannot pass controllers on`), stderr)
  t.regex(stderr, /linux\.resources\.memory\.limit/)
  t.false(existsSync(`${dir}/inner`), 'nothing is left')
  sandbox.assertClean(t)
})

test('where the hierarchy lacks a controller, update says so in the words of run, and changes nothing', (t) => {
  if (lacks(t, 'runt')) return
  // The machine lacks some, or all of those that cgroup v1 has.
  const controllers = readFileSync(`${top}/cgroup.controllers`, 'utf8').split(/\s+/)
  const [file, controller] = controllers.includes('memory') ? ['nonsense.max', 'nonsense'] : ['memory.high', 'memory']
  const unified = { [file]: '1000000' }
  const sandbox = new Sandbox(t, (spec) => (spec.process!.args = ['inside', 'wait']))
  sandbox.detached(['run', '--detach', sandbox.id])
  const limited = new Sandbox(t, (spec) => (spec.linux!.resources!.unified = unified))
  for (const { status, stderr } of [
    sandbox.run(['update', '-r', '-', sandbox.id], { input: JSON.stringify({ unified }) }),
    limited.runContainer(),
  ]) {
    t.is(status, 1)
    t.regex(
      stderr,
      new RegExp(`the ${controller} controller is not available in cgroup .*: the hierarchy at ${top} does`),
    )
    t.true(stderr.includes(`linux.resources.unified["${file}"]`), stderr)
  }
  t.is(sandbox.state().status, 'running')
  limited.assertClean(t)
})

test('a place among threads is refused, and nothing is left', (t) => {
  if (lacks(t, 'runt')) return
  const { name, dir } = ownCgroup(t)
  writeFileSync(`${dir}/cgroup.type`, 'threaded')
  const sandbox = new Sandbox(t, (spec) => (spec.linux!.cgroupsPath = `/${name}/c`))
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /thread/)
  t.regex(stderr, /linux\.cgroupsPath/)
  t.false(existsSync(`${dir}/c`))
  sandbox.assertClean(t)
})

test('what outlives an init is killed by kill, with and without --all, however it forks', async (t) => {
  if (lacks(t, 'runt')) return
  for (const flags of [[], ['--all']]) {
    const sandbox = new Sandbox(t, (spec) => {
      sharedPids(spec)
      spec.process!.args = ['inside', 'hop', '3', '--', 'exit', '0']
    })
    sandbox.detached(['run', '--detach', sandbox.id])
    await sandbox.until('stopped')
    const cgroup = `${top}${placeOf(sandbox)}`
    const populated = () => readFileSync(`${cgroup}/cgroup.events`, 'utf8').includes('populated 1')
    t.true(populated())
    const term = sandbox.run(['kill', sandbox.id, 'TERM'])
    t.is(term.status, 1)
    t.regex(term.stderr, /container not running/)
    t.deepEqual(sandbox.run(['kill', ...flags, sandbox.id, 'KILL']), { status: 0, stdout: '', stderr: '' })
    await eventually(() => !populated(), 'all are gone')
    t.is(sandbox.run(['delete', sandbox.id]).status, 0)
    sandbox.assertClean(t)
  }
})

test('delete ends what outlives an init, however it forks', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    sharedPids(spec)
    spec.process!.args = ['inside', 'hop', '3', '--', 'exit', '0']
  })
  sandbox.detached(['run', '--detach', sandbox.id])
  await sandbox.until('stopped')
  t.deepEqual(sandbox.run(['delete', sandbox.id]), { status: 0, stdout: '', stderr: '' })
  sandbox.assertClean(t)
})

test('a container that sorts its threads into cgroups is signalled and removed whole', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    sharedPids(spec)
    spec.process!.args = ['inside', 'forks', '2', '--', 'wait']
  })
  sandbox.detached(['run', '--detach', sandbox.id])
  await eventually(() => sandbox.output().includes('forks 2'), 'it forked')
  const { pid } = sandbox.state()
  const cgroup = cgroupOf(pid)
  mkdirSync(`${cgroup}/threads`)
  writeFileSync(`${cgroup}/threads/cgroup.type`, 'threaded')
  writeFileSync(`${cgroup}/threads/cgroup.threads`, String(pid))
  const listed = JSON.parse(sandbox.run(['ps', '-f', 'json', sandbox.id]).stdout) as number[]
  t.deepEqual([listed.length, listed.includes(pid)], [3, true])
  t.deepEqual(sandbox.run(['kill', '--all', sandbox.id, 'CONT']), { status: 0, stdout: '', stderr: '' })
  t.deepEqual(sandbox.run(['delete', '--force', sandbox.id]), { status: 0, stdout: '', stderr: '' })
  t.false(existsSync(cgroup))
  sandbox.assertClean(t)
})

function placeOf(sandbox: Sandbox): string {
  const { cgroup } = JSON.parse(readFileSync(`${sandbox.stateRoot}/${sandbox.id}/state.json`, 'utf8')) as {
    cgroup: { path: string }
  }
  return cgroup.path
}
