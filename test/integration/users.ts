/** Containers with a user namespace. */
import { chmodSync } from 'node:fs'
import type { Spec } from '../../src/spec/schema.gen.ts'
import type { Sandbox } from './harness.ts'

/** A user namespace of the container's own whose root is user 100000 of the host. */
export function ownUsers(spec: Spec, size = 65_536): void {
  spec.linux!.namespaces!.push({ type: 'user' })
  spec.linux!.uidMappings = [{ containerID: 0, hostID: 100_000, size }]
  spec.linux!.gidMappings = [{ containerID: 0, hostID: 100_000, size }]
}

/** The mapped root is nobody on the host: the way to the rootfs must be open to others. */
export function openUp(sandbox: Sandbox, ...directories: string[]): void {
  for (const directory of [sandbox.dir, sandbox.bundle, ...directories]) chmodSync(directory, 0o755)
}
