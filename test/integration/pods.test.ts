import test from 'ava'
import { readFileSync, readlinkSync } from 'node:fs'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { eventually, lacks, runtime, Sandbox } from './harness.ts'

const shared: Readonly<Record<string, string>> = { network: 'net', ipc: 'ipc', uts: 'uts', pid: 'pid', user: 'user' }

function join(spec: Spec, pid: number): void {
  for (const namespace of spec.linux!.namespaces!) {
    const file = shared[namespace.type]
    if (file !== undefined) namespace.path = `/proc/${pid}/ns/${file}`
  }
  delete spec.hostname
  delete spec.linux!.uidMappings
  delete spec.linux!.gidMappings
}

const maps = [{ containerID: 0, hostID: 0, size: 65_536 }]

for (const user of [false, true]) {
  const own = (spec: Spec): void => {
    if (user) spec.linux!.namespaces!.push({ type: 'user' })
    if (user) spec.linux!.uidMappings = spec.linux!.gidMappings = maps
  }
  // covers: /linux/namespaces/*/path, config-linux.md#namespaces/joined
  test(`two containers join the sandbox of their pod${user ? ' and its user namespace' : ''}`, async (t) => {
    if (runtime === 'runc' && user) {
      t.pass('Debian 12’s runc wants mappings for a user namespace that is joined')
      return
    }
    const pod = new Sandbox(t, (spec) => {
      own(spec)
      spec.hostname = 'pod'
      spec.linux!.sysctl = { 'kernel.shmmni': '1234' }
      spec.process!.args = ['inside', 'wait']
    })
    t.is(pod.detached(['run', '--detach', pod.id]).status, 0, pod.output())
    const { pid } = pod.state()
    const first = new Sandbox(t, (spec) => {
      own(spec)
      join(spec, pid)
      spec.process!.args = ['inside', 'wait']
    })
    const started = first.detached(['run', '--detach', first.id])
    t.is(started.status, 0, started.stderr)
    const member = first.state().pid
    for (const [type, file] of Object.entries(shared)) {
      const same = readlinkSync(`/proc/${member}/ns/${file}`) === readlinkSync(`/proc/${pid}/ns/${file}`)
      t.true(same, type)
    }
    // As the pod sees it: runc makes other processes there before.
    const inPod = /^NSpid:.*\t(\d+)$/m.exec(readFileSync(`/proc/${member}/status`, 'utf8'))![1]!
    t.not(readlinkSync(`/proc/${member}/ns/mnt`), readlinkSync(`/proc/${pid}/ns/mnt`))
    const second = new Sandbox(t, (spec) => {
      own(spec)
      join(spec, pid)
      const see = ['cat', '/proc/1/comm', '--', 'uname', '--', 'cat', '/proc/sys/kernel/shmmni', '--', 'cat']
      spec.process!.args = ['inside', ...see, `/proc/${inPod}/comm`]
    })
    const { status, stdout, stderr } = second.runContainer()
    t.is(status, 0, stderr)
    t.regex(stdout, /^inside\npod .*\n1234\ninside$/m)
    const executed = first.run(['exec', first.id, 'inside', 'uname', '--', 'cat', '/proc/1/comm'])
    t.regex(executed.stdout, /^pod .*\ninside$/m, executed.stderr)
    t.is(first.run(['kill', first.id, 'KILL']).status, 0)
    await eventually(() => first.state().status === 'stopped', 'the member is stopped')
    t.is(pod.state().status, 'running', 'the others go on')
    t.is(first.run(['delete', first.id]).status, 0)
    t.is(pod.run(['delete', '--force', pod.id]).status, 0)
    for (const sandbox of [pod, first, second]) sandbox.assertClean(t)
  })
}

test('a name for the machine’s own uts namespace is refused', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.linux!.namespaces!.find(({ type }) => type === 'uts')!.path = '/proc/self/ns/uts'
    spec.domainname = 'elsewhere'
  })
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /hostname must not be set: the uts namespace of the container is the machine's/)
  t.regex(stderr, /domainname must not be set/)
  sandbox.assertClean(t)
})
