import test from 'ava'
import { readFileSync, readlinkSync } from 'node:fs'
import type { Spec, TimeOffset } from '../../src/spec/schema.gen.ts'
import { lacks, Sandbox } from './harness.ts'

// Debian 12's runc and crun are older than time namespaces in containers.

const day = 86_400

function withTime(timeOffsets: Record<string, TimeOffset> | undefined, args: string[] = ['inside', 'clocks']) {
  return (spec: Spec): void => {
    spec.linux!.namespaces!.push({ type: 'time' })
    if (timeOffsets !== undefined) spec.linux!.timeOffsets = timeOffsets
    spec.process!.args = args
  }
}

/** Seconds of the clock that the program read, less those of this machine's, which started at the same time. */
function offset(stdout: string, clock: string): number {
  const found = new RegExp(`^${clock} ([0-9.]+)$`, 'm').exec(stdout)
  return Number(found?.[1]) - Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])
}

const near = (value: number, wanted: number): boolean => Math.abs(value - wanted) < 60

// covers: /linux/namespaces/*/type, /linux/timeOffsets, /linux/timeOffsets/*/secs, /linux/timeOffsets/*/nanosecs, config-linux.md#namespaces/created
test('the clocks of a time namespace are set before its first process runs', (t) => {
  if (lacks(t, 'runt')) return
  const offsets = { monotonic: { secs: 10 * day, nanosecs: 500_000_000 }, boottime: { secs: 20 * day } }
  const sandbox = new Sandbox(
    t,
    withTime(offsets, ['inside', 'clocks', '--', 'cat', '/proc/self/timens_offsets', '--', 'pid']),
  )
  const { stdout, stderr, status } = sandbox.runContainer()
  t.is(status, 0, stderr)
  t.true(near(offset(stdout, 'monotonic'), 10 * day), stdout)
  t.true(near(offset(stdout, 'boottime'), 20 * day), stdout)
  t.regex(stdout, /^monotonic +864000 +500000000$/m)
  t.regex(stdout, /^boottime +1728000 +0$/m)
  t.regex(stdout, /^pid 1 ppid 0$/m)
  sandbox.assertClean(t)
})

test('a clock is set back, as far as the machine has been up', (t) => {
  if (lacks(t, 'runt')) return
  const back = { monotonic: { secs: -5, nanosecs: 1 } }
  const sandbox = new Sandbox(t, withTime(back, ['inside', 'cat', '/proc/self/timens_offsets']))
  t.regex(sandbox.runContainer().stdout, /^monotonic +-5 +1$/m)

  sandbox.configure(withTime({ boottime: { secs: -1_000_000_000 } }))
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /set the clocks of the time namespace: an offset is out of range/)
  t.regex(stderr, /from: linux\.timeOffsets /)
  sandbox.assertClean(t)
})

test('a time namespace without offsets is a new one with the machine’s clocks', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, withTime(undefined, ['inside', 'clocks', '--', 'stat', '/proc/self/ns/time']))
  const { stdout, stderr } = sandbox.runContainer()
  t.true(near(offset(stdout, 'monotonic'), 0), stdout)
  t.regex(stdout, /time:\[\d+\]/, stderr)
  t.false(stdout.includes(readlinkSync('/proc/self/ns/time')))
})

test('exec joins the time namespace and leaves its clocks alone', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, withTime({ boottime: { secs: 20 * day } }, ['inside', 'wait']))
  t.is(sandbox.detached(['run', '--detach', sandbox.id]).status, 0)
  const link = readlinkSync(`/proc/${sandbox.state().pid}/ns/time`)
  for (let round = 0; round < 2; round++) {
    const { stdout, stderr } = sandbox.run([
      'exec',
      sandbox.id,
      'inside',
      ...['clocks', '--', 'stat', '/proc/self/ns/time', '--', 'stat', '/proc/self/ns/time_for_children'],
    ])
    t.true(near(offset(stdout, 'boottime'), 20 * day), stdout + stderr)
    t.is(stdout.split(link).length - 1, 2, stdout)
  }
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

// covers: /linux/namespaces/*/path, config-linux.md#namespaces/joined
test('a time namespace is joined by its path', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, withTime({ boottime: { secs: 20 * day } }, ['inside', 'wait']))
  t.is(sandbox.detached(['run', '--detach', sandbox.id]).status, 0)
  const path = `/proc/${sandbox.state().pid}/ns/time`
  const other = new Sandbox(t, (spec) => {
    spec.linux!.namespaces!.push({ type: 'time', path })
    spec.process!.args = ['inside', 'clocks', '--', 'stat', '/proc/self/ns/time']
  })
  const { stdout, stderr } = other.runContainer()
  t.true(near(offset(stdout, 'boottime'), 20 * day), stdout + stderr)
  t.true(stdout.includes(readlinkSync(path)), stdout)
  other.assertClean(t)
})

test('offsets for a time namespace that is joined are refused', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.namespaces!.push({ type: 'time', path: '/proc/self/ns/time' })
    spec.linux!.timeOffsets = { monotonic: { secs: 1 } }
  })
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /linux\.timeOffsets must not be set: the time namespace is joined/)
  sandbox.assertClean(t)
})

test('a time namespace is owned by the user namespace of the container', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    withTime({ monotonic: { secs: 10 * day } }, ['inside', 'clocks', '--', 'pid'])(spec)
    spec.linux!.namespaces!.push({ type: 'user' })
    spec.linux!.uidMappings = [{ containerID: 0, hostID: 0, size: 1000 }]
    spec.linux!.gidMappings = [{ containerID: 0, hostID: 0, size: 1000 }]
  })
  const { stdout, stderr } = sandbox.runContainer()
  t.true(near(offset(stdout, 'monotonic'), 10 * day), stdout + stderr)
  t.regex(stdout, /^pid 1 ppid 0$/m)
  sandbox.assertClean(t)
})
