/** Processors and memory nodes that this machine does not have: the kernel would leave them out without a word. */
import type { ConfigProblem } from '../errors.ts'
import type { Host } from '../host/host.ts'
import { listOf, maxCpus, maxNodes } from '../spec/lists.ts'
import type { MemoryPolicy, Process } from '../spec/schema.gen.ts'

/** Of process.execCPUAffinity. */
export async function processorProblems(host: Host, { execCPUAffinity }: Process): Promise<ConfigProblem[]> {
  const problems: ConfigProblem[] = []
  for (const field of ['initial', 'final'] as const) {
    const wanted = listOf(execCPUAffinity?.[field], maxCpus)
    if (wanted.length === 0) continue
    const message = await missing(host, wanted, '/sys/devices/system/cpu/present', maxCpus, 'processor')
    if (message !== undefined) problems.push({ pointer: `/process/execCPUAffinity/${field}`, message })
  }
  return problems
}

/** Of linux.memoryPolicy; relative nodes count from those that the cgroup gives, whatever their numbers. */
export async function memoryNodeProblems(host: Host, { nodes, flags }: MemoryPolicy): Promise<ConfigProblem[]> {
  const wanted = listOf(nodes, maxNodes)
  if (wanted.length === 0 || flags?.includes('MPOL_F_RELATIVE_NODES') === true) return []
  const message = await missing(host, wanted, '/sys/devices/system/node/possible', maxNodes, 'memory node')
  return message === undefined ? [] : [{ pointer: '/linux/memoryPolicy/nodes', message }]
}

/** Without the file, the kernel has one node or one processor. */
async function missing(host: Host, wanted: readonly number[], file: string, limit: number, what: string) {
  const text = ((await host.files.readTextIfExists(file)) ?? '0').trim()
  const present = new Set(listOf(text, limit))
  const lacking = wanted.filter((number) => !present.has(number))
  if (lacking.length === 0) return undefined
  return `must name ${what}s of this machine (${text}), has ${lacking.slice(0, 8).join(', ')}${lacking.length > 8 ? ', …' : ''}`
}
