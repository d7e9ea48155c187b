/**
 * What holds for whatever stands in a file that others wrote: the kernel's, an image's, or a damaged one of runt's own. It is read, or
 * refused by an error of runt's; any other exception is a fault.
 */
import test from 'ava'
import fc from 'fast-check'
import { createHash } from 'node:crypto'
import { flatKey } from '../../src/cgroups/fs.ts'
import { parseCpu, parseFlat, parseIo, parseLimit, parsePressure } from '../../src/cgroups/stats.ts'
import { parseVariant } from '../../src/cgroups/systemd/variant.ts'
import { RuntError } from '../../src/errors.ts'
import type { Host } from '../../src/host/host.ts'
import type { SourceFiles } from '../../src/images/files.ts'
import { findImage } from '../../src/images/source.ts'
import { layersAnnotation, readLayers } from '../../src/rootfs/overlay.ts'
import { decodeLayer } from '../../src/runtime/layer-store.ts'
import { kernelMounts, parseStat } from '../../src/runtime/procfs.ts'
import { salvage } from '../../src/runtime/salvage.ts'
import { decodeState, encodeState, type SavedState } from '../../src/runtime/state.ts'
import { ownIds } from '../../src/runtime/subids.ts'

const check = <T>(arbitrary: fc.Arbitrary<T>, run: (value: T) => void | Promise<void>, numRuns = 400) =>
  fc.assert(
    fc.asyncProperty(arbitrary, async (value) => run(value)),
    {
      numRuns,
      seed: 20_240_301,
      interruptAfterTimeLimit: 15_000,
    },
  )

/** Only an error of runt's with this code may come out of it. */
async function refusedOr<T>(code: string, run: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof RuntError && error.code === code) return undefined
    throw error
  }
}

/** A host with these files. */
const hostOf = (files: Readonly<Record<string, string>>, uid = 1000) =>
  ({
    files: {
      readText: (path: string) => Promise.resolve(files[path] ?? ''),
      readTextIfExists: (path: string) => Promise.resolve(files[path]),
    },
    system: { euid: () => Promise.resolve(uid), egid: () => Promise.resolve(uid) },
    seccomp: {
      digest: (text: string) => Promise.resolve(createHash('sha256').update(text).digest('hex')),
    },
  }) as unknown as Host

/** Lines of words, as most files have them, and texts of any kind. */
const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.bigInt().map(String),
  fc.constantFrom('max', '-1', '0::', '8:0', 'rbytes=1', 'rbytes=', 'some', 'full', 'avg10=0.50', 'avg10=', 'total=7'),
  fc.constantFrom('populated', 'frozen', '1', '-', 'proc', 'sysfs', '/', '/a\\040b', '__proto__', 'constructor'),
)
const lines = fc
  .array(fc.array(words, { maxLength: 9 }), { maxLength: 9 })
  .map((rows) => rows.map((row) => row.join(' ')).join('\n'))
const contents = fc.oneof(fc.string({ unit: 'binary' }), lines)

test('what cgroup files hold is read or is not what the kernel writes', async (t) => {
  await check(contents, async (text) => {
    const numbers: (bigint | undefined)[] = []
    const refused = <T>(run: () => T) => refusedOr('CGROUP_READ', run)
    numbers.push(await refused(() => parseLimit(text, 'f')))
    numbers.push(...Object.values((await refused(() => parseFlat(text, 'f'))) ?? {}))
    const cpu: Record<string, bigint> = { ...(await refused(() => parseCpu(text, 'f'))) }
    numbers.push(...Object.values(cpu))
    for (const { major: _, minor: __, ...device } of (await refused(() => parseIo(text, 'f'))) ?? [])
      numbers.push(...Object.values<bigint>(device))
    const pressure = await refused(() => parsePressure(text, 'f'))
    if (pressure !== undefined) numbers.push(pressure.some.total, pressure.full.total)
    for (const number of numbers)
      if (number !== undefined && !(typeof number === 'bigint' && number >= 0n && number < 1n << 64n))
        throw new Error(String(number))
    for (const key of ['populated', 'frozen', '']) {
      const value = flatKey(text, key)
      if (value !== undefined && !`\n${text}\n`.includes(`\n${key} ${value}\n`)) throw new Error(value)
    }
  })
  t.pass()
})

test('a process is known by its start time, whatever it calls itself', async (t) => {
  await check(contents, (text) => {
    const stat = parseStat(text)
    if (stat !== undefined && !Number.isFinite(stat.startTime)) throw new Error('no start time')
  })
  const name = fc.oneof(fc.string({ maxLength: 15 }), fc.constantFrom(') Z 1 (', ') S 1 2 3 4 5', '\n', '()'))
  await check(fc.tuple(name, fc.nat(), fc.constantFrom('R', 'S', 'Z', 'X')), ([comm, startTime, state]) => {
    const rest = Array.from({ length: 49 }, (_, index) => (index === 18 ? startTime : 0)).join(' ')
    t.deepEqual(parseStat(`12 (${comm}) ${state} ${rest}\n`), { state, startTime, ending: 'ZX'.includes(state) })
  })
})

test('mounts and subordinate ids are read from any text', async (t) => {
  await check(contents, async (text) => {
    for (const path of await kernelMounts(hostOf({ '/proc/self/mountinfo': text })))
      if (path.includes(' ')) t.true(text.includes('\\040') || text.includes('\\'), path)
  })
  const ids = fc.array(
    fc.tuple(fc.constantFrom('me', '1000', 'other', ''), fc.oneof(fc.nat(), words), fc.oneof(fc.nat(), words)),
    { maxLength: 6 },
  )
  const file = fc.oneof(
    contents,
    ids.map((rows) => rows.map((row) => row.join(':')).join('\n')),
  )
  let mapped = 0
  await check(fc.tuple(file, file), async ([subuid, passwd]) => {
    const host = hostOf({
      '/etc/subuid': subuid,
      '/etc/subgid': subuid,
      '/etc/passwd': `${passwd}\nme:x:1000:1000::/:`,
    })
    const { uid } = await ownIds(host)
    mapped += uid.length
    for (const { containerID, hostID, size } of uid)
      if (![containerID, hostID, size].every((id) => Number.isInteger(id) && id >= 0 && id <= 0xffffffff))
        throw new Error(`${containerID} ${hostID} ${size}`)
  })
  t.true(mapped > 0)
})

const json: fc.Arbitrary<unknown> = fc.jsonValue({ maxDepth: 3 })
const documents = fc.oneof(
  fc.string({ unit: 'binary' }),
  json.map((value) => JSON.stringify(value)),
)

const state: SavedState = {
  format: 1,
  id: 'web',
  bundle: '/b',
  rootfs: '/b/rootfs',
  created: '2026-01-02T03:04:05Z',
  annotations: {},
  owner: 0,
  phase: 'created',
  pid: 12,
  startTime: 34,
  namespaces: 0,
  ownPids: true,
  lateFrom: 3,
  lateSteps: [],
}

test("runt's own files are read, or are damaged", async (t) => {
  const changed = fc
    .tuple(fc.constantFrom(...Object.keys(state)), json)
    .map(([name, value]) => JSON.stringify({ ...state, [name]: value }))
  await check(fc.oneof(documents, changed), async (text) => {
    const read = await refusedOr('BAD_STATE', () => decodeState(text, 'state.json'))
    if (read !== undefined && encodeState(read) !== JSON.stringify(JSON.parse(text))) throw new Error('another state')
    const layer = decodeLayer(text)
    if (layer !== undefined && typeof layer.chainId !== 'string') throw new Error('no layer')
  })
  await check(fc.string({ unit: 'binary' }), (id) => {
    t.deepEqual(decodeState(encodeState({ ...state, id }), 'state.json'), { ...state, id })
  })
  const layer = { chainId: 'sha256:a', diffId: 'sha256:b', size: 1 }
  t.deepEqual(decodeLayer(JSON.stringify(layer)), layer)
  for (const text of ['null', '[]', '1', '"', JSON.stringify({ ...layer, size: '1' })])
    t.is(decodeLayer(text), undefined)
})

test('annotations for layers and properties, and what is saved of a broken configuration, are taken or refused', async (t) => {
  await check(fc.tuple(documents, documents), ([list, store]) => {
    const problems: Parameters<typeof readLayers>[1] = []
    const { layers } = readLayers({ [layersAnnotation]: list, 'io.runt.store': store }, problems)
    if (problems.length === 0 && layers.length === 0) throw new Error('neither')
  })
  const variant = fc.array(
    fc.constantFrom(
      '[',
      ']',
      ',',
      "'",
      '"',
      '\\',
      ' ',
      '@as',
      'uint64',
      'true',
      '1',
      '-',
      '0x',
      '1e9',
      'nan',
      'a',
      '\0',
    ),
    { maxLength: 12 },
  )
  await check(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      variant.map((parts) => parts.join('')),
    ),
    (text) => {
      try {
        parseVariant(text)
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error
      }
    },
  )
  await check(json, (document) => void salvage(document))
  t.pass()
})

/** An image's documents by name; what is called `blob-N` is at its digest. */
async function imageIn(texts: Readonly<Record<string, string>>, reference?: string): Promise<unknown> {
  const files: SourceFiles = { name: 'image', path: (name) => Promise.resolve(name in texts ? `/${name}` : undefined) }
  const host = hostOf(Object.fromEntries(Object.entries(texts).map(([name, text]) => [`/${name}`, text])))
  const platform = { os: 'linux', architecture: 'amd64' }
  return refusedOr('INVALID_IMAGE', () => findImage(host, files, { reference, platform }))
}

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex')
const type = (name: string) => `application/vnd.oci.image.${name}.v1+json`
const descriptor = (mediaType: string, text: string) => ({
  mediaType,
  digest: `sha256:${digestOf(text)}`,
  size: Buffer.byteLength(text),
})
const blob = (text: string) => ({ [`blobs/sha256/${digestOf(text)}`]: text })
const marker = { 'oci-layout': '{"imageLayoutVersion":"1.0.0"}' }

test("an image's documents are an image or are refused", async (t) => {
  let found = 0
  const few = fc.dictionary(fc.constantFrom('Config', 'Layers', 'RepoTags', 'os', 'rootfs', 'config', 'parent'), json)
  const any = fc.oneof(
    documents,
    few.map((value) => JSON.stringify(value)),
  )
  // One of the documents, or something in one, is anything; the digests are right.
  const parts = fc.record(
    { config: json, diffIds: json, layers: json, platform: json, annotations: json, index: json, manifest: json },
    { requiredKeys: [] },
  )
  const rarely = fc
    .tuple(parts, fc.nat(2))
    .map(([given, most]) => Object.fromEntries(Object.entries(given).slice(0, most)) as typeof given)
  await check(fc.tuple(rarely, any, fc.option(fc.string(), { nil: undefined })), async ([given, text, reference]) => {
    const layer = `layer ${text}`
    const tar = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: `sha256:${digestOf(layer)}`, size: 1 }
    const rootfs = { type: 'layers', diff_ids: 'diffIds' in given ? given.diffIds : [tar.digest] }
    const config = JSON.stringify({ os: 'linux', architecture: 'amd64', config: given.config ?? {}, rootfs })
    const layers = 'layers' in given ? given.layers : [tar]
    const manifest = JSON.stringify(
      'manifest' in given ? given.manifest : { config: descriptor(type('config'), config), layers },
    )
    const { platform, annotations } = given
    const item = { ...descriptor(type('manifest'), manifest), platform, annotations }
    const index = JSON.stringify('index' in given ? given.index : { manifests: [item] })
    const layout = { ...marker, 'index.json': index, ...blob(manifest), ...blob(config), ...blob(layer) }
    if ((await imageIn(layout)) !== undefined) found++
    await imageIn({ ...layout, 'index.json': text }, reference)
    await imageIn({ 'manifest.json': text, ...blob(config) }, reference)
    const saved = { Config: 'c.json', Layers: given.layers ?? [tar.digest], RepoTags: annotations }
    if ((await imageIn({ 'manifest.json': JSON.stringify([saved]), 'c.json': config, [tar.digest]: '' })) !== undefined)
      found++
    await imageIn({ repositories: text, 'a/json': text, 'a/layer.tar': '' }, reference)
    await imageIn({ repositories: '{"n":{"t":"a"}}', 'a/json': text, 'a/layer.tar': '' })
  })
  t.true(found > 10, String(found))
})

test('indexes that name each other over and over come to an end', async (t) => {
  const config = '{"os":"plan9","architecture":"mips"}'
  const manifest = JSON.stringify({ config: descriptor(type('config'), config), layers: [] })
  let texts = { ...marker, ...blob(config), ...blob(manifest) }
  let item = descriptor(type('manifest'), manifest)
  for (let depth = 0; depth < 3; depth++) {
    const index = JSON.stringify({ manifests: Array.from({ length: 1000 }, () => item) })
    texts = { ...texts, ...blob(index) }
    item = descriptor(type('index'), index)
  }
  const files: SourceFiles = { name: 'image', path: (name) => Promise.resolve(name in all ? `/${name}` : undefined) }
  const all: Record<string, string> = { ...texts, 'index.json': JSON.stringify({ manifests: [item] }) }
  const host = hostOf(Object.fromEntries(Object.entries(all).map(([name, text]) => [`/${name}`, text])))
  const wanted = { reference: undefined, platform: { os: 'linux', architecture: 'amd64' } }
  await t.throwsAsync(findImage(host, files, wanted), {
    code: 'INVALID_IMAGE',
    message: 'image: more than 1000 indexes, manifests and configurations were read',
  })
})
