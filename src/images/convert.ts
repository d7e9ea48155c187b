/** An image's configuration becomes a container's (image-spec, conversion.md). Reads nothing: files of the image come as texts. */
import { copyOf } from '../spec/copy.ts'
import { defaultSpec } from '../spec/default.ts'
import { checkSpec } from '../spec/parse.ts'
import type { IdMapping, Mount, Spec, User } from '../spec/schema.gen.ts'
import { imageError, isObject, stringList, stringMap } from './files.ts'
import type { ImageConfig } from './image.ts'

/** Of the image, as its container would see them; undefined: there is none. */
export interface UserFiles {
  passwd: string | undefined
  group: string | undefined
}

export interface ConvertOptions {
  /** Give the program a terminal. */
  terminal?: boolean | undefined
  /** Annotations that no label of the image may set, and no label may be named like them. */
  annotations: Readonly<Record<string, string>>
  /** Mappings of the container's user namespace; undefined: it has none. */
  ids?: { uid: readonly IdMapping[]; gid: readonly IdMapping[] } | undefined
  /** Told what of the image is left out. */
  warn?: ((message: string) => void) | undefined
}

/** What programs of images are made for; those of Docker. `runt spec` begins with fewer. */
const capabilities = [
  'CAP_AUDIT_WRITE',
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_MKNOD',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
]

/** Annotations that a runtime obeys: an image, whose author nobody knows, may not set them. */
const reserved = ['io.runt.', 'run.oci.', 'org.systemd.property.', 'org.criu.']

/**
 * The configuration of a container of the image.
 * @throws RuntError `INVALID_IMAGE` where a field cannot be converted
 */
export function convertConfig(image: ImageConfig, users: UserFiles, options: ConvertOptions): Spec {
  const spec = defaultSpec({ rootless: options.ids !== undefined })
  if (options.ids !== undefined)
    Object.assign(spec.linux!, { uidMappings: options.ids.uid, gidMappings: options.ids.gid })
  const config = image.config ?? {}
  const process = spec.process!
  process.terminal = options.terminal === true
  process.args = programOf(config)
  process.env = environmentOf(config)
  process.cwd = workingDirectoryOf(config)
  process.user = userOf(textOf(config, 'User') ?? '', users)
  process.capabilities = { bounding: [...capabilities], effective: [...capabilities], permitted: [...capabilities] }
  spec.root!.readonly = false
  spec.mounts = [...spec.mounts!, ...volumesOf(config)]
  spec.annotations = { ...annotationsOf(image, config, options.warn), ...options.annotations }
  refuseProblems(spec)
  return spec
}

/** What no container could be made of, as an entry of Env without a name, is told now, and not by `create`. */
function refuseProblems(spec: Spec): void {
  const [problem] = checkSpec(copyOf(spec)).problems
  if (problem === undefined) return
  const field = problem.pointer.slice(1).replaceAll('/', '.')
  throw imageError(`configuration of the image: ${field} of its config.json ${problem.message}`)
}

function textOf(config: Record<string, unknown>, name: string): string | undefined {
  const value = config[name]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value === 'string') return value
  throw imageError(`configuration of the image: ${name} is not a string`)
}

function listOf(config: Record<string, unknown>, name: string): string[] {
  const value = config[name]
  if (value === undefined || value === null) return []
  const list = stringList(value)
  if (list === undefined) throw imageError(`configuration of the image: ${name} is not a list of strings`)
  return list
}

function programOf(config: Record<string, unknown>): string[] {
  const args = [...listOf(config, 'Entrypoint'), ...listOf(config, 'Cmd')]
  return args.length === 0 ? ['sh'] : args
}

function environmentOf(config: Record<string, unknown>): string[] {
  const env = listOf(config, 'Env')
  const [path] = defaultSpec().process!.env!
  return env.some((entry) => entry.startsWith('PATH=')) ? env : [path!, ...env]
}

function workingDirectoryOf(config: Record<string, unknown>): string {
  const cwd = textOf(config, 'WorkingDir') ?? '/'
  if (!cwd.startsWith('/'))
    throw imageError(`configuration of the image: WorkingDir ${JSON.stringify(cwd)} is not absolute`)
  return cwd
}

/** As Docker's anonymous volumes they begin with what the image has there; unlike them, they live in memory. */
function volumesOf(config: Record<string, unknown>): Mount[] {
  const { Volumes: volumes } = config
  return Object.keys(isObject(volumes) ? volumes : {})
    .sort()
    .map((destination) => {
      if (!destination.startsWith('/') || destination.split('/').includes('..'))
        throw imageError(`configuration of the image: the volume ${JSON.stringify(destination)} is not absolute`)
      return { destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'tmpcopyup'] }
    })
}

function annotationsOf(
  image: ImageConfig,
  config: Record<string, unknown>,
  warn: ConvertOptions['warn'],
): Record<string, string> {
  const annotations: Record<string, string> = {}
  const set = (name: string, value: unknown) => {
    if (typeof value === 'string' && value !== '') annotations[`org.opencontainers.image.${name}`] = value
  }
  set('os', image.os)
  set('architecture', image.architecture)
  set('variant', image.variant)
  set('os.version', image['os.version'])
  set('os.features', stringList(image['os.features'])?.join(','))
  set('author', image.author)
  set('created', image.created)
  set('stopSignal', config.StopSignal)
  const ports = config.ExposedPorts
  set('exposedPorts', isObject(ports) ? Object.keys(ports).sort().join(',') : undefined)
  for (const [name, value] of Object.entries(stringMap(config.Labels))) {
    if (name === '') continue
    if (reserved.some((prefix) => name.startsWith(prefix)))
      warn?.(`label ${name} of the image is left out: a runtime would obey it`)
    else Object.defineProperty(annotations, name, { value, enumerable: true, configurable: true, writable: true })
  }
  return annotations
}

/** `user`, `uid`, `user:group`, `uid:gid` and so on, through the image's passwd(5) and group(5). */
export function userOf(text: string, { passwd, group }: UserFiles): User {
  const [name = '', groupName = ''] = text.split(':', 2)
  const accounts = table(passwd)
  const groups = table(group)
  const account =
    accounts.find((row) => row[0] === (name === '' ? undefined : name)) ??
    accounts.find((row) => row[2] === (name === '' ? '0' : name))
  const uid = idOf(
    account?.[2] ?? (name === '' ? '0' : name),
    text,
    'user',
    passwd === undefined ? 'passwd' : undefined,
  )
  if (groupName !== '') {
    const row = groups.find((each) => each[0] === groupName)
    return { uid, gid: idOf(row?.[2] ?? groupName, text, 'group', group === undefined ? 'group' : undefined) }
  }
  const gid = account === undefined ? 0 : idOf(account[3] ?? '0', text, 'group')
  const more = groups
    .filter((row) => account !== undefined && row[3]?.split(',').includes(account[0]!))
    .map((row) => idOf(row[2] ?? '', text, 'group'))
    .filter((id) => id !== gid)
  return more.length === 0 ? { uid, gid } : { uid, gid, additionalGids: [...new Set(more)] }
}

function table(text: string | undefined): string[][] {
  return (text ?? '')
    .split('\n')
    .filter((line) => line.includes(':') && !line.startsWith('#'))
    .map((line) => line.trim().split(':'))
}

function idOf(text: string, user: string, kind: 'user' | 'group', missing?: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : NaN
  if (id <= 0xfffffffe) return id
  const why =
    missing === undefined
      ? `/etc/${kind === 'user' ? 'passwd' : 'group'} has no`
      : `there is no /etc/${missing}, and no`
  throw imageError(`user ${JSON.stringify(user)} of the image: ${why} ${kind} ${JSON.stringify(text)}`)
}
