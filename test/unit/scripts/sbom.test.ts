/** The bill of materials, docs/dependencies.md and the sources say the same. */
import test from 'ava'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { nativeComponents } from '../../../scripts/sbom.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const read = (name: string): string => readFileSync(`${root}${name}`, 'utf8')
const manifest = JSON.parse(read('package.json')) as {
  dependencies: Record<string, string>
}
const { packages } = JSON.parse(read('package-lock.json')) as {
  packages: Record<string, { version: string; license?: string; integrity?: string }>
}
const components = nativeComponents(packages, '12.2.0')

test('each part of the bill of materials has a version, a licence and its reasons in docs/dependencies.md', (t) => {
  const page = read('docs/dependencies.md')
  for (const { name, licenses, description } of components) {
    t.true(page.includes(`\`${name}\``), `docs/dependencies.md says nothing of ${name}`)
    t.true(licenses.length > 0 && description !== '')
  }
  for (const name of Object.keys(manifest.dependencies)) t.true(page.includes(`| \`${name}\` |`), name)
  const engine = components.find(({ name }) => name === 'quickjs-ng')
  // #define QJS_VERSION_MAJOR 0, and so on.
  const header = read('third_party/quickjs-ng/quickjs.h')
  const version = ['MAJOR', 'MINOR', 'PATCH'].map((part) => new RegExp(`QJS_VERSION_${part} +(\\d+)`).exec(header)?.[1])
  t.is(engine?.version, version.join('.'))
  t.is(new Set(components.map((component) => component['bom-ref'])).size, components.length)
})

test('what the addon loads at run time is in the bill of materials', (t) => {
  const loaded = readdirSync(`${root}native/addon`).flatMap((file) =>
    [...read(`native/addon/${file}`).matchAll(/"(lib[\w+-]+\.so\.\d+)"/g)].map((match) => match[1]!),
  )
  t.true(loaded.length >= 3)
  for (const name of loaded)
    t.true(
      components.some((each) => each.name === name && each.scope === 'optional'),
      name,
    )
})

test('no dependency has dependencies of its own', (t) => {
  for (const name of Object.keys(manifest.dependencies)) {
    const entry = packages[`node_modules/${name}`] as { dependencies?: object } | undefined
    t.deepEqual(entry?.dependencies ?? {}, {}, name)
  }
})
