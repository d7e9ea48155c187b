import test, { type ExecutionContext } from 'ava'
import { spawnSync, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { eventually, lacks, lines, Sandbox } from './harness.ts'
import { gid, uid, UserSandbox } from './rootless.ts'

// The lines are compared with runc's by running this with RUNT_UNDER_TEST=runc.

const MiB = 1 << 20

interface Event {
  type: string
  id: string
  data?: {
    cpu: { usage: { total?: number; kernel: number; user: number }; throttling: object; psi?: object }
    memory: { usage: { limit: number; usage?: number }; swap: { limit: number }; cache?: number; raw?: object }
    pids: { current: number; limit?: number }
    blkio: { ioServiceBytesRecursive?: object[]; psi?: object }
    [name: string]: unknown
  }
}

/** Names of the fields, with those of the fields in them, without what differs between moments and kernels. */
function shape(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return typeof value
  if (Array.isArray(value)) return value.map(shape)
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, shape(field)]))
}

function running(t: ExecutionContext, change: (spec: Spec) => void = () => undefined): Sandbox {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
    change(spec)
  })
  t.is(sandbox.detached(['run', '--detach', sandbox.id]).status, 0)
  return sandbox
}

/** What a command that was started prints, as it comes, and its exit status once it has ended. */
function follow(child: ChildProcess): { events: () => Event[]; ended: () => boolean; status: () => number | null } {
  let text = ''
  let status: number | null | undefined
  child.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.on('close', (code) => (status = code))
  return {
    events: () => lines(text).map((line) => JSON.parse(line) as Event),
    ended: () => status !== undefined,
    status: () => status ?? null,
  }
}

test('events --stats prints one line, with what every cgroup tells', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = running(t)
  const { status, stdout, stderr } = sandbox.run(['events', '--stats', sandbox.id])
  t.deepEqual([status, stderr, lines(stdout).length], [0, '', 1])
  const { type, id, data } = JSON.parse(stdout) as Event
  t.deepEqual([type, id], ['stats', sandbox.id])
  const names = 'cpu cpuset memory pids blkio hugetlb intel_rdt network_interfaces'
  t.deepEqual(Object.keys(data!), names.split(' '))
  t.true(data!.cpu.usage.total! > 0)
  t.is(data!.pids.current, 1)
  t.is(data!.network_interfaces, null)
})

test('with all controllers the line has the fields of each', (t) => {
  if (lacks(t, 'controllers')) return
  const sandbox = running(t, (spec) => {
    spec.linux!.resources = {
      ...spec.linux!.resources,
      memory: { limit: 64 * MiB, swap: 96 * MiB },
      pids: { limit: 50 },
      cpu: { quota: 50_000, period: 100_000 },
    }
    spec.process!.args = ['inside', 'burn', '300', '--', 'write', '/tmp/file', 'text', '--', 'wait']
  })
  const { data } = JSON.parse(sandbox.run(['events', '--stats', sandbox.id]).stdout) as Event
  const { cpu, memory, pids, blkio, hugetlb } = data!
  const averages = { avg10: 'number', avg60: 'number', avg300: 'number', total: 'number' }
  const psi = { some: averages, full: averages }
  const { periods, ...throttling } = cpu.throttling as Record<string, number>
  t.true(periods! > 0)
  for (const name of Object.keys(throttling)) t.true(['throttledPeriods', 'throttledTime'].includes(name), name)
  t.is(memory.usage.limit, 64 * MiB)
  t.true(memory.usage.usage! > 4096)
  t.is(memory.swap.limit, 96 * MiB)
  t.like(memory.raw, { file: memory.cache ?? 0 })
  t.deepEqual([pids.current, pids.limit], [1, 50])
  t.deepEqual(shape(hugetlb), { '1GB': { failcnt: 'number' }, '2MB': { failcnt: 'number' } })
  // Debian 12's runc knows no pressure.
  if (lacks(t, 'runt')) return
  t.deepEqual(shape([cpu.psi, (memory as { psi?: object }).psi, blkio.psi]), [psi, psi, psi])
})

test('events tells each OOM kill, and ends with the container', async (t) => {
  if (lacks(t, 'controllers')) return
  const sandbox = running(t, (spec) => {
    spec.linux!.resources = { ...spec.linux!.resources, memory: { limit: 24 * MiB, swap: 24 * MiB } }
  })
  const { events, ended, status } = follow(sandbox.start(['events', '--interval', '500ms', sandbox.id]))
  await eventually(() => events().length > 0, 'it watches')
  t.is(sandbox.run(['exec', sandbox.id, 'inside', 'memory', '48']).status, 137)
  const kills = () => events().filter(({ type }) => type === 'oom')
  await eventually(() => kills().length > 0, 'the first kill')
  t.deepEqual(kills()[0], { type: 'oom', id: sandbox.id })
  const before = kills().length
  t.is(sandbox.run(['exec', sandbox.id, 'inside', 'memory', '48']).status, 137)
  await eventually(() => kills().length > before, 'the second kill')
  t.false(ended())
  t.is(sandbox.run(['kill', sandbox.id, 'KILL']).status, 0)
  await eventually(ended, 'it ended with the container')
  t.is(status(), 0)
  if (lacks(t, 'runt')) return
  // runc tells the same kill more than once if another counter of memory.events changes after it.
  t.is(kills().length, 2)
})

test('an OOM kill of init itself is told before the end', async (t) => {
  // runc may see the end of the container first.
  if (lacks(t, 'controllers', 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'memory', '48']
    spec.linux!.resources = { ...spec.linux!.resources, memory: { limit: 24 * MiB, swap: 24 * MiB } }
  })
  t.is(sandbox.create().status, 0)
  const { events, ended, status } = follow(sandbox.start(['events', '--interval', '500ms', sandbox.id]))
  await eventually(() => events().length > 0, 'it watches')
  t.is(sandbox.run(['start', sandbox.id]).status, 0)
  await eventually(ended, 'it ended with the container')
  t.deepEqual([status(), events().at(-1)], [0, { type: 'oom', id: sandbox.id }])
})

test('statistics come at each interval until a signal, without a process that is busy', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = running(t)
  const child = sandbox.start(['events', '--interval=100ms', sandbox.id])
  const { events, ended, status } = follow(child)
  await eventually(() => events().length >= 3, 'three intervals')
  t.deepEqual([...new Set(events().map(({ type }) => type))], ['stats'])
  child.kill('SIGTERM')
  await eventually(ended, 'it ended')
  t.is(status(), 143)
  // With an interval that does not come it sleeps.
  const idle = sandbox.start(['events', '--interval=1h', sandbox.id])
  const sleeping = follow(idle)
  const state = () => readFileSync(`/proc/${idle.pid}/wchan`, 'utf8')
  await eventually(() => state().includes('poll'), 'it waits in poll(2)')
  const used = () => readFileSync(`/proc/${idle.pid}/stat`, 'utf8').split(') ')[1]!.split(' ').slice(11, 13).map(Number)
  const before = used()
  await new Promise((resolve) => setTimeout(resolve, 500))
  const after = used()
  t.true(after[0]! + after[1]! - before[0]! - before[1]! <= 10, `${before.join()} → ${after.join()}`)
  idle.kill('SIGINT')
  await eventually(sleeping.ended, 'it ended')
  t.deepEqual([sleeping.status(), sleeping.events()], [130, []])
})

test('a reader that goes away ends it without a word, at once', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = running(t)
  const child = sandbox.start(['events', '--interval=1h', sandbox.id])
  const { ended, status } = follow(child)
  let stderr = ''
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  await eventually(() => readFileSync(`/proc/${child.pid}/wchan`, 'utf8').includes('poll'), 'it waits')
  child.stdout!.destroy()
  await eventually(ended, 'it ended')
  t.deepEqual([status(), stderr], [0, ''])
})

test('the end of a container ends it where there are no controllers either, and what was deleted', async (t) => {
  if (lacks(t, 'runt')) return
  for (const command of [['kill', 'KILL'], ['delete', '--force'], ['pause']]) {
    const sandbox = running(t)
    const { events, ended, status } = follow(sandbox.start(['events', '--interval=200ms', sandbox.id]))
    await eventually(() => events().length > 0, 'it watches')
    const [name, ...rest] = command
    const flags = rest.filter((word) => word.startsWith('-'))
    const words = rest.filter((word) => !word.startsWith('-'))
    t.is(sandbox.run([name!, ...flags, sandbox.id, ...words]).status, 0)
    if (name === 'pause') {
      const before = events().length
      await eventually(() => events().length > before + 1, 'it goes on')
      t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
    }
    await eventually(ended, 'it ended')
    t.is(status(), 0)
  }
})

test('of a container that takes the place of the one that is watched nothing is told', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = running(t)
  const child = sandbox.start(['events', '--interval=200ms', sandbox.id])
  const { events, ended, status } = follow(child)
  await eventually(() => events().length > 0, 'it watches')
  // One that is held up, as by a reader that is slow.
  child.kill('SIGSTOP')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  t.is(sandbox.detached(['run', '--detach', sandbox.id]).status, 0)
  child.kill('SIGCONT')
  await eventually(ended, 'it ended')
  t.is(status(), 0)
  t.is(sandbox.state().status, 'running')
})

test('a container that has ended, and an interval that is none, are errors in the words of runc', async (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = running(t)
  const failure = (...args: string[]) => {
    const { status, stdout, stderr } = sandbox.run(['events', ...args, sandbox.id])
    t.is(status, 1)
    return stdout + stderr
  }
  t.regex(failure('--interval', '5'), /invalid value \\?"5\\?" for flag -interval: parse error/)
  t.regex(failure('--interval', '0s'), /duration interval must be greater than 0/)
  t.is(sandbox.run(['kill', sandbox.id, 'KILL']).status, 0)
  await sandbox.until('stopped')
  t.true(failure('--stats').includes(`container with id ${sandbox.id} is not running`))
  t.true(failure().includes(`container with id ${sandbox.id} is not running`))
  t.regex(sandbox.run(['events', 'nobody']).stderr, /container does not exist/)
})

test('a container without root tells what its cgroup has, as its user', (t) => {
  if (lacks(t, 'runt')) return
  const cgroup = `/sys/fs/cgroup/runt-events-${process.pid}`
  const shell = (text: string) => spawnSync('/bin/sh', ['-ec', text], { encoding: 'utf8' })
  const made = shell(`mkdir -p ${cgroup}/own && chown -R ${uid}:${gid} ${cgroup}`)
  t.is(made.stderr, '')
  t.teardown(() => shell(`rmdir ${cgroup}/* ${cgroup}`))
  const sandbox = new UserSandbox(t, (spec) => (spec.process!.args = ['inside', 'wait']))
  const options = { cgroup: `${cgroup}/own` }
  t.is(sandbox.asUserDetached(['run', '--detach', sandbox.id], options).status, 0)
  const { status, stdout, stderr } = sandbox.asUser(['events', '--stats', sandbox.id], options)
  t.deepEqual([status, stderr], [0, ''])
  t.is((JSON.parse(stdout) as Event).data?.pids.current, 1)
  t.is(sandbox.asUser(['delete', '--force', sandbox.id], options).status, 0)
})
