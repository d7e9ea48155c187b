import test from 'ava'
import type { ConfigProblem } from '../../../src/errors.ts'
import { mountAttr, mountAttrAtime, propagation } from '../../../src/plan/kernel.ts'
import { knownMountOptions, parseMountOptions, type ParsedOptions } from '../../../src/rootfs/options.ts'

function parse(...options: string[]): ParsedOptions & { problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = []
  return { ...parseMountOptions(options, false, '/mounts/2', problems), problems }
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

test('a bind mount refuses options of the filesystem and unknown ones, each at its place', (t) => {
  const { problems } = parse('sync', 'noexce', 'remount', 'bind', 'async', 'defaults', 'size=1m')
  t.deepEqual(
    problems.map(({ pointer }) => pointer),
    ['/mounts/2/options/0', '/mounts/2/options/1', '/mounts/2/options/6'],
  )
  t.regex(problems[0]!.message, /"sync".*belongs to the filesystem/)
  t.regex(problems[1]!.message, /"noexce"/)
  t.is(problems[1]!.hint, 'did you mean noexec?')
})

for (const option of ['idmap', 'ridmap', 'tmpcopyup', 'iversion', 'idmap=uids=0-1-10', 'remount', 'copy-symlink']) {
  test(`${option} is refused by its name`, (t) => {
    const { problems } = parse('nosuid', option)
    t.deepEqual(problems, [
      { pointer: '/mounts/2/options/1', message: `is ${JSON.stringify(option)}, which is not supported yet` },
    ])
  })
}

test('an empty option is refused', (t) => {
  t.deepEqual(parse('').problems, [{ pointer: '/mounts/2/options/0', message: 'must not be empty' }])
})

test('the known options name what daemons look for, and nothing that is refused', (t) => {
  for (const name of ['rro', 'bind', 'rbind', 'rslave', 'nosymfollow', 'relatime', 'defaults'])
    t.true(knownMountOptions.includes(name), name)
  t.false(knownMountOptions.includes('idmap'))
  t.deepEqual(knownMountOptions, [...knownMountOptions].sort())
})
