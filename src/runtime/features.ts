/**
 * `features`: what runt carries out, as the features document of the specification (features.md, features-linux.md).
 * Nothing is listed here twice: the names come from the tables by which configurations are checked and compiled.
 */
import { knobs } from '../cgroups/knobs.ts'
import { annotationPrefix } from '../cgroups/systemd/properties.ts'
import { knownMountOptions } from '../rootfs/options.ts'
import { keepOriginalGroups, mountContextType } from '../spec/annotations.ts'
import { specVersion } from '../spec/default.ts'
import { objects, values } from '../spec/fields.gen.ts'
import { capabilityNames } from '../spec/names.ts'
import { isSupported } from '../spec/supported.ts'
import { commit, version } from './version.ts'

/** features.md. A field that is absent says nothing, which is not the same as false or an empty list. */
export interface Features {
  ociVersionMin: string
  ociVersionMax: string
  hooks: readonly string[]
  mountOptions: readonly string[]
  linux: LinuxFeatures
  annotations: Readonly<Record<string, string>>
  /** Annotations of config.json that change what runt does; one that ends with a dot stands for all that begin with it. */
  potentiallyUnsafeConfigAnnotations: readonly string[]
}

/** Whether something is carried out. */
export interface Enabled {
  enabled: boolean
}

/** features-linux.md. */
export interface LinuxFeatures {
  namespaces: readonly string[]
  capabilities: readonly string[]
  cgroup: { v1: boolean; v2: boolean; systemd: boolean; systemdUser: boolean; rdma: boolean }
  seccomp: Enabled & {
    actions?: readonly string[]
    operators?: readonly string[]
    archs?: readonly string[]
    /** Of seccomp(2), recognized. */
    knownFlags?: readonly string[]
    /** Of those, the ones that are passed on to the kernel. */
    supportedFlags?: readonly string[]
  }
  apparmor: Enabled
  selinux: Enabled
  intelRdt: Enabled & { schemata: boolean; monitoring: boolean }
  memoryPolicy?: { modes: readonly string[]; flags: readonly string[] }
  mountExtensions: { idmap: Enabled }
  netDevices: Enabled
}

/** The features document. It tells of runt alone: neither of the kernel, nor of what the caller may do. */
export function features(): Features {
  return {
    // checks/version.ts takes every version of one major.
    ociVersionMin: '1.0.0',
    ociVersionMax: specVersion,
    hooks: isSupported('/hooks')
      ? Object.keys(objects.Hooks ?? {}).filter((name) => isSupported(`/hooks/${name}`))
      : [],
    mountOptions: knownMountOptions(),
    linux: linux(),
    annotations: {
      'com.npmjs.runt-oci.version': version,
      ...(commit === undefined ? {} : { 'com.npmjs.runt-oci.commit': commit }),
    },
    // io.runt.: of a root of layers, they name directories of the host.
    potentiallyUnsafeConfigAnnotations: [annotationPrefix, keepOriginalGroups, mountContextType, 'io.runt.'],
  }
}

function linux(): LinuxFeatures {
  return {
    namespaces: sorted(values['Namespace.type'].filter((type) => isSupported('/linux/namespaces/*/type', type))),
    capabilities: capabilityNames,
    cgroup: {
      v1: false,
      v2: true,
      systemd: true,
      systemdUser: true,
      rdma:
        isSupported('/linux/resources/rdma') && knobs.some(({ pointer, file }) => pointer === '/rdma' && file !== ''),
    },
    seccomp: seccomp(),
    apparmor: { enabled: isSupported('/process/apparmorProfile') },
    selinux: { enabled: isSupported('/process/selinuxLabel') && isSupported('/linux/mountLabel') },
    intelRdt: {
      enabled: isSupported('/linux/intelRdt'),
      schemata: isSupported('/linux/intelRdt/schemata'),
      monitoring: isSupported('/linux/intelRdt/enableMonitoring'),
    },
    ...(isSupported('/linux/memoryPolicy')
      ? { memoryPolicy: { modes: sorted(values['MemoryPolicy.mode']), flags: sorted(values['MemoryPolicy.flags']) } }
      : {}),
    mountExtensions: { idmap: { enabled: isSupported('/mounts/*/uidMappings') } },
    netDevices: { enabled: isSupported('/linux/netDevices') },
  }
}

function seccomp(): LinuxFeatures['seccomp'] {
  if (!isSupported('/linux/seccomp')) return { enabled: false }
  const flags = sorted(values['Seccomp.flags'])
  return {
    enabled: true,
    actions: sorted(values.SeccompAction),
    operators: sorted(values['SeccompArgument.op']),
    archs: sorted(values.SeccompArchitecture),
    knownFlags: flags,
    supportedFlags: flags,
  }
}

function sorted(names: readonly string[]): readonly string[] {
  return [...names].sort()
}
