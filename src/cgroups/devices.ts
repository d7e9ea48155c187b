/**
 * Device rules, compiled into the eBPF program that the kernel asks on every open and mknod in the cgroup
 * (BPF_PROG_TYPE_CGROUP_DEVICE). Pure: knows no cgroup and no descriptor.
 *
 * What the rules mean (OCI config-linux.md, "Allowed Device list"): nothing is allowed at first; the rules apply in order, each
 * to the accesses (read, write, mknod) that it names, a later one overriding an earlier one; an access is allowed if
 * every single one of the accesses that it consists of is.
 */
import type { ConfigProblem } from '../errors.ts'
import {
  and32,
  encodeProgram,
  exit,
  loadWord,
  move32,
  moveImmediate,
  shiftRight32,
  skip,
  skipIfEqual,
  skipUnlessEqual,
  xor32,
  type Instruction,
} from './bpf.ts'
import type { DeviceRule } from '../spec/schema.gen.ts'

/** BPF_DEVCG_DEV_* and BPF_DEVCG_ACC_* of linux/bpf.h. */
export const deviceType = { block: 1, char: 2 } as const
export const deviceAccess = { mknod: 1, read: 2, write: 4 } as const
const allAccess = 7

const devicesPointer = '/linux/resources/devices'

/**
 * What every container may use, whatever the config says; runc and crun do the same. mknod of any device: making a node
 * gives no access to what it stands for. 10:200 (tun) as in runc, which took it away once and broke the VPN clients.
 * The system's console, 5:1, is not among them: the container's /dev/console is a pseudoterminal, 136:*.
 */
export const defaultRules: readonly DeviceRule[] = [
  { allow: true, access: 'm' },
  { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' }, // null
  { allow: true, type: 'c', major: 1, minor: 8, access: 'rwm' }, // random
  { allow: true, type: 'c', major: 1, minor: 7, access: 'rwm' }, // full
  { allow: true, type: 'c', major: 5, minor: 0, access: 'rwm' }, // tty
  { allow: true, type: 'c', major: 1, minor: 5, access: 'rwm' }, // zero
  { allow: true, type: 'c', major: 1, minor: 9, access: 'rwm' }, // urandom
  { allow: true, type: 'c', major: 136, access: 'rwm' }, // pts/*
  { allow: true, type: 'c', major: 5, minor: 2, access: 'rwm' }, // ptmx
  { allow: true, type: 'c', major: 10, minor: 200, access: 'rwm' }, // net/tun
]

/**
 * Rules at most, beside the default ones. The kernel's verifier follows at most 8192 open branches
 * (BPF_COMPLEXITY_LIMIT_JMP_SEQ), and a rule costs up to four.
 */
export const maxRules = 2000

export interface DeviceFilter {
  /** `struct bpf_insn` after `struct bpf_insn`. */
  program: Uint8Array
  /** The program lets everything through: a cgroup that has no other needs it not. */
  allowsAll: boolean
}

/** A rule, checked; undefined stands for "every". */
interface Match {
  allow: boolean
  type: number | undefined
  major: number | undefined
  minor: number | undefined
  access: number
}

const letters: Readonly<Record<string, number>> = {
  r: deviceAccess.read,
  w: deviceAccess.write,
  m: deviceAccess.mknod,
}

function parseAccess(access: string): number | undefined {
  let bits = 0
  for (const letter of access) {
    const bit = letters[letter]
    if (bit === undefined) return undefined
    bits |= bit
  }
  return bits
}

function parseRule(rule: DeviceRule, index: number, problems: ConfigProblem[]): Match | undefined {
  const pointer = `${devicesPointer}/${index}`
  const before = problems.length
  const type = rule.type ?? 'a'
  if (!['a', 'b', 'c', ''].includes(type)) {
    problems.push({ pointer: `${pointer}/type`, message: `"${type}" is not a type of device; it is one of a, b, c` })
  }
  const number = (name: 'major' | 'minor'): number | undefined => {
    const value = rule[name]
    if (value === undefined || value === -1) return undefined
    if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
      problems.push({ pointer: `${pointer}/${name}`, message: `is ${value}; a device number is 0 to 4294967295` })
    }
    return value
  }
  const major = number('major')
  const minor = number('minor')
  const access = parseAccess(rule.access ?? '')
  if (access === undefined || access === 0) {
    problems.push({
      pointer: rule.access === undefined ? pointer : `${pointer}/access`,
      message: rule.access
        ? `access "${rule.access}" has letters other than r, w and m`
        : 'device access cannot be empty',
    })
  }
  if (problems.length > before || access === undefined) return undefined
  return {
    allow: rule.allow,
    type: type === 'b' ? deviceType.block : type === 'c' ? deviceType.char : undefined,
    major,
    minor,
    access,
  }
}

/**
 * The rules that still decide something, the last first, and what holds after all of them: left out are rules that later
 * ones cover, everything before a verdict on all devices, and the rules that only repeat that verdict.
 */
function reduceRules(matches: readonly Match[]): { rules: Match[]; otherwise: boolean } {
  const rules: Match[] = []
  let otherwise = false
  for (let index = matches.length - 1; index >= 0; index--) {
    const match = matches[index]!
    if (isEveryDevice(match) && match.access === allAccess) {
      otherwise = match.allow
      break
    }
    if (!rules.some((later) => covers(later, match))) rules.push(match)
  }
  while (rules.at(-1)?.allow === otherwise) rules.pop()
  return { rules, otherwise }
}

function isEveryDevice({ type, major, minor }: Match): boolean {
  return type === undefined && major === undefined && minor === undefined
}

/** Whether `a` speaks for every access of every device that `b` speaks for. */
function covers(a: Match, b: Match): boolean {
  return (
    (a.minor === undefined || a.minor === b.minor) &&
    (a.major === undefined || a.major === b.major) &&
    (a.type === undefined || a.type === b.type) &&
    (b.access & ~a.access) === 0
  )
}

/** Registers: the program's verdict and scratch, its argument, and what it reads from it. */
const r = { scratch: 0, context: 1, type: 2, access: 3, major: 4, minor: 5 } as const

/** Neighbouring rules with the same verdict on the same accesses: in which order they are asked makes no difference. */
interface Run {
  allow: boolean
  access: number
  matches: Match[]
}

function groupRuns(rules: readonly Match[]): Run[] {
  const runs: Run[] = []
  for (const rule of rules) {
    const last = runs.at(-1)
    if (last?.allow === rule.allow && last.access === rule.access) last.matches.push(rule)
    else runs.push({ allow: rule.allow, access: rule.access, matches: [rule] })
  }
  return runs
}

function groupBy<K>(matches: readonly Match[], key: (match: Match) => K): Map<K, Match[]> {
  const groups = new Map<K, Match[]>()
  for (const match of matches) {
    const group = groups.get(key(match))
    if (group === undefined) groups.set(key(match), [match])
    else group.push(match)
  }
  return groups
}

/** Code of a run's comparisons; a jump to the verdict behind them is made once its distance is known. */
type Draft = (Instruction | ((distance: number) => Instruction))[]

/** To the verdict, if the register has this value; undefined is every value. */
function matched(register: number, value: number | undefined, final: boolean): Draft {
  if (value === undefined) return [skip]
  // A verdict that always returns may know the value: nothing comes after it.
  if (final) return [(distance) => skipIfEqual(register, value, distance)]
  const { scratch } = r
  return [move32(scratch, register), xor32(scratch, value), (distance) => skipIfEqual(scratch, 0, distance)]
}

/** `then` only for a register with this value; undefined is every value. */
function when(register: number, value: number | undefined, then: Draft): Draft {
  if (value === undefined) return then
  return [move32(r.scratch, register), xor32(r.scratch, value), skipUnlessEqual(r.scratch, 0, then.length), ...then]
}

/**
 * One run: finds out whether any of its rules matches, and if so, applies its verdict.
 *
 * The access register holds the accesses on which nothing has decided yet: an allowing run takes its own out and
 * returns when none is left; a denying one returns if any of its own is asked for.
 *
 * Numbers are compared through the scratch register: a comparison of the register itself would teach the verifier
 * its value on one branch, and it would then follow the rest of the program once for each rule.
 */
function encodeRun(run: Run): Instruction[] {
  const final = run.access === allAccess
  const comparisons: Draft = []
  for (const [type, ofType] of groupBy(run.matches, (match) => match.type)) {
    const majors: Draft = []
    for (const [major, ofMajor] of groupBy(ofType, (match) => match.major)) {
      const minors = new Set(ofMajor.map((match) => match.minor))
      if (minors.has(undefined)) majors.push(...matched(r.major, major, final))
      else
        majors.push(
          ...when(
            r.major,
            major,
            [...minors].flatMap((minor) => matched(r.minor, minor, final)),
          ),
        )
    }
    // There are but two types, so that the verifier may learn them.
    if (type !== undefined) comparisons.push(skipUnlessEqual(r.type, type, majors.length))
    comparisons.push(...majors)
  }

  const verdict = [moveImmediate(r.scratch, run.allow ? 1 : 0), exit()]
  let body = verdict
  if (!final) {
    const undecided = run.allow
      ? [and32(r.access, allAccess & ~run.access), skipUnlessEqual(r.access, 0, verdict.length)]
      : [move32(r.scratch, r.access), and32(r.scratch, run.access), skipIfEqual(r.scratch, 0, verdict.length)]
    body = [...undecided, ...verdict]
  }
  if (run.matches.some(isEveryDevice)) return body
  const length = comparisons.length
  return [
    // Past the comparisons and the jump over the body.
    ...comparisons.map((item, index) => (typeof item === 'function' ? item(length - index) : item)),
    skip(body.length),
    ...body,
  ]
}

/**
 * The program of the default rules alone, compiled in advance: most containers have no other, and compiling takes half a
 * millisecond in a process that has just started. The unit tests hold it against the compiler's.
 */
// prettier-ignore
const defaultProgram = [
  0x1261, 0x0, 0x23bc, 0x0, 0x254, 0xffff, 0x374, 0x10,
  0x41461, 0x0, 0x81561, 0x0, 0x120256, 0x2, 0x40bc, 0x0,
  0xa4, 0xa, 0x10056, 0x0, 0xf0516, 0xc8, 0x40bc, 0x0,
  0xa4, 0x5, 0x20056, 0x0, 0xb0516, 0x2, 0xa0516, 0x0,
  0x90416, 0x88, 0x40bc, 0x0, 0xa4, 0x1, 0x50056, 0x0,
  0x50516, 0x9, 0x40516, 0x5, 0x30516, 0x7, 0x20516, 0x8,
  0x10516, 0x3, 0x20005, 0x0, 0xb7, 0x1, 0x95, 0x0,
  0x354, 0x6, 0x20356, 0x0, 0xb7, 0x1, 0x95, 0x0,
  0xb7, 0x0, 0x95, 0x0,
]

/** The rule with which nearly every configuration begins, and which changes nothing there. */
function isDenyAll(rule: DeviceRule): boolean {
  const { allow, type, major, minor, access } = rule
  return !allow && (type ?? 'a') === 'a' && (major ?? -1) === -1 && (minor ?? -1) === -1 && access === 'rwm'
}

/**
 * The filter for `linux.resources.devices` followed by the devices that every container may use.
 * Without rules (or without the field) only those are allowed, as runc has it. With problems, the filter denies everything.
 */
export function compileDevices(rules: readonly DeviceRule[] | undefined): {
  filter: DeviceFilter
  problems: ConfigProblem[]
} {
  const problems: ConfigProblem[] = []
  if (rules === undefined || rules.every(isDenyAll)) {
    return { filter: { program: new Uint8Array(new Uint32Array(defaultProgram).buffer), allowsAll: false }, problems }
  }
  const own = rules.flatMap((rule, index) => parseRule(rule, index, problems) ?? [])
  const defaults = defaultRules.flatMap((rule, index) => parseRule(rule, index, []) ?? [])
  const reduced = reduceRules([...own, ...defaults])
  if (reduced.rules.length > maxRules + defaults.length) {
    problems.push({
      pointer: devicesPointer,
      message: `has ${reduced.rules.length - defaults.length} rules that differ; the kernel takes at most ${maxRules}`,
      hint: 'merge them with wildcards',
    })
  }
  if (problems.length > 0) {
    const denyAll = encodeProgram([moveImmediate(r.scratch, 0), exit()])
    return { filter: { program: denyAll, allowsAll: false }, problems }
  }
  const program = encodeProgram([
    // struct bpf_cgroup_dev_ctx: access in the upper half of the first word, type in the lower; major; minor.
    loadWord(r.type, r.context, 0),
    move32(r.access, r.type),
    and32(r.type, 0xffff),
    shiftRight32(r.access, 16),
    loadWord(r.major, r.context, 4),
    loadWord(r.minor, r.context, 8),
    ...groupRuns(reduced.rules).flatMap(encodeRun),
    moveImmediate(r.scratch, reduced.otherwise ? 1 : 0),
    exit(),
  ])
  return { filter: { program, allowsAll: reduced.otherwise && reduced.rules.length === 0 }, problems }
}
