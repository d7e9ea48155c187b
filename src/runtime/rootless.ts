/**
 * Containers of callers who have no rights on the machine: ordinary users, and root of a user namespace that such a user made.
 * They need a user namespace, and get along without a cgroup as long as nothing was asked of it. Loaded only for them.
 */
import { compileResources } from '../cgroups/knobs.ts'
import { RuntError, SystemError, type ConfigProblem } from '../errors.ts'
import { capabilityNames } from '../spec/names.ts'
import type { Spec } from '../spec/schema.gen.ts'

const sysAdmin = 1n << BigInt(capabilityNames.indexOf('CAP_SYS_ADMIN'))

/** What the kernel would refuse to a user without capabilities, by its field instead of by an EPERM somewhere. */
export function rootlessProblems(spec: Spec, euid: number, permitted: bigint): ConfigProblem[] {
  const own = spec.linux?.namespaces?.some(({ type }) => type === 'user') === true
  if (own || (permitted & sysAdmin) !== 0n) return []
  return [
    {
      pointer: '/linux/namespaces',
      message: `must have a user namespace: the caller is user ${euid}, and has no rights outside of one`,
      hint: '"runt spec --rootless" writes such a configuration; or run as root',
    },
  ]
}

const noCgroup = new Set(['NO_CGROUP2', 'CGROUP_PATH'])
const noPermission = new Set(['EACCES', 'EPERM', 'EROFS'])

/**
 * Decides what becomes of a cgroup that cannot be made: as in runc, the container has none of its own and stays in its
 * caller's, if it was given neither a place nor limits.
 * @throws RuntError which names what asked for the cgroup
 */
export function checkNeedsNoCgroup(error: unknown, { linux }: Spec): void {
  if (!(error instanceof RuntError)) throw error
  const denied = error.cause instanceof SystemError && noPermission.has(error.cause.code)
  if (!noCgroup.has(error.code) && !(error.code === 'CGROUP_CREATE' && denied)) throw error
  if ((linux?.cgroupsPath ?? '') !== '') throw error
  const [limit] = compileResources(linux?.resources).writes
  if (limit === undefined) return
  throw new RuntError(error.code, `limits need a cgroup: ${error.message}`, {
    origin: limit.pointer,
    cause: error,
    hint: 'have one delegated to this user ("systemd-run --user --scope" gives a command one), or set no limits',
  })
}
