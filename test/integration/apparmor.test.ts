/** process.apparmorProfile: a profile that the kernel enforces. Where the kernel has no AppArmor, process-fields.test.ts has the error. */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { inVm, lacks, lines, runtime, Sandbox } from './harness.ts'
import { openUp, ownUsers } from './users.ts'

/** Whether profiles can be loaded; in the virtual machine they must. */
function lacksAppArmor(t: ExecutionContext): boolean {
  const file = '/sys/module/apparmor/parameters/enabled'
  if (existsSync(file) && readFileSync(file, 'utf8').startsWith('Y')) return false
  if (inVm) t.fail('the kernel of the virtual machine has no AppArmor')
  else t.log('skipped: the kernel has no AppArmor')
  t.pass()
  return true
}

/** Two profiles: everything is allowed, but to read one file. */
const profiles = ['runt-test-one', 'runt-test-two']

function load(t: ExecutionContext): void {
  const text = profiles
    .map(
      (name) => `profile ${name} flags=(attach_disconnected,mediate_deleted) {
  file, capability, network, mount, umount, pivot_root, signal, ptrace, unix,
  deny /${name} r,
}\n`,
    )
    .join('')
  const parse = (...args: string[]): void => {
    const { status, stderr } = spawnSync('apparmor_parser', ['--skip-cache', ...args], {
      input: text,
      encoding: 'utf8',
      env: { PATH: '/usr/sbin:/sbin:/usr/bin:/bin' },
    })
    if (status !== 0) throw new Error(`apparmor_parser: ${stderr}`)
  }
  parse('--replace')
  t.teardown(() => {
    parse('--remove')
  })
}

const asked = [...profiles.flatMap((name) => ['cat', `/${name}`, '--']), 'cat', '/proc/self/attr/apparmor/current']

function sandboxWith(t: ExecutionContext, change: (spec: Spec) => void): Sandbox {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', ...asked]
    spec.process!.env = ['PATH=/bin']
    change(spec)
  })
  for (const name of profiles) writeFileSync(path.join(sandbox.rootfs, name), `${name}\n`)
  openUp(sandbox)
  return sandbox
}

const confinedByOne = ['cat: open: EACCES', 'runt-test-two', 'runt-test-one (enforce)']
const confinedByTwo = ['runt-test-one', 'cat: open: EACCES', 'runt-test-two (enforce)']

// covers: /process/apparmorProfile
test('the program runs under the profile, whatever its user and namespaces', (t) => {
  if (lacksAppArmor(t)) return
  load(t)
  const changes: ((spec: Spec) => void)[] = [
    () => undefined,
    (spec) => {
      spec.process!.noNewPrivileges = true
      spec.process!.user = { uid: 1000, gid: 1000 }
      spec.process!.capabilities = {}
    },
    (spec) => {
      spec.linux!.namespaces = spec.linux!.namespaces!.filter(({ type }) => type !== 'pid')
    },
    (spec) => {
      ownUsers(spec)
    },
  ]
  for (const change of changes) {
    const sandbox = sandboxWith(t, (spec) => {
      spec.process!.apparmorProfile = 'runt-test-one'
      change(spec)
    })
    const { status, stdout, stderr } = sandbox.runContainer()
    t.is(status, 0, stderr)
    t.deepEqual(lines(stdout), confinedByOne)
    sandbox.assertClean(t)
  }
})

// covers: /process/apparmorProfile
test('exec runs under the container’s profile, or the one that it is given', (t) => {
  if (lacksAppArmor(t)) return
  load(t)
  const sandbox = sandboxWith(t, (spec) => {
    spec.process!.apparmorProfile = 'runt-test-one'
    spec.process!.args = ['inside', 'wait']
  })
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  const exec = (...flags: string[]): string[] =>
    lines(sandbox.run(['exec', ...flags, sandbox.id, 'inside', ...asked]).stdout)
  t.deepEqual(exec(), confinedByOne)
  t.deepEqual(exec('--apparmor', 'runt-test-two'), confinedByTwo)
  t.is(exec('--apparmor', 'unconfined').at(-1), 'unconfined')
  const file = path.join(sandbox.dir, 'process.json')
  const fromFile = (more: object): string[] => {
    writeFileSync(file, JSON.stringify({ args: ['inside', ...asked], cwd: '/', env: ['PATH=/bin'], ...more }))
    return lines(sandbox.run(['exec', '--process', file, sandbox.id]).stdout)
  }
  t.deepEqual(fromFile({ apparmorProfile: 'runt-test-two' }), confinedByTwo)
  t.deepEqual(fromFile({}), confinedByOne)
})

// covers: /process/apparmorProfile
test('a profile that is not loaded is told with its field, and nothing runs', (t) => {
  if (lacksAppArmor(t) || lacks(t, 'runc')) return
  const sandbox = sandboxWith(t, (spec) => {
    spec.process!.apparmorProfile = 'runt-test-missing'
  })
  const { status, stdout, stderr } = sandbox.runContainer()
  t.not(status, 0)
  t.is(stdout, '')
  t.regex(stderr, /write .*\/attr\/apparmor\/exec.*: no such file or directory/)
  if (runtime === 'runt') {
    t.regex(stderr, /from: process\.apparmorProfile \(config\.json:\d+:\d+\)/)
    t.regex(stderr, /hint: the profile runt-test-missing is not loaded/)
  }
  sandbox.assertClean(t)
})
