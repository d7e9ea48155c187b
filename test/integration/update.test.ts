import test from 'ava'
import { readFileSync } from 'node:fs'
import { eventually, lacks, lines, Sandbox } from './harness.ts'

const MiB = 1 << 20

test('update changes the limits of a running container, those that are named and no others', async (t) => {
  if (lacks(t, 'controllers')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.resources!.memory = { limit: 64 * MiB }
    spec.linux!.resources!.cpu = { quota: 50000, period: 200000, shares: 1024 }
    spec.linux!.resources!.pids = { limit: 20 }
    // It forks at the end, once the limit was changed.
    spec.process!.args = ['inside', 'echo', 'up', '--', 'sleep', '25', '--', 'forks', '30', '--', 'wait']
  })
  sandbox.detached(['run', '--detach', sandbox.id])
  const read = (file: string) => readFileSync(`/sys/fs/cgroup/${sandbox.id}/${file}`, 'utf8').trim()
  const update = (...args: string[]) => sandbox.run(['update', ...args, sandbox.id])
  t.deepEqual(update('--pids-limit', '8', '--memory', '96m', '--cpu-quota=30000'), {
    status: 0,
    stdout: '',
    stderr: '',
  })
  t.deepEqual(['pids.max', 'memory.max', 'cpu.max', 'cpu.weight'].map(read), [
    '8',
    String(96 * MiB),
    '30000 200000',
    '100',
  ])
  const resources = { memory: { limit: 80 * MiB, swap: 100 * MiB }, unified: { 'memory.high': '50M' } }
  const bySocket = sandbox.run(['update', '--resources=-', sandbox.id], { input: JSON.stringify(resources) })
  t.deepEqual(bySocket, { status: 0, stdout: '', stderr: '' })
  t.deepEqual(['memory.max', 'memory.swap.max', 'memory.high', 'pids.max'].map(read), [
    String(80 * MiB),
    String(20 * MiB),
    String(50 * MiB),
    '8',
  ])
  await eventually(() => lines(sandbox.output()).length >= 3, 'it forked', 60_000)
  t.is(lines(sandbox.output()).at(-1), 'forks 7', 'the fork bomb stops at the new limit')
})

test('an update that the kernel refuses names file, value and field, and changes nothing', (t) => {
  if (lacks(t, 'controllers', 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.resources!.pids = { limit: 20 }
    spec.process!.args = ['inside', 'wait']
  })
  sandbox.detached(['run', '--detach', sandbox.id])
  const { status, stderr } = sandbox.run(['update', '--pids-limit', '30', '--cpuset-cpus', '4000', sandbox.id])
  t.is(status, 1)
  t.regex(stderr, /write "4000" to .*cpuset\.cpus/)
  t.regex(stderr, /resources\.cpu\.cpus/)
  t.is(readFileSync(`/sys/fs/cgroup/${sandbox.id}/pids.max`, 'utf8'), '20\n')
})

test('update replaces the rules for devices', (t) => {
  if (lacks(t, 'runt')) return
  const fuse = { type: 'c', major: 10, minor: 229 } as const
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.devices = [{ path: '/dev/fuse', ...fuse, fileMode: 0o666 }]
    spec.process!.args = ['inside', 'wait']
  })
  sandbox.detached(['run', '--detach', sandbox.id])
  const open = () => sandbox.run(['exec', sandbox.id, 'inside', 'open', '/dev/fuse']).stdout
  const update = (devices: unknown) =>
    sandbox.run(['update', '-r', '-', sandbox.id], { input: JSON.stringify({ devices }) }).stderr
  t.is(open(), 'open: open: EPERM\n')
  t.is(
    update([
      { allow: false, access: 'rwm' },
      { allow: true, ...fuse, access: 'rw' },
    ]),
    '',
  )
  t.is(open(), 'opened\n')
  t.is(update([{ allow: false, access: 'rwm' }]), '')
  t.is(open(), 'open: open: EPERM\n')
})
