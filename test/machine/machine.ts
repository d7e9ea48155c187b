/**
 * Runs a plan in the sanitizer build of init, over the stream socket pair that Node makes for a child's extra descriptor,
 * and tells what came back. Needs no addon; most plans need no root.
 */
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import { encodePlan } from '../../src/plan/wire.ts'
import type { Plan } from '../../src/plan/plan.ts'

export const initBinary = process.env.RUNT_TEST_INIT ?? path.resolve('build-asan/init_hosted')

export interface Message {
  type: 'reached' | 'forked' | 'descriptor' | 'failed'
  value: number
  errno: number
  syscall: string
  subject: string
  detail: Buffer
}

export interface Outcome {
  status: number | null
  signal: string | null
  messages: Message[]
  stdout: string
  stderr: string
}

const types: Record<number, Message['type']> = { 1: 'reached', 3: 'forked', 4: 'descriptor', 5: 'failed' }

function parse(bytes: Buffer): Message[] {
  const messages: Message[] = []
  for (let at = 0; at + 24 <= bytes.length;) {
    const [type, value, , first, second, third] = [0, 4, 8, 12, 16, 20].map((offset) => bytes.readUInt32LE(at + offset))
    const errno = bytes.readInt32LE(at + 8)
    const from = at + 24
    const parts = [first!, second!, third!]
    const ends = parts.map((_, index) => from + parts.slice(0, index + 1).reduce((sum, size) => sum + size, 0))
    messages.push({
      type: types[type!]!,
      value: value!,
      errno,
      syscall: bytes.toString('utf8', from, ends[0]),
      subject: bytes.toString('utf8', ends[0], ends[1]),
      detail: bytes.subarray(ends[1], ends[2]),
    })
    at = ends[2]!
  }
  return messages
}

/**
 * `inputs` are paths that fill the first registers, `times` a file that is given after them, to be written to; a sync point is answered
 * at once unless `hangUp`.
 *
 * @throws Error with the report of a sanitizer
 */
export async function runPlan(
  plan: Plan | Uint8Array,
  options: { inputs?: string[]; times?: string; hangUp?: boolean; args?: string[]; stdin?: string } = {},
): Promise<Outcome> {
  const bytes = plan instanceof Uint8Array ? plan : encodePlan(plan)
  const directory = mkdtempSync(path.join(tmpdir(), 'runt-machine-'))
  const file = path.join(directory, 'plan')
  writeFileSync(file, bytes)
  const planFd = openSync(file, 'r')
  const inputs = (options.inputs ?? []).map((input) => openSync(input, 'r'))
  if (options.times !== undefined) inputs.push(openSync(options.times, 'r+'))
  try {
    const child = spawn(initBinary, options.args ?? ['3', '4', ...inputs.map((_, index) => String(5 + index))], {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', planFd, ...inputs],
      // init has no heap; and a process that made itself undumpable cannot be searched for leaks.
      env: { ASAN_OPTIONS: 'detect_leaks=0' },
    })
    const [, stdout, stderr, socket] = child.stdio as unknown as [unknown, Duplex, Duplex, Duplex]
    // A plan that fails at once may leave before it was written.
    child.stdin!.on('error', () => undefined)
    child.stdin!.end(options.stdin ?? '')
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      if (chunk.readUInt32LE(0) !== 1) return
      if (options.hangUp === true) socket.destroy()
      else socket.write(proceed)
    })
    socket.on('error', () => undefined)
    const [out, err, end] = await Promise.all([
      text(stdout),
      text(stderr),
      new Promise<[number | null, string | null]>((resolve) => {
        child.on('close', (status, signal) => {
          resolve([status, signal])
        })
      }),
    ])
    if (/Sanitizer|runtime error:/.test(err)) throw new Error(`the sanitizers found: ${err}`)
    return { status: end[0], signal: end[1], messages: parse(Buffer.concat(chunks)), stdout: out, stderr: err }
  } finally {
    for (const fd of [planFd, ...inputs]) closeSync(fd)
    rmSync(directory, { recursive: true })
  }
}

const proceed = Buffer.alloc(24)
proceed.writeUInt32LE(2)

async function text(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
