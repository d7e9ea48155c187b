import test from 'ava'
import { defaultSpec } from '../../../src/spec/default.ts'
import { checkProcess, checkSpec, locateProblems, parseProcess, parseSpec } from '../../../src/spec/parse.ts'
import { changed, problemsWith, told, warningsWith } from './config.ts'

test('a good configuration comes back as it is', (t) => {
  const { spec, problems, warnings } = parseSpec(JSON.stringify(defaultSpec()))
  t.deepEqual(problems, [])
  t.deepEqual(warnings, [])
  t.deepEqual(spec, defaultSpec())
})

test('a configuration with a problem does not come back', (t) => {
  t.is(parseSpec(JSON.stringify(changed({ '/process/cwd': 'tmp' }))).spec, undefined)
})

for (const [name, text, message] of [
  ['an empty file', '', 'is empty'],
  ['a file of white space', ' \n\t', 'is empty'],
  ['a list', '[]', 'must be an object, is a list'],
  ['null', 'null', 'must be an object, is null'],
  ['a string', '"config"', 'must be an object, is a string ("config")'],
  ['a number', '42', 'must be an object, is a number (42)'],
  ['text that is not JSON', 'ociVersion: 1.0.0', 'is not valid JSON'],
  ['a hundred thousand open lists', '['.repeat(100_000), 'is not valid JSON'],
] as const) {
  test(`${name} is one problem of the whole document`, (t) => {
    for (const parse of [parseSpec, parseProcess]) t.deepEqual(told(parse(text).problems), [` ${message}`])
  })
}

test('deep nesting is a problem, not a stack overflow', (t) => {
  const depth = 100_000
  t.deepEqual(told(parseSpec('['.repeat(depth) + ']'.repeat(depth)).problems), [' must be an object, is a list'])
  const deep = JSON.stringify(defaultSpec()).replace('"sh"', '['.repeat(depth) + ']'.repeat(depth))
  t.deepEqual(told(parseSpec(deep).problems), ['/process/args/0 must be a string, is a list'])
})

test('deep nesting where it is ignored is no problem', (t) => {
  const deep = JSON.stringify(defaultSpec()).replace('{', `{"x":${'['.repeat(100_000)}null,""${']'.repeat(100_000)},`)
  t.deepEqual(parseSpec(deep).problems, [])
})

test('a byte order mark is a warning', (t) => {
  const { spec, warnings } = parseSpec('\ufeff' + JSON.stringify(defaultSpec()))
  t.deepEqual(spec, defaultSpec())
  t.deepEqual(told(warnings), [' starts with a byte order mark, which is ignored'])
})

test('of a name that occurs twice the last value counts', (t) => {
  const text = JSON.stringify(defaultSpec()).replace('"cwd":"/"', '"cwd":42,"cwd":"/tmp"')
  t.is(parseSpec(text).spec?.process?.cwd, '/tmp')
})

test('null in an optional field means that it is absent', (t) => {
  const { spec, problems } = checkSpec(
    changed({
      '/linux/seccomp': null,
      '/mounts/0/options': null,
      '/hostname': null,
      '/process/rlimits': null,
      '/hooks': null,
    }),
  )
  t.deepEqual(problems, [])
  t.false('rlimits' in spec!.process!)
  t.false('hostname' in spec!)
})

test('null in a map of the user is a problem', (t) => {
  t.deepEqual(problemsWith({ '/annotations': { a: null } }), ['/annotations/a must be a string, is null'])
  t.deepEqual(problemsWith({ '/linux/sysctl': { 'net.core.somaxconn': null } }), [
    '/linux/sysctl/net.core.somaxconn must be a string, is null',
  ])
})

test('an empty string in an optional field that has no use for it means that it is absent', (t) => {
  const { spec, problems } = checkSpec(
    changed({
      '/hostname': '',
      '/domainname': '',
      '/process/apparmorProfile': '',
      '/process/selinuxLabel': '',
      '/linux/cgroupsPath': '',
      '/linux/rootfsPropagation': '',
      '/linux/mountLabel': '',
      '/linux/namespaces/0/path': '',
    }),
  )
  t.deepEqual(problems, [])
  t.deepEqual(spec!.linux!.namespaces![0], { type: 'pid' })
  t.false('hostname' in spec!)
  t.false('cgroupsPath' in spec!.linux!)
})

test('all problems are told at once, of the schema and beyond', (t) => {
  t.deepEqual(
    problemsWith({
      '/ociVersion': '2.0.0',
      '/process/cwd': 42,
      '/process/args': [],
      '/linux/namespaces/0/type': 'pids',
      '/linux/maskedPaths/0': 'proc/kcore',
      '/linux/seccomp': { defaultAction: 'SCMP_ACT_ALLOW', listenerMetadata: 'x' },
    }).map((text) => text.split(' ')[0]),
    [
      '/process/cwd',
      '/linux/namespaces/0/type',
      '/ociVersion',
      '/linux/seccomp/listenerMetadata',
      '/linux/maskedPaths/0',
      '/process/args',
    ],
  )
})

test('a pointer has one problem, the most basic', (t) => {
  t.deepEqual(problemsWith({ '/process/user/umask': -1.5 }).length, 1)
  t.deepEqual(problemsWith({ '/process/args': 'a\0b' }), ['/process/args must be a list, is a string ("a\\u0000b")'])
})

test('a million wrong items are told as a thousand problems', (t) => {
  const args = { args: Array.from({ length: 1_000_000 }, () => 1), cwd: '/' }
  t.is(parseProcess(JSON.stringify(args)).problems.length, 1000)
  const env = { args: ['a'], cwd: '/', env: Array.from({ length: 1_000_000 }, () => 'x') }
  t.is(parseProcess(JSON.stringify(env)).problems.length, 1000)
  const rlimits = { args: ['a'], cwd: '/', rlimits: Array.from({ length: 300_000 }, () => ({})) }
  t.is(parseProcess(JSON.stringify(rlimits)).problems.length, 1000)
})

test('the process of exec is checked alone, with pointers that start at it', (t) => {
  const good = { ...defaultSpec().process! }
  t.deepEqual(parseProcess(JSON.stringify(good)), { process: good, problems: [], warnings: [] })
  t.deepEqual(told(parseProcess('{}').problems), ['/cwd is required', '/args is required'])
  const bad = {
    args: ['a\0'],
    cwd: 'tmp',
    rlimits: [{ type: 'RLIMIT_X', soft: 1, hard: 1 }],
    scheduler: { policy: 'SCHED_RR' },
  }
  t.deepEqual(told(checkProcess(bad).problems), [
    '/args/0 must not contain a NUL character',
    '/cwd must be an absolute path, is a string ("tmp")',
    '/rlimits/0/type must be a resource of getrlimit(2), is "RLIMIT_X"',
    '/scheduler/priority is required: at least 1 and at most 99 with SCHED_RR',
  ])
})

test('a name of a built-in property is a name like any other', (t) => {
  const text = JSON.stringify(defaultSpec()).replace(
    '"hostname"',
    '"annotations":{"__proto__":"a","constructor":"b"},"hostname"',
  )
  const { spec, problems } = parseSpec(text)
  t.deepEqual(problems, [])
  t.deepEqual(Object.keys(spec!.annotations!), ['__proto__', 'constructor'])
  t.deepEqual(told(parseSpec('{"__proto__":{"ociVersion":"1.0.0"}}').problems)[0], '/ociVersion is required')
})

test('warnings leave the configuration usable', (t) => {
  const change = { '/mounts/0/destination': 'proc' }
  t.deepEqual(problemsWith(change), [])
  t.is(warningsWith(change).length, 1)
})

test('parse gives problems that locate finds', async (t) => {
  const text = JSON.stringify(changed({ '/process/cwd': 42 }), null, 2)
  const [problem] = await locateProblems(text, parseSpec(text).problems)
  t.regex(text.split('\n')[problem!.line! - 1]!.slice(problem!.column! - 1), /^42/)
})
