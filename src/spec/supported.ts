/**
 * What of the specification is not supported yet: refused with its name, never ignored.
 * A row goes when its support comes.
 */
import { type Check, namespaceOf, type Report } from './checks/check.ts'
import { escapePointer } from './problem.ts'
import type { Process, Spec } from './schema.gen.ts'

interface Row {
  /** JSON Pointer; `*` stands for every item or key. */
  field: string
  /** Only this value of the field. */
  value?: string
}

/** Of a `process` object. */
const processRows: readonly Row[] = [
  { field: '/apparmorProfile' },
  { field: '/selinuxLabel' },
  { field: '/scheduler' },
  { field: '/ioPriority' },
  { field: '/execCPUAffinity' },
]

/** Of config.json beside its process. */
const specRows: readonly Row[] = [
  { field: '/hooks' },
  { field: '/mounts/*/uidMappings' },
  { field: '/mounts/*/gidMappings' },
  { field: '/linux/seccomp' },
  { field: '/linux/intelRdt' },
  { field: '/linux/netDevices' },
  { field: '/linux/memoryPolicy' },
  { field: '/linux/personality' },
  { field: '/linux/timeOffsets' },
  { field: '/linux/namespaces/*/type', value: 'time' },
  { field: '/linux/mountLabel' },
  { field: '/linux/resources/memory/reservation' },
  { field: '/linux/resources/memory/swap' },
  { field: '/linux/resources/memory/kernel' },
  { field: '/linux/resources/memory/kernelTCP' },
  { field: '/linux/resources/memory/swappiness' },
  { field: '/linux/resources/memory/disableOOMKiller' },
  { field: '/linux/resources/memory/useHierarchy' },
  { field: '/linux/resources/memory/checkBeforeUpdate' },
  { field: '/linux/resources/cpu/burst' },
  { field: '/linux/resources/cpu/realtimeRuntime' },
  { field: '/linux/resources/cpu/realtimePeriod' },
  { field: '/linux/resources/cpu/cpus' },
  { field: '/linux/resources/cpu/mems' },
  { field: '/linux/resources/cpu/idle' },
  { field: '/linux/resources/blockIO' },
  { field: '/linux/resources/hugepageLimits' },
  { field: '/linux/resources/network' },
  { field: '/linux/resources/rdma' },
  { field: '/linux/resources/unified' },
]

const unsupported = 'is not supported yet'

export const supportedInProcess: Check<Process> = {
  section: 'config.md#linux-process',
  reads: [],
  run(process, report) {
    for (const row of processRows) refuse(process, row, report)
  },
}

export const supportedInSpec: Check<Spec> = {
  section: 'config.md, config-linux.md',
  reads: [],
  run(spec, report) {
    for (const row of specRows) refuse(spec, row, report)
  },
}

/** Without a mount namespace, what is mounted for the container would appear on the machine. */
export const mountNamespace: Check<Spec> = {
  section: 'config-linux.md#namespaces',
  reads: ['/linux/namespaces'],
  run(spec, report) {
    if (namespaceOf(spec, 'mount') !== undefined) return
    report.problem(
      '/linux/namespaces',
      "has no mount namespace: to share the runtime's is not supported yet",
      'add { "type": "mount" } to linux.namespaces',
    )
  },
}

function refuse(document: unknown, row: Row, report: Report): void {
  visit(document, row.field.split('/').slice(1), '', (pointer, value) => {
    if (row.value === undefined) {
      if (!isDefault(value)) report.problem(pointer, unsupported)
    } else if (value === row.value) report.problem(pointer, `${row.value} ${unsupported}`)
  })
}

function visit(
  value: unknown,
  path: readonly string[],
  pointer: string,
  found: (pointer: string, value: unknown) => void,
): void {
  const [part, ...rest] = path
  if (part === undefined) {
    found(pointer, value)
    return
  }
  if (typeof value !== 'object' || value === null) return
  const object = value as Record<string, unknown>
  for (const key of part === '*' ? Object.keys(object) : Object.hasOwn(object, part) ? [part] : []) {
    visit(object[key], rest, `${pointer}/${escapePointer(key)}`, found)
  }
}

/** Whether a field asks for nothing: absent, or what writers in Go leave of an unset one (0, false, "", nothing in it). */
function isDefault(value: unknown, depth = 0): boolean {
  if (value === undefined || value === null || value === 0 || value === false || value === '') return true
  if (typeof value !== 'object' || depth > 4) return false
  return Array.isArray(value) ? value.length === 0 : Object.values(value).every((item) => isDefault(item, depth + 1))
}
