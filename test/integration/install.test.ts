/** `npm run install:system`: what it puts where, and that it can be repeated and taken back. */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { lacks, Sandbox, slow } from './harness.ts'

/** The files are the same whatever runs them, and large: once is enough, where it is fast. */
function isElsewhere(t: ExecutionContext): boolean {
  if (lacks(t, 'runt')) return true
  if (!slow) return false
  t.log('skipped: the stage that runs the executable on this machine installs it')
  t.pass()
  return true
}

function folder(t: ExecutionContext): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'runt-install-'))
  t.teardown(() => {
    rmSync(dir, { recursive: true, force: true })
  })
  return dir
}

function install(variables: Record<string, string>, ...args: string[]) {
  const { PATH = '', HOME = '/' } = process.env
  const env = { PATH, HOME, NO_BUILD: '1', ...variables }
  return spawnSync('bash', ['scripts/install-system.sh', ...args], { encoding: 'utf8', env, timeout: 300_000 })
}

const filesOf = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)))
    .sort()

test('the command is installed with its texts, runs, can be installed again, and is taken away whole', (t) => {
  if (isElsewhere(t)) return
  const prefix = folder(t)
  const first = install({ PREFIX: prefix })
  t.is(first.status, 0, first.stderr)
  t.deepEqual(filesOf(prefix), [
    'bin/runt',
    'share/bash-completion/completions/runt',
    'share/fish/vendor_completions.d/runt.fish',
    'share/man/man8/runt.8',
    'share/zsh/site-functions/_runt',
  ])
  for (const file of readdirSync(prefix, { recursive: true, encoding: 'utf8' }))
    t.is(statSync(path.join(prefix, file)).mode & 0o022, 0, `${file} can be written to by others`)

  const command = path.join(prefix, 'bin/runt')
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'echo', 'installed']
  })
  const args = ['--root', path.join(sandbox.dir, 'state'), 'run', '--bundle', sandbox.bundle, sandbox.id]
  const run = spawnSync(command, args, { encoding: 'utf8', env: {} })
  t.is(run.status, 0, run.stderr)
  t.is(run.stdout, 'installed\n')

  // What an installation that was interrupted has left.
  writeFileSync(path.join(prefix, 'bin/runt.new'), 'half')
  const running = openSync(command, 'r')
  t.teardown(() => closeSync(running))
  const second = install({ PREFIX: prefix })
  t.is(second.status, 0, second.stderr)
  t.false(existsSync(path.join(prefix, 'bin/runt.new')))
  t.not(statSync(command).ino, fstatSync(running).ino, 'who runs the old one must keep it')

  const gone = install({ PREFIX: prefix }, 'uninstall')
  t.is(gone.status, 0, gone.stderr)
  t.deepEqual(filesOf(prefix), [])
})

test('folders that are there keep their modes, and new ones are open whatever the umask', (t) => {
  if (isElsewhere(t)) return
  const prefix = folder(t)
  const modes = { '.': 0o1777, bin: 0o2775, share: 0o700 }
  for (const [name, mode] of Object.entries(modes)) {
    mkdirSync(path.join(prefix, name), { recursive: true })
    chmodSync(path.join(prefix, name), mode)
  }
  const script = 'umask 077; exec bash scripts/install-system.sh'
  const env = { PATH: process.env.PATH, HOME: '/', NO_BUILD: '1', PREFIX: prefix }
  const { status, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8', env, timeout: 300_000 })
  t.is(status, 0, stderr)
  const modeOf = (name: string): number => statSync(path.join(prefix, name)).mode & 0o7777
  for (const [name, mode] of Object.entries(modes)) t.is(modeOf(name), mode, name)
  for (const name of ['bin', 'share/man/man8', 'bin/runt', 'share/man/man8/runt.8']) {
    t.is(modeOf(name) & 0o044, 0o044, name)
  }
})

test('each daemon that is there is named with what to write where; none is told by itself', (t) => {
  if (isElsewhere(t)) return
  const dir = folder(t)
  const commands = path.join(dir, 'commands')
  mkdirSync(commands)
  const told = (): string => {
    const { status, stdout, stderr } = install({ PREFIX: dir, PATH: `${commands}:${process.env.PATH ?? ''}` })
    t.is(status, 0, stderr)
    return stdout
  }
  for (const [name, text] of [
    ['dockerd', `{ "runtimes": { "runt": { "path": "${dir}/bin/runt" } } }`],
    ['containerd', `BinaryName = "${dir}/bin/runt"`],
    ['podman', `runt = ["${dir}/bin/runt"]`],
    ['crio', `runtime_path = "${dir}/bin/runt"`],
  ] as const) {
    const file = path.join(commands, name)
    writeFileSync(file, '#!/bin/sh\nexit 1\n')
    chmodSync(file, 0o755)
    t.true(told().includes(text), name)
  }
  const { stdout } = install({ DESTDIR: dir, PREFIX: '/usr' })
  t.false(stdout.includes('daemon.json'), 'a package registers nothing')
})

test('what cannot be is refused before anything is done', (t) => {
  if (isElsewhere(t)) return
  const refused = (variables: Record<string, string>, ...args: string[]): string => {
    const { status, stderr } = install(variables, ...args)
    t.is(status, 1)
    return stderr
  }
  t.regex(refused({ PREFIX: 'relative' }), /PREFIX must be an absolute path, not 'relative'/)
  t.regex(refused({ PREFIX: '/proc/runt' }), /\/proc\/runt cannot be written to/)
  t.regex(refused({ PREFIX: folder(t) }, 'instal'), /unknown argument 'instal'/)
})

test('the package installs, runs, and is removed whole', (t) => {
  if (isElsewhere(t)) return
  const dir = folder(t)
  const sh = (command: string, ...args: string[]) => spawnSync(command, args, { encoding: 'utf8', timeout: 300_000 })
  const env = { ...process.env, NO_BUILD: '1' }
  const made = spawnSync('bash', ['scripts/package-deb.sh', dir], { encoding: 'utf8', env, timeout: 300_000 })
  t.is(made.status, 0, made.stderr)
  const deb = made.stdout.trim()
  t.is(path.dirname(deb), dir)
  t.deepEqual(sh('dpkg-deb', '--ctrl-tarfile', deb).stdout.match(/\.\/[a-z]+/g), ['./control'], 'it has scripts')

  const root = path.join(dir, 'root')
  const status = path.join(root, 'var/lib/dpkg/status')
  mkdirSync(path.dirname(status), { recursive: true })
  writeFileSync(status, '')
  const dpkg = (...args: string[]): void => {
    const { status: code, stderr } = sh('dpkg', `--root=${root}`, '--force-depends', '--log=/dev/null', ...args)
    t.is(code, 0, stderr)
  }
  dpkg('--install', deb)
  t.regex(sh(path.join(root, 'usr/bin/runt'), '--version').stdout, /^runt version /)
  t.true(filesOf(root).includes('usr/share/man/man8/runt.8.gz'))
  dpkg('--purge', 'runt')
  t.deepEqual(
    filesOf(root).filter((file) => !file.startsWith('var/lib/dpkg/')),
    [],
  )
})
