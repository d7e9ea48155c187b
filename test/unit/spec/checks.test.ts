import test from 'ava'
import { processChecks, specChecks } from '../../../src/spec/checks/all.ts'
import type { Check } from '../../../src/spec/checks/check.ts'
import { defaultSpec } from '../../../src/spec/default.ts'
import { capabilityNames, rlimitNames } from '../../../src/spec/names.ts'
import type { Process, Spec } from '../../../src/spec/schema.gen.ts'
import { changed, problemsWith, warningsWith } from './config.ts'

type Changes = Readonly<Record<string, unknown>>

const user = {
  '/linux/namespaces/-': { type: 'user' },
  '/linux/uidMappings': [{ containerID: 0, hostID: 1000, size: 10 }],
  '/linux/gidMappings': [{ containerID: 0, hostID: 1000, size: 10 }],
}
/** A mapping as [inside, outside, size]. */
const mappings = (...list: [number, number, number][]): object[] =>
  list.map(([containerID, hostID, size]) => ({ containerID, hostID, size }))
const namespaces = (...types: string[]): object[] => types.map((type) => ({ type }))
const device = (fields: object): object[] => [{ type: 'c', path: '/dev/x', major: 1, minor: 2, ...fields }]
const rlimit = (soft: number, hard: number, type = 'RLIMIT_CORE'): object[] => [{ type, soft, hard }]

const refused: readonly [name: string, changes: Changes, ...problems: string[]][] = [
  // covers: /ociVersion
  [
    'another major version',
    { '/ociVersion': '2.0.0' },
    '/ociVersion must be a version 1 of the specification, is "2.0.0"',
  ],
  [
    'a version before 1',
    { '/ociVersion': '0.5.0' },
    '/ociVersion must be a version 1 of the specification, is "0.5.0"',
  ],
  // covers: /ociVersion, config.md#specification-version/semver
  ['a version that is none', { '/ociVersion': '1.0' }, '/ociVersion must be a version such as 1.3.0, is "1.0"'],
  ['an empty version', { '/ociVersion': '' }, '/ociVersion must be a version such as 1.3.0, is ""'],
  [
    'a version with a leading zero',
    { '/ociVersion': '1.02.0' },
    '/ociVersion must be a version such as 1.3.0, is "1.02.0"',
  ],
  // covers: config.md#root/required
  ['no root', { '/root': undefined }, '/root is required'],
  ['an empty root path', { '/root/path': '' }, '/root/path must not be empty'],
  // covers: runtime.md#start/process-required
  ['no process', { '/process': undefined }, '/process is required'],
  // covers: config.md#process/args-required
  ['no args', { '/process/args': undefined }, '/process/args is required'],
  // covers: config.md#process/args-required
  ['empty args', { '/process/args': [] }, '/process/args must have at least one item: the program'],
  ['an empty program', { '/process/args': ['', 'a'] }, '/process/args/0 must not be empty'],
  ['env without =', { '/process/env/1': 'TERM' }, '/process/env/1 must be NAME=value, has no "="'],
  ['an empty env entry', { '/process/env/1': '' }, '/process/env/1 must be NAME=value, is an empty string'],
  ['env without a name', { '/process/env/0': '=a' }, '/process/env/0 must have a name before the "="'],
  // covers: config.md#process/cwd-absolute
  ['a relative cwd', { '/process/cwd': 'tmp' }, '/process/cwd must be an absolute path, is a string ("tmp")'],
  ['an empty cwd', { '/process/cwd': '' }, '/process/cwd must be an absolute path, is an empty string'],
  [
    'a large umask',
    { '/process/user/umask': 512 },
    '/process/user/umask must be at most 511 (octal 777), is a number (512)',
  ],
  [
    'user, group and additional group -1',
    { '/process/user': { uid: 4294967295, gid: 4294967295, additionalGids: [1, 4294967295] } },
    '/process/user/uid must not be 4294967295, which is no id',
    '/process/user/gid must not be 4294967295, which is no id',
    '/process/user/additionalGids/1 must not be 4294967295, which is no id',
  ],
  ['NUL in args', { '/process/args/0': 'a\0b' }, '/process/args/0 must not contain a NUL character'],
  ['NUL in env', { '/process/env/0': 'A=\0' }, '/process/env/0 must not contain a NUL character'],
  ['NUL in cwd', { '/process/cwd': '/\0' }, '/process/cwd must not contain a NUL character'],
  ['NUL in the root path', { '/root/path': '\0' }, '/root/path must not contain a NUL character'],
  ['NUL in the host name', { '/hostname': 'a\0' }, '/hostname must not contain a NUL character'],
  ['NUL in a mount', { '/mounts/0/source': 'a\0' }, '/mounts/0/source must not contain a NUL character'],
  ['NUL in a mount option', { '/mounts/1/options/0': '\0' }, '/mounts/1/options/0 must not contain a NUL character'],
  ['NUL in a masked path', { '/linux/maskedPaths/0': '/\0' }, '/linux/maskedPaths/0 must not contain a NUL character'],
  ['NUL in the cgroup path', { '/linux/cgroupsPath': '/a\0' }, '/linux/cgroupsPath must not contain a NUL character'],
  [
    'NUL in the name of a kernel parameter',
    { '/linux/sysctl': { 'net.a\0': '1' } },
    '/linux/sysctl/net.a\0 must not have a NUL character in its name',
  ],
  // covers: config.md#posix-process/unknown-rlimit
  [
    'an unknown resource limit',
    { '/process/rlimits': rlimit(1, 1, 'RLIMIT_NOFILES') },
    '/process/rlimits/0/type must be a resource of getrlimit(2), is "RLIMIT_NOFILES"',
  ],
  // covers: config.md#posix-process/rlimit-twice
  [
    'a resource limit given twice',
    { '/process/rlimits': [...rlimit(1, 1), ...rlimit(1, 1, 'RLIMIT_CPU'), ...rlimit(2, 2)] },
    '/process/rlimits/2/type must not repeat: rlimits[0] is RLIMIT_CORE too',
  ],
  [
    'a soft limit above the hard one',
    { '/process/rlimits': rlimit(2, 1) },
    '/process/rlimits/0/soft must be at most the hard limit (1), is 2',
  ],
  [
    'no limit above a hard limit',
    { '/process/rlimits': rlimit(2 ** 64, 1) },
    '/process/rlimits/0/soft must be at most the hard limit (1), is 18446744073709552000',
  ],
  [
    'an effective capability that is not permitted',
    { '/process/capabilities/effective': ['CAP_CHOWN', 'CAP_KILL'] },
    '/process/capabilities/effective/0 must also be in permitted, is only effective: CAP_CHOWN',
  ],
  ['an empty mount destination', { '/mounts/0/destination': '' }, '/mounts/0/destination must not be empty'],
  ['a mount without a type', { '/mounts/0/type': undefined }, '/mounts/0/type is required'],
  [
    'a bind mount without a source',
    { '/mounts/-': { destination: '/a', options: ['ro', 'bind'] } },
    '/mounts/7/source is required for a bind mount',
  ],
  [
    'a volume over /proc',
    { '/mounts/-': { destination: '/a/../proc/', source: '/procs', options: ['rbind'] } },
    '/mounts/7/destination must not be /proc for anything but a procfs',
  ],
  [
    'a tmpfs over /proc',
    { '/mounts/-': { destination: '/proc', type: 'tmpfs' } },
    '/mounts/7/destination must not be /proc for anything but a procfs',
  ],
  [
    'a mount inside /proc',
    { '/mounts/-': { destination: 'proc//self', type: 'proc' } },
    '/mounts/7/destination must not be inside /proc, is "proc//self"',
  ],
  [
    'a mount over the root',
    { '/mounts/-': { destination: '/a/..', type: 'tmpfs' } },
    '/mounts/7/destination must not be the root itself: it is root.path',
  ],
  // covers: config.md#posix-platform-mounts/mappings-together
  [
    'an id-mapped mount without groups',
    { '/mounts/0/uidMappings': mappings([0, 1, 1]) },
    '/mounts/0/gidMappings is required with uidMappings',
  ],
  // covers: config-linux.md#namespaces/twice
  [
    'an id-mapped mount with overlapping users',
    { '/mounts/0/uidMappings': mappings([5, 0, 5], [0, 100, 6]), '/mounts/0/gidMappings': mappings([0, 1, 0]) },
    '/mounts/0/uidMappings/1/containerID must not overlap the range of item 0',
    '/mounts/0/gidMappings/0/size must be at least 1, is 0',
  ],
  [
    'a namespace given twice',
    { '/linux/namespaces/-': { type: 'pid', path: '/proc/1/ns/pid' } },
    '/linux/namespaces/6/type must not repeat: namespaces[0] is of type pid too',
  ],
  // covers: config-linux.md#namespaces/path-absolute
  [
    'a relative namespace path',
    { '/linux/namespaces/1/path': 'netns/a' },
    '/linux/namespaces/1/path must be an absolute path, is "netns/a"',
  ],
  [
    'a host name without a uts namespace',
    { '/linux/namespaces': namespaces('mount') },
    '/hostname needs a uts namespace',
  ],
  [
    'a domain name without a uts namespace',
    { '/linux/namespaces': namespaces('mount'), '/hostname': undefined, '/domainname': 'a' },
    '/domainname needs a uts namespace',
  ],
  // covers: config.md#annotations/key-not-empty
  ['an annotation without a name', { '/annotations': { '': 'a' } }, '/annotations/ must have a name'],
  [
    'an annotation that names an option of mounts which carries no label',
    { '/annotations': { 'run.oci.mount_context_type': 'size' } },
    '/annotations/run.oci.mount_context_type must be one of context, fscontext, defcontext, rootcontext, is "size"',
  ],
  ['a long host name', { '/hostname': 'a'.repeat(65) }, '/hostname must have at most 64 bytes, has 65'],
  [
    'a host name that is long in UTF-8',
    { '/hostname': 'ä'.repeat(33) },
    '/hostname must have at most 64 bytes, has 66',
  ],
  [
    'mappings without a user namespace',
    { '/linux/uidMappings': mappings([0, 0, 1]) },
    '/linux/uidMappings needs a user namespace',
  ],
  [
    'a new user namespace without mappings',
    { '/linux/namespaces/-': { type: 'user' } },
    '/linux/uidMappings is required with a new user namespace',
    '/linux/gidMappings is required with a new user namespace',
  ],
  [
    'a mapping of nothing',
    { ...user, '/linux/uidMappings': mappings([0, 1, 0]) },
    '/linux/uidMappings/0/size must be at least 1, is 0',
  ],
  [
    'a mapping beyond the last id inside',
    { ...user, '/linux/gidMappings': mappings([4294967290, 0, 6]) },
    '/linux/gidMappings/0/size must not reach beyond the last id, 4294967294, is 6',
  ],
  [
    'a mapping beyond the last id outside',
    { ...user, '/linux/gidMappings': mappings([0, 4294967295, 6]) },
    '/linux/gidMappings/0/size must not reach beyond the last id, 4294967294, is 6',
  ],
  [
    'mappings that overlap inside',
    { ...user, '/linux/uidMappings': mappings([5, 0, 5], [0, 100, 6]) },
    '/linux/uidMappings/1/containerID must not overlap the range of item 0',
  ],
  [
    'mappings that overlap outside',
    { ...user, '/linux/uidMappings': mappings([0, 1000, 10], [50, 1, 1], [100, 1009, 1]) },
    '/linux/uidMappings/2/hostID must not overlap the range of item 0',
  ],
  [
    'more mappings than the kernel takes',
    {
      ...user,
      '/linux/uidMappings': mappings(...Array.from({ length: 341 }, (_, at): [number, number, number] => [at, at, 1])),
    },
    '/linux/uidMappings must have at most 340 items, has 341',
  ],
  [
    'a relative device path',
    { '/linux/devices': device({ path: 'dev/x' }) },
    '/linux/devices/0/path must be an absolute path, is a string ("dev/x")',
  ],
  [
    'a device without numbers',
    { '/linux/devices': [{ type: 'b', path: '/dev/x' }] },
    '/linux/devices/0/major is required for a device of type b',
    '/linux/devices/0/minor is required for a device of type b',
  ],
  [
    'a negative major number',
    { '/linux/devices': device({ major: -1 }) },
    '/linux/devices/0/major must be from 0 to 4095, is -1',
  ],
  [
    'a large minor number',
    { '/linux/devices': device({ minor: 1048576 }) },
    '/linux/devices/0/minor must be from 0 to 1048575, is 1048576',
  ],
  [
    'a device rule of an unknown type',
    { '/linux/resources/devices/0/type': 'p' },
    '/linux/resources/devices/0/type must be a, b or c, is "p"',
  ],
  [
    'a device rule of an unknown access',
    { '/linux/resources/devices/0/access': 'rx' },
    '/linux/resources/devices/0/access must consist of r, w and m, is "rx"',
  ],
  [
    'a device rule of a number out of range',
    { '/linux/resources/devices/0/major': -2 },
    '/linux/resources/devices/0/major must be from 0 to 4095, or -1 for all, is -2',
  ],
  // covers: config-linux.md#cgroups-path/invalid
  [
    'a cgroup path that leads out',
    { '/linux/cgroupsPath': '/a/../../b' },
    '/linux/cgroupsPath must not contain "..", is "/a/../../b"',
  ],
  // covers: config-linux.md#masked-paths/absolute
  [
    'a relative masked path',
    { '/linux/maskedPaths/0': 'proc/a' },
    '/linux/maskedPaths/0 must be an absolute path, is a string ("proc/a")',
  ],
  // covers: config-linux.md#readonly-paths/absolute
  [
    'an empty read-only path',
    { '/linux/readonlyPaths/0': '' },
    '/linux/readonlyPaths/0 must be an absolute path, is an empty string',
  ],
  [
    'an unknown propagation of the root',
    { '/linux/rootfsPropagation': 'public' },
    '/linux/rootfsPropagation must be private, rprivate, slave, rslave, shared, rshared, unbindable or runbindable, is a string ("public")',
  ],
  [
    'a kernel parameter of the whole machine',
    { '/linux/sysctl': { 'vm.swappiness': '1' } },
    '/linux/sysctl/vm.swappiness must not be set: it belongs to no namespace, so that it would change the whole machine',
  ],
  [
    'a network parameter without a network namespace',
    { '/linux/namespaces': namespaces('mount', 'uts'), '/linux/sysctl': { 'net.ipv4.ip_forward': '1' } },
    '/linux/sysctl/net.ipv4.ip_forward needs a network namespace',
  ],
  [
    'an ipc parameter without an ipc namespace',
    { '/linux/namespaces': namespaces('mount', 'uts'), '/linux/sysctl': { 'kernel/shmmax': '1' } },
    '/linux/sysctl/kernel~1shmmax needs an ipc namespace',
  ],
  [
    'a user parameter without a user namespace',
    { '/linux/sysctl': { 'user.max_user_namespaces': '1' } },
    '/linux/sysctl/user.max_user_namespaces needs a user namespace',
  ],
  [
    'the host name as a kernel parameter',
    { '/linux/sysctl': { 'kernel.hostname': 'a' } },
    '/linux/sysctl/kernel.hostname must not be set: it is what hostname is for',
  ],
  [
    'a kernel parameter that leads out of its directory',
    { '/linux/sysctl': { 'net/../kernel/core_pattern': '|/x' } },
    '/linux/sysctl/net~1..~1kernel~1core_pattern must be a name such as net.ipv4.ip_forward',
  ],
  [
    'time offsets without a time namespace',
    { '/linux/timeOffsets': { monotonic: { secs: 1 } } },
    '/linux/timeOffsets needs a time namespace',
  ],
  [
    'an unknown clock and nanoseconds of a second or more',
    { '/linux/timeOffsets': { realtime: {}, boottime: { nanosecs: 1e9 } } },
    '/linux/timeOffsets needs a time namespace',
    '/linux/timeOffsets/realtime must be a clock: monotonic or boottime',
    '/linux/timeOffsets/boottime/nanosecs must be at most 999999999, is 1000000000',
  ],
  // covers: config.md#posix-platform-hooks/path-absolute
  [
    'a relative hook',
    { '/hooks': { createRuntime: [{ path: '/bin/a' }, { path: 'a' }] } },
    '/hooks/createRuntime/1/path must be an absolute path, is a string ("a")',
  ],
  // covers: config.md#posix-platform-hooks/timeout-positive
  [
    'a hook without time',
    { '/hooks': { poststop: [{ path: '/a', timeout: 0 }] } },
    '/hooks/poststop/0/timeout must be at least 1, is a number (0)',
  ],
]

for (const [name, changes, ...problems] of refused) {
  test(`${name} is refused`, (t) => t.deepEqual(problemsWith(changes), problems))
}

const taken: readonly [name: string, changes: Changes][] = [
  // covers: /ociVersion
  ['a later minor version', { '/ociVersion': '1.99.0' }],
  ['a version with a suffix', { '/ociVersion': '1.2.1+dev' }],
  ['a version before its release', { '/ociVersion': '1.0.2-dev' }],
  ['an absolute root path', { '/root/path': '/srv/rootfs' }],
  ['no env', { '/process/env': undefined }],
  ['no user', { '/process/user': undefined }],
  ['a value of env with = in it', { '/process/env/0': 'A=b=c' }],
  ['the largest umask', { '/process/user/umask': 511 }],
  ['the first and last adjustment of the oom score', { '/process/oomScoreAdj': -1000 }],
  ['no soft and no hard limit', { '/process/rlimits': rlimit(2 ** 64, 2 ** 64) }],
  ['a limit of 2^63 - 1 where it is the ceiling', { '/process/rlimits': rlimit(2 ** 63, 2 ** 64) }],
  ['all resource limits', { '/process/rlimits': rlimitNames.flatMap((name) => rlimit(1, 2, name)) }],
  [
    'all capabilities',
    { '/process/capabilities': { effective: [...capabilityNames], permitted: [...capabilityNames] } },
  ],
  ['no capabilities', { '/process/capabilities': undefined }],
  // covers: config.md#process/console-size-ignored
  [
    'a terminal size without a terminal',
    { '/process/terminal': false, '/process/consoleSize': { height: 1, width: 65535 } },
  ],
  ['a bind mount without a type', { '/mounts/-': { destination: '/a', source: 'a', options: ['rbind'] } }],
  ['a bind of the host’s /proc', { '/mounts/-': { destination: '/proc', source: '/proc/', options: ['rbind'] } }],
  ['a file over one of /proc', { '/mounts/-': { destination: '/proc/cpuinfo', source: '/a', options: ['bind'] } }],
  ['a mount without a source', { '/mounts/0/source': undefined }],
  [
    'a joined namespace of each type',
    {
      '/linux/namespaces': ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup', 'user'].map((type) => ({
        type,
        path: `/proc/1/ns/${type}`,
      })),
    },
  ],
  ['a host name in a joined uts namespace', { '/linux/namespaces/3/path': '/proc/1/ns/uts' }],
  ['a host name of 64 bytes', { '/hostname': 'a'.repeat(64) }],
  ['a user namespace with mappings', user],
  [
    'mappings beside each other, to the last id',
    { ...user, '/linux/uidMappings': mappings([0, 10, 10], [10, 0, 10], [4294967294, 4294967294, 1]) },
  ],
  [
    'mappings of a joined user namespace',
    { ...user, '/linux/namespaces/-': { type: 'user', path: '/proc/1/ns/user' } },
  ],
  ['a fifo without numbers', { '/linux/devices': [{ type: 'p', path: '/dev/fifo' }] }],
  [
    'devices of each type',
    { '/linux/devices': ['c', 'b', 'u'].flatMap((type) => device({ type, path: `/dev/${type}` })) },
  ],
  [
    'a device rule for all',
    { '/linux/resources/devices/0': { allow: true, type: 'a', major: -1, minor: -1, access: '' } },
  ],
  [
    'no limits',
    {
      '/linux/resources': {
        memory: { limit: -1 },
        pids: { limit: -1 },
        cpu: { quota: -1, period: 100000, shares: 1024 },
      },
    },
  ],
  ['a cgroup path for systemd', { '/linux/cgroupsPath': 'user.slice:runt:a..b' }],
  [
    'parameters of the container’s namespaces',
    {
      ...user,
      '/linux/sysctl': {
        'net.ipv4.ip_forward': '1',
        'kernel.sem': '1',
        'kernel.shm_rmid_forced': '1',
        'kernel.msgmax': '1',
        'fs/mqueue/msg_max': '1',
        'kernel.domainname': 'a',
        'user.max_user_namespaces': '1',
      },
    },
  ],
  ...['private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared', 'unbindable', 'runbindable'].map(
    (value): [string, Changes] => [`the root as ${value}`, { '/linux/rootfsPropagation': value }],
  ),
]

for (const [name, changes] of taken) {
  test(`${name} is taken`, (t) => {
    t.deepEqual(problemsWith(changes), [])
    t.deepEqual(warningsWith(changes), [])
  })
}

test('an unknown capability is a warning, once, with the nearest known one', (t) => {
  const changes = {
    '/process/capabilities/bounding/0': 'CAP_SYS_ADMN',
    '/process/capabilities/ambient/0': 'CAP_SYS_ADMN',
  }
  t.deepEqual(problemsWith(changes), [])
  t.deepEqual(warningsWith(changes), [
    '/process/capabilities/bounding/0 is an unknown capability, "CAP_SYS_ADMN", and is ignored',
  ])
})

test('an unknown effective capability is a warning only', (t) => {
  t.deepEqual(problemsWith({ '/process/capabilities/effective/0': 'CAP_X' }), [])
})

test('a relative mount destination is a warning', (t) => {
  const changes = { '/mounts/0/destination': 'proc' }
  t.deepEqual(problemsWith(changes), [])
  t.deepEqual(warningsWith(changes), ['/mounts/0/destination should be an absolute path, is "proc": taken as "/proc"'])
})

/** A proxy of `value` that notes the pointers of the properties read. */
function watched(value: unknown, pointer: string, read: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value
  return new Proxy(value, {
    get(target, key) {
      const item: unknown = Reflect.get(target, key)
      if (typeof key !== 'string' || typeof item === 'function') return item
      read.add(`${pointer}/${key}`)
      return watched(item, `${pointer}/${key}`, read)
    },
  })
}

function readsOf<T>(check: Check<T>, subject: T): string[] {
  const read = new Set<string>()
  check.run(watched(subject, '', read) as T, { problem: () => undefined, warning: () => undefined })
  return [...read]
}

test('every check reads what it declares and nothing else, so that it never meets a value of a wrong type', (t) => {
  const spec = changed({
    ...user,
    '/domainname': 'a',
    '/hooks': { prestart: [{ path: '/a' }] },
    '/linux/timeOffsets': { monotonic: {} },
    '/linux/netDevices': { eth0: {} },
    '/linux/devices': device({}),
    '/linux/sysctl': { 'net.a': '1' },
    '/linux/cgroupsPath': 'a',
    '/linux/seccomp': { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['a'], action: 'SCMP_ACT_LOG' }] },
    '/process/user/umask': 18,
  }) as Spec
  const verify = <T>(check: Check<T>, subject: T): void => {
    const read = readsOf(check, subject)
    for (const pointer of check.reads) t.true(read.includes(pointer), `${check.section} never reads ${pointer}`)
    for (const pointer of read) {
      const isDeclared = check.reads.some(
        (other) => `${pointer}/`.startsWith(`${other}/`) || other.startsWith(`${pointer}/`),
      )
      t.true(isDeclared, `${check.section} reads ${pointer}`)
    }
  }
  for (const check of specChecks) verify(check, spec)
  for (const check of processChecks) verify(check, (spec as { process: Process }).process)
})

test('a check is left out only where its own fields are broken', (t) => {
  const problems = problemsWith({
    '/process/rlimits/0/soft': 'x',
    '/process/rlimits/0/type': 'RLIMIT_X',
    '/process/cwd': 'a',
  })
  t.deepEqual(problems, [
    '/process/rlimits/0/soft must be an integer, is a string ("x")',
    '/process/cwd must be an absolute path, is a string ("a")',
  ])
})

test('every check names its section', (t) => {
  for (const { section } of [...specChecks, ...processChecks]) t.regex(section, /^config(-linux)?\.md#/)
  t.deepEqual(problemsWith({}), [])
  t.is(defaultSpec().linux!.namespaces!.length, 6)
})
