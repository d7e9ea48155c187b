/**
 * Many containers, one after the other and at once, leave nothing.
 *
 * RUNT_LOOPS    how many one after the other; 200 unless the machine is slow
 * RUNT_AT_ONCE  how many at once; 32 unless the machine is slow
 */
import test from 'ava'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { eventually, inVm, lacks, lines, Sandbox, slow } from './harness.ts'

const inTurn = Number(process.env.RUNT_LOOPS ?? (slow ? 6 : 200))
const atOnce = Number(process.env.RUNT_AT_ONCE ?? (slow ? 6 : 32))

/** Every cgroup of the hierarchy. */
function cgroups(dir = '/sys/fs/cgroup'): string[] {
  const below = readdirSync(dir).map((name) => `${dir}/${name}`)
  const found: string[] = []
  for (const path of below) {
    try {
      if (statSync(path).isDirectory()) found.push(path, ...cgroups(path))
    } catch {
      // Others on this machine come and go.
    }
  }
  return found
}

const listPrograms = fileURLToPath(new URL('programs.py', import.meta.url))

/** Numbers of the device filters that runt loaded. */
function filters(): string[] {
  const { status, stdout, stderr } = spawnSync('python3', [listPrograms], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`list the kernel's programs: ${stderr}`)
  return lines(stdout).filter((line) => line.endsWith(' runt_devices'))
}

/** Names of cgroups and of inits that belong to this sandbox's containers. */
function left(sandbox: Sandbox, ids: readonly string[]): string[] {
  const names = new Set(ids)
  const own = cgroups().filter((path) => names.has(path.slice(path.lastIndexOf('/') + 1)))
  const mounted = lines(readFileSync('/proc/self/mountinfo', 'utf8')).filter((line) => line.includes(sandbox.dir))
  return [...own, ...mounted]
}

test('containers one after the other leave no cgroup, no device filter and no process', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  const before = filters()
  const ids: string[] = []
  for (let index = 0; index < inTurn; index++) {
    const id = sandbox.newId()
    ids.push(id)
    const { status, stdout, stderr } = sandbox.run(['run', id])
    t.deepEqual([status, stdout, stderr], [0, 'hello\n', ''], `container ${index}`)
  }
  t.deepEqual(left(sandbox, ids), [])
  sandbox.assertClean(t)
  // The kernel lets go of a removed cgroup's filter in its own time. Elsewhere others make containers at the same time.
  if (inVm) await eventually(() => filters().every((filter) => before.includes(filter)), 'the filters are gone')
})

test('containers side by side leave no cgroup, no device filter and no process', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => (spec.process!.args = ['inside', 'wait']))
  const before = filters()
  const ids = Array.from({ length: atOnce }, () => sandbox.newId())
  // Those of a step run side by side, and what one of them prints is told.
  const together = async (...command: string[]): Promise<void> => {
    const started = ids.map((id) => sandbox.start([...command, id], { stdio: 'ignore' }))
    const ends = started.map((child) => new Promise<number | null>((resolve) => child.once('exit', resolve)))
    t.deepEqual(
      await Promise.all(ends),
      ids.map(() => 0),
      command.join(' '),
    )
  }
  await together('create')
  await together('start')
  t.deepEqual(
    ids.map((id) => sandbox.state(id).status),
    ids.map(() => 'running'),
  )
  t.true(filters().length >= atOnce)
  await together('delete', '--force')
  t.deepEqual(left(sandbox, ids), [])
  sandbox.assertClean(t)
  if (inVm) await eventually(() => filters().every((filter) => before.includes(filter)), 'the filters are gone')
})
