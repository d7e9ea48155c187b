/**
 * Namespaces that a configuration joins by path, where the path leads to the machine's own: what must not be done in those.
 * Only the host can tell: the path of a network namespace is often that of a container's, and sometimes the machine's.
 */
import type { ConfigProblem } from '../errors.ts'
import { openFlags, type Host } from '../host/host.ts'
import { escapePointer } from '../spec/problem.ts'
import type { NamespaceType, Spec } from '../spec/schema.gen.ts'
import { sysctlNamespace, sysctlPath } from '../spec/sysctl.ts'
import { closeQuietly, isErrno } from './failures.ts'

/** Files of /proc/PID/ns. */
const files: Readonly<Record<NamespaceType, string>> = {
  pid: 'pid',
  network: 'net',
  mount: 'mnt',
  ipc: 'ipc',
  uts: 'uts',
  user: 'user',
  cgroup: 'cgroup',
  time: 'time',
}

/**
 * The container's root would become the root of every process of a mount namespace that it joins, and kernel parameters
 * would change for the whole machine.
 */
export async function ownNamespaceProblems(host: Host, spec: Spec): Promise<ConfigProblem[]> {
  const problems: ConfigProblem[] = []
  for (const [index, { type, path }] of (spec.linux?.namespaces ?? []).entries()) {
    if (path === undefined) continue
    const parameters = Object.keys(spec.linux?.sysctl ?? {}).filter((name) => namespaceOfParameter(name) === type)
    const names = type === 'uts' ? (['hostname', 'domainname'] as const).filter((name) => spec[name] !== undefined) : []
    const matters = type === 'mount' || type === 'user' || parameters.length + names.length > 0
    if (!matters || !(await isOwn(host, type, path))) continue
    for (const name of names) {
      problems.push({
        pointer: `/${name}`,
        message: "must not be set: the uts namespace of the container is the machine's",
        hint: `leave out the path of the uts namespace, or ${name}`,
      })
    }
    if (type === 'user') {
      problems.push({
        pointer: `/linux/namespaces/${index}/path`,
        message: "must not be the runtime's own user namespace, which cannot be joined again",
        hint: 'leave the namespace out: what is not listed is shared',
      })
    }
    if (type === 'mount') {
      problems.push({
        pointer: `/linux/namespaces/${index}/path`,
        message: "must not be the machine's mount namespace: the container's root would become that of every process",
      })
    }
    for (const name of parameters) {
      problems.push({
        pointer: `/linux/sysctl/${escapePointer(name)}`,
        message: `must not be set: the ${type} namespace of the container is the machine's`,
      })
    }
  }
  return problems
}

function namespaceOfParameter(name: string): NamespaceType | undefined {
  const path = sysctlPath(name)
  return path === undefined ? undefined : sysctlNamespace(path)
}

/** Whether the path is that of a namespace of this process, or of the machine's first one. */
async function isOwn(host: Host, type: NamespaceType, path: string): Promise<boolean> {
  const name = await namespaceAt(host, path)
  if (name === undefined) return false
  for (const owner of ['self', '1']) if ((await linkOf(host, `/proc/${owner}/ns/${files[type]}`)) === name) return true
  return false
}

/** `net:[4026531840]`, by which the kernel names a namespace; undefined where the path cannot be opened, which others tell. */
async function namespaceAt(host: Host, path: string): Promise<string | undefined> {
  let fd
  try {
    fd = await host.files.open(path, openFlags.readOnly | openFlags.nonBlocking)
  } catch {
    return undefined
  }
  try {
    return await linkOf(host, `/proc/self/fd/${fd}`)
  } finally {
    await closeQuietly(host, fd)
  }
}

async function linkOf(host: Host, path: string): Promise<string | undefined> {
  try {
    return await host.files.readLink(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES', 'EPERM')) return undefined
    throw error
  }
}
