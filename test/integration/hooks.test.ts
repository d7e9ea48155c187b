// Not in the virtual machine: hooks are processes of the host, like any others.
/** Hooks: when, where and with what they run, and what becomes of a container whose hook fails. */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Hook, Spec } from '../../src/spec/schema.gen.ts'
import { lacks, lines, runtime, Sandbox } from './harness.ts'

const events = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const
type Event = (typeof events)[number]

interface State {
  ociVersion: string
  id: string
  status: string
  pid?: number
  bundle: string
  annotations?: Record<string, string>
}

/** Where hooks write on the host; below the rootfs, so that hooks inside the container can write there, too. */
const logIn = (sandbox: Sandbox) => path.join(sandbox.rootfs, 'tmp/log')
const record = (sandbox: Sandbox): string[] =>
  existsSync(logIn(sandbox)) ? lines(readFileSync(logIn(sandbox), 'utf8')) : []

/** A hook of the host that writes its name and what a script prints; the state is in $state. */
function recorder(sandbox: Sandbox, name: string, script = 'printf "%s\\n" "$state"'): Hook {
  const text = `exec >>'${logIn(sandbox)}'; state=$(cat); printf '%s ' '${name}'; ${script}`
  return { path: '/bin/sh', args: ['sh', '-c', text] }
}

/** The same inside the container. */
function insideRecorder(name: string, ...verbs: string[]): Hook {
  const what = verbs.length === 0 ? ['read-all', '--', 'echo'] : verbs
  return { path: '/bin/inside', args: ['inside', 'to', '/tmp/log', '--', 'word', name, '--', ...what] }
}

function hooked(
  t: ExecutionContext,
  hooks: (sandbox: Sandbox) => Spec['hooks'],
  change?: (spec: Spec) => void,
): Sandbox {
  const sandbox = new Sandbox(t)
  chmodSync(path.join(sandbox.rootfs, 'tmp'), 0o777)
  sandbox.configure((spec) => {
    spec.process!.args = ['inside', 'to', '/tmp/log', '--', 'echo', 'program', '--', 'wait']
    spec.root!.readonly = false
    change?.(spec)
    spec.hooks = hooks(sandbox)!
  })
  return sandbox
}

const all = (sandbox: Sandbox): NonNullable<Spec['hooks']> =>
  Object.fromEntries(
    events.map((event) => [event, [event === 'startContainer' ? insideRecorder(event) : recorder(sandbox, event)]]),
  )

const named = (sandbox: Sandbox): string[] => record(sandbox).map((line) => line.split(' ')[0]!)

function states(sandbox: Sandbox): Partial<Record<Event, State>> {
  const told = record(sandbox).filter((line) => line !== 'program')
  return Object.fromEntries(
    told.map((line) => [line.slice(0, line.indexOf(' ')), JSON.parse(line.slice(line.indexOf(' ') + 1)) as State]),
  )
}

// covers: runtime.md#lifecycle/prestart, runtime.md#lifecycle/create-runtime, runtime.md#lifecycle/create-container, runtime.md#lifecycle/start-container, runtime.md#lifecycle/poststart, runtime.md#lifecycle/poststop
// covers: config.md#prestart/when, config.md#prestart/before-create-runtime, config.md#createruntime-hooks/when, config.md#createcontainer-hooks/when, config.md#createcontainer-hooks/after-create-runtime
// covers: config.md#startcontainer-hooks/when, config.md#poststart/when, config.md#poststop/when
// covers: /hooks/prestart/*/path, /hooks/createRuntime/*/path, /hooks/createContainer/*/path, /hooks/startContainer/*/path, /hooks/poststart/*/path, /hooks/poststop/*/path
// covers: /hooks/prestart/*/args, /hooks/createRuntime/*/args, /hooks/createContainer/*/args, /hooks/startContainer/*/args, /hooks/poststart/*/args, /hooks/poststop/*/args
test('hooks run in the order of the lifecycle, each at its operation', async (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = hooked(t, all)
  t.is(sandbox.create().status, 0)
  // runc before 1.5 runs poststart before the program.
  const early = runtime === 'runc' ? ['poststart'] : []
  t.deepEqual(named(sandbox), ['prestart', 'createRuntime', 'createContainer', ...early])
  t.is(sandbox.run(['start', sandbox.id]).status, 0)
  const told = named(sandbox)
  if (runtime === 'runt') {
    t.deepEqual([...told.slice(0, 4)], ['prestart', 'createRuntime', 'createContainer', 'startContainer'])
    t.true(told.includes('poststart'), 'before start returns')
    t.is(told.filter((name) => name !== 'program').length, 5)
  }
  t.is(sandbox.run(['kill', sandbox.id, 'KILL']).status, 0)
  await sandbox.until('stopped')
  t.false(named(sandbox).includes('poststop'))
  t.is(sandbox.run(['delete', sandbox.id]).status, 0)
  t.is(named(sandbox).at(-1), 'poststop')
  sandbox.assertClean(t)
})

// covers: config.md#posix-platform-hooks/state, runtime.md#state/properties, runtime.md#state/pid-of-a-live-one
test('a hook reads the state of its container, with the pid that its side sees', async (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = hooked(t, all, (spec) => {
    spec.annotations = { 'org.example/ä': '"quoted"\n' }
  })
  t.is(sandbox.create().status, 0)
  const { pid, ociVersion } = sandbox.state()
  t.is(sandbox.run(['start', sandbox.id]).status, 0)
  t.is(sandbox.run(['kill', sandbox.id, 'KILL']).status, 0)
  await sandbox.until('stopped')
  t.is(sandbox.run(['delete', sandbox.id]).status, 0)
  const base = { ociVersion, id: sandbox.id, bundle: sandbox.bundle, annotations: { 'org.example/ä': '"quoted"\n' } }
  const told = states(sandbox)
  t.deepEqual(told.prestart, { ...base, status: 'creating', pid } as State)
  t.deepEqual(told.createRuntime, told.prestart)
  t.deepEqual(told.createContainer, { ...base, status: 'creating', pid: 1 } as State)
  t.deepEqual(told.startContainer, { ...base, status: 'created', pid: 1 } as State)
  t.deepEqual(told.poststart, { ...base, status: runtime === 'runc' ? 'created' : 'running', pid } as State)
  t.deepEqual(told.poststop, { ...base, status: 'stopped' } as State)
})

test('without annotations the state has none', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = hooked(t, all, (spec) => {
    spec.process!.args = ['inside']
  })
  t.is(sandbox.runContainer().status, 0)
  t.deepEqual(Object.keys(states(sandbox).createRuntime!), ['ociVersion', 'id', 'status', 'pid', 'bundle'])
  t.deepEqual(Object.keys(states(sandbox).poststop!), ['ociVersion', 'id', 'status', 'bundle'])
  sandbox.assertClean(t)
})

// covers: config.md#posix-platform-hooks/listed-order
test('the hooks of an event run in the order of their list', (t) => {
  const sandbox = hooked(
    t,
    (own) =>
      Object.fromEntries(
        events.map((event) => [
          event,
          [1, 2, 3].map((number) => {
            const name = `${event}${number}`
            return event === 'startContainer' ? insideRecorder(name, 'echo') : recorder(own, name, 'echo')
          }),
        ]),
      ),
    (spec) => {
      spec.process!.args = ['inside']
    },
  )
  t.is(sandbox.runContainer().status, 0)
  const told = named(sandbox)
  for (const event of events) {
    const own = told.filter((name) => name.startsWith(event))
    t.deepEqual(
      own,
      [1, 2, 3].map((number) => `${event}${number}`),
    )
  }
  sandbox.assertClean(t)
})

const namespaces = ['net', 'mnt', 'uts', 'ipc', 'pid'] as const
const readNamespaces = (pid: string) => `echo $(for n in ${namespaces.join(' ')}; do readlink /proc/${pid}/ns/$n; done)`

// covers: config.md#prestart/namespace, config.md#createruntime-hooks/namespace, config.md#createcontainer-hooks/namespace, config.md#startcontainer-hooks/namespace, config.md#poststart/namespace, config.md#poststop/namespace
// covers: config.md#prestart/path, config.md#createruntime-hooks/path, config.md#createcontainer-hooks/path, config.md#startcontainer-hooks/path, config.md#poststart/path, config.md#poststop/path
test('hooks run in the namespaces of the runtime or of the container', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = hooked(
    t,
    (own) => ({
      prestart: [recorder(own, 'prestart', readNamespaces('self'))],
      createRuntime: [
        recorder(own, 'createRuntime', readNamespaces('self')),
        recorder(
          own,
          'container',
          `pid=$(echo "$state" | sed 's/.*"pid":\\([0-9]*\\).*/\\1/'); ${readNamespaces('$pid')}`,
        ),
      ],
      // /bin/sh and /proc are the host's: the root is not entered.
      createContainer: [recorder(own, 'createContainer', readNamespaces('self'))],
      startContainer: [
        insideRecorder(
          'startContainer',
          ...namespaces.flatMap((name) => ['stat', `/proc/self/ns/${name}`, '--']),
          'echo',
        ),
      ],
      poststart: [recorder(own, 'poststart', readNamespaces('self'))],
      poststop: [recorder(own, 'poststop', readNamespaces('self'))],
    }),
    (spec) => {
      spec.process!.args = ['inside']
    },
  )
  const result = sandbox.runContainer()
  t.is(result.status, 0, result.stderr)
  const text = readFileSync(logIn(sandbox), 'utf8')
  const told = Object.fromEntries(
    lines(text).map((line): [string, string] => [line.split(' ')[0]!, line.split(' ').slice(1).join(' ')]),
  )
  const host = namespaces.map((name) => readlinkSync(`/proc/self/ns/${name}`))
  // The tests run in a mount namespace of their own, as the runtime does.
  for (const event of ['prestart', 'createRuntime', 'poststart', 'poststop']) t.is(told[event], host.join(' '), event)
  t.is(told.createContainer, told.container)
  const container = told.container!.split(' ')
  for (const [index, name] of namespaces.entries()) {
    t.not(container[index], host[index], name)
    t.true(text.includes(`/proc/self/ns/${name} symlink 777 0 0 ${container[index]}`), `startContainer ${name}`)
  }
  sandbox.assertClean(t)
})

test('a hook of the host finds the network namespace and the mounts of the container, and can mount into it', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = hooked(
    t,
    (own) => ({
      createRuntime: [
        recorder(
          own,
          'hook',
          [
            `pid=$(echo "$state" | sed 's/.*"pid":\\([0-9]*\\).*/\\1/')`,
            'nsenter --net=/proc/$pid/ns/net cat /proc/self/net/dev | tail -n +3 | cut -d: -f1 | tr -d " "',
            `grep -c ' ${own.rootfs}/proc ' /proc/$pid/mountinfo`,
            `nsenter --mount=/proc/$pid/ns/mnt sh -c 'mkdir -p ${own.rootfs}/late && mount -t tmpfs late ${own.rootfs}/late && echo from the hook >${own.rootfs}/late/file'`,
          ].join('; '),
        ),
      ],
    }),
    (spec) => {
      spec.process!.args = ['inside', 'cat', '/late/file']
    },
  )
  const result = sandbox.runContainer()
  t.deepEqual(result, { status: 0, stdout: 'from the hook\n', stderr: '' })
  t.deepEqual(record(sandbox), ['hook lo', '1'])
  t.deepEqual(readdirSync(path.join(sandbox.rootfs, 'late')), [], 'mounted in the container alone')
  sandbox.assertClean(t)
})

// covers: /hooks/prestart/*/env, /hooks/createRuntime/*/env, /hooks/createContainer/*/env, /hooks/startContainer/*/env, /hooks/poststart/*/env, /hooks/poststop/*/env
test('a hook has the environment that it is given, and nothing else', (t) => {
  if (lacks(t, 'runc')) return
  const given = ['A=1', 'B=two words', 'PATH=/usr/bin:/bin']
  const sandbox = hooked(
    t,
    (own) =>
      Object.fromEntries(
        events.map((event) => {
          const hook =
            event === 'startContainer'
              ? insideRecorder(event, 'env')
              : { path: '/usr/bin/python3', args: ['python3', '-c', pythonEnvironment(own, event)] }
          return [event, [{ ...hook, env: given }]]
        }),
      ),
    (spec) => {
      spec.process!.args = ['/bin/inside']
      spec.process!.env = ['OTHER=x']
    },
  )
  t.is(sandbox.run(['run', sandbox.id], { env: { PATH: process.env.PATH!, HOST: 'y' } }).status, 0)
  const expected = events.flatMap((event) => [`${event} ${given[0]}`, ...given.slice(1)])
  t.deepEqual(inOrderOfEvents(record(sandbox)), expected)
  sandbox.assertClean(t)
})

/** runc runs poststart earlier. */
function inOrderOfEvents(told: string[]): string[] {
  const groups = new Map<string, string[]>()
  let group: string[] = []
  for (const line of told) {
    const event = events.find((name) => line.startsWith(`${name} `))
    if (event !== undefined) groups.set(event, (group = []))
    group.push(line)
  }
  return events.flatMap((event) => groups.get(event) ?? [])
}

/** Python adds LC_CTYPE to what it was given, and a shell PWD and more. */
function pythonEnvironment(sandbox: Sandbox, event: string): string {
  return `print(${JSON.stringify(event)}, open("/proc/self/environ").read().replace("\\0", "\\n"), end="", file=open(${JSON.stringify(logIn(sandbox))}, "a"))`
}

test('a hook without an environment gets that of its caller, and in the container that of the program', (t) => {
  if (lacks(t, 'runc')) return
  const print = 'echo "${HOST:-} ${PROGRAM:-}"'
  const sandbox = hooked(
    t,
    (own) => ({
      ...Object.fromEntries(events.map((event) => [event, [recorder(own, event, print)]])),
      startContainer: [insideRecorder('startContainer', 'env')],
    }),
    (spec) => {
      spec.process!.args = ['/bin/inside']
      spec.process!.env = ['PROGRAM=p']
    },
  )
  t.is(sandbox.run(['run', sandbox.id], { env: { PATH: process.env.PATH!, HOST: 'h' } }).status, 0)
  const told = record(sandbox)
  for (const event of events.filter((name) => name !== 'startContainer')) t.true(told.includes(`${event} h `), event)
  t.true(told.includes('startContainer PROGRAM=p'))
  t.true(told.includes('HOME=/root'))
  sandbox.assertClean(t)
})

// cve: CVE-2025-23266
test('an image’s LD_PRELOAD is not for programs of the host', (t) => {
  if (lacks(t, 'runc')) return // 1.1.5 gives createContainer hooks what the image says: CVE-2025-23266.
  const print = 'echo "${LD_PRELOAD:-nothing} in $PWD"'
  const sandbox = hooked(
    t,
    (own) => {
      const hosts = events.filter((event) => event !== 'startContainer')
      return Object.fromEntries(hosts.map((event) => [event, [recorder(own, event, print)]]))
    },
    (spec) => {
      spec.process!.args = ['/bin/inside']
      spec.process!.env = ['LD_PRELOAD=./hostile.so']
    },
  )
  t.is(sandbox.runContainer().status, 0)
  const told = record(sandbox)
  t.is(told.filter((line) => line.includes(' nothing in ')).length, 5, told.join('\n'))
  t.true(told.includes(`createContainer nothing in ${sandbox.rootfs}`))
  sandbox.assertClean(t)
})

test('a hook without an environment gets the caller’s, and nothing besides', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = hooked(
    t,
    (own) => ({
      createRuntime: [{ path: '/usr/bin/python3', args: ['python3', '-c', pythonEnvironment(own, 'createRuntime')] }],
    }),
    (spec) => {
      spec.process!.args = ['inside']
    },
  )
  t.is(sandbox.run(['run', sandbox.id], { env: { PATH: process.env.PATH!, HOST: 'h' } }).status, 0)
  t.deepEqual(
    record(sandbox).map((line) => line.replace('createRuntime ', '').split('=')[0]),
    ['PATH', 'HOST'],
  )
})

test('a hook without arguments gets its path as the first, and one with arguments exactly those', (t) => {
  const sandbox = hooked(
    t,
    (own) => {
      const script = path.join(own.dir, 'hook')
      writeFileSync(script, `#!/bin/sh\ntr '\\0' ',' </proc/$$/cmdline >>'${logIn(own)}'; echo >>'${logIn(own)}'\n`)
      chmodSync(script, 0o755)
      return { createRuntime: [{ path: script }, { path: script, args: ['other', '', 'a b'] }] }
    },
    (spec) => {
      spec.process!.args = ['inside']
    },
  )
  t.is(sandbox.runContainer().status, 0)
  const script = path.join(sandbox.dir, 'hook')
  // The kernel puts a script's own path in the place of its first argument.
  t.deepEqual(record(sandbox), [`/bin/sh,${script},`, `/bin/sh,${script},,a b,`])
})

test('hooks before the start run in the bundle and the root, with the mask of the caller; inside, where the program does', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = hooked(
    t,
    (own) => ({
      createRuntime: [recorder(own, 'createRuntime', 'echo $(pwd) $(umask)')],
      createContainer: [recorder(own, 'createContainer', 'echo $(pwd) $(umask)')],
      startContainer: [insideRecorder('startContainer', 'cwd', '--', 'id')],
    }),
    (spec) => {
      spec.process!.args = ['inside']
      spec.process!.cwd = '/etc'
    },
  )
  const command = sandbox.command('run', '--bundle', sandbox.bundle, sandbox.id).join(' ')
  const wrapped = path.join(sandbox.dir, 'caller')
  writeFileSync(wrapped, `#!/bin/sh\numask 0047\ncd /\nexec ${command}\n`)
  chmodSync(wrapped, 0o755)
  const result = runFile(wrapped)
  t.is(result.status, 0, result.stderr)
  const told = record(sandbox)
  t.is(told[0], `createRuntime ${sandbox.bundle} 0047`)
  t.is(told[1], `createContainer ${sandbox.rootfs} 0047`)
  t.is(told[2], 'startContainer /etc')
  t.regex(told[3]!, /umask 22$/)
  sandbox.assertClean(t)
})

test('a hook inside the container has the user and the privileges of its program', (t) => {
  const verbs = ['id', '--', 'status', 'Cap', '--', 'status', 'NoNewPrivs', '--', 'rlimits']
  const sandbox = hooked(
    t,
    () => ({ startContainer: [insideRecorder('hook', ...verbs)] }),
    (spec) => {
      spec.process!.args = ['inside', ...verbs]
      spec.process!.user = { uid: 1000, gid: 1000, additionalGids: [5, 6], umask: 0o27 }
    },
  )
  const { status, stdout, stderr } = sandbox.runContainer()
  t.is(status, 0, stderr)
  const [first, ...rest] = record(sandbox)
  t.deepEqual([first!.replace('hook ', ''), ...rest], lines(stdout))
  // Debian 12's runc knows no umask.
  if (runtime !== 'runc') t.regex(first!, /uid 1000 1000 1000 gid 1000 1000 1000 groups 5 6 umask 27$/)
  sandbox.assertClean(t)
})

test('hooks see no descriptor but their own three', (t) => {
  if (lacks(t, 'runt')) return
  // The fourth is the directory that is read.
  const list = `echo $(ls /proc/self/fd)`
  const sandbox = hooked(
    t,
    (own) => ({
      createRuntime: [recorder(own, 'createRuntime', list)],
      createContainer: [recorder(own, 'createContainer', list)],
      startContainer: [insideRecorder('startContainer', 'fds')],
      poststart: [recorder(own, 'poststart', list)],
      poststop: [recorder(own, 'poststop', list)],
    }),
    (spec) => {
      spec.process!.args = ['inside']
    },
  )
  const command = sandbox.command('run', '--preserve-fds', '2', '--bundle', sandbox.bundle, sandbox.id).join(' ')
  const wrapped = path.join(sandbox.dir, 'caller')
  writeFileSync(wrapped, `#!/bin/sh\nexec ${command} 3</etc/passwd 4</etc/group 5</etc/hosts\n`)
  chmodSync(wrapped, 0o755)
  const result = runFile(wrapped)
  t.is(result.status, 0, result.stderr)
  const told = record(sandbox)
  for (const event of ['createRuntime', 'createContainer', 'poststart', 'poststop'])
    t.true(told.includes(`${event} 0 1 2 3`), `${event}: ${told.join('\n')}`)
  const inside = told
    .slice(told.findIndex((line) => line.startsWith('startContainer')))
    .filter((line) => /^(startContainer )?\d /.test(line))
  t.deepEqual(
    inside.map((line) => line.replace('startContainer ', '').split(' ')[0]),
    ['0', '1', '2'],
  )
  sandbox.assertClean(t)
})

test('a hook may print much, and read nothing of its input', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = hooked(
    t,
    () => {
      const loud = {
        path: '/bin/sh',
        args: ['sh', '-c', 'exec 0<&-; head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2'],
      }
      return {
        createRuntime: [loud],
        createContainer: [loud],
        startContainer: [{ path: '/bin/inside', args: ['inside', 'lines', '100000'] }],
        poststop: [loud],
      }
    },
    (spec) => {
      spec.process!.args = ['inside', 'echo', 'program']
      spec.annotations = { large: 'x'.repeat(500_000) }
    },
  )
  t.deepEqual(sandbox.runContainer(), { status: 0, stdout: 'program\n', stderr: '' }, 'what hooks print is dropped')
  sandbox.assertClean(t)
})

test('a hook that leaves something running does not hold up the container', (t) => {
  // runc waits until nobody has the hook's streams open.
  if (lacks(t, 'runt')) return
  const sandbox = hooked(
    t,
    (own) => {
      const hook = recorder(own, 'hook', 'sleep 60 & echo $!')
      return { createRuntime: [hook], createContainer: [hook], poststop: [hook] }
    },
    (spec) => {
      spec.process!.args = ['inside']
    },
  )
  const began = Date.now()
  t.is(sandbox.run(['run', sandbox.id], { timeout: 40_000 }).status, 0)
  t.true(Date.now() - began < 30_000)
  for (const line of [record(sandbox)[0]!, record(sandbox)[2]!]) process.kill(Number(line.split(' ')[1]), 'SIGKILL')
})

function runFile(file: string): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(file, [], { encoding: 'utf8', timeout: 60_000 })
  return { status, stderr }
}

// ——— failures ———

/** Shell commands that end badly, what the error says of them, and the timeout. */
const endings: readonly [string, string, RegExp, number?][] = [
  ['a status', 'echo to nobody; echo why not >&2; exit 3', /exit status 3.*why not/],
  ['a signal', 'kill -TERM $$', /killed by SIGTERM/],
  ['its timeout', 'echo so far >&2; exec sleep 60', /took longer than its timeout of 1 s and was killed.*so far/, 1],
]

// covers: runtime.md#lifecycle/prestart-failure, runtime.md#lifecycle/create-runtime-failure, runtime.md#lifecycle/create-container-failure
// covers: /hooks/prestart/*/timeout, /hooks/createRuntime/*/timeout, /hooks/createContainer/*/timeout
for (const event of ['prestart', 'createRuntime', 'createContainer'] as const) {
  for (const [how, script, says, timeout] of endings) {
    test(`a ${event} hook that fails by ${how} fails create, and the container is destroyed`, (t) => {
      if (lacks(t, 'runc')) return
      const sandbox = hooked(t, (own) => ({
        [event]: [
          recorder(own, 'good'),
          { path: '/bin/sh', args: ['sh', '-c', script], ...(timeout && { timeout }) },
          recorder(own, 'never'),
        ],
        poststop: [recorder(own, 'poststop')],
      }))
      const began = Date.now()
      const result = sandbox.create()
      t.is(result.status, 1)
      t.true(Date.now() - began < 30_000)
      if (runtime === 'runt') {
        t.regex(result.stderr, says)
        t.true(result.stderr.includes(`error running ${event} hook #1: /bin/sh: `), result.stderr)
        t.regex(result.stderr, new RegExp(`from: hooks\\.${event}\\[1\\](\\.timeout)? \\(config\\.json:\\d+:\\d+\\)`))
        t.notRegex(result.stderr, /not cleaned up/)
      }
      t.deepEqual(named(sandbox), ['good', 'poststop'])
      sandbox.assertClean(t)
    })
  }
}

// covers: runtime.md#lifecycle/start-container-failure, /hooks/startContainer/*/timeout
for (const [how, verbs, says, timeout] of [
  ['a status', ['error', 'why not', '--', 'exit', '3'], /exit status 3, stderr: why not/],
  ['a signal', ['suicide', '9'], /killed by SIGKILL/],
  [
    'its timeout',
    ['error', 'so far', '--', 'sleep', '60'],
    /took longer than its timeout of 1 s and was killed, stderr: so far/,
    1,
  ],
] as [string, string[], RegExp, number?][]) {
  for (const command of ['start', 'run', 'run --detach']) {
    test(`a startContainer hook that fails by ${how} fails ${command}, and the container is destroyed`, (t) => {
      if (lacks(t, 'runt')) return
      const sandbox = hooked(t, (own) => ({
        startContainer: [
          insideRecorder('good'),
          { path: '/bin/inside', args: ['inside', ...verbs], ...(timeout && { timeout }) },
          insideRecorder('never'),
        ],
        poststart: [recorder(own, 'never')],
        poststop: [recorder(own, 'poststop')],
      }))
      if (command === 'start') t.is(sandbox.create().status, 0)
      const result = sandbox.detached([...command.split(' '), sandbox.id])
      t.is(result.status, 1)
      t.regex(result.stderr, says)
      t.true(result.stderr.includes('error running startContainer hook #1: /bin/inside: '), result.stderr)
      t.regex(result.stderr, /from: hooks\.startContainer\[1\](\.timeout)? \(config\.json:\d+:\d+\)/)
      t.deepEqual(named(sandbox), ['good', 'poststop'])
      sandbox.assertClean(t)
    })
  }
}

// covers: runtime.md#lifecycle/poststart-failure, /hooks/poststart/*/timeout
for (const [how, script, says, timeout] of endings) {
  for (const command of ['start', 'run', 'run --detach']) {
    test(`a poststart hook that fails by ${how} fails ${command}, and the container is stopped and destroyed`, (t) => {
      if (lacks(t, 'runt')) return
      const sandbox = hooked(t, (own) => ({
        poststart: [
          recorder(own, 'good'),
          { path: '/bin/sh', args: ['sh', '-c', script], ...(timeout && { timeout }) },
          recorder(own, 'never'),
        ],
        poststop: [recorder(own, 'poststop')],
      }))
      if (command === 'start') t.is(sandbox.create().status, 0)
      const result = sandbox.detached([...command.split(' '), sandbox.id])
      t.is(result.status, 1)
      t.regex(result.stderr, says)
      t.true(result.stderr.includes('error running poststart hook #1: /bin/sh: '), result.stderr)
      t.regex(result.stderr, /from: hooks\.poststart\[1\](\.timeout)? \(config\.json:\d+:\d+\)/)
      t.deepEqual(
        named(sandbox).filter((name) => name !== 'program'),
        ['good', 'poststop'],
      )
      sandbox.assertClean(t)
    })
  }
}

// covers: runtime.md#lifecycle/poststop-failure, runtime.md#warnings/goes-on, /hooks/poststop/*/timeout
for (const [how, script, says, timeout] of endings) {
  test(`a poststop hook that fails by ${how} is a warning, and the others run`, async (t) => {
    if (lacks(t, 'runt')) return
    const sandbox = hooked(t, (own) => ({
      poststop: [{ path: '/bin/sh', args: ['sh', '-c', script], ...(timeout && { timeout }) }, recorder(own, 'second')],
    }))
    t.is(sandbox.create().status, 0)
    t.is(sandbox.run(['start', sandbox.id]).status, 0)
    t.is(sandbox.run(['kill', sandbox.id, 'KILL']).status, 0)
    await sandbox.until('stopped')
    const result = sandbox.run(['delete', sandbox.id])
    t.is(result.status, 0)
    t.regex(result.stderr, says)
    t.true(result.stderr.startsWith('runt: warning: error running poststop hook #0: /bin/sh: '), result.stderr)
    t.is(named(sandbox).at(-1), 'second')
    sandbox.assertClean(t)
  })
}

test('a hook that cannot be executed is an error that names it', (t) => {
  if (lacks(t, 'runc')) return
  for (const event of ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart'] as const) {
    const sandbox = hooked(t, (own) => ({
      [event]: [{ path: '/nowhere/hook' }],
      // What is not found inside the container is a failure of start, which Debian 12's runc does not see.
      poststop: [recorder(own, 'poststop')],
    }))
    const result = sandbox.detached(['run', '--detach', sandbox.id])
    if (runtime === 'runc' && event === 'startContainer') continue
    t.is(result.status, 1, event)
    t.regex(result.stderr, /no such file or directory/)
    if (runtime !== 'runt') continue
    t.true(
      result.stderr.includes(`error running ${event} hook #0: /nowhere/hook: no such file or directory`),
      result.stderr,
    )
    t.deepEqual(
      named(sandbox).filter((name) => name !== 'program'),
      ['poststop'],
    )
    sandbox.assertClean(t)
  }
})

test('the end of a long complaint is what an error tells', (t) => {
  if (lacks(t, 'runt')) return
  const complain = 'i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done >&2; echo the end >&2; exit 1'
  for (const event of ['createRuntime', 'createContainer'] as const) {
    const sandbox = hooked(t, () => ({ [event]: [{ path: '/bin/sh', args: ['sh', '-c', complain] }] }))
    const { stderr } = sandbox.create()
    t.regex(stderr, /line 19999\\nthe end\n/)
    t.true(stderr.length < 3000, String(stderr.length))
  }
})

// covers: config.md#posix-platform-hooks/path-absolute, config.md#posix-platform-hooks/timeout-positive
test('a relative path and a timeout that is not positive are refused before anything is done', (t) => {
  if (lacks(t, 'runt')) return
  for (const [bad, says] of [
    [{ path: 'bin/true' }, /hooks\.createRuntime\[0\]\.path must be an absolute path/],
    [{ path: '/bin/true', timeout: 0 }, /hooks\.createRuntime\[0\]\.timeout must be at least 1/],
    [{ path: '/bin/true', timeout: -1 }, /hooks\.createRuntime\[0\]\.timeout must be at least 1/],
  ] as [Hook, RegExp][]) {
    const sandbox = hooked(t, (own) => ({
      prestart: [recorder(own, 'never')],
      createRuntime: [bad],
      poststop: [recorder(own, 'never')],
    }))
    const { status, stderr } = sandbox.create()
    t.is(status, 1)
    t.regex(stderr, says)
    t.deepEqual(record(sandbox), [])
    sandbox.assertClean(t)
  }
})

// covers: runtime.md#lifecycle/config-is-read-once
test('hooks after create are those that create read', async (t) => {
  const sandbox = hooked(t, all)
  t.is(sandbox.create().status, 0)
  rmSync(path.join(sandbox.bundle, 'config.json'))
  t.is(sandbox.run(['start', sandbox.id]).status, 0)
  // crun kills and does not wait.
  if (runtime === 'crun') return
  t.is(sandbox.run(['kill', sandbox.id, 'KILL']).status, 0)
  await sandbox.until('stopped')
  t.is(sandbox.run(['delete', sandbox.id]).status, 0)
  t.deepEqual([...named(sandbox).filter((name) => name !== 'program')].sort(), [...events].sort())
})

test('delete --force ends a running container and runs its poststop hooks', (t) => {
  const sandbox = hooked(t, (own) => ({ poststop: [recorder(own, 'poststop')] }))
  t.is(sandbox.create().status, 0)
  t.is(sandbox.run(['start', sandbox.id]).status, 0)
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  t.is(named(sandbox).at(-1), 'poststop')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  t.is(named(sandbox).filter((name) => name === 'poststop').length, 1)
  sandbox.assertClean(t)
})

test('poststop hooks also follow a creation that fails for another reason', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = hooked(
    t,
    (own) => ({ createRuntime: [recorder(own, 'createRuntime')], poststop: [recorder(own, 'poststop')] }),
    (spec) => {
      spec.process!.args = ['/nowhere/program']
    },
  )
  const { status, stderr } = sandbox.create()
  t.is(status, 1)
  t.regex(stderr, /\/nowhere\/program/)
  t.deepEqual(named(sandbox), ['createRuntime', 'poststop'])
  sandbox.assertClean(t)
})

test('state says that a container is being created while a hook runs', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = hooked(
    t,
    (own) => ({ createRuntime: [recorder(own, 'hook', own.command('state', own.id).join(' '))] }),
    (spec) => {
      spec.process!.args = ['inside']
    },
  )
  const result = sandbox.runContainer()
  t.is(result.status, 0, result.stderr)
  t.regex(readFileSync(logIn(sandbox), 'utf8'), /"status": "creating"/)
})

test('hooks work with a user namespace, and createContainer hooks are its root', (t) => {
  const sandbox = hooked(
    t,
    (own) => ({
      createRuntime: [recorder(own, 'createRuntime', 'echo $(id -u)')],
      createContainer: [recorder(own, 'createContainer', 'echo $(id -u) $(cat /proc/self/uid_map)')],
      startContainer: [insideRecorder('startContainer', 'id')],
      poststop: [recorder(own, 'poststop', 'echo $(id -u)')],
    }),
    (spec) => {
      spec.process!.args = ['inside']
      spec.linux!.namespaces!.push({ type: 'user' })
      spec.linux!.uidMappings = [{ containerID: 0, hostID: 100_000, size: 1000 }]
      spec.linux!.gidMappings = [{ containerID: 0, hostID: 100_000, size: 1000 }]
    },
  )
  // The user's root passes through these.
  chmodSync(sandbox.dir, 0o755)
  writeFileSync(logIn(sandbox), '')
  chmodSync(logIn(sandbox), 0o666)
  const result = sandbox.runContainer()
  t.is(result.status, 0, result.stderr)
  const told = record(sandbox)
  t.deepEqual([told[0], told[1], told[3]], ['createRuntime 0', 'createContainer 0 0 100000 1000', 'poststop 0'])
  t.regex(told[2]!, /^startContainer uid 0 0 0/)
  sandbox.assertClean(t)
})
