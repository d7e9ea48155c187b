/** src/cgroups on this machine's kernel, in cgroups of its own; without controllers where the kernel gives v2 none. */
import test, { type ExecutionContext } from 'ava'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { compileDevices } from '../../src/cgroups/devices.ts'
import { findCgroupRoot, isFrozen, isPopulated, ownCgroup, processes, removeCgroup } from '../../src/cgroups/fs.ts'
import { compileResources } from '../../src/cgroups/knobs.ts'
import { createCgroup, limitMemory } from '../../src/cgroups/manager.ts'
import { RuntError } from '../../src/errors.ts'
import { directHost } from '../../src/host/direct.ts'
import type { Resources } from '../../src/spec/schema.gen.ts'
import { lacks } from './harness.ts'

const host = directHost()
const root = await findCgroupRoot(host)
const controllers = readFileSync(`${root}/cgroup.controllers`, 'utf8').split(/\s+/).filter(Boolean)

/** A place for the test's cgroup, removed whole after it. */
function place(t: ExecutionContext): string {
  const base = `${root}/runt-test-${process.pid}-${Math.random().toString(36).slice(2)}`
  t.teardown(() => removeCgroup(host, root, base))
  return `${base}/container`
}

async function create(t: ExecutionContext, dir: string, resources: Resources = {}): Promise<void> {
  const { writes, problems } = compileResources(resources)
  t.deepEqual(problems, [])
  const cgroup = await createCgroup(host, {
    root,
    path: dir,
    writes,
    devices: compileDevices(resources.devices).filter,
  })
  await host.files.close(cgroup.fd)
  await limitMemory(host, dir, writes)
}

/** Starts a shell in the cgroup. */
function runIn(t: ExecutionContext, dir: string, script: string): ChildProcess {
  const child = spawn('sh', ['-c', `echo 0 > ${dir}/cgroup.procs && ${script}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

/** Waits for the shell's first output. */
function output(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.stdout?.once('data', (data: Buffer) => resolve(data.toString())))
}

async function refusal(action: () => Promise<unknown>): Promise<RuntError> {
  const error = await action().then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof RuntError) return error
  throw error instanceof Error ? error : new Error('it did not fail')
}

test('the hierarchy and the own cgroup in it are found', async (t) => {
  t.true(existsSync(`${root}/cgroup.procs`))
  t.true(existsSync(root + (await ownCgroup(host))))
})

test('a cgroup is made with its parents, seen to be populated, and removed with what runs in it', async (t) => {
  const dir = place(t)
  await create(t, dir)
  t.false(await isPopulated(host, dir))
  mkdirSync(`${dir}/below`)
  const child = runIn(t, `${dir}/below`, 'echo here; exec sleep 1000')
  await output(child)
  t.true(await isPopulated(host, dir))
  t.deepEqual(await processes(host, dir), [child.pid])
  await removeCgroup(host, root, dir)
  t.false(existsSync(dir))
  t.true(existsSync(path.dirname(dir)), 'the parent stays')
})

// covers: config-linux.md#control-groups/unfit
test('a cgroup with processes is refused, and an empty leftover is taken over', async (t) => {
  const dir = place(t)
  await create(t, dir)
  const child = runIn(t, dir, 'echo here; exec sleep 1000')
  await output(child)
  const error = await refusal(() => create(t, dir))
  t.is(error.message, "container's cgroup is not empty: 1 process(es) found")
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('exit', resolve))
  await create(t, dir)
})

// covers: config-linux.md#control-groups/unfit
test('a frozen leftover is refused', async (t) => {
  const dir = place(t)
  await create(t, dir)
  writeFileSync(`${dir}/cgroup.freeze`, '1')
  t.true(await isFrozen(host, dir))
  t.is((await refusal(() => create(t, dir))).message, "container's cgroup unexpectedly frozen")
})

test('frozen processes are removed with their cgroup', async (t) => {
  const dir = place(t)
  await create(t, dir)
  await output(runIn(t, dir, 'echo here; exec sleep 1000'))
  writeFileSync(`${dir}/cgroup.freeze`, '1')
  await removeCgroup(host, root, dir)
  t.false(existsSync(dir))
})

// covers: /linux/resources/devices/*/allow, /linux/resources/devices/*/type, /linux/resources/devices/*/major
// covers: /linux/resources/devices/*/minor, /linux/resources/devices/*/access
test('the kernel asks the device filter: default devices open, others only as the rules say', async (t) => {
  const nodes = mkdtempSync(path.join(tmpdir(), 'runt-test-'))
  t.teardown(() => rmSync(nodes, { recursive: true }))
  execFileSync('mknod', [`${nodes}/null`, 'c', '1', '3'])
  execFileSync('mknod', [`${nodes}/kmsg`, 'c', '1', '11'])
  const look = async (resources: Resources): Promise<string> => {
    const dir = place(t)
    await create(t, dir, resources)
    const attempts = [`3<>${nodes}/null`, `3<${nodes}/kmsg`, `3>${nodes}/kmsg`, `3<>${nodes}/kmsg`]
    const script = attempts.map((redirection) => `(exec ${redirection}) 2>/dev/null && printf y || printf n`)
    return output(runIn(t, dir, `printf %s "$( ${script.join('; ')} )"`))
  }
  const kmsg = { type: 'c', major: 1, minor: 11 }
  t.is(await look({}), 'ynnn')
  t.is(await look({ devices: [{ allow: true, ...kmsg, access: 'r' }] }), 'yynn')
  t.is(
    await look({
      devices: [
        { allow: true, access: 'rwm' },
        { allow: false, ...kmsg, access: 'w' },
      ],
    }),
    'yynn',
  )
  t.is(await look({ devices: [{ allow: true, access: 'rwm' }] }), 'yyyy')
})

test('the verifier takes as many rules as are compiled', async (t) => {
  const devices = Array.from({ length: 2000 }, (_, i) => ({
    allow: i % 2 === 0,
    type: i % 3 === 0 ? 'b' : 'c',
    major: 300 + i,
    minor: i,
    access: ['r', 'w', 'rw', 'rwm'][i % 4]!,
  }))
  await t.notThrowsAsync(() => create(t, place(t), { devices }))
})

test('limits are in force where the controllers are, and else refused by the name of the controller', async (t) => {
  const dir = place(t)
  const limits = {
    memory: { limit: 64 << 20 },
    pids: { limit: 20 },
    cpu: { shares: 2000, quota: 20000, period: 50000 },
  }
  const needed = ['cpu', 'memory', 'pids']
  if (needed.every((controller) => controllers.includes(controller))) {
    await create(t, dir, limits)
    const read = (file: string) => readFileSync(`${dir}/${file}`, 'utf8').trim()
    t.is(read('memory.max'), String(64 << 20))
    t.is(read('pids.max'), '20')
    t.is(read('cpu.weight'), '170')
    t.is(read('cpu.max'), '20000 50000')
  } else {
    const error = await refusal(() => create(t, dir, limits))
    t.is(error.code, 'NO_CONTROLLER')
    t.is(error.origin, '/linux/resources/pids/limit')
    t.false(existsSync(path.dirname(dir)), 'nothing is left')
  }
})

test('a cgroup below a threaded one is refused', async (t) => {
  // Without controllers none is missing there, and only clone3 finds out.
  if (lacks(t, 'controllers')) return
  const dir = place(t)
  const threads = `${path.dirname(dir)}/threads`
  mkdirSync(threads, { recursive: true })
  writeFileSync(`${threads}/cgroup.type`, 'threaded')
  t.is((await refusal(() => create(t, `${threads}/c`))).code, 'CGROUP_THREADED')
})

test('a descriptor of the cgroup is good for clone3 and closed by the caller alone', async (t) => {
  const cgroup = await createCgroup(host, { root, path: place(t), writes: [] })
  t.true(existsSync(`/proc/self/fd/${cgroup.fd}`))
  closeSync(cgroup.fd)
  closeSync(openSync(`${cgroup.path}/cgroup.procs`, 'r'))
  await cgroup.undo()
  t.false(existsSync(path.dirname(cgroup.path)))
})
