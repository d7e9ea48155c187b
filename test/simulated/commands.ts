/** Commands on a simulated machine, as tests run them: each in a process of its own, which ends after it. */
import type { ExecutionContext } from 'ava'
import type { Context } from '../../src/runtime/context.ts'
import type { Globals } from '../../src/runtime/requests.ts'
import { defaultSpec } from '../../src/spec/default.ts'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { SimulatedHost, type HostOptions } from './host.ts'
import { World } from './world.ts'

export interface Outcome<T> {
  value?: T
  error?: unknown
  host: SimulatedHost
}

/** A machine with a bundle in /bundle. */
export function machine(change: (spec: Spec) => void = () => undefined): World {
  const world = new World()
  const spec = defaultSpec()
  spec.process!.terminal = false
  spec.process!.args = ['/bin/true']
  change(spec)
  world.write('/bundle/config.json', JSON.stringify(spec, null, 2))
  world.tree.makeParents('/bundle/rootfs')
  return world
}

export function globals(changes: Partial<Globals> = {}): Globals {
  return {
    root: '/run/runt',
    systemdCgroup: false,
    cgroupManager: 'cgroupfs',
    rootless: 'auto',
    debug: false,
    cwd: '/bundle',
    env: {},
    ...changes,
  }
}

/** Runs a command to its end, whatever that is. A command that was not killed has closed all that it opened. */
export async function act<T>(
  t: ExecutionContext,
  world: World,
  command: (context: Context) => Promise<T>,
  options: HostOptions = {},
  changes: Partial<Globals> = {},
): Promise<Outcome<T>> {
  const host = new SimulatedHost(world, options)
  const outcome: Outcome<T> = { host }
  try {
    outcome.value = await command({ host: host.host, globals: globals(changes) })
  } catch (error) {
    outcome.error = error
  }
  if (!host.dead) t.deepEqual(host.leaks, [], `descriptors are left open: ${String(outcome.error)}`)
  host.end()
  return outcome
}

/** As `act`, for a command that has to succeed. */
export async function succeed<T>(
  t: ExecutionContext,
  world: World,
  command: (context: Context) => Promise<T>,
  options: HostOptions = {},
  changes: Partial<Globals> = {},
): Promise<T> {
  const { value, error } = await act(t, world, command, options, changes)
  if (error !== undefined) throw error as Error
  return value as T
}

/** Runs a command that has to fail, and returns why. */
export async function failure(
  t: ExecutionContext,
  world: World,
  command: (context: Context) => Promise<unknown>,
  options: HostOptions = {},
  changes: Partial<Globals> = {},
): Promise<Error & { code?: string; origin?: string; hint?: string; cleanupErrors?: readonly Error[] }> {
  const { error } = await act(t, world, command, options, changes)
  if (!(error instanceof Error)) throw new Error('the command succeeded')
  return error
}
