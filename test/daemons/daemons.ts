/** All daemons, by the names that `npm run test:daemons` takes. */
import { buildah } from './buildah.ts'
import { containerd, containerd2 } from './containerd.ts'
import { docker, dockerAsRunc } from './docker.ts'
import type { Daemon } from './feature.ts'
import { podman } from './podman.ts'
import { rootless } from './rootless.ts'

// Each daemon's features take that daemon's own client.
export const daemons = {
  docker,
  'docker-as-runc': dockerAsRunc,
  containerd,
  'containerd-2': containerd2,
  podman,
  rootless,
  buildah,
} as unknown as Readonly<Record<string, Daemon<unknown>>>
