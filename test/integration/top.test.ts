import test, { type ExecutionContext } from 'ava'
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually, inVm, lacks, lines, Sandbox, slow } from './harness.ts'

interface Driven {
  status: number
  output: string
  raw: boolean[]
  restored: boolean
  error?: string
}

const script = fileURLToPath(new URL('drive.py', import.meta.url))

/** Runs `top` on a terminal; see drive.py. */
function drive(
  t: ExecutionContext,
  command: string[],
  size: [number, number],
  steps: readonly (readonly [string, ...unknown[]])[],
): Driven {
  const request = JSON.stringify({ command, size, steps })
  const driven = JSON.parse(
    execFileSync('python3', [script, request], {
      encoding: 'utf8',
      timeout: 300_000,
      maxBuffer: 1 << 26,
      env: { PATH: process.env.PATH, TERM: 'xterm', LANG: 'C.UTF-8' },
    }),
  ) as Driven
  t.is(driven.error, undefined)
  return driven
}

function running(t: ExecutionContext, ...args: string[]): Sandbox {
  const sandbox = new Sandbox(t, (spec) => (spec.process!.args = ['inside', ...args]))
  t.is(sandbox.detached(['run', '--detach', sandbox.id]).status, 0)
  return sandbox
}

const [enter, leave] = ['\u001B[?1049h\u001B[?25l', '\u001B[?25h\u001B[?1049l']

test('on a terminal the table is drawn again and again, and all is as before when it ends', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = running(t, 'burn', '600000')
  const row = `${sandbox.id}\u001B[0m`
  const ends = [
    ['q', 0],
    ['\u0003', 0],
    ['\u001C', 131],
  ] as const
  for (const [end, status] of ends.slice(0, slow ? 1 : 3)) {
    const driven = drive(
      t,
      sandbox.command('top', '--interval', '100ms'),
      [24, 80],
      [
        ['expect', row],
        ['raw'],
        ['expect', row],
        ['send', 'n'],
        ['expect', '\u001B[1;4mCONTAINER'],
        ['size', [30, 132]],
        ['expect', ' CPU ─'],
        ['send', end],
      ],
    )
    t.deepEqual([driven.status, driven.restored, driven.raw], [status, true, [true]])
    t.true(driven.output.startsWith(enter))
    t.true(driven.output.endsWith(leave))
  }
})

test('containers come and go while it runs, and no line is longer than the terminal', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = running(t, 'wait')
  const second = sandbox.newId()
  const quiet = (...args: string[]) => [
    '/bin/sh',
    '-c',
    '"$@" </dev/null >/dev/null 2>&1',
    'sh',
    ...sandbox.command(...args),
  ]
  const { output, status, restored } = drive(
    t,
    ['env', 'NO_COLOR=1', ...sandbox.command('top', '--interval=100ms')],
    [12, 50],
    [
      ['expect', '1 running'],
      ['run', quiet('run', '--detach', '--bundle', sandbox.bundle, second)],
      ['expect', '2 running'],
      ['expect', second],
      ['run', quiet('delete', '--force', sandbox.id)],
      ['expect', '1 running'],
      ['run', quiet('delete', '--force', second)],
      ['expect', 'no containers'],
      ['send', 'q'],
    ],
  )
  t.deepEqual([status, restored], [0, true])
  t.false(output.includes('\u001B[0m'))
  for (const frame of output.slice(enter.length, -leave.length).split('\u001B[H').slice(1)) {
    const shown = frame.replaceAll('\u001B[K', '').replaceAll('\r', '').split('\n')
    t.is(shown.length, 12)
    for (const line of shown) t.true(line.length <= 50, line)
  }
  sandbox.assertClean(t)
})

test('a signal that ends it restores the terminal, and Ctrl-Z for as long as it is stopped', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = running(t, 'wait')
  const pid = path.join(sandbox.dir, 'pid')
  const signal = (name: string) => ['run', ['/bin/sh', '-c', `kill -${name} "$(cat ${pid})"`]] as const
  const command = ['/bin/sh', '-c', `echo $$ > ${pid}; exec "$@"`, 'sh', ...sandbox.command('top', '--interval=1h')]
  const driven = drive(
    t,
    command,
    [24, 80],
    [
      ['expect', enter],
      ['expect', 'CONTAINER'],
      // The only process of its session is not stopped (setpgid(2), orphaned process groups): it goes on at once.
      ['send', '\u001A'],
      ['expect', leave],
      ['expect', enter],
      ['raw'],
      signal('STOP'),
      signal('CONT'),
      ['expect', enter],
      ['expect', 'CONTAINER'],
      signal('TERM'),
    ],
  )
  t.deepEqual([driven.status, driven.restored, driven.raw], [143, true, [true]])
  t.true(driven.output.endsWith(leave))
})

test('without a terminal it is one table, or one each interval, without escape sequences', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = running(t, 'burn', '600000')
  const one = sandbox.run(['top'])
  t.deepEqual([one.status, one.stderr], [0, ''])
  t.false(one.stdout.includes('\u001B'))
  const [groups, titles, row] = lines(one.stdout)
  t.regex(groups!, /CPU.*MEMORY.*TASKS.*IO\/s.*PRESSURE/)
  t.regex(titles!, /^CONTAINER +%/)
  t.regex(row!, new RegExp(`^${sandbox.id} +[1-9]`))
  const three = sandbox.run(['top', '--count=3', '--interval=100ms', '--sort', 'name', sandbox.id])
  t.is(lines(three.stdout).filter((line) => line.startsWith(sandbox.id)).length, 3)
  t.regex(sandbox.run(['top', 'nobody']).stderr, /container does not exist/)
  t.regex(sandbox.run(['top', '--sort', 'colour']).stderr, /cpu\|memory\|pids\|io\|name|colour/)
})

test('top --format json is a line for each look, with what is known', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = running(t, 'burn', '600000')
  const { stdout } = sandbox.run(['top', '--format', 'json', '--count', '2', '--interval', '500ms'])
  const looks = lines(stdout).map((line) => JSON.parse(line) as { time: string; containers: Record<string, unknown>[] })
  t.is(looks.length, 2)
  const [container] = looks[1]!.containers
  t.like(container, { id: sandbox.id, status: 'running', pid: sandbox.state().pid })
  t.true((container!.cpu as number) > 1)
  t.like(container!.pids, { current: 1 })
  if (!inVm) return
  const { memory, io } = container as { memory: { used: number; total: number }; io: object }
  t.true(memory.total > 0 && memory.used <= memory.total)
  t.deepEqual(Object.keys(io), ['read', 'write'])
})

test('a reader that goes away ends it, while it would go on for ever', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = running(t, 'wait')
  const child = sandbox.start(['top', '--count=0', '--interval=1h'])
  let shown = ''
  let ended: number | null | undefined
  child.stdout!.on('data', (chunk: Buffer) => (shown += chunk.toString()))
  child.on('close', (code) => (ended = code))
  await eventually(() => shown.includes(sandbox.id), 'the first table')
  child.stdout!.destroy()
  await eventually(() => ended !== undefined, 'it ended')
  t.is(ended, 0)
})
