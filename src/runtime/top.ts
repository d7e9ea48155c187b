/** `top`: what all containers of a state root use, as rates between two looks. */
import { readStats, type CgroupStats } from '../cgroups/stats.ts'
import { RuntError, SystemError } from '../errors.ts'
import { listOf, maxCpus } from '../spec/lists.ts'
import { cgroupDir } from './cgroup.ts'
import { stateDir, type Context } from './context.ts'
import { checkId } from './id.ts'
import { deriveStatus, type Status } from './status.ts'
import { listIds, loadState, readState } from './store.ts'

/** What a container uses. Undefined is what cannot be told: without a controller or a cgroup, and rates at the first look. */
export interface Usage {
  id: string
  status: Status
  /** Of its init; 0 if it is stopped. */
  pid: number
  /** Processor time in percent of one processor. */
  cpu?: number | undefined
  /** Bytes. */
  memory?:
    | {
        /** In use, without the cache of files that were not used lately, which the kernel gives back at no cost. */
        used: number
        /** In use, all. */
        total: number
        /** At most; undefined: no limit. */
        limit?: number | undefined
      }
    | undefined
  pids?: { current: number; limit?: number | undefined } | undefined
  /** Bytes a second from all block devices, and to them. */
  io?: { read: number; write: number } | undefined
  /** Percent of the last ten seconds in which at least one task waited for the resource. */
  pressure: { cpu?: number | undefined; memory?: number | undefined; io?: number | undefined }
}

interface Look {
  /** Of init, which tells a container from an earlier one of the same name. */
  startTime: number
  /** Milliseconds of the monotonic clock. */
  time: number
  cpu: bigint
  read: bigint
  write: bigint
}

/** Looks at containers again and again. */
export class Sampler {
  private readonly context: Context
  private readonly ids: readonly string[]
  private looks = new Map<string, Look>()

  /**
   * @param ids those to look at; none: all that there are at each look
   */
  constructor(context: Context, ids: readonly string[]) {
    this.context = context
    this.ids = ids
  }

  /** @throws StateError `NOT_FOUND` if one of the ids is no container's */
  async check(): Promise<void> {
    for (const id of this.ids) await loadState(this.context, id)
  }

  /** What the containers use now, in the order of the ids. What is being made or removed meanwhile is left out. */
  async look(): Promise<Usage[]> {
    const ids = this.ids.length > 0 ? [...new Set(this.ids)] : await listIds(this.context)
    const before = this.looks
    this.looks = new Map()
    const result: Usage[] = []
    for (const id of ids) {
      try {
        const usage = await this.lookAt(id, before.get(id))
        if (usage !== undefined) result.push(usage)
      } catch (error) {
        // A state that is damaged, or gone while it was read: `list` tells.
        if (!(error instanceof RuntError || error instanceof SystemError)) throw error
      }
    }
    return result
  }

  private async lookAt(id: string, before: Look | undefined): Promise<Usage | undefined> {
    const { host, globals } = this.context
    checkId(id)
    const dir = stateDir(globals, id)
    const state = await readState(host, dir)
    if (state === undefined) return undefined
    const status = await deriveStatus(host, dir, state)
    const idle: Usage = { id, status, pid: status === 'stopped' ? 0 : state.pid, pressure: {} }
    if (state.cgroup === undefined || status === 'stopped' || status === 'creating') return idle
    const time = await host.system.monotonic()
    const stats = await readStats(host, cgroupDir(state.cgroup), { hugetlb: false })
    if (stats === undefined) return idle
    const look = { startTime: state.startTime, time, cpu: stats.cpu.usage, ...traffic(stats) }
    this.looks.set(id, look)
    return { ...idle, ...amounts(stats), ...(before && rates(before, look, stats.io !== undefined)) }
  }
}

function traffic({ io = [] }: CgroupStats): { read: bigint; write: bigint } {
  let [read, write] = [0n, 0n]
  for (const { readBytes, writeBytes } of io) [read, write] = [read + readBytes, write + writeBytes]
  return { read, write }
}

function amounts({ memory, pids, pressure }: CgroupStats): Pick<Usage, 'memory' | 'pids' | 'pressure'> {
  const number = (value: bigint | undefined): number | undefined => (value === undefined ? undefined : Number(value))
  const cache = memory?.stat.inactive_file ?? 0n
  return {
    memory: memory && {
      used: Number(memory.usage > cache ? memory.usage - cache : 0n),
      total: Number(memory.usage),
      limit: number(memory.limit),
    },
    pids: { current: Number(pids.current), limit: number(pids.limit) },
    pressure: {
      cpu: pressure.cpu?.some.avg10,
      memory: pressure.memory?.some.avg10,
      io: pressure.io?.some.avg10,
    },
  }
}

function rates(before: Look, now: Look, hasIo: boolean): Pick<Usage, 'cpu' | 'io'> {
  const ms = now.time - before.time
  if (before.startTime !== now.startTime || ms <= 0) return {}
  const rate = (from: bigint, to: bigint): number => (to > from ? (Number(to - from) / ms) * 1000 : 0)
  return {
    // Microseconds a second; 10,000 are a percent.
    cpu: rate(before.cpu, now.cpu) / 10_000,
    ...(hasIo && { io: { read: rate(before.read, now.read), write: rate(before.write, now.write) } }),
  }
}

/** How many processors this machine has in use. */
export async function processors({ host }: Context): Promise<number> {
  const text = (await host.files.readTextIfExists('/sys/devices/system/cpu/online')) ?? ''
  return Math.max(1, listOf(text.trim(), maxCpus).length)
}
