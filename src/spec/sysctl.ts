/** Kernel parameters: how their names are written, and which namespace they belong to. */
import type { NamespaceType } from './schema.gen.ts'

/**
 * The file of a kernel parameter below /proc/sys. As sysctl(8) does, a name may use dots or slashes between its parts; the other
 * of the two is then part of a name: `net/ipv4/conf/eno2.100/rp_filter` is `net.ipv4.conf.eno2/100.rp_filter`.
 *
 * @returns undefined for what is no name: empty parts, `.` and `..` would lead elsewhere.
 */
export function sysctlPath(name: string): string | undefined {
  const path =
    name.search(/[./]/) >= 0 && name[name.search(/[./]/)] === '/'
      ? name
      : name.replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'))
  return path.split('/').some((part) => part === '' || part === '.' || part === '..') ? undefined : path
}

const ipc = /^(kernel\/(msg\w*|sem|shm\w*)|fs\/mqueue\/.+)$/

/** The type of namespace to which the kernel parameter at `path` (of `sysctlPath`) belongs; undefined: to the whole machine. */
export function sysctlNamespace(path: string): NamespaceType | undefined {
  if (ipc.test(path)) return 'ipc'
  if (path.startsWith('net/')) return 'network'
  if (path.startsWith('user/')) return 'user'
  if (path === 'kernel/domainname' || path === 'kernel/hostname') return 'uts'
  return undefined
}
