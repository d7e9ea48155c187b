/**
 * A plan as bytes, and back.
 *
 *   header                                     32 bytes
 *   steps: {op u16, size u16} + fields, one after the other
 *   strings                                    every string with its NUL
 *
 * All numbers are little-endian. A string field is {offset, length} into the strings area, `length` without the NUL that must
 * follow it; a list is {offset, length, count}: `count` strings, each with its NUL, `length` bytes in all. A field of bytes is
 * {offset, length} into the same area, of any content, with nothing after it. Registers in a row are {first, count}. The reader
 * (native/common/wire.h, native/init/decode.h) refuses whatever does not add up, byte for byte.
 */
import { fieldSize, type FieldKind } from './fields.ts'
import type { Plan } from './plan.ts'
import { stepNames, stepTable, type Step } from './steps.ts'

/** "RUNT" */
const magic = 0x544e5552
const headerSize = 32
const stepHeaderSize = 4

/** FNV-1a over the table of steps: both ends compare it, so a plan never meets another version's init. */
export const planVersion: number = (() => {
  let hash = 0x811c9dc5
  for (const name of stepNames) {
    for (const char of `${name}(${Object.entries(stepTable[name].fields).join(';')})`) {
      hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0
    }
  }
  return hash
})()

interface Layout {
  op: number
  size: number
  fields: readonly (readonly [name: string, kind: FieldKind])[]
}

const layouts = new Map<string, Layout>(
  stepNames.map((name, op) => {
    const fields = Object.entries(stepTable[name].fields)
    return [name, { op, size: fields.reduce((sum, [, kind]) => sum + fieldSize[kind], stepHeaderSize), fields }]
  }),
)

function layoutOf(op: string): Layout {
  const layout = layouts.get(op)
  if (!layout) throw new TypeError(`plan: unknown step ${op}`)
  return layout
}

/** Collects strings; equal ones are stored once. */
class Strings {
  size = 0
  private readonly parts: string[] = []
  private readonly known = new Map<string, number>()
  /** Bytes, after all texts. */
  private readonly blocks: { bytes: Uint8Array; target: Buffer; at: number }[] = []

  /** Offset and byte length of a text that ends with a NUL, which the length counts. */
  add(text: string): [offset: number, length: number] {
    const length = Buffer.byteLength(text)
    let offset = this.known.get(text)
    if (offset === undefined) {
      offset = this.size
      this.known.set(text, offset)
      this.parts.push(text)
      this.size += length
    }
    return [offset, length]
  }

  /** Bytes whose offset and length are to be written to `target` at `at`, once it is known where they come to lie. */
  addBytes(bytes: Uint8Array, target: Buffer, at: number): void {
    this.blocks.push({ bytes, target, at })
  }

  /** Gives the bytes their places; no text may be added after it. */
  finish(): void {
    for (const { bytes, target, at } of this.blocks) {
      target.writeUInt32LE(this.size, at)
      target.writeUInt32LE(bytes.length, at + 4)
      this.size += bytes.length
    }
  }

  write(target: Buffer, at: number): void {
    let end = at + target.write(this.parts.join(''), at, 'utf8')
    for (const { bytes } of this.blocks) {
      target.set(bytes, end)
      end += bytes.length
    }
  }
}

/**
 * The bytes of a plan.
 * @throws TypeError if a string contains a NUL, or a number does not fit its field: the compiler's fault, not the user's.
 */
export function encodePlan(plan: Plan): Uint8Array {
  const strings = new Strings()
  let stepsSize = 0
  for (const step of plan.steps) stepsSize += layoutOf(step.op).size
  const head = Buffer.alloc(headerSize + stepsSize)
  let at = headerSize
  for (const step of plan.steps) at = encodeStep(step, head, at, strings, plan.registers.length)
  strings.finish()
  const total = head.length + strings.size
  const numbers = [
    magic,
    planVersion,
    total,
    plan.inputs.length,
    plan.registers.length,
    plan.steps.length,
    stepsSize,
    strings.size,
  ]
  numbers.forEach((value, index) => head.writeUInt32LE(value, index * 4))
  const bytes = Buffer.allocUnsafe(total)
  head.copy(bytes)
  strings.write(bytes, head.length)
  return bytes
}

function encodeStep(step: Step, head: Buffer, start: number, strings: Strings, registers: number): number {
  const layout = layoutOf(step.op)
  head.writeUInt16LE(layout.op, start)
  head.writeUInt16LE(layout.size, start + 2)
  let at = start + stepHeaderSize
  for (const [name, kind] of layout.fields) {
    encodeField(
      (step as unknown as Record<string, unknown>)[name],
      kind,
      head,
      at,
      strings,
      registers,
      `${step.op}.${name}`,
    )
    at += fieldSize[kind]
  }
  return at
}

function encodeField(
  value: unknown,
  kind: FieldKind,
  head: Buffer,
  at: number,
  strings: Strings,
  registers: number,
  where: string,
): void {
  switch (kind) {
    case 'reg':
    case 'out':
      if (typeof value !== 'number' || value >= registers)
        throw new TypeError(`plan: ${where}: no such register: ${String(value)}`)
      head.writeUInt32LE(value, at)
      return
    case 'regs': {
      const list = value as readonly number[]
      const [first = 0] = list
      if (!list.every((register, index) => register === first + index) || first + list.length > registers)
        throw new TypeError(`plan: ${where}: no registers in a row: ${String(value)}`)
      head.writeUInt32LE(first, at)
      head.writeUInt32LE(list.length, at + 4)
      return
    }
    case 'u32':
    case 'i32':
      if (typeof value !== 'number') throw new TypeError(`plan: ${where}: not a number: ${String(value)}`)
      if (kind === 'u32') head.writeUInt32LE(value, at)
      else head.writeInt32LE(value, at)
      return
    case 'u64':
      if (typeof value !== 'number' && typeof value !== 'bigint') throw new TypeError(`plan: ${where}: not a number`)
      head.writeBigUInt64LE(BigInt(value), at)
      return
    case 'str': {
      if (typeof value !== 'string') throw new TypeError(`plan: ${where}: not a string`)
      const [offset, length] = strings.add(checked(value, where) + '\0')
      head.writeUInt32LE(offset, at)
      head.writeUInt32LE(length - 1, at + 4)
      return
    }
    case 'bytes':
      if (!(value instanceof Uint8Array)) throw new TypeError(`plan: ${where}: not bytes`)
      strings.addBytes(value, head, at)
      return
    case 'strs': {
      if (!Array.isArray(value)) throw new TypeError(`plan: ${where}: not a list`)
      const list = value as string[]
      const [offset, length] = strings.add(list.map((text) => checked(text, where) + '\0').join(''))
      head.writeUInt32LE(offset, at)
      head.writeUInt32LE(length, at + 4)
      head.writeUInt32LE(list.length, at + 8)
    }
  }
}

function checked(text: string, where: string): string {
  if (text.includes('\0')) throw new TypeError(`plan: ${where}: NUL in a string`)
  return text
}

/** What of a plan its bytes carry: origins and names stay with the compiler. */
export interface DecodedPlan {
  inputs: number
  registers: number
  steps: Omit<Step, 'origin'>[]
}

/**
 * Reads a plan's bytes as strictly as init does.
 * @throws TypeError at the first thing that does not add up.
 */
export function decodePlan(bytes: Uint8Array): DecodedPlan {
  const plan = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (plan.length < headerSize) throw new TypeError('plan: shorter than its header')
  const number = (index: number): number => plan.readUInt32LE(index * 4)
  if (number(0) !== magic) throw new TypeError('plan: not a plan')
  if (number(1) !== planVersion) throw new TypeError('plan: of another version')
  const [total, inputs, registers, count, stepsSize, stringsSize] = [2, 3, 4, 5, 6, 7].map(number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (total !== plan.length || headerSize + stepsSize + stringsSize !== total) throw new TypeError('plan: sizes differ')
  if (inputs > registers) throw new TypeError('plan: more inputs than registers')
  const end = headerSize + stepsSize
  const area = plan.subarray(end)
  const steps: Omit<Step, 'origin'>[] = []
  let at = headerSize
  while (at < end) {
    if (at + stepHeaderSize > end) throw new TypeError('plan: a step is cut off')
    const name = stepNames[plan.readUInt16LE(at)]
    if (name === undefined) throw new TypeError(`plan: unknown step ${plan.readUInt16LE(at)}`)
    const layout = layoutOf(name)
    if (plan.readUInt16LE(at + 2) !== layout.size || at + layout.size > end)
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
  return { inputs, registers, steps }
}

function decodeField(
  plan: Buffer,
  at: number,
  kind: FieldKind,
  strings: Buffer,
  registers: number,
  where: string,
): number | bigint | string | string[] | number[] | Uint8Array {
  switch (kind) {
    case 'reg':
    case 'out': {
      const register = plan.readUInt32LE(at)
      if (register >= registers) throw new TypeError(`plan: ${where}: no such register`)
      return register
    }
    case 'regs': {
      const [first, length] = [plan.readUInt32LE(at), plan.readUInt32LE(at + 4)]
      if (first + length > registers) throw new TypeError(`plan: ${where}: no such register`)
      return Array.from({ length }, (_, index) => first + index)
    }
    case 'u32':
      return plan.readUInt32LE(at)
    case 'i32':
      return plan.readInt32LE(at)
    case 'u64': {
      const value = plan.readBigUInt64LE(at)
      return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
    }
    case 'str': {
      const [text, ...more] = texts(strings, plan.readUInt32LE(at), plan.readUInt32LE(at + 4) + 1, where)
      if (text === undefined || more.length > 0) throw new TypeError(`plan: ${where}: NUL in a string`)
      return text
    }
    case 'bytes': {
      const [offset, length] = [plan.readUInt32LE(at), plan.readUInt32LE(at + 4)]
      if (offset + length > strings.length) throw new TypeError(`plan: ${where}: outside the strings`)
      return Uint8Array.from(strings.subarray(offset, offset + length))
    }
    case 'strs': {
      const list = texts(strings, plan.readUInt32LE(at), plan.readUInt32LE(at + 4), where)
      if (list.length !== plan.readUInt32LE(at + 8)) throw new TypeError(`plan: ${where}: number of strings differs`)
      return list
    }
  }
}

/** The strings of `length` bytes, each with its NUL. */
function texts(area: Buffer, offset: number, length: number, where: string): string[] {
  if (offset + length > area.length) throw new TypeError(`plan: ${where}: outside the strings`)
  if (length === 0) return []
  if (area[offset + length - 1] !== 0) throw new TypeError(`plan: ${where}: no NUL at the end`)
  return area.toString('utf8', offset, offset + length - 1).split('\0')
}
