/** A copy of what JSON.parse gave: changes of the one are no changes of the other. */
export function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copyOf) as T
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copyOf(item as unknown)])) as T
}
