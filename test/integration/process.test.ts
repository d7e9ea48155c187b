import test from 'ava'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { lacks, lines, Sandbox } from './harness.ts'

/** The capabilities of the default config, as /proc/self/status shows a mask. */
const mask = (...capabilities: number[]): string =>
  capabilities
    .reduce((bits, capability) => bits | (1n << BigInt(capability)), 0n)
    .toString(16)
    .padStart(16, '0')
const [AUDIT_WRITE, KILL, NET_BIND_SERVICE, CHOWN] = [29, 5, 10, 0]

// covers: /process/noNewPrivileges
test('the default config gives its five capability sets', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'status', 'Cap', '--', 'status', 'NoNewPrivs']
  })
  const all = mask(AUDIT_WRITE, KILL, NET_BIND_SERVICE)
  t.deepEqual(lines(sandbox.runContainer().stdout), [
    `CapInh:\t${mask()}`,
    `CapPrm:\t${all}`,
    `CapEff:\t${all}`,
    `CapBnd:\t${all}`,
    `CapAmb:\t${mask()}`,
    'NoNewPrivs:\t1',
  ])
})

// covers: /process/capabilities/bounding, /process/capabilities/permitted, /process/capabilities/effective
// covers: /process/capabilities/inheritable, /process/capabilities/ambient
test('each capability set is its own, also for a user who is not root', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.user = { uid: 1000, gid: 1000 }
    spec.process!.capabilities = {
      bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_BIND_SERVICE', 'CAP_AUDIT_WRITE'],
      permitted: ['CAP_KILL', 'CAP_NET_BIND_SERVICE'],
      effective: ['CAP_KILL', 'CAP_NET_BIND_SERVICE'],
      inheritable: ['CAP_NET_BIND_SERVICE'],
      ambient: ['CAP_NET_BIND_SERVICE'],
    }
    spec.process!.args = ['inside', 'status', 'Cap']
  })
  // execve(2) of a user's plain program leaves what is ambient: capabilities(7).
  t.deepEqual(lines(sandbox.runContainer().stdout), [
    `CapInh:\t${mask(NET_BIND_SERVICE)}`,
    `CapPrm:\t${mask(NET_BIND_SERVICE)}`,
    `CapEff:\t${mask(NET_BIND_SERVICE)}`,
    `CapBnd:\t${mask(CHOWN, KILL, NET_BIND_SERVICE, AUDIT_WRITE)}`,
    `CapAmb:\t${mask(NET_BIND_SERVICE)}`,
  ])
})

test('without capabilities in the config there are none', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    delete spec.process!.capabilities
    spec.process!.args = ['inside', 'status', 'CapEff', '--', 'status', 'CapBnd']
  })
  t.deepEqual(lines(sandbox.runContainer().stdout), [`CapEff:\t${mask()}`, `CapBnd:\t${mask()}`])
})

// covers: /process/user/uid, /process/user/gid, /process/user/additionalGids, /process/user/umask
test('user, group, supplementary groups and mask', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.user = { uid: 1000, gid: 1001, additionalGids: [5, 7], umask: 0o27 }
    spec.process!.args = ['inside', 'id']
  })
  t.is(sandbox.runContainer().stdout, 'uid 1000 1000 1000 gid 1001 1001 1001 groups 5 7 umask 27\n')
  sandbox.configure((spec) => {
    spec.process!.args = ['inside', 'id']
  })
  t.is(sandbox.runContainer().stdout, 'uid 0 0 0 gid 0 0 0 groups umask 22\n')
})

// covers: /process/env
test('the environment is what the config says, duplicates once, with HOME of the user', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.env = ['PATH=/bin', 'A=1', 'B=with = and space', 'A=2']
    spec.process!.user = { uid: 1000, gid: 1000 }
    spec.process!.args = ['inside', 'env']
  })
  const env = (): string[] => lines(sandbox.runContainer().stdout).sort()
  if (runtimeIsOld()) t.true(env().includes('HOME=/home/user'))
  else t.deepEqual(env(), ['A=2', 'B=with = and space', 'HOME=/home/user', 'PATH=/bin'])
  sandbox.configure((spec) => {
    spec.process!.env = ['PATH=/bin', 'HOME=/elsewhere']
    spec.process!.args = ['inside', 'env']
  })
  t.deepEqual(env(), ['HOME=/elsewhere', 'PATH=/bin'])
  sandbox.configure((spec) => {
    spec.process!.env = ['PATH=/bin']
    spec.process!.user = { uid: 4000, gid: 4000 }
    spec.process!.args = ['inside', 'env']
  })
  t.deepEqual(env(), ['HOME=/', 'PATH=/bin'])
})

/** Debian 12's runc hands duplicates on as they are. */
function runtimeIsOld(): boolean {
  return process.env.RUNT_UNDER_TEST?.startsWith('runc') ?? false
}

// covers: /process/cwd
test('the working directory is made where it is missing', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.cwd = '/tmp/deep/er'
    spec.root!.readonly = false
    spec.process!.args = ['inside', 'cwd']
  })
  t.is(sandbox.runContainer().stdout, '/tmp/deep/er\n')
})

// covers: /hostname, /domainname
test('host name and domain name', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.hostname = 'web'
    if (!runtimeIsOld()) spec.domainname = 'example.org'
    spec.process!.args = ['inside', 'uname']
  })
  t.regex(sandbox.runContainer().stdout, runtimeIsOld() ? /^web / : /^web example\.org\n$/)
})

// covers: /process/rlimits/*/type, /process/rlimits/*/soft, /process/rlimits/*/hard, config.md#posix-process/rlimit-values
test('resource limits', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.rlimits = [
      { type: 'RLIMIT_NOFILE', soft: 512, hard: 1000 },
      { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
      { type: 'RLIMIT_STACK', soft: 1 << 20, hard: 1 << 21 },
    ]
    spec.process!.args = ['inside', 'rlimits']
  })
  const limits = lines(sandbox.runContainer().stdout)
  t.true(limits.includes('7 512 1000'), limits.join(', '))
  t.true(limits.includes('4 0 0'))
  t.true(limits.includes('3 1048576 2097152'))
})

// covers: /process/oomScoreAdj, config.md#linux-process/oom-score-adj, config.md#linux-process/oom-score-adj-absent
test('oomScoreAdj, and none where the config has none', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.oomScoreAdj = 321
    spec.process!.args = ['inside', 'cat', '/proc/self/oom_score_adj']
  })
  t.is(sandbox.runContainer().stdout, '321\n')
  sandbox.configure((spec) => {
    spec.process!.args = ['inside', 'cat', '/proc/self/oom_score_adj']
  })
  t.is(sandbox.runContainer().stdout, '0\n')
})

// covers: /process/noNewPrivileges
test('no_new_privs is set only where the config says so', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.noNewPrivileges = false
    spec.process!.args = ['inside', 'status', 'NoNewPrivs']
  })
  t.is(sandbox.runContainer().stdout, 'NoNewPrivs:\t0\n')
})

// covers: config.md#linux-process/capability-warning, runtime.md#warnings/goes-on
test('an unknown capability is a warning, not an error', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.capabilities!.bounding!.push('CAP_OF_THE_FUTURE')
  })
  const log = path.join(sandbox.dir, 'log')
  writeFileSync(log, '')
  const result = sandbox.run(['run', sandbox.id])
  t.is(result.status, 0)
  t.is(result.stdout, 'hello\n')
  t.regex(result.stderr, /CAP_OF_THE_FUTURE/)
})

// covers: config.md#linux-process/capability-warning, runtime.md#warnings/goes-on
test('a capability that runt lacks itself is a warning, not an error', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    const all = ['CAP_KILL', 'CAP_SYS_TIME']
    spec.process!.capabilities = { bounding: all, permitted: all, effective: all }
    spec.process!.args = ['inside', 'status', 'CapEff', '--', 'status', 'CapBnd']
  })
  const command = ['--bounding-set=-sys_time', ...sandbox.command('run', sandbox.id)]
  const { stdout, stderr } = spawnSync('setpriv', command, { cwd: sandbox.bundle, encoding: 'utf8' })
  t.deepEqual(lines(stdout), [`CapEff:\t${mask(KILL)}`, `CapBnd:\t${mask(KILL)}`], stderr)
  t.regex(stderr, /CAP_SYS_TIME/)
})

// covers: /process/args
test('a program is found in the PATH of the config', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.env = ['PATH=/nowhere:/bin']
  })
  t.is(sandbox.runContainer().stdout, 'hello\n')
})

test('the program’s signals are as a fresh process has them', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'status', 'Sig']
  })
  const masks = Object.fromEntries(
    lines(sandbox.runContainer().stdout).map((line) => line.split(':\t') as [string, string]),
  )
  t.is(masks.SigBlk, '0000000000000000')
  t.is(masks.SigIgn, '0000000000000000')
  t.is(masks.SigCgt, '0000000000000000')
})

test('standard streams that are pipes belong to the user, so that /dev/stdout can be opened', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.user = { uid: 1000, gid: 1000 }
    spec.process!.args = ['inside', 'write', '/dev/stdout', 'through the link\n']
  })
  // A pipe of the shell's: what Node makes for its children is a socket, which nobody can open by a path.
  const command = sandbox.command('run', sandbox.id).join(' ')
  const { stdout } = spawnSync('/bin/sh', ['-c', `${command} | cat`], { cwd: sandbox.bundle, encoding: 'utf8' })
  t.is(stdout, 'through the link\n')
})
