/** A state directory on a disk without room: commands say so and name the file, leave nothing, and what is there can be removed. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { runtime } from '../integration/harness.ts'
import type { Ended, Ground, Report } from './ground.ts'

const page = 4096

/** A small tmpfs as the state root. */
class Disk {
  readonly root: string
  private readonly filler: string

  constructor(dir: string, options: string) {
    this.root = dir
    this.filler = path.join(dir, '.filler')
    mkdirSync(dir, { recursive: true })
    mount('-t', 'tmpfs', '-o', `mode=711,${options}`, 'full', dir)
  }

  /** Takes all the room that is left. */
  fill(): void {
    try {
      for (;;) writeFileSync(this.filler, Buffer.alloc(page), { flag: 'a' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }

  empty(): void {
    rmSync(this.filler, { force: true })
  }

  remove(): void {
    spawnSync('umount', ['--lazy', this.root])
  }
}

function mount(...args: string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`)
}

/** Why an answer is not that of a full disk: a failure, the errno in words, and a file of that disk. */
function notFull(what: string, { status, stderr }: Ended, root: string): string[] {
  if (status === 0) return [`${what} succeeded`]
  const failures: string[] = []
  if (!/no space left on device/i.test(stderr)) failures.push(`${what} does not say that there is no room: ${stderr}`)
  if (!stderr.includes(`${root}/`)) failures.push(`${what} names no file: ${stderr}`)
  return failures
}

const fine = (what: string, { status, stderr }: Ended): string[] =>
  status === 0 ? [] : [`${what}: status ${status}: ${stderr}`]

/** Creations on disks of each size, until one is large enough. @returns that one */
async function sizes(
  ground: Ground,
  bundle: string,
  options: (size: number) => string,
  failures: string[],
): Promise<number> {
  for (let size = 1; size < 100; size++) {
    const disk = new Disk(ground.bench.file('full'), options(size))
    try {
      const id = ground.bench.id()
      const answer = ground.runAt(disk.root, 'create', '--bundle', bundle, id)
      if (answer.status === 0) {
        failures.push(...fine('delete --force', ground.runAt(disk.root, 'delete', '--force', id)))
        return size
      }
      failures.push(...notFull(`create with ${options(size)}`, answer, disk.root))
      const left = [
        ...readdirSync(disk.root).filter((name) => name !== '.seccomp~'),
        ...(await ground.clean(disk.root)),
      ]
      failures.push(...left.map((what) => `create with ${options(size)} left ${what}`))
    } finally {
      disk.remove()
    }
  }
  failures.push(`create never had room with ${options(100)}`)
  return 100
}

/** All that may be done with a container whose disk became full after it was created. */
async function afterwards(ground: Ground, failures: string[]): Promise<void> {
  const disk = new Disk(ground.bench.file('full'), 'size=256k')
  const run = (...args: string[]): Ended => ground.runAt(disk.root, ...args)
  const status = (id: string): unknown => (JSON.parse(run('state', id).stdout) as { status: unknown }).status
  const expect = (id: string, wanted: string): void => {
    const found = status(id)
    if (found !== wanted) failures.push(`the container is ${String(found)} where it should be ${wanted}`)
  }
  try {
    const [first, second, other] = [ground.bench.id(), ground.bench.id(), ground.bench.id()]
    const bundle = ground.bundle()
    for (const id of [first, second]) failures.push(...fine('create', run('create', '--bundle', bundle, id)))
    disk.fill()
    failures.push(...notFull('create', run('create', '--bundle', bundle, other), disk.root))
    failures.push(...notFull('run', run('run', '--bundle', bundle, other), disk.root))
    if (readdirSync(disk.root).includes(other)) failures.push('create left its directory')
    failures.push(...fine('list', run('list')))
    // None of these keeps anything.
    failures.push(...fine('start', run('start', first)))
    expect(first, 'running')
    failures.push(...fine('exec', run('exec', first, '/bin/true')), ...fine('ps', run('ps', first)))
    // A log that cannot be written keeps nobody from working.
    failures.push(
      ...fine('state with a log there', run('--log', path.join(disk.root, '.log'), '--debug', 'state', first)),
    )
    rmSync(path.join(disk.root, '.log'), { force: true })
    // A pid file has no room there.
    const pidFile = path.join(disk.root, 'pid')
    failures.push(...notFull('exec', run('exec', '--detach', '--pid-file', pidFile, first, '/bin/pause'), disk.root))
    const count = (JSON.parse(run('ps', '--format', 'json', first).stdout) as number[]).length
    if (count !== 1) failures.push(`exec without room for its pid file left ${count - 1} processes`)
    failures.push(...fine('pause', run('pause', first)))
    expect(first, 'paused')
    failures.push(...fine('resume', run('resume', first)))
    failures.push(...limits(ground, disk, first))
    expect(first, 'running')
    failures.push(...fine('kill', run('kill', first, 'KILL')))
    await until(() => status(first) === 'stopped')
    failures.push(...fine('delete', run('delete', first)), ...fine('delete', run('delete', second)))
    // What was freed by that is taken again, so that --force is tried without any room.
    disk.empty()
    failures.push(...fine('run', run('run', '--detach', '--bundle', bundle, other)))
    disk.fill()
    failures.push(...fine('delete --force', run('delete', '--force', other)))
    disk.empty()
    const left = [...readdirSync(disk.root), ...(await ground.clean(disk.root))]
    failures.push(...left.map((what) => `left: ${what}`))
    // And with room again, all goes on.
    failures.push(...fine('run', run('run', '--bundle', ground.kinds().at(-1)!.bundle, ground.bench.id())))
  } finally {
    disk.remove()
  }
}

/** `update` has to write the state anew: where it cannot, the limits stay what they were. */
function limits(ground: Ground, disk: Disk, id: string): string[] {
  const resources = path.join(ground.dir, 'resources.json')
  const devices = [{ allow: true, type: 'c', major: 1, minor: 11, access: 'rwm' }]
  writeFileSync(resources, JSON.stringify({ devices }))
  return notFull('update', ground.runAt(disk.root, 'update', '--resources', resources, id), disk.root)
}

async function until(condition: () => boolean): Promise<void> {
  const { eventually } = await import('../integration/harness.ts')
  await eventually(condition, 'the container is stopped')
}

export async function fullDisk(ground: Ground): Promise<Report> {
  const failures: string[] = []
  const figures: Report['figures'] = {}
  if (runtime !== 'runt') {
    await afterwards(ground, failures)
    return { scenario: 'full-disk', figures, tables: [], failures }
  }
  for (const { name, bundle } of ground.kinds().slice(0, 3)) {
    const inodes = await sizes(ground, bundle, (size) => `size=1m,nr_inodes=${size}`, failures)
    const pages = await sizes(ground, bundle, (size) => `size=${size * page}`, failures)
    figures[`creations that failed, ${name}`] = inodes + pages - 2
  }
  await afterwards(ground, failures)
  return { scenario: 'full-disk', figures, tables: [], failures }
}
