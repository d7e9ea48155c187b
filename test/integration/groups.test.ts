import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { lacks, runtime, Sandbox } from './harness.ts'
import { openUp, ownUsers } from './users.ts'

/** crun's annotation, which runc does not know. */
function unknown(t: ExecutionContext): boolean {
  if (runtime === 'runc') t.pass('runc does not know the annotation')
  return runtime === 'runc'
}

function keeping(value: string | undefined, change: (spec: Spec) => void = () => undefined): (spec: Spec) => void {
  return (spec) => {
    if (value !== undefined) spec.annotations = { 'run.oci.keep_original_groups': value }
    spec.process!.user = { uid: 1000, gid: 1000, additionalGids: [7] }
    spec.process!.args = ['inside', 'id']
    change(spec)
  }
}

/** Runs a command of the runtime whose caller has the groups 77 and 1234. */
function inGroups(sandbox: Sandbox, ...args: string[]): string {
  const command = ['--groups', '77,1234', '--', ...sandbox.command(...args)]
  const { stdout, stderr } = spawnSync('setpriv', command, { cwd: sandbox.bundle, encoding: 'utf8' })
  return /groups([ \d]*) umask/.exec(stdout)?.[1]?.trim() ?? stderr
}

test('a container keeps its caller’s supplementary groups where the annotation says so', (t) => {
  if (unknown(t)) return
  for (const [value, groups] of [
    ['1', '77 1234'],
    ['true', '77 1234'],
    ['0', '7'],
    [undefined, '7'],
  ] as const) {
    const sandbox = new Sandbox(t, keeping(value))
    t.is(inGroups(sandbox, 'run', sandbox.id), groups, value)
    sandbox.assertClean(t)
  }
})

test('so does one with a user namespace, which has no names for them', (t) => {
  if (unknown(t)) return
  const sandbox = new Sandbox(t, keeping('1', ownUsers))
  openUp(sandbox)
  t.is(inGroups(sandbox, 'run', sandbox.id), '65534 65534')
  sandbox.configure(keeping(undefined, ownUsers))
  t.is(inGroups(sandbox, 'run', sandbox.id), '7')
  sandbox.assertClean(t)
})

for (const user of [false, true]) {
  test(`exec in it keeps those of exec’s caller${user ? ', in its user namespace too' : ''}`, (t) => {
    // crun does the same, but gives the machine's /dev/null, which is its standard input here, to the container's user.
    if (lacks(t, 'runt')) return
    const change = (spec: Spec): void => {
      if (user) ownUsers(spec)
      delete spec.process!.user!.additionalGids
      spec.process!.args = ['inside', 'wait']
    }
    for (const [value, groups] of [
      ['1', user ? '65534 65534' : '77 1234'],
      ['0', ''],
    ] as const) {
      const sandbox = new Sandbox(t, keeping(value, change))
      openUp(sandbox)
      const { status, stderr } = sandbox.detached(['run', '--detach', sandbox.id])
      t.is(status, 0, stderr)
      t.is(inGroups(sandbox, 'exec', sandbox.id, 'inside', 'id'), groups, value)
      t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
      sandbox.assertClean(t)
    }
  })
}
