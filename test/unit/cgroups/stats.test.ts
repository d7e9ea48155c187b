import test, { type ExecutionContext } from 'ava'
import { parseCpu, parseFlat, parseIo, parseLimit, parsePressure, readStats } from '../../../src/cgroups/stats.ts'
import { RuntError } from '../../../src/errors.ts'
import type { Host } from '../../../src/host/host.ts'
import { systemError } from './fake-cgroupfs.ts'

const path = '/sys/fs/cgroup/web'

/** A cgroup of these files; a value that is an errno's name is what reading the file answers. */
function cgroup(files: Record<string, string>): Host {
  return {
    files: {
      readTextIfExists: (name: string) => {
        const text = files[name.slice(path.length + 1)]
        if (text !== undefined && /^E[A-Z]+$/.test(text)) throw systemError(text, 'read', name)
        return text
      },
      list: () => Object.keys(files),
      status: () => ({ type: 'file' }),
    },
  } as unknown as Host
}

const refuses = (t: ExecutionContext, parse: () => unknown, says: RegExp): void => {
  const error = t.throws(parse, { instanceOf: RuntError })
  t.is(error.code, 'CGROUP_READ')
  t.regex(error.message, says)
}

test('numbers are exact to the last of their 64 bits', (t) => {
  t.is(parseLimit('18446744073709551615\n', 'f'), 18446744073709551615n)
  t.is(parseLimit('9007199254740993\n', 'f'), 9007199254740993n)
  t.is(parseFlat('pgfault 9007199254740993\n', 'f').pgfault, 9007199254740993n)
  t.is(parseLimit('0\n', 'f'), 0n)
  t.is(parseLimit('max\n', 'f'), undefined)
  // What the kernel lets fall below 0 for an instant.
  t.is(parseLimit('-4096\n', 'f'), 0n)
})

test('what the kernel does not write is refused with the file and the line', (t) => {
  for (const text of ['', '12 13', '0x10', '1.5', '18446744073709551616', 'maximum', 'NaN'])
    refuses(t, () => parseLimit(text, '/x/pids.max'), /^read \/x\/pids\.max: ".*" is not what the kernel writes$/)
  for (const text of ['anon', 'anon 1 2', 'anon x', ' 5', 'a 1\nfile\n'])
    refuses(t, () => parseFlat(text, '/x/memory.stat'), /\/x\/memory\.stat/)
  for (const text of ['8:0 rbytes=x', 'rbytes=1', '8:0 rbytes', '8-0 rbytes=1', '8:0 wios=-'])
    refuses(t, () => parseIo(text, '/x/io.stat'), /\/x\/io\.stat/)
  for (const text of ['some avg10=x avg60=0 total=0', 'full avg10=1.2.3', 'some total=1.5', 'some avg300='])
    refuses(t, () => parsePressure(text, '/x/cpu.pressure'), /\/x\/cpu\.pressure/)
  refuses(t, () => parseFlat(`anon ${'9'.repeat(5000)}`, 'f'), /^.{0,200}$/)
})

test('cpu.stat has what the kernel knows, and the rest is 0', (t) => {
  const bare = parseCpu('usage_usec 1446\nuser_usec 1000\nsystem_usec 446\ncore_sched.force_idle_usec 0\n', 'f')
  t.deepEqual([bare.usage, bare.user, bare.kernel, bare.periods, bare.burst], [1446n, 1000n, 446n, 0n, 0n])
  const quota =
    'usage_usec 9\nuser_usec 5\nsystem_usec 4\nnr_periods 7\nnr_throttled 3\nthrottled_usec 99\nnr_bursts 2\nburst_usec 1\n'
  t.deepEqual(parseCpu(quota, 'f'), {
    usage: 9n,
    user: 5n,
    kernel: 4n,
    periods: 7n,
    throttledPeriods: 3n,
    throttled: 99n,
    burstPeriods: 2n,
    burst: 1n,
  })
})

test('io.stat has a device for each line, and two where the kernel forgot to end one', (t) => {
  const traffic = 'rbytes=4096 wbytes=1 rios=2 wios=3 dbytes=5 dios=6'
  const text = `8:0 ${traffic}\n7:1 7:0 253:12 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0 cost.usage=77\n254:0 use_delay=0\n`
  t.deepEqual(parseIo(text, 'f'), [
    { major: 8, minor: 0, readBytes: 4096n, writeBytes: 1n, reads: 2n, writes: 3n, discardBytes: 5n, discards: 6n },
    { major: 253, minor: 12, readBytes: 1n, writeBytes: 2n, reads: 3n, writes: 4n, discardBytes: 0n, discards: 0n },
  ])
  t.deepEqual(parseIo('', 'f'), [])
})

test('pressure has averages of some and full, and of some alone on older kernels', (t) => {
  const some = 'some avg10=1.50 avg60=0.25 avg300=100.00 total=9007199254740993\n'
  const one = parsePressure(some, 'f')
  t.deepEqual(one.some, { avg10: 1.5, avg60: 0.25, avg300: 100, total: 9007199254740993n })
  t.deepEqual(one.full, { avg10: 0, avg60: 0, avg300: 0, total: 0n })
  t.is(parsePressure(`${some}full avg10=0.00 avg60=0.00 avg300=3.10 total=7\n`, 'f').full.avg300, 3.1)
})

const whole = {
  'cpu.stat': 'usage_usec 10\nuser_usec 6\nsystem_usec 4\n',
  'memory.current': '4096\n',
  'memory.max': 'max\n',
  'memory.peak': '8192\n',
  'memory.stat': 'anon 100\nfile 200\n',
  'memory.events': 'low 0\nhigh 0\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n',
  'memory.swap.current': '10\n',
  'memory.swap.max': '20\n',
  'pids.current': '3\n',
  'pids.max': '50\n',
  'io.stat': '8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n',
  'hugetlb.2MB.current': '2097152\n',
  'hugetlb.2MB.max': 'max\n',
  'hugetlb.2MB.events': 'max 4\n',
  'hugetlb.2MB.rsvd.current': '0\n',
  'cpu.pressure': 'some avg10=1.00 avg60=0.00 avg300=0.00 total=5\n',
  'memory.pressure': 'some avg10=2.00 avg60=0.00 avg300=0.00 total=5\n',
  'io.pressure': 'some avg10=3.00 avg60=0.00 avg300=0.00 total=5\n',
}

test('the statistics of a cgroup are those of all its controllers', async (t) => {
  const stats = await readStats(cgroup(whole), path)
  t.is(stats?.cpu.usage, 10n)
  t.like(stats?.memory, { usage: 4096n, limit: undefined, peak: 8192n, stat: { anon: 100n, file: 200n } })
  t.deepEqual(stats?.memory?.swap, { usage: 10n, limit: 20n, peak: undefined })
  t.is(stats?.memory?.events.oom_kill, 1n)
  t.deepEqual(stats?.pids, { current: 3n, limit: 50n })
  t.is(stats?.io?.[0]?.writeBytes, 2n)
  t.deepEqual(stats?.hugetlb, { '2MB': { usage: 2097152n, limit: undefined, refused: 4n } })
  const { cpu, memory, io } = stats!.pressure
  t.deepEqual([cpu?.some.avg10, memory?.some.avg10, io?.some.avg10], [1, 2, 3])
  t.deepEqual((await readStats(cgroup(whole), path, { hugetlb: false }))?.hugetlb, {})
})

test('whatever file is missing, gone while it is read, or switched off, the others are told', async (t) => {
  for (const file of Object.keys(whole)) {
    if (file === 'cpu.stat') continue
    for (const how of [undefined, 'ENODEV', 'EOPNOTSUPP']) {
      const { [file]: _, ...others } = whole as Record<string, string>
      const stats = await readStats(cgroup(how === undefined ? others : { ...others, [file]: how }), path)
      t.is(stats?.cpu.usage, 10n, `${file} ${how}`)
    }
  }
  const bare = await readStats(
    cgroup({ 'cpu.stat': whole['cpu.stat'], 'cgroup.procs': '5\n6\n', 'cgroup.stat': 'nr_descendants 0\n' }),
    path,
  )
  t.deepEqual([bare?.memory, bare?.io, bare?.pids], [undefined, undefined, { current: 2n }])
  t.deepEqual(bare?.pressure, { cpu: undefined, memory: undefined, io: undefined })
})

test('a cgroup that is not there has no statistics, and one that cannot be read is an error', async (t) => {
  t.is(await readStats(cgroup({}), path), undefined)
  t.is(await readStats(cgroup({ ...whole, 'cpu.stat': 'ENODEV' }), path), undefined)
  const error = await t.throwsAsync(readStats(cgroup({ ...whole, 'memory.stat': 'EACCES' }), path))
  t.is(error.message, `read ${path}/memory.stat: permission denied`)
  await t.throwsAsync(readStats(cgroup({ ...whole, 'pids.max': 'many\n' }), path), { message: /pids\.max: "many"/ })
})
