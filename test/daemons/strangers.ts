/** That no daemon can find another runtime than the one under test. */
import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'

/** What Docker's programs look for by themselves. */
export const asRunc = ['runc', 'docker-runc', 'buildkit-runc'] as const
/** What any daemon does. */
export const asAny = [...asRunc, 'crun', 'runsc', 'kata-runtime'] as const

/**
 * Programs with these names that are not the runtime under test.
 * @param folders as in PATH
 */
export function strangers(executable: string, folders: string, names: readonly string[]): string[] {
  return folders
    .split(':')
    .flatMap((folder) => names.map((name) => path.join(folder, name)))
    .filter((file) => existsSync(file) && realpathSync(file) !== executable)
}
