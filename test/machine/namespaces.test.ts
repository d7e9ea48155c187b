import test from 'ava'
import { hostname } from 'node:os'
import type { Register } from '../../src/plan/fields.ts'
import { PlanBuilder } from '../../src/plan/plan.ts'
import { runPlan } from './machine.ts'
import { lacksRoot } from './workbench.ts'

const [EPERM, EINVAL] = [1, 22]

const CLONE_NEWNET = 0x40000000
const CLONE_NEWUSER = 0x10000000
const CLONE_NEWUTS = 0x04000000

// A user namespace of its own gives an ordinary user what these steps need.
function withProgram(builder: PlanBuilder, script: string): PlanBuilder {
  builder.add('program', '', { args: ['sh', '-c', script], env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] })
  builder.add('exec', '', {})
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

/** A plan with a descriptor of a namespace of this process in its first register. */
function withNamespace(type: string): { builder: PlanBuilder; fd: Register; inputs: string[] } {
  const builder = new PlanBuilder()
  const file = `/proc/self/ns/${type}`
  const fd = builder.input(type, '', { kind: 'path', path: file, flags: 'readOnly' })
  return { builder, fd, inputs: [file] }
}

/** No capability at all: the kernel says EPERM to setns(2). */
function dropCapabilities(builder: PlanBuilder): void {
  builder.add('capabilities', '', { effective: 0, permitted: 0, inheritable: 0 })
}

test('a namespace is joined, and its register is empty then', async (t) => {
  if (lacksRoot(t)) return
  const { builder, fd, inputs } = withNamespace('uts')
  builder.add('unshare', '', { flags: CLONE_NEWUTS })
  builder.add('sethostname', '', { name: 'web' })
  builder.add('setns', '', { fd, type: CLONE_NEWUTS, mode: 0 })
  // Joined already: mode 2 does nothing, with no capability either.
  dropCapabilities(builder)
  builder.add('setns', '', { fd, type: CLONE_NEWUTS, mode: 2 })
  withProgram(builder, 'cat /proc/sys/kernel/hostname')
  t.is((await runPlan(builder.plan, { inputs })).stdout, `${hostname()}\n`)
})

test('a namespace of another type, and what is none, is not joined', async (t) => {
  for (const [file, mode] of [
    ['net', 0],
    ['net', 1],
    ['../comm', 0],
    ['../comm', 2],
  ] as const) {
    const { builder, fd, inputs } = withNamespace(file)
    builder.add('setns', '', { fd, type: CLONE_NEWUTS, mode })
    t.like((await runPlan(builder.plan, { inputs })).messages[0], { errno: EINVAL, syscall: 'setns', value: 0 })
  }
})

test('a namespace that may not be joined yet is kept for later, and must be joined then', async (t) => {
  const { builder, fd, inputs } = withNamespace('uts')
  dropCapabilities(builder)
  builder.add('setns', '', { fd, type: CLONE_NEWUTS, mode: 1 })
  builder.add('setns', '', { fd, type: CLONE_NEWUTS, mode: 2 })
  t.like((await runPlan(builder.plan, { inputs })).messages[0], { errno: EPERM, syscall: 'setns', value: 2 })
  const must = withNamespace('uts')
  dropCapabilities(must.builder)
  must.builder.add('setns', '', { fd: must.fd, type: CLONE_NEWUTS, mode: 0 })
  t.like((await runPlan(must.builder.plan, must)).messages[0], { errno: EPERM, syscall: 'setns', value: 1 })
})
