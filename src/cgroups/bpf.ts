/**
 * Instructions of eBPF, as far as a device filter needs them, encoded as `struct bpf_insn` (linux/bpf.h), little-endian.
 * Knows nothing of devices.
 */

/** Bytes of one instruction. */
export const instructionSize = 8

/** code (8 bits), destination and source register (4 bits each), jump offset (16 bits, signed), immediate (32 bits). */
export interface Instruction {
  code: number
  dst: number
  src: number
  off: number
  imm: number
}

const instruction = (code: number, dst: number, src: number, off: number, imm: number): Instruction => ({
  code,
  dst,
  src,
  off,
  imm,
})

/** dst = *(u32 *)(src + off) */
export const loadWord = (dst: number, src: number, off: number) => instruction(0x61, dst, src, off, 0)
/** dst = imm, 64 bits */
export const moveImmediate = (dst: number, imm: number) => instruction(0xb7, dst, 0, 0, imm)
/** dst = (u32) src */
export const move32 = (dst: number, src: number) => instruction(0xbc, dst, src, 0, 0)
/** dst &= imm, 32 bits */
export const and32 = (dst: number, imm: number) => instruction(0x54, dst, 0, 0, imm)
/** dst ^= imm, 32 bits */
export const xor32 = (dst: number, imm: number) => instruction(0xa4, dst, 0, 0, imm)
/** dst >>= imm, 32 bits, unsigned */
export const shiftRight32 = (dst: number, imm: number) => instruction(0x74, dst, 0, 0, imm)
/** if (u32) dst != imm, skip off instructions (32 bits, since a 64-bit comparison extends imm's sign) */
export const skipUnlessEqual = (dst: number, imm: number, off: number) => instruction(0x56, dst, 0, off, imm)
/** if (u32) dst == imm, skip off instructions */
export const skipIfEqual = (dst: number, imm: number, off: number) => instruction(0x16, dst, 0, off, imm)
/** skip off instructions */
export const skip = (off: number) => instruction(0x05, 0, 0, off, 0)
/** return r0 */
export const exit = () => instruction(0x95, 0, 0, 0, 0)

export function encodeProgram(instructions: readonly Instruction[]): Uint8Array {
  const program = new Uint8Array(instructions.length * instructionSize)
  const view = new DataView(program.buffer)
  instructions.forEach(({ code, dst, src, off, imm }, index) => {
    const at = index * instructionSize
    view.setUint8(at, code)
    view.setUint8(at + 1, dst | (src << 4))
    view.setInt16(at + 2, off, true)
    view.setUint32(at + 4, imm >>> 0, true)
  })
  return program
}
