/** `validate`: every problem of a configuration at once. Reads what it is given, does nothing, and needs no root. */
import { concat, textOf } from '../bytes.ts'
import { compileDevices } from '../cgroups/devices.ts'
import { compileResources } from '../cgroups/knobs.ts'
import { compileCreate } from '../compiler/create.ts'
import { InvalidConfigError, UsageError, type ConfigProblem } from '../errors.ts'
import { locateProblems, maxConfigBytes, parseProcess, parseSpec } from '../spec/parse.ts'
import type { Spec } from '../spec/schema.gen.ts'
import { unknownFields } from '../spec/unknown.ts'
import { readBundle, sentence, type ConfigText } from './bundle.ts'
import { absolute, type Context } from './context.ts'
import { attempt } from './failures.ts'
import { hasLayers } from './mount-facts.ts'
import { resolvePath } from './paths.ts'
import { salvage } from './salvage.ts'

/** What `validate` is asked. */
export interface ValidateRequest {
  /** A bundle's directory, or a file with a configuration, or `-` for standard input. Default: the working directory. */
  bundle?: string | undefined
  /** What named it, for errors. Default: the flag `--bundle`. */
  bundleFrom?: string | undefined
  /** A file with a configuration, or `-`, instead of config.json of the bundle. */
  config?: string | undefined
  /** A file with a `process` object, as `exec --process` takes it, or `-`: validated instead of a configuration. */
  process?: string | undefined
}

/** What `validate` found. */
export interface Validation {
  /** The file that was read; `-` for standard input. */
  file: string
  /** By line. None: the configuration is valid. */
  problems: ConfigProblem[]
  /** What would be ignored, or taken otherwise than it is written. By line; those of no field come last, as whole sentences. */
  warnings: ConfigProblem[]
}

interface Findings {
  problems: ConfigProblem[]
  warnings: ConfigProblem[]
}

/**
 * Checks a configuration against the specification, and against what the compiler makes of it. Of a bundle the root must be a
 * directory, too; nothing else on the machine is looked at.
 * @throws RuntError if the file cannot be read; problems are no failure
 */
export async function validate(request: ValidateRequest, context: Context): Promise<Validation> {
  if (request.process !== undefined) {
    if (request.bundle !== undefined || request.config !== undefined)
      throw new UsageError('--process stands for itself, without a bundle', { origin: '--process' })
    const { file, text } = await readFile(context, request.process, '--process')
    return sorted(file, text, processFindings(text), 'Process')
  }
  const { file, text, dir, isBundle } = await find(context, request)
  const findings = specFindings(text, dir)
  await checkLayers(text, findings)
  if (isBundle) await checkRoot(context, dir, text, findings)
  return sorted(file, text, findings, 'Spec')
}

async function find(context: Context, request: ValidateRequest): Promise<ConfigText & { isBundle: boolean }> {
  const { config, bundle, bundleFrom = '--bundle' } = request
  if (config === undefined && bundle !== undefined) {
    const isFile = bundle === '-' || (await isNoDirectory(context, absolute(context.globals, bundle), bundleFrom))
    if (isFile) return { ...(await readFile(context, bundle, bundleFrom)), isBundle: false }
  }
  if (config === undefined) return { ...(await readBundle(context, request, bundleFrom)), isBundle: true }
  return { ...(await readFile(context, config, '--config')), isBundle: false }
}

async function isNoDirectory({ host }: Context, path: string, origin: string): Promise<boolean> {
  const status = await attempt(`bundle ${path}`, { origin }, () => host.files.status(path))
  return status !== undefined && status.type !== 'directory'
}

/** The directory around the file stands for its bundle. */
async function readFile(context: Context, name: string, origin: string): Promise<ConfigText> {
  const { host, globals } = context
  if (name === '-') {
    const text = await attempt('read standard input', { origin }, () => readStandardInput(context))
    return { dir: globals.cwd, file: name, text }
  }
  const file = absolute(globals, name)
  const text = await attempt(`read ${file}`, { origin }, () => host.files.readText(file, maxConfigBytes))
  return { dir: resolvePath(file, '..'), file, text }
}

/** Standard input to its end. @throws UsageError if it is larger than a configuration may be */
export async function readStandardInput({ host }: Context): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for (;;) {
    const part = await host.files.read(0, 1 << 16)
    if (part.length === 0) return textOf(concat(parts))
    parts.push(part)
    size += part.length
    if (size > maxConfigBytes) throw new UsageError(`standard input is larger than ${maxConfigBytes >> 20} MiB`)
  }
}

function processFindings(text: string): Findings {
  const { problems, warnings } = parseProcess(text)
  return { problems, warnings: [...warnings.map(whole), ...unknownFields(json(text), 'Process')] }
}

function specFindings(text: string, dir: string): Findings {
  const { spec, problems, warnings: ofText } = parseSpec(text)
  const document = json(text)
  const warnings = [...ofText.map(whole), ...unknownFields(document)]
  if (spec !== undefined) {
    const compiled = compilerFindings(spec, dir)
    return { problems: compiled.problems, warnings: [...warnings, ...compiled.warnings] }
  }
  const rest = salvage(document)
  const more = rest === undefined ? [] : compilerFindings(rest.spec, dir).problems.filter(rest.counts)
  const told = new Set(problems.map(({ pointer }) => pointer))
  return { problems: [...problems, ...more.filter(({ pointer }) => !told.has(pointer))], warnings }
}

/** A warning of no field is a whole sentence. */
function whole(warning: ConfigProblem): ConfigProblem {
  return warning.pointer === '' ? { ...warning, message: sentence(warning) } : warning
}

/** What only the compiler finds. */
function compilerFindings(spec: Spec, bundle: string): Findings {
  const resources = compileResources(spec.linux?.resources)
  const devices = compileDevices(spec.linux?.resources?.devices)
  const problems = [...resources.problems, ...devices.problems]
  const sentences = [...resources.warnings]
  // A place as on most machines: it is not looked for.
  const cgroup = { cgroupDir: '/sys/fs/cgroup/ID', cgroupRoot: '/sys/fs/cgroup' }
  try {
    // Its filter is not compiled: that takes libseccomp.
    const seccomp = spec.linux?.seccomp && { program: new Uint8Array(), flags: 0 }
    sentences.push(...compileCreate(spec, { id: 'ID', bundle, ...cgroup, euid: 0, seccomp }).warnings)
  } catch (error) {
    if (!(error instanceof InvalidConfigError)) throw error
    problems.push(...error.problems)
  }
  // The compiler's warnings name their fields themselves.
  return { problems, warnings: sentences.map((message) => ({ pointer: '', message })) }
}

/** docs/layers.md: what the annotations say, not whether the layers are there. */
async function checkLayers(text: string, findings: Findings): Promise<void> {
  const document = json(text) as { annotations?: unknown } | null | undefined
  const annotations = document?.annotations
  if (typeof annotations !== 'object' || annotations === null) return
  const texts = Object.entries(annotations).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  const spec: Spec = { ociVersion: '', annotations: Object.fromEntries(texts) }
  if (hasLayers(spec)) findings.problems.push(...(await import('./layers.ts')).layersProblems(spec))
}

/** config.md#root: a directory MUST exist at root.path. */
async function checkRoot({ host }: Context, dir: string, text: string, findings: Findings): Promise<void> {
  const pointer = '/root/path'
  const { root } = (json(text) ?? {}) as { root?: { path?: unknown } }
  if (typeof root?.path !== 'string' || root.path === '' || findings.problems.some((it) => it.pointer === pointer))
    return
  const path = resolvePath(dir, root.path)
  try {
    const status = await host.files.status(path)
    if (status?.type === 'directory') return
    const why = status === undefined ? 'there is nothing' : 'it is none'
    findings.problems.push({ pointer, message: `must be a directory, is ${path}: ${why}` })
  } catch {
    findings.warnings.push({ pointer, message: `cannot be looked at by this user: ${path}` })
  }
}

/** The document; undefined where there is none, which is told already. */
function json(text: string): unknown {
  try {
    return JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text) as unknown
  } catch {
    return undefined
  }
}

async function sorted(
  file: string,
  text: string,
  { problems, warnings }: Findings,
  kind: 'Spec' | 'Process',
): Promise<Validation> {
  const located = async (list: readonly ConfigProblem[]): Promise<ConfigProblem[]> =>
    list.length === 0 ? [] : (await locateProblems(text, list, kind)).sort(byPlace)
  const [ofFields, others] = [
    warnings.filter(({ pointer }) => pointer !== ''),
    warnings.filter((it) => it.pointer === ''),
  ]
  return { file, problems: await located(problems), warnings: [...(await located(ofFields)), ...others] }
}

function byPlace(a: ConfigProblem, b: ConfigProblem): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
}
