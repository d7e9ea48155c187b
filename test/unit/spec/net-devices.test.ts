import test from 'ava'
import { problemsWith } from './config.ts'

const at = '/linux/netDevices'

test('a name of a network device is one that the kernel takes', (t) => {
  t.deepEqual(problemsWith({ [at]: { eth0: {}, eth1: { name: '' }, abcdefghijklmno: { name: 'net%d' } } }), [])
  for (const [name, says] of [
    ['abcdefghijklmnop', 'must have 1 to 15 bytes, has 16'],
    ['ääääääää', 'must have 1 to 15 bytes, has 16'],
    ['a/b', 'must be the name of a network device, without "/", ":" and white space, is "a/b"'],
    ['a b', 'must be the name of a network device, without "/", ":" and white space, is "a b"'],
    ['eth0:1', 'must be the name of a network device, without "/", ":" and white space, is "eth0:1"'],
    ['..', 'must be the name of a network device, without "/", ":" and white space, is ".."'],
    ['.', 'must be the name of a network device, without "/", ":" and white space, is "."'],
  ] as const) {
    t.deepEqual(problemsWith({ [at]: { eth0: { name } } }), [`${at}/eth0/name ${says}`])
    t.deepEqual(problemsWith({ [at]: { [name]: {} } }), [`${at}/${name.replace('/', '~1')} ${says}`])
  }
  t.deepEqual(problemsWith({ [at]: { '': {} } }), [`${at}/ must have 1 to 15 bytes, has 0`])
})

test('a template has one %d', (t) => {
  for (const name of ['%s', 'eth%', 'a%d%d', '%d%']) {
    t.deepEqual(problemsWith({ [at]: { eth0: { name } } }), [
      `${at}/eth0/name may have one %d, which the kernel replaces by a number, and no other "%"`,
    ])
  }
})

// covers: config-linux.md#network-devices/name-taken
test('two devices cannot have one name, but one template', (t) => {
  t.deepEqual(problemsWith({ [at]: { eth0: { name: 'net0' }, eth1: { name: 'net0' } } }), [
    `${at}/eth1/name must not repeat: "eth0" is to be called "net0" too`,
  ])
  t.deepEqual(problemsWith({ [at]: { eth0: {}, eth1: { name: 'eth0' } } }), [
    `${at}/eth1/name must not repeat: "eth0" is to be called "eth0" too`,
  ])
  t.deepEqual(problemsWith({ [at]: { eth0: { name: 'net%d' }, eth1: { name: 'net%d' } } }), [])
})

test('network devices need a network namespace, new or joined', (t) => {
  const namespaces = [{ type: 'mount' }]
  t.deepEqual(problemsWith({ [at]: { eth0: {} }, '/linux/namespaces': namespaces, '/hostname': undefined }), [
    `${at} needs a network namespace`,
  ])
  const joined = [...namespaces, { type: 'network', path: '/run/netns/a' }]
  t.deepEqual(problemsWith({ [at]: { eth0: {} }, '/linux/namespaces': joined, '/hostname': undefined }), [])
})
