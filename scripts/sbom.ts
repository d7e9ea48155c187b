/**
 * Writes the bill of materials of a release (CycloneDX 1.5, JSON): what npm knows of the package's dependencies, and the native parts that
 * npm does not know: the engine and the libraries inside the executable, and those of the machine that are loaded at run time.
 *
 *   npm run sbom [-- FILE]     build/runt_VERSION.cdx.json unless told otherwise
 *
 * SOURCE_DATE_EPOCH  time of the document (that of the last commit): the same sources give the same document
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Component {
  'bom-ref': string
  type: 'application' | 'library'
  name: string
  version?: string
  /** `required`: it is inside, or nothing works without it; `optional`: loaded where a configuration asks for it. */
  scope: 'required' | 'optional'
  description: string
  licenses: ({ license: { id: string } } | { expression: string })[]
  purl?: string
  hashes?: { alg: string; content: string }[]
}

interface Package {
  version: string
  license?: string
  integrity?: string
}

interface Bom {
  serialNumber?: string
  metadata: { timestamp: string; component: { name: string; 'bom-ref': string; type: string; [key: string]: unknown } }
  components: Component[]
  dependencies: { ref: string; dependsOn: string[] }[]
}

/** What is compiled in, of packages that are there for the development only. */
const compiledIn: Readonly<Record<string, string>> = {
  'node-addon-api': 'headers of the addon',
  'node-api-headers': 'headers of the addon',
}

/** Libraries of the machine, as Debian 12 calls them. */
const ofMachine: readonly Omit<Component, 'bom-ref' | 'type'>[] = [
  {
    name: 'libc.so.6',
    scope: 'required',
    description: 'the C library, linked dynamically; init has none',
    licenses: [{ license: { id: 'LGPL-2.1-or-later' } }],
    purl: 'pkg:deb/debian/libc6',
  },
  {
    name: 'libseccomp.so.2',
    scope: 'optional',
    description: 'loaded at run time to compile linux.seccomp, where the filter is not cached',
    licenses: [{ license: { id: 'LGPL-2.1-only' } }],
    purl: 'pkg:deb/debian/libseccomp2',
  },
  {
    name: 'libarchive.so.13',
    scope: 'optional',
    description: 'loaded at run time by runt unpack',
    licenses: [{ license: { id: 'BSD-2-Clause' } }],
    purl: 'pkg:deb/debian/libarchive13',
  },
  {
    name: 'libsystemd.so.0',
    scope: 'optional',
    description: 'loaded at run time with --systemd-cgroup',
    licenses: [{ license: { id: 'LGPL-2.1-or-later' } }],
    purl: 'pkg:deb/debian/libsystemd0',
  },
]

/**
 * The components that npm does not know of.
 * @param packages of package-lock.json
 * @param compiler version of the C++ compiler, whose library is linked in
 */
export function nativeComponents(packages: Readonly<Record<string, Package>>, compiler: string): Component[] {
  const inside = Object.entries(compiledIn).map(([name, description]): Component => {
    const { version, license, integrity } = packages[`node_modules/${name}`]!
    const digest = integrity === undefined ? undefined : Buffer.from(integrity.replace('sha512-', ''), 'base64')
    return {
      'bom-ref': `${name}@${version}`,
      type: 'library',
      name,
      version,
      scope: 'required',
      description,
      licenses: [{ license: { id: license ?? 'MIT' } }],
      purl: `pkg:npm/${name}@${version}`,
      ...(digest && { hashes: [{ alg: 'SHA-512', content: digest.toString('hex') }] }),
    }
  })
  const library: Component = {
    'bom-ref': `libstdc++@${compiler}`,
    type: 'library',
    name: 'libstdc++',
    version: compiler,
    scope: 'required',
    description: 'the C++ library, linked into the addon',
    licenses: [{ expression: 'GPL-3.0-or-later WITH GCC-exception-3.1' }],
  }
  return [
    ...inside,
    quickjs(),
    library,
    ...ofMachine.map((each) => ({ 'bom-ref': each.name, type: 'library', ...each }) as const),
  ]
}

/** The engine, whose sources are here: its version stands in its README. */
function quickjs(): Component {
  const page = readFileSync(path.join(root, 'third_party/quickjs-ng/README.md'), 'utf8')
  const [, version = ''] = /^# QuickJS-ng (\S+)$/m.exec(page) ?? []
  return {
    'bom-ref': `quickjs-ng@${version}`,
    type: 'library',
    name: 'quickjs-ng',
    version,
    scope: 'required',
    description: 'the engine of the executable, linked in; not in the package of npm',
    licenses: [{ license: { id: 'MIT' } }],
    purl: `pkg:github/quickjs-ng/quickjs@v${version}`,
  }
}

/** The output of a program that has to succeed. */
function output(file: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 })
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}

const root = fileURLToPath(new URL('..', import.meta.url))

function main(): void {
  const read = (name: string): unknown => JSON.parse(readFileSync(path.join(root, name), 'utf8'))
  const { name, version } = read('package.json') as { name: string; version: string }
  const { packages } = read('package-lock.json') as { packages: Record<string, Package> }
  const bom = JSON.parse(
    output('npm', 'sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only'),
  ) as Bom
  const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? output('git', 'log', '-1', '--format=%ct'))
  const native = nativeComponents(packages, output(process.env.CXX ?? 'g++', '-dumpfullversion'))
  // npm calls it by the folder, and gives it a new number each time.
  const own = bom.metadata.component
  Object.assign(own, { name, type: 'application' })
  bom.metadata.timestamp = new Date(epoch * 1000).toISOString()
  bom.components.push(...native)
  for (const component of native) bom.dependencies.push({ ref: component['bom-ref'], dependsOn: [] })
  bom.dependencies
    .find(({ ref }) => ref === own['bom-ref'])
    ?.dependsOn.push(...native.map((component) => component['bom-ref']))
  delete bom.serialNumber
  const digest = createHash('sha256').update(JSON.stringify(bom)).digest('hex')
  // A UUID of version 8: of our own making, RFC 9562.
  const uuid = /^(.{8})(.{4}).(.{3}).(.{3})(.{12})/.exec(digest)!
  bom.serialNumber = `urn:uuid:${uuid[1]}-${uuid[2]}-8${uuid[3]}-8${uuid[4]}-${uuid[5]}`
  const file = path.resolve(process.argv[2] ?? path.join(root, `build/runt_${version}.cdx.json`))
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(bom, null, 2)}\n`)
  console.log(file)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
