import test from 'ava'
import { needsHome, uniqueEnvironment } from '../../../src/process/environment.ts'

test('of variables with one name the last is left, at its place', (t) => {
  t.deepEqual(uniqueEnvironment(['A=1', 'B=2', 'A=3', 'AB=4']), ['B=2', 'A=3', 'AB=4'])
  t.deepEqual(uniqueEnvironment(['A=x=y', 'A=']), ['A='])
})

test('HOME is looked up when it is missing or empty, and not when the last one is set', (t) => {
  t.true(needsHome(['PATH=/bin']))
  t.true(needsHome(['HOME=']))
  t.true(needsHome(['HOME=/a', 'HOME=']))
  t.false(needsHome(['HOME=', 'HOME=/a']))
  t.true(needsHome(['HOMER=/a']))
})
