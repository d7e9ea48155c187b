import test from 'ava'
import { parseSpec } from '../../../src/spec/parse.ts'
import { changed } from './config.ts'

const pidsOf = (ociVersion: string, pids: unknown) => {
  const { spec, problems } = parseSpec(
    JSON.stringify(changed({ '/ociVersion': ociVersion, '/linux/resources/pids': pids })),
  )
  return problems.length > 0 ? problems : spec!.linux!.resources!.pids
}

test('no processes at all mean no limit to configurations of the time when the limit was required', (t) => {
  for (const version of ['1.0.2', '1.0.2-dev', '1.1.0', '1.2.1', '1.2.0+dev']) {
    t.is(pidsOf(version, { limit: 0 }), undefined, version)
    for (const limit of [-1, 1, 2048]) t.deepEqual(pidsOf(version, { limit }), { limit })
  }
})

test('since 1.3 they are a limit', (t) => {
  for (const version of ['1.3.0', '1.3.0-dev', '1.30.0', '1.10.0'])
    t.deepEqual(pidsOf(version, { limit: 0 }), { limit: 0 }, version)
})

test('what is no configuration is left to the schema', (t) => {
  for (const text of [
    '{"linux":{"resources":{"pids":0}}}',
    '{"linux":[{"pids":1}]}',
    '["pids"]',
    '{"linux":{"pids":{}}}',
  ])
    t.not(parseSpec(text).problems.length, 0, text)
})
