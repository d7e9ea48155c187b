/** Paths as text, for all that works on bundles. */
export { resolvePath } from '../rootfs/paths.ts'

/** The last name of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
