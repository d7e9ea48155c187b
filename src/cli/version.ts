/** What `--version` prints: the first line and the prefixes are what daemons look for, and no other line may say "version". */
import { commit, version } from '../runtime/version.ts'
import { specVersion } from '../spec/default.ts'

/** @param engine what runs this program: `bun 1.4.5` */
export function versionText(engine: string): string {
  return `runt version ${version}\ncommit: ${commit ?? 'unknown'}\nspec: ${specVersion}\nengine: ${engine}\n`
}
