/**
 * The compiled filter of linux.seccomp (config-linux.md#seccomp): from the cache, or from the compiler, which is loaded only then.
 *
 * Most containers of a machine have the same few profiles. A compiled one is kept below the state root, in a directory that only
 * its owner can enter, under the hash of all that goes into it; a container keeps its own copy beside its state.json, so that
 * `exec` needs neither the cache nor the compiler.
 */
import { fromBase64, toBase64 } from '../bytes.ts'
import type { SeccompFacts } from '../compiler/facts.ts'
import { InvalidConfigError, RuntError, SystemError } from '../errors.ts'
import type { Host } from '../host/host.ts'
import { filterFlags, hasListener, profileKey, roundedValues, type ExactValues } from '../seccomp/profile.ts'
import type { Seccomp, Spec } from '../spec/schema.gen.ts'
import { stateRoot, type Context } from './context.ts'
import { attempt, isErrno } from './failures.ts'
import type { SavedState } from './state.ts'

/** Beside the containers' directories, and no container's name. */
const cacheName = '.seccomp~'

/** Filters that are kept; with more, half of them go. */
const cacheSize = 64

const instructionSize = 8
const maxInstructions = 4096

/** Of a container's directory: its filter, in base64. */
const filterFile = 'seccomp'

export interface PreparedFilter {
  facts: SeccompFacts
  /** Keeps a filter that was compiled now. To be called once effects are allowed; its failure means only that it is compiled again. */
  keep: () => Promise<void>
}

/**
 * Finds or compiles the filter. Has no effects.
 * @param text of config.json, in which integers have all their digits
 * @throws InvalidConfigError, RuntError
 */
export async function prepareFilter(context: Context, spec: Spec, text: string): Promise<PreparedFilter | undefined> {
  const seccomp = spec.linux?.seccomp
  if (seccomp === undefined) return undefined
  const { host, log } = context
  const architecture = await host.system.architecture()
  const exact = await exactValues(seccomp, text)
  const name = await host.seccomp.digest(profileKey(seccomp, exact, architecture))
  const cache = `${stateRoot(context.globals)}/${cacheName}`
  const trusted = await isOwn(host, cache)
  const cached = trusted === true ? await readCached(host, `${cache}/${name}`) : undefined
  if (cached !== undefined) return { facts: factsOf(seccomp, cached), keep: () => Promise.resolve() }

  const { compileFilter } = await import('./seccomp-compile.ts')
  const { program, unknown } = await compileFilter(host, seccomp, exact, architecture)
  if (unknown.length > 0)
    await log?.debug(`seccomp: ignored system calls that libseccomp does not know: ${unknown.join(', ')}`)
  const keep = async (): Promise<void> => {
    // Somebody else's directory is none to keep filters in.
    if (trusted === false) return
    try {
      await writeCached(host, cache, name, program)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      await log?.debug(`seccomp: the filter is not kept for other containers: ${error.message}`)
    }
  }
  return { facts: factsOf(seccomp, program), keep }
}

function factsOf(seccomp: Seccomp, program: Uint8Array): SeccompFacts {
  const facts: SeccompFacts = { program, flags: filterFlags(seccomp) }
  const { listenerPath: path, listenerMetadata: metadata } = seccomp
  if (path !== undefined && hasListener(seccomp))
    facts.listener = metadata === undefined ? { path } : { path, metadata }
  return facts
}

async function exactValues(seccomp: Seccomp, text: string): Promise<ExactValues> {
  const pointers = roundedValues(seccomp)
  if (pointers.length === 0) return new Map<string, bigint>()
  const { exactIntegers } = await import('../spec/exact.ts')
  const values = exactIntegers(text, pointers)
  const problems = [...values]
    .filter(([, value]) => value >= 1n << 64n)
    .map(([pointer, value]) => ({ pointer, message: `must be at most 18446744073709551615, is ${value}` }))
  if (problems.length > 0) throw new InvalidConfigError('config.json', problems, 'invalid configuration')
  return values
}

/** The program in base64; undefined where it is none that the kernel would take. */
function programOf(text: string): Uint8Array | undefined {
  const program = fromBase64(text)
  if (program === undefined || program.length === 0 || program.length % instructionSize !== 0) return undefined
  return program.length <= maxInstructions * instructionSize ? program : undefined
}

// ——— the cache ———

/** A file of the cache. */
interface CachedFilter {
  /** Where the dynamic linker found libseccomp, what that was a symlink to, and its size: another library may compile otherwise. */
  library: { path: string; target: string; size: number }
  program: string
  /** SHA-256 of `program`. */
  digest: string
}

/** Whether the cache is a directory that nobody but this user could write to; undefined where there is none. */
async function isOwn(host: Host, cache: string): Promise<boolean | undefined> {
  try {
    const status = await host.files.status(cache, { follow: false })
    if (status === undefined) return undefined
    return status.type === 'directory' && status.uid === (await host.system.euid()) && (status.mode & 0o077) === 0
  } catch (error) {
    if (error instanceof SystemError) return false
    throw error
  }
}

/** undefined where the filter has to be compiled: there is none, it is damaged, or libseccomp is another one since. */
async function readCached(host: Host, file: string): Promise<Uint8Array | undefined> {
  try {
    const text = await host.files.readTextIfExists(file)
    const filter = text === undefined ? undefined : decodeCached(text)
    if (filter === undefined) return undefined
    if ((await host.seccomp.digest(filter.program)) !== filter.digest) return undefined
    return (await isSameLibrary(host, filter.library)) ? programOf(filter.program) : undefined
  } catch (error) {
    if (error instanceof SystemError) return undefined
    throw error
  }
}

function decodeCached(text: string): CachedFilter | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const { library, program, digest } = (typeof value === 'object' ? (value ?? {}) : {}) as Partial<CachedFilter>
  const whole =
    [program, digest, library?.path, library?.target].every((field) => typeof field === 'string') &&
    typeof library?.size === 'number'
  return whole ? (value as CachedFilter) : undefined
}

/** A library that is gone takes nothing back that it compiled. */
async function isSameLibrary(host: Host, { path, target, size }: CachedFilter['library']): Promise<boolean> {
  try {
    if ((await host.files.realPath(path)) !== target) return false
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return true
    throw error
  }
  return (await host.files.status(target))?.size === size
}

async function writeCached(host: Host, cache: string, name: string, program: Uint8Array): Promise<void> {
  try {
    await host.files.mkdir(cache, 0o700)
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  }
  if ((await isOwn(host, cache)) !== true) return
  const names = (await host.files.list(cache)).sort()
  // By their hash: one as good as the other. A reader that finds one gone compiles.
  if (names.length >= cacheSize) {
    for (const [index, old] of names.entries()) if (index % 2 === 0) await removeOld(host, `${cache}/${old}`)
  }
  const { path } = await host.seccomp.library()
  const target = await host.files.realPath(path)
  const size = (await host.files.status(target))?.size ?? -1
  const text = toBase64(program)
  const filter: CachedFilter = {
    library: { path, target, size },
    program: text,
    digest: await host.seccomp.digest(text),
  }
  await host.files.writeAtomic(`${cache}/${name}`, JSON.stringify(filter), 0o600)
}

async function removeOld(host: Host, file: string): Promise<void> {
  try {
    await host.files.unlink(file)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
}

// ——— the container's own ———

/** Puts the filter beside state.json, for `exec`. */
export async function saveFilter(host: Host, dir: string, { program }: SeccompFacts): Promise<void> {
  const file = `${dir}/${filterFile}`
  await attempt(`write ${file}`, {}, () => host.files.writeAtomic(file, toBase64(program), 0o600))
}

/** The filter of a container; undefined where it has none. @throws RuntError `BAD_STATE` if it is damaged */
export async function loadFilter(host: Host, dir: string, state: SavedState): Promise<SeccompFacts | undefined> {
  if (state.seccomp === undefined) return undefined
  const file = `${dir}/${filterFile}`
  const text = await attempt(`read ${file}`, {}, () => host.files.readText(file))
  const program = programOf(text)
  if (program === undefined) throw new RuntError('BAD_STATE', `${file} is damaged`, { origin: '/linux/seccomp' })
  return { ...state.seccomp, program }
}
