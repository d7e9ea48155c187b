import test from 'ava'
import { at, clone, fileType, mountAttr, propagation } from '../../../src/plan/kernel.ts'
import { explainPlan } from '../../../src/plan/explain.ts'
import type { Step } from '../../../src/plan/steps.ts'
import { syncPoint } from '../../../src/plan/sync.ts'
import { encodePlan } from '../../../src/plan/wire.ts'
import { compileCreate } from '../../../src/compiler/create.ts'
import { defaultSpec } from '../../../src/spec/default.ts'
import type { Mount } from '../../../src/spec/schema.gen.ts'
import { registerFaults } from './registers.ts'
import { compileSample, facts, indexOf, inOrder, problemsOf, registerName, stepsOf } from './sample.ts'

test('the default configuration becomes this plan', (t) => {
  const { plan, warnings, parent } = compileCreate({ ...defaultSpec(), hostname: 'box' }, facts)
  t.snapshot(explainPlan(plan))
  t.deepEqual(warnings, [])
  t.deepEqual(parent, { rlimits: [] })
})

const mapped = {
  uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
  gidMappings: [{ containerID: 0, hostID: 200000, size: 65536 }],
}
const ownUser = { namespaces: [...defaultSpec().linux!.namespaces!, { type: 'user' as const }], ...mapped }

test('every register of a plan is filled once and read only while it holds something', (t) => {
  const many = {
    spec: {
      mounts: [
        ...defaultSpec().mounts!,
        { destination: '/a', source: '/a', options: ['rbind', 'ro', 'rslave'] },
        { destination: '/b', type: 'tmpfs', source: 'tmpfs', options: ['ro'] },
      ],
    },
    process: { terminal: true, cwd: '/work' },
    linux: {
      sysctl: { 'net.ipv4.ip_forward': '1' },
      devices: [{ type: 'b' as const, path: '/opt/disk', major: 8, minor: 1 }],
    },
  }
  for (const linux of [many.linux, { ...many.linux, ...ownUser }]) {
    const { plan } = compileSample({ ...many, linux })
    t.deepEqual(registerFaults(plan), [])
    t.notThrows(() => encodePlan(plan))
  }
})

test('new namespaces are made with the process, except the cgroup namespace, which init makes inside its cgroup', (t) => {
  const { plan } = compileSample()
  t.is(plan.cloneFlags, clone.NEWPID | clone.NEWNET | clone.NEWIPC | clone.NEWUTS | clone.NEWNS)
  t.like(stepsOf(plan, 'unshare'), [{ flags: clone.NEWCGROUP, origin: '/linux/namespaces/5' }])
  t.deepEqual(stepsOf(plan, 'fork'), [])
})

test('only a new network namespace gets its loopback interface', (t) => {
  t.is(stepsOf(compileSample().plan, 'loopback').length, 1)
  const joined = { namespaces: [{ type: 'mount' as const }, { type: 'network' as const, path: '/run/netns/a' }] }
  t.is(stepsOf(compileSample({ linux: joined }).plan, 'loopback').length, 0)
})

test('a namespace is joined through a descriptor that the host opens', (t) => {
  const namespaces = [
    { type: 'pid' as const },
    { type: 'network' as const, path: '/run/netns/a' },
    { type: 'mount' as const },
  ]
  const { plan } = compileSample({ spec: {}, linux: { namespaces } })
  t.like(plan.inputs[0], {
    origin: '/linux/namespaces/1/path',
    source: { kind: 'path', path: '/run/netns/a', flags: 'readOnly' },
  })
  t.is(plan.cloneFlags, clone.NEWPID | clone.NEWNS)
  t.like(stepsOf(plan, 'setns'), [{ fd: plan.inputs[0]!.register, type: clone.NEWNET, mode: 0 }])
})

test('a pid namespace is joined before the process that is in it is made', (t) => {
  const namespaces = [
    { type: 'pid' as const, path: '/proc/1/ns/pid' },
    { type: 'mount' as const },
    { type: 'ipc' as const },
  ]
  const { plan } = compileSample({ linux: { namespaces } })
  t.is(plan.cloneFlags, 0)
  t.like(stepsOf(plan, 'setns'), [{ type: clone.NEWPID, mode: 0 }])
  t.like(stepsOf(plan, 'fork'), [{ flags: clone.NEWNS | clone.NEWIPC }])
  t.true(inOrder(plan, 'setns', 'fork', 'sync'))
})

test('a user namespace is joined after what only the host can join, and before what it owns', (t) => {
  const namespaces = [
    { type: 'user' as const, path: '/run/u' },
    { type: 'network' as const, path: '/run/n' },
    { type: 'mount' as const },
  ]
  const { plan, parent } = compileSample({ linux: { namespaces } })
  t.is(plan.cloneFlags, 0)
  t.deepEqual(
    stepsOf(plan, 'setns').map(({ type, mode }) => [type, mode]),
    [
      [clone.NEWNET, 1],
      [clone.NEWUSER, 0],
      [clone.NEWNET, 2],
    ],
  )
  t.like(stepsOf(plan, 'fork'), [{ flags: clone.NEWNS }])
  t.true(inOrder(plan, 'dropGroups', 'setns', 'fork', 'becomeRoot', 'sync'))
  t.is(parent.idMaps, undefined)
  t.false(stepsOf(plan, 'sync').some(({ point }) => point === syncPoint.userNamespace))
})

test('a new user namespace is made by a fork, and its maps are written before its root is entered', (t) => {
  const { plan, parent } = compileSample({ linux: ownUser })
  t.is(plan.cloneFlags, 0)
  t.is(Number(stepsOf(plan, 'fork')[0]!.flags) & clone.NEWUSER, clone.NEWUSER)
  const maps = indexOf(plan, 'sync', (step) => step.op === 'sync' && step.point === syncPoint.userNamespace)
  t.true(maps < indexOf(plan, 'becomeRoot'))
  t.deepEqual(parent.idMaps, {
    uid: mapped.uidMappings,
    gid: mapped.gidMappings,
    uidOrigin: '/linux/uidMappings',
    gidOrigin: '/linux/gidMappings',
  })
})

test('in a user namespace everything of the host is taken before its root is entered, and devices are bound', (t) => {
  const mounts = [...defaultSpec().mounts!, { destination: '/d', source: '/srv', options: ['bind'] }]
  const { plan } = compileSample({ spec: { mounts }, linux: ownUser })
  const root = indexOf(plan, 'becomeRoot')
  for (const path of ['/srv', '/bundle/rootfs', '/dev/zero', '/dev/tty'])
    t.true(indexOf(plan, 'openTree', (step) => step.op === 'openTree' && step.path === path) < root, path)
  t.deepEqual(stepsOf(plan, 'mknod'), [])
})

test("a bind's source is taken before a user namespace is entered too, for what its ids may not reach", (t) => {
  const change = { spec: { mounts: [{ destination: '/b', source: '/srv/b', options: ['bind'] }] }, linux: ownUser }
  const { plan } = compileSample(change)
  const isSource = (step: Step) => 'path' in step && step.path === '/srv/b'
  t.true(indexOf(plan, 'openTree', isSource) < indexOf(plan, 'fork'))
  t.true(indexOf(plan, 'fork') < indexOf(plan, 'openTreeOr', isSource))
  t.is(stepsOf(compileSample(change, { euid: 1000 }).plan, 'openTreeOr').length, 0)
})

test('limits that a user namespace may not raise are left to the parent, and no others', (t) => {
  const rlimits = [{ type: 'RLIMIT_CORE', soft: 1, hard: 2 }]
  const limit = { resource: 4, soft: 1n, hard: 2n }
  const inside = compileSample({ process: { rlimits } })
  t.like(stepsOf(inside.plan, 'rlimit'), [{ ...limit, origin: '/process/rlimits/0' }])
  t.deepEqual(inside.parent.rlimits, [])
  const outside = compileSample({ process: { rlimits }, linux: ownUser })
  t.deepEqual(stepsOf(outside.plan, 'rlimit'), [])
  t.deepEqual(outside.parent.rlimits, [{ ...limit, origin: '/process/rlimits/0' }])
})

test('the OOM score is set by the parent, and 0 is a score', (t) => {
  t.is(compileSample().parent.oomScoreAdj, undefined)
  t.deepEqual(compileSample({ process: { oomScoreAdj: 0 } }).parent.oomScoreAdj, {
    value: 0,
    origin: '/process/oomScoreAdj',
    point: syncPoint.namespaces,
  })
})

test("names and kernel parameters are set through a procfs of runt's own", (t) => {
  const sysctl = { 'net.ipv4.conf.eth0/1.rp_filter': '2', 'kernel/msgmax': '9' }
  const { plan } = compileSample({ spec: { hostname: 'h', domainname: 'd' }, linux: { sysctl } })
  t.like(stepsOf(plan, 'sethostname'), [{ name: 'h' }])
  t.like(stepsOf(plan, 'setdomainname'), [{ name: 'd' }])
  const writes = stepsOf(plan, 'writeProc')
  t.like(writes, [
    { path: 'sys/net/ipv4/conf/eth0.1/rp_filter', text: '2', origin: '/linux/sysctl/net.ipv4.conf.eth0~11.rp_filter' },
    { path: 'sys/kernel/msgmax', text: '9', origin: '/linux/sysctl/kernel~1msgmax' },
  ])
  t.is(registerName(plan, writes[0]!.proc), 'private proc')
  t.true(inOrder(plan, 'sync', 'sethostname', 'newMount', 'writeProc', 'attachHost'))
})

test("kernel parameters are set through the host's procfs where a user namespace may not mount one", (t) => {
  const linux = {
    sysctl: { 'net.ipv4.ip_forward': '1' },
    namespaces: [{ type: 'mount' }, { type: 'network' }],
  } as const
  for (const { plan } of [
    compileSample({ linux: { ...linux, namespaces: [...linux.namespaces] } }, { inUserNamespace: true }),
    compileSample({
      linux: {
        ...linux,
        namespaces: [...linux.namespaces, { type: 'user' }],
        uidMappings: [{ containerID: 0, hostID: 1, size: 1 }],
        gidMappings: [{ containerID: 0, hostID: 1, size: 1 }],
      },
    }),
  ]) {
    t.is(registerName(plan, stepsOf(plan, 'writeProc')[0]!.proc), 'procfs')
    t.false(plan.registers.includes('private proc'))
  }
})

test('without kernel parameters no procfs is mounted for them', (t) => {
  t.false(compileSample({ linux: { sysctl: {} } }).plan.registers.includes('private proc'))
})

test('the ties of the mount namespace are cut before anything is mounted', (t) => {
  const { plan } = compileSample()
  t.like(stepsOf(plan, 'propagation'), [{ path: '/', propagation: propagation.SLAVE, flags: at.RECURSIVE }])
  t.true(indexOf(plan, 'propagation') < indexOf(plan, 'openTree'))
  const closed = compileSample({ linux: { rootfsPropagation: 'rprivate' } }).plan
  t.like(stepsOf(closed, 'propagation'), [{ propagation: propagation.PRIVATE, origin: '/linux/rootfsPropagation' }])
})

test('with a shared root, shared mounts keep their tie with the host, and the root is shared once it is entered', (t) => {
  const mounts = [
    { destination: '/s', source: '/srv/s', options: ['rbind', 'rshared'] },
    { destination: '/p', source: '/srv/p', options: ['rbind'] },
  ]
  const { plan } = compileSample({ spec: { mounts }, linux: { rootfsPropagation: 'rshared' } })
  const [before, after] = stepsOf(plan, 'propagation')
  t.like(before, { propagation: propagation.SLAVE })
  t.like(after, { path: '/', propagation: propagation.SHARED, flags: at.RECURSIVE })
  const cut = plan.steps.indexOf(before!)
  t.true(indexOf(plan, 'openTree', (step) => step.op === 'openTree' && step.path === '/srv/s') < cut)
  t.true(indexOf(plan, 'openTree', (step) => step.op === 'openTree' && step.path === '/srv/p') > cut)
  t.true(plan.steps.indexOf(after!) > indexOf(plan, 'pivotRoot'))
})

test('a private root is refused without pivot_root', (t) => {
  const run = () => compileSample({ linux: { rootfsPropagation: 'private' } }, { noPivot: true })
  t.deepEqual(problemsOf(run), [
    { pointer: '/linux/rootfsPropagation', message: 'must not be private with --no-pivot' },
  ])
})

test('the root is attached over itself and entered last, by moving it where pivot_root is impossible', (t) => {
  const { plan } = compileSample()
  t.like(stepsOf(plan, 'attachHost'), [{ path: '/bundle/rootfs', origin: '/root/path' }])
  t.like(stepsOf(plan, 'pivotRoot'), [{ move: 0 }])
  t.like(stepsOf(compileSample({}, { noPivot: true }).plan, 'pivotRoot'), [{ move: 1 }])
  const last = plan.steps.findLastIndex(({ op }) =>
    ['attach', 'mask', 'readonlyPath', 'mknod', 'openTree'].includes(op),
  )
  t.true(last < indexOf(plan, 'pivotRoot'))
})

test('without pivot_root the host’s procfs and sysfs are covered once all is taken from the host', (t) => {
  const kernelMounts = ['/proc', '/sys', '/srv/chroot/proc']
  const mounts = [...defaultSpec().mounts!, { destination: '/b', source: '/sys/kernel/config', options: ['rbind'] }]
  t.deepEqual(stepsOf(compileSample({ spec: { mounts } }, { kernelMounts }).plan, 'openRoot'), [])
  const { plan } = compileSample({ spec: { mounts } }, { kernelMounts, noPivot: true })
  const covers = stepsOf(plan, 'mask').filter(({ origin }) => origin === '--no-pivot')
  t.deepEqual(
    covers.map(({ path }) => path),
    kernelMounts,
  )
  const first = plan.steps.indexOf(covers[0]!)
  const sources = plan.steps.findLastIndex((step) => step.op === 'openTree' && step.path !== '/dev/null')
  t.true(sources < first && first < indexOf(plan, 'attachHost'))
  t.deepEqual(registerFaults(plan), [])
})

test('more mounts than init has registers are refused', (t) => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ destination: `/${index}`, type: 'tmpfs', source: 'tmpfs' }))
  t.deepEqual(
    problemsOf(() => compileSample({ spec: { mounts: many(40_000) } })).map(({ pointer }) => pointer),
    ['/mounts'],
  )
  t.notThrows(() => compileSample({ spec: { mounts: many(30_000) } }))
})

test('the root becomes read-only after the last thing is made in it', (t) => {
  const { plan } = compileSample({ spec: { root: { path: '/r', readonly: true } }, process: { cwd: '/work' } })
  const readonly = indexOf(plan, 'mountAttributes', ({ origin }) => origin === '/root/readonly')
  const made = plan.steps.findLastIndex(({ op }) => ['mknod', 'symlink', 'openIn', 'openLike'].includes(op))
  t.true(made < readonly)
  const writable = compileSample({ spec: { root: { path: '/r' } } }).plan
  t.false(writable.steps.some(({ origin }) => origin === '/root/readonly'))
})

test("masked paths share one empty mount and the host's null device, proven to be it", (t) => {
  const { plan } = compileSample({
    linux: { maskedPaths: ['/proc/kcore', '/sys/firmware/'], readonlyPaths: ['/proc/sys'] },
  })
  const [first, second] = stepsOf(plan, 'mask')
  t.like(first, { path: '/kcore', origin: '/linux/maskedPaths/0' })
  t.like(second, { path: '/firmware', origin: '/linux/maskedPaths/1', empty: first!.empty, null: first!.null })
  t.is(stepsOf(plan, 'verifyNull')[0]!.fd, first!.null)
  t.true(inOrder(plan, 'readonlyPath', 'verifyNull', 'mask', 'pivotRoot'))
})

// cve: CVE-2019-19921, CVE-2023-28642
test('paths of /proc and /sys are hidden in those mounts themselves, where nothing else would cover them', (t) => {
  const lookedUp = (mounts: Mount[], maskedPaths: string[], readonlyPaths: string[] = []): string[] => {
    const { plan } = compileSample({ spec: { mounts }, linux: { maskedPaths, readonlyPaths } })
    t.deepEqual(registerFaults(plan), [])
    return [...stepsOf(plan, 'readonlyPath'), ...stepsOf(plan, 'mask')].map(
      ({ root, path }) => `${plan.registers[root]} ${path}`,
    )
  }
  const proc = { destination: '/proc', type: 'proc', source: 'proc' }
  const host = { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind'] }
  t.deepEqual(lookedUp([proc, host], ['/proc/kcore', '/sys/firmware', '/etc/x'], ['/proc/sys']), [
    '/proc /sys',
    '/proc /kcore',
    '/sys /firmware',
    'root /etc/x',
  ])
  // A clone of all of /proc is to cover it: what is hidden is hidden in that.
  t.deepEqual(lookedUp([proc], ['/proc/kcore'], ['/proc']), ['root /proc', 'root /proc/kcore'])
  const volume = { destination: '/sys', type: 'bind', source: '/srv', options: ['rbind'] }
  t.deepEqual(lookedUp([proc, host, volume], ['/sys/firmware', '/proc/../proc/kcore/']), [
    'root /sys/firmware',
    '/proc /kcore',
  ])
  t.deepEqual(lookedUp([], ['/proc/kcore']), ['root /proc/kcore'])
})

test('nothing is mounted for masks that nobody asked for', (t) => {
  const { plan } = compileSample({ linux: { maskedPaths: [], readonlyPaths: [] } })
  t.false(plan.registers.includes('null'))
  t.deepEqual(stepsOf(plan, 'readonlyPath'), [])
})

test("a terminal comes from the container's devpts, is shown at /dev/console, and used once the root is entered", (t) => {
  const { plan } = compileSample({
    process: { terminal: true, consoleSize: { height: 24, width: 80 }, user: { uid: 7, gid: 8 } },
  })
  t.like(stepsOf(plan, 'openConsole'), [
    { rows: 24, columns: 80, uid: 7, gid: 0xffffffff, origin: '/process/terminal' },
  ])
  t.true(inOrder(plan, 'openConsole', 'cloneTree', 'attach', 'pivotRoot', 'useConsole', 'user'))
  t.deepEqual(stepsOf(plan, 'setsid'), [])
  t.deepEqual(stepsOf(plan, 'chownStreams'), [])
})

test('without a terminal the process gets a session, and its streams are given to the user', (t) => {
  const { plan } = compileSample({ process: { user: { uid: 7, gid: 8 } } })
  t.is(stepsOf(plan, 'setsid').length, 1)
  t.like(stepsOf(plan, 'chownStreams'), [{ uid: 7 }])
})

test('hooks that come before the root is entered have a sync point of their own', (t) => {
  const mounted = (hooks: object) =>
    stepsOf(compileSample({ spec: { hooks } }).plan, 'sync').some(({ point }) => point === syncPoint.mounted)
  t.true(mounted({ createRuntime: [{ path: '/bin/true' }] }))
  t.false(mounted({ poststop: [{ path: '/bin/true' }] }))
})

test('the plan ends ready, waiting for start, with nothing but the execution after it', (t) => {
  const { plan } = compileSample({}, { preserveFds: 2, listenFds: 1 })
  t.deepEqual(
    plan.steps.slice(-5).map(({ op }) => op),
    ['closeOnExec', 'dieWithParent', 'sync', 'waitForStart', 'exec'],
  )
  t.is(plan.preserveFds, 3)
  t.like(stepsOf(plan, 'closeOnExec'), [{ preserve: 3 }])
  t.like(stepsOf(plan, 'dieWithParent'), [{ signal: 9 }, { signal: 0 }])
})

test('a keyring of its own, unless it is not wanted', (t) => {
  t.like(stepsOf(compileSample({}, { keyring: '_ses.web.1' }).plan, 'joinSessionKeyring'), [{ name: '_ses.web.1' }])
  t.deepEqual(stepsOf(compileSample({}, { keyring: undefined }).plan, 'joinSessionKeyring'), [])
})

test('the default devices are made unless the configuration has its own of that name', (t) => {
  const devices = [
    { type: 'c' as const, path: '/dev/zero', major: 1, minor: 3 },
    { type: 'c' as const, path: '/dev/net/tun', major: 10, minor: 200, fileMode: 0o600, uid: 1, gid: 2 },
    { type: 'p' as const, path: '/run/pipe' },
  ]
  const { plan } = compileSample({ linux: { devices } })
  const nodes = stepsOf(plan, 'mknod')
  t.deepEqual(
    nodes.map(({ dir, name }) => `${registerName(plan, dir)}/${name}`),
    ['null', 'full', 'random', 'urandom', 'tty', 'zero']
      .map((name) => `/dev/${name}`)
      .concat('/dev/net/tun', '/run/pipe'),
  )
  t.like(nodes[0], { mode: fileType.CHR | 0o666, major: 1, minor: 3, origin: '' })
  t.like(nodes[5], { major: 1, minor: 3, origin: '/linux/devices/0' })
  t.like(nodes[6], { mode: fileType.CHR | 0o600, major: 10, minor: 200, uid: 1, gid: 2 })
  t.like(nodes[7], { mode: fileType.FIFO | 0o666, major: 0, minor: 0 })
  t.true(inOrder(plan, 'umask', 'mknod', 'umask'), 'modes are meant as they are given')
})

test('links in /dev are kept where the image has its own, but for the multiplexer', (t) => {
  const links = stepsOf(compileSample().plan, 'symlink')
  t.deepEqual(
    links.map(({ name, keep }) => [name, keep]),
    [
      ['fd', 1],
      ['stdin', 1],
      ['stdout', 1],
      ['stderr', 1],
      ['core', 1],
      ['ptmx', 0],
    ],
  )
})

test('a /dev that is bound brings its own devices', (t) => {
  const mounts = [{ destination: '/dev/', source: '/dev', options: ['rbind'] }]
  const { plan } = compileSample({ spec: { mounts } })
  t.deepEqual(stepsOf(plan, 'mknod'), [])
  t.deepEqual(stepsOf(plan, 'symlink'), [])
})

test('a device without a file name is refused', (t) => {
  const devices = [{ type: 'p' as const, path: '/' }]
  t.deepEqual(
    problemsOf(() => compileSample({ linux: { devices } })),
    [{ pointer: '/linux/devices/0/path', message: 'must name a file' }],
  )
})

test('all problems are told at once', (t) => {
  const mounts = [
    { destination: '/a', source: '/a', options: ['bind', 'nonsense'] },
    { destination: '/b', type: 'proc', options: ['tmpcopyup', 'idmap'] },
  ]
  const linux = { devices: [{ type: 'p' as const, path: '/' }] }
  t.deepEqual(
    problemsOf(() => compileSample({ spec: { mounts }, linux })).map(({ pointer }) => pointer),
    ['/mounts/0/options/1', '/mounts/1/options/1', '/mounts/1/options/0', '/linux/devices/0/path'],
  )
})

test('a mount without an access time has the attributes it names and no others', (t) => {
  const mounts = [{ destination: '/t', type: 'tmpfs', source: 'x', options: ['nosuid', 'noexec', 'size=1m'] }]
  t.like(stepsOf(compileSample({ spec: { mounts }, linux: { maskedPaths: [] } }).plan, 'newMount'), [
    { type: 'tmpfs', source: 'x', parameters: ['size=1m'], attributes: mountAttr.NOSUID | mountAttr.NOEXEC },
  ])
})
