/**
 * What is left of a configuration with problems when those are taken out: so that the compiler, which takes only valid ones,
 * can tell at the same time what is wrong with the rest. For `validate` alone: what comes out is never carried out.
 */
import { copyOf } from '../spec/copy.ts'
import { specVersion } from '../spec/default.ts'
import { checkSpec } from '../spec/parse.ts'
import { splitPointer, valueAt, type Problem } from '../spec/problem.ts'
import type { Spec } from '../spec/schema.gen.ts'

/** Taking something out can make something else wrong, as that needed it. */
const maxRounds = 5

/** On these most else depends: without them little can be said of it for sure. */
const essential = ['/linux/namespaces', '/linux/uidMappings', '/linux/gidMappings']

/** What stands in their place. */
const usual = ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'].map((type) => ({ type }))

/** What does not depend on them. */
const independent = /^\/linux\/(resources|seccomp)(\/|$)|^\/mounts\/\d+\/options\/\d+$/

/** A configuration that can be compiled, and which of its problems are those of the one that it was made from. */
export interface Salvaged {
  spec: Spec
  counts: (problem: Problem) => boolean
}

type Fields = Record<string, unknown>

/** @param document as JSON.parse gives it; @returns undefined where nothing can be saved */
export function salvage(document: unknown): Salvaged | undefined {
  try {
    return salvaged(document)
  } catch (error) {
    // Nested so deeply that it cannot be copied.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function salvaged(document: unknown): Salvaged | undefined {
  const copy: unknown = copyOf(document)
  let whole = true
  for (let round = 0; round < maxRounds; round++) {
    const { spec, problems } = checkSpec(copyOf(copy))
    if (spec !== undefined) {
      return {
        spec,
        counts: (problem) => (whole || independent.test(problem.pointer)) && untouched(problem, document, spec),
      }
    }
    whole &&= !problems.some(({ pointer }) => isEssential(pointer))
    if (!problems.every(({ pointer }) => replace(copy, pointer))) return undefined
  }
  return undefined
}

/** Whether a problem of the rest is no consequence of what was taken out: its value is still what it was. */
function untouched({ pointer }: Problem, document: unknown, rest: Spec): boolean {
  const value = valueAt(document, pointer)
  return value !== undefined && JSON.stringify(value) === JSON.stringify(valueAt(rest, pointer))
}

function isEssential(pointer: string): boolean {
  return essential.some((start) => pointer.startsWith(start))
}

/** Puts something harmless in the place of the field, or removes it. False where that cannot be done. */
function replace(document: unknown, pointer: string): boolean {
  if (typeof document !== 'object' || document === null || Array.isArray(document) || pointer === '') return false
  const fields = document as Fields
  const [top = '', second, third, fourth] = splitPointer(pointer)
  const inner = fields[top]
  const isObject = typeof inner === 'object' && inner !== null && !Array.isArray(inner)
  if (top === 'ociVersion') fields.ociVersion = specVersion
  else if (top === 'root') fields.root = { path: 'rootfs' }
  else if (top === 'process') fields.process = { cwd: '/', args: ['/'], ...(isObject ? without(inner, second) : {}) }
  else if (top === 'mounts' && Array.isArray(inner)) replaceInMount(inner, Number(second), third, fourth)
  else if (top === 'linux' && isObject && isEssential(pointer)) {
    const { uidMappings: _, gidMappings: __, timeOffsets: ___, ...rest } = inner as Fields
    fields.linux = { ...rest, namespaces: usual }
  } else if (top === 'linux' && isObject) fields.linux = withoutOne(inner as Fields, second, third)
  else Reflect.deleteProperty(fields, top)
  return true
}

function without(object: object, name: string | undefined): Fields {
  return Object.fromEntries(Object.entries(object).filter(([key]) => name !== undefined && key !== name))
}

/** Without a field, or of `resources` without one controller's. */
function withoutOne(linux: Fields, name: string | undefined, below: string | undefined): Fields {
  const { resources } = linux
  if (name !== 'resources' || below === undefined || typeof resources !== 'object' || resources === null)
    return without(linux, name)
  return { ...linux, resources: without(resources, below) }
}

function replaceInMount(mounts: unknown[], index: number, name: string | undefined, item: string | undefined): void {
  const mount = mounts[index]
  const options: unknown = typeof mount === 'object' && mount !== null ? (mount as Fields).options : undefined
  if (name === 'options' && item !== undefined && Array.isArray(options)) options[Number(item)] = 'defaults'
  else if (index < mounts.length) mounts[index] = { destination: `/mnt/${index}`, type: 'tmpfs' }
}
