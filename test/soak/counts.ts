/** What the machine has of everything that a container is made of, and whether it becomes more. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statfsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { quantile, rounded } from '../../bench/statistics.ts'

/** Something that is counted. */
export interface Count {
  readonly name: string
  /** Nobody else has any of it: what there was before must be all that is there afterwards. Else others of the machine count too. */
  readonly own: boolean
  /** Of what others do not make much of in a short time: judged in a short form too. */
  readonly quiet?: boolean
  /** How much more a cycle may make it, others included: for what is not `own`. */
  readonly perCycle: number
  /** undefined: this kernel does not tell. */
  readonly read: () => number | undefined
}

const programs = fileURLToPath(new URL('../integration/programs.py', import.meta.url))

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** The n-th number of a file. */
function numberIn(file: string, index = 0): number | undefined {
  const text = textOf(file)?.trim().split(/\s+/)[index]
  return text === undefined ? undefined : Number(text)
}

/** The number behind a name, in a file of lines such as `name: number` or `name number`. */
function named(file: string, name: string): number | undefined {
  const text = textOf(file)
  const found = text && new RegExp(`^${name}:?\\s+(\\d+)`, 'm').exec(text)?.[1]
  return found === undefined || found === '' ? undefined : Number(found)
}

/** Objects of a kind that the kernel has allocated: /proc/slabinfo, where kinds of one size may be counted under one name. */
const slab = (name: string, what: string): Count => ({
  name: what,
  own: false,
  perCycle: 0.1,
  read: () => named('/proc/slabinfo', name),
})

/** Memory that no program gives back by ending, in KiB: what the kernel keeps for itself. */
function kernelMemory(): number | undefined {
  const parts = ['SUnreclaim', 'KernelStack', 'PageTables', 'Percpu'].map((name) => named('/proc/meminfo', name))
  return parts.reduce((sum: number | undefined, part) => (part === undefined ? sum : (sum ?? 0) + part), undefined)
}

function programsOfBpf(): number | undefined {
  const { status, stdout } = spawnSync('python3', [programs], { encoding: 'utf8' })
  return status === 0 ? lines(stdout).length : undefined
}

/** Keys of all users: /proc/key-users, "uid: usage nkeys/nikeys …". */
function keys(): number | undefined {
  const text = textOf('/proc/key-users')
  return text === undefined
    ? undefined
    : lines(text).reduce((sum, line) => sum + Number(/:\s+\d+\s+(\d+)\//.exec(line)?.[1] ?? 0), 0)
}

/**
 * @param dir a tmpfs of nobody else's, with all states and bundles
 * @param prefix of the names of the containers
 */
export function countsOf(dir: string, prefix: string): Count[] {
  const own = (name: string, read: Count['read']): Count => ({ name, own: true, perCycle: 0, read })
  const shared = (name: string, read: Count['read'], perCycle = 0.1): Count => ({
    ...{ name, own: false, quiet: true, perCycle, read },
  })
  return [
    own('processes (of the pid namespace)', () => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length),
    own('mounts (of the mount namespace)', () => lines(textOf('/proc/self/mountinfo') ?? '').length),
    own('inodes (of states and bundles)', () => {
      const { files, ffree } = statfsSync(dir)
      return files - ffree
    }),
    own('blocks (of states and bundles)', () => {
      const { blocks, bfree } = statfsSync(dir)
      return blocks - bfree
    }),
    own(
      'cgroups (of containers)',
      () => readdirSync('/sys/fs/cgroup').filter((name) => name.startsWith(prefix)).length,
    ),
    { name: 'open files', own: false, perCycle: 0.1, read: () => numberIn('/proc/sys/fs/file-nr') },
    shared('cgroups that are going', () => named('/sys/fs/cgroup/cgroup.stat', 'nr_dying_descendants')),
    shared('programs of BPF', programsOfBpf),
    shared('keys', keys),
    slab('mnt_cache', 'mounts'),
    slab('task_struct', 'tasks'),
    slab('nsproxy', 'sets of namespaces'),
    slab('net_namespace', 'network namespaces'),
    slab('pid_namespace', 'pid namespaces'),
    slab('user_namespace', 'user namespaces'),
    slab('mqueue_inode_cache', 'inodes of message queues'),
    slab('shmem_inode_cache', 'inodes of tmpfs'),
    slab('kernfs_node_cache', 'inodes of cgroups and sysfs'),
    slab('sock_inode_cache', 'sockets'),
    { name: 'memory of the kernel (KiB)', own: false, perCycle: 1, read: kernelMemory },
  ]
}

/** What was counted after so many cycles. */
export interface Sample {
  readonly at: number
  readonly values: readonly (number | undefined)[]
}

export const sample = (counts: readonly Count[], at: number): Sample => ({
  at,
  values: counts.map(({ read }) => read()),
})

/** Counts until there is no more of anything than before but what others may make, for a few seconds. */
export async function settled(counts: readonly Count[], at: number, before: Sample): Promise<Sample> {
  const end = Date.now() + 5000
  for (;;) {
    const now = sample(counts, at)
    const over = counts.some(({ own, quiet }, index) => {
      return (own || quiet === true) && (now.values[index] ?? 0) > (before.values[index] ?? 0)
    })
    if (!over || Date.now() > end) return now
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

/**
 * The median of the slopes between all pairs of points (Theil and Sen): what others do for a while, and what grows only until
 * caches are full, moves it little.
 */
export function slope(points: readonly (readonly [at: number, value: number])[]): number {
  const slopes: number[] = []
  for (const [index, [at, value]] of points.entries()) {
    for (const [from, earlier] of points.slice(0, index)) if (at > from) slopes.push((value - earlier) / (at - from))
  }
  return slopes.length === 0
    ? 0
    : rounded(
        quantile(
          slopes.sort((a, b) => a - b),
          0.5,
        ),
      )
}

/** Whether the medians of so many parts of a course rise from each to the next: what others do comes and goes. */
function rises(points: readonly (readonly [at: number, value: number])[], parts = 5): boolean {
  const medians = Array.from({ length: parts }, (_, part) => {
    const [from, to] = [part, part + 1].map((edge) => Math.floor((points.length * edge) / parts))
    const sorted = points.slice(from, to).map(([, value]) => value)
    return sorted.length === 0
      ? -Infinity
      : quantile(
          sorted.sort((a, b) => a - b),
          0.5,
        )
  })
  return medians.every((median, part) => part === 0 || median > medians[part - 1]!)
}

/** How something went over all cycles. */
export interface Course {
  name: string
  own: boolean
  before: number
  /** The most of all samples. */
  most: number
  after: number
  perCycle: number
  /** Whether that is judged: own counts always. */
  judged: boolean
  flat: boolean
}

/** Cycles from which on slopes of what others use much of are judged. */
const longRun = 1000

/**
 * @param samples the first before any cycle, the last after all and settled
 */
export function courses(counts: readonly Count[], samples: readonly Sample[]): Course[] {
  const last = samples.at(-1)!.at
  return counts.flatMap(({ name, own, quiet, perCycle }, index): Course[] => {
    const points = samples.flatMap(({ at, values }) => {
      const value = values[index]
      return value === undefined ? [] : [[at, value] as const]
    })
    if (points.length < 3) return []
    const values = points.map(([, value]) => value)
    const [before, after] = [values[0]!, values.at(-1)!]
    // The first cycles fill caches, and the last sample has rested.
    const late = points.filter(([at], place) => at >= last / 10 && place < points.length - 1)
    const grown = slope(late)
    const judged = own || last >= longRun || quiet === true
    const limit = last >= longRun ? perCycle : 5 * perCycle
    const flat = own ? after <= before && grown <= 0.01 : grown <= limit || !rises(late)
    return [{ name, own, before, most: Math.max(...values), after, perCycle: grown, judged, flat }]
  })
}
