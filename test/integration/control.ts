/**
 * A bundle run by another runtime that is known to fall for an attack: an attack that harms nobody proves nothing of who withstands it.
 * Debian 12's runc 1.1.5 and crun 1.8.1 are old enough; newer ones have been mended.
 */
import type { ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Spec } from '../../src/spec/schema.gen.ts'
import { inVm, runtime, type Result, type Sandbox } from './harness.ts'

const versions = { runc: 'runc version 1.1.5', crun: 'crun version 1.8.1' } as const

/** Runs the sandbox's bundle as it is now, with its own state, to the end. */
export type Control = () => Result

/** The runtime, or undefined where its old version is not installed, or where it is under test itself. */
export function control(t: ExecutionContext, sandbox: Sandbox, name: keyof typeof versions): Control | undefined {
  if (runtime !== 'runt') return undefined
  const { stdout, error } = spawnSync(name, ['--version'], { encoding: 'utf8' })
  if (error !== undefined || !stdout.startsWith(versions[name])) {
    t.log(`no control: ${versions[name]} is not installed`)
    return undefined
  }
  const bundle = path.join(sandbox.dir, `control-${name}`)
  const options = name === 'crun' && !inVm ? ['--cgroup-manager=disabled'] : []
  const command = [...options, '--root', path.join(sandbox.dir, `control-${name}-state`)]
  const id = `${sandbox.id}-${name}`
  mkdirSync(bundle, { recursive: true })
  t.teardown(() => {
    spawnSync(name, [...command, 'delete', '--force', id])
  })
  return () => {
    const spec = JSON.parse(readFileSync(path.join(sandbox.bundle, 'config.json'), 'utf8')) as Spec
    spec.ociVersion = '1.0.2'
    spec.root!.path = sandbox.rootfs
    delete spec.process?.capabilities?.ambient
    writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(spec))
    const ran = spawnSync(name, [...command, 'run', id], { cwd: bundle, encoding: 'utf8', input: '', timeout: 60_000 })
    spawnSync(name, [...command, 'delete', '--force', id])
    return { status: ran.status ?? 137, stdout: ran.stdout, stderr: ran.stderr }
  }
}
