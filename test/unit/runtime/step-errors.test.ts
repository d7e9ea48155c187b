import test from 'ava'
import { failedStep, type Failed } from '../../../src/runtime/step-errors.ts'
import { defaultSpec } from '../../../src/spec/default.ts'

function error(op: string, errno: number, more: Partial<Failed> & { origin?: string } = {}) {
  const { origin = '', ...rest } = more
  const failed: Failed = { type: 'failed', step: 4, errno, syscall: '', subject: '', detail: new Uint8Array(), ...rest }
  return failedStep({ failed, step: { op, origin }, architecture: 'x64', spec: defaultSpec() })
}

test('a program that is not there is told in the words that daemons look for', (t) => {
  t.is(error('program', 2, { subject: 'nope' }).message, 'exec: "nope": executable file not found in $PATH')
  t.is(error('program', 2, { subject: '/x' }).message, 'exec: "/x": stat /x: no such file or directory')
  t.is(error('program', 13, { subject: '/x' }).message, 'exec: "/x": permission denied')
  t.is(error('program', 21, { subject: '/bin' }).message, 'exec: "/bin": is a directory: permission denied')
  t.is(error('exec', 8, { subject: '/x' }).message, 'exec /x: exec format error')
  t.is(
    error('chdir', 2, { subject: '/no' }).message,
    'chdir to cwd ("/no") set in config.json: no such file or directory',
  )
})

test('a mount that fails is named by its field and its destination', (t) => {
  const failed = error('openTree', 2, { origin: '/mounts/0/source', subject: '/srv/data', syscall: 'open_tree' })
  t.is(failed.message, 'mounts[0].source → /proc: bind /srv/data: no such file or directory (open_tree)')
  t.is(failed.origin, '/mounts/0/source')
  t.regex(failed.hint ?? '', /must exist on the host/)
})

test('a directory that cannot be mounted on a file is not taken for a wrong path alone', (t) => {
  const failed = error('openIn', 20, { origin: '/mounts/0/destination', subject: '/etc/passwd', syscall: 'openat2' })
  t.regex(failed.hint ?? '', /a directory is mounted on a file/)
})

test('what the kernel says of a mount is told', (t) => {
  const detail = Buffer.from("e tmpfs: Unknown parameter 'x'\nw old\n")
  const { message } = error('newMount', 22, { origin: '/mounts/9', subject: 'tmpfs', syscall: 'fsconfig', detail })
  t.is(message, "mounts[9]: mount tmpfs: invalid argument (fsconfig) (tmpfs: Unknown parameter 'x'; old)")
})

test('what runt does for itself is no field', (t) => {
  const failed = error('unshare', 28, { syscall: 'unshare' })
  t.is(failed.message, 'make namespaces: no space left on device (unshare)')
  t.is(failed.origin, undefined)
  t.regex(failed.hint ?? '', /max_\*_namespaces/)
})

test('an old kernel is named as the cause', (t) => {
  t.regex(error('mountAttributes', 38, { syscall: 'mount_setattr' }).hint ?? '', /Linux 5\.15/)
})

test('the error keeps the facts', (t) => {
  const { step, op, errno, syscall, subject } = error('sethostname', 1, { syscall: 'sethostname', subject: 'x' })
  t.deepEqual(
    { step, op, errno, syscall, subject },
    { step: 4, op: 'sethostname', errno: 1, syscall: 'sethostname', subject: 'x' },
  )
})
