/** process.env (config.md#process). */

/** Each name once: the last value wins, at its place. */
export function uniqueEnvironment(env: readonly string[]): string[] {
  const last = new Map<string, number>()
  env.forEach((entry, index) => last.set(nameOf(entry), index))
  return env.filter((entry, index) => last.get(nameOf(entry)) === index)
}

/** Whether HOME has to be looked up in the container's passwd file: it is missing or empty. */
export function needsHome(env: readonly string[]): boolean {
  return (uniqueEnvironment(env).find((entry) => nameOf(entry) === 'HOME') ?? 'HOME=') === 'HOME='
}

function nameOf(entry: string): string {
  const end = entry.indexOf('=')
  return end < 0 ? entry : entry.slice(0, end)
}
