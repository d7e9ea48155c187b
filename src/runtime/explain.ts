/** `explain`: what `create` would do with a bundle. Reads the bundle and nothing else that needs a privilege; has no effects. */
import { compileCreate } from '../compiler/create.ts'
import type { Compiled } from '../compiler/facts.ts'
import { explainJson, explainPlan, type SurroundingLine } from '../plan/explain.ts'
import type { Spec } from '../spec/schema.gen.ts'
import { invalidConfig, loadBundle, locate, type Bundle } from './bundle.ts'
import { cgroupDir, placeCgroup, type PlacedCgroup } from './cgroup.ts'
import { notifyDirectory, stateDir, type Context } from './context.ts'
import { checkId } from './id.ts'
import { layersOf, mountFacts } from './mount-facts.ts'
import { kernelMounts } from './procfs.ts'
import { prepareFilter } from './seccomp.ts'

/** What `explain` is asked. */
export interface ExplainRequest {
  /** Stands for the container's id in names; default `ID`. */
  id?: string | undefined
  bundle?: string | undefined
  config?: string | undefined
  noPivot?: boolean | undefined
  noNewKeyring?: boolean | undefined
  /** As in CreateRequest. */
  tmpfsUpper?: boolean | undefined
  json?: boolean | undefined
}

/**
 * What `create` would do with a bundle, step by step. Does nothing, and needs no root.
 * @returns the plan as text, or as JSON
 * @throws InvalidConfigError with every problem of the configuration
 */
export async function explain(request: ExplainRequest, context: Context): Promise<string> {
  const id = request.id ?? 'ID'
  checkId(id)
  const bundle = await loadBundle(context, request)
  if (request.tmpfsUpper === true) (await import('./layers.ts')).withTmpfsUpper(bundle.spec)
  const cgroup = await place(context, bundle, id)
  const compiled = await compile(context, request, bundle, id, cgroup)
  for (const warning of [...bundle.warnings, ...compiled.warnings]) await context.log?.warn(warning)
  if (request.json === true) return `${JSON.stringify(asJson(bundle, cgroup, compiled), null, 2)}\n`
  return asText(bundle, cgroup, compiled)
}

/** On a machine where the cgroup's place cannot be found, one stands in for it. */
async function place(context: Context, bundle: Bundle, id: string): Promise<PlacedCgroup | undefined> {
  let placed
  try {
    placed = await placeCgroup(context, bundle.spec, id)
  } catch (error) {
    await context.log?.warn(
      `${error instanceof Error ? error.message : String(error)}: the plan assumes /sys/fs/cgroup`,
    )
    return {
      saved: { manager: 'cgroupfs', root: '/sys/fs/cgroup', path: `/${id}` },
      writes: [],
      devices: { program: new Uint8Array(), allowsAll: true },
    }
  }
  if (placed !== undefined && placed.problems.length > 0)
    throw await invalidConfig(bundle.file, bundle.text, placed.problems)
  for (const warning of placed?.warnings ?? []) await context.log?.warn(warning)
  return placed?.cgroup
}

async function compile(
  context: Context,
  request: ExplainRequest,
  bundle: Bundle,
  id: string,
  cgroup: PlacedCgroup | undefined,
): Promise<Compiled> {
  const { hooks } = bundle.spec
  try {
    return compileCreate(bundle.spec, {
      id,
      bundle: bundle.dir,
      root: (await layersOf(context, bundle, id))?.root,
      cgroupDir: cgroup && cgroupDir(cgroup.saved),
      cgroupRoot: cgroup?.saved.root,
      ...(await mountFacts(context.host, bundle, stateDir(context.globals, id))),
      noPivot: request.noPivot,
      kernelMounts: request.noPivot === true ? await kernelMounts(context.host) : undefined,
      keyring: request.noNewKeyring === true ? undefined : `_ses.${id}.RANDOM`,
      hookEnvironment: hooks && (await import('./hooks.ts')).hookEnvironment(context, hooks),
      notify: notifyDirectory(context.globals, id),
      seccomp: (await prepareFilter(context, bundle.spec, bundle.text))?.facts,
      // What root would get: containers without root are not made.
      euid: 0,
    })
  } catch (error) {
    throw await locate(error, bundle.file, bundle.text)
  }
}

function asJson(bundle: Bundle, cgroup: PlacedCgroup | undefined, compiled: Compiled) {
  const parent = compiled.parent
  return {
    bundle: bundle.dir,
    cgroup: cgroup && {
      path: cgroupDir(cgroup.saved),
      writes: cgroup.writes.map(({ file, value, pointer }) => ({ file, value, origin: pointer })),
      deviceFilter: !cgroup.devices.allowsAll,
    },
    parent: {
      idMaps: parent.idMaps,
      oomScoreAdj: parent.oomScoreAdj,
      netDevices: parent.netDevices,
      seccompListener: parent.listener,
      rlimits: parent.rlimits.map(({ soft, hard, ...rest }) => ({ ...rest, soft: String(soft), hard: String(hard) })),
    },
    ...explainJson(compiled.plan),
  }
}

function asText(bundle: Bundle, cgroup: PlacedCgroup | undefined, compiled: Compiled): string {
  const meanwhile = [...parentLines(compiled.parent), ...hookLines(bundle.spec)]
  return explainPlan(compiled.plan, cgroupLines(cgroup), meanwhile)
}

/** Hooks that runt runs itself: those in the container's namespaces are steps. */
function hookLines({ hooks }: Spec): SurroundingLine[] {
  return (['prestart', 'createRuntime', 'poststart', 'poststop'] as const).flatMap((event) =>
    (hooks?.[event] ?? []).map(({ path, args }, index) => ({
      origin: `/hooks/${event}/${index}`,
      text: ['run', path, ...(args ?? []).slice(1)].join(' '),
    })),
  )
}

function cgroupLines(cgroup: PlacedCgroup | undefined): SurroundingLine[] {
  if (cgroup === undefined) return []
  const lines: SurroundingLine[] = [{ origin: '/linux/cgroupsPath', text: `mkdir ${cgroupDir(cgroup.saved)}` }]
  for (const { file, value, pointer } of cgroup.writes) lines.push({ origin: pointer, text: `write ${file} ${value}` })
  if (!cgroup.devices.allowsAll)
    lines.push({ origin: '/linux/resources/devices', text: 'device filter', calls: 'bpf(BPF_CGROUP_DEVICE)' })
  return lines
}

/** What runt itself does for init while that waits. */
function parentLines(parent: Compiled['parent']): SurroundingLine[] {
  const { idMaps, oomScoreAdj, delegate, netDevices, scheduler, ioPriority, listener, rlimits } = parent
  const lines: SurroundingLine[] = []
  const map = (list: readonly { containerID: number; hostID: number; size: number }[]) =>
    list.map((entry) => `${entry.containerID} ${entry.hostID} ${entry.size}`).join(', ')
  if (idMaps !== undefined) {
    lines.push({ origin: idMaps.uidOrigin, text: `write /proc/PID/uid_map ${map(idMaps.uid)}` })
    lines.push({ origin: idMaps.gidOrigin, text: `write /proc/PID/gid_map ${map(idMaps.gid)}` })
  }
  if (oomScoreAdj !== undefined)
    lines.push({ origin: oomScoreAdj.origin, text: `write /proc/PID/oom_score_adj ${oomScoreAdj.value}` })
  if (delegate !== undefined)
    lines.push({ origin: delegate.origin, text: `give the cgroup to user ${delegate.uid}`, calls: 'fchownat' })
  for (const { from, to, origin } of netDevices ?? [])
    lines.push({ origin, text: `move network device ${from} to the container as ${to}`, calls: 'rtnetlink' })
  if (ioPriority !== undefined) {
    const { ioClass, priority } = ioPriority
    lines.push({ origin: '/process/ioPriority', text: `I/O class ${ioClass}, ${priority}`, calls: 'ioprio_set' })
  }
  if (scheduler !== undefined)
    lines.push({ origin: '/process/scheduler', text: `policy ${scheduler.policy}`, calls: 'sched_setattr' })
  if (listener !== undefined) {
    const text = `send the seccomp listener to ${listener.path}`
    lines.push({ origin: '/linux/seccomp/listenerPath', text, calls: 'pidfd_getfd, sendmsg' })
  }
  for (const { resource, soft, hard, origin } of rlimits)
    lines.push({ origin, text: `limit ${resource} to ${soft}, ${hard}`, calls: 'prlimit64' })
  return lines
}
