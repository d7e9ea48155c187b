/** Classic BPF as the kernel runs it for seccomp(2): enough to ask a filter what it answers. */
import { architectures } from '../../../src/seccomp/names.ts'

/** A system call as a filter sees it: struct seccomp_data. */
export interface Call {
  number: number
  /** AUDIT_ARCH_*; x86-64 unless told. */
  architecture?: number
  args?: readonly bigint[]
}

/** What a filter answers: SECCOMP_RET_*. @throws where the kernel would not have taken the program */
export function answer(
  program: Uint8Array,
  { number, architecture = architectures.SCMP_ARCH_X86_64, args = [] }: Call,
): number {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(number >>> 0, 0)
  data.writeUInt32LE(architecture, 4)
  args.forEach((arg, index) => data.writeBigUInt64LE(BigInt.asUintN(64, arg), 16 + 8 * index))
  const code = Buffer.from(program)
  let a = 0
  for (let at = 0; ;) {
    if (at + 8 > code.length) throw new Error(`runs past the end at ${at / 8}`)
    const [op, jt, jf, k] = [code.readUInt16LE(at), code[at + 2]!, code[at + 3]!, code.readUInt32LE(at + 4)]
    at += 8
    switch (op) {
      case 0x20: // BPF_LD|BPF_W|BPF_ABS
        a = data.readUInt32LE(k)
        break
      case 0x54: // BPF_ALU|BPF_AND|BPF_K
        a = (a & k) >>> 0
        break
      case 0x05: // BPF_JMP|BPF_JA
        at += 8 * k
        break
      case 0x15: // BPF_JEQ
        at += 8 * (a === k ? jt : jf)
        break
      case 0x25: // BPF_JGT
        at += 8 * (a > k ? jt : jf)
        break
      case 0x35: // BPF_JGE
        at += 8 * (a >= k ? jt : jf)
        break
      case 0x45: // BPF_JSET
        at += 8 * ((a & k) !== 0 ? jt : jf)
        break
      case 0x06: // BPF_RET|BPF_K
        return k
      default:
        throw new Error(`unknown instruction 0x${op.toString(16)}`)
    }
  }
}
