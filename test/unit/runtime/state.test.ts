import test from 'ava'
import { decodeState, encodeState, type SavedState } from '../../../src/runtime/state.ts'

const state: SavedState = {
  format: 1,
  id: 'web',
  bundle: '/b',
  rootfs: '/b/rootfs',
  created: '2026-01-02T03:04:05Z',
  annotations: {},
  owner: 0,
  phase: 'created',
  pid: 12,
  startTime: 34,
  namespaces: 0,
  ownPids: true,
  keyring: '_ses.web.1',
  lateFrom: 3,
  lateSteps: [{ op: 'exec', origin: '/process/args' }],
}

test('a state is read as it was written', (t) => {
  t.deepEqual(decodeState(encodeState(state), 'state.json'), state)
})

test('a damaged state is told, with the way out', (t) => {
  for (const text of ['', '{', 'null', '[]', '1', '{}', '{"format":1}', encodeState({ ...state, pid: 'x' as never })]) {
    const error = t.throws(() => decodeState(text, '/run/runt/web/state.json'), { code: 'BAD_STATE' }, text)
    t.is(error.message, '/run/runt/web/state.json is damaged')
    t.regex((error as unknown as { hint: string }).hint, /delete --force/)
  }
})

test('a state of a newer version is not guessed at', (t) => {
  const text = encodeState({ ...state, format: 2 as never })
  t.throws(() => decodeState(text, 'state.json'), { message: /newer version of runt/ })
})
