/** Paths as texts: nothing here looks at a filesystem. Not node:path, which the executable's own engine does not have. */

/** `path` as an absolute one without `.`, `..` and doubled slashes; a relative one counts from `base`, which is absolute. */
export function resolvePath(base: string, path: string): string {
  const names: string[] = []
  for (const name of (path.startsWith('/') ? path : `${base}/${path}`).split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return `/${names.join('/')}`
}

/** A path of the container, absolute and without `.`, `..` and doubled slashes; a relative one counts from `/`. */
export function containerPath(path: string): string {
  return resolvePath('/', path)
}

/** A path of the host, absolute: as it is, or counted from `base`, which is absolute. */
export function hostPath(base: string, path: string): string {
  return path.startsWith('/') ? path : resolvePath(base, path)
}

/** `/mounts/3/options/0` → `mounts[3].options[0]`, for sentences. */
export function fieldOf(pointer: string): string {
  return pointer
    .slice(1)
    .replace(/\/(\d+)/g, '[$1]')
    .replaceAll('/', '.')
}
