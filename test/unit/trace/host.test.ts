import test from 'ava'
import type { Host } from '../../../src/host/host.ts'
import { formatTrace } from '../../../src/trace/format.ts'
import { tracingHost } from '../../../src/trace/host.ts'
import { ownProcess } from '../../../src/trace/process.ts'
import { Tracer } from '../../../src/trace/tracer.ts'

/** A host whose clock goes on by a millisecond each time it is asked. */
function clockedHost(more: object = {}): Host {
  let now = 0
  return { system: { monotonic: () => ++now }, ...more } as unknown as Host
}

interface Event {
  name: string
  ph: string
  ts: number
  dur: number
  pid: number
}

test('calls and phases nest, whether they answer at once or later', async (t) => {
  const host = clockedHost({ files: { readText: () => 'text', list: () => Promise.resolve([]) } })
  const tracer = new Tracer(host, 5)
  const traced = tracingHost(host, tracer)
  await traced.trace!.phase('outer', async () => {
    t.is(await traced.files.readText('/a'), 'text')
    t.is(
      traced.trace!.phase('inner', () => 42),
      42,
    )
    t.deepEqual(await traced.files.list('/b'), [])
  })
  const spans = tracer.spans()
  t.deepEqual(
    spans.map(({ name }) => name),
    ['readText /a', 'inner', 'list /b', 'outer'],
  )
  const outer = spans.at(-1)!
  for (const { begin, end } of spans.slice(0, -1)) t.true(begin > outer.begin && begin < end && end < outer.end)
})

test('a call that fails is noted, and fails as it did', async (t) => {
  const host = clockedHost({
    files: {
      open: () => {
        throw new Error('at once')
      },
      read: () => Promise.reject(new Error('later')),
    },
  })
  const tracer = new Tracer(host, 5)
  const { files } = tracingHost(host, tracer)
  t.throws(() => files.open('/a', 0), { message: 'at once' })
  await t.throwsAsync(async () => files.read(3, 1), { message: 'later' })
  t.deepEqual(
    tracer.spans().map(({ name }) => name),
    ['open /a', 'read'],
  )
})

test('no content, argument or environment gets into a trace', async (t) => {
  const secret = 'SECRET'
  const host = clockedHost({
    files: { writeAtomic: () => undefined },
    output: { stdout: () => undefined },
    seccomp: { digest: () => '' },
    sockets: { sendDescriptor: () => undefined },
    systemd: { call: () => ({ result: 'done' }) },
    processes: { runHook: () => ({ stdout: secret }) },
  })
  const tracer = new Tracer(host, 5)
  const traced = tracingHost(host, tracer)
  await traced.files.writeAtomic('/file', secret)
  await traced.output.stdout(secret)
  await traced.seccomp.digest(secret)
  await traced.sockets.sendDescriptor('/socket', 3, secret)
  await traced.systemd.call(1, { member: 'StartUnit', signature: 's', args: [secret], job: true, timeoutMs: 1 })
  await traced.processes.runHook({ path: '/hook', args: [secret], env: [secret], stdin: secret, timeout: 0 })
  const text = formatTrace(tracer.spans(), { title: 'runt run', pid: 5, dropped: 0 })
  t.false(text.includes(secret))
  for (const name of ['writeAtomic /file', 'stdout', 'sendDescriptor /socket', 'call StartUnit', 'runHook /hook'])
    t.true(text.includes(`"name":"${name}"`), name)
})

test('the trace names its processes and has times in microseconds, an outer span before those in it', (t) => {
  const span = (name: string, pid: number, begin: number, end: number) =>
    ({ name, category: 'phase', pid, begin, end }) as const
  const spans = [span('in', 5, 1.5, 2.0001234), span('out', 5, 1.5, 4), span('step', 6, 2, 3)]
  const { traceEvents } = JSON.parse(formatTrace(spans, { title: 'runt run', pid: 5, dropped: 0 })) as {
    traceEvents: (Event & { args?: { name?: string } })[]
  }
  const names = traceEvents.filter(({ name }) => name === 'process_name').map(({ pid, args }) => [pid, args?.name])
  t.deepEqual(names, [
    [5, 'runt run'],
    [6, 'init'],
  ])
  const complete = traceEvents.filter(({ ph }) => ph === 'X').map(({ name, ts, dur }) => [name, ts, dur])
  t.deepEqual(complete, [
    ['out', 1500, 2500],
    ['in', 1500, 500.123],
    ['step', 2000, 1000],
  ])
})

/** /proc of a process with a name that is hard to read, begun at 12.34 s. */
function proc(uptime: string, schedstat?: string): Host {
  const fields = ['S', ...Array<string>(18).fill('0'), '1234', '0']
  const files: Record<string, string | undefined> = {
    '/proc/self/stat': `42 (a) b (c) ${fields.join(' ')}\n`,
    '/proc/uptime': `${uptime} 99.00\n`,
    '/proc/self/schedstat': schedstat,
  }
  const readText = (path: string) => files[path]
  return { files: { readText, readTextIfExists: readText } } as unknown as Host
}

test('the age of the process is what it ran and waited for processors, as far as the ticks of /proc allow it', async (t) => {
  t.deepEqual(await ownProcess(proc('12.35', '6000000 1500000 9\n')), { pid: 42, age: 7.5 })
  t.is((await ownProcess(proc('12.54', '6000000 1500000 9\n'))).age.toFixed(3), '190.000')
  t.is((await ownProcess(proc('12.35', '60000000 1500000 9\n'))).age.toFixed(3), '20.000')
  t.is((await ownProcess(proc('12.36'))).age.toFixed(3), '20.000')
  t.is((await ownProcess(proc('12.33'))).age, 0)
})
