import test from 'ava'
import { capabilityNames, rlimitNames } from '../../../src/spec/names.ts'
import { int64, rlimInfinity, rlimitValue, uint64 } from '../../../src/spec/numbers.ts'
import { describe, didYouMean, escapePointer, quote, splitPointer, valueAt } from '../../../src/spec/problem.ts'
import { sysctlNamespace, sysctlPath } from '../../../src/spec/sysctl.ts'

const read = (text: string): number => JSON.parse(text) as number

test('integers of 64 bits survive JSON.parse at their limits', (t) => {
  t.is(uint64(read('18446744073709551615')), 2n ** 64n - 1n)
  t.is(int64(read('9223372036854775807')), 2n ** 63n - 1n)
  t.is(int64(read('-9223372036854775808')), -(2n ** 63n))
  t.is(int64(read('-1')), -1n)
  t.is(uint64(read('0')), 0n)
  t.is(uint64(read('9007199254740991')), 9007199254740991n)
})

test('masks with few significant bits are exact', (t) => {
  t.is(uint64(read('18446744069414584320')), 0xffff_ffff_0000_0000n)
  t.is(uint64(read('9223372036854775808')), 1n << 63n)
})

test('a resource limit of 2^63 or more is no limit', (t) => {
  t.is(rlimInfinity, 2n ** 64n - 1n)
  t.is(rlimitValue(read('18446744073709551615')), rlimInfinity)
  t.is(rlimitValue(read('9223372036854775807')), rlimInfinity)
  t.is(rlimitValue(read('4611686018427387904')), 2n ** 62n)
  t.is(rlimitValue(1024), 1024n)
})

test('names stand at their numbers', (t) => {
  t.is(capabilityNames.length, 41)
  t.is(new Set(capabilityNames).size, 41)
  t.is(capabilityNames[21], 'CAP_SYS_ADMIN')
  t.is(capabilityNames[40], 'CAP_CHECKPOINT_RESTORE')
  t.is(new Set(rlimitNames).size, 16)
  t.is(rlimitNames[7], 'RLIMIT_NOFILE')
  t.is(rlimitNames[15], 'RLIMIT_RTTIME')
})

test('a kernel parameter has dots or slashes between its parts', (t) => {
  t.is(sysctlPath('net.ipv4.ip_forward'), 'net/ipv4/ip_forward')
  t.is(sysctlPath('net/ipv4/ip_forward'), 'net/ipv4/ip_forward')
  t.is(sysctlPath('net/ipv4/conf/eno2.100/rp_filter'), 'net/ipv4/conf/eno2.100/rp_filter')
  t.is(sysctlPath('net.ipv4.conf.eno2/100.rp_filter'), 'net/ipv4/conf/eno2.100/rp_filter')
  t.is(sysctlPath('name'), 'name')
})

test('no name of a kernel parameter leads out of /proc/sys', (t) => {
  for (const name of [
    '',
    '.',
    '/',
    'a.',
    '.a',
    'a..b',
    '/etc/passwd',
    'net/..',
    'net/../x',
    'net/./x',
    'net.//.x',
    'net/',
    'a//b',
  ]) {
    t.is(sysctlPath(name), undefined, name)
  }
})

test('a kernel parameter belongs to the namespace that has it', (t) => {
  const namespaceOf = (name: string): string | undefined => sysctlNamespace(sysctlPath(name)!)
  for (const name of [
    'kernel.msgmax',
    'kernel.msgmni',
    'kernel.sem',
    'kernel.shmall',
    'kernel.shm_rmid_forced',
    'fs.mqueue.msg_max',
  ]) {
    t.is(namespaceOf(name), 'ipc', name)
  }
  t.is(namespaceOf('net.core.somaxconn'), 'network')
  t.is(namespaceOf('user.max_pid_namespaces'), 'user')
  t.is(namespaceOf('kernel.domainname'), 'uts')
  for (const name of [
    'kernel.semaphore',
    'kernel.core_pattern',
    'vm.swappiness',
    'network.a',
    'fs.mqueue',
    'kernel.msg/../core_pattern',
  ]) {
    t.is(sysctlPath(name) === undefined ? undefined : namespaceOf(name), undefined, name)
  }
})

test('values are described by what they are', (t) => {
  t.is(describe(undefined), 'missing')
  t.is(describe(null), 'null')
  t.is(describe([]), 'a list')
  t.is(describe({}), 'an object')
  t.is(describe(''), 'an empty string')
  t.is(describe(true), 'a boolean (true)')
  t.is(describe(1.5), 'a number (1.5)')
  t.is(describe('a"b'), 'a string ("a\\"b")')
})

test('long strings are cut', (t) => {
  t.is(quote('x'.repeat(1000)).length, 64)
})

test('pointers escape what they must, and find values', (t) => {
  t.is(escapePointer('a/b~c'), 'a~1b~0c')
  t.deepEqual(splitPointer('/a~1b~0c/0/'), ['a/b~c', '0', ''])
  t.is(valueAt({ 'a/b': [1, { '': 2 }] }, '/a~1b/1/'), 2)
  t.is(valueAt({}, '/toString'), undefined)
  t.is(valueAt('text', '/length'), undefined)
})

test('only a near name is proposed', (t) => {
  const known = ['RLIMIT_NOFILE', 'RLIMIT_NPROC', 'RLIMIT_CPU']
  t.is(didYouMean('RLIMIT_NOFILES', known), 'did you mean RLIMIT_NOFILE?')
  t.is(didYouMean('rlimit_cpu', known), 'did you mean RLIMIT_CPU?')
  t.is(didYouMean('something', known), undefined)
  t.is(didYouMean('x'.repeat(100_000), known), undefined)
})
