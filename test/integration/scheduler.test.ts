/** Where and when the process runs: scheduler, I/O priority, processors, memory policy, execution domain. */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import path from 'node:path'
import type { Scheduler, Spec } from '../../src/spec/schema.gen.ts'
import { lacks, lines, Sandbox } from './harness.ts'
import { ownUsers } from './users.ts'

/** What the kernel says of a container's process. */
function scheduling(t: ExecutionContext, change: (spec: Spec) => void): string[] {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'scheduling']
    change(spec)
  })
  chmodSync(sandbox.dir, 0o755)
  const { status, stdout, stderr } = sandbox.runContainer()
  t.is(status, 0, stderr)
  sandbox.assertClean(t)
  return lines(stdout)
}

/** Attributes of a scheduler as `scheduling` prints them. */
function attributes(policy: number, set: Partial<Record<string, number>> = {}): string {
  const { flags = 0, nice = 0, priority = 0, runtime = 0, deadline = 0, period = 0 } = set
  const times = `runtime ${runtime} deadline ${deadline} period ${period}`
  return `policy ${policy} flags ${flags} nice ${nice} priority ${priority} ${times}`
}

const ms = 1_000_000
const ownNice = getPriority()
/** Each policy with what the kernel makes of it. SCHED_OTHER has a time slice as its runtime on newer kernels. */
const schedulers: readonly [Scheduler, string][] = [
  [{ policy: 'SCHED_OTHER', nice: 7 }, attributes(0, { nice: 7 })],
  [{ policy: 'SCHED_OTHER', nice: -5 }, attributes(0, { nice: -5 })],
  [{ policy: 'SCHED_BATCH', nice: 19 }, attributes(3, { nice: 19 })],
  // The policy has no use for a nice value, and leaves the caller's.
  [{ policy: 'SCHED_IDLE' }, attributes(5, { nice: ownNice })],
  [{ policy: 'SCHED_FIFO', priority: 1 }, attributes(1, { priority: 1 })],
  [
    { policy: 'SCHED_FIFO', priority: 99, flags: ['SCHED_FLAG_RESET_ON_FORK'] },
    attributes(1, { priority: 99, flags: 1 }),
  ],
  [{ policy: 'SCHED_RR', priority: 50 }, attributes(2, { priority: 50 })],
  [
    { policy: 'SCHED_DEADLINE', runtime: 5 * ms, deadline: 20 * ms, period: 100 * ms },
    attributes(6, { runtime: 5 * ms, deadline: 20 * ms, period: 100 * ms }),
  ],
  [
    {
      policy: 'SCHED_DEADLINE',
      runtime: 5 * ms,
      deadline: 20 * ms,
      flags: ['SCHED_FLAG_RESET_ON_FORK', 'SCHED_FLAG_RECLAIM', 'SCHED_FLAG_DL_OVERRUN'],
    },
    attributes(6, { runtime: 5 * ms, deadline: 20 * ms, period: 20 * ms, flags: 7 }),
  ],
]

// covers: /process/scheduler, /process/scheduler/policy, /process/scheduler/nice, /process/scheduler/priority, /process/scheduler/flags, /process/scheduler/runtime, /process/scheduler/deadline, /process/scheduler/period
for (const [scheduler, expected] of schedulers) {
  test(`the process runs with ${JSON.stringify(scheduler)}`, (t) => {
    if (lacks(t, 'runt')) return
    for (const more of [() => undefined, ownUsers]) {
      const [told] = scheduling(t, (spec) => {
        spec.process!.scheduler = scheduler
        more(spec)
      })
      t.is(scheduler.policy === 'SCHED_DEADLINE' ? told : told!.replace(/runtime \d+/, 'runtime 0'), expected)
    }
  })
}

// covers: /process/scheduler/flags
test('flags that keep what is there leave the policy, and a clamp of utilization is told where the kernel has none', (t) => {
  if (lacks(t, 'runt')) return
  const [kept] = scheduling(t, (spec) => {
    spec.process!.scheduler = { policy: 'SCHED_IDLE', flags: ['SCHED_FLAG_KEEP_POLICY', 'SCHED_FLAG_KEEP_PARAMS'] }
  })
  t.regex(kept!, /^policy 0 /)
  const sandbox = new Sandbox(t, (spec) => {
    const flags = ['SCHED_FLAG_UTIL_CLAMP_MIN' as const, 'SCHED_FLAG_UTIL_CLAMP_MAX' as const]
    spec.process!.scheduler = { policy: 'SCHED_OTHER', flags }
  })
  const { status, stderr } = sandbox.runContainer()
  if (status !== 0) t.regex(stderr, /process\.scheduler: set scheduler: operation not supported \(sched_setattr\)/)
  sandbox.assertClean(t)
})

// covers: /process/scheduler/policy
test('a policy that Linux does not have is told with its field', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.scheduler = { policy: 'SCHED_ISO' }
  })
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /process\.scheduler: set scheduler: invalid argument \(sched_setattr\)/)
  t.regex(stderr, /hint: .*SCHED_ISO/)
  sandbox.assertClean(t)
})

// covers: /process/scheduler
test('without a scheduler, the process runs as runt itself does', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'scheduling']
  })
  const command = ['-n', '3', ...sandbox.command('run', sandbox.id)]
  const { stdout, stderr } = spawnSync('nice', command, { cwd: sandbox.bundle, encoding: 'utf8' })
  const nice = Math.min(ownNice + 3, 19)
  t.true(stdout.startsWith(`policy 0 flags 0 nice ${nice} priority 0`), `${stdout}${stderr}`)
})

// covers: /process/scheduler
test('a process without CAP_SYS_NICE keeps the scheduler that the config gives it', (t) => {
  if (lacks(t, 'runt')) return
  const [told] = scheduling(t, (spec) => {
    spec.process!.user = { uid: 1000, gid: 1000 }
    spec.process!.capabilities = {}
    spec.process!.noNewPrivileges = true
    spec.process!.scheduler = { policy: 'SCHED_RR', priority: 3 }
  })
  t.regex(told!, /^policy 2 flags 0 nice 0 priority 3/)
})

// covers: /process/ioPriority, /process/ioPriority/class, /process/ioPriority/priority
test('the I/O priority is that of the config', (t) => {
  if (lacks(t, 'runt')) return
  const cases = [
    [{ class: 'IOPRIO_CLASS_RT', priority: 0 }, 'io class 1 priority 0'],
    [{ class: 'IOPRIO_CLASS_RT', priority: 7 }, 'io class 1 priority 7'],
    [{ class: 'IOPRIO_CLASS_BE', priority: 2 }, 'io class 2 priority 2'],
    [{ class: 'IOPRIO_CLASS_IDLE', priority: 0 }, 'io class 3 priority 0'],
    [{ class: 'IOPRIO_CLASS_IDLE' }, 'io class 3 priority 0'],
  ] as const
  for (const [ioPriority, expected] of cases) {
    for (const more of [() => undefined, ownUsers]) {
      const told = scheduling(t, (spec) => {
        spec.process!.ioPriority = ioPriority
        more(spec)
      })
      t.is(told[1], expected)
    }
  }
})

// covers: /process/scheduler, /process/ioPriority
test('exec runs as the container’s process does, or as its file says', (t) => {
  if (lacks(t, 'runt')) return
  for (const more of [() => undefined, ownUsers]) {
    const sandbox = new Sandbox(t, (spec) => {
      spec.process!.args = ['inside', 'wait']
      spec.process!.env = ['PATH=/bin']
      spec.process!.scheduler = { policy: 'SCHED_RR', priority: 9 }
      spec.process!.ioPriority = { class: 'IOPRIO_CLASS_RT', priority: 3 }
      more(spec)
    })
    chmodSync(sandbox.dir, 0o755)
    t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
    const plain = sandbox.run(['exec', sandbox.id, 'inside', 'scheduling'])
    t.regex(lines(plain.stdout)[0] ?? '', /^policy 2 flags 0 nice 0 priority 9/, plain.stderr)
    t.is(lines(plain.stdout)[1], 'io class 1 priority 3')
    const file = path.join(sandbox.dir, 'process.json')
    const process = { args: ['inside', 'scheduling'], cwd: '/', env: ['PATH=/bin'] }
    writeFileSync(file, JSON.stringify({ ...process, scheduler: { policy: 'SCHED_OTHER', nice: -7 } }))
    const own = sandbox.run(['exec', '--process', file, sandbox.id])
    t.regex(lines(own.stdout)[0] ?? '', /^policy 0 flags 0 nice -7 priority 0/, own.stderr)
  }
})

const cpus = Number(spawnSync('nproc', { encoding: 'utf8' }).stdout)
const allCpus = Array.from({ length: cpus }, (_, cpu) => ` ${cpu}`).join('')

/** Runs a command of the runtime on one processor only. */
function bound(sandbox: Sandbox, cpu: string, ...args: string[]): { stdout: string; stderr: string } {
  const command = ['-c', cpu, ...sandbox.command(...args)]
  return spawnSync('taskset', command, { cwd: sandbox.bundle, encoding: 'utf8' })
}

test('processors that runt was bound to are not the container’s', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'scheduling']
  })
  t.is(lines(bound(sandbox, '0', 'run', sandbox.id).stdout)[2], `cpus${allCpus}`)
  sandbox.configure((spec) => {
    spec.process!.args = ['inside', 'wait']
    // It is for exec only: config.md#linux-process.
    spec.process!.execCPUAffinity = { final: '0' }
  })
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  const status = readFileSync(`/proc/${sandbox.state().pid}/status`, 'utf8')
  t.regex(status, new RegExp(`Cpus_allowed_list:\\t0${cpus === 1 ? '' : `-${cpus - 1}`}\n`))
})

// covers: /process/execCPUAffinity, /process/execCPUAffinity/initial, /process/execCPUAffinity/final
test('exec runs on the processors that execCPUAffinity names', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
    spec.process!.env = ['PATH=/bin']
    spec.process!.execCPUAffinity = { initial: '0', final: `${cpus - 1}` }
  })
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  t.is(lines(sandbox.run(['exec', sandbox.id, 'inside', 'scheduling']).stdout)[2], `cpus ${cpus - 1}`)
  const file = path.join(sandbox.dir, 'process.json')
  const exec = (execCPUAffinity: object | undefined): string => {
    const process = { args: ['inside', 'scheduling'], cwd: '/', env: ['PATH=/bin'], execCPUAffinity }
    writeFileSync(file, JSON.stringify(process))
    const { stdout, stderr } = bound(sandbox, '0', 'exec', '--process', file, sandbox.id)
    t.is(stderr, '')
    return lines(stdout)[2]!
  }
  // A file without it is as the config says.
  t.is(exec(undefined), `cpus ${cpus - 1}`)
  // A cgroup with a cpuset gives whoever comes all of its processors.
  const cpuset = readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').includes('cpuset')
  t.is(exec({ initial: `${cpus - 1}` }), cpuset ? `cpus${allCpus}` : `cpus ${cpus - 1}`)
  t.is(exec({ final: `0-${cpus - 1}` }), `cpus${allCpus}`)
  t.is(exec({ initial: '0', final: ` 0 , 0-0,${cpus - 1}` }), cpus === 1 ? 'cpus 0' : `cpus 0 ${cpus - 1}`)
  t.is(exec({ initial: '', final: '' }), `cpus${allCpus}`)
  t.is(exec({}), `cpus${allCpus}`)
})

// covers: /process/execCPUAffinity/initial, /process/execCPUAffinity/final
test('processors that the machine does not have are told with their field, and nothing runs', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
    spec.process!.env = ['PATH=/bin']
  })
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  const file = path.join(sandbox.dir, 'process.json')
  for (const field of ['initial', 'final']) {
    const process = { args: ['inside', 'echo', 'no'], cwd: '/', execCPUAffinity: { [field]: '0,8000-8010' } }
    writeFileSync(file, JSON.stringify(process))
    const { status, stdout, stderr } = sandbox.run(['exec', '--process', file, sandbox.id])
    t.is(status, 255)
    t.is(stdout, '')
    t.regex(
      stderr,
      new RegExp(
        `process\\.json:1:\\d+: execCPUAffinity\\.${field} must name processors of this machine \\(.*\\), has 8000, 8001`,
      ),
    )
  }
  const flag = sandbox.run(['exec', '--process', file, sandbox.id])
  t.is(flag.status, 255)
})

// covers: /linux/memoryPolicy, /linux/memoryPolicy/mode, /linux/memoryPolicy/nodes, /linux/memoryPolicy/flags
test('the memory policy is that of the config, for exec too', (t) => {
  if (lacks(t, 'runt')) return
  const cases = [
    [{ mode: 'MPOL_DEFAULT', nodes: '' }, 'mode 0 nodes 0'],
    [{ mode: 'MPOL_DEFAULT' }, 'mode 0 nodes 0'],
    [{ mode: 'MPOL_PREFERRED', nodes: '0' }, 'mode 1 nodes 1'],
    [{ mode: 'MPOL_BIND', nodes: '0-0' }, 'mode 2 nodes 1'],
    [{ mode: 'MPOL_INTERLEAVE', nodes: '0' }, 'mode 3 nodes 1'],
    [{ mode: 'MPOL_LOCAL', nodes: '' }, 'mode 4 nodes 0'],
    [{ mode: 'MPOL_PREFERRED_MANY', nodes: '0' }, 'mode 5 nodes 1'],
    [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] }, 'mode 32770 nodes 1'],
    [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_NUMA_BALANCING'] }, 'mode 8194 nodes 1'],
    [{ mode: 'MPOL_INTERLEAVE', nodes: '0', flags: ['MPOL_F_RELATIVE_NODES'] }, 'mode 16387 nodes 1'],
  ] as const
  for (const [memoryPolicy, expected] of cases) {
    const told = scheduling(t, (spec) => {
      spec.linux!.memoryPolicy = { ...memoryPolicy, flags: [...('flags' in memoryPolicy ? memoryPolicy.flags : [])] }
    })
    t.is(told[3], `memory ${expected}`)
  }
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
    spec.process!.env = ['PATH=/bin']
    spec.linux!.memoryPolicy = { mode: 'MPOL_INTERLEAVE', nodes: '0' }
    ownUsers(spec)
  })
  chmodSync(sandbox.dir, 0o755)
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  t.is(lines(sandbox.run(['exec', sandbox.id, 'inside', 'scheduling']).stdout)[3], 'memory mode 3 nodes 1')
})

// covers: /linux/memoryPolicy/nodes
test('memory nodes that the machine does not have are told with their field', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.memoryPolicy = { mode: 'MPOL_BIND', nodes: '0,900' }
  })
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /linux\.memoryPolicy\.nodes must name memory nodes of this machine \(.*\), has 900/)
  sandbox.assertClean(t)
})

// covers: /linux/personality, /linux/personality/domain
test('LINUX32 shows a machine of 32 bits, for exec too', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'scheduling', '--', 'wait']
    spec.process!.env = ['PATH=/bin']
    spec.linux!.personality = { domain: 'LINUX32' }
  })
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  const inside = sandbox.run(['exec', sandbox.id, 'inside', 'scheduling'])
  const expected = process.arch === 'x64' ? 'personality 8 machine i686' : 'personality 8 machine armv8l'
  t.is(lines(inside.stdout)[4], expected, inside.stderr)
  t.is(lines(sandbox.output())[4], expected)
  const [, , , , plain] = scheduling(t, (spec) => {
    spec.linux!.personality = { domain: 'LINUX', flags: [] }
  })
  t.regex(plain!, /^personality 0 machine (x86_64|aarch64)$/)
})
