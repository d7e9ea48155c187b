import test from 'ava'
import { compileCreate } from '../../../src/compiler/create.ts'
import { encodePlan } from '../../../src/plan/wire.ts'
import { LayeredRoot, readLayers, type LayersFacts } from '../../../src/rootfs/overlay.ts'
import type { ConfigProblem } from '../../../src/errors.ts'
import { registerFaults } from '../compiler/registers.ts'
import { facts, indexOf, problemsOf, sampleSpec, stepsOf } from '../compiler/sample.ts'

const chainId = `sha256:${'0123456789abcdef'.repeat(4)}`

function read(annotations: Record<string, string>) {
  const problems: ConfigProblem[] = []
  const config = readLayers(annotations, problems)
  return { config, problems: problems.map(({ pointer, message }) => `${pointer} ${message}`) }
}

test('layers are directories or chain ids, the lowest first, and changes go to the store unless told otherwise', (t) => {
  const { config, problems } = read({ 'io.runt.layers': JSON.stringify(['/base', chainId]) })
  t.deepEqual(problems, [])
  t.deepEqual(config, { layers: [{ path: '/base' }, { chainId }], store: undefined, upper: { kind: 'disk' } })
  const more = (annotations: Record<string, string>) => read({ 'io.runt.layers': '["/base"]', ...annotations }).config
  t.deepEqual(more({ 'io.runt.upper': 'none', 'io.runt.store': '/store' }).upper, { kind: 'none' })
  t.is(more({ 'io.runt.store': '/store' }).store, '/store')
  t.deepEqual(more({ 'io.runt.upper': 'tmpfs', 'io.runt.upper.size': '64m' }).upper, { kind: 'tmpfs', size: '64m' })
  t.deepEqual(more({ 'io.runt.upper': '/own' }).upper, { kind: 'directory', path: '/own' })
})

test('every problem of the annotations is told with its annotation and item', (t) => {
  const layers = '/annotations/io.runt.layers'
  const array = `${layers} must be a JSON array of strings, as text`
  t.deepEqual(read({ 'io.runt.layers': '/base' }).problems, [array])
  t.deepEqual(read({ 'io.runt.layers': '"/base"' }).problems, [array])
  t.deepEqual(read({ 'io.runt.layers': '[]' }).problems, [`${layers} must have at least one item`])
  const list = JSON.stringify(['/base', 'x', 7, '/base', '/a\0'])
  const wanted = 'must be an absolute path, or sha256: and 64 hexadecimal digits, is'
  t.deepEqual(
    read({ 'io.runt.layers': list, 'io.runt.upper': 'ram', 'io.runt.upper.size': '1', 'io.runt.store': '' }).problems,
    [
      '/annotations/io.runt.store must be an absolute path, is ""',
      `${layers} item 1 (counted from 0) ${wanted} "x"`,
      `${layers} item 2 (counted from 0) ${wanted} 7`,
      `${layers} item 3 (counted from 0) must not be the same as item 0`,
      `${layers} item 4 (counted from 0) ${wanted} "/a\\u0000"`,
      '/annotations/io.runt.upper.size must come with io.runt.upper tmpfs',
      '/annotations/io.runt.upper must be disk, tmpfs, none or an absolute path, is "ram"',
    ],
  )
  t.deepEqual(read({ 'io.runt.upper': 'none' }).problems, [
    '/annotations must have io.runt.layers with the others of io.runt',
  ])
  const most = JSON.stringify(Array.from({ length: 501 }, (_, index) => `/${index}`))
  t.deepEqual(read({ 'io.runt.layers': most }).problems, [`${layers} must have at most 500 items, has 501`])
})

const mapped = {
  namespaces: [...sampleSpec().linux!.namespaces!, { type: 'user' as const }],
  uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
  gidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
}

function compile(layers: LayersFacts, change: Parameters<typeof sampleSpec>[0] = {}, changed = {}) {
  return compileCreate(sampleSpec(change), { ...facts, ...changed, root: new LayeredRoot(layers) }).plan
}

const onDisk: LayersFacts = { layers: ['/low', '/high'], upper: { kind: 'directory', path: '/store/web' } }

test('every way of having layers is a plan that adds up', (t) => {
  const uppers: LayersFacts['upper'][] = [{ kind: 'none' }, { kind: 'tmpfs', size: '1m' }, onDisk.upper]
  for (const upper of uppers) {
    for (const linux of [{}, mapped]) {
      for (const changed of [
        {},
        { euid: 1000 },
        { inUserNamespace: true },
        { noPivot: true, kernelMounts: ['/proc'] },
      ]) {
        const plan = compile({ layers: ['/low', '/high'], upper }, { linux }, changed)
        t.deepEqual(registerFaults(plan), [])
        t.notThrows(() => encodePlan(plan))
        t.is(stepsOf(plan, 'overlay').length, 1)
        t.true(indexOf(plan, 'overlay') < indexOf(plan, 'attachHost'))
      }
    }
  }
})

test('root mounts the layers in the container’s mount namespace, after its ties to the host were cut', (t) => {
  const plan = compile(onDisk)
  t.like(stepsOf(plan, 'overlay'), [
    {
      origin: '/annotations/io.runt.layers',
      parameters: ['index=off', 'metacopy=off', 'redirect_dir=nofollow', 'xino=off'],
      owner: 0,
    },
  ])
  t.true(indexOf(plan, 'propagation') < indexOf(plan, 'overlay'))
  t.deepEqual(
    stepsOf(plan, 'openTree')
      .slice(0, 3)
      .map(({ origin, path }) => [origin, path]),
    [
      ['/annotations/io.runt.layers', '/low'],
      ['/annotations/io.runt.layers', '/high'],
      ['/annotations/io.runt.upper', '/store/web'],
    ],
  )
})

test('for a user namespace root maps the layers, and mounts them before it is entered', (t) => {
  const plan = compile(onDisk, { linux: mapped })
  t.is(stepsOf(plan, 'idmap').length, 3)
  t.true(indexOf(plan, 'idmap') < indexOf(plan, 'overlay'))
  t.true(indexOf(plan, 'overlay') < indexOf(plan, 'fork'))
  t.like(stepsOf(plan, 'overlay'), [{ owner: 1 }])
  t.deepEqual(plan.steps.filter(({ op }) => op === 'unshare').length, 2)
})

test('without root the layers are mounted by root of the user namespace, with attributes that a user may write', (t) => {
  const plan = compile(onDisk, { linux: mapped }, { euid: 1000 })
  t.deepEqual(stepsOf(plan, 'idmap'), [])
  t.true(indexOf(plan, 'becomeRoot') < indexOf(plan, 'overlay'))
  t.true(stepsOf(plan, 'overlay')[0]!.parameters.includes('userxattr'))
})

test('the label of mounts is that of the layers', (t) => {
  const plan = compile(onDisk, { linux: { mountLabel: 'system_u:object_r:container_file_t:s0:c1,c2' } })
  t.is(stepsOf(plan, 'overlay')[0]!.parameters.at(-1), 'context=system_u:object_r:container_file_t:s0:c1,c2')
})

test('layers in a mount namespace of others, or in none, are refused', (t) => {
  const others = sampleSpec().linux!.namespaces!.filter(({ type }) => type !== 'mount')
  for (const namespaces of [others, [...others, { type: 'mount' as const, path: '/ns' }]]) {
    t.like(
      problemsOf(() => compile(onDisk, { linux: { namespaces } })),
      [{ pointer: '/annotations/io.runt.layers' }],
    )
  }
})
