/** The streams of a command as `kubectl exec` has them: a web socket (RFC 6455) with the channels of v4.channel.k8s.io. */
import { randomBytes } from 'node:crypto'
import { get } from 'node:http'
import type { Socket } from 'node:net'

/** What the first byte of a message says. */
const channels = ['stdin', 'stdout', 'stderr', 'status', 'size'] as const

/** What a command printed, and how it ended. */
export interface Streamed {
  readonly stdout: string
  readonly stderr: string
  /** Its exit status; undefined where another failure came in place of one, which `told` has. */
  readonly status: number | undefined
  /** What came as its outcome, for failures. */
  readonly told: string
}

export interface StreamOptions {
  readonly input?: string
  /** Columns and rows of the terminal. */
  readonly size?: readonly [number, number]
  /** Ends the stream once standard output matches. Without it the command ends it. */
  readonly until?: RegExp
  /** Seconds until it is given up. */
  readonly timeout: number
}

/** Streams to and from the address that an Exec or Attach gave. @throws Error where no answer comes, or it is refused */
export async function stream(url: string, options: StreamOptions): Promise<Streamed> {
  const { socket, head } = await upgrade(url)
  const texts: Record<(typeof channels)[number], string> = { stdin: '', stdout: '', stderr: '', status: '', size: '' }
  const send = (channel: (typeof channels)[number], text: string) => {
    const payload = Buffer.concat([Buffer.from([channels.indexOf(channel)]), Buffer.from(text)])
    socket.write(frame(2, payload))
  }
  if (options.size !== undefined) send('size', JSON.stringify({ Width: options.size[0], Height: options.size[1] }))
  if (options.input !== undefined) send('stdin', options.input)
  await new Promise<void>((resolve, reject) => {
    let rest: Buffer = head
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no end of the stream within ${options.timeout} s\n${JSON.stringify(texts)}`))
    }, options.timeout * 1000)
    const read = (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      for (let found = unframe(rest); found !== undefined; found = unframe(rest)) {
        rest = found.rest
        if (found.opcode === 8) socket.end()
        else if (found.payload.length > 1)
          texts[channels[found.payload[0]!] ?? 'size'] += found.payload.subarray(1).toString()
      }
      if (options.until?.test(texts.stdout)) socket.end()
    }
    read(Buffer.alloc(0))
    socket.on('data', read).on('error', reject)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
  return { stdout: texts.stdout, stderr: texts.stderr, status: exitStatus(texts.status), told: JSON.stringify(texts) }
}

function upgrade(url: string): Promise<{ socket: Socket; head: Buffer }> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    origin: url,
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    'sec-websocket-protocol': 'v4.channel.k8s.io',
  }
  return new Promise((resolve, reject) => {
    const request = get(url, { headers })
    request.on('upgrade', (_response, socket: Socket, head) => {
      resolve({ socket, head })
    })
    request.on('response', (response) => {
      response.resume()
      reject(new Error(`${url}: ${response.statusCode} ${response.statusMessage}`))
    })
    request.on('error', reject)
  })
}

/** A message of one frame, masked as a client's must be. */
function frame(opcode: number, payload: Buffer): Buffer {
  if (payload.length > 125) throw new Error('longer messages are not written here')
  const mask = randomBytes(4)
  const masked = payload.map((byte, index) => byte ^ mask[index % 4]!)
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), mask, masked])
}

/** The first whole frame, if there is one. */
function unframe(bytes: Buffer): { opcode: number; payload: Buffer; rest: Buffer } | undefined {
  if (bytes.length < 2) return undefined
  const short = bytes[1]! & 0x7f
  const header = short === 126 ? 4 : short === 127 ? 10 : 2
  if (bytes.length < header) return undefined
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
  if (bytes.length < header + length) return undefined
  return {
    opcode: bytes[0]! & 0xf,
    payload: bytes.subarray(header, header + length),
    rest: bytes.subarray(header + length),
  }
}

interface Outcome {
  readonly status?: string
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] }
}

function exitStatus(text: string): number | undefined {
  if (text === '') return undefined
  const outcome = JSON.parse(text) as Outcome
  if (outcome.status === 'Success') return 0
  const cause = outcome.details?.causes?.find(({ reason }) => reason === 'ExitCode')
  return cause?.message === undefined ? undefined : Number(cause.message)
}
