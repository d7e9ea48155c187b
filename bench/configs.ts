/** The configurations of containers that are measured: to add one, add a row to `configs`. */
import { readFileSync } from 'node:fs'
import { defaultSpec } from '../src/spec/default.ts'
import type { Mount, Spec } from '../src/spec/schema.gen.ts'

/** A configuration without its program and root filesystem. `shared` is a directory to bind things from; it has `dir` and `file`. */
export type Config = (shared: string) => Spec

// Older runtimes refuse a version that they do not know.
const ociVersion = '1.0.2'
const strict = ['nosuid', 'noexec', 'nodev']

/** No more than a container needs: processes and mounts of its own, /proc, and a /dev that is not the rootfs's. */
function minimal(): Spec {
  return {
    ociVersion,
    process: { cwd: '/', user: { uid: 0, gid: 0 }, args: [] },
    root: { path: 'rootfs' },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
    ],
    linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }] },
  }
}

/** What `runt spec` and `runc spec` write, for cgroup v2. */
function usual(): Spec {
  const spec = defaultSpec()
  delete spec.process!.terminal
  return { ...spec, ociVersion }
}

/** What Docker Engine makes of `docker run` with ten volumes: its seccomp profile, capabilities, masked paths and 20 mounts. */
function docker(shared: string): Spec {
  const capabilities = 'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE'
  const some = `${capabilities} SYS_CHROOT KILL AUDIT_WRITE`.split(' ').map((name) => `CAP_${name}`)
  const profile = readFileSync(new URL('../test/seccomp/docker-default.json', import.meta.url), 'utf8')
  const bind = (name: string, destination: string): Mount => ({
    destination,
    type: 'bind',
    source: `${shared}/${name}`,
    options: ['rbind', 'rprivate'],
  })
  const device = (type: string, major: number | undefined, minor: number | undefined, allow = true) => ({
    allow,
    type,
    ...(major !== undefined && { major }),
    ...(minor !== undefined && { minor }),
    access: 'rwm',
  })
  const spec = usual()
  return {
    ...spec,
    process: {
      ...spec.process!,
      capabilities: { bounding: some, effective: some, permitted: some },
      noNewPrivileges: false,
      oomScoreAdj: 0,
      rlimits: [],
    },
    root: { path: 'rootfs' },
    hostname: '0123456789ab',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: strict },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...strict, 'ro'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro', ...strict] },
      { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: strict },
      { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...strict, 'mode=1777', 'size=67108864'] },
      ...['resolv.conf', 'hostname', 'hosts'].map((name) => bind('file', `/etc/${name}`)),
      ...Array.from({ length: 10 }, (_, index) => bind('dir', `/volumes/${index}`)),
    ],
    linux: {
      namespaces: spec.linux!.namespaces!,
      sysctl: { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' },
      resources: {
        devices: [
          { allow: false, access: 'rwm' },
          device('c', 1, 5),
          device('c', 1, 3),
          device('c', 1, 9),
          device('c', 1, 8),
          device('c', 5, 0),
          device('c', 5, 1),
          device('c', 10, 229, false),
        ],
      },
      seccomp: JSON.parse(profile) as NonNullable<Spec['linux']>['seccomp'] & object,
      maskedPaths: [
        ...[
          'asound',
          'acpi',
          'interrupts',
          'kcore',
          'keys',
          'latency_stats',
          'timer_list',
          'timer_stats',
          'sched_debug',
          'scsi',
        ].map((name) => `/proc/${name}`),
        '/sys/firmware',
        '/sys/devices/virtual/powercap',
      ],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  }
}

/** By name, in the order of tables. */
export const configs: Readonly<Record<string, Config>> = { minimal, default: usual, Docker: docker }

/** The default configuration with so many more mounts, each a bind of a directory. */
export const withMounts =
  (count: number): Config =>
  (shared) => ({
    ...usual(),
    mounts: [
      ...usual().mounts!,
      ...Array.from({ length: count }, (_, index) => ({
        destination: `/volumes/${index}`,
        type: 'bind',
        source: `${shared}/dir`,
        options: ['bind', 'ro'],
      })),
    ],
  })
