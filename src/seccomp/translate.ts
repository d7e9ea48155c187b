/**
 * linux.seccomp (config-linux.md#seccomp) as what libseccomp is asked for. Pure; loaded only when a filter has to be compiled.
 */
import type { FilterRequest } from '../host/host.ts'
import { uint64 } from '../spec/numbers.ts'
import type { Seccomp, SeccompAction, SeccompArgument, SeccompRule } from '../spec/schema.gen.ts'
import { actions, architectures, nativeArchitectures, operators } from './names.ts'
import type { ExactValues } from './profile.ts'

const pointer = '/linux/seccomp'

/** A profile with its names collected, so that the library can be asked for their numbers at once. */
export interface Names {
  /** Without repetition. */
  syscalls: string[]
  /** SCMP_ARCH_*: the native one first, then those of the profile. */
  architectures: number[]
}

/** @param architecture of this machine, as `System.architecture` says */
export function namesOf(seccomp: Seccomp, architecture: string): Names {
  const native = nativeArchitectures[architecture]
  if (native === undefined) throw new Error(`no seccomp architecture for ${architecture}`)
  const wanted = (seccomp.architectures ?? []).map((name) => architectures[name])
  return {
    syscalls: [...new Set((seccomp.syscalls ?? []).flatMap(({ names }) => names))],
    architectures: [...new Set([native, ...wanted])],
  }
}

export interface Translation {
  request: FilterRequest
  /** Largest number that the profile knows, by SCMP_ARCH_*: see enosys.ts. Empty where newer calls are to get the default. */
  last: Map<number, number>
  /** Names that the library does not know: ignored, as with runc. */
  unknown: string[]
  /** The field behind each rule of the request, and behind each architecture. */
  origins: { rules: string[]; architectures: string[] }
}

/** @param numbers of every name in every architecture, as `Seccomp.resolve` of the host gives them for `names` */
export function translate(seccomp: Seccomp, names: Names, numbers: Int32Array, exact: ExactValues): Translation {
  const defaultAction = actionNumber(seccomp.defaultAction, seccomp.defaultErrnoRet)
  const index = new Map(names.syscalls.map((name, at) => [name, at]))
  const words: bigint[] = []
  const origins: string[] = []
  seccomp.syscalls?.forEach((rule, at) => {
    const action = actionNumber(rule.action, rule.errnoRet)
    // The library refuses a rule that says what happens anyhow.
    if (action === defaultAction) return
    const base = `${pointer}/syscalls/${at}`
    const sets = conditionSets(rule, `${base}/args`, exact)
    for (const name of rule.names) {
      // Numbers of the native architecture; negative ones other than -1 stand for calls that only another one has.
      const number = numbers[index.get(name)!]!
      if (number === -1) continue
      for (const conditions of sets) {
        words.push(BigInt.asUintN(32, BigInt(number)), BigInt(action), BigInt(conditions.length), ...conditions.flat())
        origins.push(base)
      }
    }
  })
  return {
    request: {
      defaultAction,
      architectures: names.architectures,
      optimize: treePays(origins.length) ? 2 : 1,
      rules: BigUint64Array.from(words),
    },
    last: refusesByDefault(seccomp) ? lastNumbers(names, numbers) : new Map<number, number>(),
    unknown: names.syscalls.filter((_, at) => numbers[at] === -1),
    origins: { rules: origins, architectures: architectureOrigins(seccomp, names) },
  }
}

/** EPERM, where the profile names no errno: config-linux.md, `errnoRet` and `defaultErrnoRet`. */
const EPERM = 1

function actionNumber(action: SeccompAction, errnoRet = EPERM): number {
  const number = actions[action]
  return action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE' ? number + errnoRet : number
}

type Condition = [index: bigint, operator: bigint, value: bigint, valueTwo: bigint]

/**
 * The conditions of a rule, as sets of which each becomes a rule of the library. All of `args` must hold; but as with runc,
 * where two are about the same argument, which the library cannot take in one rule, it is enough that one of them holds.
 */
function conditionSets({ args = [] }: SeccompRule, base: string, exact: ExactValues): Condition[][] {
  const conditions = args.map((arg, at) => condition(arg, `${base}/${at}`, exact))
  const distinct = new Set(args.map(({ index }) => index)).size
  return distinct === args.length ? [conditions] : conditions.map((one) => [one])
}

function condition({ index, op, value, valueTwo }: SeccompArgument, base: string, exact: ExactValues): Condition {
  const first = exact.get(`${base}/value`) ?? uint64(value)
  const second = exact.get(`${base}/valueTwo`) ?? uint64(valueTwo ?? 0)
  return [BigInt(index), BigInt(operators[op]), first, second]
}

/**
 * Whether the filter is to be a binary tree. A node of it has four calls, so that short filters gain nothing; and libseccomp up
 * to 2.5.4 makes a wrong tree of none.
 */
function treePays(rules: number): boolean {
  return rules > 32
}

/** Whether a call that the profile does not know is refused, with anything but the ENOSYS that it would get. */
function refusesByDefault({ defaultAction }: Seccomp): boolean {
  // A tracer can deal with calls that it does not know by itself.
  return !['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE', 'SCMP_ACT_NOTIFY'].includes(defaultAction)
}

function lastNumbers({ syscalls, architectures }: Names, numbers: Int32Array): Map<number, number> {
  const last = new Map<number, number>()
  architectures.forEach((architecture, at) => {
    const largest = numbers
      .subarray(at * syscalls.length, (at + 1) * syscalls.length)
      .reduce((a, b) => Math.max(a, b), 0)
    if (largest > 0) last.set(architecture, largest)
  })
  return last
}

function architectureOrigins(seccomp: Seccomp, names: Names): string[] {
  const list = (seccomp.architectures ?? []).map((name) => architectures[name])
  return names.architectures.map((number) => {
    const at = list.indexOf(number)
    return at < 0 ? pointer : `${pointer}/architectures/${at}`
  })
}
