/** Terminals: relayed in the foreground, and sent over a console socket. */
import test, { type ExecutionContext } from 'ava'
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { lacks, lines, runtime, Sandbox } from './harness.ts'

type Step =
  | readonly ['expect' | 'send', string]
  | readonly ['size', readonly [number, number]]
  | readonly ['raw']
  | readonly ['run', readonly string[]]

interface Driven {
  status: number
  output: string
  /** Of the steps `raw`. */
  raw: boolean[]
  error?: string
  /** In the foreground: whether the caller's terminal is as it was. */
  restored: boolean
  /** With a console socket: the message, the number of descriptors with it, bytes after it, connections, what was printed. */
  name: string
  fds: number
  rest: number
  connections: number
  printed: string
}

/** Runs a command of the runtime on a terminal; see drive.py. */
function drive(
  t: ExecutionContext,
  sandbox: Sandbox,
  command: readonly string[],
  options: { steps?: readonly Step[]; size?: readonly [number, number]; socket?: string } = {},
): Driven {
  const script = fileURLToPath(new URL('drive.py', import.meta.url))
  const request = JSON.stringify({ ...options, command: sandbox.command(...command) })
  const text = execFileSync('python3', [script, request], {
    cwd: sandbox.bundle,
    encoding: 'utf8',
    timeout: 100_000,
    maxBuffer: 1 << 26,
  })
  const driven = JSON.parse(text) as Driven
  t.is(driven.error, undefined)
  return driven
}

function onTerminal(t: ExecutionContext, args: string[], change: (spec: Spec) => void = () => undefined): Sandbox {
  return new Sandbox(t, (spec) => {
    spec.process!.terminal = true
    spec.process!.args = ['inside', ...args]
    change(spec)
  })
}

/** Lines of a terminal, whose driver makes \r\n of \n; runc's first ones come before the caller's is raw, and get another \r. */
function terminalLines(output: string): string[] {
  return lines(output.replaceAll(/\r+\n/g, '\n'))
}

// covers: /process/terminal, config-linux.md#default-devices/console
test('in the foreground the program is on a terminal of the container’s own, as large as the caller’s', (t) => {
  const sandbox = onTerminal(t, ['tty', '--', 'stat', '/dev/console', '--', 'exit', '7'])
  const { status, output, restored } = drive(t, sandbox, ['run', sandbox.id], { size: [31, 97] })
  t.is(status, 7)
  t.true(restored)
  const told = terminalLines(output)
  t.deepEqual(told.slice(0, 3), ['fd 0 /dev/pts/0', 'fd 1 /dev/pts/0', 'fd 2 /dev/pts/0'])
  // runc and crun resize only once the program may be running.
  if (runtime === 'runt') t.is(told[3], 'size 31 97')
  t.deepEqual(told.slice(4, 6), ['controlling yes', 'leader yes'])
  t.regex(told[6]!, /^\/dev\/console char \d+ 0 \d+ 136:0$/)
  sandbox.assertClean(t)
})

test('the terminal belongs to the user of the program', (t) => {
  const sandbox = onTerminal(t, ['stat', '/dev/pts/0', '--', 'tty'], (spec) => {
    spec.process!.user = { uid: 1000, gid: 1000 }
  })
  const { status, output } = drive(t, sandbox, ['run', sandbox.id])
  t.is(status, 0)
  t.regex(output, /^\/dev\/pts\/0 char 6[02]0 1000 /)
  t.true(output.includes('controlling yes'))
})

test('a resize of the caller’s terminal reaches the program', (t) => {
  // crun 1.8 loses what comes before it relays.
  if (lacks(t, 'runc')) return
  const sandbox = onTerminal(t, ['catch', '2', '--', 'watch-size'])
  const { status } = drive(t, sandbox, ['run', sandbox.id], {
    size: [24, 80],
    steps: [
      ['expect', 'ready'],
      ['size', [40, 100]],
      ['expect', 'resized 40 100'],
      ['size', [50, 120]],
      ['expect', 'resized 50 120'],
      ['send', '\x03'],
    ],
  })
  t.is(status, 42)
})

test('keys reach the program, Ctrl-C as a signal, and the caller’s terminal is raw only meanwhile', (t) => {
  const sandbox = onTerminal(t, ['catch', '2', '--', 'echo', 'ready', '--', 'wait'])
  const { status, raw, restored } = drive(t, sandbox, ['run', sandbox.id], {
    steps: [['expect', 'ready'], ['raw'], ['send', '\x03'], ['expect', 'signal 2']],
  })
  t.is(status, 42)
  t.deepEqual(raw, [true])
  t.true(restored)
  sandbox.assertClean(t)
})

test('lines that are typed are echoed once and read by the program until Ctrl-D', (t) => {
  const sandbox = onTerminal(t, ['echo', 'ready', '--', 'read-all', '--', 'echo', 'end'])
  const { status, output } = drive(t, sandbox, ['run', sandbox.id], {
    steps: [
      // The whole line: what is typed is echoed wherever the program's output has come to.
      ['expect', 'ready'],
      ['expect', '\n'],
      ['send', 'typed\n'],
      // The echo, and what the program read.
      ['expect', 'typed\r\ntyped\r\n'],
      ['send', '\x04'],
      ['expect', 'end'],
    ],
  })
  t.is(status, 0)
  t.is(output.split('typed').length - 1, 2)
})

test('all that the program wrote before it ended arrives', (t) => {
  const sandbox = onTerminal(t, ['lines', '50000'])
  const { status, output } = drive(t, sandbox, ['run', sandbox.id])
  t.is(status, 0)
  const told = terminalLines(output)
  t.is(told.length, 50_000)
  t.is(told.at(-1), 'line 50000')
})

test('a program that cannot be started leaves the caller’s terminal as it was', (t) => {
  const sandbox = onTerminal(t, ['exit', '0'], (spec) => {
    spec.process!.args = ['no-such-program']
  })
  const { status, restored, output } = drive(t, sandbox, ['run', sandbox.id])
  t.not(status, 0)
  t.true(restored)
  if (runtime !== 'crun') t.regex(output, /executable file not found in \$PATH/)
  sandbox.assertClean(t)
})

test('without any terminal of the caller a command that would relay one is refused, and leaves nothing', (t) => {
  const sandbox = onTerminal(t, ['tty'])
  const { status, stderr } = spawnSync('setsid', ['--wait', ...sandbox.command('run', sandbox.id)], {
    cwd: sandbox.bundle,
    encoding: 'utf8',
    input: '',
    timeout: 60_000,
  })
  t.is(status, 1)
  t.regex(stderr, /open \/dev\/tty: no such device or address/)
  if (lacks(t, 'runt')) return
  t.regex(stderr, /hint: .*process\.terminal/)
  sandbox.assertClean(t)
})

// covers: /process/terminal
test('create sends the terminal over the console socket: one message with one descriptor', (t) => {
  const sandbox = onTerminal(t, ['tty', '--', 'read-all', '--', 'echo', 'end', '--', 'wait'], (spec) => {
    spec.process!.consoleSize = { height: 33, width: 77 }
  })
  const socket = path.join(sandbox.dir, 'console.sock')
  const driven = drive(t, sandbox, ['create', '--console-socket', socket, sandbox.id], {
    socket,
    steps: [
      ['run', sandbox.command('start', sandbox.id)],
      ['expect', 'leader yes\r\n'],
      ['send', 'typed\n'],
      ['expect', 'typed\r\ntyped\r\n'],
      ['send', '\x04'],
      ['expect', 'end'],
    ],
  })
  t.is(driven.status, 0, driven.printed)
  t.is(driven.printed, '')
  t.is(driven.fds, 1)
  t.is(driven.rest, 0)
  t.is(driven.connections, 1)
  t.true(driven.name.length > 0 && driven.name.length < 4096, driven.name)
  const told = terminalLines(driven.output)
  t.deepEqual(told.slice(0, 6), [
    'fd 0 /dev/pts/0',
    'fd 1 /dev/pts/0',
    'fd 2 /dev/pts/0',
    // crun 1.8 does not know consoleSize.
    runtime === 'crun' ? told[3] : 'size 33 77',
    'controlling yes',
    'leader yes',
  ])
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('run --detach sends the terminal over the console socket, found from the working directory', (t) => {
  const sandbox = onTerminal(t, ['echo', 'ready', '--', 'wait'])
  const socket = path.join(sandbox.bundle, 'c.sock')
  const driven = drive(t, sandbox, ['run', '--detach', '--console-socket', 'c.sock', sandbox.id], {
    socket,
    steps: [['expect', 'ready']],
  })
  t.is(driven.status, 0, driven.printed)
  t.is(driven.fds, 1)
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('exec --tty in the foreground relays a terminal of its own', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
  })
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  for (const flag of ['--tty', '-t']) {
    const { status, output, restored, raw } = drive(
      t,
      sandbox,
      ['exec', flag, sandbox.id, 'inside', 'tty', '--', 'catch', '2', '--', 'echo', 'ready', '--', 'wait'],
      { size: [12, 34], steps: [['expect', 'ready'], ['raw'], ['send', '\x03'], ['expect', 'signal 2']] },
    )
    t.is(status, 42)
    t.true(restored)
    t.deepEqual(raw, [true])
    const told = terminalLines(output)
    t.regex(told[0]!, /^fd 0 \/dev\/pts\/\d+$/)
    if (runtime === 'runt') t.is(told[3], 'size 12 34')
    t.deepEqual(told.slice(4, 6), ['controlling yes', 'leader yes'])
  }
  t.is(sandbox.state().status, 'running')
})

// covers: /process/consoleSize/height, /process/consoleSize/width
test('a process file with a terminal and consoleSize is given one by exec --console-socket', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
  })
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  const file = path.join(sandbox.dir, 'process.json')
  writeFileSync(
    file,
    JSON.stringify({
      terminal: true,
      consoleSize: { height: 21, width: 43 },
      args: ['/bin/inside', 'tty', '--', 'wait'],
      cwd: '/',
      user: { uid: 0, gid: 0 },
    }),
  )
  const socket = path.join(sandbox.dir, 'exec.sock')
  const pidFile = path.join(sandbox.dir, 'pid')
  const driven = drive(
    t,
    sandbox,
    ['exec', '--process', file, '--console-socket', socket, '--detach', '--pid-file', pidFile, sandbox.id],
    { socket, steps: [['expect', 'leader yes']] },
  )
  t.is(driven.status, 0, driven.printed)
  t.is(driven.fds, 1)
  if (runtime !== 'crun') t.is(terminalLines(driven.output)[3], 'size 21 43')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('a terminal that nobody takes, and a console socket without a terminal, are refused', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = onTerminal(t, ['wait'])
  const socket = path.join(sandbox.dir, 'console.sock')
  const nobody =
    runtime === 'runt'
      ? /process\.terminal asks for a terminal, and nobody takes it/
      : /cannot allocate tty if runc will detach without setting console socket/
  const useless = runtime === 'runt' ? /--console-socket is / : /cannot use console socket if runc will not detach/
  for (const args of [
    ['create', sandbox.id],
    ['run', '-d', sandbox.id],
  ]) {
    const { status, stderr } = sandbox.run(args)
    t.is(status, 1)
    t.regex(stderr, nobody)
  }
  const foreground = sandbox.run(['run', '--console-socket', socket, sandbox.id])
  t.is(foreground.status, 1)
  t.regex(foreground.stderr, useless)
  sandbox.configure(() => undefined)
  const plain = sandbox.create(sandbox.id, '--console-socket', socket)
  t.is(plain.status, 1)
  t.regex(plain.stderr, useless)
  sandbox.assertClean(t)
})

test('a console socket that takes nothing fails create, which leaves nothing', (t) => {
  const sandbox = onTerminal(t, ['wait'])
  const file = path.join(sandbox.dir, 'file')
  writeFileSync(file, '')
  for (const [socket, why] of [
    ['/no/such/socket', /no such file or directory/i],
    [file, /connection refused|not a socket/i],
  ] as const) {
    const { status, stderr } = sandbox.run(['create', '--console-socket', socket, sandbox.id])
    t.is(status, 1)
    t.regex(stderr, why)
    if (runtime === 'runt') t.true(stderr.includes(socket) && stderr.includes('--console-socket'), stderr)
    sandbox.assertClean(t)
  }
})
