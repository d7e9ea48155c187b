import test from 'ava'
import { constants } from 'node:os'
import { UsageError } from '../../../src/errors.ts'
import type { Host } from '../../../src/host/host.ts'
import { errnoCode, errnoNumber, errnoText } from '../../../src/runtime/errno.ts'
import { fieldName } from '../../../src/runtime/fields.ts'
import { checkId } from '../../../src/runtime/id.ts'
import { baseName, resolvePath } from '../../../src/runtime/paths.ts'
import { kernelMounts, parseStat } from '../../../src/runtime/procfs.ts'
import { parseSignal, signalName } from '../../../src/runtime/signals.ts'

test('a signal is a number, or a name of any case with or without SIG', (t) => {
  for (const text of ['9', 'KILL', 'kill', 'SIGKILL', 'sigkill', 'SigKill']) t.is(parseSignal(text), 9, text)
  t.is(parseSignal('0'), 0)
  t.is(parseSignal('37'), 37)
  t.is(parseSignal('RTMIN'), 34)
  t.is(parseSignal('SIGRTMIN+3'), 37)
  t.is(parseSignal('rtmax-1'), 63)
})

test('every signal of this system has its number', (t) => {
  for (const [name, number] of Object.entries(constants.signals)) t.is(parseSignal(name), number, name)
})

test('what is no signal is refused', (t) => {
  for (const text of ['', '65', '-9', '9x', 'SIG', 'NOPE', 'RTMIN+31', 'RTMIN-1', '1e1', ' 9', '0x9']) {
    t.throws(() => parseSignal(text), { instanceOf: UsageError }, text)
  }
})

test('a signal number has a name', (t) => {
  t.deepEqual([9, 15, 37, 33].map(signalName), ['SIGKILL', 'SIGTERM', 'SIGRTMIN+3', 'signal 33'])
})

test('an id is a file name that leads nowhere else', (t) => {
  for (const id of ['a', 'A_b+c.d-9', '...', '-x', 'x'.repeat(255)]) t.notThrows(() => checkId(id), id)
  for (const id of ['', '.', '..', 'a/b', '../x', 'a b', 'a\n', 'ä', 'a\0b', 'x'.repeat(256), 'x'.repeat(2000)]) {
    t.throws(() => checkId(id), { instanceOf: UsageError }, id)
  }
})

test('errnos have the codes and numbers of this system, and words in lower case', (t) => {
  for (const [code, number] of Object.entries(constants.errno)) {
    t.is(errnoNumber(code === 'EWOULDBLOCK' ? 'EAGAIN' : code === 'ENOTSUP' ? 'EOPNOTSUPP' : code), number, code)
  }
  t.is(errnoText(2), 'no such file or directory')
  t.is(errnoText(13), 'permission denied')
  t.is(errnoText(8), 'exec format error')
  t.is(errnoText(21), 'is a directory')
  t.is(errnoText(4095), 'errno 4095')
  t.is(errnoCode(40), 'ELOOP')
})

test('a JSON Pointer reads as a field, a flag as itself', (t) => {
  t.is(fieldName('/mounts/3/options/0'), 'mounts[3].options[0]')
  t.is(fieldName('/linux/sysctl/net.ipv4.ip_forward'), 'linux.sysctl["net.ipv4.ip_forward"]')
  t.is(fieldName('/annotations/a~1b~0c'), 'annotations["a/b~c"]')
  t.is(fieldName(''), 'config.json')
  t.is(fieldName('--bundle'), '--bundle')
})

test('a path is made absolute without dots', (t) => {
  t.is(resolvePath('/a/b', '../c/./d//e'), '/a/c/d/e')
  t.is(resolvePath('/a', '/x/../../y/'), '/y')
  t.is(resolvePath('/a', '.'), '/a')
  t.is(resolvePath('/', '..'), '/')
  t.is(baseName('/a/config.json'), 'config.json')
})

test('a process may have parentheses and spaces in its name', (t) => {
  const rest = Array.from({ length: 49 }, (_, index) => String(index + 4)).join(' ')
  t.like(parseStat(`12 (a) Z (b c)) S ${rest}\n`), { state: 'S', startTime: 22 })
  t.is(parseStat(''), undefined)
  t.is(parseStat('12 (a) S 1 2'), undefined)
})

test('a process is ending from when it was killed, and not only when it is a zombie', (t) => {
  // proc_pid_stat(5): field 9 has the flags of the process, field 31 the signals that wait for it.
  const stat = (state: string, flags: number, pending: number): string => {
    const fields = Array.from({ length: 52 }, (_, index) => String(index + 1))
    fields[2] = state
    fields[8] = String(flags)
    fields[30] = String(pending)
    return fields.join(' ').replace('2', '(a)')
  }
  const exiting = 0x4
  const [SIGTERM, SIGKILL] = [1 << 14, 1 << 8]
  t.false(parseStat(stat('S', 0x400100, 0))!.ending)
  t.false(parseStat(stat('S', 0, SIGTERM))!.ending)
  t.true(parseStat(stat('S', 0, SIGTERM | SIGKILL))!.ending)
  t.true(parseStat(stat('D', 0x400100 | exiting, 0))!.ending)
  t.true(parseStat(stat('Z', 0, 0))!.ending)
})

test('whole mounts of procfs and sysfs are found by their type, once each', async (t) => {
  const mountinfo = [
    '22 1 0:21 / /proc rw,nosuid shared:12 - proc proc rw',
    '23 1 0:22 / /sys rw,nosuid - sysfs sysfs rw',
    '24 1 0:21 /cpuinfo /srv/cpuinfo rw - proc proc rw',
    '25 1 0:23 / /srv/a\\040chroot/proc rw - proc none rw',
    '26 1 0:24 / /tmp/proc rw - tmpfs proc rw',
    '27 22 0:25 / /proc rw - proc proc rw',
    '',
  ].join('\n')
  const files: Partial<Host['files']> = { readText: () => mountinfo }
  t.deepEqual(await kernelMounts({ files } as unknown as Host), ['/proc', '/sys', '/srv/a chroot/proc'])
})
