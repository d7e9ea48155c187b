/**
 * `npm run test:images [-- --short]`, as root: images of other tools, and what runt makes of them. Images of three layers are made with
 * umoci and with Buildah, and saved by umoci, skopeo, Buildah and Docker Engine. Whatever the source, the root that a container of
 * `runt unpack`'s bundle sees is compared entry by entry with what `umoci unpack` makes, and with what `docker export` tells: type,
 * mode, owner, size, content, time, target, device, hard links and extended attributes. What may differ is in allowed.ts.
 *   --short   a small tree instead of Debian's, and umoci alone
 */
import { realpathSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Docker } from '../daemons/docker.ts'
import { makeRoot } from '../daemons/image.ts'
import { tar } from '../integration/tar.ts'
import { likeExport, likeItself, likeUmoci } from './allowed.ts'
import {
  call,
  change,
  differences,
  exportedByRunt,
  makeWithUmoci,
  seenWithRunt,
  steps,
  told,
  treeOf,
  unpackedByUmoci,
  type Allowed,
  type Tree,
} from './tools.ts'

const short = process.argv.includes('--short')
const runt = realpathSync('/usr/bin/runt')
const work = path.join(process.env.DAEMONS_WORK!, 'images')
mkdirSync(work)
let failures = 0
let since = Date.now()

/** How long it took, for those who wait. */
function done(what: string): void {
  console.log(`    ${what}: ${((Date.now() - since) / 1000).toFixed(1)} s`)
  since = Date.now()
}

/** What other tools make of an image, by their names, and what may be different there. */
type Others = Readonly<Record<string, { readonly tree: Tree; readonly allowed: readonly Allowed[] }>>

/** Compares what runt makes of a source with what others make of the image. */
function check(name: string, image: string, others: Others): void {
  const tell = (other: string, failure: string) => {
    const line = `${name} › as ${other}`
    if (failure !== '') failures++
    console.log(failure === '' ? `  ✔ ${line}` : `  ✘ [fail]: ${line}\n${failure.replace(/^/gm, '      ')}`)
  }
  try {
    const tree = seenWithRunt(runt, work, image)
    for (const [other, { tree: theirs, allowed }] of Object.entries(others))
      tell(`${other}, ${theirs.size} entries`, told(differences(tree, theirs, allowed)))
  } catch (error) {
    tell(Object.keys(others).join(', '), String(error))
  }
  done(name)
}

/** A layer as no tool writes it: links to files of lower layers alone, and whiteouts behind what they must not hide. */
const byHand = tar(
  { name: 'x/across', type: '1', link: 'x/content', mtime: 48 },
  { name: 'x/kept/across', type: '1', link: '/x/loop', mode: 0o660, gid: 6, mtime: 49 },
  { name: 'x/opaque/', type: '5', mtime: 48 },
  { name: 'x/opaque/mine', content: 'mine' },
  { name: 'x/opaque/.wh..wh..opq' },
  { name: 'x/empty', content: 'not any more' },
  { name: 'x/.wh.hard' },
  { name: 'x/.wh.gone' },
  { name: './x/again/', type: '5', mode: 0o700, mtime: 1.5 },
  { name: 'x/again/file', pax: { mtime: '-7', 'SCHILY.xattr.user.note': Buffer.from([0, 61, 10, 255]) } },
)

/** Of the umoci image that has one layer more, made by hand. */
function checkByHand(umoci: string, layout: string): void {
  const layer = path.join(work, 'by-hand.tar')
  writeFileSync(layer, byHand)
  call(umoci, ['raw', 'add-layer', '--image', `${layout}:web`, layer])
  const tree = unpackedByUmoci(umoci, work, layout)
  check('small image of umoci with a layer made by hand', `${layout}:web`, {
    'umoci unpack': { tree, allowed: likeUmoci },
  })
}

/** Images of Buildah, a step of change.py in each layer: its overlay makes directories opaque. */
function makeWithBuildah(buildah: (...args: string[]) => string, fill: (root: string) => void): void {
  let from = 'scratch'
  for (const step of steps) {
    const container = buildah('from', '--pull-never', from).trim()
    const root = buildah('mount', container).trim()
    if (from === 'scratch') fill(root)
    change(root, step)
    buildah('umount', container)
    buildah('config', '--cmd', '["/bin/sleep","1000000"]', container)
    buildah('commit', '--quiet', container, (from = `localhost/web:${step}`))
    buildah('rm', container)
  }
}

async function startDocker(): Promise<Docker> {
  const setting = { runtime: 'runt', executable: runt, where: 'host', smoke: true, work } as const
  const docker = new Docker(setting, 'docker', { args: ['--bridge=none', '--iptables=false'] })
  await docker.start()
  return docker
}

/** Loads an archive, which Docker saves again. @returns the archive and what `docker export` tells of a container */
function throughDocker(docker: Docker, archive: string, name: string): { saved: string; exported: Tree } {
  const client = (...args: string[]) => call('docker', ['--host', docker.address, ...args])
  const [saved, exported] = [path.join(work, `${name}-saved.tar`), path.join(work, 'exported.tar')]
  client('load', '--input', archive)
  client('save', '--output', saved, `${name}:1`)
  client('create', '--name', name, `${name}:1`)
  client('export', '--output', exported, name)
  const tree = treeOf('tar', exported)
  call('rm', [exported])
  client('rm', name)
  return { saved, exported: tree }
}

/** A small tree, with all that umoci can have in layers. */
async function checkSmall(): Promise<void> {
  const [small, directory] = [path.join(work, 'small'), path.join(work, 'small-image')]
  await makeRoot(small)
  const layout = makeWithUmoci('umoci', directory, (root) => call('cp', ['-a', `${small}/.`, root]), false)
  const tree = unpackedByUmoci('umoci', work, layout)
  done('make a small image with umoci, and unpack it')
  check('small image of umoci', `${layout}:web`, { 'umoci unpack': { tree, allowed: likeUmoci } })
  checkByHand('umoci', layout)
}

/** What a container changed, as a layer that umoci puts onto the image and unpacks: it is what the container saw. */
async function checkExport(): Promise<void> {
  const [small, directory] = [path.join(work, 'export'), path.join(work, 'export-image')]
  await makeRoot(small)
  const layout = makeWithUmoci('umoci', directory, (root) => call('cp', ['-a', `${small}/.`, root]), false, ['one'])
  const layer = path.join(work, 'exported-layer.tar')
  const seen = exportedByRunt(runt, work, `${layout}:web`, { by: ['two', 'three'], layer })
  call('umoci', ['raw', 'add-layer', '--image', `${layout}:web`, layer])
  const failure = told(differences(seen, unpackedByUmoci('umoci', work, layout)))
  if (failure !== '') failures++
  const line = `export --layer › as umoci unpack, ${seen.size} entries`
  console.log(failure === '' ? `  ✔ ${line}` : `  ✘ [fail]: ${line}\n${failure.replace(/^/gm, '      ')}`)
  done('export what a container changed, and unpack it with umoci')
  check('image with a layer of export', `${layout}:web`, { 'the container saw': { tree: seen, allowed: likeItself } })
}

async function main(): Promise<void> {
  await checkSmall()
  await checkExport()
  if (!short) await checkDebian()
}

async function checkDebian(): Promise<void> {
  const fill = (root: string) => call('cp', ['-a', `${process.env.MINBASE!}/.`, root])
  const layout = makeWithUmoci('umoci', work, fill, true)
  done('make an image of Debian with umoci')
  const unpacked = { tree: unpackedByUmoci('umoci', work, layout), allowed: likeUmoci }
  done('unpack it with umoci')
  const skopeo = (...args: string[]) => call('skopeo', ['--insecure-policy', 'copy', '--quiet', ...args])
  const [zstd, archive] = [path.join(work, 'zstd'), path.join(work, 'web.tar')]
  skopeo('--dest-compress', '--dest-compress-format', 'zstd', `oci:${layout}:web`, `oci:${zstd}:web`)
  skopeo(`oci:${layout}:web`, `docker-archive:${archive}:web:1`)
  done('copy it with skopeo')
  const docker = await startDocker()
  const { saved, exported } = throughDocker(docker, archive, 'web')
  const others = { 'umoci unpack': unpacked, 'docker export': { tree: exported, allowed: likeExport } }
  done('load, save and export it with Docker')
  check('umoci’s image › layout of umoci', `${layout}:web`, others)
  check('umoci’s image › layout of skopeo, zstd', `${zstd}:web`, others)
  check('umoci’s image › docker-archive of skopeo', archive, others)
  check('umoci’s image › docker save, on standard input', `- <${saved}`, others)
  call('rm', ['-rf', layout, zstd, archive, saved])

  const storage = path.join(work, 'storage.conf')
  const folder = path.join(work, 'buildah')
  writeFileSync(storage, `[storage]\ndriver = "overlay"\ngraphroot = "${folder}/storage"\nrunroot = "${folder}/run"\n`)
  const buildah = (...args: string[]) => call('buildah', args, { CONTAINERS_STORAGE_CONF: storage, TMPDIR: work })
  makeWithBuildah(buildah, fill)
  const ofBuildah = path.join(work, 'buildah-layout')
  buildah('push', '--quiet', 'localhost/web:three', `oci:${ofBuildah}:web`)
  buildah('push', '--quiet', 'localhost/web:three', `docker-archive:${archive}:built:1`)
  done('make an image with Buildah')
  const built = throughDocker(docker, archive, 'built')
  const builtOthers = {
    'umoci unpack': { tree: unpackedByUmoci('umoci', work, ofBuildah), allowed: likeUmoci },
    'docker export': { tree: built.exported, allowed: likeExport },
  }
  done('unpack it with umoci, load, save and export it with Docker')
  check('Buildah’s image › layout of Buildah', `${ofBuildah}:web`, builtOthers)
  check('Buildah’s image › docker-archive of Buildah', archive, builtOthers)
  check('Buildah’s image › docker save', built.saved, builtOthers)
  await docker.stop()
}

await main()
process.exit(failures === 0 ? 0 : 1)
