import test from 'ava'
import { PlanBuilder } from '../../src/plan/plan.ts'
import { runPlan } from './machine.ts'

const CLONE_NEWNET = 0x40000000
const CLONE_NEWUSER = 0x10000000
const CLONE_NEWUTS = 0x04000000

// A user namespace of its own gives an ordinary user what these steps need.
function withProgram(builder: PlanBuilder, script: string): PlanBuilder {
  builder.add('program', '', { args: ['sh', '-c', script], env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] })
  builder.add('exec', '', { preserve: 0 })
  return builder
}

test('names are set in a new UTS namespace', async (t) => {
  const builder = new PlanBuilder()
  builder.add('unshare', '', { flags: CLONE_NEWUSER | CLONE_NEWUTS })
  builder.add('sethostname', '/hostname', { name: 'web' })
  builder.add('setdomainname', '/domainname', { name: 'example' })
  withProgram(builder, 'cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname')
  t.is((await runPlan(builder.plan)).stdout, 'web\nexample\n')
})

test('the loopback interface of a new network namespace comes up', async (t) => {
  // The kernel routes 127.0.0.1 while, and only while, the interface is up.
  const routed = async (up: boolean): Promise<string> => {
    const builder = new PlanBuilder()
    builder.add('unshare', '', { flags: CLONE_NEWUSER | CLONE_NEWNET })
    if (up) builder.add('loopback', '', {})
    withProgram(builder, 'grep -q 127.0.0.1 /proc/net/fib_trie && echo routed || echo unreachable')
    return (await runPlan(builder.plan)).stdout
  }
  t.is(await routed(true), 'routed\n')
  t.is(await routed(false), 'unreachable\n')
})

test('a fork tells the pid, and the plan goes on in the new process', async (t) => {
  const builder = new PlanBuilder()
  builder.add('fork', '', { flags: 0 })
  withProgram(builder, 'echo $$')
  const { messages, stdout } = await runPlan(builder.plan)
  t.is(messages[0]?.type, 'forked')
  t.is(stdout, `${messages[0]?.value}\n`)
})

test('a system call that the kernel refuses names itself and its step', async (t) => {
  const builder = new PlanBuilder()
  builder.add('umask', '', { mask: 0 })
  const dir = builder.register('dir')
  builder.add('openTree', '/mounts/0', { dst: dir, path: '/no/such/source', flags: 0 })
  const { status, messages } = await runPlan(builder.plan)
  t.is(status, 1)
  t.like(messages[0], { type: 'failed', value: 1, syscall: 'open_tree', subject: '/no/such/source' })
})
