/**
 * The kinds of field that a step has, their sizes on the wire, and the TypeScript types that they carry.
 * The wire format itself is described in wire.ts and native/common/wire.h.
 */

/** A descriptor register of init: an index into its table. */
export type Register = number & { readonly __register: unique symbol }

export interface FieldValues {
  /** Register that the step reads. */
  reg: Register
  /** Registers that the step reads, one after the other without a gap. */
  regs: readonly Register[]
  /** Register that the step fills; it must be empty before. */
  out: Register
  u32: number
  i32: number
  /** Up to 64 bits; as a number where it is below 2^53. */
  u64: number | bigint
  str: string
  /** List of strings, none with a NUL. */
  strs: readonly string[]
  bytes: Uint8Array
}

export type FieldKind = keyof FieldValues

/** Bytes that a field takes in a step's record. */
export const fieldSize: Record<FieldKind, number> = {
  reg: 4,
  regs: 8, // the first, count
  out: 4,
  u32: 4,
  i32: 4,
  u64: 8,
  str: 8, // offset, length without the NUL
  strs: 12, // offset, length with all NULs, count
  bytes: 8, // offset, length
}
