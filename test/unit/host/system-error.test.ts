import test from 'ava'
import { SystemError } from '../../../src/errors.ts'
import { asSystemError, throwingSystemErrors } from '../../../src/host/system-error.ts'

const facts = { code: 'ENOENT', errno: 2, syscall: 'open', path: '/missing' }

test('an error with the facts of a system call becomes a SystemError with the same facts', (t) => {
  const error = asSystemError(Object.assign(new Error('open /missing: ENOENT'), facts))
  t.true(error instanceof SystemError)
  t.like(error, facts)
})

test('a fact that is missing is no SystemError', (t) => {
  for (const name of ['code', 'errno', 'syscall'] as const) {
    const thrown = Object.assign(new Error('x'), facts, { [name]: undefined })
    t.is(asSystemError(thrown), thrown, name)
  }
})

test('a path is not needed', (t) => {
  const error = asSystemError(Object.assign(new Error('x'), { ...facts, path: undefined }))
  t.true(error instanceof SystemError)
  t.is((error as SystemError).path, undefined)
})

test('what is not an error of a system call passes unchanged', (t) => {
  for (const thrown of [new TypeError('argument'), 'text', undefined, facts]) t.is(asSystemError(thrown), thrown)
})

test('a wrapped function returns what it returned, and throws SystemError', (t) => {
  const divide = throwingSystemErrors((a: number, b: number) => {
    if (b === 0) throw Object.assign(new Error('divide'), { code: 'EDOM', errno: 33, syscall: 'divide' })
    return a / b
  })
  t.is(divide(6, 3), 2)
  const error = t.throws(() => divide(1, 0), { instanceOf: SystemError })
  t.is(error.code, 'EDOM')
})
