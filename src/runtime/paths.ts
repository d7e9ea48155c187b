/** Paths as text. Not node:path: every module that is loaded at a start costs time, and this is all that runt needs of it. */

/** `name` as an absolute path without `.`, `..` and doubled slashes; a relative one counts from `base`, which is absolute. */
export function resolvePath(base: string, name: string): string {
  const parts: string[] = []
  for (const part of (name.startsWith('/') ? name : `${base}/${name}`).split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
