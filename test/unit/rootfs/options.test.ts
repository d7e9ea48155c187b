import test from 'ava'
import type { ConfigProblem } from '../../../src/errors.ts'
import { mountAttr, mountAttrAtime, propagation } from '../../../src/plan/kernel.ts'
import { knownMountOptions, parseMountOptions, type ParsedOptions } from '../../../src/rootfs/options.ts'

function parse(...options: string[]): ParsedOptions & { problems: ConfigProblem[]; warnings: string[] } {
  return parseAs('ext4', ...options)
}

function parseAs(
  type: string,
  ...options: string[]
): ParsedOptions & { problems: ConfigProblem[]; warnings: string[] } {
  const problems: ConfigProblem[] = []
  const warnings: string[] = []
  return { ...parseMountOptions(options, type, '/mounts/2', { problems, warnings }), problems, warnings }
}

// covers: config.md#linux-mount-options/flags
test('a flag is set by one name and cleared by the other, and the later one wins', (t) => {
  t.deepEqual(parse('bind', 'ro', 'nosuid').attributes, { set: mountAttr.RDONLY | mountAttr.NOSUID, clear: 0 })
  t.deepEqual(parse('bind', 'ro', 'rw').attributes, { set: 0, clear: mountAttr.RDONLY })
  t.deepEqual(parse('bind', 'exec', 'noexec').attributes, { set: mountAttr.NOEXEC, clear: 0 })
})

test('an access time clears the whole setting, as mount_setattr wants it', (t) => {
  t.deepEqual(parse('bind', 'noatime').attributes, { set: mountAttr.NOATIME, clear: mountAttrAtime })
  t.deepEqual(parse('bind', 'noatime', 'relatime').attributes, { set: 0, clear: mountAttrAtime })
  t.deepEqual(parse('bind', 'strictatime', 'ro').attributes, {
    set: mountAttr.STRICTATIME | mountAttr.RDONLY,
    clear: mountAttrAtime,
  })
  t.deepEqual(parse('bind', 'noatime', 'strictatime').attributes.set, mountAttr.STRICTATIME)
})

test('an option with an r before it is for all that is mounted below', (t) => {
  const parsed = parse('rbind', 'rro', 'rnoatime', 'nodev')
  t.is(parsed.bind, 'rbind')
  t.deepEqual(parsed.attributes, { set: mountAttr.NODEV, clear: 0 })
  t.deepEqual(parsed.recursive, { set: mountAttr.RDONLY | mountAttr.NOATIME, clear: mountAttrAtime })
})

test('propagation options keep their order and their place in the configuration', (t) => {
  t.deepEqual(parse('bind', 'rslave', 'shared').propagation, [
    { type: propagation.SLAVE, recursive: true, origin: '/mounts/2/options/1' },
    { type: propagation.SHARED, recursive: false, origin: '/mounts/2/options/2' },
  ])
})

test('what the table does not know is a parameter of the filesystem, commas and all', (t) => {
  const parsed = parse('nosuid', 'mode=1777', 'lowerdir=/a\\:b:/c', 'context="system_u:object_r:t:s0:c1,c2"', 'sync')
  t.deepEqual(parsed.parameters, ['mode=1777', 'lowerdir=/a\\:b:/c', 'context="system_u:object_r:t:s0:c1,c2"', 'sync'])
  t.deepEqual(parsed.problems, [])
})

test('bind is found wherever it stands, and rbind wins', (t) => {
  t.is(parse('ro', 'bind').bind, 'bind')
  t.is(parse('rbind', 'bind').bind, 'rbind')
  t.is(parse('bind', 'rbind').bind, 'rbind')
  t.is(parse('ro').bind, false)
})

test('a bind mount refuses unknown options, each at its place, and leaves those of the filesystem aside with a warning', (t) => {
  const { problems, warnings } = parse('sync', 'noexce', 'remount', 'bind', 'async', 'defaults', 'size=1m')
  t.deepEqual(
    problems.map(({ pointer }) => pointer),
    ['/mounts/2/options/1', '/mounts/2/options/6'],
  )
  t.regex(problems[0]!.message, /"noexce"/)
  t.is(problems[0]!.hint, 'did you mean noexec?')
  t.deepEqual(warnings, ['mounts[2].options[0]: ignored "sync": it belongs to the filesystem, not to a bind mount'])
})

test('iversion is a parameter of ext4, and what other filesystems do anyway', (t) => {
  t.deepEqual(parse('iversion').parameters, ['i_version'])
  t.deepEqual(parseAs('tmpfs', 'iversion').parameters, [])
  t.is(parse('bind', 'iversion').warnings.length, 1)
})

test('options that are no flags of the mount tell where they stand', (t) => {
  const names = { tmpcopyup: 'copyUp', remount: 'remount', 'copy-symlink': 'copySymlink' } as const
  for (const [name, field] of Object.entries(names)) t.is(parse('nosuid', name)[field], '/mounts/2/options/1', name)
  t.is(parse('src-nofollow').sourceNoFollow, '/mounts/2/options/0')
  t.is(parse('dest-nofollow').destinationNoFollow, '/mounts/2/options/0')
})

test('idmap may carry its mappings, relative ones too, and the later one wins', (t) => {
  t.deepEqual(parse('idmap').idmap, { recursive: false, origin: '/mounts/2/options/0' })
  t.deepEqual(parse('bind', 'ridmap').idmap, { recursive: true, origin: '/mounts/2/options/1' })
  t.deepEqual(parse('ridmap=uids=0-1000-10#@20-5-1;gids=0-100-10').idmap, {
    recursive: true,
    origin: '/mounts/2/options/0',
    uids: [
      { containerID: 0, hostID: 1000, size: 10, relative: false },
      { containerID: 20, hostID: 5, size: 1, relative: true },
    ],
    gids: [{ containerID: 0, hostID: 100, size: 10, relative: false }],
  })
})

for (const option of [
  ...[
    'idmap=',
    'idmap=uids',
    'idmap=uids=',
    'idmap=uids=0-1',
    'idmap=uids=0-1-0',
    'idmap=uids=0-1-10-',
    'idmap=gids=-1-1-1',
  ],
  ...['idmap=uids=0-1-10,gids=0-1-10', 'idmap=xids=0-1-1', 'idmap=uids=0-4294967295-1', 'idmap=uids=0-1-10##1-1-1'],
]) {
  test(`${option} is refused, and the hint says how it is written`, (t) => {
    const { problems } = parse('nosuid', option)
    t.like(problems, [{ pointer: '/mounts/2/options/1', message: `is ${JSON.stringify(option)}, which no mapping is` }])
    t.regex(problems[0]!.hint!, /uids=ID-HOSTID-SIZE/)
  })
}

test('an empty option is refused', (t) => {
  t.deepEqual(parse('').problems, [{ pointer: '/mounts/2/options/0', message: 'must not be empty' }])
})

test('the known options name what daemons look for', (t) => {
  for (const name of ['rro', 'bind', 'rbind', 'rslave', 'nosymfollow', 'relatime', 'defaults', 'idmap', 'tmpcopyup'])
    t.true(knownMountOptions().includes(name), name)
  t.deepEqual(knownMountOptions(), [...knownMountOptions()].sort())
})
