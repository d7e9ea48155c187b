/** A small eBPF interpreter: the instructions that device filters use, and an error for any other. */
import { instructionSize } from '../../../src/cgroups/bpf.ts'

/** Arguments of the filter: struct bpf_cgroup_dev_ctx. */
export interface DeviceRequest {
  type: number
  access: number
  major: number
  minor: number
}

/** Runs the program as the kernel would; true lets the request through. */
export function runDeviceProgram(program: Uint8Array, request: DeviceRequest): boolean {
  if (program.length === 0 || program.length % instructionSize !== 0)
    throw new Error('not a whole number of instructions')
  const view = new DataView(program.buffer, program.byteOffset, program.length)
  const context = [((request.access << 16) | request.type) >>> 0, request.major >>> 0, request.minor >>> 0]
  const registers: (bigint | 'context' | undefined)[] = []
  registers[1] = 'context'
  const value = (register: number): bigint => {
    const found = registers[register]
    if (typeof found !== 'bigint') throw new Error(`r${register} is not a number`)
    return found
  }
  const low = (register: number): bigint => value(register) & 0xffffffffn

  let at = 0
  // No loops: each instruction runs once at most.
  for (let steps = 0; steps <= program.length / instructionSize; steps++) {
    const offset = at * instructionSize
    if (offset < 0 || offset >= program.length) throw new Error(`jump out of the program, to ${at}`)
    const code = view.getUint8(offset)
    const registerByte = view.getUint8(offset + 1)
    const dst = registerByte & 0xf
    const src = registerByte >> 4
    const off = view.getInt16(offset + 2, true)
    const immediate = BigInt(view.getInt32(offset + 4, true))
    const immediate32 = immediate & 0xffffffffn
    at += 1
    switch (code) {
      case 0x61: {
        if (registers[src] !== 'context' || off % 4 !== 0) throw new Error('a load from elsewhere than the context')
        const word = context[off / 4]
        if (word === undefined) throw new Error('a load from behind the context')
        registers[dst] = BigInt(word)
        break
      }
      case 0xb7:
        registers[dst] = BigInt.asUintN(64, immediate)
        break
      case 0xbc:
        registers[dst] = low(src)
        break
      case 0x54:
        registers[dst] = low(dst) & immediate32
        break
      case 0xa4:
        registers[dst] = low(dst) ^ immediate32
        break
      case 0x74:
        registers[dst] = low(dst) >> immediate32
        break
      case 0x05:
        at += off
        break
      case 0x16:
        if (low(dst) === immediate32) at += off
        break
      case 0x56:
        if (low(dst) !== immediate32) at += off
        break
      case 0x95:
        return value(0) !== 0n
      default:
        throw new Error(`unknown instruction 0x${code.toString(16)}`)
    }
  }
  throw new Error('the program does not end')
}
