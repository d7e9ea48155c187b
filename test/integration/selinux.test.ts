/** process.selinuxLabel and linux.mountLabel on a kernel that enforces them. Without SELinux, process-fields.test.ts has the errors. */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { lacks, lines, runtime, Sandbox } from './harness.ts'
import { openUp, ownUsers } from './users.ts'

const control = '/sys/fs/selinux'
const host = 'runt_u:runt_r:host_t:'
const one = 'runt_u:runt_r:container_t:s0:c1'
const two = 'runt_u:runt_r:container_t:s0:c2'

function command(name: string, ...args: string[]): void {
  const env = { PATH: '/usr/sbin:/sbin:/usr/bin:/bin' }
  const { status, stderr, error } = spawnSync(name, args, { encoding: 'utf8', env })
  if (status !== 0) throw new Error(`${name}: ${error?.message ?? stderr}`)
}

/** Whether the tests' policy can be loaded: only in a virtual machine that booted for it, never over a policy of somebody else. */
function lacksSelinux(t: ExecutionContext): boolean {
  const modules = '/sys/kernel/security/lsm'
  if (existsSync(modules) && readFileSync(modules, 'utf8').split(',').includes('selinux')) {
    if (!existsSync(`${control}/load`)) command('mount', '-t', 'selinuxfs', 'selinuxfs', control)
    if (readFileSync('/proc/self/attr/current', 'latin1').startsWith('kernel')) {
      const dir = mkdtempSync(path.join(tmpdir(), 'selinux-'))
      const policy = path.join(dir, 'policy')
      command('secilc', '-o', policy, '-f', path.join(dir, 'contexts'), 'test/integration/selinux.cil')
      writeFileSync(`${control}/load`, readFileSync(policy))
      rmSync(dir, { recursive: true })
    }
    if (readFileSync('/proc/self/attr/current', 'latin1').startsWith(host)) return false
  }
  t.log('skipped: the kernel runs without SELinux, or with a policy of its own')
  t.pass()
  return true
}

/** What the kernel says of the process, whose files end with a zero. */
const asked = ['cat', '/proc/self/attr/current']
const label = (text: string): string => lines(text).at(-1)!.replaceAll('\0', '')

// covers: /process/selinuxLabel
test.serial('the program has the label of the config, whatever its user and namespaces', (t) => {
  if (lacksSelinux(t)) return
  for (const user of [false, true]) {
    const sandbox = new Sandbox(t, (spec) => {
      spec.process!.args = ['inside', ...asked]
      spec.process!.selinuxLabel = one
      if (!user) return
      spec.process!.noNewPrivileges = false
      spec.process!.user = { uid: 1000, gid: 1000 }
      ownUsers(spec)
    })
    openUp(sandbox)
    const { status, stdout, stderr } = sandbox.runContainer()
    t.is(status, 0, stderr)
    t.is(label(stdout), one)
    sandbox.assertClean(t)
  }
})

// covers: /process/selinuxLabel
test.serial('exec has the container’s label, or the one that it is given', (t) => {
  if (lacksSelinux(t)) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
    spec.process!.selinuxLabel = one
  })
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  const exec = (...flags: string[]): string => {
    const { status, stdout, stderr } = sandbox.run(['exec', ...flags, sandbox.id, 'inside', ...asked])
    t.is(status, 0, stderr)
    return label(stdout)
  }
  t.is(exec(), one)
  t.is(exec('--process-label', two), two)
})

// covers: /process/selinuxLabel
test.serial('a label that the policy does not know is told with its field, and nothing runs', (t) => {
  if (lacksSelinux(t)) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', ...asked]
    spec.process!.selinuxLabel = 'runt_u:runt_r:nobody_t:s0'
  })
  const { status, stdout, stderr } = sandbox.runContainer()
  t.not(status, 0)
  t.is(stdout, '')
  if (runtime === 'runt') t.regex(stderr, /from: process\.selinuxLabel \(config\.json:\d+:\d+\)/)
  sandbox.assertClean(t)
})

// covers: /linux/mountLabel
test.serial('the mounts that the runtime makes have the label of the config', (t) => {
  if (lacksSelinux(t) || lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'cat', '/proc/self/mountinfo']
    spec.linux!.mountLabel = 'runt_u:object_r:file_t:s0:c1,c2'
    spec.mounts!.push({ destination: '/labelled', type: 'tmpfs', source: 'tmpfs', options: ['nosuid'] })
  })
  const { status, stdout, stderr } = sandbox.runContainer()
  t.is(status, 0, stderr)
  const options = lines(stdout).find((line) => line.split(' ')[4] === '/labelled')
  t.regex(
    options ?? '',
    /[ ,]context="?runt_u:object_r:file_t:s0:c1\.c2"?(,|$)|[ ,]context="?runt_u:object_r:file_t:s0:c1,c2"?(,|$)/,
  )
  sandbox.assertClean(t)
})
