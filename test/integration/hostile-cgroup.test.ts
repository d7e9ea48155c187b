/** A container that owns its cgroup names, nests and uses it as it likes: runt still sees and ends all of it. */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { eventually, lacks, Sandbox } from './harness.ts'

const top = '/sys/fs/cgroup'

function cgroupOf(pid: number): string {
  return `${top}${/^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))![1]!}`
}

/** Processes stay when init ends. */
function sharedPids(spec: Spec): void {
  spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'pid')
  spec.mounts = spec.mounts!.filter(({ type }) => type !== 'mqueue')
}

/** Does in the container's cgroup what the container could do there. */
function within(t: ExecutionContext, cgroup: string, script: string): void {
  const { status, stderr } = spawnSync('bash', ['-e', '-c', script], { cwd: cgroup, encoding: 'utf8' })
  t.is(status, 0, stderr)
}

const moveAll = (to: string) => `for pid in $(cat cgroup.procs); do echo $pid > ${to}/cgroup.procs; done`

// cve: cgroup-names
test('processes in cgroups to which no path leads are listed, signalled and killed', async (t) => {
  if (lacks(t, 'runt')) return
  const deep = 'name=$(printf %0250d 0); for i in $(seq 18); do mkdir $name; cd -P $name; done'
  const hidden = {
    'a name that is no UTF-8': `mkdir $'x\\xff'; ${moveAll("$'x\\xff'")}`,
    'more levels than a path has room for': `pids=$(cat cgroup.procs); ${deep}; for pid in $pids; do echo $pid > cgroup.procs; done`,
  }
  for (const [what, script] of Object.entries(hidden)) {
    const sandbox = new Sandbox(t, (spec) => {
      sharedPids(spec)
      spec.process!.args = ['inside', 'forks', '2', '--', 'wait']
    })
    sandbox.detached(['run', '--detach', sandbox.id])
    await eventually(() => sandbox.output().includes('forks 2'), 'it forked')
    const { pid } = sandbox.state()
    const cgroup = cgroupOf(pid)
    within(t, cgroup, script)
    t.is(readFileSync(`${cgroup}/cgroup.procs`, 'utf8'), '', what)
    const listed = JSON.parse(sandbox.run(['ps', '-f', 'json', sandbox.id]).stdout) as number[]
    t.deepEqual([listed.length, listed.includes(pid)], [3, true], what)
    t.is(sandbox.run(['kill', '--all', sandbox.id, 'KILL']).status, 0)
    const populated = () => readFileSync(`${cgroup}/cgroup.events`, 'utf8').includes('populated 1')
    await eventually(() => !populated(), `${what}: all are gone`)
    t.is(sandbox.run(['delete', sandbox.id]).status, 0)
    t.false(existsSync(cgroup))
    sandbox.assertClean(t)
  }
})

test('cgroups that are called as files that a cgroup does not have hide nothing', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => (spec.process!.args = ['inside', 'wait']))
  sandbox.detached(['run', '--detach', sandbox.id])
  const cgroup = cgroupOf(sandbox.state().pid)
  const names = [
    'io.stat',
    'memory.current',
    'memory.stat',
    'memory.events',
    'pids.current',
    'pids.max',
    'hugetlb.\u001B[31mX.current',
  ]
  for (const name of names) if (!existsSync(`${cgroup}/${name}`)) mkdirSync(`${cgroup}/${name}`)
  const events = sandbox.run(['events', '--stats', sandbox.id])
  t.is(events.status, 0, events.stderr)
  t.false(events.stdout.includes('\u001B'))
  const { data } = JSON.parse(events.stdout) as { data: { cpu: { usage: { total: number } }; hugetlb: object } }
  t.true(data.cpu.usage.total > 0)
  t.false(Object.keys(data.hugetlb).some((size) => size.includes('X')))
  const top = sandbox.run(['top', '--format', 'json', '--interval', '10ms', sandbox.id])
  t.true(top.stdout.includes(sandbox.id), top.stdout)
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('a container that writes to its cgroup.kill does not keep exec out', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    for (const mount of spec.mounts!)
      if (mount.type === 'cgroup') mount.options = mount.options!.filter((option) => option !== 'ro')
    // Nothing that comes from within ends the init of a pid namespace.
    spec.process!.args = ['inside', 'write', '/sys/fs/cgroup/cgroup.kill', '1', '--', 'pid', '--', 'wait']
  })
  sandbox.detached(['run', '--detach', sandbox.id])
  await eventually(() => sandbox.output() !== '', 'it wrote')
  for (let repeat = 0; repeat < 2; repeat++) {
    const { status, stdout, stderr } = sandbox.run(['exec', sandbox.id, 'inside', 'cat', '/proc/self/cgroup'])
    t.is(status, 0, stderr)
    t.true(stdout.split('\n').includes('0::/'), stdout)
  }
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('exec into a cgroup that the container has frozen is refused, and does not hang', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => (spec.process!.args = ['inside', 'wait']))
  sandbox.detached(['run', '--detach', sandbox.id])
  const cgroup = cgroupOf(sandbox.state().pid)
  within(t, cgroup, 'mkdir -p frozen/below; echo 1 > frozen/cgroup.freeze')
  for (const place of ['frozen', 'frozen/below']) {
    const { status, stderr } = sandbox.run(['exec', '--cgroup', place, sandbox.id, 'inside', 'pid'])
    t.is(status, 255)
    t.true(stderr.includes(`cannot exec in a frozen cgroup: ${cgroup}/frozen `), stderr)
  }
  t.is(sandbox.run(['exec', sandbox.id, 'inside', 'pid']).status, 0)
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})
