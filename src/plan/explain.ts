/**
 * A plan for people: what is done, with which system call, for which field. Numbers are shown by their names.
 * Origins are the only link to OCI: nothing here knows what a field means.
 */
import { capabilityNames, rlimitNames } from '../spec/names.ts'
import { rlimInfinity } from '../spec/numbers.ts'
import * as kernel from './kernel.ts'
import type { IdRange, Input, Plan } from './plan.ts'
import { stepTable, type Step, type StepName } from './steps.ts'
import { syncPoint } from './sync.ts'

type Value = string | number | readonly string[]

/** A step as plain data. */
export interface ExplainedStep {
  op: StepName
  /** The field or flag that asked for it; '' where runt does it for every container. */
  origin: string
  /** The system calls. */
  calls: string
  /** By field, with flags by their names and registers as `rN name`. */
  arguments: Record<string, Value>
}

/** A plan as plain data, for JSON. */
export interface ExplainedPlan {
  /** CLONE_NEW* of the first process. */
  clone: string[]
  inputs: { register: string; origin: string; source: string }[]
  /** Descriptors from 3 on that the program inherits. */
  preserveFds: number
  steps: ExplainedStep[]
}

type Formatter = (value: number | bigint) => Value

const bits =
  (names: Readonly<Record<string, number>>, prefix = ''): Formatter =>
  (value) =>
    kernel.flagNames(value, names, prefix)

const octal: Formatter = (value) => (Number(value) === 0 ? '0' : `0${value.toString(8)}`)
const namespaces = bits(kernel.clone, 'CLONE_')
const propagations = bits(kernel.propagation, 'MS_')
const treeFlags = bits(kernel.at, 'AT_')
const nameIn =
  (names: Readonly<Record<string, number>>): Formatter =>
  (value) =>
    Object.entries(names).find(([, number]) => number === Number(value))?.[0] ?? Number(value)
const limit: Formatter = (value) => (BigInt(value) === rlimInfinity ? 'unlimited' : value.toString())
const owner: Formatter = (value) => (value === kernel.keepId ? 'unchanged' : Number(value))
const capabilities: Formatter = (value) => {
  const names = capabilityNames.filter((_, number) => ((BigInt(value) >> BigInt(number)) & 1n) === 1n)
  return names.length === 0 ? 'none' : names
}
const nodeMode: Formatter = (value) => {
  const mode = Number(value)
  const type = Object.entries(kernel.fileType).find(([, bits]) => bits === (mode & 0o170000))
  return `${type === undefined ? '' : `S_IF${type[0]}|`}0${(mode & 0o7777).toString(8)}`
}

/** Numbers that mean something: `step.field`, or `*.field` for every step. */
const formatters: Readonly<Record<string, Formatter>> = {
  'setns.type': namespaces,
  'setns.mode': nameIn(kernel.join),
  'unshare.flags': namespaces,
  'fork.flags': namespaces,
  'sync.point': nameIn(syncPoint),
  'dieWithParent.signal': (value) => (value === kernel.signal.KILL ? 'SIGKILL' : Number(value)),
  'rlimit.resource': (value) => rlimitNames[Number(value)] ?? Number(value),
  'rlimit.soft': limit,
  'rlimit.hard': limit,
  'umask.mask': octal,
  'scheduler.policy': nameIn(kernel.schedulerPolicies),
  'scheduler.flags': bits(kernel.schedulerFlags),
  'ioPriority.ioClass': nameIn(kernel.ioClasses),
  'memoryPolicy.mode': (value) => {
    const flags = Object.values(kernel.memoryFlags).reduce((all, flag) => all | flag, 0)
    const [mode, rest] = [Number(value) & ~flags, Number(value) & flags]
    const name = String(nameIn(kernel.memoryModes)(mode))
    return rest === 0 ? name : `${name}|${kernel.flagNames(rest, kernel.memoryFlags)}`
  },
  'personality.domain': nameIn(kernel.personalities),
  'boundingSet.mask': capabilities,
  'ambientCapabilities.mask': capabilities,
  'capabilities.effective': capabilities,
  'capabilities.permitted': capabilities,
  'capabilities.inheritable': capabilities,
  '*.propagation': propagations,
  '*.attributes': bits(kernel.mountAttr, 'MOUNT_ATTR_'),
  'mountAttributes.set': bits(kernel.mountAttr, 'MOUNT_ATTR_'),
  'mountAttributes.clear': (value) => {
    // A cleared access time is the setting as a whole.
    const atime = (Number(value) & kernel.mountAttrAtime) === kernel.mountAttrAtime
    const rest = atime ? Number(value) & ~kernel.mountAttrAtime : Number(value)
    const names = atime ? ['MOUNT_ATTR__ATIME'] : []
    if (rest !== 0 || !atime) names.push(kernel.flagNames(rest, kernel.mountAttr, 'MOUNT_ATTR_'))
    return names.join('|')
  },
  'propagation.flags': treeFlags,
  'openTree.flags': treeFlags,
  'openTreeOr.flags': treeFlags,
  'cloneTree.flags': treeFlags,
  'mountAttributes.flags': treeFlags,
  'idmap.flags': treeFlags,
  'mknod.mode': nodeMode,
  'openIn.mode': octal,
  'openIn.make': nameIn(kernel.make),
  'openIn.kind': nameIn(kernel.kind),
  'seccomp.flags': bits(kernel.seccompFlag, 'SECCOMP_FILTER_FLAG_'),
  'openConsole.uid': owner,
  'openConsole.gid': owner,
}

/** The bytes of a plan are programs of struct sock_filter. */
const instructionSize = 8

/** Fields that say nothing to people, whatever their values. */
const silentFields = new Set(['hook.before', 'hook.after'])

/** Values that say nothing to people; the JSON has them. */
const silent = new Set([
  'setns.mode=must',
  'openIn.optional=0',
  'mountAttributes.propagation=0',
  'pivotRoot.move=0',
  'closeOnExec.preserve=0',
  'hook.inherit=0',
  'overlay.owner=0',
  'overlay.names=0',
  'hook.timeout=0',
  'hook.directory=',
  'hook.args=',
  'becomeRoot.keep=0',
  'user.keep=0',
])
const silentValues = new Set([
  'flags=0',
  'set=0',
  'clear=0',
  'attributes=0',
  'parameters=',
  'uid=0',
  'gid=0',
  'groups=',
])

function registerName(plan: Plan, register: number): string {
  return `r${register} ${plan.registers[register] ?? ''}`.trimEnd()
}

function explainStep(step: Step, plan: Plan): ExplainedStep {
  const { calls, fields } = stepTable[step.op]
  const values = step as unknown as Record<
    string,
    string | number | bigint | readonly string[] | readonly number[] | Uint8Array
  >
  const shown: Record<string, Value> = {}
  for (const [field, kind] of Object.entries(fields)) {
    const value = values[field]!
    if (value instanceof Uint8Array) {
      shown[field] = `${value.length / instructionSize} instructions`
      continue
    }
    const format = formatters[`${step.op}.${field}`] ?? formatters[`*.${field}`]
    if (kind === 'regs') shown[field] = (value as readonly number[]).map((register) => registerName(plan, register))
    else if (typeof value !== 'number' && typeof value !== 'bigint') shown[field] = value as string | readonly string[]
    else if (kind === 'reg' || kind === 'out') shown[field] = registerName(plan, Number(value))
    else shown[field] = format === undefined ? Number(value) : format(value)
  }
  return { op: step.op, origin: step.origin, calls, arguments: shown }
}

function sourceText({ source }: Input): string {
  switch (source.kind) {
    case 'path':
      return `open ${source.path} (${source.flags})`
    case 'state':
      return `open ${source.file} in the state directory`
    case 'pidfd':
      return `pidfd_open ${source.pid}`
    case 'root':
      return `open /proc/${source.pid}/root`
    case 'userns':
      return `user namespace of users ${ranges(source.uid)} and groups ${ranges(source.gid)}`
  }
}

function ranges(list: readonly IdRange[]): string {
  return list.map(({ containerID, hostID, size }) => `${containerID}-${hostID}-${size}`).join('#')
}

/** The plan as plain data, for `runt explain --json`. */
export function explainJson(plan: Plan): ExplainedPlan {
  return {
    clone: plan.cloneFlags === 0 ? [] : kernel.flagNames(plan.cloneFlags, kernel.clone, 'CLONE_').split('|'),
    inputs: plan.inputs.map((input) => ({
      register: registerName(plan, input.register),
      origin: input.origin,
      source: sourceText(input),
    })),
    preserveFds: plan.preserveFds,
    steps: plan.steps.map((step) => explainStep(step, plan)),
  }
}

/** In quotes; control characters, which a configuration could send to the reader's terminal, are escaped. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(/[\u007f-\u009f]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)
}

/** A JSON Pointer as people write fields: `mounts[3].options[0]`; what is no pointer stays. */
function fieldText(origin: string): string {
  if (!origin.startsWith('/')) return origin
  return origin
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((token, index) => {
      if (/^\d+$/.test(token)) return `[${token}]`
      return /^\w+$/.test(token) ? `${index === 0 ? '' : '.'}${token}` : `[${quoted(token)}]`
    })
    .join('')
}

/** An argument. */
function valueText(value: Value): string {
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string') return `[${value.map(valueText).join(', ')}]`
  return /^[\x21\x23-\x5b\x5d-\x7e ]+$/.test(value) ? value : quoted(value)
}

/** `r5`, without its name. */
function shortRegister(value: Value): string {
  return String(value).split(' ', 1)[0]!
}

/** `r5 to r8`. */
function registerRow(values: readonly string[]): string {
  const [first, last] = [values[0] ?? '', values.at(-1) ?? ''].map(shortRegister)
  return first === last ? first! : `${first} to ${last}`
}

function stepText({ op, arguments: fields }: ExplainedStep): string {
  const kinds = stepTable[op].fields
  let target = ''
  const parts: string[] = []
  for (const [field, value] of Object.entries(fields)) {
    const text = `${field}=${String(value)}`
    if (kinds[field] === 'out') target = `${valueText(value)} = `
    else if (kinds[field] === 'reg')
      parts.push(op === 'overlay' ? `${field} ${shortRegister(value)}` : shortRegister(value))
    else if (kinds[field] === 'regs') parts.push(`${field} ${registerRow(value as readonly string[])}`)
    else if (silentFields.has(`${op}.${field}`)) continue
    else if (!silent.has(`${op}.${text}`) && !(op !== 'user' && silentValues.has(text)))
      parts.push(`${field} ${valueText(value).replaceAll(/\b(MOUNT_ATTR_|AT_)/g, '')}`)
  }
  return `${target}${op}${parts.length === 0 ? '' : ` ${parts.join(', ')}`}`
}

interface Line {
  /** The step's index, or nothing. */
  number: string
  field: string
  text: string
  calls: string
}

/** One line for a step; several `close` in a row are one. */
function stepLines(steps: readonly ExplainedStep[]): Line[] {
  const lines: Line[] = []
  steps.forEach((step, index) => {
    const field = fieldText(step.origin)
    const last = lines.at(-1)
    if (step.op === 'close' && steps[index - 1]?.op === 'close' && last?.field === field)
      last.text += `, ${shortRegister(step.arguments.fd!)}`
    else
      lines.push({
        number: String(index),
        field,
        text: stepText(step),
        calls: step.calls === step.op ? '' : step.calls,
      })
  })
  return lines
}

/** The first lines: how the process comes into being. */
function startLines({ clone, inputs, preserveFds }: ExplainedPlan): Line[] {
  const line = (field: string, text: string): Line => ({ number: '', field, text, calls: '' })
  const lines = [line(clone.length === 0 ? '' : 'linux.namespaces', `clone3 flags ${clone.join('|') || '0'}`)]
  for (const { register, source, origin } of inputs)
    lines.push(line(fieldText(origin), `${valueText(register)} = ${valueText(source)}`))
  if (preserveFds > 0) lines.push(line('', `descriptors 3 to ${2 + preserveFds} are inherited`))
  return lines
}

/** The first two levels of a field: steps of one mount stay together. */
function groupOf(field: string): string {
  return /^\w+(\.\w+)?(\[\d+\])?/.exec(field)?.[0].replace(/^(linux\.\w+)\[\d+\]$/, '$1') ?? field
}

/** What happens around the plan, by whoever runs it: shown in the same columns. */
export interface SurroundingLine {
  origin: string
  text: string
  /** The system calls. */
  calls?: string
}

/**
 * The plan as text: one line for a step, with its index, the field that asked for it (nothing where runt does it for every
 * container), what is done, and the system calls.
 * @param before what is done before init is cloned
 * @param meanwhile what is done from outside at init's sync points
 */
export function explainPlan(
  plan: Plan,
  before: readonly SurroundingLine[] = [],
  meanwhile: readonly SurroundingLine[] = [],
): string {
  const explained = explainJson(plan)
  const steps = stepLines(explained.steps)
  const surrounding = ({ origin, text, calls }: SurroundingLine): Line => {
    return { number: '', field: fieldText(origin), text: valueText(text), calls: calls ?? '' }
  }
  const start = [...before.map(surrounding), ...startLines(explained)]
  const outside = meanwhile.map(surrounding)
  const fieldWidth = Math.min(32, Math.max(...[...start, ...steps, ...outside].map(({ field }) => field.length)))
  const render = ({ number, field, text, calls }: Line): string =>
    `${number.padStart(3)}  ${field.padEnd(fieldWidth)}  ${text}${calls === '' ? '' : `  (${calls})`}`.trimEnd()
  const out = start.map(render)
  let group: string | undefined
  for (const line of steps) {
    if (groupOf(line.field) !== group) out.push('')
    group = groupOf(line.field)
    out.push(render(line))
  }
  if (outside.length > 0) out.push('', 'meanwhile, from outside', ...outside.map(render))
  return `${out.join('\n')}\n`
}
