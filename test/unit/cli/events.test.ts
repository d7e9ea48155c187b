import test from 'ava'
import type { CgroupStats } from '../../../src/cgroups/stats.ts'
import { parseInterval } from '../../../src/cli/duration.ts'
import { eventLine } from '../../../src/cli/stats-json.ts'
import { UsageError } from '../../../src/errors.ts'

const noCpu = {
  usage: 0n,
  user: 0n,
  kernel: 0n,
  periods: 0n,
  throttledPeriods: 0n,
  throttled: 0n,
  burstPeriods: 0n,
  burst: 0n,
}

function line(stats: Partial<CgroupStats>): string {
  const all = { id: 'web', cpu: noCpu, pids: { current: 0n }, hugetlb: {}, pressure: {}, ...stats }
  return eventLine('web', { type: 'stats', stats: all })
}

/** The part of a line behind a name. */
const part = (text: string, name: string): string => text.slice(text.indexOf(`"${name}":`) + name.length + 3)

test('an OOM kill is a line with the id', (t) => {
  t.is(eventLine('web', { type: 'oom' }), '{"type":"oom","id":"web"}\n')
})

test('without any controller the line is, to the byte, what runc prints', (t) => {
  const nothing = '{"limit":0,"failcnt":0}'
  const cpuset =
    '{"cpu_exclusive":0,"mem_hardwall":0,"mem_exclusive":0,"memory_migrate":0,"memory_spread_page":0,"memory_spread_slab":0,' +
    '"memory_pressure":0,"sched_load_balance":0,"sched_relax_domain_level":0}'
  t.is(
    line({
      cpu: { ...noCpu, usage: 9160n, user: 3053n, kernel: 6106n },
      pids: { current: 1n },
      hugetlb: { '1GB': { usage: 0n, refused: 0n }, '2MB': { usage: 0n, refused: 0n } },
    }),
    '{"type":"stats","id":"web","data":{"cpu":{"usage":{"total":9160000,"kernel":6106000,"user":3053000},"throttling":{}},' +
      `"cpuset":${cpuset},"memory":{"usage":${nothing},"swap":${nothing},"kernel":${nothing},"kernelTCP":${nothing}},` +
      '"pids":{"current":1},"blkio":{},"hugetlb":{"1GB":{"failcnt":0},"2MB":{"failcnt":0}},"intel_rdt":{},' +
      '"network_interfaces":null}}\n',
  )
})

test('numbers of 64 bits are printed whole, and no limit as the largest of them', (t) => {
  const big = 18446744073709551615n
  const memory = { usage: 9007199254740993n, limit: undefined, peak: big, stat: { file: 5n, anon: big }, events: {} }
  const text = part(line({ memory }), 'memory')
  const usage = '"usage":9007199254740993'
  t.true(
    text.startsWith(
      `{"cache":5,"usage":{"limit":${big},${usage},"max":${big},"failcnt":0},"swap":{"limit":${big},${usage},"failcnt":0},`,
    ),
  )
  t.true(part(text, 'raw').startsWith(`{"anon":${big},"file":5}`))
  t.is((JSON.parse(line({ memory })) as { type: string }).type, 'stats')
})

test('swap is counted together with memory, as cgroup v1 did', (t) => {
  const base = { usage: 100n, limit: 1000n, stat: {}, events: {} }
  const swap = (memory: CgroupStats['memory']) => part(line({ memory }), 'swap').split('}')[0]
  t.is(swap({ ...base, swap: { usage: 5n, limit: 10n, peak: 7n } }), '{"limit":1010,"usage":105,"failcnt":0')
  t.is(swap(base), '{"limit":1000,"usage":100,"failcnt":0')
  t.is(swap({ ...base, swap: { usage: 0n, limit: undefined } }), `{"limit":${(1n << 64n) - 1n},"usage":100,"failcnt":0`)
})

test('traffic, throttling, huge pages and pressure have the names of runc', (t) => {
  const traffic = { readBytes: 0n, writeBytes: 2n, reads: 3n, writes: 4n, discardBytes: 5n, discards: 6n }
  const average = { avg10: 0, avg60: 0.25, avg300: 12.5, total: 9007199254740993n }
  const pressure = { some: average, full: { avg10: 0, avg60: 0, avg300: 0, total: 0n } }
  const text = line({
    cpu: { ...noCpu, periods: 7n, throttledPeriods: 3n, throttled: 5n },
    io: [
      { major: 8, minor: 0, ...traffic },
      { major: 0, minor: 30, ...traffic },
    ],
    pids: { current: 4n, limit: 9n },
    hugetlb: { '2MB': { usage: 2097152n, refused: 4n } },
    pressure: { cpu: pressure, io: pressure },
  })
  const { data } = JSON.parse(text) as { data: Record<string, unknown> }
  const bytes = (device: object) => [
    { ...device, op: 'Read' },
    { ...device, op: 'Write', value: 2 },
  ]
  const count = (device: object) => [
    { ...device, op: 'Read', value: 3 },
    { ...device, op: 'Write', value: 4 },
  ]
  t.like(data.blkio, {
    ioServiceBytesRecursive: [...bytes({ major: 8 }), ...bytes({ minor: 30 })],
    ioServicedRecursive: [...count({ major: 8 }), ...count({ minor: 30 })],
  })
  t.true(
    text.includes(
      '"throttling":{"periods":7,"throttledPeriods":3,"throttledTime":5000},"psi":{"some":{"avg10":0,"avg60":0.25,"avg300":12.5,"total":9007199254740993},' +
        '"full":{"avg10":0,"avg60":0,"avg300":0,"total":0}}}',
    ),
  )
  t.deepEqual(data.pids, { current: 4, limit: 9 })
  t.deepEqual(data.hugetlb, { '2MB': { usage: 2097152, failcnt: 4 } })
  t.false('psi' in (data.memory as object))
})

test('an interval is a duration as Go writes it', (t) => {
  const given: Record<string, number> = {
    '5s': 5000,
    '1m30s': 90_000,
    '1h2m3.5s': 3_723_500,
    '500ms': 500,
    '.5s': 500,
    '1.s': 1000,
    '+2s': 2000,
    '10us': 0.01,
    '10µs': 0.01,
    '1ns': 1e-6,
  }
  for (const [text, ms] of Object.entries(given)) t.is(parseInterval('interval', text), ms, text)
  for (const text of ['5', '', 's', '1x', '1s2', '1 s', '1e3s', '--1s', '.s', '1s-1s', 'Infinitys']) {
    const error = t.throws(() => parseInterval('interval', text), { instanceOf: UsageError }, text)
    t.is(error.message, `invalid value ${JSON.stringify(text)} for flag -interval: parse error`)
  }
  for (const text of ['0', '0s', '-1s', '-0'])
    t.throws(() => parseInterval('interval', text), { message: 'duration interval must be greater than 0' }, text)
})
