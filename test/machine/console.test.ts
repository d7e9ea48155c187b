import test, { type ExecutionContext } from 'ava'
import { mkdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { PlanBuilder } from '../../src/plan/plan.ts'
import { runPlan, type Outcome } from './machine.ts'
import { lacksRoot, Workbench } from './workbench.ts'

const [EXDEV, ENODEV, ENOTTY, ELOOP] = [18, 19, 25, 40]

/** Opens the console of a root that `prepare` has made; what it has at dev/pts is the point. */
function openConsole(t: ExecutionContext, prepare: (bench: Workbench) => void): Promise<Outcome> {
  const bench = new Workbench(t)
  mkdirSync(`${bench.dir}/dev/pts`, { recursive: true })
  prepare(bench)
  const terminal = bench.register('terminal')
  bench.add('openConsole', { dst: terminal, root: bench.root, rows: 33, columns: 77, uid: 1000, gid: 5 })
  return bench.execute(['true'])
}

function devpts(bench: Workbench): void {
  bench.attach(bench.newMount('devpts', ['newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5']), 'dev/pts')
}

test('the master of a new terminal is sent to the other side', async (t) => {
  if (lacksRoot(t)) return
  const { messages, status, stderr } = await openConsole(t, devpts)
  t.is(stderr, '')
  t.is(status, 0)
  t.deepEqual(
    messages.map(({ type, subject }) => [type, subject]),
    [['descriptor', '/dev/ptmx']],
  )
})

test('what is no terminal does not become the standard streams', async (t) => {
  const builder = new PlanBuilder()
  const terminal = builder.input('terminal', '', { kind: 'path', path: '/dev/null', flags: 'readWrite' })
  builder.add('useConsole', '', { terminal })
  const { messages } = await runPlan(builder.plan, { inputs: ['/dev/null'] })
  t.like(messages[0], { type: 'failed', errno: ENOTTY, syscall: 'ioctl', subject: 'TIOCSCTTY' })
})

test('a root without a devpts has no console', async (t) => {
  if (lacksRoot(t)) return
  const { messages } = await openConsole(t, () => undefined)
  t.like(messages[0], { type: 'failed', errno: ENODEV, syscall: 'statfs', subject: '/dev/pts is not a devpts' })
})

// cve: CVE-2025-52565
test('what is not the multiplexer of a devpts is refused as one', async (t) => {
  if (lacksRoot(t)) return
  // CVE-2025-52565: the image brings a /dev/pts/ptmx of its own.
  const refusal = { type: 'failed', errno: ENODEV, syscall: 'statfs', subject: '/dev/pts is not a devpts' } as const
  const file = await openConsole(t, (bench) => {
    writeFileSync(`${bench.dir}/dev/pts/ptmx`, '')
  })
  t.like(file.messages[0], refusal)
  const device = (major: number, minor: number) =>
    openConsole(t, (bench) => {
      bench.attach(bench.newMount('tmpfs'), 'dev/pts')
      const dir = bench.open('dev/pts')
      bench.add('mknod', { dir, name: 'ptmx', mode: 0o020666, major, minor, uid: 0, gid: 0 })
    })
  t.like((await device(1, 3)).messages[0], refusal)
  t.like((await device(5, 0)).messages[0], refusal)
  const bound = await openConsole(t, (bench) => {
    devpts(bench)
    const other = bench.register('null')
    bench.add('openTree', { dst: other, path: '/dev/null', flags: 0 })
    bench.add('attach', { mount: other, target: bench.open('dev/pts/ptmx') })
  })
  // Not even opened.
  t.like(bound.messages[0], { type: 'failed', errno: EXDEV, syscall: 'openat2', subject: '/dev/pts/ptmx' })
})

// cve: CVE-2025-52565
test('a symlink is not followed to a multiplexer', async (t) => {
  if (lacksRoot(t)) return
  const { messages } = await openConsole(t, (bench) => {
    rmdirSync(`${bench.dir}/dev/pts`)
    symlinkSync('/dev/other', `${bench.dir}/dev/pts`)
  })
  t.like(messages[0], { type: 'failed', errno: ELOOP, syscall: 'openat2', subject: '/dev/pts' })
})
