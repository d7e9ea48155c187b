/** What `--version` prints: the first line and the prefixes are what daemons look for, and no other line may say "version". */
import { specVersion } from '../spec/default.ts'

/** The same as in package.json; a test compares them. */
export const version = '0.1.0'

/** Set by the build (`--define`). */
declare const RUNT_COMMIT: string | undefined

/** @param engine what runs this program: `bun 1.4.5` */
export function versionText(engine: string): string {
  const commit = typeof RUNT_COMMIT === 'string' ? RUNT_COMMIT : 'unknown'
  return `runt version ${version}\ncommit: ${commit}\nspec: ${specVersion}\nengine: ${engine}\n`
}
