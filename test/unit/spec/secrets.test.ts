import test from 'ava'
import { parseProcess, parseSpec } from '../../../src/spec/parse.ts'
import { changed } from './config.ts'

// cve: secrets-in-errors
test('no value of an environment is told in a problem: it may be a secret', (t) => {
  for (const [pointer, value] of [
    ['/process/env/0', 'hunter2'],
    ['/process/env/0', '=hunter2'],
    ['/process/env', 'PASSWORD=hunter2'],
    ['/process/env/0', { hunter2: 1 }],
    ['/process/env/0', 'PASSWORD=hunter2\0'],
    ['/hooks', { prestart: [{ path: '/a', env: 'PASSWORD=hunter2' }] }],
  ] as const) {
    const { problems } = parseSpec(JSON.stringify(changed({ [pointer]: value })))
    t.is(problems.length, 1, JSON.stringify(value))
    t.notRegex(problems[0]!.message, /hunter2/)
  }
  const { problems } = parseProcess(JSON.stringify({ cwd: '/', args: ['a'], env: [12345, true] }))
  t.deepEqual(
    problems.map(({ message }) => message),
    ['must be a string, is a number', 'must be a string, is a boolean'],
  )
})
