/** --log, --log-format and --debug: what daemons read when a command failed. */
import test, { type ExecutionContext } from 'ava'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { together } from './concurrent.ts'
import { lacks, lines, runtime, Sandbox } from './harness.ts'

interface LogRecord {
  level: string
  msg: string
  time: string
}

/** RFC 3339, as Go's decoder wants it. */
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** Every line must be a JSON object: daemons stop at the first that is not. */
function records(t: ExecutionContext, file: string): LogRecord[] {
  const text = readFileSync(file, 'utf8')
  t.true(text.endsWith('\n'))
  return lines(text).map((line) => {
    const record = JSON.parse(line) as LogRecord
    t.regex(record.time, rfc3339)
    t.is(typeof record.msg, 'string')
    return record
  })
}

function broken(t: ExecutionContext): { sandbox: Sandbox; log: string } {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['no-such-program']
  })
  return { sandbox, log: path.join(sandbox.dir, 'log') }
}

const notFound = /unable to start container process: .*exec: "no-such-program": executable file not found in \$PATH/

test('a failure is the last record of a JSON log, with level, msg and time, and stands bare on standard error', (t) => {
  const { sandbox, log } = broken(t)
  const { status, stdout, stderr } = sandbox.run(['--log', log, '--log-format', 'json', 'create', sandbox.id])
  t.is(status, 1)
  t.is(stdout, '')
  const last = records(t, log).at(-1)!
  t.is(last.level, 'error')
  if (runtime === 'crun') return
  t.regex(last.msg, notFound)
  t.regex(last.msg, /^run[ct] create failed: /)
  t.is(stderr, `${last.msg}\n`)
  t.deepEqual(Object.keys(last).sort(), ['level', 'msg', 'time'])
  sandbox.assertClean(t)
})

test('run and exec introduce their failures as runc does', (t) => {
  if (lacks(t, 'runc')) return
  const { sandbox, log } = broken(t)
  sandbox.run(['--log', log, '--log-format=json', 'run', sandbox.id])
  t.regex(records(t, log).at(-1)!.msg, notFound)
  if (runtime === 'runt') t.regex(records(t, log).at(-1)!.msg, /^runt run failed: /)
  sandbox.configure((spec) => {
    spec.process!.args = ['inside', 'wait']
  })
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  sandbox.run(['--log', log, '--log-format=json', 'exec', sandbox.id, 'no-such-program'])
  t.regex(records(t, log).at(-1)!.msg, notFound)
  t.regex(records(t, log).at(-1)!.msg, /^exec failed: /)
})

test('a text log has one line for a failure', (t) => {
  if (lacks(t, 'runc')) return
  const { sandbox, log } = broken(t)
  for (const flags of [[], ['--log-format', 'text']]) {
    writeFileSync(log, '')
    const { stderr } = sandbox.run(['--log', log, ...flags, 'create', sandbox.id])
    const all = lines(readFileSync(log, 'utf8'))
    const line = all.at(-1)
    // runc's init tells its own side of it, too.
    if (runtime === 'runt') t.is(all.length, 1)
    const match = /^time="([^"]+)" level=error msg=("(?:[^"\\]|\\.)*")$/.exec(line!)
    t.truthy(match, line)
    t.regex(match![1]!, rfc3339)
    t.is(`${JSON.parse(match![2]!)}\n`, stderr)
  }
})

test('a log is appended to, and found from the working directory', (t) => {
  const { sandbox } = broken(t)
  const log = path.join(sandbox.bundle, 'relative.log')
  writeFileSync(log, '{"level":"error","msg":"older","time":"2026-01-01T00:00:00Z"}\n')
  sandbox.run(['--log', 'relative.log', '--log-format', 'json', 'create', sandbox.id])
  sandbox.run(['--log=relative.log', '--log-format=json', 'create', sandbox.id])
  const all = records(t, log)
  t.is(all[0]!.msg, 'older')
  t.true(all.length >= 3)
  if (runtime === 'runt') t.is(all.length, 3)
})

test('with --debug too every record is JSON, and the failure the last error', (t) => {
  const { sandbox, log } = broken(t)
  t.is(sandbox.run(['--debug', '--log', log, '--log-format', 'json', 'create', sandbox.id]).status, 1)
  t.is(records(t, log).at(-1)!.level, 'error')
})

test('a command that succeeds logs nothing and prints nothing', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
    // A warning: podman takes the whole file for one record, so that it must not get there.
    spec.process!.capabilities!.bounding!.push('CAP_OF_TOMORROW')
  })
  if (runtime === 'crun') sandbox.configure((spec) => (spec.process!.args = ['inside', 'wait']))
  const log = path.join(sandbox.dir, 'log')
  const flags = ['--log', log, '--log-format', 'json']
  t.deepEqual(sandbox.detached([...flags, 'create', sandbox.id]), { status: 0, stdout: '', stderr: '' })
  for (const command of [
    ['start', sandbox.id],
    ['kill', sandbox.id, 'KILL'],
    ['delete', '--force', sandbox.id],
  ]) {
    t.deepEqual(sandbox.run([...flags, ...command]), { status: 0, stdout: '', stderr: '' })
  }
  if (runtime === 'runt') t.is(existsSync(log) ? readFileSync(log, 'utf8') : '', '')
})

test('a failure with warnings before it is one record', (t) => {
  if (lacks(t, 'runt')) return
  const { sandbox, log } = broken(t)
  sandbox.configure((spec) => {
    spec.process!.args = ['no-such-program']
    spec.process!.capabilities!.bounding!.push('CAP_OF_TOMORROW')
  })
  t.is(sandbox.run(['--log', log, '--log-format', 'json', 'create', sandbox.id]).status, 1)
  t.is(records(t, log).length, 1)
  const plain = sandbox.run(['create', sandbox.id])
  t.regex(plain.stderr, /warning: .*CAP_OF_TOMORROW/)
})

test('many problems, and names with line breaks, are one line', (t) => {
  if (lacks(t, 'runt')) return
  const { sandbox, log } = broken(t)
  sandbox.writeConfig('{"ociVersion": "7.0.0", "process": {"args": [], "cwd": "a\\nb"}, "hostname": 3}')
  for (const id of [sandbox.id, 'a\nb']) {
    writeFileSync(log, '')
    t.is(sandbox.run(['--log', log, '--log-format', 'json', 'create', id]).status, 1)
    t.is(records(t, log).length, 1)
    writeFileSync(log, '')
    sandbox.run(['--log', log, 'create', id])
    t.is(lines(readFileSync(log, 'utf8')).length, 1)
  }
})

test('records of commands that share a log stay whole', async (t) => {
  if (lacks(t, 'runc')) return
  const { sandbox, log } = broken(t)
  const commands = Array.from({ length: 8 }, () => [
    '--log',
    log,
    '--log-format',
    'json',
    'start',
    `missing-${'x'.repeat(200)}`,
  ])
  const results = await together(sandbox, commands)
  for (const { status } of results) t.is(status, 1)
  t.is(records(t, log).length, 8)
})

test('a log that cannot be written hides no failure', (t) => {
  const { sandbox } = broken(t)
  const { status, stderr } = sandbox.run([
    '--log',
    '/no/such/directory/log',
    '--log-format',
    'json',
    'create',
    sandbox.id,
  ])
  t.is(status, 1)
  t.regex(stderr, /\/no\/such\/directory/)
  if (runtime === 'runt') t.regex(stderr, /executable file not found/)
  sandbox.assertClean(t)
})

test('faults of the command line are logged too', (t) => {
  if (lacks(t, 'runt')) return
  const { sandbox, log } = broken(t)
  for (const args of [['create'], ['create', '--nope', sandbox.id], ['nonsense'], ['list', '--format', 'xml']]) {
    writeFileSync(log, '')
    const { status, stderr } = sandbox.run(['--log', log, '--log-format', 'json', ...args])
    t.is(status, 1)
    t.is(`${records(t, log).at(-1)!.msg}\n`, stderr)
  }
})
