/** Waits that end with what they wait for, or with their time. */
import test, { type ExecutionContext } from 'ava'
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { directHost } from '../../../src/host/direct.ts'
import { openFlags, type Fd } from '../../../src/host/host.ts'

const { files, events, cgroups, system } = directHost()

/** As long as nothing has to wait. */
const long = 60_000

function temporaryDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'runt-waits-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Runs a shell in a process group of its own, until it says that it has begun. */
async function shell(t: ExecutionContext, script: string, ...args: string[]): Promise<() => void> {
  const child = spawn('sh', ['-c', script, 'sh', ...args], { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const end = (): void => {
    try {
      process.kill(-child.pid!, 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
  t.teardown(end)
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return end
}

async function opened(t: ExecutionContext, file: string): Promise<Fd> {
  const fd = await files.open(file, openFlags.readOnly)
  t.teardown(() => files.close(fd))
  return fd
}

const childrenOf = (): string => spawnSync('ps', ['--ppid', String(process.pid), '-o', 'args=']).stdout.toString()

test.serial('a lock that nobody has is had at once, without another process', async (t) => {
  const dir = temporaryDirectory(t)
  t.is(await files.lockWithin(await opened(t, dir), -1, 0), 'locked')
  t.is(spawnSync('flock', ['--nonblock', dir, 'true']).status, 1)
})

test.serial('a lock is waited for until its holder ends', async (t) => {
  const dir = temporaryDirectory(t)
  await shell(t, 'exec flock "$1" sh -c "echo; exec sleep 0.3"', dir)
  t.is(await files.lockWithin(await opened(t, dir), -1, long), 'locked')
  t.is(spawnSync('flock', ['--nonblock', dir, 'true']).status, 1, 'it is this process that has it')
})

test.serial('the wait for a lock has an end, and leaves neither a process nor the lock behind', async (t) => {
  const dir = temporaryDirectory(t)
  const end = await shell(t, 'exec flock "$1" sh -c "echo; exec sleep 600"', dir)
  const before = childrenOf()
  const descriptors = readdirSync('/proc/self/fd').length
  const fd = await files.open(dir, openFlags.readOnly)
  t.is(await files.lockWithin(fd, -1, 0), 'late')
  const start = await system.monotonic()
  t.is(await files.lockWithin(fd, -1, 100), 'late')
  t.true((await system.monotonic()) - start >= 99)
  await files.close(fd)
  t.is(readdirSync('/proc/self/fd').length, descriptors)
  t.is(childrenOf(), before)
  end()
  t.is(spawnSync('flock', ['--timeout', '20', dir, 'true']).status, 0)
})

test.serial('the wait for a lock ends when a file of the directory is replaced', async (t) => {
  const dir = temporaryDirectory(t)
  await shell(t, 'exec flock "$1" sh -c "echo; exec sleep 600"', dir)
  const watch = await events.watchFiles([dir])
  t.teardown(() => files.close(watch))
  const fd = await opened(t, dir)
  writeFileSync(`${dir}/new`, '')
  renameSync(`${dir}/new`, `${dir}/state.json`)
  t.is(await files.lockWithin(fd, watch, long), 'changed')
  t.true((await files.read(watch, 4096)).length > 0)
  t.is(await files.lockWithin(fd, watch, 50), 'late')
  await shell(t, '(sleep 0.2; echo x > "$1/new"; mv "$1/new" "$1/state.json") & echo', dir)
  t.is(await files.lockWithin(fd, watch, long), 'changed')
})

test('a directory that is watched tells of its own end', async (t) => {
  const dir = path.join(temporaryDirectory(t), 'container')
  mkdirSync(dir)
  const watch = await events.watchFiles([dir])
  t.teardown(() => files.close(watch))
  t.false(await files.waitReadable(watch, 0))
  rmSync(dir, { recursive: true })
  t.true(await files.waitReadable(watch, long))
})

test('a fifo is waited for until its last reader is gone', async (t) => {
  const fifo = path.join(temporaryDirectory(t), 'fifo')
  await files.mkfifo(fifo, 0o600)
  const reader = await files.open(fifo, openFlags.readWrite)
  const writer = await files.open(fifo, openFlags.writeOnly | openFlags.nonBlocking)
  t.teardown(() => files.close(writer))
  await files.write(writer, Uint8Array.of(1))
  const start = await system.monotonic()
  t.false(await files.waitUnread(writer, 50))
  t.true((await system.monotonic()) - start >= 49)
  await shell(t, 'exec 3<"$1"; echo; exec sleep 0.3', fifo)
  await files.close(reader)
  t.false(await files.waitUnread(writer, 0))
  t.true(await files.waitUnread(writer, long))
  t.is(await files.unread(writer), 1)
})

test('a cgroup that is not there changes no more', async (t) => {
  t.true(await cgroups.waitForEvent('/nowhere/cgroup', 'populated 0', long))
  t.true(await cgroups.waitForEvent(temporaryDirectory(t), 'populated 0', long))
})
