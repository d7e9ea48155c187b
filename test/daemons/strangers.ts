/** That no daemon can find another runtime than the one under test. */
import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'

/** What daemons call runtimes that they look for by themselves. */
const names = ['runc', 'docker-runc', 'buildkit-runc', 'crun', 'runsc', 'kata-runtime']

/**
 * Runtimes in these folders that are not the executable under test.
 * @param folders as in PATH
 */
export function strangers(executable: string, folders: string): string[] {
  return folders
    .split(':')
    .flatMap((folder) => names.map((name) => path.join(folder, name)))
    .filter((file) => existsSync(file) && realpathSync(file) !== executable)
}
