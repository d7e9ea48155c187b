/** How each daemon is told of runt, for whoever asks: `doctor`, and the installation. docs/daemons.md says more. */

/** A daemon, or programs that are told in the same place. */
export interface Registration {
  /** `Docker`, as `doctor` names it. */
  daemon: string
  /** One of these programs shows that it is there. */
  programs: readonly string[]
  /** @param command absolute path of the runt that it is to use @returns lines; what stands in a file is indented */
  lines: (command: string) => readonly string[]
}

export const registrations = {
  docker: {
    daemon: 'Docker',
    programs: ['dockerd'],
    lines: (command) => [
      'in /etc/docker/daemon.json, then systemctl reload docker:',
      `  { "runtimes": { "runt": { "path": ${JSON.stringify(command)} } } }`,
      'docker run --runtime runt … uses it; with "default-runtime": "runt" beside "runtimes" every new container does',
    ],
  },
  containerd: {
    daemon: 'containerd',
    programs: ['containerd'],
    lines: (command) => [
      `ctr run --runc-binary ${command} …; for Kubernetes, in /etc/containerd/config.toml, then systemctl restart containerd:`,
      '  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runt]',
      '    runtime_type = "io.containerd.runc.v2"',
      '    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runt.options]',
      `      BinaryName = ${JSON.stringify(command)}`,
      // As the kubelet's cgroupDriver, which is systemd where nobody chose.
      '      SystemdCgroup = true',
      'these lines are for a file that says version = 2; in version = 3 the plugin is "io.containerd.cri.v1.runtime"',
    ],
  },
  podman: {
    daemon: 'Podman',
    programs: ['podman', 'buildah'],
    lines: (command) => [
      `podman --runtime ${command} …, buildah bud --runtime ${command} …; for good, in /etc/containers/containers.conf:`,
      '  [engine]',
      '  runtime = "runt"',
      '  runtime_supports_json = ["crun", "runc", "runt"]',
      '  runtime_supports_nocgroup = ["crun", "runt"]',
      '  [engine.runtimes]',
      `  runt = [${JSON.stringify(command)}]`,
    ],
  },
  crio: {
    daemon: 'CRI-O',
    programs: ['crio'],
    lines: (command) => [
      'in /etc/crio/crio.conf.d/10-runt.conf, then systemctl restart crio:',
      '  [crio.runtime.runtimes.runt]',
      `  runtime_path = ${JSON.stringify(command)}`,
      '  runtime_type = "oci"',
      '  runtime_root = "/run/runt"',
    ],
  },
} as const satisfies Readonly<Record<string, Registration>>
