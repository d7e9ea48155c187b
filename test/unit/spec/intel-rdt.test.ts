import test from 'ava'
import { problemsWith } from './config.ts'

const at = '/linux/intelRdt'

// covers: /linux/intelRdt/closID, config-linux.md#intelrdt/default-clos
test('closID is the name of a directory that is not resctrl’s own, or its root', (t) => {
  for (const closID of ['gold', '/', 'a.b', '']) t.deepEqual(problemsWith({ [at]: { closID } }), [])
  for (const closID of ['.', '..', 'a/b', '/a', 'a\nb', 'info', 'mon_groups', 'mon_data']) {
    t.deepEqual(problemsWith({ [at]: { closID } }), [
      `${at}/closID must be the name of a directory of resctrl, is ${JSON.stringify(closID)}`,
    ])
  }
})

// covers: config-linux.md#intelrdt/mb-line, config-linux.md#intelrdt/schemata-lines
test('memBwSchema is one line of MB:, and each of schemata is one line', (t) => {
  t.deepEqual(problemsWith({ [at]: { memBwSchema: 'MB:0=20', schemata: ['L3:0=f', 'MB:0=3'] } }), [])
  for (const memBwSchema of ['L3:0=f', 'MB:0=20\nMB:1=3', 'MB:0=20\n']) {
    t.deepEqual(problemsWith({ [at]: { memBwSchema } }), [
      `${at}/memBwSchema must be one line that begins with "MB:", is ${JSON.stringify(memBwSchema)}`,
    ])
  }
  t.deepEqual(problemsWith({ [at]: { schemata: ['L3:0=f', 'L3:0=f\nMB:0=1'] } }), [`${at}/schemata/1 must be one line`])
})
