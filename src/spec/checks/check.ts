/** What a check is: one demand of the specification that the schema cannot express. */
import type { Namespace, Spec } from '../schema.gen.ts'

/** Where a check tells what it found; pointers start at what it checks. */
export interface Report {
  problem(pointer: string, message: string, hint?: string): void
  warning(pointer: string, message: string, hint?: string): void
}

export interface Check<T> {
  /** Section of the specification, or the source of a rule that it leaves to the kernel. */
  section: string
  /** Pointers to what it reads; it is left out where one of them, or anything below, does not fit the schema. */
  reads: readonly string[]
  run(subject: T, report: Report): void
}

/** The namespace of a type that the container has, new or joined. */
export function namespaceOf(spec: Spec, type: Namespace['type']): Namespace | undefined {
  for (const namespace of spec.linux?.namespaces ?? []) if (namespace.type === type) return namespace
  return undefined
}

export function isAbsolute(path: string): boolean {
  return path.startsWith('/')
}
