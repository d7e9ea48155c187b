/** Names of containers. */
import { UsageError } from '../errors.ts'

/** NAME_MAX: the id names a directory. */
const maxLength = 255

/** Whether a name of at most 255 characters can be a container's. */
export function isName(name: string): boolean {
  return name !== '.' && name !== '..' && /^[A-Za-z0-9_+.-]+$/.test(name)
}

/**
 * Refuses what is not a name: the id becomes a file name of the state directory and part of a cgroup's, so nothing in
 * it may lead elsewhere.
 * @throws UsageError
 */
export function checkId(id: string): void {
  const hint = 'a container id consists of letters, digits and _ + - . and is neither "." nor ".."'
  if (id === '') throw new UsageError('container id is empty', { hint })
  if (id.length > maxLength) {
    throw new UsageError(`container id of ${id.length} characters is too long`, {
      hint: `at most ${maxLength} are allowed`,
    })
  }
  if (!isName(id)) {
    throw new UsageError(`invalid container id ${JSON.stringify(id)}`, { hint })
  }
}
