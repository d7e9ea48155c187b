/** Steps on scheduling and on the process's own files, with what a plan may have got wrong. */
import test from 'ava'
import { readlinkSync } from 'node:fs'
import { PlanBuilder } from '../../src/plan/plan.ts'
import type { StepName, StepOf } from '../../src/plan/steps.ts'
import { runPlan, type Outcome } from './machine.ts'

/** Runs one step, then a program that tells what came of it. */
function after<N extends StepName>(
  op: N,
  fields: Omit<StepOf<N>, 'op' | 'origin'>,
  args: string[],
  inputs: string[] = [],
): Promise<Outcome> {
  const plan = new PlanBuilder()
  for (const path of inputs) plan.input(path, '', { kind: 'path', path, flags: 'path' })
  plan.add(op, '', fields)
  plan.add('program', '', { args, env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C'] })
  plan.add('exec', '', { preserve: 0 })
  return runPlan(plan.plan, { inputs })
}

const ESTALE = 116
const EXDEV = 18
const EINVAL = 22
const ENOENT = 2

test('processors are those of the list', async (t) => {
  const grep = ['grep', 'Cpus_allowed_list', '/proc/self/status']
  t.is((await after('cpuAffinity', { cpus: ['0'] }, grep)).stdout, 'Cpus_allowed_list:\t0\n')
  t.regex((await after('cpuAffinity', { cpus: [] }, grep)).stdout, /^Cpus_allowed_list:\t0/)
})

test('processors and nodes that are no numbers, or larger than any kernel takes, are refused', async (t) => {
  for (const cpus of [['x'], ['0', ''], ['-1'], ['8192'], ['99999999999999999999']]) {
    const { messages } = await after('cpuAffinity', { cpus }, ['true'])
    t.like(messages, [{ type: 'failed', errno: EINVAL, syscall: 'sched_setaffinity' }], cpus.join())
  }
  for (const nodes of [['x'], ['1024'], ['0x1']]) {
    const { messages } = await after('memoryPolicy', { mode: 2, nodes }, ['true'])
    t.like(messages, [{ type: 'failed', errno: EINVAL, syscall: 'set_mempolicy' }], nodes.join())
  }
})

test('a scheduler, an I/O class and a personality that the kernel does not have are told with the call', async (t) => {
  const attributes = { flags: 0, nice: 0, priority: 0, runtime: 0, deadline: 0, period: 0 }
  const iso = await after('scheduler', { policy: 4, ...attributes }, ['true'])
  t.like(iso.messages, [{ type: 'failed', errno: EINVAL, syscall: 'sched_setattr' }])
  const io = await after('ioPriority', { ioClass: 7, priority: 0 }, ['true'])
  t.like(io.messages, [{ type: 'failed', errno: EINVAL, syscall: 'ioprio_set' }])
  const nice = await after('scheduler', { policy: 0, ...attributes, nice: 4 }, ['nice'])
  t.is(nice.stdout, '4\n')
})

test('the process’s own files are found through any procfs, and through nothing else', async (t) => {
  const proc = 0 as never
  const read = ['cat', '/proc/self/oom_score_adj']
  const written = await after('writeSelf', { proc, path: 'oom_score_adj', text: '77' }, read, ['/proc'])
  t.is(written.stdout, '77\n')
  for (const [place, errno] of [
    ['/tmp', EXDEV],
    ['/sys', EXDEV],
    // A part of a procfs is none.
    ['/proc/1', EXDEV],
  ] as const) {
    const { messages } = await after('writeSelf', { proc, path: 'oom_score_adj', text: '1' }, read, [place])
    t.like(messages, [{ type: 'failed', errno }], place)
  }
  for (const [path, code] of [
    ['attr/no-such', ENOENT],
    ['../sys/kernel/hostname', EXDEV],
    ['root/etc/passwd', 40],
    ['fd/1', 40],
  ] as const) {
    const { messages } = await after('writeSelf', { proc, path, text: 'x' }, read, ['/proc'])
    t.like(messages, [{ type: 'failed', errno: code }], path)
  }
})

test('a namespace that is not the expected one stops the plan', async (t) => {
  const proc = 0 as never
  const own = readlinkSync('/proc/self/ns/mnt')
  const uts = readlinkSync('/proc/self/ns/uts')
  const verify = (links: string[]): Promise<Outcome> =>
    after('verifySelf', { proc, links }, ['echo', 'here'], ['/proc'])
  t.is((await verify(['ns/mnt', own, 'ns/uts', uts])).stdout, 'here\n')
  const other = await verify(['ns/mnt', own, 'ns/uts', 'uts:[1]'])
  t.like(other.messages, [{ type: 'failed', errno: ESTALE, subject: 'ns/uts' }])
  t.is(other.messages[0]!.detail.toString(), uts)
  t.like((await verify(['ns/none', own])).messages, [{ type: 'failed', errno: ENOENT }])
  t.like((await verify(['ns/mnt'])).messages, [{ type: 'failed', errno: EINVAL }])
})
