import test from 'ava'
import { parseList } from '../../../src/spec/lists.ts'
import { parseSpec } from '../../../src/spec/parse.ts'
import { changed, problemsWith, told } from './config.ts'

test('a list of processors is read as the kernel reads it', (t) => {
  t.deepEqual(parseList('0-3,7', 100), [0, 1, 2, 3, 7])
  t.deepEqual(parseList('', 100), [])
  t.deepEqual(parseList(' 5 , 1-2,, 2-3,', 100), [1, 2, 3, 5])
  t.deepEqual(parseList('99', 100), [99])
  for (const text of ['a', '1-', '-1', '1-2-3', '0x1', '1.5', '1;2', '1 2', '99999999999', '~0'])
    t.is(parseList(text, 100), `must be a list like "0-3,7", has ${JSON.stringify(text)}`)
  t.is(parseList('0,3-1', 100), 'must have ranges that ascend, has "3-1"')
  t.is(parseList('0-100', 100), 'must have numbers below 100, has 100')
})

/** Problems with process.scheduler, without its name. */
function scheduler(value: object): string[] {
  return problemsWith({ '/process/scheduler': value }).map((text) => text.replace('/process/scheduler/', ''))
}

// covers: /process/scheduler/policy, /process/scheduler/nice, /process/scheduler/priority
test('a scheduler has what its policy knows, within the bounds of the kernel', (t) => {
  t.deepEqual(scheduler({ policy: 'SCHED_OTHER', nice: -20 }), [])
  t.deepEqual(scheduler({ policy: 'SCHED_ISO' }), [])
  t.deepEqual(scheduler({ policy: 'SCHED_BATCH', nice: 20 }), [
    'nice must be at least -20 and at most 19, is a number (20)',
  ])
  t.deepEqual(scheduler({ policy: 'SCHED_OTHER', nice: -21, priority: 1 }), [
    'nice must be at least -20 and at most 19, is a number (-21)',
    'priority must be 0 with SCHED_OTHER, is a number (1)',
  ])
  t.deepEqual(scheduler({ policy: 'SCHED_FIFO', priority: 100 }), [
    'priority must be at least 1 and at most 99 with SCHED_FIFO, is a number (100)',
  ])
  t.deepEqual(scheduler({ policy: 'SCHED_FIFO', priority: 0 }), [
    'priority must be at least 1 and at most 99 with SCHED_FIFO, is a number (0)',
  ])
  t.deepEqual(scheduler({ policy: 'SCHED_RR' }), ['priority is required: at least 1 and at most 99 with SCHED_RR'])
  t.regex(scheduler({ policy: 'SCHED_X' })[0]!, /^policy must be/)
  t.regex(scheduler({ policy: 'SCHED_OTHER', flags: ['SCHED_FLAG_X'] })[0]!, /^flags\/0 must be/)
  t.regex(scheduler({})[0]!, /policy is required/)
})

// covers: /process/scheduler/runtime, /process/scheduler/deadline, /process/scheduler/period
test('only SCHED_DEADLINE has times, and they are in order', (t) => {
  t.deepEqual(scheduler({ policy: 'SCHED_DEADLINE', runtime: 1024, deadline: 2000, period: 3000 }), [])
  t.deepEqual(scheduler({ policy: 'SCHED_DEADLINE', runtime: 1024, deadline: 2000 }), [])
  t.deepEqual(scheduler({ policy: 'SCHED_DEADLINE' }), [
    'runtime is required: at least 1024 nanoseconds with SCHED_DEADLINE',
    'deadline is required: at least the runtime with SCHED_DEADLINE',
  ])
  t.deepEqual(scheduler({ policy: 'SCHED_DEADLINE', runtime: 1000, deadline: 900, period: 10, priority: 4 }), [
    'priority must be 0 with SCHED_DEADLINE, is a number (4)',
    'runtime must be at least 1024 nanoseconds with SCHED_DEADLINE, is a number (1000)',
    'deadline must be at least the runtime with SCHED_DEADLINE, is a number (900)',
    'period must be at least the deadline (900), is a number (10)',
  ])
  t.deepEqual(scheduler({ policy: 'SCHED_OTHER', runtime: 1, deadline: 0, period: 3 }), [
    'runtime must be 0 with SCHED_OTHER, is a number (1)',
    'period must be 0 with SCHED_OTHER, is a number (3)',
  ])
})

test('a nice value that has no effect is a warning', (t) => {
  const text = JSON.stringify(changed({ '/process/scheduler': { policy: 'SCHED_FIFO', priority: 1, nice: 3 } }))
  const { problems, warnings } = parseSpec(text)
  t.deepEqual(problems, [])
  t.deepEqual(told(warnings), ['/process/scheduler/nice has no effect with SCHED_FIFO'])
})

// covers: /process/ioPriority/class, /process/ioPriority/priority
test('an I/O priority is from 0 to 7, in a class', (t) => {
  t.deepEqual(problemsWith({ '/process/ioPriority': { class: 'IOPRIO_CLASS_BE', priority: 8 } }), [
    '/process/ioPriority/priority must be at least 0 and at most 7, is a number (8)',
  ])
  t.deepEqual(problemsWith({ '/process/ioPriority': { class: 'IOPRIO_CLASS_RT', priority: -1 } }).length, 1)
  t.regex(
    problemsWith({ '/process/ioPriority': { class: 'x', priority: 1 } })[0]!,
    /^\/process\/ioPriority\/class must/,
  )
  t.regex(problemsWith({ '/process/ioPriority': { priority: 1 } })[0]!, /class is required/)
})

// covers: /process/execCPUAffinity/initial, /process/execCPUAffinity/final
test('processors for exec are lists', (t) => {
  t.deepEqual(problemsWith({ '/process/execCPUAffinity': { initial: 'x', final: '3-1' } }), [
    '/process/execCPUAffinity/initial must be a list like "0-3,7", has "x"',
    '/process/execCPUAffinity/final must have ranges that ascend, has "3-1"',
  ])
})

// covers: /linux/memoryPolicy/mode, /linux/memoryPolicy/nodes, /linux/memoryPolicy/flags
test('a memory policy has nodes and flags if its mode takes them', (t) => {
  const policy = (value: object): string[] =>
    problemsWith({ '/linux/memoryPolicy': value }).map((text) => text.replace('/linux/memoryPolicy/', ''))
  t.deepEqual(policy({ mode: 'MPOL_LOCAL', nodes: '' }), [])
  t.deepEqual(policy({ mode: 'MPOL_PREFERRED', nodes: '' }), [])
  t.deepEqual(policy({ mode: 'MPOL_WEIGHTED_INTERLEAVE', nodes: '0-3', flags: ['MPOL_F_RELATIVE_NODES'] }), [])
  t.deepEqual(policy({ mode: 'MPOL_BIND' }), ['nodes is required with MPOL_BIND'])
  t.deepEqual(policy({ mode: 'MPOL_INTERLEAVE', nodes: '' }), ['nodes must name a node with MPOL_INTERLEAVE'])
  t.deepEqual(policy({ mode: 'MPOL_DEFAULT', nodes: '0' }), ['nodes must be empty with MPOL_DEFAULT'])
  t.deepEqual(policy({ mode: 'MPOL_BIND', nodes: '1024' }), ['nodes must have numbers below 1024, has 1024'])
  t.deepEqual(policy({ mode: 'MPOL_LOCAL', flags: ['MPOL_F_STATIC_NODES'] }), [
    'flags/0 must not be there: MPOL_LOCAL has no flags',
  ])
  t.deepEqual(policy({ mode: 'MPOL_PREFERRED', flags: ['MPOL_F_STATIC_NODES'] }), [
    'flags/0 must not be there without nodes',
  ])
  t.deepEqual(policy({ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES', 'MPOL_F_RELATIVE_NODES'] }), [
    'flags/0 must not be together with MPOL_F_RELATIVE_NODES',
  ])
  t.regex(policy({ mode: 'MPOL_X' })[0]!, /^mode must be/)
})

// covers: /linux/personality/flags, /linux/personality/domain
test('no flag of a personality is defined', (t) => {
  t.deepEqual(problemsWith({ '/linux/personality': { domain: 'LINUX', flags: [] } }), [])
  t.deepEqual(problemsWith({ '/linux/personality': { domain: 'LINUX32', flags: ['ADDR_NO_RANDOMIZE'] } }), [
    '/linux/personality/flags/0 must not be there: no flag is defined',
  ])
  t.regex(problemsWith({ '/linux/personality': { domain: 'BSD' } })[0]!, /^\/linux\/personality\/domain must/)
})
