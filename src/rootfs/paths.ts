/** Paths as texts: nothing here looks at a filesystem. */
import { posix } from 'node:path'

/** A path of the container, absolute and without `.`, `..` and double slashes; a relative one counts from `/`. */
export function containerPath(path: string): string {
  const clean = posix.normalize(`/${path}`)
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean
}

/** A path of the host, absolute; a relative one counts from `base`. */
export function hostPath(base: string, path: string): string {
  return path.startsWith('/') ? path : posix.join(base, path)
}

/** `/mounts/3/options/0` → `mounts[3].options[0]`, for sentences. */
export function fieldOf(pointer: string): string {
  return pointer
    .slice(1)
    .replace(/\/(\d+)/g, '[$1]')
    .replaceAll('/', '.')
}
