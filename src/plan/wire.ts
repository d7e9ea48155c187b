/**
 * A plan as bytes, and back.
 *
 *   header                                     36 bytes
 *   steps: {op u16, size u16} + fields, one after the other
 *   strings                                    every string with its NUL
 *
 * All numbers are little-endian. A string field is {offset, length} into the strings area, `length` without the NUL that must
 * follow it; a list is {offset, length, count}: `count` strings, each with its NUL, `length` bytes in all. A field of bytes is
 * {offset, length} into the same area, of any content, with nothing after it. Registers in a row are {first, count}. The reader
 * (native/common/wire.h, native/init/decode.h) refuses whatever does not add up, byte for byte.
 */
import { concat, textOf, viewOf, writeUtf8 } from '../bytes.ts'
import { fieldSize, type FieldKind } from './fields.ts'
import { planVersion, stepLayouts } from './layouts.gen.ts'
import type { Plan } from './plan.ts'
import type { Step, StepName } from './steps.ts'

/** "RUNT" */
const magic = 0x544e5552
const headerSize = 36
const stepHeaderSize = 4

interface Layout {
  op: number
  size: number
  fields: readonly (readonly [name: string, kind: FieldKind])[]
}

const layouts = new Map<string, Layout>()

/** Each is read once, when a step of a plan has it. */
function layoutOf(op: string): Layout {
  let layout = layouts.get(op)
  if (layout === undefined) layouts.set(op, (layout = readLayout(op)))
  return layout
}

function readLayout(op: string): Layout {
  if (!Object.hasOwn(stepLayouts, op)) throw new TypeError(`plan: unknown step ${op}`)
  const [number, ...texts] = stepLayouts[op as StepName].split(' ')
  const fields = texts.map((text) => text.split(':') as [name: string, kind: FieldKind])
  return { op: Number(number), size: fields.reduce((sum, [, kind]) => sum + fieldSize[kind], stepHeaderSize), fields }
}

/** Collects strings; equal ones are stored once. */
class Strings {
  size = 0
  private bytes = new Uint8Array(1 << 14)
  private readonly known = new Map<string, readonly [offset: number, length: number]>()
  /** Bytes, after all texts. */
  private readonly blocks: { bytes: Uint8Array; at: number }[] = []

  /** Offset and byte length of a text that ends with a NUL, which the length counts. */
  add(text: string): readonly [offset: number, length: number] {
    const known = this.known.get(text)
    if (known !== undefined) return known
    // A code unit has three bytes at most.
    this.reserve(text.length * 3)
    const length = writeUtf8(text, this.bytes.subarray(this.size))
    const place = [this.size, length] as const
    this.known.set(text, place)
    this.size += length
    return place
  }

  /** Bytes whose offset and length are to be written at `at`, once it is known where they come to lie. */
  addBytes(bytes: Uint8Array, at: number): void {
    this.blocks.push({ bytes, at })
  }

  /** Gives the bytes their places; no text may be added after it. */
  finish(head: DataView): Uint8Array {
    const parts: Uint8Array[] = [this.bytes.subarray(0, this.size)]
    for (const { bytes, at } of this.blocks) {
      head.setUint32(at, this.size, true)
      head.setUint32(at + 4, bytes.length, true)
      this.size += bytes.length
      parts.push(bytes)
    }
    return concat(parts)
  }

  private reserve(size: number): void {
    if (this.size + size <= this.bytes.length) return
    const larger = new Uint8Array((this.size + size) * 2)
    larger.set(this.bytes)
    this.bytes = larger
  }
}

/**
 * The bytes of a plan.
 * @param timed whether init gets one more descriptor, of a file in which it notes when it comes to each step (native/common/protocol.h)
 * @throws TypeError if a string contains a NUL, or a number does not fit its field: the compiler's fault, not the user's.
 */
export function encodePlan(plan: Plan, timed = false): Uint8Array {
  const strings = new Strings()
  let stepsSize = 0
  for (const step of plan.steps) stepsSize += layoutOf(step.op).size
  const bytes = new Uint8Array(headerSize + stepsSize)
  const head = viewOf(bytes)
  let at = headerSize
  for (const step of plan.steps) at = encodeStep(step, head, at, strings, plan.registers.length)
  const area = strings.finish(head)
  const numbers = [
    magic,
    planVersion,
    bytes.length + area.length,
    plan.inputs.length,
    plan.registers.length,
    plan.steps.length,
    stepsSize,
    area.length,
    timed ? 1 : 0,
  ]
  numbers.forEach((value, index) => head.setUint32(index * 4, value, true))
  return concat([bytes, area])
}

function encodeStep(step: Step, head: DataView, start: number, strings: Strings, registers: number): number {
  const layout = layoutOf(step.op)
  head.setUint16(start, layout.op, true)
  head.setUint16(start + 2, layout.size, true)
  let at = start + stepHeaderSize
  for (const [name, kind] of layout.fields) {
    try {
      encodeField((step as unknown as Record<string, unknown>)[name], kind, head, at, strings, registers)
    } catch (error) {
      if (!(error instanceof Misfit)) throw error
      throw new TypeError(`plan: ${step.op}.${name}: ${error.message}`, { cause: error })
    }
    at += fieldSize[kind]
  }
  return at
}

/** A value that does not fit its field, whose name the caller knows: naming it beforehand would be work for each field. */
class Misfit extends Error {}

function encodeField(
  value: unknown,
  kind: FieldKind,
  head: DataView,
  at: number,
  strings: Strings,
  registers: number,
): void {
  switch (kind) {
    case 'reg':
    case 'out':
      if (typeof value !== 'number' || value >= registers) throw new Misfit(`no such register: ${String(value)}`)
      head.setUint32(at, value, true)
      return
    case 'regs': {
      const list = value as readonly number[]
      const [first = 0] = list
      if (!list.every((register, index) => register === first + index) || first + list.length > registers)
        throw new Misfit(`no registers in a row: ${String(value)}`)
      head.setUint32(at, first, true)
      head.setUint32(at + 4, list.length, true)
      return
    }
    case 'u32':
    case 'i32':
      if (typeof value !== 'number') throw new Misfit(`not a number: ${String(value)}`)
      // What does not fit would be cut off.
      if (value !== (kind === 'u32' ? value >>> 0 : value | 0)) throw new Misfit(`does not fit: ${value}`)
      head.setUint32(at, value, true)
      return
    case 'u64':
      if (typeof value !== 'number' && typeof value !== 'bigint') throw new Misfit('not a number')
      setUint64(head, at, value)
      return
    case 'str': {
      if (typeof value !== 'string') throw new Misfit('not a string')
      const [offset, length] = strings.add(checked(value) + '\0')
      head.setUint32(at, offset, true)
      head.setUint32(at + 4, length - 1, true)
      return
    }
    case 'bytes':
      if (!(value instanceof Uint8Array)) throw new Misfit('not bytes')
      strings.addBytes(value, at)
      return
    case 'strs': {
      if (!Array.isArray(value)) throw new Misfit('not a list')
      const list = value as string[]
      const [offset, length] = strings.add(list.map((text) => checked(text) + '\0').join(''))
      head.setUint32(at, offset, true)
      head.setUint32(at + 4, length, true)
      head.setUint32(at + 8, list.length, true)
    }
  }
}

/** A bigint is slow: most values need none. */
function setUint64(head: DataView, at: number, value: number | bigint): void {
  if (typeof value === 'number' && value >= 0 && value <= 0xffffffff && Number.isInteger(value)) {
    head.setUint32(at, value, true)
    head.setUint32(at + 4, 0, true)
    return
  }
  const exact = BigInt(value)
  if (BigInt.asUintN(64, exact) !== exact) throw new Misfit(`does not fit: ${exact}`)
  head.setBigUint64(at, exact, true)
}

function checked(text: string): string {
  if (text.includes('\0')) throw new Misfit('NUL in a string')
  return text
}

/** What of a plan its bytes carry: origins and names stay with the compiler. */
export interface DecodedPlan {
  inputs: number
  timed: boolean
  registers: number
  steps: Omit<Step, 'origin'>[]
}

/**
 * Reads a plan's bytes as strictly as init does.
 * @throws TypeError at the first thing that does not add up.
 */
export function decodePlan(bytes: Uint8Array): DecodedPlan {
  const plan = viewOf(bytes)
  if (plan.byteLength < headerSize) throw new TypeError('plan: shorter than its header')
  const number = (index: number): number => plan.getUint32(index * 4, true)
  if (number(0) !== magic) throw new TypeError('plan: not a plan')
  if (number(1) !== planVersion) throw new TypeError('plan: of another version')
  const [total, inputs, registers, count, stepsSize, stringsSize, timed] = [2, 3, 4, 5, 6, 7, 8].map(number) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (total !== plan.byteLength || headerSize + stepsSize + stringsSize !== total)
    throw new TypeError('plan: sizes differ')
  if (timed > 1) throw new TypeError('plan: timed is neither 0 nor 1')
  if (inputs > registers) throw new TypeError('plan: more inputs than registers')
  const end = headerSize + stepsSize
  const area = bytes.subarray(end)
  const steps: Omit<Step, 'origin'>[] = []
  const stepNames = Object.keys(stepLayouts)
  let at = headerSize
  while (at < end) {
    if (at + stepHeaderSize > end) throw new TypeError('plan: a step is cut off')
    const name = stepNames[plan.getUint16(at, true)]
    if (name === undefined) throw new TypeError(`plan: unknown step ${plan.getUint16(at, true)}`)
    const layout = layoutOf(name)
    if (plan.getUint16(at + 2, true) !== layout.size || at + layout.size > end)
      throw new TypeError(`plan: size of ${name}`)
    const step: Record<string, unknown> = { op: name }
    let field = at + stepHeaderSize
    for (const [key, kind] of layout.fields) {
      step[key] = decodeField(plan, field, kind, area, registers, `${name}.${key}`)
      field += fieldSize[kind]
    }
    steps.push(step as unknown as Omit<Step, 'origin'>)
    at += layout.size
  }
  if (steps.length !== count) throw new TypeError('plan: number of steps differs')
  return { inputs, timed: timed === 1, registers, steps }
}

function decodeField(
  plan: DataView,
  at: number,
  kind: FieldKind,
  strings: Uint8Array,
  registers: number,
  where: string,
): number | bigint | string | string[] | number[] | Uint8Array {
  switch (kind) {
    case 'reg':
    case 'out': {
      const register = plan.getUint32(at, true)
      if (register >= registers) throw new TypeError(`plan: ${where}: no such register`)
      return register
    }
    case 'regs': {
      const [first, length] = [plan.getUint32(at, true), plan.getUint32(at + 4, true)]
      if (first + length > registers) throw new TypeError(`plan: ${where}: no such register`)
      return Array.from({ length }, (_, index) => first + index)
    }
    case 'u32':
      return plan.getUint32(at, true)
    case 'i32':
      return plan.getInt32(at, true)
    case 'u64': {
      const value = plan.getBigUint64(at, true)
      return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
    }
    case 'str': {
      const [text, ...more] = texts(strings, plan.getUint32(at, true), plan.getUint32(at + 4, true) + 1, where)
      if (text === undefined || more.length > 0) throw new TypeError(`plan: ${where}: NUL in a string`)
      return text
    }
    case 'bytes': {
      const [offset, length] = [plan.getUint32(at, true), plan.getUint32(at + 4, true)]
      if (offset + length > strings.length) throw new TypeError(`plan: ${where}: outside the strings`)
      return Uint8Array.from(strings.subarray(offset, offset + length))
    }
    case 'strs': {
      const list = texts(strings, plan.getUint32(at, true), plan.getUint32(at + 4, true), where)
      if (list.length !== plan.getUint32(at + 8, true)) throw new TypeError(`plan: ${where}: number of strings differs`)
      return list
    }
  }
}

/** The strings of `length` bytes, each with its NUL. */
function texts(area: Uint8Array, offset: number, length: number, where: string): string[] {
  if (offset + length > area.length) throw new TypeError(`plan: ${where}: outside the strings`)
  if (length === 0) return []
  if (area[offset + length - 1] !== 0) throw new TypeError(`plan: ${where}: no NUL at the end`)
  return textOf(area.subarray(offset, offset + length - 1)).split('\0')
}
