import test from 'ava'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { eventually, lacks, lines, Sandbox } from './harness.ts'

/** Processor time that a process has used, in clock ticks: fields 14 and 15 of /proc/PID/stat. */
function ticks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return Number(fields[11]) + Number(fields[12])
}

const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('a paused container makes no progress, and goes on when it is resumed', async (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = new Sandbox(t, (spec) => (spec.process!.args = ['inside', 'burn', '600000']))
  sandbox.detached(['run', '--detach', sandbox.id])
  const { pid } = sandbox.state()
  await eventually(() => ticks(pid) > 5, 'it works')
  t.deepEqual(sandbox.run(['pause', sandbox.id]), { status: 0, stdout: '', stderr: '' })
  t.is(sandbox.state().status, 'paused')
  const before = ticks(pid)
  await rest(300)
  t.is(ticks(pid), before)
  const again = sandbox.run(['pause', sandbox.id])
  t.is(again.status, 1)
  t.regex(again.stderr, /not running/)
  t.deepEqual(sandbox.run(['resume', sandbox.id]), { status: 0, stdout: '', stderr: '' })
  t.is(sandbox.state().status, 'running')
  await eventually(() => ticks(pid) > before + 5, 'it works again')
  const twice = sandbox.run(['resume', sandbox.id])
  t.is(twice.status, 1)
  t.regex(twice.stderr, /not paused/)
})

test('a paused container can be killed and deleted', (t) => {
  if (lacks(t, 'runt')) return
  for (const command of [['delete', '--force'], ['kill']]) {
    const sandbox = new Sandbox(t, (spec) => (spec.process!.args = ['inside', 'wait']))
    t.is(sandbox.detached(['run', '--detach', sandbox.id]).status, 0)
    t.is(sandbox.run(['pause', sandbox.id]).status, 0)
    const [name, ...flags] = command
    t.is(sandbox.run([name!, ...flags, sandbox.id, ...(name === 'kill' ? ['KILL'] : [])]).status, 0)
    if (name === 'kill') spawnSync('sleep', ['0.3'])
    t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
    sandbox.assertClean(t)
  }
})

test('a created container can be paused, and starts once it is resumed', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => (spec.process!.args = ['inside', 'wait']))
  t.is(sandbox.create().status, 0)
  t.is(sandbox.run(['pause', sandbox.id]).status, 0)
  t.is(sandbox.state().status, 'paused')
  t.regex(sandbox.run(['start', sandbox.id]).stderr, /cannot start a container in the paused state/)
  t.is(sandbox.run(['resume', sandbox.id]).status, 0)
  t.is(sandbox.state().status, 'created')
  t.is(sandbox.run(['start', sandbox.id]).status, 0)
  await sandbox.until('running')
})

test('ps lists the processes of the container and no others', async (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = new Sandbox(t, (spec) => (spec.process!.args = ['inside', 'forks', '2', '--', 'wait']))
  t.is(sandbox.detached(['run', '--detach', sandbox.id]).status, 0)
  await eventually(() => sandbox.output().includes('forks 2'), 'it forked')
  const { pid } = sandbox.state()
  const ids = JSON.parse(sandbox.run(['ps', '--format', 'json', sandbox.id]).stdout) as number[]
  t.is(ids.length, 3)
  t.true(ids.includes(pid))
  const table = lines(sandbox.run(['ps', sandbox.id]).stdout)
  t.regex(table[0]!, /^UID +PID +PPID +C STIME TTY +TIME CMD$/)
  t.is(table.length, 4)
  // Debian 12's runc leaves the processes out when it is given options.
  if (lacks(t, 'runt')) return
  const own = lines(sandbox.run(['ps', sandbox.id, '-eo', 'comm,pid']).stdout)
  t.regex(own[0]!, /^COMMAND +PID$/)
  t.deepEqual(
    own.slice(1).map((line) => line.split(/ +/)[0]),
    ['inside', 'inside', 'inside'],
  )
  const without = sandbox.run(['ps', sandbox.id, '-eo', 'comm'])
  t.is(without.status, 1)
  t.regex(without.stderr, /couldn't find PID field in ps output/)
  sandbox.run(['delete', '--force', sandbox.id])
})

test('ps of a container that ended lists nothing', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  sandbox.run(['run', '--keep', sandbox.id])
  t.is(sandbox.run(['ps', '-f', 'json', sandbox.id]).stdout, 'null\n')
  t.is(lines(sandbox.run(['ps', sandbox.id]).stdout).length, 1)
})
