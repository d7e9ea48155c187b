/** Classic BPF as seccomp has it: struct sock_filter of linux/filter.h, over struct seccomp_data of linux/seccomp.h. */
import { viewOf } from '../bytes.ts'

export interface Instruction {
  code: number
  /** Instructions to skip where a condition holds, and where it does not. */
  jt: number
  jf: number
  k: number
}

/** Bytes of struct sock_filter. */
export const instructionSize = 8

/** BPF_MAXINSNS: the kernel takes no longer program. */
export const maxInstructions = 4096

/** What a program begins with: offsets of struct seccomp_data. */
export const offset = { number: 0, architecture: 4 } as const

/** BPF_LD|BPF_W|BPF_ABS and the like, as far as they are used. */
export const code = { load: 0x20, jumpEqual: 0x15, jumpGreater: 0x25, jumpSet: 0x45, ret: 0x06 } as const

export const load = (k: number): Instruction => ({ code: code.load, jt: 0, jf: 0, k })
export const ret = (k: number): Instruction => ({ code: code.ret, jt: 0, jf: 0, k })
export const jump = (
  kind: 'jumpEqual' | 'jumpGreater' | 'jumpSet',
  k: number,
  jt: number,
  jf: number,
): Instruction => ({
  code: code[kind],
  jt,
  jf,
  k,
})

/** Little-endian, as all machines are that runt runs on. @throws RangeError for a jump that is too far */
export function assemble(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * instructionSize)
  const view = viewOf(bytes)
  instructions.forEach(({ code, jt, jf, k }, index) => {
    const at = index * instructionSize
    if (jt > 255 || jf > 255) throw new RangeError(`filter: a jump of ${Math.max(jt, jf)} instructions`)
    view.setUint16(at, code, true)
    view.setUint8(at + 2, jt)
    view.setUint8(at + 3, jf)
    view.setUint32(at + 4, k, true)
  })
  return bytes
}
