/** The `Failed` packet as init writes it into the `started` fifo: struct Message and its bytes, native/common/protocol.h. */
import { RuntError } from '../errors.ts'
import type { InitMessage } from '../host/host.ts'

const headerSize = 24
/** MessageType::Failed */
const failedType = 5

/**
 * Reads what the fifo gave: nothing (the program was executed) or one packet.
 * @throws RuntError if it is neither.
 */
export function decodeFailed(bytes: Uint8Array): Extract<InitMessage, { type: 'failed' }> | undefined {
  if (bytes.length === 0) return undefined
  const packet = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const malformed = () => new RuntError('BAD_PACKET', 'init failed, and its message is malformed')
  if (packet.length < headerSize || packet.readUInt32LE(0) !== failedType) throw malformed()
  const lengths = [12, 16, 20].map((at) => packet.readUInt32LE(at)) as [number, number, number]
  if (headerSize + lengths[0] + lengths[1] + lengths[2] !== packet.length) throw malformed()
  const subjectAt = headerSize + lengths[0]
  const detailAt = subjectAt + lengths[1]
  return {
    type: 'failed',
    step: packet.readUInt32LE(4),
    errno: packet.readInt32LE(8),
    syscall: packet.toString('utf8', headerSize, subjectAt),
    subject: packet.toString('utf8', subjectAt, detailAt),
    detail: packet.subarray(detailAt),
  }
}
