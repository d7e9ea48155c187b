import test from 'ava'
import { locateProblems } from '../../../src/spec/locate.ts'
import { parseSpec } from '../../../src/spec/parse.ts'

const at = async (text: string, pointer: string): Promise<string> => {
  const [problem] = await locateProblems(text, [{ pointer, message: 'm' }])
  return `${problem!.line}:${problem!.column}`
}

const text = '{\n  "a": 1,\n  "b": [\n    {"c/d": true},\r\n    {"~": [[], [5]]}\n  ]\n}\n'

for (const [pointer, place] of [
  ['', '1:1'],
  ['/a', '2:8'],
  ['/b', '3:8'],
  ['/b/0', '4:5'],
  ['/b/0/c~1d', '4:13'],
  ['/b/1/~0/1/0', '5:17'],
  ['/b/1/~0/0', '5:12'],
] as const) {
  test(`the value at "${pointer}" is at ${place}`, async (t) => t.is(await at(text, pointer), place))
}

for (const [pointer, around, place] of [
  ['/x', '', '1:1'],
  ['/a/x/y', '/a', '2:8'],
  ['/b/0/x', '/b/0', '4:5'],
  ['/b/7/type', '/b', '3:8'],
] as const) {
  test(`"${pointer}", which is missing, is placed at "${around}"`, async (t) => t.is(await at(text, pointer), place))
}

for (const [name, bad, place, message, hint] of [
  ['a file that ends early', '{"a": [1, 2', '1:12', 'expected "," or "]", found the end of the file', undefined],
  ['a missing colon', '{\n"a" 1}', '2:5', 'expected ":", found "1"', undefined],
  ['a missing comma', '{"a": 1\n"b": 2}', '2:1', 'expected "," or "}", found "b"', undefined],
  [
    'a comma before }',
    '{"a": 1,\n}',
    '2:1',
    'expected a name in double quotes, found "}"',
    'remove the comma before it',
  ],
  ['a comma before ]', '[1,\n]', '2:1', 'expected a value, found "]"', 'remove the comma before it'],
  ['a comma at the start', '[,1]', '1:2', 'expected a value or "]", found ","', undefined],
  [
    'single quotes',
    "{'a': 1}",
    '1:2',
    'expected a name in double quotes or "}", found "\'a\'"',
    'strings are in double quotes',
  ],
  ['a bare name', '{a: 1}', '1:2', 'expected a name in double quotes or "}", found "a"', undefined],
  ['a word', '{"a": yes}', '1:7', 'expected a value, found "yes"', undefined],
  ['a number as a name', '{1: 2}', '1:2', 'expected a name in double quotes or "}", found "1"', undefined],
  ['a line comment', '{"a": 1 // one\n}', '1:9', 'a comment is not allowed', undefined],
  ['a block comment', '/* config */ {}', '1:1', 'a comment is not allowed', undefined],
  ['an open string', '{"a": "b\n}', '1:7', 'a string has no end', undefined],
  ['an unknown escape', '{"a": "\\x"}', '1:7', 'a string has an unknown escape', undefined],
  ['a bad \\u escape', '{"a": "\\u12G4"}', '1:7', 'a \\u escape needs four hexadecimal digits', undefined],
  [
    'a tab in a string',
    '{"a": "\t"}',
    '1:7',
    'a string has a control character, which must be written as an escape',
    undefined,
  ],
  ['a number without digits', '{"a": 1.}', '1:7', 'a number has no end', undefined],
  ['a leading zero', '[01]', '1:3', 'expected "," or "]", found "1"', undefined],
  ['a leading plus', '[+1]', '1:2', 'expected a value or "]", found "+1"', undefined],
  ['more after the end', '{}\n{}', '2:1', 'expected the end of the file, found "{"', undefined],
  ['a wrong bracket', '{"a": [1}', '1:9', 'expected "," or "]", found "}"', undefined],
  ['a lone bracket', ']', '1:1', 'expected a value, found "]"', undefined],
] as const) {
  test(`${name} is told with its place`, async (t) => {
    const { problems } = parseSpec(bad)
    t.is(problems[0]?.message, 'is not valid JSON')
    const [problem, ...more] = await locateProblems(bad, problems)
    t.deepEqual(more, [])
    t.is(problem!.message, `is not valid JSON: ${message}`)
    t.is(`${problem!.line}:${problem!.column}`, place)
    t.is(problem!.hint, hint)
  })
}

test('text is told to be wrong exactly where JSON.parse refuses it', async (t) => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '1',
    '-',
    '0',
    'true',
    'null',
    ' ',
    '\n',
    '.5',
    'e1',
    '"\\u0041"',
    '\u00a0',
    '/',
    '\\',
  ]
  let state = 1
  const random = (limit: number): number => (state = (state * 48271) % 2147483647) % limit
  let valid = 0
  for (let round = 0; round < 20_000; round++) {
    const json = Array.from({ length: 1 + random(6) }, () => pieces[random(pieces.length)]!).join('')
    if (json.trim() === '') continue
    let parses = true
    try {
      JSON.parse(json)
      valid++
    } catch {
      parses = false
    }
    const [problem] = await locateProblems(json, [{ pointer: '', message: 'm' }])
    t.is(problem!.message === 'm', parses, JSON.stringify(json))
  }
  t.true(valid > 100)
})

test('a byte order mark does not count as a column', async (t) => t.is(await at('\ufeff{"a": 1}', '/a'), '1:7'))

test('an empty file has its problem at the start', async (t) => t.is(await at('', ''), '1:1'))

test('of a name that occurs twice the last value is meant, and the hint says so', async (t) => {
  const twice = '{"a": {"b": 1},\n "a": {"c": 2}}'
  const [c, b] = await locateProblems(twice, [
    { pointer: '/a', message: 'm' },
    { pointer: '/a/b', message: 'm' },
  ])
  t.like(c, { line: 2, column: 7, hint: 'the name occurs twice; the last one counts' })
  t.like(b, { line: 2, column: 7 })
})

test('nesting of any depth is walked', async (t) => {
  const depth = 200_000
  const deep = '['.repeat(depth) + ']'.repeat(depth)
  t.is(await at(deep, '/0/0'), '1:3')
  const [problem] = await locateProblems('['.repeat(depth), [{ pointer: '', message: 'm' }])
  t.is(problem!.column, depth + 1)
})

test('problems keep their order, sentences and hints', async (t) => {
  const problems = [
    { pointer: '/b', message: 'two', hint: 'h' },
    { pointer: '/a', message: 'one' },
  ]
  t.deepEqual(await locateProblems(text, problems), [
    { pointer: '/b', message: 'two', hint: 'h', line: 3, column: 8 },
    { pointer: '/a', message: 'one', line: 2, column: 8 },
  ])
})

test('a text of millions of tokens is not looked at to its end', async (t) => {
  for (const text of ['['.repeat(8_000_000), `[${'0,'.repeat(4_000_000)}`]) {
    const [problem, ...more] = await locateProblems(text, [{ pointer: '', message: 'is not valid JSON' }])
    const [line, column] = [1, 1]
    const hint = 'only its first 500000 tokens were looked at, up to line 1, column 500000'
    t.deepEqual([problem, more], [{ pointer: '', message: 'is not valid JSON', line, column, hint }, []])
  }
  const long = `{"a":[${'0,'.repeat(400_000)}0],"b":1}`
  const [b] = await locateProblems(long, [{ pointer: '/b', message: 'm' }])
  t.like(b, { line: 1, column: 1 })
})
