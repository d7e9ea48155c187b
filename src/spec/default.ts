/** The configuration that `runt spec` writes: a shell on a terminal, in a container with the usual namespaces. */
import type { Capabilities, Linux, Mount, Namespace, Spec } from './schema.gen.ts'
import { specVersion } from './version.ts'

export { specVersion } from './version.ts'

/** Whom the configuration is for. */
export interface DefaultSpecOptions {
  /** For a user other than root: a user namespace that maps only the caller, the caller's network and no limits. */
  rootless?: boolean | undefined
  /** Effective user of the caller, who is root in a rootless container. Default 0. */
  uid?: number | undefined
  /** Effective group of the caller. Default 0. */
  gid?: number | undefined
}

/** The configuration to begin with: a shell on a terminal, with the usual namespaces and mounts. A new object at each call. As JSON it is written with tabs: `JSON.stringify(spec, null, '\t')`. */
export function defaultSpec(options: DefaultSpecOptions = {}): Spec {
  const rootless = options.rootless === true
  return {
    ociVersion: specVersion,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: capabilities(),
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'runt',
    mounts: mounts(rootless),
    linux: rootless ? rootlessLinux(options.uid ?? 0, options.gid ?? 0) : linux(),
  }
}

function capabilities(): Capabilities {
  const some = (): string[] => ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE']
  return { bounding: some(), effective: some(), permitted: some(), ambient: some() }
}

function mounts(rootless: boolean): Mount[] {
  const sys: Mount = rootless
    ? // Without a network namespace of its own, a user namespace may not mount sysfs.
      { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'] }
    : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] }
  const pts = ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620']
  return [
    { destination: '/proc', type: 'proc', source: 'proc' },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    // Group 5 (tty) is not mapped in a rootless container.
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: rootless ? pts : [...pts, 'gid=5'] },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    sys,
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
    },
  ]
}

function linux(): Linux {
  return {
    resources: { devices: [{ allow: false, access: 'rwm' }] },
    namespaces: namespaces(['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup']),
    ...restrictedPaths(),
  }
}

function rootlessLinux(uid: number, gid: number): Linux {
  return {
    uidMappings: [{ containerID: 0, hostID: uid, size: 1 }],
    gidMappings: [{ containerID: 0, hostID: gid, size: 1 }],
    namespaces: namespaces(['pid', 'ipc', 'uts', 'mount', 'cgroup', 'user']),
    ...restrictedPaths(),
  }
}

function namespaces(types: Namespace['type'][]): Namespace[] {
  return types.map((type) => ({ type }))
}

function restrictedPaths(): Pick<Linux, 'maskedPaths' | 'readonlyPaths'> {
  return {
    maskedPaths: [
      '/proc/acpi',
      '/proc/asound',
      '/proc/kcore',
      '/proc/keys',
      '/proc/latency_stats',
      '/proc/timer_list',
      '/proc/timer_stats',
      '/proc/sched_debug',
      '/sys/firmware',
      '/proc/scsi',
    ],
    readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
  }
}
