/**
 * The id maps of a new user namespace, and what it takes to write them without being root. Loaded only for containers that have
 * one.
 */
import type { IdMap, ParentActions } from '../compiler/facts.ts'
import { RuntError } from '../errors.ts'
import type { Context } from './context.ts'
import { attempt, isErrno } from './failures.ts'

type IdMaps = NonNullable<ParentActions['idMaps']>

/** Where programs are looked for that config.json does not name, if the caller has no PATH. */
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** How long newuidmap(1) may take, in milliseconds. */
const patience = 20_000

/**
 * Writes both maps of process `pid`, the first in its user namespace: one write(2) each, all lines at once, user_namespaces(7).
 * Who is not root may map itself alone, and for that has to forbid setgroups(2) in the namespace; for everything else there
 * are newuidmap(1) and newgidmap(1), which look into /etc/subuid and /etc/subgid.
 * @throws RuntError at the map
 */
export async function writeIdMaps(context: Context, pid: number, maps: IdMaps): Promise<void> {
  const { host } = context
  const euid = await host.system.euid()
  const ownGroup = euid !== 0 && isAlone(maps.gid, await host.system.egid())
  if (ownGroup) {
    const origin = maps.gidOrigin
    await attempt('forbid setgroups in the user namespace', { origin }, () =>
      host.files.writeExisting(`/proc/${pid}/setgroups`, 'deny'),
    )
  }
  await writeMap(context, pid, { file: 'gid_map', tool: 'newgidmap', list: maps.gid, origin: maps.gidOrigin })
  await writeMap(context, pid, { file: 'uid_map', tool: 'newuidmap', list: maps.uid, origin: maps.uidOrigin })
}

/** Whether nobody but this user (or group) is mapped. */
function isAlone(list: readonly IdMap[], id: number): boolean {
  return list.length === 1 && list[0]?.size === 1 && list[0].hostID === id
}

interface MapFile {
  file: 'uid_map' | 'gid_map'
  tool: 'newuidmap' | 'newgidmap'
  list: readonly IdMap[]
  origin: string
}

async function writeMap(context: Context, pid: number, map: MapFile): Promise<void> {
  const { host } = context
  const { file, list, origin } = map
  const text = list.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('')
  try {
    await host.files.writeExisting(`/proc/${pid}/${file}`, text)
  } catch (error) {
    const euid = await host.system.euid()
    if (isErrno(error, 'EPERM') && euid !== 0) return useTool(context, pid, map, error)
    const hint = isErrno(error, 'EPERM')
      ? 'in a user namespace only ids can be mapped that it has itself: see /proc/self/uid_map and /proc/self/gid_map'
      : undefined
    await attempt(`map the ids of the user namespace (${file})`, { origin, hint }, () => Promise.reject(error as Error))
  }
}

async function useTool(context: Context, pid: number, { tool, list, origin }: MapFile, cause: unknown): Promise<void> {
  const { host } = context
  const path = await findProgram(context, tool)
  if (path === undefined) {
    throw new RuntError('NO_ID_TOOL', `map more than the own id: ${tool} is not in PATH`, {
      origin,
      cause,
      hint: 'install it (Debian has it in the package uidmap), or map nothing but the own id, with size 1',
    })
  }
  const args = [tool, pid, ...list.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size])].map(String)
  const { status, stderr } = await attempt(`run ${path}`, { origin }, () =>
    host.processes.runHook({ path, args, env: [], stdin: '', timeout: patience }),
  )
  if (status !== 'timeout' && status.kind === 'exited' && status.code === 0) return
  const said = stderr.trim().split('\n').at(-1) ?? ''
  const why = status === 'timeout' ? `did not end in ${patience / 1000} seconds` : said === '' ? 'failed' : said
  throw new RuntError('ID_TOOL', `map the ids of the user namespace: ${path}: ${why.replace(`${tool}: `, '')}`, {
    origin,
    hint: `a user may map the ranges that ${tool === 'newuidmap' ? '/etc/subuid' : '/etc/subgid'} gives it, and the own id`,
  })
}

/** An executable of the host. Directories that PATH does not name in full are not searched. */
async function findProgram({ host, globals }: Context, name: string): Promise<string | undefined> {
  const { PATH } = globals.env
  for (const directory of (PATH === undefined || PATH === '' ? defaultPath : PATH).split(':')) {
    if (!directory.startsWith('/')) continue
    const path = `${directory}/${name}`
    try {
      const status = await host.files.status(path)
      if (status?.type === 'file' && (status.mode & 0o111) !== 0) return path
    } catch (error) {
      if (!isErrno(error, 'EACCES', 'ELOOP', 'ENAMETOOLONG')) throw error
    }
  }
  return undefined
}
