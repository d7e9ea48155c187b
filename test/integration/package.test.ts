// Not in the virtual machine: what npm installs is the same everywhere.
/** The npm package as its users get it: packed, installed into an empty project, imported, and checked by their compiler. */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { lacks, lines, Sandbox } from './harness.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))

function succeed(t: ExecutionContext, cwd: string, ...[file, ...args]: [string, ...string[]]): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, { cwd, encoding: 'utf8', timeout: 300_000 })
  if (error) throw error
  t.is(status, 0, `${file} ${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

let installed: string | undefined

/** A project with the package in it. The packages that it needs come from this one's, so that no registry is asked. */
function emptyProject(t: ExecutionContext): string {
  if (installed !== undefined) return installed
  const dir = mkdtempSync(path.join(tmpdir(), 'runt-test-package-'))
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
  const packed = succeed(t, project, 'npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', dir)
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
  const { dependencies } = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const local = Object.fromEntries(
    Object.keys(dependencies).map((name) => [name, `file:${path.join(project, 'node_modules', name)}`]),
  )
  const overrides = Object.fromEntries(Object.keys(dependencies).map((name) => [name, `$${name}`]))
  const manifest = {
    private: true,
    type: 'module',
    dependencies: { 'runt-oci': `file:${filename}`, ...local },
    overrides,
  }
  writeFileSync(path.join(dir, 'package.json'), JSON.stringify(manifest))
  succeed(t, dir, 'npm', 'install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund')
  return (installed = dir)
}

test.serial(
  'the package has the library, the addon and the command, and neither sources nor the large executable',
  (t) => {
    if (lacks(t, 'runt')) return
    const root = path.join(emptyProject(t), 'node_modules/runt-oci')
    for (const name of [
      'dist/index.js',
      'dist/index.d.ts',
      'dist/cli.js',
      'dist/runt.node',
      'docs/api/README.md',
      'LICENSE',
    ])
      t.true(existsSync(path.join(root, name)), name)
    t.deepEqual(readdirSync(root).sort(), [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist',
      'docs',
      'examples',
      'package.json',
    ])
    t.false(existsSync(path.join(root, 'dist/bin')))
  },
)

test.serial('the example runs a container in ten lines, from an installed package', (t) => {
  if (lacks(t, 'runt')) return
  const dir = emptyProject(t)
  const sandbox = new Sandbox(t)
  copyFileSync(path.join(project, 'examples/hello.js'), path.join(dir, 'hello.js'))
  const code = lines(readFileSync(path.join(dir, 'hello.js'), 'utf8')).filter((line) => !/^(import|\/\/)/.test(line))
  t.true(code.length <= 10, `${code.length} lines`)
  t.is(succeed(t, dir, 'node', 'hello.js', sandbox.rootfs, 'inside', 'echo', 'from the package'), 'from the package\n')
  const { status } = spawnSync('node', ['hello.js', sandbox.rootfs, 'inside', 'exit', '7'], { cwd: dir })
  t.is(status, 7)
})

test.serial('the installed command does what the command does', (t) => {
  if (lacks(t, 'runt')) return
  const dir = emptyProject(t)
  const runt = path.join(dir, 'node_modules/.bin/runt')
  t.regex(succeed(t, dir, runt, '--version'), /^runt version \d+\.\d+\.\d+\n/)
  const sandbox = new Sandbox(t)
  t.is(succeed(t, dir, runt, 'validate', sandbox.bundle), `${sandbox.bundle}/config.json is valid\n`)
})

test.serial('the library makes a container, looks at it and ends it', (t) => {
  if (lacks(t, 'runt')) return
  const dir = emptyProject(t)
  const sandbox = new Sandbox(t, (spec) => (spec.process!.args = ['inside', 'sleep', '600']))
  const program = `
    import * as runt from 'runt-oci'
    const [, , bundle, root, id] = process.argv
    const context = runt.directContext({ root })
    const told = []
    const note = (value) => told.push(value)
    await runt.create({ id, bundle }, context)
    note((await runt.state(id, context)).status)
    await runt.start(id, context)
    note((await runt.list(context)).map(({ id, status }) => [id === process.argv[4], status]))
    note((await runt.exec({ id, args: ['inside', 'exit', '3'] }, context)).status)
    for (const attempt of [
      () => runt.start(id, context),
      () => runt.create({ id, bundle }, context),
      () => runt.state('none', context),
      () => runt.kill({ id, signal: 'NONE' }, context),
      () => runt.create({ id: 'x', bundle: '/nowhere' }, context),
    ]) {
      await attempt().then(
        () => note('succeeded'),
        (error) => note([error instanceof runt.RuntError, error.constructor.name, error.code]),
      )
    }
    await runt.kill({ id, signal: 'KILL' }, context)
    await runt.deleteContainer({ id, force: true }, context)
    note((await runt.list(context)).length)
    console.log(JSON.stringify(told))`
  writeFileSync(path.join(dir, 'life.js'), program)
  const told = succeed(t, dir, 'node', 'life.js', sandbox.bundle, sandbox.stateRoot, sandbox.id)
  t.deepEqual(JSON.parse(told), [
    'created',
    [[true, 'running']],
    { kind: 'exited', code: 3 },
    [true, 'StateError', 'RUNNING'],
    [true, 'StateError', 'EXISTS'],
    [true, 'StateError', 'NOT_FOUND'],
    [true, 'UsageError', 'USAGE'],
    [true, 'RuntError', 'ENOENT'],
    0,
  ])
  sandbox.assertClean(t)
})

test.serial("the types of the package pass the user's compiler", (t) => {
  if (lacks(t, 'runt')) return
  const dir = emptyProject(t)
  const program = `
    import { InvalidConfigError, defaultSpec, directContext, features, parseSpec, run, validate } from 'runt-oci'
    import type { Context, CreateRequest, ExitStatus, Problem, Spec, Validation } from 'runt-oci'
    const spec: Spec = defaultSpec()
    spec.linux = { ...spec.linux, namespaces: [{ type: 'mount' }] }
    const problems: readonly Problem[] = parseSpec(JSON.stringify(spec)).problems
    const context: Context = directContext({ cwd: '/' })
    const request: CreateRequest = { id: 'a' }
    export const done: Promise<ExitStatus | undefined> = run(request, context)
    export const found: Promise<Validation> = validate({ bundle: '.' }, context)
    export const names: readonly string[] = features().linux.namespaces
    export const told = (error: unknown): number => (error instanceof InvalidConfigError ? error.problems.length : problems.length)
    // @ts-expect-error: there is no such kind of namespace
    export const wrong: Spec = { ociVersion: '1.3.0', linux: { namespaces: [{ type: 'nope' }] } }`
  mkdirSync(path.join(dir, 'types'), { recursive: true })
  writeFileSync(path.join(dir, 'types/user.ts'), program)
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--exactOptionalPropertyTypes']
  succeed(t, dir, path.join(project, 'node_modules/.bin/tsc'), ...flags, 'types/user.ts')
})
