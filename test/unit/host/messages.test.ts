import test from 'ava'
import { SystemError } from '../../../src/errors.ts'
import { directHost } from '../../../src/host/direct.ts'

const { processes } = directHost()

interface Packet {
  type: number
  value?: number
  error?: number
  syscall?: string
  subject?: string
  detail?: string
}

/** As native/common/protocol.h describes it. */
function packet({ type, value = 0, error = 0, syscall = '', subject = '', detail = '' }: Packet): Buffer {
  const head = Buffer.alloc(24)
  head.writeUInt32LE(type, 0)
  head.writeUInt32LE(value, 4)
  head.writeInt32LE(error, 8)
  const parts = [syscall, subject, detail].map((part) => Buffer.from(part))
  parts.forEach((part, index) => head.writeUInt32LE(part.length, 12 + 4 * index))
  return Buffer.concat([head, ...parts])
}

const failed = { type: 5, value: 3, error: 2, syscall: 'openat2', subject: '/data/ü', detail: 'more' }

test('a failure that init wrote to a fifo is decoded with all its facts', async (t) => {
  t.deepEqual(await processes.decodeMessage(packet(failed)), {
    type: 'failed',
    step: 3,
    errno: 2,
    syscall: 'openat2',
    subject: '/data/ü',
    detail: new Uint8Array(Buffer.from('more')),
  })
})

test('a failure without words is decoded', async (t) => {
  t.like(await processes.decodeMessage(packet({ type: 5 })), {
    type: 'failed',
    step: 0,
    errno: 0,
    syscall: '',
    subject: '',
  })
})

test('the number of a listener is decoded', async (t) => {
  t.deepEqual(await processes.decodeMessage(packet({ type: 6, value: 9 })), { type: 'listener', number: 9 })
})

test('sync points and pids are decoded', async (t) => {
  t.deepEqual(await processes.decodeMessage(packet({ type: 1, value: 2 })), { type: 'reached', point: 2 })
  t.deepEqual(await processes.decodeMessage(packet({ type: 3, value: 77 })), { type: 'forked', pid: 77 })
})

function refused(title: string, bytes: Uint8Array) {
  test(`${title} is refused with EBADMSG`, (t) => {
    const error = t.throws(() => processes.decodeMessage(bytes), { instanceOf: SystemError })
    t.is(error.code, 'EBADMSG')
  })
}

refused('an empty packet', Buffer.alloc(0))
refused('a packet shorter than its head', packet(failed).subarray(0, 23))
refused('a packet cut in its words', packet(failed).subarray(0, -1))
refused('a packet with bytes left over', Buffer.concat([packet(failed), Buffer.alloc(1)]))
refused('an unknown type', packet({ type: 7 }))
refused('a listener that no process can have', packet({ type: 6, value: 2 ** 31 }))
refused('type 0', packet({ type: 0 }))
refused("the other side's own message", packet({ type: 2 }))
refused('a descriptor without one', packet({ type: 4, subject: 'console' }))
refused('pid 0', packet({ type: 3, value: 0 }))
refused('a pid that no kernel gives', packet({ type: 3, value: 2 ** 31 }))
refused('a packet larger than any', packet({ ...failed, detail: 'x'.repeat(4096) }))

for (const field of [12, 16, 20]) {
  const lengths = packet(failed)
  lengths.writeUInt32LE(0xffffffff, field)
  refused(`a length at byte ${field} that overflows`, lengths)
}
