/** create, start, state, list, kill and delete: what they do, what they say, and in which state they may be used. */
import test, { type ExecutionContext } from 'ava'
import { existsSync, linkSync, readdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { launch, together } from './concurrent.ts'
import { eventually, lacks, lines, processesOf, runtime, Sandbox } from './harness.ts'

const texts = {
  missing: /container does not exist/,
  exists: /container with given ID already exists/,
  running: /cannot start an already running container/,
  stopped: /cannot start a container that has stopped/,
  notRunning: /container not running/,
  execStopped: /cannot exec in a stopped container/,
  undeletable: /cannot delete container \S+ that is not stopped: running/,
}

/** crun has words of its own. */
function says(t: ExecutionContext, text: string, pattern: RegExp, what?: string): void {
  if (runtime === 'crun') t.not(text, '', what)
  else t.regex(text, pattern, what)
}

function waiting(t: ExecutionContext): Sandbox {
  return new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'echo', 'started', '--', 'wait']
  })
}

/** Brings a new container into a status. */
async function bring(sandbox: Sandbox, status: 'missing' | 'created' | 'running' | 'stopped'): Promise<string> {
  const id = sandbox.newId()
  if (status === 'missing') return id
  const check = (result: { status: number; stderr: string }): void => {
    if (result.status !== 0) throw new Error(result.stderr)
  }
  check(sandbox.create(id))
  if (status !== 'created') check(sandbox.run(['start', id]))
  if (status === 'stopped') {
    check(sandbox.run(['kill', id, 'KILL']))
    await sandbox.until('stopped', id)
  }
  return id
}

// covers: runtime.md#operations/all, runtime.md#create/container, runtime.md#create/args-wait, runtime.md#lifecycle/program-waits
// covers: runtime.md#start/program, runtime.md#lifecycle/program, runtime.md#kill/signal, runtime.md#state/pid-of-a-live-one
// covers: runtime.md#lifecycle/destroy, runtime.md#delete/resources, runtime.md#scope-of-a-container/same-caller
test('a container is created, started, killed and deleted', async (t) => {
  const sandbox = waiting(t)
  t.deepEqual(sandbox.create(), { status: 0, stdout: '', stderr: '' })
  const created = sandbox.state()
  t.is(created.status, 'created')
  t.true(created.pid > 0)
  t.is(sandbox.output(), '', 'the program has not run')
  t.deepEqual(sandbox.run(['start', sandbox.id]), { status: 0, stdout: '', stderr: '' })
  const running = sandbox.state()
  t.deepEqual({ ...running, status: '' }, { ...created, status: '' })
  t.is(running.status, 'running')
  await eventually(() => sandbox.output() === 'started\n', 'the program runs')
  t.deepEqual(sandbox.run(['kill', sandbox.id, 'KILL']), { status: 0, stdout: '', stderr: '' })
  await sandbox.until('stopped')
  t.deepEqual(sandbox.state(), { ...created, status: 'stopped', pid: 0 })
  t.deepEqual(sandbox.run(['delete', sandbox.id]), { status: 0, stdout: '', stderr: '' })
  says(t, sandbox.run(['state', sandbox.id]).stderr, texts.missing)
  sandbox.assertClean(t)
})

// covers: /annotations, config.md#annotations/map, runtime.md#state/properties, runtime.md#query-state/answer
test('state prints the fields that daemons read, indented by two spaces, and nothing else', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = waiting(t)
  sandbox.configure((spec) => {
    spec.annotations = { 'org.example.a': 'one', b: 'zwei ü "quoted"' }
  })
  sandbox.create()
  const { status, stdout, stderr } = sandbox.run(['state', sandbox.id])
  t.is(status, 0)
  t.is(stderr, '')
  const state = JSON.parse(stdout) as Record<string, unknown>
  t.is(stdout.trimEnd(), JSON.stringify(state, null, 2))
  t.deepEqual(Object.keys(state), [
    'ociVersion',
    'id',
    'pid',
    'status',
    'bundle',
    'rootfs',
    'created',
    'annotations',
    'owner',
  ])
  t.regex(String(state.ociVersion), /^1\.\d+\.\d+/)
  t.is(state.id, sandbox.id)
  t.is(state.bundle, sandbox.bundle)
  t.is(state.rootfs, sandbox.rootfs)
  t.regex(String(state.created), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/)
  t.true(Math.abs(Date.parse(String(state.created)) - Date.now()) < 60_000)
  t.deepEqual(state.annotations, { 'org.example.a': 'one', b: 'zwei ü "quoted"' })
  sandbox.configure(() => undefined)
  const plain = sandbox.newId()
  sandbox.create(plain)
  t.false('annotations' in sandbox.state(plain), 'no annotations, no field')
})

test('list shows the containers as a table, as JSON and as ids', async (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = waiting(t)
  const created = await bring(sandbox, 'created')
  const running = await bring(sandbox, 'running')
  const stopped = await bring(sandbox, 'stopped')
  t.deepEqual(lines(sandbox.run(['list', '-q']).stdout), [created, running, stopped])
  t.deepEqual(lines(sandbox.run(['list', '--quiet']).stdout), [created, running, stopped])
  const array = JSON.parse(sandbox.run(['list', '--format', 'json']).stdout) as Record<string, unknown>[]
  for (const [index, id] of [created, running, stopped].entries()) {
    t.deepEqual(array[index], { ...sandbox.state(id), owner: 'root' })
  }
  const [header, ...rows] = lines(sandbox.run(['list']).stdout)
  t.deepEqual(header!.split(/ {2,}/), ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'])
  t.deepEqual(
    rows.map((row) => row.split(/ {2,}/)),
    array.map(({ id, pid, status, bundle, created, owner }) => [id, String(pid), status, bundle, created, owner]),
  )
  for (const row of rows) t.is(row.indexOf('  root'), rows[0]!.indexOf('  root'), 'the columns stand below one another')
})

test('list of no containers is an empty table, no ids and null', (t) => {
  const sandbox = waiting(t)
  t.is(sandbox.run(['list', '-q']).stdout, '')
  if (runtime !== 'crun') t.is(sandbox.run(['list', '--format=json']).stdout.trim(), 'null')
  t.deepEqual(lines(sandbox.run(['list']).stdout).length, 1)
  sandbox.assertClean(t)
})

// covers: runtime.md#kill/signal
test('kill takes a signal by name with and without SIG in any case, and by number', async (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = [
      'inside',
      'catch',
      '10',
      '--',
      'catch',
      '15',
      '--',
      'catch',
      '36',
      '--',
      'echo',
      'ready',
      '--',
      'wait',
    ]
  })
  for (const [name, number] of [
    ['USR1', 10],
    ['SIGUSR1', 10],
    ['usr1', 10],
    ['sigusr1', 10],
    ['10', 10],
    [undefined, 15],
    ['36', 36],
  ] as const) {
    const id = sandbox.newId()
    const before = sandbox.output().length
    t.is(sandbox.detached(['run', '-d', id]).status, 0)
    await eventually(() => sandbox.output().slice(before) === 'ready\n', 'the program is ready')
    t.is(sandbox.run(['kill', id, '0']).status, 0, 'signal 0 asks only whether it is there')
    const { status, stderr } = sandbox.run(['kill', id, ...(name === undefined ? [] : [name])])
    t.is(status, 0, `${name}: ${stderr}`)
    await sandbox.until('stopped', id)
    t.is(sandbox.output().slice(before), `ready\nsignal ${number}\n`)
    t.is(sandbox.run(['delete', id]).status, 0)
  }
  sandbox.assertClean(t)
})

test('kill refuses signals that there are not', async (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = waiting(t)
  const id = await bring(sandbox, 'running')
  for (const name of ['NOPE', 'SIG', 'SIGSIGKILL', '65', '999', '9x', 'KILL ']) {
    const { status, stderr } = sandbox.run(['kill', id, name])
    t.is(status, 1, name)
    if (runtime === 'runt') t.true(stderr.includes(`unknown signal "${name}"`), stderr)
  }
  t.is(sandbox.state(id).status, 'running')
  t.is(sandbox.run(['delete', '-f', id]).status, 0)
  sandbox.assertClean(t)
})

test('kill --all reaches every process of a container without a pid namespace of its own', async (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'pid')
    spec.process!.args = ['inside', 'forks', '3', '--', 'wait']
  })
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  await eventually(() => sandbox.output() === 'forks 3\n', 'it has forked')
  t.is(processesOf(sandbox.rootfs).length, 4)
  const { status, stderr } = sandbox.run(['kill', '--all', sandbox.id, 'KILL'])
  t.is(status, 0, stderr)
  await eventually(() => processesOf(sandbox.rootfs).length === 0, 'all have ended')
  await sandbox.until('stopped')
  if (runtime === 'runt')
    t.is(sandbox.run(['kill', '--all', sandbox.id, 'KILL']).status, 0, 'nothing is left to signal')
  t.is(sandbox.run(['delete', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('delete --force ends every process of a container without a pid namespace of its own', async (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'pid')
    spec.process!.args = ['inside', 'forks', '3', '--', 'wait']
  })
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  await eventually(() => sandbox.output() === 'forks 3\n', 'it has forked')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('a container whose init was killed from outside is stopped', async (t) => {
  const sandbox = waiting(t)
  for (const status of ['created', 'running'] as const) {
    const id = await bring(sandbox, status)
    process.kill(sandbox.state(id).pid, 'SIGKILL')
    await sandbox.until('stopped', id)
    t.is(sandbox.state(id).pid, 0)
    says(t, sandbox.run(['start', id]).stderr, texts.stopped)
    t.is(sandbox.run(['delete', id]).status, 0)
  }
  sandbox.assertClean(t)
})

/** Whether a process other than one has a file open. */
function isOpenElsewhere(file: string, pid: number): boolean {
  return readdirSync('/proc').some((name) => {
    if (!/^\d+$/.test(name) || Number(name) === pid) return false
    try {
      return readdirSync(`/proc/${name}/fd`).some((fd) => readlinkSync(`/proc/${name}/fd/${fd}`) === file)
    } catch {
      return false
    }
  })
}

test('start tells of an init that is killed before it takes the go', async (t) => {
  const sandbox = waiting(t)
  const id = await bring(sandbox, 'created')
  const { pid } = sandbox.state(id)
  process.kill(pid, 'SIGSTOP')
  const start = launch(sandbox, ['start', id])
  if (runtime === 'runt')
    await eventually(() => isOpenElsewhere(path.join(sandbox.stateRoot, id, 'start'), pid), 'start gives the go')
  process.kill(pid, 'SIGKILL')
  const { status, stderr } = await start
  t.not(status, 0)
  if (runtime === 'runt') t.regex(stderr, texts.stopped)
  t.is(sandbox.run(['delete', '--force', id]).status, 0)
  sandbox.assertClean(t)
})

test('a program that ends leaves a stopped container', async (t) => {
  const sandbox = new Sandbox(t)
  sandbox.create()
  t.is(sandbox.run(['start', sandbox.id]).status, 0)
  await sandbox.until('stopped')
  t.is(sandbox.output(), 'hello\n')
  t.is(sandbox.run(['delete', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('the pid file has digits only, and takes the place of an older one at once', (t) => {
  const sandbox = waiting(t)
  const file = path.join(sandbox.bundle, 'pid')
  writeFileSync(file, 'old')
  linkSync(file, `${file}-link`)
  t.is(sandbox.create(sandbox.id, '--pid-file', 'pid').status, 0)
  t.is(readFileSync(file, 'utf8'), String(sandbox.state().pid))
  if (runtime !== 'crun') t.is(readFileSync(`${file}-link`, 'utf8'), 'old', 'it was written beside and renamed')
  t.deepEqual(readdirSync(sandbox.bundle).sort(), ['config.json', 'pid', 'pid-link', 'rootfs'])
})

// covers: runtime.md#errors/as-never-attempted
test('a pid file that cannot be written fails create, which leaves nothing', (t) => {
  const sandbox = waiting(t)
  const { status, stderr } = sandbox.create(sandbox.id, '--pid-file', '/nonexistent/directory/pid')
  t.is(status, 1)
  t.regex(stderr, /\/nonexistent\/directory.*no such file or directory/i)
  sandbox.assertClean(t)
})

// covers: runtime.md#create/id-refused
test('ids that could lead elsewhere are refused by every command', (t) => {
  // crun 1.8 takes '..' for an id, and removes the directory above the state root.
  if (lacks(t, 'runc')) return
  const sandbox = waiting(t)
  const around = readdirSync(sandbox.dir)
  const ids = ['..', '.', '../x', 'a/b', '/a', 'a b', 'a\nb', 'ä', 'a:b', 'a\\b', '*', '', 'x'.repeat(2000)]
  for (const id of ids) {
    const created = sandbox.run(['create', id])
    t.not(created.status, 0, id)
    t.not(created.stderr, '', id)
    if (runtime === 'runt') t.regex(created.stderr, /container id.*\n {2}hint: /s, id)
    for (const command of ['start', 'state', 'kill', 'delete']) {
      const { status, stderr } = sandbox.run([command, id])
      t.not(status, 0, `${command} ${id}`)
      if (runtime === 'runt') t.regex(stderr, /container id/, `${command} ${id}`)
    }
    if (runtime === 'runt') t.is(sandbox.run(['delete', '--force', id]).status, 1, id)
  }
  t.deepEqual(
    readdirSync(sandbox.dir).filter((name) => name !== 'state'),
    around,
  )
  sandbox.assertClean(t)
})

test('ids may have letters, digits and _ + - . and up to 255 characters', (t) => {
  const sandbox = waiting(t)
  const start = sandbox.newId()
  for (const id of [`${start}_A+b-c.9`, `${start}${'x'.repeat(255 - start.length)}`]) {
    const { status, stderr } = sandbox.create(id)
    t.is(status, 0, stderr)
    t.is(sandbox.state(id).status, 'created')
    t.is(sandbox.run(['delete', id]).status, 0)
  }
  sandbox.assertClean(t)
})

// covers: runtime.md#create/id-refused, runtime.md#state/id-unique
test('an id that is in use is refused, and its container stays as it is', async (t) => {
  const sandbox = waiting(t)
  const id = await bring(sandbox, 'running')
  const before = sandbox.state(id)
  for (const command of [
    ['create', id],
    ['run', id],
    ['run', '-d', id],
  ]) {
    const { status, stderr } = sandbox.detached(command)
    t.is(status, 1)
    says(t, stderr, texts.exists)
  }
  t.deepEqual(sandbox.state(id), before)
  t.is(sandbox.run(['delete', '--force', id]).status, 0)
  sandbox.assertClean(t)
})

// covers: runtime.md#state/id-unique
test('of two creates of one id at once exactly one wins', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = waiting(t)
  for (let round = 0; round < 5; round++) {
    const id = sandbox.newId()
    const results = await together(
      sandbox,
      Array.from({ length: 3 }, () => ['create', id]),
    )
    t.deepEqual(results.map(({ status }) => status).sort(), [0, 1, 1])
    for (const { status, stderr } of results) if (status !== 0) t.regex(stderr, texts.exists)
    t.is(sandbox.state(id).status, 'created')
    t.is(sandbox.run(['start', id]).status, 0)
    t.is(sandbox.run(['delete', '--force', id]).status, 0)
    sandbox.assertClean(t)
  }
})

test('of two starts at once exactly one wins, and the program runs once', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = waiting(t)
  for (let round = 0; round < 5; round++) {
    const id = await bring(sandbox, 'created')
    const before = sandbox.output().length
    const results = await together(
      sandbox,
      Array.from({ length: 3 }, () => ['start', id]),
    )
    t.deepEqual(results.map(({ status }) => status).sort(), [0, 1, 1])
    for (const { status, stderr } of results) if (status !== 0) t.regex(stderr, texts.running)
    await eventually(() => sandbox.output().length > before, 'the program runs')
    t.is(sandbox.output().slice(before), 'started\n')
    t.is(sandbox.run(['delete', '--force', id]).status, 0)
  }
  sandbox.assertClean(t)
})

test('of several deletes at once one wins, and with --force none fails', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = waiting(t)
  for (let round = 0; round < 3; round++) {
    const id = await bring(sandbox, 'stopped')
    const results = await together(
      sandbox,
      Array.from({ length: 3 }, () => ['delete', id]),
    )
    t.deepEqual(results.map(({ status }) => status).sort(), [0, 1, 1])
    for (const { status, stderr } of results) if (status !== 0) t.regex(stderr, texts.missing)
    const other = await bring(sandbox, 'running')
    const forced = await together(
      sandbox,
      Array.from({ length: 3 }, () => ['delete', '--force', other]),
    )
    t.deepEqual(
      forced.map(({ status }) => status),
      [0, 0, 0],
      forced.map(({ stderr }) => stderr).join(''),
    )
    sandbox.assertClean(t)
  }
})

test('create, start, kill and delete of one id at once leave a container or nothing, never a part', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = waiting(t)
  for (let round = 0; round < 6; round++) {
    const id = sandbox.newId()
    const results = await together(sandbox, [
      ['create', id],
      ['start', id],
      ['kill', id, 'KILL'],
      ['delete', id],
      ['delete', '--force', id],
      ['state', id],
    ])
    for (const { stderr } of results) t.notRegex(stderr, /internal error|damaged|not cleaned up/)
    const listed = sandbox.run(['list', '-q']).stdout.includes(id)
    if (listed) t.regex(sandbox.state(id).status, /^(created|running|stopped)$/)
    t.is(sandbox.run(['delete', '--force', id]).status, 0)
    sandbox.assertClean(t)
  }
})

test('delete --force removes what is left of a damaged container', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = waiting(t)
  const id = await bring(sandbox, 'stopped')
  const file = path.join(sandbox.stateRoot, id, 'state.json')
  writeFileSync(file, '{"format":')
  for (const command of ['state', 'start', 'kill', 'delete']) {
    const { status, stderr } = sandbox.run([command, id])
    t.is(status, 1, command)
    t.true(stderr.includes(`${file} is damaged`), stderr)
  }
  t.is(sandbox.run(['delete', '--force', id]).status, 0)
  t.deepEqual(readdirSync(sandbox.stateRoot), [])
  // Nobody knows any more where that was.
  if (existsSync(`/sys/fs/cgroup/${id}`)) rmdirSync(`/sys/fs/cgroup/${id}`)
})

test('init of a created container is a sealed copy in memory, small, and holds nothing of the host', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = waiting(t)
  t.is(sandbox.create().status, 0)
  const { pid } = sandbox.state()
  t.regex(readlinkSync(`/proc/${pid}/exe`), /^\/memfd:/)
  const resident = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1])
  t.true(resident < 1024, `${resident} kB`)
  const expected = new Set(
    ['/dev/null', path.join(sandbox.dir, 'stdout'), path.join(sandbox.dir, 'stderr')].concat(
      ['start', 'started'].map((name) => path.join(sandbox.stateRoot, sandbox.id, name)),
    ),
  )
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const target = readlinkSync(`/proc/${pid}/fd/${fd}`)
    t.true(expected.has(target), `descriptor ${fd}: ${target}`)
  }
  t.is(sandbox.run(['delete', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('a pid that passed on to another process is neither shown nor signalled', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = waiting(t)
  const id = await bring(sandbox, 'running')
  const file = path.join(sandbox.stateRoot, id, 'state.json')
  const state = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; startTime: number }
  const { pid } = state
  // As if another process had the number now.
  writeFileSync(file, JSON.stringify({ ...state, startTime: state.startTime - 1 }))
  t.is(sandbox.state(id).status, 'stopped')
  t.regex(sandbox.run(['kill', id, 'KILL']).stderr, texts.notRunning)
  t.notThrows(() => process.kill(pid, 0))
  writeFileSync(file, JSON.stringify(state))
  t.is(sandbox.state(id).status, 'running')
  t.is(sandbox.run(['delete', '--force', id]).status, 0)
  sandbox.assertClean(t)
})
