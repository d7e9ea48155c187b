/** Names of bundles in the making, and what remains of one whose maker died. Loaded only for `unpack` and `prune`. */
import type { Host } from '../host/host.ts'
import { attempt, isErrno } from './failures.ts'

/** Beside the bundle, or in it where its directory is the user's: the same for every attempt, so that the next one finds it. */
export const partOf = {
  bundle: (bundle: string): string => {
    const slash = bundle.lastIndexOf('/')
    return `${bundle.slice(0, slash)}/.${bundle.slice(slash + 1)}.unpack`
  },
  config: '.config.json.unpack',
} as const

/** It is not there, not what was begun, or in a place that is somebody else's now. */
const noneOfOurs = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'EEXIST', 'EACCES', 'EPERM', 'EROFS']

/** Removes what was begun. Nothing else is: what others put there stays. The caller holds the lock of bundles. */
export async function removeParts({ files }: Host, bundle: string): Promise<void> {
  const part = partOf.bundle(bundle)
  const gone = async (path: string, remove: (path: string) => unknown) => {
    await attempt(`remove ${path}`, {}, async () => {
      try {
        await remove(path)
      } catch (error) {
        if (!isErrno(error, ...noneOfOurs)) throw error
      }
    })
  }
  await gone(`${bundle}/${partOf.config}`, (path) => files.unlink(path))
  await gone(`${part}/config.json`, (path) => files.unlink(path))
  await gone(`${part}/rootfs`, (path) => files.rmdir(path))
  await gone(part, (path) => files.rmdir(path))
}
