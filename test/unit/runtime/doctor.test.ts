import { readFileSync } from 'node:fs'
import test from 'ava'
import type { Host } from '../../../src/host/host.ts'
import { SystemError, UsageError } from '../../../src/errors.ts'
import type { Context } from '../../../src/runtime/context.ts'
import { examine, type Finding } from '../../../src/runtime/doctor.ts'
import { registrations } from '../../../src/runtime/registration.ts'
import { run } from '../../../src/cli/doctor.ts'
import { parseFlags } from '../../../src/cli/parse.ts'
import { commands } from '../../../src/cli/commands.ts'
import { cgroup2Magic } from '../../../src/cgroups/fs.ts'

interface Machine {
  files: Record<string, string>
  /** What is there beside them: type, mode, owner. */
  entries?: Record<string, { type?: string; mode?: number; uid?: number }>
  release?: string
  euid?: number
  cgroupRoot?: string
  libseccomp?: boolean
}

/** A file of docs/kubernetes. */
const documented = (name: string) => readFileSync(`docs/kubernetes/${name}`, 'utf8')

const good: Machine = {
  files: {
    '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory hugetlb pids rdma\n',
    '/proc/self/cgroup': '0::/user.slice/mine\n',
    '/proc/sys/user/max_user_namespaces': '15000\n',
    '/proc/sys/kernel/seccomp/actions_avail': 'kill_process errno allow\n',
    '/sys/module/apparmor/parameters/enabled': 'Y\n',
    '/proc/filesystems': 'nodev\tproc\nnodev\toverlay\n',
    '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n',
    '/etc/subuid': 'ada:100000:65536\n',
    '/etc/subgid': 'ada:100000:65536\n',
  },
  entries: {
    '/run/systemd/system': { type: 'directory' },
    '/usr/bin/newuidmap': {},
    '/usr/bin/newgidmap': {},
    '/sys/fs/cgroup/user.slice/mine': { type: 'directory', uid: 1000 },
  },
}

function context(machine: Machine, said: string[] = []): Context {
  const { files, entries = {}, release = '6.1.0-13-amd64', euid = 0, cgroupRoot = '/sys/fs/cgroup' } = machine
  const below = (path: string) => Object.keys(files).filter((file) => file.startsWith(`${path}/`))
  const status = (path: string) => {
    const defaults = { type: 'file', mode: 0o755, uid: 0, gid: 0, size: 0 }
    if (path in entries) return { ...defaults, ...entries[path] }
    if (path in files) return defaults
    return below(path).length > 0 || '/usr/lib/runt/bin/runt'.startsWith(path)
      ? { ...defaults, type: path.endsWith('/runt') ? 'file' : 'directory' }
      : undefined
  }
  const host = {
    files: {
      readTextIfExists: (path: string) => files[path],
      readText: (path: string) => {
        if (files[path] === undefined) throw new SystemError('ENOENT', 2, 'open', path)
        return files[path]
      },
      status,
      list: (path: string) => below(path).map((file) => file.slice(path.length + 1)),
      realPath: () => '/usr/lib/runt/bin/runt',
      filesystemType: (path: string) => (path === cgroupRoot ? cgroup2Magic : undefined),
    },
    system: { kernelRelease: () => release, euid: () => euid },
    seccomp: {
      library: () => {
        if (machine.libseccomp === false) throw new SystemError('ENOENT', 2, 'dlopen', 'libseccomp.so.2')
        return { path: '/lib/libseccomp.so.2', version: '2.5.4' }
      },
    },
    output: { stdout: (text: string) => said.push(text) },
  }
  return {
    host: host as unknown as Host,
    globals: { env: { PATH: '/opt/daemons:relative' } } as unknown as Context['globals'],
  }
}

async function findings(change: Partial<Machine>): Promise<Record<string, Finding>> {
  const files = { ...good.files, ...change.files }
  const list = await examine(context({ ...good, ...change, files, entries: { ...good.entries, ...change.entries } }))
  return Object.fromEntries(list.map((finding) => [finding.subject, finding]))
}

test('a machine where all is as it should be has nothing to mend, for root and for others', async (t) => {
  for (const euid of [0, 1000]) {
    const list = await examine(context({ ...good, euid }))
    t.deepEqual(
      list.filter(({ verdict, hint }) => verdict !== 'ok' || hint !== undefined),
      [],
    )
    const others = euid === 0 ? [] : ['delegation', 'ids of users']
    const all = [
      'kernel',
      'cgroup v2',
      'systemd',
      'user namespaces',
      'seccomp',
      'AppArmor, SELinux',
      'overlayfs',
      'runt',
    ]
    t.deepEqual(list.map(({ subject }) => subject).sort(), [...all, ...others].sort())
  }
})

const daemon = '/etc/docker/daemon.json'
const cases: [change: Partial<Machine>, subject: string, verdict: string, said: RegExp][] = [
  [{ release: '5.10.0-26-amd64' }, 'kernel', 'problem', /5\.10\.0-26-amd64 is too old.*5\.15/],
  [{ release: '5.15.0' }, 'kernel', 'ok', /5\.15\.0/],
  [{ cgroupRoot: '/nowhere' }, 'cgroup v2', 'problem', /not mounted.*unified_cgroup_hierarchy=1/],
  [
    { files: { '/sys/fs/cgroup/cgroup.controllers': 'cpu pids\n' } },
    'cgroup v2',
    'warning',
    /without the controllers cpuset, io, memory:.*cgroup_no_v1=all/,
  ],
  [{ euid: 1001 }, 'delegation', 'note', /not this user's.*systemd-run --user --scope/],
  [{ euid: 1001 }, 'ids of users', 'note', /\/etc\/subuid and \/etc\/subgid.*usermod .* 1001/],
  [{ files: { '/proc/sys/user/max_user_namespaces': '0\n' } }, 'user namespaces', 'warning', /allows none/],
  [
    { euid: 1000, files: { '/proc/sys/kernel/unprivileged_userns_clone': '0\n' } },
    'user namespaces',
    'problem',
    /only root.*sysctl kernel\.unprivileged_userns_clone=1/,
  ],
  [
    { files: { '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1\n' } },
    'user namespaces',
    'note',
    /only root.*sysctl kernel\.apparmor_restrict_unprivileged_userns=0/,
  ],
  [{ libseccomp: false }, 'seccomp', 'warning', /libseccomp is missing.*libseccomp2/],
  [{ files: { '/sys/module/apparmor/parameters/enabled': 'N\n' } }, 'AppArmor, SELinux', 'note', /refused/],
  [{ files: { '/proc/filesystems': 'nodev\tproc\n' } }, 'overlayfs', 'note', /modprobe overlay/],
  [
    { entries: { '/usr/lib/runt': { type: 'directory', uid: 1000 } } },
    'runt',
    'warning',
    /user 1000: see \/usr\/lib\/runt /,
  ],
  [
    { entries: { '/usr/lib': { type: 'directory', mode: 0o777 } } },
    'runt',
    'warning',
    /others \(mode 777\): see \/usr\/lib /,
  ],
  [{ entries: { '/usr/lib': { type: 'directory', mode: 0o1777 } } }, 'runt', 'ok', /^\/usr\/lib\/runt\/bin\/runt $/],
  [{ entries: { '/opt/daemons/buildah': {} } }, 'Podman', 'note', /not told[^]*containers\.conf/],
  [{ entries: { '/usr/sbin/dockerd': {} } }, 'Docker', 'note', /not told of runt.*daemon\.json/],
  [{ files: { [daemon]: '{ "runtimes": ' } }, 'Docker', 'problem', /is not JSON.*does not start/],
  [{ files: { [daemon]: 'null' } }, 'Docker', 'note', /not told of runt/],
  [
    { files: { [daemon]: '{ "runtimes": { "x": { "path": "/gone/runt" } } }' } },
    'Docker',
    'problem',
    /\/gone\/runt.*no program/,
  ],
  [
    { files: { [daemon]: '{ "runtimes": { "x": { "path": "/opt/bin/runt" } } }' }, entries: { '/opt/bin/runt': {} } },
    'Docker',
    'ok',
    /daemon\.json names \/opt\/bin\/runt/,
  ],
  [{ entries: { '/usr/bin/containerd': {} } }, 'containerd', 'note', /not told[^]*BinaryName/],
  [
    { files: { '/etc/containerd/config.toml': 'x = 1\n  BinaryName = "/gone/runt"\n' } },
    'containerd',
    'problem',
    /config\.toml names \/gone\/runt/,
  ],
  [
    { files: { '/etc/containerd/config.toml': documented('containerd.toml') }, entries: { '/usr/local/bin/runt': {} } },
    'containerd',
    'ok',
    /config\.toml names \/usr\/local\/bin\/runt/,
  ],
  [
    {
      files: { '/etc/crio/crio.conf.d/10-runt.conf': documented('crio.conf') },
      entries: { '/usr/local/bin/runt': {} },
    },
    'CRI-O',
    'ok',
    /10-runt\.conf names \/usr\/local\/bin\/runt/,
  ],
  [
    {
      files: { '/etc/containers/containers.conf.d/1.conf': 'runt = ["/opt/bin/runt"]\n' },
      entries: { '/opt/bin/runt': {} },
    },
    'Podman',
    'ok',
    /1\.conf names \/opt\/bin\/runt/,
  ],
  [
    {
      files: { '/etc/crio/crio.conf.d/10-runt.conf': 'runtime_path = "/opt/bin/runt"\n' },
      entries: { '/opt/bin/runt': { mode: 0o644 } },
    },
    'CRI-O',
    'problem',
    /no program/,
  ],
]
for (const [change, subject, verdict, said] of cases) {
  test(`${subject}, ${verdict}: ${said.source}`, async (t) => {
    const finding = (await findings(change))[subject]
    t.is(finding?.verdict, verdict as Finding['verdict'])
    t.regex(`${finding?.message} ${finding?.hint ?? ''}`, said)
  })
}

test('the command prints a line for each finding with its hint, or JSON, and leaves with 1 if there is a problem', async (t) => {
  const options = commands.find(({ name }) => name === 'doctor')!.options
  const printed = async (machine: Machine, ...flags: string[]): Promise<[number, string]> => {
    const said: string[] = []
    return [await run(parseFlags(flags, options, false), context(machine, said)), said.join('')]
  }
  const [status, text] = await printed({ ...good, libseccomp: false })
  t.is(status, 0)
  t.regex(text, /^ok {7}kernel {13}Linux 6\.1\.0-13-amd64\n/)
  t.regex(text, /\nwarning {2}seccomp +libseccomp is missing.*\n +hint: apt-get install libseccomp2\n/)
  t.regex(text, /\n\nno problems, a warning\n$/)
  const [failed, json] = await printed({ ...good, release: '4.19.0' }, '--format', 'json')
  t.is(failed, 1)
  t.is((JSON.parse(json) as Finding[])[0]?.verdict, 'problem')
})

test('the documented files name one handler and one class', (t) => {
  const tables = ['containerd.toml', 'containerd-2.toml'].map((file) => {
    const names = [
      ...documented(file).matchAll(/^\s*\[plugins\."[\w.]+"\.containerd\.runtimes\.(\w+)(\.options)?\]$/gm),
    ]
    return names.map(([, name]) => name)
  })
  const [, crio] = /^\[crio\.runtime\.runtimes\.(\w+)\]$/m.exec(documented('crio.conf'))!
  const manifest = /^apiVersion: node\.k8s\.io\/v1\nkind: RuntimeClass\nmetadata:\n {2}name: (\w+)\nhandler: (\w+)$/m
  const [, name, handler] = manifest.exec(documented('runtimeclass.yaml'))!
  const [, asked] = /^ {2}runtimeClassName: (\w+)$/m.exec(documented('pod.yaml'))!
  t.deepEqual(tables, [
    [handler, handler],
    [handler, handler],
  ])
  t.is(crio, handler)
  t.is(asked, name)
})

test('the page about Kubernetes shows the files as they are, without their comments', (t) => {
  const page = readFileSync('docs/kubernetes.md', 'utf8')
  for (const file of ['containerd.toml', 'crio.conf']) {
    const lines = documented(file)
      .split('\n')
      .filter((line) => !/^\s*#/.test(line))
    const shown = lines
      .map((line) => line && `    ${line}`)
      .join('\n')
      .trim()
    t.true(page.includes(shown), file)
  }
})

test('how daemons are told is printed for those that are here, with the path that is asked for', async (t) => {
  const options = commands.find(({ name }) => name === 'doctor')!.options
  const printed = async (machine: Machine): Promise<string> => {
    const said: string[] = []
    const flags = parseFlags(['--registration', '/some/where/runt'], options, false)
    t.is(await run(flags, context(machine, said)), 0)
    return said.join('')
  }
  const here = await printed({ files: {}, entries: { '/usr/sbin/dockerd': {}, '/opt/daemons/crio': {} } })
  t.regex(here, /^Docker: in \/etc\/docker\/daemon\.json.*\n {4}\{.*"path": "\/some\/where\/runt"/)
  t.regex(here, /\n\nCRI-O: .*\n {4}\[crio.*\n {4}runtime_path = "\/some\/where\/runt"\n/)
  t.notRegex(here, /Podman|containerd:/)
  t.is(
    await printed({ files: {} }),
    'No daemon that could use it is here. For one that comes later: /some/where/runt doctor --registration /some/where/runt\n',
  )
})

test('a path that daemons could not use is refused, and one with quotes is written as they read it', async (t) => {
  const options = commands.find(({ name }) => name === 'doctor')!.options
  const daemons: Machine = { files: {}, entries: { '/usr/sbin/dockerd': {}, '/usr/bin/containerd': {} } }
  const said: string[] = []
  const asked = (path: string): Promise<number> =>
    run(parseFlags(['--registration', path], options, false), context(daemons, said))
  for (const path of ['bin/runt', 'runt', ''])
    await t.throwsAsync(asked(path), { instanceOf: UsageError, message: /--registration must be an absolute path/ })
  t.deepEqual(said, [])
  await asked('/a "b"/runt')
  t.regex(said.join(''), /"path": "\/a \\"b\\"\/runt"[\s\S]*BinaryName = "\/a \\"b\\"\/runt"/)
})

test('the pages about daemons have the lines that doctor prints', (t) => {
  const page = ['docs/daemons.md', 'docs/kubernetes.md'].flatMap((file) => readFileSync(file, 'utf8').split('\n'))
  for (const { daemon, lines } of Object.values(registrations)) {
    const file = lines('/usr/local/bin/runt').filter((line) => line.startsWith('  '))
    t.true(file.length > 0)
    for (const line of file) t.true(page.includes(`  ${line}`), `${daemon}: ${line}`)
  }
})
