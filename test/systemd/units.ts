/** What systemd tells of its units, for the tests of containers in them. */
import { spawnSync } from 'node:child_process'

/** The properties of a unit; of a user's systemd with `of`, as `['--user', '-M', 'USER@']`. */
export function show(unit: string, names: readonly string[], of: readonly string[] = []): Record<string, string> {
  const args = [...of, 'show', unit, ...names.flatMap((name) => ['-p', name])]
  const { stdout, stderr, status } = spawnSync('systemctl', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`systemctl ${args.join(' ')}: ${stderr}`)
  const lines = stdout.trim().split('\n')
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

export const activeState = (unit: string): string | undefined => show(unit, ['ActiveState']).ActiveState

/** Names of all units that match, loaded or failed. */
export function unitsLike(pattern: string): string[] {
  const args = ['list-units', '--all', '--plain', '--no-legend', '--full', pattern]
  const { stdout } = spawnSync('systemctl', args, { encoding: 'utf8' })
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' ')[0]!)
}

export function reload(): void {
  const { status, stderr } = spawnSync('systemctl', ['daemon-reload'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}
