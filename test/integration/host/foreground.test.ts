import test from 'ava'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { commandOf, quoted, run, type Run } from './helpers.ts'

const inForeground = (...args: string[]) => commandOf('foreground-program.ts', ...args)
const onStreams = (script: string) => inForeground('--no-terminal', 'sh', '-c', script)
const onTerminal = (script: string) => inForeground('sh', '-c', script)

/** In a terminal of its own, whose keyboard is the standard input of the returned process. */
const inTerminal = (command: string) => ['script', '--quiet', '--flush', '--return', '--command', command, '/dev/null']

/** Waits until the runner, and not only the program, is there: it then catches SIGHUP. */
async function catches({ child }: Run): Promise<void> {
  for (;;) {
    const caught = /^SigCgt:\s+(\w+)$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))
    if ((BigInt(`0x${caught?.[1]}`) & 1n) !== 0n) return
    await new Promise((done) => setTimeout(done, 10))
  }
}

const exited = (code: number) => JSON.stringify({ kind: 'exited', code })

test('the status of the program is told, and its streams are the caller’s', async (t) => {
  const program = run(onStreams('cat; echo err >&2; exit 7'))
  program.child.stdin.end('text\n')
  await program.ended
  t.is(program.stdout(), 'text\n')
  t.deepEqual(program.stderr().split('\n').sort(), ['', exited(7), 'err', 'ready'].sort())
})

test('every signal that can be forwarded reaches the program, and not its runner', async (t) => {
  const names = [
    'HUP',
    'INT',
    'QUIT',
    'USR1',
    'USR2',
    'ALRM',
    'TERM',
    'CONT',
    'TSTP',
    'IO',
    'PROF',
    'VTALRM',
    'XCPU',
  ] as const
  const traps = names.map((name) => `trap 'echo got ${name}' ${name};`).join(' ')
  const program = run(onStreams(`${traps} trap 'exit 5' PWR; echo up; while :; do sleep 0.02; done`))
  await program.saw(/up/)
  await catches(program)
  for (const name of names) {
    program.child.kill(constants.signals[`SIG${name}`])
    await program.saw(new RegExp(`got ${name}\n`))
  }
  program.child.kill('SIGPWR')
  t.deepEqual(await program.ended, { code: 0, signal: null })
  t.true(program.stderr().endsWith(`${exited(5)}\n`))
})

test('signals that speak of the runner alone are not forwarded', async (t) => {
  const program = run(onStreams(`trap 'echo got it' CHLD URG PIPE WINCH; echo up; read x; exit 0`))
  await program.saw(/up/)
  await catches(program)
  for (const name of ['SIGCHLD', 'SIGURG', 'SIGPIPE', 'SIGWINCH'] as const) program.child.kill(name)
  await new Promise((done) => setTimeout(done, 100))
  program.child.stdin.end('\n')
  await program.ended
  t.is(program.stdout(), 'up\n')
})

test('everything that the program printed on its terminal arrives, to the last byte', async (t) => {
  const program = run(onTerminal('seq 1 30000; printf end'))
  await program.ended
  const expected = `${Array.from({ length: 30_000 }, (_, i) => `${i + 1}\r\n`).join('')}end`
  t.true(program.stdout() === expected, `${program.stdout().length} of ${expected.length} bytes`)
})

test('the end of the input ends a program that reads lines from its terminal', async (t) => {
  for (const text of ['whole line\n', 'half a line', '']) {
    const program = run(onTerminal('stty -echo; cat; echo over'))
    program.child.stdin.end(text)
    await program.ended
    t.regex(program.stdout(), /over\r\n$/, text)
    t.true(program.stdout().includes(text.trim()))
  }
})

test('a reader that goes away does not disturb the program', async (t) => {
  const program = run(['sh', '-c', `${quoted(onTerminal('seq 1 100000; exit 9'))} | head -n 1`])
  await program.ended
  t.is(program.stdout(), '1\r\n')
  t.true(program.stderr().endsWith(`${exited(9)}\n`))
})

test('a key that means interrupt is the program’s, and the terminal is as before when it ends', async (t) => {
  const inner = quoted(onTerminal(`trap 'echo interrupted; exit 3' INT; tty; echo up; while :; do sleep 0.02; done`))
  const program = run(inTerminal(`stty -g; ${inner}; stty -g`))
  await program.saw(/up\r/)
  program.child.stdin.write('\x03')
  await program.ended
  t.regex(program.stdout(), /interrupted/)
  t.true(program.stdout().includes(exited(3)))
  const settings = program.stdout().match(/^[0-9a-f]+(:[0-9a-f]+){10,}/gm)
  t.is(settings?.length, 2)
  t.is(settings?.[0], settings?.[1])
})

test('the container’s terminal has the size of the caller’s, and follows it', async (t) => {
  const inner = quoted(
    onTerminal(
      'echo "size: $(stty size)"; trap \'echo "size: $(stty size)"; exit 0\' WINCH; echo up; while :; do sleep 0.02; done',
    ),
  )
  const program = run(inTerminal(`stty rows 31 cols 97; echo "tty $(tty)"; ${inner}`))
  const [, tty] = await program.saw(/tty (\/dev\/pts\/\d+)\r/)
  await program.saw(/size: 31 97\r/)
  await program.saw(/up\r/)
  await run(['stty', '-F', tty!, 'rows', '44']).ended
  await program.saw(/size: 44 97\r/)
  await program.ended
  t.true(program.stdout().includes(exited(0)))
})

test('a program that closes its terminal for a while is heard again afterwards', async (t) => {
  const script = 't=$(tty); echo one; exec </dev/null >/dev/null 2>&1; sleep 0.3; exec >"$t"; echo two'
  const program = run(onTerminal(script))
  await program.ended
  t.is(program.stdout(), 'one\r\ntwo\r\n')
})

test('a subreaper reaps whoever comes to it, and still tells the program’s own status', async (t) => {
  const orphans = 'for i in 1 2 3 4 5; do (sleep 0.05 & ) ; done; sleep 0.3; exit 6'
  const program = run(inForeground('--subreaper', '--no-terminal', 'sh', '-c', orphans))
  await program.ended
  t.true(program.stderr().endsWith(`${exited(6)}\nchildren: none\n`), program.stderr())
})
