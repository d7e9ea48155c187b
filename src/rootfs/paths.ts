/** Paths as texts: nothing here looks at a filesystem. */

/** A path of the container, absolute and without `.`, `..` and double slashes; a relative one counts from `/`. */
export function containerPath(path: string): string {
  const names: string[] = []
  for (const name of path.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return `/${names.join('/')}`
}

/** A path of the host, absolute; a relative one counts from `base`, which is absolute. */
export function hostPath(base: string, path: string): string {
  return path.startsWith('/') ? path : containerPath(`${base}/${path}`)
}

/** `/mounts/3/options/0` → `mounts[3].options[0]`, for sentences. */
export function fieldOf(pointer: string): string {
  return pointer
    .slice(1)
    .replace(/\/(\d+)/g, '[$1]')
    .replaceAll('/', '.')
}
