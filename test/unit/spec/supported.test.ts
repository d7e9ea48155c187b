import test from 'ava'
import { problemsWith } from './config.ts'

/** Fields that are not supported yet, each with a value that asks for something. */
const unsupported: Readonly<Record<string, unknown>> = {}

for (const [pointer, value] of Object.entries(unsupported)) {
  test(`${pointer} is refused by its name`, (t) => {
    t.deepEqual(problemsWith({ [pointer]: value }), [`${pointer} is not supported yet`])
  })

  for (const empty of [null, ...(typeof value === 'object' ? [Array.isArray(value) ? [] : {}] : [])]) {
    test(`${pointer} as ${JSON.stringify(empty)} is absent`, (t) => {
      const problems = problemsWith({ [pointer]: empty })
      t.false(
        problems.some((text) => text.includes('not supported')),
        problems.join(),
      )
    })
  }
}

test('what daemons write for unset settings is absent', (t) => {
  t.deepEqual(
    problemsWith({
      '/hooks': { prestart: [], poststop: [] },
      '/process/apparmorProfile': '',
      '/linux/mountLabel': '',
      '/linux/resources/blockIO': { weight: 0, weightDevice: [] },
      '/linux/resources/memory': { limit: 0, reservation: 0, swap: 0, disableOOMKiller: false },
      '/linux/resources/cpu': { shares: 0, cpus: '', mems: '', realtimePeriod: 0 },
      '/linux/resources/pids': { limit: 0 },
      '/linux/resources/hugepageLimits': [],
    }),
    [],
  )
})

// covers: /linux/resources
test('no field of linux.resources is refused by its name', (t) => {
  const device = { major: 8, minor: 0 }
  const throttle = [{ ...device, rate: 1 }]
  const resources = {
    devices: [{ allow: false, access: 'rwm' }],
    memory: {
      ...{ limit: 9, reservation: 1, swap: -1, kernel: 1, kernelTCP: 1, swappiness: 60 },
      ...{ disableOOMKiller: true, useHierarchy: true, checkBeforeUpdate: true },
    },
    cpu: {
      ...{ shares: 2, quota: 5000, burst: 1, period: 5000, realtimeRuntime: 1, realtimePeriod: 1 },
      ...{ cpus: '0', mems: '0', idle: 1 },
    },
    pids: { limit: 1 },
    blockIO: {
      ...{ weight: 100, leafWeight: 10, weightDevice: [{ ...device, weight: 10, leafWeight: 10 }] },
      ...{ throttleReadBpsDevice: throttle, throttleWriteBpsDevice: throttle },
      ...{ throttleReadIOPSDevice: throttle, throttleWriteIOPSDevice: throttle },
    },
    hugepageLimits: [{ pageSize: '2MB', limit: 0 }],
    network: { classID: 1, priorities: [{ name: 'eth0', priority: 1 }] },
    rdma: { mlx5_1: { hcaHandles: 1, hcaObjects: 1 } },
    unified: { 'memory.high': '1' },
  }
  t.deepEqual(problemsWith({ '/linux/resources': resources }), [])
})
