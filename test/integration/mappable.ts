/** Filesystems of the host whose ids can be mapped, and that take what a container changes in an overlay. */
import type { ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { release, tmpdir } from 'node:os'
import path from 'node:path'

/** tmpfs can be id-mapped since Linux 6.3, ext4 since 5.12. */
export const tmpfsHasIds = ((major = 0, minor = 0) => major > 6 || (major === 6 && minor >= 3))(
  ...release().split(/[.-]/).map(Number),
)

/**
 * Mounts a new filesystem that can be id-mapped on a directory of the host.
 * @param size of one that needs an image
 */
export function mountMappable(t: ExecutionContext, dir: string, size = '8M'): void {
  if (tmpfsHasIds) {
    t.is(spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', dir]).status, 0)
  } else {
    const image = path.join(mkdtempSync(path.join(tmpdir(), 'runt-image-')), 'ext4')
    t.teardown(() => {
      rmSync(path.dirname(image), { recursive: true })
    })
    const script =
      'modprobe -a loop ext4; truncate -s "$2" "$0" && mkfs.ext4 -q "$0" && mount -o loop "$0" "$1" && chmod 1777 "$1"'
    const { status, stderr } = spawnSync('sh', ['-c', script, image, dir, size], { encoding: 'utf8' })
    t.is(status, 0, stderr)
  }
  t.teardown(() => spawnSync('umount', ['--lazy', dir]))
}
