/** The processes that `unpack` has archives taken apart by: what they may do, and what their death does. */
import test, { type ExecutionContext } from 'ava'
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { lacks, underTest } from './harness.ts'
import { tar } from './tar.ts'

/** An `unpack` that waits for the second half of its image, and the processes that have parsed the first. */
interface Waiting {
  command: ChildProcessWithoutNullStreams
  children: number[]
  store: string
  bundle: string
  end: () => Promise<{ status: number | null; stderr: string }>
}

async function waiting(t: ExecutionContext): Promise<Waiting> {
  const dir = mkdtempSync(path.join(tmpdir(), 'runt-confined-'))
  t.is(spawnSync('mount', ['-t', 'tmpfs', 'store', dir]).status, 0)
  const [store, bundle] = [path.join(dir, 'store'), path.join(dir, 'bundle')]
  const [file, ...rest] = [...underTest, 'unpack', '--store', store, '--image', '-', bundle]
  const command = spawn(file, rest, { cwd: dir, env: { ...process.env, RUNT_TEST_SECRET: 'x' } })
  t.teardown(() => {
    command.kill('SIGKILL')
    spawnSync('umount', ['-l', dir])
    rmSync(dir, { recursive: true })
  })
  let stderr = ''
  command.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
  command.stdin.on('error', () => undefined)
  const closed = once(command, 'close')
  // Noise, which stays as large as it is.
  command.stdin.write(gzipSync(tar({ name: 'big', content: randomBytes(400_000) })).subarray(0, 200_000))
  let children: number[] = []
  while (children.length < 2 && command.exitCode === null) {
    await sleep(20)
    children = childrenOf(command.pid!).filter((pid) => /^Seccomp:\s+2$/m.test(statusOf(pid)))
  }
  const end = async () => {
    await closed
    return { status: command.exitCode, stderr }
  }
  return { command, children, store, bundle, end }
}

/** '' of a process that is gone. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

function childrenOf(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`)
  const lists = tasks.map((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8'))
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number))
}

test.serial('archives are taken apart by processes that have no rights and no files', async (t) => {
  if (lacks(t, 'runt')) return
  const { command, children, end } = await waiting(t)
  t.is(children.length, 2)
  for (const pid of children) {
    const status = statusOf(pid)
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) t.regex(status, new RegExp(`^${set}:\\s+0+$`, 'm'))
    t.regex(status, /^NoNewPrivs:\s+1$/m)
    t.regex(status, /^Seccomp_filters:\s+[1-9]/m)
    t.regex(status, /^Threads:\s+1$/m)
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
    t.true(open.length <= 3)
    for (const target of open) t.regex(target, /^(pipe|socket):/)
    const limits = readFileSync(`/proc/${pid}/limits`, 'utf8')
    t.regex(limits, /^Max open files\s+0\s+0/m)
    t.regex(limits, /^Max file size\s+0\s+0/m)
    t.regex(limits, /^Max data size\s+\d+\s+\d+/m)
  }
  command.stdin.end()
  const { status, stderr } = await end()
  t.is(status, 1)
  t.regex(stderr, /truncated/i)
  for (const pid of children) t.false(existsSync(`/proc/${pid}`))
})

test.serial('the death of such a process ends the unpacking with an error, and leaves nothing', async (t) => {
  if (lacks(t, 'runt')) return
  for (const at of [0, 1]) {
    const { children, store, bundle, end } = await waiting(t)
    process.kill(children[at]!, 'SIGSEGV')
    const { status, stderr } = await end()
    t.is(status, 1)
    t.regex(stderr, /the process that took it apart was ended by SIGSEGV/)
    t.false(existsSync(bundle))
    for (const pid of children) t.false(existsSync(`/proc/${pid}`))
    const left = readdirSync(store, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    t.deepEqual(
      left.map(({ name }) => name).filter((name) => !name.includes('lock')),
      [],
    )
  }
})

test.serial('they end with the command', async (t) => {
  if (lacks(t, 'runt')) return
  const { command, children, end } = await waiting(t)
  command.kill('SIGKILL')
  await end()
  for (const pid of children) {
    for (let turn = 0; turn < 500 && /^State:\s+[^Z]/m.test(statusOf(pid)); turn++) await sleep(20)
    t.notRegex(statusOf(pid), /^State:\s+[^Z]/m)
  }
})
