/** linux.namespaces (config-linux.md#namespaces): new ones, joined ones, and the order in which init gets into them. */
import { clone, join, signal } from '../plan/kernel.ts'
import type { Register } from '../plan/fields.ts'
import { ownOrigin, type PlanBuilder } from '../plan/plan.ts'
import { syncPoint } from '../plan/sync.ts'
import { capabilityNames } from '../spec/names.ts'
import type { Namespace, NamespaceType, Process, Spec } from '../spec/schema.gen.ts'
import type { CreateFacts } from './facts.ts'

const flagOf: Readonly<Record<NamespaceType, number>> = {
  pid: clone.NEWPID,
  network: clone.NEWNET,
  mount: clone.NEWNS,
  ipc: clone.NEWIPC,
  uts: clone.NEWUTS,
  user: clone.NEWUSER,
  cgroup: clone.NEWCGROUP,
  time: clone.NEWTIME,
}

interface Member {
  type: NamespaceType
  flag: number
  origin: string
  path: string | undefined
}

export type Membership = 'new' | 'joined' | 'none'

export class Namespaces {
  private readonly members: readonly Member[]

  constructor(list: readonly Namespace[]) {
    this.members = list.map(({ type, path }, index) => {
      const origin = `/linux/namespaces/${index}`
      return { type, flag: flagOf[type], origin: path === undefined ? origin : `${origin}/path`, path }
    })
  }

  /** How the container has a namespace of this type; `none` is the runtime's own. */
  membership(type: NamespaceType): Membership {
    const member = this.members.find((candidate) => candidate.type === type)
    return member === undefined ? 'none' : member.path === undefined ? 'new' : 'joined'
  }

  origin(type: NamespaceType): string {
    return this.members.find((member) => member.type === type)?.origin ?? ownOrigin
  }

  /** Of the one of this type that is joined. */
  path(type: NamespaceType): string | undefined {
    return this.members.find((member) => member.type === type)?.path
  }

  /** CLONE_NEW* of all, new and joined. */
  get flags(): number {
    return this.members.reduce((flags, { flag }) => flags | flag, 0)
  }

  /** CLONE_NEW* of the new ones that are made together with the process. */
  private get created(): number {
    const made = this.members.reduce((flags, { flag, path }) => (path === undefined ? flags | flag : flags), 0)
    return made & ~(clone.NEWCGROUP | clone.NEWTIME)
  }

  /** Declares the namespaces to join as inputs of the plan, so that they are opened on the host. */
  declare(plan: PlanBuilder): Joins {
    return this.members.flatMap(({ type, flag, origin, path }) => {
      if (path === undefined) return []
      const source = { kind: 'path', path, flags: 'readOnly' } as const
      return [{ flag, origin, fd: plan.input(`${type} namespace`, origin, source) }]
    })
  }

  /**
   * Gets init into all namespaces but a new cgroup namespace, which shows the cgroup of who makes it: with
   * CLONE_INTO_CGROUP and CLONE_NEWCGROUP at once, the parent's.
   *
   * Usually clone3 makes the new ones, and setns(2) joins the others. But a pid namespace can only be joined by a child; a
   * user namespace has to be there before the new namespaces that it is to own; and execve(2) of init in a new user
   * namespace, which has no root yet, would take its capabilities away. Then all is joined first, and init goes on in a
   * second process, made in the new namespaces.
   *
   * Nor can a process be cloned into a new time namespace whose clocks are to be set: it takes its offsets only while nobody
   * is in it, time_namespaces(7). So it is made for children, then set, and the next process is in it.
   *
   * @param setTime a new time namespace has offsets, which are set at `syncPoint.timeNamespace`
   * @param hide init was not hidden yet, and has to be before it shows up in namespaces of others
   */
  add(plan: PlanBuilder, joins: Joins, { setTime, hide }: { setTime: boolean; hide: boolean }): void {
    const user = joins.find(({ flag }) => flag === clone.NEWUSER)
    const pid = joins.find(({ flag }) => flag === clone.NEWPID)
    const others = joins.filter(({ flag }) => flag !== clone.NEWUSER)
    const newUser = this.members.find(({ type, path }) => type === 'user' && path === undefined)
    const newTime = this.members.find(({ type, path }) => type === 'time' && path === undefined)
    const before = user ?? newUser ?? pid ?? newTime
    if (before === undefined) {
      plan.plan.cloneFlags = this.created
      for (const { fd, flag, origin } of joins) plan.add('setns', origin, { fd, type: flag, mode: join.must })
      return
    }
    // As the host's root first: a namespace that the user namespace does not own can only be joined now. One that it
    // does own may need its root: those that the kernel refuses are tried again inside.
    const mode = user === undefined ? join.must : join.try
    for (const { fd, flag, origin } of others) plan.add('setns', origin, { fd, type: flag, mode })
    if (user !== undefined) {
      plan.add('setns', user.origin, { fd: user.fd, type: clone.NEWUSER, mode: join.must })
      for (const { fd, flag, origin } of others) plan.add('setns', origin, { fd, type: flag, mode: join.ifKept })
    }
    let { created } = this
    if (newTime !== undefined) {
      // Who is to own it comes first.
      if (newUser !== undefined) plan.add('fork', newUser.origin, { flags: clone.NEWUSER })
      created &= ~clone.NEWUSER
      plan.add('unshare', newTime.origin, { flags: clone.NEWTIME })
      if (setTime) plan.add('sync', '/linux/timeOffsets', { point: syncPoint.timeNamespace })
    }
    if (hide && newUser === undefined) plan.add('notDumpable', ownOrigin, {})
    plan.add('fork', before.origin, { flags: created })
  }
}

/** CLONE_NEW* of every namespace that the configuration names, new or joined: what `exec` joins. */
export function namespaceFlags(spec: Spec): number {
  return new Namespaces(spec.linux?.namespaces ?? []).flags
}

/** The names in /proc/PID/ns of those. */
export function namespaceNames(flags: number): string[] {
  return Object.entries(namespaceFiles).flatMap(([type, name]) =>
    (flags & clone[type as keyof typeof clone]) === 0 ? [] : [name],
  )
}

const namespaceFiles: Readonly<Record<keyof typeof clone, string>> = {
  NEWUSER: 'user',
  NEWNS: 'mnt',
  NEWPID: 'pid',
  NEWNET: 'net',
  NEWIPC: 'ipc',
  NEWUTS: 'uts',
  NEWCGROUP: 'cgroup',
  NEWTIME: 'time',
}

export type Joins = readonly { flag: number; origin: string; fd: Register }[]

/**
 * First of all steps: an init that is left alone ends, and nobody looks into one at work (CVE-2016-9962).
 *
 * A caller who is not root could then not look into it either, nor write its files in /proc: what it has to write there, it
 * writes before.
 *
 * @param mapsLater that includes id maps and clocks, so that init is hidden later
 * @returns the sync point at which the OOM score has to be set, if it cannot wait
 */
export function addBeginning(
  plan: PlanBuilder,
  { euid, attached }: Pick<CreateFacts, 'euid' | 'attached'>,
  { oomScoreAdj }: Process,
  mapsLater: boolean,
): number | undefined {
  plan.add('dieWithParent', ownOrigin, { signal: signal.KILL })
  // Modes of files and nodes are meant as they are given; the program gets its own mask in the end.
  plan.add('umask', ownOrigin, { mask: 0 })
  const point = euid !== 0 && oomScoreAdj !== undefined ? syncPoint.begun : undefined
  if (point !== undefined) plan.add('sync', '/process/oomScoreAdj', { point })
  else if (attached === true) plan.add('sync', '/linux/cgroupsPath', { point: syncPoint.begun })
  if (euid === 0 || !mapsLater) plan.add('notDumpable', ownOrigin, {})
  return point
}

/** Of linux/capability.h. */
const setgid = 1n << BigInt(capabilityNames.indexOf('CAP_SETGID'))

/**
 * Before a user namespace is joined that others made: where it forbids setgroups(2), the caller's groups could not be left any more,
 * and would be the container's. Who has not the right to leave them here keeps them, as the namespace's maker does.
 */
export function addDropGroups(
  plan: PlanBuilder,
  origin: string,
  { euid, inUserNamespace, permitted }: Pick<CreateFacts, 'euid' | 'inUserNamespace' | 'permitted'>,
): void {
  if (euid !== 0 || inUserNamespace === true || (permitted !== undefined && (permitted & setgid) === 0n)) return
  plan.add('dropGroups', origin, {})
}

/** Becomes root of the user namespace just entered; where that has none, the program's user. */
export function addBecomeRoot(plan: PlanBuilder, origin: string, { user }: Process, keepGroups: boolean): void {
  plan.add('becomeRoot', origin, { uid: user?.uid ?? 0, gid: user?.gid ?? 0, keep: keepGroups ? 1 : 0 })
}

/** A session keyring of the container's own: keys of the caller stay outside. */
export function addKeyring(plan: PlanBuilder, name: string | undefined): void {
  if (name !== undefined) plan.add('joinSessionKeyring', ownOrigin, { name })
}
