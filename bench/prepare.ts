/** The files that containers of the benchmark and of the soak are made of. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile } from './driver.ts'

/** Everything that bundles need, on a tmpfs that goes with this mount namespace. */
export function prepare(dir: string): void {
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', 'bench', dir], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`cannot mount a tmpfs: ${stderr}`)
  for (const name of ['bin', 'proc', 'sys', 'dev', 'etc'])
    mkdirSync(path.join(dir, 'rootfs', name), { recursive: true })
  for (let index = 0; index < 500; index++) mkdirSync(path.join(dir, `rootfs/volumes/${index}`), { recursive: true })
  for (const name of ['resolv.conf', 'hostname', 'hosts']) writeFileSync(path.join(dir, 'rootfs/etc', name), '')
  for (const name of ['shared/dir', 'layers']) mkdirSync(path.join(dir, name), { recursive: true })
  writeFileSync(path.join(dir, 'shared/file'), '')
  compile(fileURLToPath(new URL('driver.c', import.meta.url)), path.join(dir, 'driver'))
  const programs = { true: 'return 0;', pause: 'for (;;) pause();' }
  for (const [name, body] of Object.entries(programs)) {
    writeFileSync(path.join(dir, `${name}.c`), `#include <unistd.h>\nint main(void) { ${body} }\n`)
    compile(path.join(dir, `${name}.c`), path.join(dir, 'rootfs/bin', name))
  }
}
