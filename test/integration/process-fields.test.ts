/** Fields of the process beside its scheduling: limits, the OOM score, capabilities, labels, the session keyring. */
import test from 'ava'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { rlimitNames } from '../../src/spec/names.ts'
import { eventually, inVm, lacks, lines, runtime, Sandbox } from './harness.ts'
import { openUp, ownUsers } from './users.ts'

/** Limits of this process, by number: [soft, hard]; undefined is none. */
function ownLimits(): Map<number, [number | undefined, number | undefined]> {
  const { stdout } = spawnSync('prlimit', ['--raw', '--noheadings', '--output', 'RESOURCE,SOFT,HARD'], {
    encoding: 'utf8',
  })
  const number = (text: string): number | undefined => (text === 'unlimited' ? undefined : Number(text))
  return new Map(
    lines(stdout).map((line) => {
      const [name, soft, hard] = line.trim().split(/\s+/)
      return [rlimitNames.indexOf(`RLIMIT_${name}`), [number(soft!), number(hard!)]]
    }),
  )
}

// covers: /process/rlimits, /process/rlimits/*/type, /process/rlimits/*/soft, /process/rlimits/*/hard, config.md#configPOSIXProcess
test('each of the sixteen limits can be set', (t) => {
  const own = ownLimits()
  t.is(own.size, 16)
  // Enough for the program itself, whatever is limited; each limit has numbers of its own.
  const wanted = rlimitNames.map((type, resource) => {
    const hard = Math.min(own.get(resource)![1] ?? Infinity, 2 ** 32 + resource * 4096 + 4096)
    return { type, soft: Math.max(hard - 4096, 0), hard }
  })
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.rlimits = wanted
    spec.process!.args = ['inside', 'rlimits']
  })
  const { stdout, stderr } = sandbox.runContainer()
  t.deepEqual(
    lines(stdout),
    wanted.map(({ soft, hard }, resource) => `${resource} ${soft} ${hard}`),
    stderr,
  )
})

// covers: /process/rlimits/*/hard
test('a limit can be none, and higher than that of runt where runt may raise it', (t) => {
  const raised = inVm ? 2 ** 20 : 1024
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.rlimits = [
      { type: 'RLIMIT_NOFILE', soft: 100, hard: raised },
      { type: 'RLIMIT_CPU', soft: 2 ** 64, hard: 2 ** 64 },
    ]
    spec.process!.args = ['inside', 'rlimits']
  })
  // 2^64 - 1, which numbers of JavaScript cannot hold.
  const config = path.join(sandbox.bundle, 'config.json')
  sandbox.writeConfig(readFileSync(config, 'utf8').replaceAll('18446744073709552000', '18446744073709551615'))
  const command = sandbox.command('run', sandbox.id)
  const lower = ['--nofile=1024:1024', ...command]
  const { stdout, stderr } = spawnSync('prlimit', lower, { cwd: sandbox.bundle, encoding: 'utf8' })
  const told = lines(stdout)
  t.true(told.includes(`7 100 ${raised}`), stderr)
  t.true(told.includes('0 18446744073709551615 18446744073709551615'))
})

// covers: /process/rlimits/*/hard
test('a limit that runt may not raise is told with its field', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.rlimits = [
      { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
      { type: 'RLIMIT_NOFILE', soft: 10, hard: 2 ** 20 },
    ]
  })
  const bounded = ['--bounding-set=-sys_resource', 'prlimit', '--nofile=512:512', ...sandbox.command('run', sandbox.id)]
  const { status, stderr } = spawnSync('setpriv', bounded, { cwd: sandbox.bundle, encoding: 'utf8' })
  t.is(status, 1)
  t.regex(stderr, /process\.rlimits\[1\]: set resource limit: operation not permitted/)
  t.regex(stderr, /hint: raising a hard limit needs CAP_SYS_RESOURCE/)
  sandbox.assertClean(t)
})

/** oom_score_adj of a process that runt starts, when it is `own` for runt. */
function oomScore(sandbox: Sandbox, own: number): string {
  const command = sandbox.command('run', sandbox.id).join(' ')
  const script = `echo ${own} > /proc/self/oom_score_adj && exec ${command}`
  const { stdout, stderr } = spawnSync('/bin/sh', ['-c', script], { cwd: sandbox.bundle, encoding: 'utf8' })
  return `${stdout}${stderr}`
}

// covers: /process/oomScoreAdj
test('oom_score_adj is the config’s from 0 to 1000, and where there is none it is runt’s', (t) => {
  const sandbox = new Sandbox(t)
  const wanted = (value: number | undefined): void => {
    sandbox.configure((spec) => {
      if (value === undefined) delete spec.process!.oomScoreAdj
      else spec.process!.oomScoreAdj = value
      spec.process!.args = ['inside', 'cat', '/proc/self/oom_score_adj']
    })
  }
  for (const value of [0, 1, 1000]) {
    wanted(value)
    t.is(oomScore(sandbox, 0), `${value}\n`)
  }
  wanted(undefined)
  t.is(oomScore(sandbox, 345), '345\n')
})

// covers: /process/oomScoreAdj
test('oom_score_adj below that of runt needs a right, and is told with its field without it', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.oomScoreAdj = -1000
    spec.process!.args = ['inside', 'cat', '/proc/self/oom_score_adj']
  })
  if (inVm) t.is(oomScore(sandbox, 0), '-1000\n')
  const bounded = ['--bounding-set=-sys_resource', ...sandbox.command('run', sandbox.id)]
  const { status, stderr } = spawnSync('setpriv', bounded, { cwd: sandbox.bundle, encoding: 'utf8' })
  t.is(status, 1)
  t.regex(stderr, /set oom_score_adj to -1000: permission denied/)
  t.regex(stderr, /from: process\.oomScoreAdj/)
  sandbox.assertClean(t)
})

const bit = (number: number): bigint => 1n << BigInt(number)
const NET_BIND_SERVICE = 10
const KILL = 5

// covers: /process/capabilities/ambient, /process/capabilities/inheritable, /process/capabilities/effective, /process/capabilities/permitted, /process/capabilities/bounding
test('ambient capabilities are what an ordinary user’s program keeps', (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    const some = ['CAP_KILL', 'CAP_NET_BIND_SERVICE']
    spec.process!.capabilities = {
      ...{ bounding: some, permitted: some, effective: some, inheritable: ['CAP_NET_BIND_SERVICE'] },
      ambient: ['CAP_NET_BIND_SERVICE'],
    }
    spec.process!.user = { uid: 1000, gid: 1000 }
    spec.process!.args = ['inside', 'exec', '/bin/inside', 'status', 'Cap']
  })
  const { stdout, stderr } = sandbox.runContainer()
  const mask = (value: bigint): string => value.toString(16).padStart(16, '0')
  const kept = mask(bit(NET_BIND_SERVICE))
  const expected = [`CapInh:\t${kept}`, `CapPrm:\t${kept}`, `CapEff:\t${kept}`]
  t.deepEqual(
    lines(stdout),
    [...expected, `CapBnd:\t${mask(bit(NET_BIND_SERVICE) | bit(KILL))}`, `CapAmb:\t${kept}`],
    stderr,
  )
})

// covers: /process/capabilities
test('a capability of the future is a warning in each set, and told once', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    const all = ['CAP_KILL', 'CAP_OF_THE_FUTURE', 'cap_kill']
    spec.process!.capabilities = { bounding: all, permitted: all, effective: all, inheritable: all, ambient: all }
    spec.process!.args = ['inside', 'status', 'CapAmb']
  })
  const { status, stdout, stderr } = sandbox.runContainer()
  t.is(status, 0)
  t.is(stdout, 'CapAmb:\t0000000000000020\n')
  t.is(stderr.match(/CAP_OF_THE_FUTURE/g)?.length, 1)
  t.regex(stderr, /cap_kill/)
})

/** Whether the kernel enforces this. */
const apparmorSwitch = '/sys/module/apparmor/parameters/enabled'
const hasAppArmor = existsSync(apparmorSwitch) && readFileSync(apparmorSwitch, 'utf8').startsWith('Y')
const hasSelinux = existsSync('/sys/fs/selinux/enforce')

// covers: /process/apparmorProfile, /process/selinuxLabel
test('a label that the kernel cannot give is refused before anything was done, and by exec too', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
    spec.process!.env = ['PATH=/bin']
  })
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  const file = path.join(sandbox.dir, 'process.json')
  const cases = [
    ...(hasAppArmor ? [] : [{ field: 'apparmorProfile', flag: '--apparmor', name: 'AppArmor' }]),
    ...(hasSelinux ? [] : [{ field: 'selinuxLabel', flag: '--process-label', name: 'SELinux' }]),
  ]
  for (const { field, flag, name } of cases) {
    const says = new RegExp(`${field} must not be set: the kernel runs without ${name}`)
    const other = new Sandbox(t, (spec) => Object.assign(spec.process!, { [field]: 'some_label' }))
    const created = other.create()
    t.is(created.status, 1)
    t.regex(created.stderr, says)
    t.regex(created.stderr, /config\.json:\d+:\d+/)
    other.assertClean(t)
    const byFlag = sandbox.run(['exec', flag, 'some_label', sandbox.id, 'inside', 'echo', 'no'])
    t.is(byFlag.status, 255)
    t.is(byFlag.stdout, '')
    t.regex(byFlag.stderr, says)
    writeFileSync(file, JSON.stringify({ args: ['inside', 'echo', 'no'], cwd: '/', [field]: 'some_label' }))
    const byFile = sandbox.run(['exec', '--process', file, sandbox.id])
    t.is(byFile.status, 255)
    t.regex(byFile.stderr, says)
    // An empty one is none.
    writeFileSync(file, JSON.stringify({ args: ['/bin/inside', 'echo', 'yes'], cwd: '/', [field]: '' }))
    t.is(sandbox.run(['exec', '--process', file, sandbox.id]).stdout, 'yes\n')
  }
})

/** A keyring of a container: its number and its name. */
interface Keyring {
  id: string
  name: string
  permissions: string
}

function keyring(text: string): Keyring {
  const match = /^keyring (\d+) keyring;\d+;\d+;([0-9a-f]+);(.*)$/m.exec(text)
  if (match === null) throw new Error(`no keyring: ${text}`)
  return { id: match[1]!, permissions: match[2]!, name: match[3]! }
}

/** What the program of a detached container printed. */
async function printed(sandbox: Sandbox): Promise<Keyring> {
  await eventually(() => sandbox.output().includes('keyring '), 'the program has told its keyring')
  return keyring(sandbox.output())
}

test('a container and what exec starts in it share a session keyring of their own', async (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'keyring', '--', 'wait']
    spec.process!.env = ['PATH=/bin']
  })
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  const own = await printed(sandbox)
  t.true(own.name.startsWith(`_ses.${sandbox.id}`))
  const joined = keyring(sandbox.run(['exec', sandbox.id, 'inside', 'keyring']).stdout)
  t.is(joined.id, own.id)
  t.is(keyring(sandbox.run(['exec', '--user', '1000', sandbox.id, 'inside', 'keyring']).stdout).id, own.id)
  // Two containers of one id, one after the other, do not have the same; with runc they do.
  if (runtime !== 'runt') return
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.configure((spec) => {
    spec.process!.args = ['inside', 'keyring']
  })
  const next = keyring(sandbox.runContainer().stdout)
  t.not(next.id, own.id)
})

test('--no-new-keyring keeps the caller’s session keyring, for exec too', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'keyring', '--', 'wait']
    spec.process!.env = ['PATH=/bin']
  })
  t.is(sandbox.detached(['run', '-d', '--no-new-keyring', sandbox.id]).status, 0)
  const kept = await printed(sandbox)
  t.false(kept.name.startsWith('_ses.'), kept.name)
  t.is(keyring(sandbox.run(['exec', sandbox.id, 'inside', 'keyring']).stdout).id, kept.id)
})

// cve: session-keyring
test('nobody can be first with a container’s keyring, nor join or read one from another container', async (t) => {
  if (lacks(t, 'runt')) return
  const victim = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'keyring', '--', 'wait']
  })
  const attacker = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'join-keyring', `_ses.${victim.id}`, '--', 'keyring', '--', 'wait']
    spec.process!.env = ['PATH=/bin']
  })
  t.is(attacker.detached(['run', '-d', attacker.id]).status, 0)
  t.is(victim.detached(['run', '-d', victim.id]).status, 0)
  const own = await printed(victim)
  t.not(own.id, (await printed(attacker)).id)
  t.regex(own.name, new RegExp(`^_ses\\.${victim.id}\\.[0-9a-f]{32}$`))
  // Possessors all, the owner search only, others nothing: linux/key.h.
  t.is(own.permissions, '3f080000')
  const seen = attacker.run(['exec', attacker.id, 'inside', 'cat', '/proc/keys']).stdout
  t.false(seen.includes(victim.id), seen)
})

test('nor where the id is as long as can be', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'keyring', '--', 'wait']
    spec.process!.env = ['PATH=/bin']
  })
  const id = `${sandbox.id}-`.padEnd(255, 'x')
  t.is(sandbox.detached(['run', '-d', id]).status, 0)
  const own = await printed(sandbox)
  t.is(own.permissions, '3f080000')
  t.is(keyring(sandbox.run(['exec', id, 'inside', 'keyring']).stdout).id, own.id)
  t.is(sandbox.run(['delete', '--force', id]).status, 0)
})

test('a container with a user namespace has its session keyring, and exec joins it', async (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'keyring', '--', 'wait']
    spec.process!.env = ['PATH=/bin']
    ownUsers(spec)
  })
  openUp(sandbox)
  t.is(sandbox.detached(['run', '-d', sandbox.id]).status, 0)
  t.is(keyring(sandbox.run(['exec', sandbox.id, 'inside', 'keyring']).stdout).id, (await printed(sandbox)).id)
})
