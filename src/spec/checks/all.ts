/** All checks, in the order in which their problems are told. */
import type { Process, Spec } from '../schema.gen.ts'
import { annotations } from './annotations.ts'
import { effectiveCapabilities, unknownCapabilities } from './capabilities.ts'
import type { Check } from './check.ts'
import { deviceRules, devices } from './devices.ts'
import { hooks } from './hooks.ts'
import { intelRdt } from './intel-rdt.ts'
import { mappedIds, mappings, mappingsAndNamespace, mountMappingRanges } from './mappings.ts'
import { mountDestinations, mountMappings, mountSources, protectedDestinations } from './mounts.ts'
import { hostNames, namespaces, timeOffsets } from './namespaces.ts'
import { netDevices } from './net-devices.ts'
import { cgroupsPath, restrictedPaths } from './paths.ts'
import { args, cwd, env, processPresent, umask, userIds } from './process.ts'
import { rlimits } from './rlimits.ts'
import { root } from './root.ts'
import { execCpuAffinity, ioPriority, memoryPolicy, personality, scheduler } from './scheduling.ts'
import { seccompErrnos, seccompListener, seccompRules } from './seccomp.ts'
import { sysctl } from './sysctl.ts'
import { version } from './version.ts'

/** Of config.json, beside its process. */
export const specChecks: readonly Check<Spec>[] = [
  version,
  processPresent,
  root,
  hostNames,
  annotations,
  mountDestinations,
  protectedDestinations,
  mountSources,
  mountMappings,
  mountMappingRanges,
  hooks,
  namespaces,
  mappingsAndNamespace,
  mappings,
  mappedIds,
  timeOffsets,
  netDevices,
  intelRdt,
  devices,
  deviceRules,
  cgroupsPath,
  sysctl,
  seccompErrnos,
  seccompRules,
  seccompListener,
  restrictedPaths,
  memoryPolicy,
  personality,
]

/** Of a `process` object: config.json's, or that of `exec --process`. */
export const processChecks: readonly Check<Process>[] = [
  args,
  env,
  cwd,
  umask,
  userIds,
  rlimits,
  unknownCapabilities,
  effectiveCapabilities,
  scheduler,
  ioPriority,
  execCpuAffinity,
]
