import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { inVm, lacks, runtime, Sandbox } from './harness.ts'
import { openUp, ownUsers } from './users.ts'

const tmpfs = (...options: string[]) => ({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options })

/** A rootfs with /data, which is filled by `fill`; the container is created, and its /data told as a path of the host. */
function copied(
  t: ExecutionContext,
  fill: (data: string, sandbox: Sandbox) => void,
  options: string[] = ['tmpcopyup'],
  change: (spec: Spec) => void = () => undefined,
): { sandbox: Sandbox; data: string } {
  const sandbox = new Sandbox(t, (spec) => {
    spec.root!.readonly = false
    spec.mounts!.push(tmpfs(...options))
    spec.process!.args = ['inside', 'wait']
    change(spec)
  })
  const original = path.join(sandbox.rootfs, 'data')
  mkdirSync(original)
  fill(original, sandbox)
  openUp(sandbox)
  const { status, stderr } = sandbox.create()
  t.is(status, 0, stderr)
  return { sandbox, data: `/proc/${sandbox.state().pid}/root/data` }
}

function shell(script: string, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync('bash', ['-ec', script, 'bash', ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${script}: ${stderr}`)
  return stdout
}

/** All below a directory: type, mode, owners, size of files, target of links. */
const listing = (dir: string): string => shell('cd "$1"; find . -mindepth 1 -printf "%p %y %m %U:%G %l\\n" | sort', dir)

// covers: /mounts/*/options
test('a tmpfs with tmpcopyup starts with what it covers: files, directories, links, owners and modes', (t) => {
  const { sandbox, data } = copied(t, (dir) => {
    mkdirSync(path.join(dir, 'sub/deep'), { recursive: true })
    writeFileSync(path.join(dir, 'file'), 'content\n')
    writeFileSync(path.join(dir, 'sub/deep/other'), 'x'.repeat(100_000))
    symlinkSync('sub/deep/other', path.join(dir, 'link'))
    symlinkSync('/etc/shadow', path.join(dir, 'outside'))
    chownSync(path.join(dir, 'file'), 5, 6)
    chmodSync(path.join(dir, 'file'), 0o640)
    chownSync(path.join(dir, 'sub'), 7, 8)
    chmodSync(path.join(dir, 'sub'), 0o1750)
  })
  t.is(listing(data), listing(path.join(sandbox.rootfs, 'data')))
  t.is(readFileSync(`${data}/file`, 'utf8'), 'content\n')
  t.is(readFileSync(`${data}/sub/deep/other`, 'utf8').length, 100_000)
  t.is(readlinkSync(`${data}/outside`), '/etc/shadow')
  // A copy: what is changed in it does not reach the rootfs.
  writeFileSync(`${data}/file`, 'changed\n')
  t.is(readFileSync(path.join(sandbox.rootfs, 'data/file'), 'utf8'), 'content\n')
  t.is(sandbox.run(['delete', '--force', sandbox.id]).status, 0)
  sandbox.assertClean(t)
})

test('its root has the mode and the owner of the directory that it covers, where its options give none', (t) => {
  if (lacks(t, 'runt')) return // runc and crun take the mode alone.
  const fill = (dir: string): void => {
    chownSync(dir, 11, 12)
    chmodSync(dir, 0o750)
  }
  const owner = (data: string) => shell('stat -c "%a %u:%g" "$1"', data).trim()
  t.is(owner(copied(t, fill).data), '750 11:12')
  t.is(owner(copied(t, fill, ['tmpcopyup', 'mode=711', 'uid=3', 'gid=4']).data), '711 3:4')
})

test('extended attributes and file capabilities are copied', (t) => {
  if (lacks(t, 'runt')) return
  const set = 'python3 -c "import os,sys; os.setxattr(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]))" "$@"'
  const get = 'python3 -c "import os,sys; print(os.getxattr(sys.argv[1], sys.argv[2]).hex())" "$@"'
  // cap_net_raw+ep
  const capability = '0100000200200000000000000000000000000000'
  const { data } = copied(t, (dir) => {
    const file = path.join(dir, 'ping')
    writeFileSync(file, '')
    chownSync(file, 5, 5)
    shell(set, file, 'security.capability', capability)
    shell(set, file, 'trusted.mine', '6f6e65')
  })
  t.is(shell(get, `${data}/ping`, 'security.capability').trim(), capability)
  t.is(shell(get, `${data}/ping`, 'trusted.mine').trim(), '6f6e65')
})

test('fifos, sockets and devices are copied as what they are, and none is opened', (t) => {
  // Debian 12's runc opens the fifo and waits for ever; crun makes nodes as runt does.
  if (runtime === 'runc') return void t.pass()
  const { data } = copied(t, (dir) => {
    shell(
      'cd "$1"; mkfifo -m 620 fifo; mknod -m 640 null c 1 3; mknod block b 7 200; python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\'socket\')"',
      dir,
    )
  })
  t.regex(
    shell('cd "$1"; stat -c "%n %F %a %t:%T" *', data),
    /^block block special file \d+ 7:c8\nfifo fifo 620 0:0\nnull character special file 640 1:3\nsocket socket \d+ 0:0\n$/,
  )
})

test('holes stay holes, so that a file of a terabyte takes no memory', (t) => {
  if (lacks(t, 'runt')) return
  const size = 2 ** 40
  const { data } = copied(
    t,
    (dir) => {
      writeFileSync(path.join(dir, 'sparse'), 'start')
      truncateSync(path.join(dir, 'sparse'), size)
    },
    ['tmpcopyup', 'size=1m'],
  )
  const status = lstatSync(`${data}/sparse`)
  t.is(status.size, size)
  t.true(status.blocks * 512 < 100_000)
})

test('what does not fit is an error that names the option and the file, and nothing is left', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.mounts!.push(tmpfs('tmpcopyup', 'size=64k'))
  })
  mkdirSync(path.join(sandbox.rootfs, 'data'))
  writeFileSync(path.join(sandbox.rootfs, 'data/large'), 'x'.repeat(200_000))
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /mounts\[7\]\.options\[0\] → \/data: copy up large: no space left on device \(sendfile\)/)
  t.regex(stderr, /hint: what the directory holds does not fit/)
  sandbox.assertClean(t)
})

test('a tree deeper than runt follows is an error', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.mounts!.push(tmpfs('tmpcopyup'))
  })
  mkdirSync(path.join(sandbox.rootfs, 'data'))
  shell('cd "$1"; for i in $(seq 450); do mkdir d; cd d; done', path.join(sandbox.rootfs, 'data'))
  const { status, stderr } = sandbox.runContainer()
  t.is(status, 1)
  t.regex(stderr, /mounts\[7\]\.options\[0\] → \/data: copy up too many directories in each other/)
  sandbox.assertClean(t)
})

test('a hundred thousand files are copied', (t) => {
  if (lacks(t, 'runt') || inVm) return void t.pass()
  const { data } = copied(t, (dir) => {
    shell('cd "$1"; for d in $(seq 100); do mkdir $d; (cd $d; seq 1000 | xargs touch); done', dir)
  })
  t.is(readdirSync(data).length, 100)
  t.is(shell('find "$1" -type f | wc -l', data).trim(), '100000')
})

test('a symlink in the place of the directory is followed inside the root alone', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.mounts!.push(tmpfs('tmpcopyup'))
    spec.process!.args = ['inside', 'ls', '/data', '--', 'ls', '/etc']
  })
  const outside = path.join(sandbox.dir, 'outside')
  mkdirSync(outside)
  writeFileSync(path.join(outside, 'secret'), '')
  symlinkSync(`../../../../../../..${outside}`, path.join(sandbox.rootfs, 'data'))
  const { stdout, stderr } = sandbox.runContainer()
  t.is(stderr, '')
  t.false(stdout.includes('secret'))
  t.deepEqual(readdirSync(outside), ['secret'])
})

test('in a user namespace the copy has the owners that the container sees', (t) => {
  if (lacks(t, 'runt')) return
  const { data } = copied(
    t,
    (dir) => {
      writeFileSync(path.join(dir, 'mine'), '')
      for (const file of [dir, path.join(dir, 'mine')]) chownSync(file, 100_005, 100_006)
    },
    ['tmpcopyup'],
    ownUsers,
  )
  t.is(shell('stat -c "%u:%g" "$1" "$1/mine"', data), '100005:100006\n100005:100006\n')
})

test('tmpcopyup on anything but a tmpfs is refused', (t) => {
  if (lacks(t, 'runt')) return
  const sandbox = new Sandbox(t, (spec) => {
    spec.mounts!.push({ destination: '/data', type: 'bind', source: '/srv', options: ['bind', 'tmpcopyup'] })
  })
  t.regex(sandbox.runContainer().stderr, /mounts\[7\]\.options\[1\] is "tmpcopyup", which only a tmpfs can have/)
})
