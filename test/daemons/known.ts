/** Features that fail with every runtime, or with the control alone, and why. */
const withoutCapabilities = 'runc 1.1 fails where root lacks capabilities'

const withoutIdmaps = 'runc 1.1 has no idmapped mounts'

export const known: Readonly<Record<string, string>> = {
  '--privileged': withoutCapabilities,
  'exec --privileged': withoutCapabilities,
  '-v with rshared: the container’s mounts reach the host': withoutCapabilities,
  'AppArmor: a missing profile: the error names it': 'runc 1.1 does not name it',
  '--cgroups=disabled': 'Podman knows only crun to be able to',
  'CRI: the features of the runtime handler': withoutIdmaps,
  'CRI: a pod in a user namespace (hostUsers: false)':
    'containerd cannot id-map the tmpfs of its images before Linux 6.3; runc 1.1 has no idmapped mounts at all',
  '--group-add keep-groups': 'runc does not know the annotation, which is crun’s',
}
