/** A host whose every call is noted. Made only for a command that is traced. */
import type { Host } from '../host/host.ts'
import type { Tracer } from './tracer.ts'

type Call = (...args: unknown[]) => unknown

/** What a call is about, as far as it may be told: paths and names, never a content, an argument or an environment. */
function subjectOf(group: string, call: string, [first, second]: readonly unknown[]): string | undefined {
  if (group === 'files' || group === 'cgroups') return typeof first === 'string' ? first : undefined
  if (group === 'sockets' && call === 'sendDescriptor') return first as string
  if (group === 'systemd' && call === 'call') return (second as { member: string }).member
  if (group === 'processes' && call === 'runHook') return (first as { path: string }).path
  return undefined
}

/** The same host, with a span for each call and the trace for the phases of commands. */
export function tracingHost(host: Host, trace: Tracer): Host {
  const groups = Object.entries(host).map(([name, group]) => [name, traced(name, group as object, trace)])
  return { ...(Object.fromEntries(groups) as Host), trace }
}

function traced(group: string, functions: object, trace: Tracer): object {
  return new Proxy(functions, {
    get(target, name) {
      const call: unknown = Reflect.get(target, name)
      if (typeof call !== 'function' || typeof name !== 'string') return call
      return (...args: unknown[]) => {
        const subject = subjectOf(group, name, args)
        const what = { name: subject === undefined ? name : `${name} ${subject}`, category: 'call' as const }
        return trace.timed(what, () => (call as Call).apply(target, args))
      }
    },
  })
}
