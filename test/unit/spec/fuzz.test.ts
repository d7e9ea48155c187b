import test from 'ava'
import { defaultSpec } from '../../../src/spec/default.ts'
import { checkProcess, checkSpec, locateProblems, parseSpec } from '../../../src/spec/parse.ts'
import { escapePointer, splitPointer, valueAt } from '../../../src/spec/problem.ts'
import { changed, set } from './config.ts'

/** The same numbers at every run (Lehmer's generator). */
function generator(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => (state = (state * 48271) % 2147483647) % limit
}

/** A configuration with most fields, so that checks have something to look at. */
const rich = (): unknown =>
  changed({
    '/annotations': { 'org.example/name': 'a' },
    '/domainname': 'example.org',
    '/process/user/umask': 18,
    '/process/user/additionalGids': [1, 2],
    '/process/consoleSize': { height: 24, width: 80 },
    '/process/scheduler': { policy: 'SCHED_RR', flags: ['SCHED_FLAG_RECLAIM'] },
    '/process/oomScoreAdj': 100,
    '/hooks': { prestart: [{ path: '/bin/true', args: ['true'], env: ['A=b'], timeout: 5 }] },
    '/mounts/-': { destination: '/data', source: '/srv', options: ['rbind'], uidMappings: [], gidMappings: [] },
    '/linux/namespaces/-': { type: 'user' },
    '/linux/uidMappings': [{ containerID: 0, hostID: 1000, size: 10 }],
    '/linux/gidMappings': [{ containerID: 0, hostID: 1000, size: 10 }],
    '/linux/timeOffsets': { monotonic: { secs: 1, nanosecs: 2 } },
    '/linux/devices': [{ type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 438, uid: 0, gid: 0 }],
    '/linux/netDevices': { eth0: { name: 'eth1' } },
    '/linux/cgroupsPath': '/runt/a',
    '/linux/sysctl': { 'net.core.somaxconn': '1024' },
    '/linux/rootfsPropagation': 'slave',
    '/linux/seccomp': {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO', args: [] }],
    },
    '/linux/resources/memory': { limit: 1, swap: 2 },
    '/linux/resources/cpu': { shares: 1, cpus: '0' },
    '/linux/resources/unified': { 'memory.high': '1' },
    '/linux/intelRdt': { schemata: ['L3:0=f'] },
    '/linux/memoryPolicy': { mode: 'MPOL_BIND', nodes: '0' },
    '/linux/personality': { domain: 'LINUX' },
  })

const junk: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => 0,
  () => -1,
  () => 1.5,
  () => 1e308,
  () => 2 ** 32,
  () => 2 ** 64,
  () => '',
  () => '\0',
  () => '..',
  () => '/',
  () => 'x'.repeat(5000),
  () => '\ud800',
  () => [],
  () => [null],
  () => [[[]]],
  () => ({}),
  () => ({ type: 'user' }),
  () => ({ '': { '/': '~' } }),
  () => JSON.parse('{"__proto__": {"type": 1}}') as unknown,
]

/** Pointers of everything in a document. */
function* pointers(value: unknown, pointer = ''): Generator<string> {
  yield pointer
  if (typeof value !== 'object' || value === null) return
  for (const [key, item] of Object.entries(value)) yield* pointers(item, `${pointer}/${escapePointer(key)}`)
}

function mutate(document: unknown, random: (limit: number) => number): void {
  for (let count = 1 + random(4); count > 0; count--) {
    const places = [...pointers(document)].slice(1)
    if (places.length === 0) return
    const place = places[random(places.length)]!
    if (random(5) === 0) set(document, place, undefined)
    else set(document, place, junk[random(junk.length)]!())
  }
}

test('a mutated configuration is told or taken, and nothing is thrown', async (t) => {
  const random = generator(20_240_229)
  let taken = 0
  for (let round = 0; round < 4000; round++) {
    const document = random(2) === 0 ? rich() : (defaultSpec() as unknown)
    mutate(document, random)
    const text = JSON.stringify(document)
    const { spec, problems } = parseSpec(text)
    t.is(spec === undefined, problems.length > 0, text)
    if (spec !== undefined) {
      taken++
      // What was taken fits its type: it is taken again as it is.
      t.deepEqual(checkSpec(structuredClone(spec)), { ...parseSpec(JSON.stringify(spec)) })
    }
    t.is(new Set(problems.map(({ pointer }) => pointer)).size, problems.length)
    if (round % 20 === 0) {
      for (const { line, column } of await locateProblems(text, problems)) t.true(line! >= 1 && column! >= 1)
    }
  }
  t.true(taken > 100, String(taken))
})

test('every problem points at something that is there, or at what is missing beside it', (t) => {
  const random = generator(7)
  for (let round = 0; round < 2000; round++) {
    const document = rich()
    mutate(document, random)
    // As it was checked: without the fields that mean "absent".
    const { problems } = checkSpec(document)
    for (const { pointer, message } of problems) {
      if (valueAt(document, pointer) !== undefined || pointer === '') continue
      t.regex(message, /^(is required|has no mount namespace|is missing)/, `${pointer} ${message}`)
      const parent = pointer.slice(0, pointer.lastIndexOf('/'))
      const isThere = splitPointer(parent).length < 2 || valueAt(document, parent) !== undefined
      t.true(isThere, pointer)
    }
  }
})

test('any value is a process that is told or taken', (t) => {
  const random = generator(99)
  for (const make of junk) t.true(checkProcess(make()).problems.length > 0)
  for (let round = 0; round < 2000; round++) {
    const document = (rich() as { process: unknown }).process
    mutate(document, random)
    const { process, problems } = checkProcess(document)
    t.is(process === undefined, problems.length > 0)
  }
})
