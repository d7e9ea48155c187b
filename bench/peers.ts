/** Whom the benchmark compares: to add one, add a row to `candidates`. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import path from 'node:path'

/** A runtime that takes part. */
export interface Peer {
  /** What tables and pictures call it, such as `runc 1.3.6`. */
  readonly name: string
  readonly family: 'runt' | 'runc' | 'crun'
  readonly version: string
  /** The command line that arguments follow. */
  readonly command: readonly string[]
  /** Where it runs: in the driver's own mount namespace, or in one where `usr` is /usr. */
  readonly usr?: string
  /** It takes part only in the scenarios that say so. */
  readonly extra: boolean
  /** What has to be known to read its figures. */
  readonly note?: string
}

interface Candidate {
  readonly family: Peer['family']
  readonly program: string
  /** The ways to call the program, of which the first is taken that can run a container here. */
  readonly ways: readonly (readonly string[])[]
  /** Of Debian's newest suite. */
  readonly newest?: boolean
  readonly extra?: string
}

const noCgroups = '--cgroup-manager=disabled'
const crunWays = [['--cgroup-manager=cgroupfs'], [noCgroups]]
const candidates: readonly Candidate[] = [
  { family: 'runt', program: path.resolve('dist/bin/runt'), ways: [[]] },
  { family: 'runt', program: process.execPath, ways: [[path.resolve('dist/cli.js')]], extra: ' on Node' },
  { family: 'runc', program: 'runc', ways: [[]] },
  { family: 'runc', program: 'runc', ways: [[]], newest: true },
  { family: 'crun', program: 'crun', ways: crunWays },
  { family: 'crun', program: 'crun', ways: crunWays, newest: true },
]

/** A program's path, seen from where `usr` is /usr. */
function find(program: string, usr: string): string | undefined {
  if (path.isAbsolute(program)) return program
  const folder = ['local/sbin', 'local/bin', 'sbin', 'bin'].find((name) => {
    try {
      accessSync(path.join(usr, name, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  return folder === undefined ? undefined : path.join('/usr', folder, program)
}

/** The /usr that has the newest runc and crun with their libraries; undefined where it cannot be had. */
function newestUsr(): string | undefined {
  const { status, stdout, stderr } = spawnSync('test/vm/newest.sh', ['runtimes'], { encoding: 'utf8' })
  if (status === 0) return path.join(stdout.trim(), 'usr')
  console.error(`bench: without Debian's newest runc and crun: ${stderr.trim().split('\n').at(-1) ?? ''}`)
  return undefined
}

/** Runs a peer's command where it runs. */
export function runOnce(peer: Pick<Peer, 'usr' | 'command'>, args: readonly string[]): { ok: boolean; text: string } {
  const inside = ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', 'mount --bind "$0" /usr && exec "$@"']
  const [program, ...rest] = [...(peer.usr === undefined ? [] : [...inside, peer.usr]), ...peer.command, ...args]
  const { status, stdout, stderr } = spawnSync(program!, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  return { ok: status === 0, text: stdout + stderr }
}

/**
 * The peers that can be had here, runt first; the user hears of those left out.
 * @param newest whether those of Debian's newest suite take part
 * @param works whether a peer can run a container; each way to call a program is tried in turn
 */
export function findPeers(newest: boolean, works: (peer: Peer) => boolean): Peer[] {
  const folder = newest ? newestUsr() : undefined
  return candidates.flatMap((candidate): Peer[] => {
    const { family, extra } = candidate
    if (candidate.newest === true && folder === undefined) return []
    const usr = candidate.newest === true ? { usr: folder! } : {}
    const program = find(candidate.program, usr.usr ?? '/usr')
    for (const way of program === undefined ? [] : candidate.ways) {
      const command = [program!, ...way]
      const { ok, text } = runOnce({ command, ...usr }, ['--version'])
      const version = /version (\d+(?:\.\d+)*)/.exec(text)?.[1]
      if (!ok || version === undefined) continue
      const peer: Peer = {
        name: family === 'runt' ? `runt${extra ?? ''}` : `${family} ${version}`,
        family,
        version,
        command,
        ...usr,
        extra: extra !== undefined,
        ...(way.includes(noCgroups) && { note: 'without cgroups' }),
      }
      if (works(peer)) return [peer]
    }
    console.error(`bench: no ${candidate.newest === true ? 'newest ' : ''}${candidate.family} that runs here, left out`)
    return []
  })
}
