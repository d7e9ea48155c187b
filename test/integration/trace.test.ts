/** `--trace` and RUNT_TRACE: where a command's time goes, in runt and in init. */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { launch, signalled } from './concurrent.ts'
import { lacks, Sandbox, type Result } from './harness.ts'

interface Event {
  name: string
  cat: string
  ph: string
  pid: number
  /** Microseconds. */
  ts: number
  dur: number
  args?: { index?: number; origin?: string; exitCode?: number; andThen?: string[] }
}

/** Times are told with three digits. */
const tolerance = 0.01

const end = ({ ts, dur }: Event): number => ts + dur

function read(file: string): Event[] {
  const { traceEvents } = JSON.parse(readFileSync(file, 'utf8')) as { traceEvents: Event[] }
  return traceEvents.filter(({ ph }) => ph === 'X')
}

/** Spans of one process lie in or beside each other, never across. */
function assertNested(t: ExecutionContext, events: readonly Event[]): void {
  for (const pid of new Set(events.map((event) => event.pid))) {
    const open: Event[] = []
    for (const event of events.filter((each) => each.pid === pid)) {
      while (open.length > 0 && end(open.at(-1)!) <= event.ts + tolerance) open.pop()
      const outer = open.at(-1)
      t.true(event.dur >= 0, event.name)
      if (outer !== undefined) t.true(end(event) <= end(outer) + tolerance, `${event.name} in ${outer.name}`)
      open.push(event)
    }
  }
}

const stepsOf = (events: readonly Event[]): Event[] => events.filter(({ cat }) => cat === 'step')
const namesOf = (events: readonly Event[], category = 'phase'): string[] =>
  events.filter(({ cat }) => cat === category).map(({ name }) => name)

/** A sandbox whose commands write their traces to `file(command)`. */
function traced(t: ExecutionContext, change: (spec: Spec) => void = () => undefined) {
  const sandbox = new Sandbox(t, change)
  const dir = path.join(sandbox.dir, 'traces')
  mkdirSync(dir)
  const env = { ...process.env, RUNT_TRACE: `${dir}/%c.json` } as Record<string, string>
  const run = (...args: string[]): Result => sandbox.run(args, { env })
  return { sandbox, dir, env, run, trace: (command: string) => read(`${dir}/${command}.json`) }
}

test('the trace of run has the phases of runt and every step of init with its field', (t) => {
  if (lacks(t, 'runt')) return
  const { sandbox, run, dir, trace } = traced(t)
  const before = process.hrtime.bigint()
  const { status, stdout, stderr } = run('run', sandbox.id)
  const wall = Number(process.hrtime.bigint() - before) / 1e3
  t.deepEqual([status, stdout, stderr], [0, 'hello\n', ''])
  t.is(statSync(`${dir}/run.json`).mode & 0o777, 0o600)
  const events = trace('run')
  assertNested(t, events)

  const [whole] = events
  t.like(whole, { name: 'runt run', cat: 'command', args: { exitCode: 0 } })
  t.true(whole!.dur < wall, `${whole!.dur} of ${wall}`)
  for (const event of events) t.true(event.ts >= whole!.ts && end(event) <= end(whole!) + tolerance, event.name)
  const phases = namesOf(events)
  const expected = [
    'start of the engine, load the command, read config.json, parse config.json, validate config.json, prepare, compile the plan',
    'make, write state.json, make the cgroup, encode the plan, clone init, wait for init, at sync point ready, start',
    'give the go, wait for the program, attend to the container, delete, remove the cgroup, remove the state',
  ]
  for (const name of expected.join(', ').split(', ')) t.true(phases.includes(name), name)
  t.true(namesOf(events, 'call').includes(`realPath ${sandbox.bundle}`))

  const steps = stepsOf(events)
  const { stdout: plan } = sandbox.run(['explain', '--json'])
  const planned = (JSON.parse(plan) as { steps: { op: string; origin: string }[] }).steps
  t.deepEqual(
    steps.map(({ name, args }) => [args?.index, name, args?.origin]),
    planned.map(({ op, origin }, index) => [index, op, origin]),
  )
  const clone = events.find(({ name }) => name === 'clone init')!
  t.true(steps[0]!.ts > clone.ts)
  t.deepEqual([...new Set(steps.map(({ pid }) => pid === whole!.pid))], [false])
  sandbox.assertClean(t)
})

test('create, exec, start, kill and delete have traces of their own, and start the steps that were left', (t) => {
  if (lacks(t, 'runt')) return
  const { sandbox, env, run, dir, trace } = traced(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
  })
  t.is(sandbox.detached(['create', sandbox.id], { env }).status, 0)
  const { pid } = sandbox.state()
  for (const args of [['exec', sandbox.id, 'inside', 'echo', 'hi'], ['start'], ['kill'], ['delete', '--force']]) {
    const { status, stderr } = run(...args, ...(args[0] === 'exec' ? [] : [sandbox.id]))
    t.deepEqual([status, stderr], [0, ''], args[0])
  }
  t.deepEqual(readdirSync(dir).sort(), ['create.json', 'delete.json', 'exec.json', 'kill.json', 'start.json'])
  for (const command of ['create', 'exec', 'start', 'kill', 'delete']) assertNested(t, trace(command))
  const created = stepsOf(trace('create'))
  t.is(created.at(-1)!.name, 'waitForStart')
  const started = stepsOf(trace('start'))
  t.deepEqual(
    [...created, ...started].map(({ args }) => args?.index),
    [...created, ...started].map((_, index) => index),
  )
  t.is(started.at(-1)!.name, 'exec')
  t.deepEqual([...new Set([...created, ...started].map((step) => step.pid))], [pid])
  const executed = stepsOf(trace('exec'))
  t.is(executed.at(-1)!.name, 'exec')
  // Before and after it joined the container's pid namespace.
  t.is(new Set(executed.map((step) => step.pid)).size, 2)
  for (const step of executed) t.truthy(step.pid)
  sandbox.assertClean(t)
})

test('a traced command leaves no file beside the state but the times of init', (t) => {
  if (lacks(t, 'runt')) return
  const { sandbox, env, run } = traced(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
  })
  const files = () => readdirSync(path.join(sandbox.stateRoot, sandbox.id)).sort()
  t.is(sandbox.detached(['run', '--detach', sandbox.id], { env }).status, 0)
  t.deepEqual(files(), ['start', 'started', 'state.json', 'times'])
  t.is(run('exec', sandbox.id, 'inside', 'echo', 'hi').stdout, 'hi\n')
  t.is(run('exec', sandbox.id, 'no-such-program').status, 255)
  t.deepEqual(files(), ['start', 'started', 'state.json', 'times'])
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('a filter that kills who asks for the time does not kill init', (t) => {
  if (lacks(t, 'runt')) return
  for (const noNewPrivileges of [true, false]) {
    const { sandbox, run, trace } = traced(t, (spec) => {
      spec.process!.noNewPrivileges = noNewPrivileges
      spec.linux!.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['clock_gettime'], action: 'SCMP_ACT_KILL_PROCESS' }],
      }
    })
    const { status, stdout, stderr } = run('run', sandbox.id)
    t.deepEqual([status, stdout], [0, 'hello\n'], stderr)
    const last = stepsOf(trace('run')).at(-1)!
    t.is(last.name, 'seccomp')
    t.is(last.args!.andThen!.at(-1), 'exec')
    assertNested(t, trace('run'))
  }
})

test('the times of a container in a time namespace are those of its runt', (t) => {
  if (lacks(t, 'runt')) return
  const { sandbox, run, trace } = traced(t, (spec) => {
    spec.linux!.namespaces!.push({ type: 'time' })
    spec.linux!.timeOffsets = { monotonic: { secs: 86_400 } }
  })
  const { status, stderr } = run('run', sandbox.id)
  t.is(status, 0, stderr)
  const events = trace('run')
  const [whole] = events
  for (const event of events) t.true(event.ts >= whole!.ts && end(event) <= end(whole!) + tolerance, event.name)
  assertNested(t, events)
  t.is(stepsOf(events).at(-1)!.name, 'exec')
})

test('the trace of a start that fails ends at the step that failed', (t) => {
  if (lacks(t, 'runt')) return
  const { sandbox, run, trace } = traced(t, (spec) => {
    spec.process!.args = ['no-such-program']
  })
  const { status, stderr } = run('run', sandbox.id)
  t.is(status, 1)
  t.regex(stderr, /executable file not found/)
  t.is(stepsOf(trace('run')).at(-1)!.name, 'program')
  t.is(trace('run')[0]!.args!.exitCode, 1)
  sandbox.assertClean(t)
})

test('without it no time is asked for and no file is made', (t) => {
  if (lacks(t, 'runt')) return
  const { sandbox, env } = traced(t)
  const log = path.join(sandbox.dir, 'strace')
  const calls = (more: Record<string, string>): string => {
    const command = [
      '-f',
      '-qq',
      '-e',
      'trace=clock_gettime,openat,open',
      '-o',
      log,
      ...sandbox.command('run', sandbox.id),
    ]
    const { status, stderr } = spawnSync('strace', command, {
      cwd: sandbox.bundle,
      encoding: 'utf8',
      env: { ...env, RUNT_TRACE: '', ...more },
    })
    t.is(status, 0, stderr)
    return readFileSync(log, 'utf8')
  }
  // What the engine does itself it does with and without.
  const byInit = /clock_gettime\(CLOCK_MONOTONIC/g
  const files = /\/times"|schedstat"|\/traces\//
  const off = calls({})
  t.notRegex(off, files)
  const on = calls({ RUNT_TRACE: env.RUNT_TRACE! })
  t.regex(on, files)
  t.true((on.match(byInit) ?? []).length >= (off.match(byInit) ?? []).length + 100)
})

test('what is there and is no file is neither followed nor replaced nor waited for', (t) => {
  if (lacks(t, 'runt')) return
  const { sandbox, dir, env } = traced(t)
  const precious = path.join(sandbox.dir, 'precious')
  writeFileSync(precious, 'kept')
  symlinkSync(precious, `${dir}/symlink`)
  symlinkSync(path.join(sandbox.dir, 'missing'), `${dir}/dangling`)
  t.is(spawnSync('mkfifo', [`${dir}/fifo`]).status, 0)
  t.is(spawnSync('mknod', [`${dir}/null`, 'c', '1', '3']).status, 0)
  for (const name of ['symlink', 'dangling', 'fifo', 'null']) {
    const { status, stdout, stderr } = sandbox.run(['list', '-q'], { env: { ...env, RUNT_TRACE: `${dir}/${name}` } })
    t.deepEqual([status, stdout], [0, ''], name)
    t.regex(stderr, /^runt: warning: write the trace \/.*: there is a (symlink|fifo|char), and no file\n$/, name)
  }
  t.is(readFileSync(precious, 'utf8'), 'kept')
  t.false(existsSync(path.join(sandbox.dir, 'missing')))
  t.true(statSync(`${dir}/null`).isCharacterDevice())
})

test('a command that is killed leaves a whole trace, or none', async (t) => {
  if (lacks(t, 'runt')) return
  const { sandbox, dir } = traced(t)
  const file = `${dir}/killed.json`
  let kills = 0
  for (const [call, n] of [
    ['rename', 1],
    ['rename', 4],
    ['exit_group', 1],
  ] as const) {
    const { killed } = await launch(sandbox, ['--trace', file, 'run', sandbox.newId()], { by: signalled(call, n) })
    if (killed) kills++
    if (existsSync(file)) t.is(read(file)[0]!.name, 'runt run')
  }
  t.true(kills > 0)
})
