/** Containers in scopes of systemd: in the virtual machine that boots systemd with D-Bus. */
import test from 'ava'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { Sandbox, type Result } from '../integration/harness.ts'

/** The properties of a unit that systemd tells. */
function show(unit: string, ...names: string[]): Record<string, string> {
  const args = ['show', unit, ...names.flatMap((name) => ['-p', name])]
  const { stdout } = spawnSync('systemctl', args, { encoding: 'utf8' })
  return Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

const activeState = (unit: string): string | undefined => show(unit, 'ActiveState').ActiveState

/** A command with `--systemd-cgroup`; a container that stays has its streams in files. */
function bySystemd(sandbox: Sandbox, ...args: string[]): Result {
  const line = ['--systemd-cgroup', ...args]
  return args[0] === 'create' ? sandbox.detached(line) : sandbox.run(line)
}

const waits = (sandbox: Sandbox, change: Parameters<Sandbox['configure']>[0] = () => undefined): void => {
  sandbox.configure((spec) => {
    spec.process!.args = ['inside', 'wait']
    change(spec)
  })
}

// covers: /linux/cgroupsPath
test.serial('a scope has the limits, as properties and in the files, and init from its first instruction', (t) => {
  const sandbox = new Sandbox(t)
  waits(sandbox, (spec) => {
    spec.linux!.cgroupsPath = `system.slice:test:${sandbox.id}`
    spec.linux!.resources = {
      memory: { limit: 64 << 20, reservation: 32 << 20 },
      pids: { limit: 20 },
      cpu: { shares: 2000, quota: 50_000, period: 100_000, cpus: '0' },
      unified: { 'memory.high': String(48 << 20) },
    }
  })
  const unit = `test-${sandbox.id}.scope`
  t.is(bySystemd(sandbox, 'create', sandbox.id).stderr, '')
  const {
    Slice,
    MemoryMax,
    MemoryLow,
    MemoryHigh,
    TasksMax,
    CPUWeight,
    CPUQuotaPerSecUSec,
    AllowedCPUs,
    Delegate,
    Description,
  } = show(
    unit,
    'Slice',
    'MemoryMax',
    'MemoryLow',
    'MemoryHigh',
    'TasksMax',
    'CPUWeight',
    'CPUQuotaPerSecUSec',
    'AllowedCPUs',
    'Delegate',
    'Description',
  )
  t.deepEqual(
    { Slice, MemoryMax, MemoryLow, MemoryHigh, TasksMax, CPUWeight, CPUQuotaPerSecUSec, AllowedCPUs, Delegate },
    {
      Slice: 'system.slice',
      MemoryMax: String(64 << 20),
      MemoryLow: String(32 << 20),
      MemoryHigh: String(48 << 20),
      TasksMax: '20',
      CPUWeight: '170',
      CPUQuotaPerSecUSec: '500ms',
      AllowedCPUs: '0',
      Delegate: 'yes',
    },
  )
  t.regex(Description ?? '', new RegExp(sandbox.id))
  const dir = `/sys/fs/cgroup/system.slice/${unit}`
  const file = (name: string) => readFileSync(`${dir}/${name}`, 'utf8').trim()
  t.is(file('memory.max'), String(64 << 20))
  t.is(file('pids.max'), '20')
  t.is(file('cpu.max'), '50000 100000')
  t.is(file('cpu.weight'), '170')
  t.is(file('cpuset.cpus'), '0')
  // Nobody but init: the stand-in is gone.
  t.is(file('cgroup.procs'), String(sandbox.state().pid))

  // Without the flag from here on.
  t.is(sandbox.run(['start', sandbox.id]).status, 0)
  t.is(sandbox.state().status, 'running')
  t.regex(sandbox.run(['exec', sandbox.id, 'inside', 'cat', '/proc/self/cgroup']).stdout, /^0::\//)
  t.is(sandbox.run(['kill', sandbox.id, 'KILL']).status, 0)
  t.is(sandbox.run(['delete', '--force', sandbox.id]).stderr, '')
  t.is(activeState(unit), 'inactive')
  t.false(existsSync(dir))
})

test.serial('run leaves no unit, whatever became of the program', (t) => {
  const sandbox = new Sandbox(t)
  const unit = `runt-${sandbox.id}.scope`
  for (const [args, status] of [
    [['exit', '3'], 3],
    [['suicide', '9'], 137],
  ] as const) {
    sandbox.configure((spec) => {
      spec.process!.args = ['inside', ...(args[0] === 'suicide' ? ['child-signal', '9', '--', 'exit', '137'] : args)]
    })
    t.is(bySystemd(sandbox, 'run', sandbox.id).status, status)
    t.is(activeState(unit), 'inactive')
  }
})

test.serial('a program that cannot be executed leaves no unit', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['/no/such/program']
  })
  const { status, stderr } = bySystemd(sandbox, 'run', sandbox.id)
  t.is(status, 1)
  t.regex(stderr, /no such file or directory/)
  t.is(activeState(`runt-${sandbox.id}.scope`), 'inactive')
  t.false(existsSync(`/sys/fs/cgroup/system.slice/runt-${sandbox.id}.scope`))
})

test.serial('a unit of another container is refused, and stays', (t) => {
  const sandbox = new Sandbox(t)
  waits(sandbox, (spec) => (spec.linux!.cgroupsPath = `:shared:${sandbox.id}`))
  t.is(bySystemd(sandbox, 'create', sandbox.id).status, 0)
  const other = sandbox.newId()
  const { status, stderr } = bySystemd(sandbox, 'create', other)
  t.is(status, 1)
  t.regex(stderr, /start unit shared-.*\.scope: .*from: linux\.cgroupsPath/s)
  t.is(activeState(`shared-${sandbox.id}.scope`), 'active')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  t.is(activeState(`shared-${sandbox.id}.scope`), 'inactive')
})

// covers: /annotations/*
test.serial('annotations set properties, and one that systemd does not take is an error', (t) => {
  const sandbox = new Sandbox(t)
  waits(sandbox, (spec) => {
    spec.annotations = {
      'org.systemd.property.TimeoutStopSec': '7',
      'org.systemd.property.CollectMode': "'inactive-or-failed'",
    }
  })
  t.is(bySystemd(sandbox, 'create', sandbox.id).stderr, '')
  const unit = `runt-${sandbox.id}.scope`
  t.deepEqual(show(unit, 'TimeoutStopUSec', 'CollectMode'), {
    TimeoutStopUSec: '7s',
    CollectMode: 'inactive-or-failed',
  })
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  waits(sandbox, (spec) => (spec.annotations = { 'org.systemd.property.NoSuchThing': '7' }))
  const { status, stderr } = bySystemd(sandbox, 'create', sandbox.id)
  t.is(status, 1)
  t.regex(stderr, /NoSuchThing/)
  t.is(activeState(unit), 'inactive')
})

test.serial('a container that was killed for want of memory leaves no failed unit', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'memory', '64']
    spec.linux!.resources = { memory: { limit: 16 << 20, swap: 16 << 20 } }
  })
  t.is(bySystemd(sandbox, 'run', sandbox.id).status, 137)
  t.is(activeState(`runt-${sandbox.id}.scope`), 'inactive')
})

test.serial('--cgroup-manager systemd is the same, and what is no systemd path is refused with its field', (t) => {
  const sandbox = new Sandbox(t)
  waits(sandbox)
  t.is(sandbox.detached(['--cgroup-manager', 'systemd', 'create', sandbox.id]).stderr, '')
  t.is(activeState(`runt-${sandbox.id}.scope`), 'active')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  waits(sandbox, (spec) => (spec.linux!.cgroupsPath = '/a/path'))
  t.regex(bySystemd(sandbox, 'create', sandbox.id).stderr, /slice:prefix:name.*from: linux\.cgroupsPath/s)
})

test.serial('pause, resume and update work without the flag; systemd knows the new limits after a reload', (t) => {
  const sandbox = new Sandbox(t)
  waits(sandbox, (spec) => (spec.linux!.resources = { memory: { limit: 64 << 20 }, pids: { limit: 20 } }))
  t.is(bySystemd(sandbox, 'create', sandbox.id).stderr, '')
  t.is(sandbox.run(['start', sandbox.id]).status, 0)
  const unit = `runt-${sandbox.id}.scope`
  t.is(sandbox.run(['update', '--memory', '48m', '--pids-limit', '30', sandbox.id]).stderr, '')
  t.is(spawnSync('systemctl', ['daemon-reload']).status, 0)
  t.deepEqual(show(unit, 'MemoryMax', 'TasksMax'), { MemoryMax: String(48 << 20), TasksMax: '30' })
  t.is(readFileSync(`/sys/fs/cgroup/system.slice/${unit}/memory.max`, 'utf8').trim(), String(48 << 20))
  t.is(sandbox.run(['pause', sandbox.id]).stderr, '')
  t.is(sandbox.state().status, 'paused')
  t.is(sandbox.run(['resume', sandbox.id]).stderr, '')
  t.is(sandbox.state().status, 'running')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).stderr, '')
  t.is(activeState(unit), 'inactive')
})
