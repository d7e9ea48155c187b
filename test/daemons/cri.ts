/**
 * A client of the CRI (https://github.com/kubernetes/cri-api, runtime.v1), through which a kubelet speaks to containerd: gRPC calls of one
 * answer over HTTP/2, with those messages and fields of the interface that the features use.
 */
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2'
import { connect as connectSocket } from 'node:net'

type Scalar = 'text' | 'bytes' | 'int' | 'flag' | 'texts by name'
/** Its number, what it holds, and whether it may occur many times. */
type Field = readonly [number, Scalar | Message, 'many'?]
type Message = Readonly<Record<string, Field>>

interface Scalars {
  text: string
  bytes: Buffer
  int: number
  flag: boolean
  'texts by name': Readonly<Record<string, string>>
}
type Wrap<F, Value> = F extends readonly [number, unknown, 'many'] ? readonly Value[] : Value
type ToSend<Kind> = Kind extends keyof Scalars ? Scalars[Kind] : Kind extends Message ? Sent<Kind> : never
type Received<Kind> = Kind extends keyof Scalars ? Scalars[Kind] : Kind extends Message ? Got<Kind> : never
/** A message to send: what is left out has the value that is zero. */
export type Sent<M extends Message> = { readonly [F in keyof M]?: Wrap<M[F], ToSend<M[F][1]>> }
/** A message that came; a message in it may be missing. */
export type Got<M extends Message> = {
  readonly [F in keyof M]: Wrap<M[F], Received<M[F][1]>> | (M[F] extends readonly [number, Message] ? undefined : never)
}

const value = { value: [1, 'int'] } as const
const profile = { profile_type: [1, 'int'], localhost_ref: [2, 'text'] } as const
/** Values of profile_type. */
export const Profile = { runtimeDefault: 0, unconfined: 1, localhost: 2 } as const
const ids = { host_id: [1, 'int'], container_id: [2, 'int'], length: [3, 'int'] } as const
const namespaces = {
  network: [1, 'int'],
  pid: [2, 'int'],
  ipc: [3, 'int'],
  target_id: [4, 'text'],
  userns_options: [5, { mode: [1, 'int'], uids: [2, ids, 'many'], gids: [3, ids, 'many'] }],
} as const
/** Whose namespace it is. */
export const Mode = { pod: 0, container: 1, node: 2, target: 3 } as const
const resources = {
  cpu_period: [1, 'int'],
  cpu_quota: [2, 'int'],
  cpu_shares: [3, 'int'],
  memory_limit_in_bytes: [4, 'int'],
  oom_score_adj: [5, 'int'],
  cpuset_cpus: [6, 'text'],
  unified: [9, 'texts by name'],
} as const
const podSecurity = { namespace_options: [1, namespaces], privileged: [6, 'flag'], seccomp: [9, profile] } as const
const podConfig = {
  metadata: [1, { name: [1, 'text'], uid: [2, 'text'], namespace: [3, 'text'], attempt: [4, 'int'] }],
  hostname: [2, 'text'],
  log_directory: [3, 'text'],
  labels: [6, 'texts by name'],
  annotations: [7, 'texts by name'],
  linux: [8, { cgroup_parent: [1, 'text'], security_context: [2, podSecurity], sysctls: [3, 'texts by name'] }],
} as const
const security = {
  capabilities: [1, { add_capabilities: [1, 'text', 'many'], drop_capabilities: [2, 'text', 'many'] }],
  privileged: [2, 'flag'],
  namespace_options: [3, namespaces],
  run_as_user: [5, value],
  run_as_group: [12, value],
  run_as_username: [6, 'text'],
  readonly_rootfs: [7, 'flag'],
  supplemental_groups: [8, 'int', 'many'],
  no_new_privs: [11, 'flag'],
  masked_paths: [13, 'text', 'many'],
  readonly_paths: [14, 'text', 'many'],
  seccomp: [15, profile],
} as const
const mount = {
  container_path: [1, 'text'],
  host_path: [2, 'text'],
  readonly: [3, 'flag'],
  propagation: [5, 'int'],
  recursive_read_only: [8, 'flag'],
} as const
const containerConfig = {
  metadata: [1, { name: [1, 'text'], attempt: [2, 'int'] }],
  image: [2, { image: [1, 'text'] }],
  command: [3, 'text', 'many'],
  args: [4, 'text', 'many'],
  working_dir: [5, 'text'],
  envs: [6, { key: [1, 'text'], value: [2, 'text'] }, 'many'],
  mounts: [7, mount, 'many'],
  devices: [8, { container_path: [1, 'text'], host_path: [2, 'text'], permissions: [3, 'text'] }, 'many'],
  log_path: [11, 'text'],
  stdin: [12, 'flag'],
  stdin_once: [13, 'flag'],
  tty: [14, 'flag'],
  linux: [15, { resources: [1, resources], security_context: [2, security] }],
} as const
const pod = { pod_sandbox_id: [1, 'text'] } as const
const container = { container_id: [1, 'text'] } as const
const cpu = { timestamp: [1, 'int'], usage_core_nano_seconds: [2, value] } as const
const memory = { timestamp: [1, 'int'], working_set_bytes: [2, value], usage_bytes: [4, value] } as const
const stats = { attributes: [1, { id: [1, 'text'] }], cpu: [2, cpu], memory: [3, memory] } as const
const podStatus = {
  id: [1, 'text'],
  state: [3, 'int'],
  network: [5, { ip: [1, 'text'] }],
  annotations: [8, 'texts by name'],
  runtime_handler: [9, 'text'],
} as const
const status = {
  id: [1, 'text'],
  state: [3, 'int'],
  started_at: [5, 'int'],
  finished_at: [6, 'int'],
  exit_code: [7, 'int'],
  reason: [10, 'text'],
  message: [11, 'text'],
} as const
/** Values of a container's state. */
export const State = { created: 0, running: 1, exited: 2, unknown: 3 } as const
const condition = { type: [1, 'text'], status: [2, 'flag'], reason: [3, 'text'], message: [4, 'text'] } as const
const abilities = { recursive_read_only_mounts: [1, 'flag'], user_namespaces: [2, 'flag'] } as const
const podStats = { cpu: [1, cpu], memory: [2, memory], containers: [5, stats, 'many'] } as const
const streams = { container_id: [1, 'text'], cmd: [2, 'text', 'many'], tty: [3, 'flag'], stdin: [4, 'flag'] } as const
const createRequest = {
  pod_sandbox_id: [1, 'text'],
  config: [2, containerConfig],
  sandbox_config: [3, podConfig],
} as const
const execSync = { container_id: [1, 'text'], cmd: [2, 'text', 'many'], timeout: [3, 'int'] } as const

/** The calls: what is sent, and what comes back. */
const calls = {
  Status: [
    {},
    {
      status: [1, { conditions: [1, condition, 'many'] }],
      runtime_handlers: [3, { name: [1, 'text'], features: [2, abilities] }, 'many'],
    },
  ],
  RunPodSandbox: [{ config: [1, podConfig], runtime_handler: [2, 'text'] }, pod],
  StopPodSandbox: [pod, {}],
  RemovePodSandbox: [pod, {}],
  PodSandboxStatus: [pod, { status: [1, podStatus] }],
  ListPodSandbox: [{}, { items: [1, { id: [1, 'text'], runtime_handler: [7, 'text'] }, 'many'] }],
  PodSandboxStats: [pod, { stats: [1, { linux: [2, podStats] }] }],
  CreateContainer: [createRequest, container],
  StartContainer: [container, {}],
  StopContainer: [{ container_id: [1, 'text'], timeout: [2, 'int'] }, {}],
  RemoveContainer: [container, {}],
  ContainerStatus: [container, { status: [1, status] }],
  ListContainers: [{}, { containers: [1, { id: [1, 'text'], pod_sandbox_id: [2, 'text'] }, 'many'] }],
  ContainerStats: [container, { stats: [1, stats] }],
  UpdateContainerResources: [{ container_id: [1, 'text'], linux: [2, resources] }, {}],
  ExecSync: [execSync, { stdout: [1, 'bytes'], stderr: [2, 'bytes'], exit_code: [3, 'int'] }],
  Exec: [{ ...streams, stdout: [5, 'flag'], stderr: [6, 'flag'] }, { url: [1, 'text'] }],
  Attach: [
    { container_id: [1, 'text'], stdin: [2, 'flag'], tty: [3, 'flag'], stdout: [4, 'flag'], stderr: [5, 'flag'] },
    { url: [1, 'text'] },
  ],
  ImageStatus: [{ image: [1, { image: [1, 'text'] }] }, { image: [1, { id: [1, 'text'] }] }],
} as const satisfies Readonly<Record<string, readonly [Message, Message]>>
type Calls = typeof calls

export type PodConfig = Sent<typeof podConfig>
export type PodSecurity = Sent<typeof podSecurity>
export type ContainerConfig = Sent<typeof containerConfig>
export type Security = Sent<typeof security>
export type Resources = Sent<typeof resources>
export type ContainerStatus = Got<typeof status>

/** A call was refused: the message is the daemon's. */
export class CallError extends Error {
  /** The number of gRPC, as 5 for what is not found. */
  readonly status: number

  constructor(call: string, status: number, message: string) {
    super(`${call}: ${message} (status ${status})`)
    this.name = 'CallError'
    this.status = status
  }
}

/** A connection to the socket of the daemon. */
export class Cri {
  readonly #socket: string
  #session: ClientHttp2Session | undefined

  constructor(socket: string) {
    this.#socket = socket
  }

  /** Calls and waits for the answer. @throws CallError where the daemon refuses */
  async call<Name extends keyof Calls>(name: Name, request: Sent<Calls[Name][0]>): Promise<Got<Calls[Name][1]>> {
    const [sent, got]: readonly [Message, Message] = calls[name]
    const service = name === 'ImageStatus' ? 'ImageService' : 'RuntimeService'
    const answer = await this.#unary(`runtime.v1.${service}`, name, encode(sent, request))
    return decode(got, answer) as Got<Calls[Name][1]>
  }

  close(): void {
    this.#session?.close()
    this.#session = undefined
  }

  #connected(): ClientHttp2Session {
    if (this.#session === undefined || this.#session.closed || this.#session.destroyed) {
      this.#session = connect('http://localhost', { createConnection: () => connectSocket(this.#socket) })
      // The requests on it fail, too, and say why.
      this.#session.on('error', () => undefined)
    }
    return this.#session
  }

  /** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
  #unary(service: string, name: string, message: Buffer): Promise<Buffer> {
    const stream = this.#connected().request({
      ':method': 'POST',
      ':path': `/${service}/${name}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(message.length, 1)
    stream.end(Buffer.concat([prefix, message]))
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let outcome: IncomingHttpHeaders = {}
      const note = (headers: IncomingHttpHeaders) => (outcome = { ...outcome, ...headers })
      stream.on('response', note).on('trailers', note)
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('error', reject)
      stream.on('close', () => {
        const code = Number(outcome['grpc-status'] ?? 2)
        const text = decodeURIComponent(String(outcome['grpc-message'] ?? 'no answer'))
        if (code === 0) resolve(Buffer.concat(chunks).subarray(prefix.length))
        else reject(new CallError(name, code, text))
      })
    })
  }
}

type Fields = Readonly<Record<string, unknown>>
const entry: Message = { key: [1, 'text'], value: [2, 'text'] }

function varint(number: number | bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(number))
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return Buffer.from(bytes)
}

function withLength(bytes: Buffer): Buffer {
  return Buffer.concat([varint(bytes.length), bytes])
}

/** https://protobuf.dev/programming-guides/encoding/ */
function encode(message: Message, fields: Fields): Buffer {
  const parts: Buffer[] = []
  for (const [name, [number, kind, many]] of Object.entries(message)) {
    const given = fields[name]
    if (given === undefined) continue
    const isNumber = kind === 'int' || kind === 'flag'
    const values = kind === 'texts by name' ? entries(given as Fields) : many ? (given as unknown[]) : [given]
    for (const each of values) parts.push(varint((number << 3) | (isNumber ? 0 : 2)), encodeOne(kind, each))
  }
  return Buffer.concat(parts)
}

function entries(given: Fields): Fields[] {
  return Object.entries(given).map(([key, text]) => ({ key, value: text }))
}

function encodeOne(kind: Field[1], given: unknown): Buffer {
  if (kind === 'int' || kind === 'flag') return varint(Number(given))
  if (kind === 'text' || kind === 'bytes') return withLength(Buffer.from(given as string))
  return withLength(encode(kind === 'texts by name' ? entry : kind, given as Fields))
}

const zero = { text: '', bytes: Buffer.alloc(0), int: 0, flag: false } as const

function decode(message: Message, bytes: Buffer): Fields {
  const fields: Record<string, unknown> = {}
  const byNumber = new Map(Object.entries(message).map(([name, field]) => [field[0], { name, field }]))
  for (const [name, [, kind, many]] of Object.entries(message)) {
    fields[name] = many ? [] : kind === 'texts by name' ? {} : typeof kind === 'string' ? zero[kind] : undefined
  }
  for (const { number, found } of records(bytes)) {
    const known = byNumber.get(number)
    if (known === undefined) continue
    const { name, field } = known
    const [, kind, many] = field
    if (kind === 'texts by name') {
      const { key, value: text } = decode(entry, found as Buffer)
      Object.assign(fields[name] as object, { [key as string]: text })
      continue
    }
    const decoded = decodeOne(kind, found)
    if (many) (fields[name] as unknown[]).push(decoded)
    else fields[name] = decoded
  }
  return fields
}

function decodeOne(kind: Exclude<Field[1], 'texts by name'>, found: bigint | Buffer): unknown {
  if (kind === 'int') return Number(BigInt.asIntN(64, found as bigint))
  if (kind === 'flag') return found !== 0n
  if (kind === 'text') return (found as Buffer).toString()
  return kind === 'bytes' ? found : decode(kind, found as Buffer)
}

/** The fields as they lie in the message. */
function* records(bytes: Buffer): Generator<{ number: number; found: bigint | Buffer }> {
  let at = 0
  const next = (): bigint => {
    let result = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined) throw new Error('a message ends within a number')
      result |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return result
    }
  }
  const skip = (length: number): Buffer => bytes.subarray(at, (at += length))
  while (at < bytes.length) {
    const tag = Number(next())
    const wire = tag & 7
    const found = wire === 0 ? next() : skip(wire === 2 ? Number(next()) : wire === 1 ? 8 : 4)
    yield { number: tag >> 3, found }
  }
}
