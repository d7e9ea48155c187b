/** Compiles linux.seccomp by libseccomp. To be loaded by `import()`, only when a filter is not in the cache. */
import { concat } from '../bytes.ts'
import { InvalidConfigError, RuntError, SystemError, type ConfigProblem } from '../errors.ts'
import type { Host } from '../host/host.ts'
import { assemble, instructionSize, maxInstructions } from '../seccomp/bpf.ts'
import { newerCallsPrelude } from '../seccomp/enosys.ts'
import type { ExactValues } from '../seccomp/profile.ts'
import { namesOf, translate, type Translation } from '../seccomp/translate.ts'
import type { Seccomp } from '../spec/schema.gen.ts'
import { errnoText } from './errno.ts'

const origin = '/linux/seccomp'

/**
 * @returns the program, and the names that libseccomp does not know
 * @throws InvalidConfigError for what libseccomp or the kernel would refuse; RuntError `LIBSECCOMP` where there is no library
 */
export async function compileFilter(
  host: Host,
  seccomp: Seccomp,
  exact: ExactValues,
  architecture: string,
): Promise<{ program: Uint8Array; unknown: string[] }> {
  const names = namesOf(seccomp, architecture)
  const numbers = await loading(() => host.seccomp.resolve(names.syscalls, names.architectures))
  const translation = translate(seccomp, names, numbers, exact)
  const filter = await compile(host, translation)
  const prelude = assemble(newerCallsPrelude(translation.last))
  const program = concat([prelude, filter])
  const count = program.length / instructionSize
  if (count > maxInstructions) {
    throw invalid(
      `${origin}/syscalls`,
      `must have fewer rules: they take ${count} instructions, of at most ${maxInstructions}`,
    )
  }
  return { program, unknown: translation.unknown }
}

async function loading<T>(action: () => T | Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (!(error instanceof SystemError) || !['dlopen', 'dlsym'].includes(error.syscall)) throw error
    throw new RuntError('LIBSECCOMP', `load libseccomp: ${error.path ?? errnoText(error.errno)}`, {
      origin,
      hint: 'a filter is compiled by libseccomp 2.5 or newer: install the package libseccomp2 (Debian, Ubuntu) or libseccomp (others)',
      cause: error,
    })
  }
}

async function compile(host: Host, { request, origins }: Translation): Promise<Uint8Array> {
  try {
    return await host.seccomp.compile(request)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    throw refused(error, origins)
  }
}

/** What libseccomp said, at the field that it was about. */
function refused(error: SystemError, origins: Translation['origins']): Error {
  const index = Number(error.path)
  if (error.syscall === 'seccomp_arch_add') {
    const pointer = origins.architectures[index] ?? origin
    return error.code === 'EDOM'
      ? invalid(pointer, 'must have the byte order of this machine')
      : invalid(pointer, `is not known to libseccomp (${errnoText(error.errno)})`)
  }
  if (error.syscall === 'seccomp_rule_add') {
    const pointer = origins.rules[index] ?? origin
    return error.code === 'EEXIST'
      ? invalid(pointer, 'contradicts an earlier rule: the same call with the same conditions has another action')
      : invalid(pointer, `is refused by libseccomp: ${errnoText(error.errno)}`)
  }
  return new RuntError(error.code, `compile the filter (${error.syscall}): ${errnoText(error.errno)}`, {
    origin,
    cause: error,
  })
}

function invalid(pointer: string, message: string): InvalidConfigError {
  const problem: ConfigProblem = { pointer, message }
  return new InvalidConfigError('config.json', [problem], 'invalid configuration')
}
