import { escapePointer } from '../problem.ts'
import type { Spec } from '../schema.gen.ts'
import { sysctlNamespace, sysctlPath } from '../sysctl.ts'
import { type Check, namespaceOf } from './check.ts'

/** A parameter that belongs to no namespace of the container's would change the machine. */
export const sysctl: Check<Spec> = {
  section: 'config-linux.md#sysctl; namespaces(7)',
  reads: ['/linux/sysctl', '/linux/namespaces'],
  run(spec, report) {
    for (const name of Object.keys(spec.linux?.sysctl ?? {})) {
      const pointer = `/linux/sysctl/${escapePointer(name)}`
      const path = sysctlPath(name)
      if (path === undefined) {
        report.problem(pointer, 'must be a name such as net.ipv4.ip_forward')
        continue
      }
      const namespace = sysctlNamespace(path)
      if (namespace === undefined) {
        report.problem(
          pointer,
          'must not be set: it belongs to no namespace, so that it would change the whole machine',
        )
      } else if (path === 'kernel/hostname') {
        report.problem(pointer, 'must not be set: it is what hostname is for')
      } else if (namespaceOf(spec, namespace) === undefined) {
        const article = namespace === 'ipc' ? 'an' : 'a'
        report.problem(
          pointer,
          `needs ${article} ${namespace} namespace`,
          `add { "type": "${namespace}" } to linux.namespaces`,
        )
      }
    }
  },
}
