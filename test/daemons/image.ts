/** The file system of the image that all daemons run: Debian's static busybox, some users, and nothing else. */
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { run } from './feature.ts'

/** Makes the folder. */
export async function makeRoot(root: string): Promise<void> {
  for (const folder of ['bin', 'dev', 'etc', 'home/someone', 'proc', 'root', 'run', 'sys', 'tmp'])
    mkdirSync(path.join(root, folder), { recursive: true })
  chmodSync(path.join(root, 'tmp'), 0o1777)
  copyFileSync('/bin/busybox', path.join(root, 'bin/busybox'))
  const { stdout } = await run('/bin/busybox', ['--list'])
  for (const applet of stdout.trim().split('\n')) {
    if (applet !== 'busybox') symlinkSync('busybox', path.join(root, 'bin', applet))
  }
  writeFileSync(
    path.join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nsomeone:x:1000:1000::/home/someone:/bin/sh\n',
  )
  writeFileSync(path.join(root, 'etc/group'), 'root:x:0:\nsomeone:x:1000:\nextra:x:2000:someone\n')
  writeFileSync(path.join(root, 'etc/text'), 'no program\n')
}

/** Makes the folder below `work` and a tar of it. @returns the path of the tar */
export async function makeTar(work: string): Promise<string> {
  const root = path.join(work, 'image')
  await makeRoot(root)
  const tar = path.join(work, 'image.tar')
  const { status, told } = await run('tar', ['-C', root, '--owner=0', '--group=0', '-cf', tar, '.'])
  if (status !== 0) throw new Error(told)
  return tar
}

/** What an image without a command of its own runs. */
const shell: Readonly<Record<string, readonly string[]>> = { 'docker.io/library/box:latest': ['sh'] }

/** Makes images as `docker save` writes them, each with its name and command. @returns the path of their tar */
export async function makeArchive(work: string, images = shell): Promise<string> {
  const layer = readFileSync(await makeTar(work))
  const digest = createHash('sha256').update(layer).digest('hex')
  const folder = path.join(work, 'archive')
  mkdirSync(path.join(folder, digest), { recursive: true })
  writeFileSync(path.join(folder, digest, 'layer.tar'), layer)
  const manifest = Object.entries(images).map(([name, command], index) => {
    const config = {
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Env: ['PATH=/bin'], Cmd: command },
      rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
    }
    writeFileSync(path.join(folder, `config${index}.json`), JSON.stringify(config))
    return { Config: `config${index}.json`, RepoTags: [name], Layers: [`${digest}/layer.tar`] }
  })
  writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify(manifest))
  const tar = path.join(work, 'archive.tar')
  const { status, told } = await run('tar', ['-C', folder, '-cf', tar, '.'])
  if (status !== 0) throw new Error(told)
  return tar
}
