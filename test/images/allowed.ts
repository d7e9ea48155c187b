/** How the trees of other tools differ from runt's, and why that is right. Nothing else may. */
import type { Allowed, Difference } from './tools.ts'

/** umoci makes of every image the same tree. */
export const likeUmoci: readonly Allowed[] = []

/** What dockerd makes in every container of its own, and bind-mounts files over (its "init layer"). */
const ofContainers = [
  '.dockerenv',
  'dev/console',
  'dev/pts',
  'dev/shm',
  'etc/hosts',
  'etc/hostname',
  'etc/mtab',
  'etc/resolv.conf',
  'proc',
  'sys',
]
const aboveThem = ['', 'dev', 'etc']

const isTime = ({ field }: Difference, path: string, paths: readonly string[]) =>
  field === 'time' && paths.includes(path)

export const likeExport: readonly Allowed[] = [
  {
    why: 'dockerd makes them in every container',
    covers: (difference) => ofContainers.includes(difference.path) || isTime(difference, difference.path, aboveThem),
  },
  { why: 'the root has no entry', covers: ({ path, field }) => path === '' && field === 'there' },
  {
    why: 'times have whole seconds, and none is before 1970',
    covers: ({ field, runt, other }) =>
      field === 'time' && (seconds(runt) < 0n ? seconds(other) === 0n : seconds(runt) === seconds(other)),
  },
  {
    why: 'of extended attributes only security.capability is told, and without the root of a user namespace',
    covers: ({ field, runt, other }) =>
      field === 'xattrs' && capabilities(runt)?.slice(4, 20) === capabilities(other)?.slice(4, 20),
  },
  {
    why: 'a directory that a layer does not name, but what is in it, is made anew by dockerd; change.py removes /usr/share/doc so',
    covers: (difference) => isTime(difference, difference.path, ['usr', 'usr/share']),
  },
]

/** What runt unpacks of a layer that it wrote itself; other tools read it right. */
export const likeItself: readonly Allowed[] = [
  {
    why: 'libarchive reads a time before 1970 that has a fraction with the fraction towards now',
    covers: ({ field, runt, other }) =>
      field === 'time' &&
      seconds(other) < 0n &&
      BigInt(String(other)) % 1_000_000_000n !== 0n &&
      seconds(runt) - seconds(other) === 1n,
  },
]

/** Whole seconds of a time in nanoseconds, rounded down. */
function seconds(time: unknown): bigint {
  const nanoseconds = BigInt(String(time))
  const rest = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  return (nanoseconds - rest) / 1_000_000_000n
}

/** vfs_cap_data, of which the first four bytes tell the revision and the last of revision 3 the namespace: capabilities(7). */
const capabilities = (xattrs: unknown) => (xattrs as Record<string, string> | undefined)?.['security.capability']
