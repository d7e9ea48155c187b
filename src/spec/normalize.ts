/**
 * Removes what means "absent" where writers in Go put it: null for an unset field, "" for an unset string.
 * Works on anything: it runs before the schema is checked.
 */

type Fields = Record<string, unknown>

/** Objects whose keys are names of the user's: a null there is no unset field, and is left for the schema to refuse. */
const maps = new Set(['annotations', 'sysctl', 'unified', 'rdma', 'netDevices', 'timeOffsets'])

/** No field of the specification is deeper. */
const maxDepth = 10

/** Removes "" from fields of config.json where it means "absent". */
export function dropEmptyOfSpec(document: unknown): void {
  if (!isObject(document)) return
  dropEmpty(document, ['hostname', 'domainname'])
  dropEmptyOfProcess(document.process)
  const { mounts, linux } = document
  if (Array.isArray(mounts)) for (const mount of mounts) if (isObject(mount)) dropEmpty(mount, ['type', 'source'])
  if (!isObject(linux)) return
  dropEmpty(linux, ['cgroupsPath', 'rootfsPropagation', 'mountLabel'])
  const { namespaces, seccomp } = linux
  if (isObject(seccomp)) dropEmpty(seccomp, ['listenerPath', 'listenerMetadata'])
  if (Array.isArray(namespaces)) for (const item of namespaces) if (isObject(item)) dropEmpty(item, ['path'])
}

/**
 * Removes linux.resources.pids where it says 0 and config.json speaks a version before 1.3: the limit was required there, and 0 is how
 * writers in Go said "none" (Podman does for a client of Docker's API), to runc and crun too. Since 1.3 it can be absent, and 0 is a limit.
 */
export function dropZeroPids(document: unknown): void {
  if (!isObject(document) || !isObject(document.linux) || !isObject(document.linux.resources)) return
  const { ociVersion, linux } = document
  const { resources } = linux as { resources: Fields }
  const older = typeof ociVersion === 'string' && /^1\.[0-2]\./.test(ociVersion)
  if (older && isObject(resources.pids) && resources.pids.limit === 0) Reflect.deleteProperty(resources, 'pids')
}

/** Removes "" from fields of a `process` object where it means "absent". */
export function dropEmptyOfProcess(document: unknown): void {
  if (isObject(document)) dropEmpty(document, ['apparmorProfile', 'selinuxLabel'])
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function dropEmpty(object: Fields, keys: readonly string[]): void {
  for (const key of keys) if (object[key] === '') Reflect.deleteProperty(object, key)
}

/** Removes fields that are null. */
export function dropNulls(value: unknown, isMap = false, depth = 0): void {
  if (typeof value !== 'object' || value === null || depth > maxDepth) return
  if (Array.isArray(value)) {
    for (const item of value) dropNulls(item, false, depth + 1)
    return
  }
  const object = value as Fields
  for (const key of Object.keys(object)) {
    if (object[key] !== null) dropNulls(object[key], maps.has(key), depth + 1)
    else if (!isMap) Reflect.deleteProperty(object, key)
  }
}
