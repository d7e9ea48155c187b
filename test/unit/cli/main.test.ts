import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { main } from '../../../src/cli/main.ts'
import { version } from '../../../src/runtime/version.ts'
import { defaultSpec } from '../../../src/spec/default.ts'
import { machine } from '../../simulated/commands.ts'
import { SimulatedHost, type HostOptions } from '../../simulated/host.ts'
import type { World } from '../../simulated/world.ts'

interface Result {
  code: number
  stdout: string
  stderr: string
}

async function runt(
  world: World,
  line: string | string[],
  options: HostOptions & { env?: Record<string, string> } = {},
): Promise<Result> {
  world.stdout = world.stderr = ''
  const host = new SimulatedHost(world, options)
  const args = typeof line === 'string' ? line.split(' ').filter((word) => word !== '') : line
  const code = await main(
    { argv0: '/usr/bin/runt', args, cwd: '/bundle', env: options.env ?? {}, engine: 'node 20' },
    host.host,
  )
  host.end()
  return { code, stdout: world.stdout, stderr: world.stderr }
}

const log = (world: World) => (world.read('/log') ?? '').split('\n').filter((line) => line !== '')

test('a container is created, started, shown, killed and deleted, silently', async (t) => {
  const world = machine()
  for (const line of ['create web', 'start web', 'kill web KILL', 'delete web']) {
    t.deepEqual(await runt(world, line), { code: 0, stdout: '', stderr: '' }, line)
  }
  t.deepEqual(world.remains(), [])
})

test('state prints JSON of two spaces, and nothing on standard error', async (t) => {
  const world = machine()
  await runt(world, 'create web')
  const { code, stdout, stderr } = await runt(world, 'state web')
  t.is(code, 0)
  t.is(stderr, '')
  t.is(stdout, `${JSON.stringify(JSON.parse(stdout), null, 2)}\n`)
  t.deepEqual(Object.keys(JSON.parse(stdout) as object), [
    'ociVersion',
    'id',
    'pid',
    'status',
    'bundle',
    'rootfs',
    'created',
    'owner',
  ])
})

test('list prints columns, JSON, or ids', async (t) => {
  const world = machine()
  t.is((await runt(world, 'list')).stdout, 'ID          PID         STATUS      BUNDLE      CREATED     OWNER\n')
  t.is((await runt(world, 'list -f json')).stdout, 'null\n')
  t.is((await runt(world, 'list -q')).stdout, '')
  await runt(world, 'create web')
  await runt(world, 'create a-container-with-a-long-name')
  const { stdout } = await runt(world, 'list')
  const [head, , last] = stdout.split('\n')
  t.is(head!.indexOf('PID'), 'a-container-with-a-long-name'.length + 3)
  t.is(last!.indexOf('created'), head!.indexOf('STATUS'))
  t.is((JSON.parse((await runt(world, 'list --format=json')).stdout) as unknown[]).length, 2)
  t.is((await runt(world, 'list --quiet')).stdout, 'a-container-with-a-long-name\nweb\n')
})

test('run leaves with the code of the program, or 128 and the signal', async (t) => {
  const world = machine()
  world.script = { exits: 42 }
  t.is((await runt(world, 'run web')).code, 42)
  world.script = {}
  const running = runt(world, 'run web')
  await world.until(() => world.alive().some(({ executed }) => executed))
  world.kill(world.alive()[0]!, 9)
  world.changed()
  t.is((await running).code, 137)
})

test('exec leaves with 255 when it fails itself, and with 1 when its arguments are wrong', async (t) => {
  const world = machine()
  await runt(world, 'run -d web')
  world.script = { exits: 3 }
  t.is((await runt(world, 'exec web ls')).code, 3)
  world.script = { failStep: { op: 'program', errno: 2, subject: 'ls' } }
  t.is((await runt(world, 'exec web ls')).code, 255)
  t.is((await runt(world, 'exec none ls')).code, 255)
  t.is((await runt(world, 'exec --user root web ls')).code, 255)
  t.is((await runt(world, 'exec')).code, 1)
  t.is((await runt(world, 'exec --nope web ls')).code, 1)
})

test('an error tells a person what, where and how to mend it', async (t) => {
  const world = machine()
  world.script = { failStep: { op: 'program', errno: 2, subject: 'nope' } }
  const { code, stderr } = await runt(world, 'create web')
  t.is(code, 1)
  const lines = stderr.split('\n')
  t.is(lines[0], 'runt create web: exec: "nope": executable file not found in $PATH')
  t.regex(lines[1]!, /^ {2}from: process\.args\[0\] \(config\.json:\d+:\d+\)$/)
  t.regex(lines[2]!, /^ {2}hint: PATH/)
})

test('all problems of a configuration are told, each with its line', async (t) => {
  const world = machine()
  const spec = { ...defaultSpec(), process: { ...defaultSpec().process, cwd: 'x', args: 1 } }
  world.write('/bundle/config.json', JSON.stringify(spec, null, 2))
  const { code, stderr } = await runt(world, 'create web')
  t.is(code, 1)
  t.regex(stderr, /^runt create web: \/bundle\/config\.json has 2 problems\n/)
  t.regex(stderr, /config\.json:\d+:\d+: process\.cwd must/)
  t.regex(stderr, /config\.json:\d+:\d+: process\.args must/)
  t.deepEqual(world.remains(), [])
})

test('with a log file the failure is one record there, and the same words bare on standard error', async (t) => {
  const world = machine()
  world.script = { failStep: { op: 'program', errno: 2, subject: 'nope' } }
  const { stderr } = await runt(world, '--log /log --log-format json create web')
  t.is(log(world).length, 1)
  const record = JSON.parse(log(world)[0]!) as { level: string; msg: string; time: string }
  t.deepEqual(Object.keys(record).sort(), ['level', 'msg', 'time'])
  t.is(record.level, 'error')
  t.regex(
    record.msg,
    /^runt create failed: unable to start container process: exec: "nope": executable file not found in \$PATH/,
  )
  t.regex(record.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/)
  t.is(stderr, `${record.msg}\n`)
})

test('a log in text has a record on a line, whatever the message contains', async (t) => {
  const world = machine()
  await runt(world, ['--log', '/log', 'kill', 'web', 'a"b\nc'])
  t.is(log(world).length, 1)
  t.regex(log(world)[0]!, /^time="2026[^"]*Z" level=error msg="unknown signal .*"$/)
})

test('faults of the command line are logged too, and the log is appended to', async (t) => {
  const world = machine()
  world.write('/log', 'before\n')
  await runt(world, '--log=/log --log-format=json kill')
  const record = JSON.parse(log(world)[1]!) as { msg: string }
  t.regex(record.msg, /^\/usr\/bin\/runt: "kill" requires a minimum of 1 argument\(s\)/)
})

test('a log that cannot be written hides no failure', async (t) => {
  const { code, stderr } = await runt(machine(), '--log /no/such/dir/log state web')
  t.is(code, 1)
  t.regex(stderr, /\/no\/such\/dir\/log/)
  t.regex(stderr, /container does not exist/)
})

test('without a log, warnings go to standard error; with one, only when debugging', async (t) => {
  const world = machine((spec) => spec.process!.capabilities!.bounding!.push('CAP_NOPE'))
  const { code, stderr } = await runt(world, 'create web')
  t.is(code, 0)
  t.regex(stderr, /^runt: warning: .*CAP_NOPE/)
  t.is((await runt(world, '--log /log create two')).stderr, '')
  t.deepEqual(log(world), [])
  await runt(world, '--log /log --debug create three')
  t.regex(log(world)[0]!, /level=warning .*CAP_NOPE/)
})

test('global flags come before the command, in any form, and the last one counts', async (t) => {
  const world = machine()
  await runt(world, '--root=/x --root /run/other --rootless auto --debug create web')
  t.truthy(world.tree.find('/run/other/web/state.json'))
  t.is((await runt(world, 'create --root /x two')).code, 1)
  t.regex(world.stderr, /unknown flag --root/)
})

test('the state is below the runtime directory of a user other than root', async (t) => {
  const world = machine()
  const env = { XDG_RUNTIME_DIR: '/run/user/7' }
  world.write('/run/user/7/runt/x/state.json', '{')
  t.regex((await runt(world, 'state x', { env, euid: 7 })).stderr, /\/run\/user\/7\/runt\/x\/state\.json is damaged/)
  t.regex((await runt(world, 'state x', { env })).stderr, /does not exist/)
})

test('the root directory as state root is refused', async (t) => {
  t.regex((await runt(machine(), '--root / list')).stderr, /--root cannot be \//)
})

test('a user other than root creates containers only with a user namespace', async (t) => {
  const world = machine()
  const { code, stderr } = await runt(world, 'create web', { euid: 1000 })
  t.is(code, 1)
  t.regex(stderr, /linux\.namespaces must have a user namespace: the caller is user 1000/)
  t.deepEqual(world.remains(), [])
})

test('explain prints the plan for any user and does nothing', async (t) => {
  const world = machine()
  const host = { euid: 1000 }
  const { code, stdout } = await runt(world, 'explain', host)
  t.is(code, 0)
  t.regex(stdout, /clone3/)
  t.regex(stdout, /pivotRoot/)
  const json = JSON.parse((await runt(world, 'explain --json', host)).stdout) as { steps: unknown[] }
  t.true(json.steps.length > 20)
  t.deepEqual(world.remains(), [])
})

test('spec writes a configuration once', async (t) => {
  const world = machine()
  world.tree.makeParents('/new')
  t.is((await runt(world, 'spec -b /new')).code, 0)
  t.deepEqual(JSON.parse(world.read('/new/config.json')!), JSON.parse(JSON.stringify(defaultSpec())))
  t.is((await runt(world, 'spec --bundle=/new')).code, 1)
  t.regex(world.stderr, /\/new\/config\.json exists/)
})

test('the version has the lines that daemons read, and only one of them says version', async (t) => {
  const { stdout, code } = await runt(machine(), '--version')
  t.is(code, 0)
  const lines = stdout.trimEnd().split('\n')
  t.is(lines[0], `runt version ${version}`)
  t.regex(lines[1]!, /^commit: /)
  t.is(lines[2], 'spec: 1.3.0')
  t.is(lines.filter((line) => line.includes('version')).length, 1)
  t.is((await runt(machine(), '-v')).stdout, stdout)
})

test('the version is that of package.json', (t) => {
  const file = new URL('../../../package.json', import.meta.url)
  t.is(version, (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version)
})

test('help is printed for runt and for each command, and nothing is done', async (t) => {
  const world = machine()
  for (const line of ['--help', '-h', 'help', '']) t.regex((await runt(world, line)).stdout, /^Usage: runt /, line)
  for (const line of ['create --help', 'create -h', 'create -help', 'help create', '--debug create -b x --help']) {
    const { code, stdout } = await runt(world, line)
    t.is(code, 0, line)
    t.regex(stdout, /^Usage: runt create \[options\] <container-id>/)
    t.regex(stdout, /--pid-file <file>/)
    t.notRegex(stdout, /no-subreaper/)
  }
  t.deepEqual(world.remains(), [])
})

test('a command that does not exist is refused, and the nearest one named', async (t) => {
  const { code, stderr } = await runt(machine(), 'stat web')
  t.is(code, 1)
  t.is(stderr, 'runt: unknown command "stat"\n  hint: did you mean state?\n')
})

// As Podman and CRI-O ask whether there are checkpoints, and as the shim of containerd asks for one.
test('daemons learn that there is no checkpoint, and why', async (t) => {
  for (const line of [
    'checkpoint --help',
    'restore --lsm-mount-context',
    '--log /log --log-format json checkpoint --image-path /i --work-path /w --leave-running web',
    '--log /log --log-format json restore --image-path /i --work-path /w --detach -no-subreaper --bundle /bundle web',
  ]) {
    const world = machine()
    const { code, stdout, stderr } = await runt(world, line)
    t.is(code, 1, line)
    t.is(stdout, '')
    t.regex(stderr, /(checkpoint|restore) is not supported: runt does not work with CRIU/)
    t.notRegex(stderr, /needs an argument|requires an argument/)
    if (!line.includes('--log ')) continue
    const { level, msg } = JSON.parse(log(world).at(-1)!) as { level: string; msg: string }
    t.is(level, 'error')
    t.regex(msg, /is not supported/)
  }
})

const bad: Record<string, { change: (world: World) => void; line?: string; says: RegExp }> = {
  'a config.json that is missing': {
    change: (world) => world.tree.remove('/bundle/config.json', ''),
    says: /read \/bundle\/config\.json: no such file or directory/,
  },
  'a config.json that is empty': { change: (world) => world.write('/bundle/config.json', ''), says: /is empty/ },
  'a config.json that is not JSON': {
    change: (world) => world.write('/bundle/config.json', '{\n  "a": 1,\n}'),
    says: /config\.json:3:1: .*not valid JSON/,
  },
  'a bundle that is missing': {
    change: () => undefined,
    line: 'create -b /none web',
    says: /bundle \/none: no such file or directory/,
  },
  'a bundle that is a file': { change: () => undefined, line: 'create -b config.json web', says: /not a directory/ },
  'a rootfs that is missing': {
    change: (world) => world.tree.remove('/bundle/rootfs', ''),
    says: /root filesystem \/bundle\/rootfs: no such file or directory\n {2}from: root\.path \(config\.json:\d+/,
  },
  'a rootfs that is a file': {
    change: (world) => {
      world.tree.remove('/bundle/rootfs', '')
      world.write('/bundle/rootfs', '')
    },
    says: /root filesystem \/bundle\/rootfs: not a directory/,
  },
  'an id with a slash': { change: () => undefined, line: 'create a/b', says: /invalid container id "a\/b"/ },
  'an id of two dots': { change: () => undefined, line: 'create ..', says: /invalid container id/ },
  'the systemd manager': {
    change: () => undefined,
    line: '--systemd-cgroup create web',
    says: /load libsystemd\.so\.0.*\n.*from: --(systemd-cgroup|cgroup-manager)/,
  },
}

for (const [name, { change, line = 'create web', says }] of Object.entries(bad)) {
  test(`${name} gets a clear error and leaves nothing`, async (t: ExecutionContext) => {
    const world = machine()
    change(world)
    const { code, stderr } = await runt(world, line)
    t.is(code, 1)
    t.regex(stderr, says)
    t.deepEqual(world.remains(), [])
  })
}
