import test from 'ava'
import { explainJson, explainPlan } from '../../../src/plan/explain.ts'
import { clone, flagNames, mountAttr } from '../../../src/plan/kernel.ts'
import { PlanBuilder } from '../../../src/plan/plan.ts'
import { stepNames, stepTable } from '../../../src/plan/steps.ts'

function sample(): PlanBuilder {
  const builder = new PlanBuilder()
  builder.plan.cloneFlags = clone.NEWPID | clone.NEWNS
  const start = builder.input('start', '', { kind: 'state', file: 'start' })
  const tmp = builder.register('/tmp')
  builder.add('newMount', '/mounts/3', {
    dst: tmp,
    type: 'tmpfs',
    source: 'x',
    parameters: ['size=1m'],
    attributes: mountAttr.RDONLY | mountAttr.NOSUID,
  })
  builder.add('close', '/mounts/3', { fd: tmp })
  builder.add('close', '/mounts/3', { fd: start })
  return builder
}

test('flags have their names, and bits without one are shown too', (t) => {
  t.is(flagNames(5, { A: 1, B: 2, C: 4 }), 'A|C')
  t.is(flagNames(9n, { A: 1 }, 'X_'), 'X_A|0x8')
  t.is(flagNames(0, { A: 1 }), '0')
})

test('a line says what is done, with which call, for which field', (t) => {
  const text = explainPlan(sample().plan)
  t.regex(text, /clone3 flags CLONE_NEWNS\|CLONE_NEWPID/)
  t.regex(text, /r0 start = open start in the state directory/)
  t.regex(
    text,
    /^ {2}0 {2}mounts\[3\] +r1 \/tmp = newMount type tmpfs, source x, parameters \[size=1m\], attributes RDONLY\|NOSUID {2}\(fsopen, fsconfig, fsmount\)$/m,
  )
  t.regex(text, /^ {2}1 {2}mounts\[3\] +close r1, r0$/m)
})

test('the JSON has every step, its origin and its flags by their full names', (t) => {
  t.deepEqual(explainJson(sample().plan), {
    clone: ['CLONE_NEWNS', 'CLONE_NEWPID'],
    inputs: [{ register: 'r0 start', origin: '', source: 'open start in the state directory' }],
    preserveFds: 0,
    steps: [
      {
        op: 'newMount',
        origin: '/mounts/3',
        calls: 'fsopen, fsconfig, fsmount',
        arguments: {
          dst: 'r1 /tmp',
          type: 'tmpfs',
          source: 'x',
          parameters: ['size=1m'],
          attributes: 'MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOSUID',
        },
      },
      { op: 'close', origin: '/mounts/3', calls: 'close', arguments: { fd: 'r1 /tmp' } },
      { op: 'close', origin: '/mounts/3', calls: 'close', arguments: { fd: 'r0 start' } },
    ],
  })
})

test('numbers of 64 bits can be written as JSON', (t) => {
  const builder = new PlanBuilder()
  builder.add('rlimit', '', { resource: 7, soft: 1024n, hard: (1n << 64n) - 1n })
  builder.add('boundingSet', '', { mask: 1n << 40n })
  const { steps } = explainJson(builder.plan)
  t.deepEqual(steps[0]!.arguments, { resource: 'RLIMIT_NOFILE', soft: '1024', hard: 'unlimited' })
  t.deepEqual(steps[1]!.arguments, { mask: ['CAP_CHECKPOINT_RESTORE'] })
  t.notThrows(() => JSON.stringify(steps))
})

test("what a configuration contains cannot write to the reader's terminal", (t) => {
  const builder = new PlanBuilder()
  builder.input('\u009bx', '/linux/namespaces/0/path', { kind: 'path', path: '/\u001b[1m', flags: 'readOnly' })
  builder.add('sethostname', '/hostname', { name: 'a\u001b[2Jb\n  0  fake' })
  builder.add('writeProc', '/linux/sysctl/\u001b[1m', { proc: builder.register('\u001b[3m'), path: 'x', text: 'y' })
  const text = explainPlan(builder.plan)
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  t.notRegex(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  t.is(text.split('\n').length, 7)
})

test('every step of the table can be explained', (t) => {
  for (const op of stepNames) {
    const fields = Object.entries(stepTable[op].fields).map(([name, kind]) => {
      return [name, { str: 'text', strs: ['a', 'b'], bytes: new Uint8Array(8), regs: [0] }[kind as string] ?? 0]
    })
    const step = { op, origin: '/x', ...Object.fromEntries(fields) } as never
    const plan = { cloneFlags: 0, inputs: [], registers: ['only'], preserveFds: 0, steps: [step] }
    t.regex(explainPlan(plan), new RegExp(op))
  }
})
