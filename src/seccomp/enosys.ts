/**
 * System calls that are newer than a profile.
 *
 * A C library tries a new call first and goes back to the old one where the kernel says ENOSYS. A profile that was written
 * before the call existed refuses it with its default, mostly EPERM, and the program fails. So, as with runc, a call whose
 * number is larger than any that the profile knows answers ENOSYS, in each architecture of the profile.
 */
import { architectures } from './names.ts'
import { jump, load, offset, ret, type Instruction } from './bpf.ts'

/** SECCOMP_RET_ERRNO | ENOSYS */
const answer = 0x00050026

/** __X32_SYSCALL_BIT: calls of x32 come with the architecture of x86-64 and this bit. */
const x32Bit = 0x40000000

/**
 * What goes before a filter; empty where there is nothing to do.
 * @param last largest number that the profile knows, by SCMP_ARCH_*
 */
export function newerCallsPrelude(last: ReadonlyMap<number, number>): Instruction[] {
  const { SCMP_ARCH_X86_64: x64, SCMP_ARCH_X32: x32 } = architectures
  const program: Instruction[] = []
  for (const [architecture, number] of last) {
    if (architecture === x64 || architecture === x32) continue
    program.push(...section(architecture, [...greater(number)]))
  }
  const [ordinary, short] = [last.get(x64), last.get(x32)]
  if (ordinary !== undefined || short !== undefined) {
    const one = ordinary === undefined ? [] : greater(ordinary)
    const other = short === undefined ? [] : greater(short)
    // The second part is skipped from the end of the first: each is two instructions, or nothing.
    const body = [jump('jumpSet', x32Bit, one.length, 0), ...one, jump('jumpSet', x32Bit, 0, other.length), ...other]
    program.push(...section(x64, body))
  }
  return program.length === 0 ? [] : [load(offset.architecture), ...program]
}

/** Returns where the loaded number is greater. */
function greater(number: number): Instruction[] {
  return [jump('jumpGreater', number, 0, 1), ret(answer)]
}

/** Instructions for the calls of one architecture, with the number of the call loaded; then the architecture is loaded again. */
function section(architecture: number, body: readonly Instruction[]): Instruction[] {
  const inside = [load(offset.number), ...body, load(offset.architecture)]
  return [jump('jumpEqual', architecture, 0, inside.length), ...inside]
}
