import { Ajv } from 'ajv'
import test from 'ava'
import { features } from '../../../src/runtime/features.ts'
import { parseMountOptions } from '../../../src/rootfs/options.ts'
import type { ConfigProblem } from '../../../src/errors.ts'
import { problemsWith, warningsWith } from '../spec/config.ts'

const names = (...list: string[]) => ({ type: 'array', items: { enum: list }, uniqueItems: true })
const text = { type: 'array', items: { type: 'string', minLength: 1 }, uniqueItems: true }
const yesOrNo = { type: 'boolean' }
const object = (properties: Record<string, unknown>, required: string[] = []) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})
const words = (prefix: string, list: string) => list.split(' ').map((word) => prefix + word)

/**
 * The features document as features.md and features-linux.md of the specification 1.3 describe it, with the names that config.md
 * and config-linux.md give. "The feature document MUST NOT contain properties that are not defined."
 */
const schema = object(
  {
    ociVersionMin: { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+' },
    ociVersionMax: { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+' },
    hooks: names('prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'),
    mountOptions: text,
    annotations: { type: 'object', additionalProperties: { type: 'string' } },
    potentiallyUnsafeConfigAnnotations: text,
    linux: object({
      namespaces: names('pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'),
      capabilities: { type: 'array', items: { type: 'string', pattern: '^CAP_[A-Z_]+$' }, uniqueItems: true },
      cgroup: object({ v1: yesOrNo, v2: yesOrNo, systemd: yesOrNo, systemdUser: yesOrNo, rdma: yesOrNo }),
      seccomp: object({
        enabled: yesOrNo,
        actions: names(...words('SCMP_ACT_', 'KILL KILL_PROCESS KILL_THREAD TRAP ERRNO TRACE ALLOW LOG NOTIFY')),
        operators: names(...words('SCMP_CMP_', 'NE LT LE EQ GE GT MASKED_EQ')),
        archs: names(
          ...words('SCMP_ARCH_', 'X86 X86_64 X32 ARM AARCH64 LOONGARCH64 M68K MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64'),
          ...words('SCMP_ARCH_', 'MIPSEL64N32 PPC PPC64 PPC64LE RISCV64 S390 S390X PARISC PARISC64 SH SHEB'),
        ),
        knownFlags: names(...words('SECCOMP_FILTER_FLAG_', 'TSYNC LOG SPEC_ALLOW WAIT_KILLABLE_RECV')),
        supportedFlags: names(...words('SECCOMP_FILTER_FLAG_', 'TSYNC LOG SPEC_ALLOW WAIT_KILLABLE_RECV')),
      }),
      apparmor: object({ enabled: yesOrNo }),
      selinux: object({ enabled: yesOrNo }),
      intelRdt: object({ enabled: yesOrNo, schemata: yesOrNo, monitoring: yesOrNo }),
      memoryPolicy: object({
        modes: names(...words('MPOL_', 'DEFAULT BIND INTERLEAVE WEIGHTED_INTERLEAVE PREFERRED PREFERRED_MANY LOCAL')),
        flags: names(...words('MPOL_F_', 'NUMA_BALANCING RELATIVE_NODES STATIC_NODES')),
      }),
      mountExtensions: object({ idmap: object({ enabled: yesOrNo }) }),
      netDevices: object({ enabled: yesOrNo }),
    }),
  },
  ['ociVersionMin', 'ociVersionMax'],
)

const { linux, ...general } = features()

// covers: features.md#specification-version/known-properties, features.md#annotations/map, features.md#features-structure/null
test('the features document is one of the specification', (t) => {
  const validate = new Ajv({ strict: false, allErrors: true }).compile(schema)
  t.true(validate(JSON.parse(JSON.stringify(features()))), JSON.stringify(validate.errors, null, 2))
})

// covers: features.md#specification-version/minimum-accepted, features.md#specification-version/maximum-accepted
test('both versions are taken as ociVersion, and no later one is promised', (t) => {
  for (const ociVersion of [general.ociVersionMin, general.ociVersionMax])
    t.deepEqual(problemsWith({ '/ociVersion': ociVersion }), [])
})

// covers: features.md#mount-options/recognized
test('every mount option that is listed has a meaning of its own', (t) => {
  t.true(general.mountOptions.length > 50)
  for (const name of general.mountOptions) {
    const problems: ConfigProblem[] = []
    const { parameters } = parseMountOptions([name], undefined, '/mounts/0', { problems })
    t.deepEqual(problems, [], name)
    // What is a parameter of the filesystem is one of every filesystem.
    if (parameters.length > 0) t.true(['sync', 'dirsync', 'mand', 'lazytime'].includes(name), name)
  }
})

/** What `features` says of a field, and a configuration that asks for it. */
const claims: readonly [claim: boolean, field: string, value: unknown][] = [
  ...['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].map(
    (name) => [general.hooks.includes(name), `/hooks/${name}`, [{ path: '/bin/true' }]] as [boolean, string, unknown],
  ),
  [linux.seccomp.enabled, '/linux/seccomp', { defaultAction: 'SCMP_ACT_ALLOW' }],
  [linux.apparmor.enabled, '/process/apparmorProfile', 'unconfined'],
  // Together with the label of mounts it makes linux.selinux.
  [true, '/process/selinuxLabel', 'system_u:system_r:container_t:s0'],
  [true, '/linux/mountLabel', 'system_u:object_r:container_file_t:s0'],
  [linux.intelRdt.enabled, '/linux/intelRdt', { closID: 'a' }],
  [linux.intelRdt.schemata, '/linux/intelRdt', { closID: 'a', schemata: ['MB:0=50'] }],
  [linux.intelRdt.monitoring, '/linux/intelRdt', { closID: 'a', enableMonitoring: true }],
  [linux.memoryPolicy !== undefined, '/linux/memoryPolicy', { mode: 'MPOL_DEFAULT', nodes: '' }],
  [linux.netDevices.enabled, '/linux/netDevices', { eth7: { name: 'eth8' } }],
  [linux.cgroup.rdma, '/linux/resources/rdma', { mlx5_1: { hcaHandles: 3 } }],
  [linux.namespaces.includes('time'), '/linux/namespaces/-', { type: 'time' }],
]

// covers: features.md#hooks/supported
for (const [claim, field, value] of claims) {
  test(`${field} as ${JSON.stringify(value)} is ${claim ? '' : 'not '}carried out, as is said`, (t) => {
    const refusals = problemsWith({ [field]: value }).filter((problem) => problem.includes('not supported yet'))
    t.is(refusals.length === 0, claim, refusals.join())
  })
}

// covers: features-linux.md#mountextensions/idmap
test('id-mapped mounts are carried out if it is said', (t) => {
  const mappings = [{ containerID: 0, hostID: 1, size: 1 }]
  const refusals = problemsWith({ '/mounts/1/uidMappings': mappings, '/mounts/1/gidMappings': mappings })
  t.is(!refusals.join().includes('not supported yet'), linux.mountExtensions.idmap.enabled)
})

// covers: features-linux.md#namespaces/recognized, features-linux.md#capabilities/recognized
test('every capability and every kind of namespace that is listed is known', (t) => {
  t.deepEqual(warningsWith({ '/process/capabilities/bounding': linux.capabilities }), [])
  for (const type of linux.namespaces) t.notRegex(problemsWith({ '/linux/namespaces': [{ type }] }).join(), /\/type/)
  t.true(linux.namespaces.length >= 7)
})

// covers: features-linux.md#seccomp/actions, features-linux.md#seccomp/operators, features-linux.md#seccomp/archs
// covers: features-linux.md#seccomp/known-flags, features-linux.md#seccomp/supported-flags
test('every name of seccomp that is listed is recognized', (t) => {
  const { enabled, actions = [], operators = [], archs = [], knownFlags = [], supportedFlags = [] } = linux.seccomp
  t.is(enabled, actions.length > 0)
  for (const flag of supportedFlags) t.true(knownFlags.includes(flag), flag)
  const syscalls = [
    ...actions.map((action) => ({ names: ['getpid'], action })),
    ...operators.map((op) => ({ names: ['getpid'], action: 'SCMP_ACT_LOG', args: [{ index: 0, value: 1, op }] })),
  ]
  const profiles = [
    ...syscalls.map((rule) => ({ syscalls: [rule] })),
    ...archs.map((architecture) => ({ architectures: [architecture] })),
    ...knownFlags.map((flag) => ({ flags: [flag] })),
  ]
  for (const profile of profiles) {
    const seccomp = { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/run/listener', ...profile }
    t.deepEqual(problemsWith({ '/linux/seccomp': seccomp }), [], JSON.stringify(profile))
  }
})

// covers: features-linux.md#memorypolicy/modes, features-linux.md#memorypolicy/flags
test('every mode and flag of a memory policy that is listed is recognized', (t) => {
  const { modes = [], flags = [] } = linux.memoryPolicy ?? {}
  const told = [
    ...modes.map((mode) => problemsWith({ '/linux/memoryPolicy': { mode, nodes: '0' } })),
    ...flags.map((flag) => problemsWith({ '/linux/memoryPolicy': { mode: 'MPOL_BIND', nodes: '0', flags: [flag] } })),
  ]
  t.notRegex(told.flat().join(), /memoryPolicy\/(mode|flags\/\d+) must be/)
  t.pass()
})
