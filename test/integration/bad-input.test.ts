// Not in the virtual machine: what is refused is refused before anything is done.
/** Input that cannot work: a clear error (what, where, why, and the mend where one is known), and nothing is left behind. */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { lacks, runtime, Sandbox, type Result } from './harness.ts'

interface Case {
  name: string
  /** Changes the configuration … */
  spec?: (spec: Spec, sandbox: { bundle: string }) => void
  /** … or is it. */
  text?: string | (() => string)
  /** What else is wrong. */
  prepare?: (sandbox: Sandbox) => void
  /** Flags beside the id. */
  flags?: string[]
  command?: 'create' | 'run'
  /** All of these must be in what runt says. */
  says: readonly (RegExp | string)[]
  /** Some control does not refuse it. */
  controls?: 'differ'
}

/** A field that the schema does not know with this type. */
function raw(change: (spec: Record<string, never> & Spec) => void): (spec: Spec) => void {
  return (spec) => {
    change(spec as Record<string, never> & Spec)
  }
}

const elsewhere = '\x7fELF\x02\x01\x01' + '\0'.repeat(9) + '\x02\0\xf3\0\x01\0\0\0' + '\0'.repeat(40)

const cases: readonly Case[] = [
  // covers: bundle.md#container-format/config-json
  {
    name: 'config.json is missing',
    prepare: ({ bundle }) => rmSync(path.join(bundle, 'config.json')),
    says: [/read \/.*\/bundle\/config\.json: no such file or directory/, /from: --bundle/, /hint: .*runt spec/],
  },
  {
    name: 'config.json is a directory',
    prepare: ({ bundle }) => {
      rmSync(path.join(bundle, 'config.json'))
      mkdirSync(path.join(bundle, 'config.json'))
    },
    says: [/config\.json.*is a directory/],
  },
  { name: 'config.json is empty', text: '', says: [/config\.json.*empty/] },
  {
    name: 'config.json has 100 MB',
    text: () => `{"ociVersion": "1.3.0", "annotations": {"a": "${'x'.repeat(100_000_000)}"}}`,
    says: [/config\.json is larger than \d+ MiB/],
  },
  {
    name: 'config.json is not JSON',
    text: '{\n  "ociVersion": "1.3.0",\n  "process": }\n',
    says: [/config\.json:3:14/],
  },
  { name: 'config.json ends early', text: '{\n  "ociVersion": "1.3.0",\n', says: [/config\.json:[23]:/] },
  { name: 'config.json is binary', text: '\0\x01\x02', says: [/config\.json:1:1/] },
  ...['[]', 'null', '3', '"text"', 'true'].map((text) => ({
    name: `config.json is ${text} and no object`,
    text,
    says: [/config\.json must be an object/],
  })),
  {
    name: 'a string stands for the process',
    text: '{"ociVersion": "1.3.0", "root": {"path": "rootfs"}, "process": "sh"}',
    says: [/config\.json:1:\d+: process must be an object, is a string \("sh"\)/],
  },
  // covers: config.md#valid-values/invalid
  {
    name: 'a type is wrong deep within',
    spec: raw((spec) => (spec.linux!.resources = { memory: { limit: 'much' as never } })),
    says: [/config\.json:\d+:\d+: linux\.resources\.memory\.limit must be an integer, is a string \("much"\)/],
    controls: 'differ',
  },
  // covers: config.md#valid-values/invalid, runtime.md#errors/as-never-attempted
  {
    name: 'several types are wrong',
    spec: raw((spec) => {
      spec.hostname = 3 as never
      spec.mounts![2]!.options = 'ro' as never
      spec.process!.user!.uid = -1
    }),
    says: [/has 3 problems/, 'hostname must be', 'mounts[2].options must be', 'process.user.uid must be'],
  },
  {
    name: 'the major version of the specification is unknown',
    spec: (spec) => (spec.ociVersion = '2.0.0'),
    says: [/ociVersion must be a version 1 of the specification, is "2\.0\.0"/],
    controls: 'differ',
  },
  // covers: config.md#root/required
  {
    name: 'there is no root',
    spec: (spec) => delete spec.root,
    says: [/root is required/],
  },
  {
    name: 'root.path is empty',
    spec: (spec) => (spec.root!.path = ''),
    says: [/root\.path must not be empty/],
    controls: 'differ',
  },
  // covers: /root/path, config.md#root/directory, runtime.md#lifecycle/environment-error, runtime.md#create/all-or-nothing
  {
    name: 'the root filesystem is missing',
    spec: (spec) => (spec.root!.path = 'nowhere'),
    says: [
      /root filesystem \/.*\/bundle\/nowhere: no such file or directory/,
      /from: root\.path \(config\.json:\d+:\d+\)/,
    ],
  },
  // covers: /root/path, config.md#root/directory
  {
    name: 'the root filesystem is a file',
    prepare: ({ bundle }) => {
      writeFileSync(path.join(bundle, 'file'), '')
    },
    spec: (spec) => (spec.root!.path = 'file'),
    says: [/root filesystem \/.*\/bundle\/file: not a directory/, /from: root\.path/],
  },
  {
    name: 'the root filesystem is a symlink to itself',
    prepare: ({ bundle }) => {
      symlinkSync('loop', path.join(bundle, 'loop'))
    },
    spec: (spec) => (spec.root!.path = 'loop'),
    says: [/root filesystem \/.*\/bundle\/loop: too many levels of symbolic links/, /from: root\.path/],
  },
  // covers: config.md#process/args-required
  {
    name: 'args are empty',
    spec: (spec) => (spec.process!.args = []),
    says: [/process\.args must have at least one item/],
  },
  {
    name: 'args are missing',
    spec: (spec) => delete spec.process!.args,
    says: [/process\.args is required/],
    controls: 'differ',
  },
  {
    name: 'the program is missing from $PATH',
    spec: (spec) => (spec.process!.args = ['nope']),
    says: [
      /exec: "nope": executable file not found in \$PATH/,
      /from: process\.args\[0\] \(config\.json:/,
      /hint: .*PATH/,
    ],
  },
  {
    name: 'the program’s path is missing',
    spec: (spec) => (spec.process!.args = ['/bin/nope']),
    says: [/exec: "\/bin\/nope": stat \/bin\/nope: no such file or directory/, /from: process\.args/, /hint: /],
  },
  {
    name: 'the program is not executable',
    prepare: ({ rootfs }) => {
      writeFileSync(path.join(rootfs, 'bin/plain'), 'text', { mode: 0o644 })
    },
    spec: (spec) => (spec.process!.args = ['/bin/plain']),
    says: [/exec: "\/bin\/plain": permission denied/, /from: process\.args/, /hint: .*chmod/],
  },
  {
    name: 'the program is a directory',
    spec: (spec) => (spec.process!.args = ['/bin']),
    says: [/exec: "\/bin": is a directory/, /from: process\.args/],
  },
  {
    name: 'the program is a script without its interpreter',
    command: 'run',
    prepare: ({ rootfs }) => {
      writeFileSync(path.join(rootfs, 'bin/script'), '#!/usr/bin/nope -x\necho\n')
      chmodSync(path.join(rootfs, 'bin/script'), 0o755)
    },
    spec: (spec) => (spec.process!.args = ['/bin/script']),
    says: [/exec \/bin\/script: no such file or directory/, /from: process\.args/, /hint: .*"\/usr\/bin\/nope"/],
  },
  {
    name: 'the program was built for another architecture',
    command: 'run',
    prepare: ({ rootfs }) => {
      writeFileSync(path.join(rootfs, 'bin/riscv'), Buffer.from(elsewhere, 'latin1'))
      chmodSync(path.join(rootfs, 'bin/riscv'), 0o755)
    },
    spec: (spec) => (spec.process!.args = ['/bin/riscv']),
    says: [
      /exec \/bin\/riscv: exec format error/,
      /from: process\.args/,
      /hint: it was built for riscv64, and this machine is /,
    ],
  },
  {
    name: 'the working directory is a file',
    spec: (spec) => (spec.process!.cwd = '/etc/passwd'),
    says: [/\/etc\/passwd.*: not a directory/, /from: process\.cwd \(config\.json:/],
  },
  // covers: config.md#process/cwd-absolute
  {
    name: 'the working directory is relative',
    spec: (spec) => (spec.process!.cwd = 'tmp'),
    says: [/process\.cwd must be an absolute path, is a string \("tmp"\)/],
    controls: 'differ',
  },
  {
    name: 'a namespace is unknown',
    spec: (spec) => spec.linux!.namespaces!.push({ type: 'astral' as never }),
    says: [/linux\.namespaces\[\d\]\.type must be .*, is a string \("astral"\)/],
  },
  // covers: config-linux.md#namespaces/twice
  {
    name: 'a namespace is given twice',
    spec: (spec) => spec.linux!.namespaces!.push({ type: 'pid' }),
    says: [/linux\.namespaces\[\d\]\.type must not repeat: namespaces\[\d\] is of type pid too/],
    controls: 'differ',
  },
  {
    name: 'a namespace’s path is missing',
    spec: (spec) => (spec.linux!.namespaces!.find(({ type }) => type === 'network')!.path = '/no/such/namespace'),
    says: [/\/no\/such\/namespace: no such file or directory/, /from: linux\.namespaces\[\d\]\.path/],
  },
  // covers: config-linux.md#namespaces/wrong-type
  {
    name: 'a namespace’s path is no namespace',
    spec: (spec) => (spec.linux!.namespaces!.find(({ type }) => type === 'network')!.path = '/etc/passwd'),
    says: [/\/etc\/passwd|join namespace/, /linux\.namespaces\[\d\]/, /hint: .*not a namespace/],
  },
  // covers: config-linux.md#namespaces/wrong-type
  {
    name: 'a namespace’s path is one of another type',
    spec: (spec) => (spec.linux!.namespaces!.find(({ type }) => type === 'network')!.path = '/proc/self/ns/ipc'),
    says: [/join namespace|\/proc\/self\/ns\/ipc/, /linux\.namespaces\[\d\]/, /hint: .*not a namespace of this type/],
  },
  // covers: runtime.md#lifecycle/environment-error, runtime.md#create/all-or-nothing
  {
    name: 'the source of a mount is missing',
    spec: (spec) => spec.mounts!.push({ destination: '/tmp', source: '/no/such/source', options: ['bind'] }),
    says: [
      /bind \/no\/such\/source.*: no such file or directory/,
      /mounts\[\d\]/,
      /\/tmp/,
      /from: mounts\[\d\].*\(config\.json:\d+:\d+\)/,
      /hint: /,
    ],
  },
  {
    name: 'a mount has a filesystem that the kernel has not',
    spec: (spec) => spec.mounts!.push({ destination: '/tmp', type: 'nopefs', source: 'none' }),
    says: [/mounts\[\d\].*no such device/, /hint: .*nopefs/],
  },
  {
    name: 'a mount has an option that its filesystem has not',
    spec: (spec) =>
      spec.mounts!.push({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['size=1m', 'nope=1'] }),
    says: [/mounts\[\d\]/, /nope/],
  },
  {
    name: 'the target of a mount is a symlink to itself',
    prepare: ({ rootfs }) => {
      symlinkSync('loop', path.join(rootfs, 'loop'))
    },
    spec: (spec) => spec.mounts!.push({ destination: '/loop/x', type: 'tmpfs', source: 'tmpfs' }),
    says: [/mounts\[\d\].*\/loop/, /too many levels of symbolic links/],
  },
  {
    name: 'the target of a directory’s bind mount is a file',
    spec: (spec) => spec.mounts!.push({ destination: '/etc/passwd', source: '/tmp', options: ['bind'] }),
    says: [/mounts\[\d\].*\/etc\/passwd/, /not a directory/],
  },
  // covers: config.md#posix-process/unknown-rlimit
  {
    name: 'a resource limit is unknown',
    spec: raw((spec) => (spec.process!.rlimits = [{ type: 'RLIMIT_NOPE', soft: 1, hard: 1 }])),
    says: [/process\.rlimits\[0\]\.type must be a resource of getrlimit\(2\), is "RLIMIT_NOPE"/],
  },
  {
    name: 'a resource limit’s name is misspelt',
    spec: raw((spec) => (spec.process!.rlimits = [{ type: 'RLIMIT_NOFILES', soft: 1, hard: 1 }])),
    says: [/RLIMIT_NOFILES/, /hint: did you mean .*RLIMIT_NOFILE/],
  },
  // covers: config-linux.md#cgroups-path/invalid
  {
    name: 'the cgroup’s path leads out',
    spec: (spec) => (spec.linux!.cgroupsPath = '/../../outside'),
    says: [/linux\.cgroupsPath must not contain "\.\."/],
    controls: 'differ',
  },
  // covers: config-linux.md#intelrdt/without-resctrl
  {
    name: 'a class of service is asked for where resctrl is not mounted',
    spec: (spec) => (spec.linux!.intelRdt = { closID: 'x' }),
    says: [/linux\.intelRdt/, /find the resctrl filesystem: it is not mounted/, /hint: mount -t resctrl/],
    controls: 'differ',
  },
  {
    name: 'the bundle is missing',
    flags: ['--bundle', '/no/such/bundle'],
    says: [/bundle \/no\/such\/bundle: no such file or directory/, /from: --bundle/],
  },
  {
    name: 'the bundle is a file',
    flags: ['--bundle', '/etc/passwd'],
    says: [/\/etc\/passwd.*: not a directory/, /from: --bundle/],
  },
]

function refused(t: ExecutionContext, result: Result, says: readonly (RegExp | string)[]): void {
  t.is(result.status, 1)
  t.is(result.stdout, '')
  t.notRegex(result.stderr, /internal error|\n\s+at /)
  for (const part of says) {
    if (typeof part === 'string') t.true(result.stderr.includes(part), `${part}\n${result.stderr}`)
    else t.regex(result.stderr, part)
  }
}

for (const each of cases) {
  test(`refused: ${each.name}`, (t) => {
    const sandbox = new Sandbox(t)
    each.prepare?.(sandbox)
    if (each.text !== undefined) sandbox.writeConfig(typeof each.text === 'string' ? each.text : each.text())
    else if (each.spec !== undefined) {
      sandbox.configure((spec) => {
        each.spec?.(spec, sandbox)
      })
    }
    const before = readdirSync(sandbox.bundle)
    const args = [each.command ?? 'create', ...(each.flags ?? []), sandbox.id]
    if (runtime === 'runt') {
      refused(t, sandbox.run(args), each.says)
      t.deepEqual(readdirSync(sandbox.bundle), before)
    } else {
      const { status, stderr } = sandbox.detached(args)
      if (each.controls !== undefined) return void t.pass()
      t.not(status, 0)
      t.not(stderr, '')
    }
    sandbox.assertClean(t)
  })
}

// covers: config.md#linux-process/capability-warning
test('an unknown capability is a warning', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.capabilities!.bounding!.push('CAP_OF_TOMORROW')
  })
  const { status, stdout, stderr } = sandbox.runContainer()
  t.is(status, 0)
  t.is(stdout, 'hello\n')
  t.regex(stderr, /CAP_OF_TOMORROW/)
  if (runtime === 'runt')
    t.regex(stderr, /^runt: warning: process\.capabilities\.bounding\[\d+\] is an unknown capability/)
})

test('a working directory that is missing is made, as runc does, on a read-only root too', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.cwd = '/made/for/it'
    spec.process!.args = ['/bin/inside', 'cwd']
  })
  t.deepEqual(sandbox.runContainer(), { status: 0, stdout: '/made/for/it\n', stderr: '' })
})

test('mount targets that lead out of the root by symlinks or dots stay inside', (t) => {
  if (lacks(t, 'runc')) return
  const sandbox = new Sandbox(t)
  const outside = path.join(sandbox.dir, 'outside')
  mkdirSync(outside)
  symlinkSync(outside, path.join(sandbox.rootfs, 'absolute'))
  symlinkSync('../../../../../../../../..' + outside, path.join(sandbox.rootfs, 'relative'))
  const dots = `/../../../../../../..${outside}/x`
  for (const destination of ['/absolute/x', '/relative/x', dots, `/tmp${dots}`]) {
    sandbox.configure((spec) => {
      spec.mounts!.push({ destination, type: 'tmpfs', source: 'tmpfs' })
    })
    sandbox.detached(['run', sandbox.id])
    t.deepEqual(readdirSync(outside), [], destination)
    sandbox.run(['delete', '--force', sandbox.id])
  }
  sandbox.assertClean(t)
})

/** Runs a command of the runtime in a mount namespace of its own, which a script prepares. */
function prepared(sandbox: Sandbox, script: string, args: string[], then = ''): Result {
  const command = sandbox.command(...args).map((word) => `'${word}'`)
  const whole = `set -e\n${script}\nstatus=0; ${command.join(' ')} || status=$?\n${then}\nexit $status`
  const { status, stdout, stderr } = spawnSync('unshare', ['--mount', 'bash', '-c', whole], {
    cwd: sandbox.bundle,
    encoding: 'utf8',
    timeout: 60_000,
  })
  return { status: status ?? -1, stdout, stderr }
}

test('a read-only state directory is told, and nothing is left', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  mkdirSync(sandbox.stateRoot)
  for (const place of [sandbox.stateRoot, sandbox.dir]) {
    if (place === sandbox.dir) rmSync(sandbox.stateRoot, { recursive: true })
    const readOnly = `mount --bind '${place}' '${place}'; mount -o remount,bind,ro '${place}'; cd '${sandbox.bundle}'`
    for (const command of ['create', 'run']) {
      refused(t, prepared(sandbox, readOnly, [command, sandbox.id]), [
        `${sandbox.stateRoot}/${sandbox.id}: read-only file system`,
        'from: --root',
      ])
    }
    sandbox.assertClean(t)
  }
})

test('a full state directory is told, wherever it becomes full, and nothing is left', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  mkdirSync(sandbox.stateRoot)
  const full = (options: string, fill: string): Result =>
    prepared(
      sandbox,
      `mount -t tmpfs -o ${options} tmpfs '${sandbox.stateRoot}'; ${fill}`,
      ['run', sandbox.id],
      `ls -A '${sandbox.stateRoot}'`,
    )
  const page = full('size=4k', `head -c 4096 /dev/zero > '${sandbox.stateRoot}/fill'`)
  t.is(page.status, 1)
  t.is(page.stdout, 'fill\n')
  t.regex(page.stderr, /no space left on device/)
  t.true(page.stderr.includes(sandbox.stateRoot), page.stderr)
  // The first inode is the root's; then come the container's directory, its files, and their temporary names.
  let inodes = 1
  for (; inodes < 20; inodes++) {
    const { status, stdout, stderr } = full(`nr_inodes=${inodes}`, '')
    if (status === 0) break
    t.is(status, 1, stderr)
    t.regex(stderr, /no space left on device/)
    t.is(stdout, '', `${inodes} inodes: something is left`)
    sandbox.assertClean(t)
  }
  t.true(inodes >= 4 && inodes < 20, `it became full at ${inodes - 1} places`)
})

test('without root it says so, and what needs none works', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  chmodSync(sandbox.dir, 0o777)
  chmodSync(sandbox.bundle, 0o777)
  const asNobody = (...args: string[]): Result => {
    const command = ['--reuid', '65534', '--regid', '65534', '--clear-groups', ...sandbox.command(...args)]
    const { status, stdout, stderr } = spawnSync('setpriv', command, {
      cwd: sandbox.bundle,
      encoding: 'utf8',
      timeout: 60_000,
    })
    return { status: status ?? -1, stdout, stderr }
  }
  for (const command of ['create', 'run']) {
    refused(t, asNobody(command, sandbox.id), [
      /linux\.namespaces must have a user namespace: the caller is user 65534/,
      /hint: "runt spec --rootless" writes such a configuration/,
    ])
    t.false(existsSync(sandbox.stateRoot))
  }
  for (const command of ['list', '--version', 'explain']) t.is(asNobody(command).status, 0, command)
  rmSync(path.join(sandbox.bundle, 'config.json'))
  t.is(asNobody('spec').status, 0)
  t.is(statSync(path.join(sandbox.bundle, 'config.json')).uid, 65534)
})

test('without cgroup v2 it says so, and how to get it', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t)
  for (const command of ['create', 'run']) {
    refused(t, prepared(sandbox, 'mount -t tmpfs tmpfs /sys/fs/cgroup', [command, sandbox.id]), [/cgroup v2/, /hint: /])
  }
  sandbox.assertClean(t)
})
