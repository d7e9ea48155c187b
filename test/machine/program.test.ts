import test, { type ExecutionContext } from 'ava'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PlanBuilder } from '../../src/plan/plan.ts'
import { runPlan, type Outcome } from './machine.ts'

const [ENOENT, ENOEXEC, EACCES, EISDIR] = [2, 8, 13, 21]

function directory(t: ExecutionContext): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'runt-program-'))
  t.teardown(() => {
    rmSync(dir, { recursive: true })
  })
  return dir
}

function execute(
  args: string[],
  env: string[],
  more: (builder: PlanBuilder) => void = () => undefined,
): Promise<Outcome> {
  const builder = new PlanBuilder()
  builder.add('program', '/process/args', { args, env })
  more(builder)
  builder.add('closeOnExec', '', { preserve: 0 })
  builder.add('exec', '/process/args', {})
  return runPlan(builder.plan)
}

test('a program is found in PATH and gets its arguments and environment', async (t) => {
  const { stdout, status } = await execute(
    ['sh', '-c', 'echo "$0 $1 $A"; exit 7', 'zero', 'one'],
    ['PATH=/nowhere:/bin', 'A=b c'],
  )
  t.is(stdout, 'zero one b c\n')
  t.is(status, 7)
})

test('without PATH the usual directories are searched', async (t) => {
  t.is((await execute(['echo', 'x'], [])).stdout, 'x\n')
})

test('a program that is missing, a directory or not executable is told apart', async (t) => {
  const dir = directory(t)
  mkdirSync(`${dir}/sub`)
  writeFileSync(`${dir}/plain`, '#!/bin/sh\n')
  const failure = async (arg: string, env: string[] = []): Promise<unknown> => (await execute([arg], env)).messages[0]
  t.like(await failure('no-such-program', ['PATH=/bin']), {
    errno: ENOENT,
    syscall: 'faccessat2',
    subject: 'no-such-program',
  })
  t.like(await failure(`${dir}/gone`), { errno: ENOENT, subject: `${dir}/gone` })
  t.like(await failure(`${dir}/sub`), { errno: EISDIR })
  t.like(await failure(`${dir}/plain`), { errno: EACCES })
  t.like(await failure('plain', [`PATH=${dir}:/nowhere`]), { errno: EACCES })
  t.like(await failure(''), { errno: ENOENT })
})

test('a failed execution brings the first bytes of the file', async (t) => {
  const dir = directory(t)
  writeFileSync(`${dir}/script`, '#!/no/such/interpreter -x\necho\n')
  writeFileSync(`${dir}/text`, 'just text\n')
  chmodSync(`${dir}/script`, 0o755)
  chmodSync(`${dir}/text`, 0o755)
  const script = (await execute([`${dir}/script`], [])).messages[0]!
  t.like(script, { errno: ENOENT, syscall: 'execve', value: 2 })
  t.is(script.detail.toString(), '#!/no/such/interpreter -x\necho\n')
  t.like((await execute([`${dir}/text`], [])).messages[0], { errno: ENOEXEC, syscall: 'execve' })
})

test('HOME comes from passwd where the environment has none', async (t) => {
  const { stdout } = await execute(['sh', '-c', 'echo $HOME'], ['HOME=', 'PATH=/bin'])
  t.is(stdout, '\n')
  const builder = new PlanBuilder()
  builder.add('home', '', { uid: 0 })
  builder.add('program', '', { args: ['sh', '-c', 'echo $HOME'], env: ['HOME=', 'PATH=/bin'] })
  builder.add('exec', '', {})
  t.is((await runPlan(builder.plan)).stdout, '/root\n')
  const nobody = new PlanBuilder()
  nobody.add('home', '', { uid: 4123456789 })
  nobody.add('program', '', { args: ['sh', '-c', 'echo $HOME'], env: ['PATH=/bin'] })
  nobody.add('exec', '', {})
  t.is((await runPlan(nobody.plan)).stdout, '/\n')
})

test('LISTEN_PID is the own pid', async (t) => {
  const { stdout } = await execute(['sh', '-c', '[ $LISTEN_PID = $$ ] && echo same'], ['PATH=/bin'], (builder) => {
    builder.add('listenPid', '', {})
  })
  t.is(stdout, 'same\n')
})

test('no descriptor survives the execution', async (t) => {
  const { stdout } = await execute(['ls', '/proc/self/fd'], ['PATH=/bin'])
  t.is(stdout, '0\n1\n2\n3\n') // 3 is the directory itself
})

test('the working directory is made where it is missing and asked for', async (t) => {
  const dir = directory(t)
  const pwd = (make: number): Promise<Outcome> => {
    const builder = new PlanBuilder()
    builder.add('chdir', '/process/cwd', { path: `${dir}/a/b`, make })
    builder.add('program', '', { args: ['/bin/pwd'], env: [] })
    builder.add('exec', '', {})
    return runPlan(builder.plan)
  }
  t.like((await pwd(0)).messages[0], { errno: ENOENT, subject: `${dir}/a/b`, value: 0 })
  t.is((await pwd(1)).stdout, `${dir}/a/b\n`)
})

test('limits, mask and no_new_privs reach the program', async (t) => {
  const builder = new PlanBuilder()
  builder.add('rlimit', '', { resource: 7, soft: 77, hard: 99 })
  builder.add('umask', '', { mask: 0o27 })
  builder.add('noNewPrivileges', '', {})
  builder.add('program', '', {
    args: ['sh', '-c', 'ulimit -Sn; ulimit -Hn; umask; grep NoNewPrivs /proc/self/status'],
    env: ['PATH=/bin'],
  })
  builder.add('exec', '', {})
  t.is((await runPlan(builder.plan)).stdout, '77\n99\n0027\nNoNewPrivs:\t1\n')
})

test('a group that is not a number is refused', async (t) => {
  for (const group of ['', 'x', '-1', '4294967295', '99999999999']) {
    const builder = new PlanBuilder()
    builder.add('user', '/process/user', { uid: 0, gid: 0, groups: [group], setgroups: 1, keep: 0 })
    t.like((await runPlan(builder.plan)).messages[0], { errno: 22, syscall: 'setgroups' }, group)
  }
})
