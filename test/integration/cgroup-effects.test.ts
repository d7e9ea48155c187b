/** Limits that change while a container runs, by what they do to it; and memory that does not suffice to start. */
import test, { type ExecutionContext } from 'ava'
import { execFileSync } from 'node:child_process'
import { statSync, truncateSync, writeFileSync } from 'node:fs'
import type { Linux, Resources } from '../../src/spec/schema.gen.ts'
import { lacks, lines, Sandbox, type Result } from './harness.ts'

const MiB = 1 << 20

function running(t: ExecutionContext, resources: Resources, linux: Partial<Linux> = {}): Sandbox {
  const sandbox = new Sandbox(t, (spec) => {
    Object.assign(spec.linux!, linux)
    spec.linux!.resources = { ...spec.linux!.resources, ...resources }
    spec.process!.args = ['inside', 'wait']
  })
  sandbox.detached(['run', '--detach', sandbox.id])
  return sandbox
}

function update(t: ExecutionContext, sandbox: Sandbox, resources: Resources): void {
  const input = JSON.stringify(resources)
  t.deepEqual(sandbox.run(['update', '-r', '-', sandbox.id], { input }), { status: 0, stdout: '', stderr: '' })
}

const inside = (sandbox: Sandbox, ...args: string[]): Result => sandbox.run(['exec', sandbox.id, 'inside', ...args])

// covers: /linux/resources/memory/limit
test('a new limit of memory holds for the running container', (t) => {
  if (lacks(t, 'controllers')) return
  const sandbox = running(t, { memory: { limit: 96 * MiB, swap: 96 * MiB } })
  t.is(lines(inside(sandbox, 'memory', '40').stdout).at(-1), 'memory 40')
  update(t, sandbox, { memory: { limit: 24 * MiB, swap: 24 * MiB } })
  t.is(inside(sandbox, 'memory', '40').status, 137)
  t.is(sandbox.state().status, 'running')
})

// covers: /linux/resources/cpu/quota, /linux/resources/cpu/period
test('a new quota of a processor holds for the running container, and is lifted again', (t) => {
  if (lacks(t, 'controllers')) return
  const sandbox = running(t, {})
  const used = (): number => Number(inside(sandbox, 'burn', '2000').stdout.split(' ')[1])
  update(t, sandbox, { cpu: { quota: 20_000, period: 100_000 } })
  const limited = used()
  t.true(limited < 1000, `${limited} ms of 2000 at 20 %`)
  update(t, sandbox, { cpu: { quota: -1 } })
  const free = used()
  t.true(free > limited * 1.5, `${free} ms without a quota, ${limited} with`)
})

// covers: /linux/resources/blockIO/throttleWriteBpsDevice/*/rate
test('a new rate for one device holds for the running container', (t) => {
  if (lacks(t, 'controllers')) return
  const backing = `/tmp/runt-loop-${process.pid}`
  execFileSync('modprobe', ['loop'])
  writeFileSync(backing, '')
  truncateSync(backing, 4 * MiB)
  const file = execFileSync('losetup', ['--find', '--show', backing], { encoding: 'utf8' }).trim()
  t.teardown(() => execFileSync('losetup', ['--detach', file]))
  const { rdev } = statSync(file)
  const device = { major: (rdev >> 8) & 0xfff, minor: rdev & 0xff }
  const devices = [{ allow: true, type: 'b', ...device, access: 'rwm' }]
  const linux = { devices: [{ path: '/dev/disk', type: 'b', ...device, fileMode: 0o600 }] } as Partial<Linux>
  const sandbox = running(t, { devices }, linux)
  const took = (): number => Number(inside(sandbox, 'write-direct', '/dev/disk', '768').stdout.split(' ')[1])
  const free = took()
  update(t, sandbox, { blockIO: { throttleWriteBpsDevice: [{ ...device, rate: MiB / 4 }] } })
  const limited = took()
  t.true(limited > 1800, `768 KiB at 256 KiB a second took ${limited} ms`)
  t.true(free < limited / 2, `and ${free} ms without a limit`)
})

test('memory that does not suffice for the start is told by its field, whenever init is killed', (t) => {
  if (lacks(t, 'controllers', 'runt')) return
  let told = 0
  // From what init cannot live with to what the program is happy with, by way of what execve(2) needs.
  for (const limit of [16, 160, 2048]) {
    const sandbox = new Sandbox(t, (spec) => {
      spec.linux!.resources!.memory = { limit: limit << 10, swap: limit << 10 }
    })
    const { status, stdout, stderr } = sandbox.runContainer()
    t.log(`${limit} KiB: ${status} ${stdout}${stderr}`)
    sandbox.assertClean(t)
    if (status === 0) continue
    // Killed as the program, or refused memory by the kernel.
    if (!stderr.includes('OOM-killed')) continue
    told++
    t.is(status, 1)
    t.regex(stderr, /container init was OOM-killed \(memory limit too low\?\)/)
    t.regex(stderr, /linux\.resources\.memory\.limit/)
    t.true(stderr.includes('memory.max is '), stderr)
  }
  t.true(told > 0)
})
