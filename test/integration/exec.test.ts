/** exec: another process in a container, with what the flags or a file say. */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { eventually, lacks, lines, processesOf, runtime, Sandbox, type Result } from './harness.ts'

/** Asserts that exec failed, and not the program: crun 1.8 leaves now with 1, now with 255. */
function failed(t: ExecutionContext, status: number, what?: string): void {
  if (runtime === 'crun') t.not(status, 0, what)
  else t.is(status, 255, what)
}

/** A running container. */
function running(t: ExecutionContext, change: (spec: Spec) => void = () => undefined): Sandbox {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
    spec.process!.env = ['PATH=/bin', 'A=container', 'B=container']
    change(spec)
  })
  const { status, stderr } = sandbox.detached(['run', '-d', sandbox.id])
  if (status !== 0) throw new Error(stderr)
  return sandbox
}

/** Runs the tests' program in the container. */
function inside(sandbox: Sandbox, flags: string[], ...args: string[]): Result {
  return sandbox.run(['exec', ...flags, sandbox.id, 'inside', ...args])
}

test('a process gets its input, writes its output, and its exit status is the command’s', (t) => {
  const sandbox = running(t)
  t.deepEqual(inside(sandbox, [], 'echo', 'out', '--', 'error', 'err'), { status: 0, stdout: 'out\n', stderr: 'err\n' })
  const text = 'line\n'.repeat(50_000)
  t.is(sandbox.run(['exec', sandbox.id, 'inside', 'read-all'], { input: text }).stdout, text)
  t.is(inside(sandbox, [], 'exit', '0').status, 0)
  t.is(inside(sandbox, [], 'exit', '3').status, 3)
  t.is(inside(sandbox, [], 'exit', '255').status, 255)
  t.is(inside(sandbox, [], 'suicide', '9').status, 137)
  t.is(inside(sandbox, [], 'suicide', '15').status, 143)
  t.is(sandbox.state().status, 'running')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('what follows the id is the program’s, flags too', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = running(t)
  t.is(sandbox.run(['exec', sandbox.id, 'inside', 'echo', '--cwd']).stdout, '--cwd\n')
  t.is(sandbox.run(['exec', '-e', 'X=1', sandbox.id, 'inside', 'echo', '-t']).stdout, '-t\n')
  t.is(sandbox.run(['exec', '--', sandbox.id, 'inside', 'echo', '-d']).stdout, '-d\n')
})

test('--cwd and --env change the container’s own process', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = running(t)
  t.is(inside(sandbox, [], 'cwd').stdout, '/\n')
  t.is(inside(sandbox, ['--cwd', '/tmp'], 'cwd').stdout, '/tmp\n')
  t.is(inside(sandbox, ['--cwd=/etc'], 'cwd').stdout, '/etc\n')
  const plain = lines(inside(sandbox, [], 'env').stdout)
  for (const entry of ['PATH=/bin', 'A=container', 'B=container', 'HOME=/root']) t.true(plain.includes(entry), entry)
  const changed = lines(inside(sandbox, ['--env', 'A=exec', '--env', 'C=1,2', '--env=EMPTY='], 'env').stdout)
  // runc 1.1 splits at commas, newer ones do not.
  if (runtime === 'runt') t.true(changed.includes('C=1,2'))
  t.true(changed.includes('EMPTY='))
  t.true(lines(inside(sandbox, ['-e', 'SHORT=1'], 'env').stdout).includes('SHORT=1'))
  t.true(changed.includes('B=container'))
  if (runtime === 'runt')
    t.deepEqual(
      changed.filter((entry) => entry.startsWith('A=')),
      ['A=exec'],
    )
  else t.is(changed.filter((entry) => entry.startsWith('A=')).at(-1), 'A=exec')
})

// cve: CVE-2026-30892
test('--user takes numbers, and one number alone is the user, not root', (t) => {
  // CVE-2026-30892: `--user 1` ran as user 0.
  const sandbox = running(t)
  const id = (...flags: string[]): string => inside(sandbox, flags, 'id').stdout
  t.regex(id(), /^uid 0 0 0 gid 0 0 0 groups/)
  t.regex(id('--user', '1'), /^uid 1 1 1 gid 0 0 0 groups/)
  t.regex(id('--user', '1:2'), /^uid 1 1 1 gid 2 2 2 groups/)
  t.regex(id('-u', '1000:1000'), /^uid 1000 1000 1000 gid 1000 1000 1000 groups/)
  t.true(lines(inside(sandbox, ['--user', '1000'], 'env').stdout).includes('HOME=/home/user'))
})

// cve: CVE-2026-30892
test('--user refuses what is not a number', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = running(t)
  const large = runtime === 'runt' ? ['4294967295', '4294967296', '99999999999'] : []
  for (const user of ['x', 'root', '1:x', ':1', '-1', '1:', ' 1', '0x1', '1.5', ...large]) {
    const { status, stdout } = inside(sandbox, [`--user=${user}`], 'id')
    t.not(status, 0, user)
    t.is(stdout, '', user)
  }
})

test('--additional-gids adds groups', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = running(t, (spec) => {
    spec.process!.user!.additionalGids = [7]
  })
  for (const flag of ['--additional-gids', '-g']) {
    const { stdout, stderr } = inside(sandbox, [flag, '5', flag, '6', '--user', '1000:1000'], 'id')
    t.regex(stdout, /groups .*\b5 6\b/, stderr)
  }
})

// cve: CVE-2022-29162, CVE-2022-27650
test('--cap adds to the bounding, effective and permitted sets, never to the inheritable one', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = running(t)
  const netAdmin = 1n << 12n
  const sets = (...flags: string[]): Record<string, bigint> => {
    const { stdout } = inside(sandbox, flags, 'status', 'Cap')
    return Object.fromEntries(
      lines(stdout).map((line) => [line.slice(0, 6), BigInt(`0x${line.slice(line.indexOf(':') + 1).trim()}`)]),
    )
  }
  const before = sets()
  const after = sets('--cap', 'CAP_NET_ADMIN')
  for (const set of ['CapBnd', 'CapEff', 'CapPrm']) t.is(after[set], before[set]! | netAdmin, set)
  t.is(after.CapInh! & netAdmin, 0n)
  if (runtime === 'runt') t.is(after.CapAmb, before.CapAmb)
  t.is(before.CapEff! & netAdmin, 0n)
})

test('--no-new-privs sets it', (t) => {
  const sandbox = running(t, (spec) => {
    spec.process!.noNewPrivileges = false
  })
  t.is(inside(sandbox, [], 'status', 'NoNewPrivs').stdout, 'NoNewPrivs:\t0\n')
  t.is(inside(sandbox, ['--no-new-privs'], 'status', 'NoNewPrivs').stdout, 'NoNewPrivs:\t1\n')
})

test('the process is in the container’s namespaces and cgroup, under its root', async (t) => {
  const sandbox = running(t)
  const pidFile = path.join(sandbox.dir, 'pid')
  t.is(
    sandbox.detached(['exec', '-d', '--pid-file', pidFile, sandbox.id, 'inside', 'echo', 'up', '--', 'wait']).status,
    0,
  )
  const [init, pid] = [sandbox.state().pid, Number(readFileSync(pidFile, 'utf8'))]
  for (const type of ['pid', 'net', 'ipc', 'uts', 'mnt', 'cgroup', 'user', 'time', 'pid_for_children']) {
    t.is(readlinkSync(`/proc/${pid}/ns/${type}`), readlinkSync(`/proc/${init}/ns/${type}`), type)
  }
  t.not(readlinkSync(`/proc/${pid}/ns/pid`), readlinkSync('/proc/self/ns/pid'))
  const cgroup = (of: number): string =>
    lines(readFileSync(`/proc/${of}/cgroup`, 'utf8')).find((line) => line.startsWith('0::'))!
  t.is(cgroup(pid), cgroup(init))
  t.is(inside(sandbox, [], 'cat', '/proc/1/comm').stdout, 'inside\n')
  t.is(inside(sandbox, [], 'ls', '/').stdout, 'bin\ndev\netc\nproc\nsys\ntmp\n')
  t.is(sandbox.run(['kill', sandbox.id, 'KILL']).status, 0)
  await eventually(() => processesOf(sandbox.rootfs).length === 0, 'it ends with the container')
})

test('--detach comes back while the process goes on, and the pid file has digits only', async (t) => {
  const sandbox = running(t)
  t.is(
    sandbox.detached(['exec', '--detach', '--pid-file', 'pid', sandbox.id, 'inside', 'echo', 'up', '--', 'wait'])
      .status,
    0,
  )
  const text = readFileSync(path.join(sandbox.bundle, 'pid'), 'utf8')
  t.regex(text, /^\d+$/)
  t.true(processesOf(sandbox.rootfs).includes(Number(text)))
  await eventually(() => sandbox.output() === 'up\n', 'it runs')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('a pid file is there only if the program was executed', (t) => {
  const sandbox = running(t)
  const pidFile = path.join(sandbox.dir, 'pid')
  for (const flags of [['--detach'], []]) {
    const { status } = sandbox.detached(['exec', ...flags, '--pid-file', pidFile, sandbox.id, 'no-such-program'])
    failed(t, status)
    if (runtime !== 'crun') t.false(existsSync(pidFile))
  }
  t.is(inside(sandbox, ['--pid-file', pidFile], 'exit', '4').status, 4)
  t.regex(readFileSync(pidFile, 'utf8'), /^\d+$/)
})

test('a process object in a file says everything', (t) => {
  const sandbox = running(t)
  const file = path.join(sandbox.bundle, 'process.json')
  writeFileSync(
    file,
    JSON.stringify({
      args: ['inside', 'id', '--', 'cwd', '--', 'env', '--', 'status', 'CapEff', '--', 'rlimits'],
      cwd: '/tmp',
      env: ['PATH=/bin', 'FROM=file'],
      user: { uid: 5, gid: 6, additionalGids: [7, 8], umask: 0o27 },
      rlimits: [{ type: 'RLIMIT_CORE', soft: 100, hard: 200 }],
      capabilities: {},
    }),
  )
  for (const flags of [
    ['--process', file],
    ['-p', 'process.json'],
  ]) {
    const { status, stdout, stderr } = sandbox.run(['exec', ...flags, sandbox.id])
    t.is(status, 0, stderr)
    const told = lines(stdout)
    // runc 1.1 sets the umask for the container's own process only.
    t.is(told[0], `uid 5 5 5 gid 6 6 6 groups 7 8 umask ${runtime === 'runc' ? 22 : 27}`)
    t.is(told[1], '/tmp')
    t.true(told.includes('FROM=file'))
    t.false(stdout.includes('A=container'))
    t.true(told.includes('CapEff:\t0000000000000000'))
    t.true(told.includes('4 100 200'))
  }
})

test('a process file that is missing or wrong is told with its place, and exec leaves with 255', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = running(t)
  const file = path.join(sandbox.dir, 'process.json')
  for (const [text, pattern] of [
    [undefined, /no such file or directory/],
    ['', /./],
    ['{\n  "args": [,]\n}', /process\.json:2:\d+|line 2/],
    ['{ "args": [], "cwd": "/" }', /args must have at least one item/],
    ['{ "args": ["inside"], "cwd": "tmp" }', /cwd must be an absolute path/],
    ['{ "args": "inside", "cwd": "/" }', /args must be a list/],
  ] as const) {
    if (text !== undefined) writeFileSync(file, text)
    const { status, stderr } = sandbox.run(['exec', '--process', file, sandbox.id])
    failed(t, status, String(text))
    if (runtime === 'runt') t.regex(stderr, pattern)
  }
})

test('a program that cannot be executed is told in the words that daemons look for, and exec leaves with 255', (t) => {
  const sandbox = running(t)
  writeFileSync(path.join(sandbox.rootfs, 'bin/plain'), 'no program\n')
  writeFileSync(path.join(sandbox.rootfs, 'bin/script'), '#!/no/interpreter\n')
  chmodSync(path.join(sandbox.rootfs, 'bin/script'), 0o755)
  mkdirSync(path.join(sandbox.rootfs, 'bin/directory'))
  for (const [program, pattern] of [
    ['no-such-program', /exec failed: .*exec: "no-such-program": executable file not found in \$PATH/],
    ['/bin/no-such-program', /exec: "\/bin\/no-such-program": stat \/bin\/no-such-program: no such file or directory/],
    ['plain', /exec: "plain": (executable file not found in \$PATH|permission denied)/],
    ['/bin/plain', /exec: "\/bin\/plain": permission denied/],
    ['/bin/directory', /exec: "\/bin\/directory": (is a directory|permission denied)/],
    ['/bin/script', /exec \/bin\/script: no such file or directory/],
  ] as const) {
    const log = path.join(sandbox.dir, `log-${path.basename(program)}`)
    const { status, stderr } = sandbox.run(['--log', log, 'exec', sandbox.id, program])
    // runc 1.1 leaves with 1 where the kernel finds the fault.
    if (program !== '/bin/script' || runtime === 'runt') failed(t, status, program)
    if (runtime !== 'crun') t.regex(stderr, pattern)
    if (runtime === 'runt') t.regex(stderr, /^exec failed: unable to start container process: /)
  }
  t.is(sandbox.state().status, 'running')
})

test('a working directory that is missing is told', (t) => {
  const sandbox = running(t)
  const { status, stderr } = inside(sandbox, ['--cwd', '/no/such/directory'], 'cwd')
  failed(t, status)
  if (runtime !== 'crun')
    t.regex(stderr, /chdir to cwd \(\\?"\/no\/such\/directory\\?"\) set in config\.json.*no such file or directory/)
})

test('exec without a command or a container is refused', (t) => {
  const sandbox = running(t)
  for (const args of [['exec', sandbox.id], ['exec']]) {
    const { status, stderr } = sandbox.run(args)
    t.not(status, 0)
    t.not(stderr, '')
  }
})

test('a created container takes processes before its program runs', (t) => {
  const sandbox = new Sandbox(t)
  t.is(sandbox.create().status, 0)
  t.is(inside(sandbox, [], 'echo', 'early').stdout, 'early\n')
  t.is(sandbox.state().status, 'created')
  t.is(sandbox.output(), '')
  t.is(sandbox.run(['start', sandbox.id]).status, 0)
})

test('descriptors of the caller do not reach the process, but those that --preserve-fds names', (t) => {
  const sandbox = running(t)
  const fds = (flags: string[]): string[] => {
    const out = path.join(sandbox.dir, 'fds')
    const command = sandbox.command('exec', ...flags, sandbox.id, 'inside', 'fds').join(' ')
    const script = `exec 3</etc/hostname 4</etc/passwd 5</etc/group; exec ${command} </dev/null >${out}`
    t.is(spawnSync('/bin/bash', ['-c', script], { cwd: sandbox.bundle, timeout: 60_000 }).status, 0)
    return lines(readFileSync(out, 'utf8')).map((line) => line.split(' ')[0]!)
  }
  t.deepEqual(fds([]), ['0', '1', '2'])
  t.deepEqual(fds(['--preserve-fds', '2']), ['0', '1', '2', '3', '4'])
  if (runtime === 'runt') {
    const { status, stderr } = inside(sandbox, ['--preserve-fds', '5'], 'fds')
    t.not(status, 0)
    // On Node, a descriptor of the engine's may have the number.
    t.regex(stderr, /descriptor \d+, which --preserve-fds counts, is not open|descriptor \d+ to be preserved: bad file/)
  }
})

test('limits, oom_score_adj and umask of the container are those of the process', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = running(t, (spec) => {
    spec.process!.rlimits = [{ type: 'RLIMIT_CORE', soft: 123, hard: 456 }]
    spec.process!.oomScoreAdj = 321
    spec.process!.user!.umask = 0o77
  })
  const { stdout, stderr } = inside(sandbox, [], 'rlimits', '--', 'cat', '/proc/self/oom_score_adj', '--', 'id')
  const told = lines(stdout)
  t.true(told.includes('4 123 456'), `${stdout}${stderr}`)
  t.true(told.includes('321'))
  if (runtime === 'runt') t.regex(told.at(-1)!, /umask 77$/)
})

test('a signal to exec reaches the process', async (t) => {
  const sandbox = running(t)
  const child = sandbox.start(['exec', sandbox.id, 'inside', 'catch', '15', '--', 'echo', 'ready', '--', 'wait'])
  let output = ''
  child.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await eventually(() => output === 'ready\n', 'it is ready')
  const ended = new Promise((resolve) => child.on('close', resolve))
  child.kill('SIGTERM')
  t.is(await ended, 55)
  t.is(output, 'ready\nsignal 15\n')
})

test('many processes at once run side by side', async (t) => {
  const sandbox = running(t)
  const results = await Promise.all(
    Array.from(
      { length: 8 },
      (_, index) =>
        new Promise<string>((resolve) => {
          const child = sandbox.start([
            'exec',
            sandbox.id,
            'inside',
            'echo',
            String(index),
            '--',
            'exit',
            String(index),
          ])
          let output = ''
          child.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()))
          child.on('close', (status) => {
            resolve(`${status} ${output}`)
          })
        }),
    ),
  )
  t.deepEqual(
    results,
    Array.from({ length: 8 }, (_, index) => `${index} ${index}\n`),
  )
})

test('the end of the container ends the process, and exec tells it', async (t) => {
  const sandbox = running(t)
  const child = sandbox.start(['exec', sandbox.id, 'inside', 'echo', 'ready', '--', 'wait'])
  let output = ''
  child.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await eventually(() => output === 'ready\n', 'it is ready')
  const ended = new Promise((resolve) => child.on('close', resolve))
  t.is(sandbox.run(['kill', sandbox.id, 'KILL']).status, 0)
  t.is(await ended, 137)
  await sandbox.until('stopped')
  t.is(sandbox.run(['delete', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})
