import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { defaultSpec } from '../../../src/spec/default.ts'
import { parseSpec } from '../../../src/spec/parse.ts'
import type { Spec } from '../../../src/spec/schema.gen.ts'

/** What runc writes; undefined where there is none. */
function runcSpec(rootless: boolean): { text: string; spec: Spec } | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'runt-spec-'))
  try {
    execFileSync('runc', ['spec', '--bundle', dir, ...(rootless ? ['--rootless'] : [])], {
      stdio: 'ignore',
      env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
    })
    const text = readFileSync(join(dir, 'config.json'), 'utf8')
    return { text, spec: JSON.parse(text) as Spec }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  } finally {
    rmSync(dir, { recursive: true })
  }
}

for (const rootless of [false, true]) {
  test(`the ${rootless ? 'rootless ' : ''}default is what runc writes, byte by byte but for the version and the name`, (t) => {
    const runc = runcSpec(rootless)
    if (runc === undefined) {
      t.log('skipped: runc is not installed')
      t.pass()
      return
    }
    const ours = defaultSpec({ rootless, uid: process.geteuid!(), gid: process.getegid!() })
    t.is(ours.hostname, 'runt')
    ours.ociVersion = runc.spec.ociVersion
    ours.hostname = 'runc'
    // runc adds the cgroup namespace only on a machine with nothing but cgroup v2.
    if (!runc.spec.linux!.namespaces!.some(({ type }) => type === 'cgroup')) {
      ours.linux!.namespaces = ours.linux!.namespaces!.filter(({ type }) => type !== 'cgroup')
    }
    t.is(JSON.stringify(ours, null, '\t'), runc.text)
  })

  test(`the ${rootless ? 'rootless ' : ''}default has no problems and no warnings`, (t) => {
    const { problems, warnings } = parseSpec(JSON.stringify(defaultSpec({ rootless, uid: 1000, gid: 1000 })))
    t.deepEqual([problems, warnings], [[], []])
  })
}

test('the default has a cgroup namespace and the version of the specification', (t) => {
  t.is(defaultSpec().ociVersion, '1.3.0')
  t.deepEqual(
    defaultSpec().linux!.namespaces!.map(({ type }) => type),
    ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'],
  )
})

test('a rootless default maps the caller to root', (t) => {
  const { linux } = defaultSpec({ rootless: true, uid: 1000, gid: 100 })
  t.deepEqual(linux!.uidMappings, [{ containerID: 0, hostID: 1000, size: 1 }])
  t.deepEqual(linux!.gidMappings, [{ containerID: 0, hostID: 100, size: 1 }])
})

test('each default is a new object', (t) => {
  defaultSpec().process!.args!.push('-c')
  defaultSpec().linux!.maskedPaths!.length = 0
  t.deepEqual(defaultSpec().process!.args, ['sh'])
  t.true(defaultSpec().linux!.maskedPaths!.length > 0)
})
