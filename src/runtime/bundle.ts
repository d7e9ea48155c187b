/** Reads a bundle: config.json found, parsed, checked. No effects. */
import { InvalidConfigError, RuntError, type ConfigProblem } from '../errors.ts'
import { phase } from '../host/host.ts'
import { checkParsedSpec, locateProblems, maxConfigBytes, parseJson } from '../spec/parse.ts'
import type { Spec } from '../spec/schema.gen.ts'
import { absolute, type Context } from './context.ts'
import { attempt, explained, isErrno } from './failures.ts'
import { fieldName } from './fields.ts'
import { baseName, resolvePath } from './paths.ts'

/** A bundle that was read, with a configuration without problems. */
export interface Bundle {
  /** Absolute, without symlinks. */
  dir: string
  /** The configuration's file. */
  file: string
  text: string
  spec: Spec
  /** Absolute path of root.path; undefined where the configuration has no root. */
  rootfs: string | undefined
  warnings: string[]
}

/** Where a configuration was found, and its text. */
export interface ConfigText {
  /** The bundle's directory: absolute, without symlinks. */
  dir: string
  file: string
  text: string
}

/** @throws RuntError if the bundle or its config.json cannot be read; InvalidConfigError with every problem found. */
export async function loadBundle(
  context: Context,
  request: { bundle?: string | undefined; config?: string | undefined },
): Promise<Bundle> {
  const { host } = context
  const { dir, file, text } = await phase(host, 'read config.json', () => readBundle(context, request))
  const json = phase(host, 'parse config.json', () => parseJson(text))
  const { spec, problems, warnings } = phase(host, 'validate config.json', () => checkParsedSpec(json, text))
  if (spec === undefined || problems.length > 0) throw await invalidConfig(file, text, problems)
  return {
    dir,
    file,
    text,
    spec,
    rootfs: spec.root === undefined ? undefined : resolvePath(dir, spec.root.path),
    warnings: warnings.map(sentence),
  }
}

/**
 * Finds and reads config.json, whatever is in it.
 * @param from the flag or argument that names the bundle
 * @throws RuntError if the bundle or the file cannot be read.
 */
export async function readBundle(
  context: Context,
  request: { bundle?: string | undefined; config?: string | undefined },
  from = '--bundle',
): Promise<ConfigText> {
  const { host, globals } = context
  const name = absolute(globals, request.bundle ?? '.')
  const hint = 'a bundle is a directory with a config.json and the root filesystem'
  const dir = await attempt(`bundle ${name}`, { origin: from, hint }, () => host.files.realPath(name))
  const file = request.config === undefined ? `${dir}/config.json` : absolute(globals, request.config)
  return { dir, file, text: await readConfig(context, dir, file, request.config === undefined ? from : '--config') }
}

async function readConfig(context: Context, dir: string, file: string, origin: string): Promise<string> {
  const { files } = context.host
  try {
    return await files.readText(file, maxConfigBytes)
  } catch (error) {
    if (isErrno(error, 'EFBIG')) {
      throw new RuntError('INVALID_CONFIG', `${file} is larger than ${maxConfigBytes >> 20} MiB`, {
        origin,
        cause: error,
      })
    }
    if (isErrno(error, 'ENOTDIR'))
      throw new RuntError('ENOTDIR', `bundle ${dir}: not a directory`, { origin, cause: error })
    const hint =
      origin === '--config'
        ? undefined
        : 'name the directory of the bundle with --bundle; "runt spec" writes a config.json'
    throw await explained(`read ${file}`, error, { origin, hint: isErrno(error, 'ENOENT') ? hint : undefined })
  }
}

/** A warning or problem as a sentence that begins with its field. */
export function sentence(problem: ConfigProblem): string {
  return `${fieldName(problem.pointer)} ${problem.message}`
}

/** The error for problems of a configuration, or of a `process` object, with their lines. */
export async function invalidConfig(
  file: string,
  text: string,
  problems: readonly ConfigProblem[],
  kind: 'Spec' | 'Process' = 'Spec',
): Promise<InvalidConfigError> {
  const located = await locateProblems(text, problems, kind)
  const [first] = located
  const more = located.length - 1
  const rest = more > 0 ? ` (and ${more} more problem${more === 1 ? '' : 's'})` : ''
  const where =
    first === undefined
      ? 'not a configuration'
      : `${first.line === undefined ? '' : `line ${first.line}: `}${sentence(first)}`
  return new InvalidConfigError(file, located, `${baseName(file)}: ${where}${rest}`)
}

/**
 * Tells an error where in the configuration its field stands. Best effort: the error is what matters.
 * Problems of the compiler, which knows no file, get one.
 */
export async function locate(error: unknown, file: string, text: string): Promise<unknown> {
  if (error instanceof InvalidConfigError) {
    return error.problems.some((problem) => problem.line !== undefined)
      ? error
      : invalidConfig(file, text, error.problems)
  }
  if (!(error instanceof RuntError) || error.origin?.startsWith('/') !== true) return error
  const [place] = await locateProblems(text, [{ pointer: error.origin, message: '' }])
  if (place !== undefined) error.location = { file, line: place.line, column: place.column }
  return error
}
