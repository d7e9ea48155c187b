/** What the first bytes of a program tell about why the kernel would not execute it (execve(2), elf(5)). */
import { textOf, viewOf } from '../bytes.ts'

export type Executable =
  | { kind: 'script'; interpreter: string }
  | { kind: 'elf'; machine: string; bits: 32 | 64; loader: string | undefined }
  | { kind: 'empty' }
  | { kind: 'unknown' }

/** e_machine of the architectures that containers are built for; names as `uname -m` has them. */
const machines: Readonly<Record<number, string>> = {
  3: 'i386',
  8: 'mips',
  20: 'ppc',
  21: 'ppc64le',
  22: 's390x',
  40: 'arm',
  62: 'x86_64',
  183: 'aarch64',
  243: 'riscv64',
  258: 'loongarch64',
}

const programHeaderInterpreter = 3

export function inspectExecutable(bytes: Uint8Array): Executable {
  if (bytes.length === 0) return { kind: 'empty' }
  if (bytes[0] === 0x23 && bytes[1] === 0x21) return { kind: 'script', interpreter: scriptInterpreter(bytes) }
  if (bytes.length >= 20 && viewOf(bytes).getUint32(0) === 0x7f454c46) return inspectElf(bytes)
  return { kind: 'unknown' }
}

/** The kernel takes the first word of the line; a carriage return of a DOS file is part of it. */
function scriptInterpreter(bytes: Uint8Array): string {
  const line = textOf(bytes.subarray(2)).split('\n', 1)[0] ?? ''
  return line.replace(/^[ \t]+/, '').split(/[ \t]/, 1)[0] ?? ''
}

function inspectElf(bytes: Uint8Array): Executable {
  const bits = bytes[4] === 1 ? 32 : 64
  const little = bytes[5] !== 2
  const number = viewOf(bytes).getUint16(18, little)
  const machine = number === 21 && !little ? 'ppc64' : (machines[number] ?? `machine ${number}`)
  let loader: string | undefined
  try {
    loader = elfLoader(bytes, bits, little)
  } catch (error) {
    // The headers lie behind the bytes that init sent: the loader stays unknown.
    if (!(error instanceof RangeError)) throw error
  }
  return { kind: 'elf', machine, bits, loader }
}

/** The path in the PT_INTERP program header. */
function elfLoader(bytes: Uint8Array, bits: 32 | 64, little: boolean): string | undefined {
  const view = viewOf(bytes)
  const u16 = (at: number) => view.getUint16(at, little)
  const u32 = (at: number) => view.getUint32(at, little)
  const address = (at: number) => (bits === 32 ? u32(at) : Number(view.getBigUint64(at, little)))
  const start = address(bits === 64 ? 32 : 28)
  const size = u16(bits === 64 ? 54 : 42)
  const count = u16(bits === 64 ? 56 : 44)
  for (let index = 0; index < count; index++) {
    const header = start + index * size
    if (u32(header) !== programHeaderInterpreter) continue
    const offset = address(header + (bits === 64 ? 8 : 4))
    const length = address(header + (bits === 64 ? 32 : 16))
    if (offset + length > bytes.length) return undefined
    return textOf(bytes.subarray(offset, offset + length)).split('\0', 1)[0]
  }
  return undefined
}

/** Node's names of architectures → those of `uname -m`. */
const native: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' }

/**
 * Why the kernel refused to execute the program, as a hint; undefined where its bytes do not tell.
 * @param errno what execve(2) gave
 * @param architecture of this machine, as `System.architecture` names it
 */
export function whyNotExecuted(code: string, bytes: Uint8Array, architecture: string): string | undefined {
  const file = inspectExecutable(bytes)
  const here = native[architecture] ?? architecture
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    if (file.kind === 'script') {
      const odd = file.interpreter.endsWith('\r')
        ? ' (the line ends with a carriage return: save the script with Unix line ends)'
        : ''
      return `its first line asks for the interpreter ${JSON.stringify(file.interpreter)}, which is not in the container${odd}`
    }
    if (file.kind === 'elf') {
      const loader = file.loader === undefined ? 'its dynamic loader' : `its dynamic loader ${file.loader}`
      return `${loader} is not in the container: use a statically linked program, or a root filesystem with the right C library`
    }
    return undefined
  }
  if (code === 'ENOEXEC') {
    if (file.kind === 'empty') return 'the file is empty'
    if (file.kind === 'elf' && file.machine !== here)
      return `it was built for ${file.machine}, and this machine is ${here}`
    if (file.kind === 'elf') return `it is a damaged or unsupported ${file.bits}-bit ELF file`
    if (file.kind === 'script') return `its first line names no interpreter that could be executed`
    return 'it is neither an ELF program nor a script with a first line such as #!/bin/sh'
  }
  if (code === 'EACCES' && file.kind === 'script') {
    return `look whether its interpreter ${file.interpreter} is an executable file, and the filesystem not mounted noexec`
  }
  if (code === 'EACCES')
    return 'look whether the filesystem that holds it is mounted noexec, and whether its loader can be executed'
  if (code === 'ELIBBAD') return 'its dynamic loader is no valid program'
  return undefined
}
