/**
 * Classes of service of Intel Resource Director Technology: directories of the resctrl filesystem, whose files `schemata` and `tasks` say
 * what a class gets and who is in it (Documentation/arch/x86/resctrl.rst; config-linux.md#intelrdt).
 */
import { RuntError, SystemError } from '../errors.ts'
import type { Host } from '../host/host.ts'
import { codeOf, failed } from './failures.ts'
import type { IntelRdt } from '../spec/schema.gen.ts'

/** RDTGROUP_SUPER_MAGIC of linux/magic.h. */
export const resctrlMagic = 0x7655821

const origin = '/linux/intelRdt'

/** What `delete` and `exec` have to know. Paths are the host's. */
export interface SavedRdt {
  /** The class's directory. */
  group: string
  /** The class was made for this container alone, and goes with it. */
  remove: boolean
  /** The container's own directory of monitoring files, which goes with it. */
  monitor?: string | undefined
}

/** A class that the container is to be in: nothing of it is made yet. */
export interface PlacedRdt {
  saved: SavedRdt
  /** Where resctrl is mounted. */
  root: string
  /** Writes of `schemata`, in order: lines of the older fields, then those of `schemata`. */
  writes: { lines: string[]; pointer: string }[]
  /** The class has a name of its own, and must be there already. */
  mustExist: boolean
}

/**
 * Finds the class of a container; no effects.
 * @param id the container's, which is the name of the class where `closID` names none
 * @throws RuntError `NO_RESCTRL` where the filesystem is not mounted
 */
export async function placeRdt(host: Host, id: string, rdt: IntelRdt): Promise<PlacedRdt> {
  const root = await findResctrl(host)
  const name = rdt.closID ?? ''
  const group = name === '/' ? root : `${root}/${name === '' ? id : name}`
  const writes = schemata(rdt)
  const monitored = [rdt.enableMonitoring, rdt.enableCMT, rdt.enableMBM].includes(true)
  const there = (await host.files.status(group)) !== undefined
  return {
    root,
    writes,
    mustExist: name !== '' && writes.length === 0,
    saved: { group, remove: name === '' && !there, monitor: monitored ? `${group}/mon_groups/${id}` : undefined },
  }
}

/**
 * Where resctrl is mounted.
 * @throws RuntError `NO_RESCTRL`
 */
export async function findResctrl(host: Host): Promise<string> {
  const usual = '/sys/fs/resctrl'
  if ((await host.files.filesystemType(usual)) === resctrlMagic) return usual
  const mounts = (await host.files.readTextIfExists('/proc/self/mountinfo')) ?? ''
  for (const line of mounts.split('\n')) {
    const [left = '', right = ''] = line.split(' - ')
    const path = left.split(' ')[4]
    if (right.startsWith('resctrl ') && path !== undefined) return path
  }
  throw new RuntError('NO_RESCTRL', 'find the resctrl filesystem: it is not mounted', {
    origin,
    hint: 'mount -t resctrl resctrl /sys/fs/resctrl; it takes a processor with RDT and a kernel with CONFIG_X86_CPU_RESCTRL',
  })
}

/** Lines of an older field and the newer one may speak of the same resource, which one write(2) may not do twice. */
function schemata({ l3CacheSchema = '', memBwSchema = '', schemata: list = [] }: IntelRdt): PlacedRdt['writes'] {
  const lines = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '')
  const cache = lines(l3CacheSchema)
  const older = memBwSchema === '' ? cache : [...cache.filter((line) => !line.startsWith('MB:')), memBwSchema]
  return [
    { lines: older, pointer: `${origin}/${cache.length > 0 ? 'l3CacheSchema' : 'memBwSchema'}` },
    { lines: list.filter((line) => line.trim() !== ''), pointer: `${origin}/schemata` },
  ].filter((write) => write.lines.length > 0)
}

/**
 * Makes the class, unless it is there, and the monitoring group.
 * @param made is told each directory that was made
 * @throws RuntError `RDT_GROUP`, `RDT_SCHEMA`
 */
export async function makeRdt(host: Host, placed: PlacedRdt, made: (dir: string) => void): Promise<void> {
  const { saved, root, writes, mustExist } = placed
  const { group, monitor } = saved
  if (mustExist && (await host.files.status(group)) === undefined) {
    throw new RuntError('RDT_GROUP', `the class of service ${group} does not exist`, {
      origin: `${origin}/closID`,
      hint: 'make it first, or say in linux.intelRdt.schemata what it is to get',
    })
  }
  const fresh = group !== root && !mustExist && (await makeDirectory(host, root, group, 'make the class of service'))
  if (fresh) made(group)
  else {
    // Somebody else's since it was looked for.
    saved.remove = false
    for (const write of writes) if (!write.pointer.endsWith('/schemata')) await compare(host, group, write)
  }
  for (const { lines, pointer } of writes) {
    await explained(host, root, `write ${JSON.stringify(lines.join('\n'))} to ${group}/schemata`, pointer, () =>
      host.files.writeExisting(`${group}/schemata`, `${lines.join('\n')}\n`),
    )
  }
  if (monitor === undefined) return
  if (await makeDirectory(host, root, monitor, 'make the monitoring group')) made(monitor)
}

/** Other schemas for a class that is there. @throws RuntError `RDT_GROUP` */
export async function writeSchemata(host: Host, group: string, lines: string[], pointer: string): Promise<void> {
  const what = `write ${JSON.stringify(lines.join('\n'))} to ${group}/schemata`
  await explained(host, group, what, pointer, () =>
    host.files.writeExisting(`${group}/schemata`, `${lines.join('\n')}\n`),
  )
}

/** @returns false if it was there */
async function makeDirectory(host: Host, root: string, dir: string, what: string): Promise<boolean> {
  try {
    await host.files.mkdir(dir, 0o755)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    return explained(host, root, `${what} ${dir}`, origin, () => {
      throw error
    })
  }
}

/** A class that is shared keeps what it has (config-linux.md#intelrdt): every value that is asked for must be there. */
async function compare(host: Host, group: string, { lines, pointer }: PlacedRdt['writes'][number]): Promise<void> {
  const text = await explained(host, group, `read ${group}/schemata`, pointer, () =>
    host.files.readText(`${group}/schemata`),
  )
  const has = new Map(text.split('\n').map((line) => [resource(line), values(line)]))
  const other = lines.find((line) => {
    const there = has.get(resource(line))
    return [...values(line)].some(([domain, value]) => there?.get(domain) !== value)
  })
  if (other === undefined) return
  throw new RuntError('RDT_SCHEMA', `the class of service ${group} exists and has not ${other.trim()}`, {
    origin: pointer,
    hint: `see ${group}/schemata; another closID makes a class of its own`,
  })
}

/** `L3` of `L3:0=ff;1=f0`. */
function resource(line: string): string {
  return line.split(':')[0]!.trim()
}

/** By domain; zeros in front, which the kernel leaves out, and the case of digits make no difference. */
function values(line: string): Map<string, string> {
  const pairs = line
    .slice(line.indexOf(':') + 1)
    .split(';')
    .filter((pair) => pair.trim() !== '')
  return new Map(
    pairs.map((pair) => {
      const [domain = '', value = ''] = pair.split('=')
      return [
        domain.trim(),
        value
          .trim()
          .toLowerCase()
          .replace(/^0+(?=.)/, ''),
      ]
    }),
  )
}

/** Puts a process, with what it forks later, into the class and then into its monitoring group. */
export async function joinRdt(host: Host, { group, monitor }: SavedRdt, pid: number): Promise<void> {
  for (const dir of monitor === undefined ? [group] : [group, monitor]) {
    try {
      await host.files.writeExisting(`${dir}/tasks`, String(pid))
    } catch (error) {
      throw failed('RDT_GROUP', `put the process into ${dir}/tasks`, error, { origin })
    }
  }
}

/** Removes what was made for the container alone. What is gone already is fine; processes in it go to the class above. */
export async function removeRdt(host: Host, { group, remove, monitor }: SavedRdt): Promise<void> {
  if (monitor !== undefined) await removeDirectory(host, monitor)
  if (remove) await removeDirectory(host, group)
}

/** resctrl removes a directory with its files, by rmdir(2). */
export async function removeDirectory(host: Host, dir: string): Promise<void> {
  try {
    await host.files.rmdir(dir)
  } catch (error) {
    const code = codeOf(error)
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw failed('RDT_GROUP', `remove ${dir}`, error)
  }
}

/** The kernel writes down why it refused. */
async function explained<T>(
  host: Host,
  root: string,
  what: string,
  pointer: string,
  action: () => T | Promise<T>,
): Promise<T> {
  try {
    return await action()
  } catch (error) {
    const status = error instanceof SystemError ? await lastStatus(host, root) : ''
    const hint =
      codeOf(error) === 'ENOSPC' ? 'the processor has no more classes or monitors: see info/*/num_*' : undefined
    throw failed('RDT_GROUP', `${what}${status === '' ? '' : ` (${status})`}`, error, { origin: pointer, hint })
  }
}

async function lastStatus(host: Host, root: string): Promise<string> {
  const text = (await host.files.readTextIfExists(`${root}/info/last_cmd_status`)) ?? ''
  return text.trim() === 'ok' ? '' : text.trim().replaceAll('\n', '; ')
}
