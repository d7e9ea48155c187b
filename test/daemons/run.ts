/**
 * `npm run test:daemons -- [--smoke] [DAEMON …]`: real daemons with runt as their only runtime, and as a control with the
 * distribution's runc, feature by feature. Natively, and in the virtual machine for what needs cgroup controllers or systemd. Prints a
 * table, and writes it to docs/compatibility.md where everything was run. As root.
 *   WHERE     host, vm, systemd: only what runs there
 *   FEATURE   only features whose name has this text
 *   CONTROL   0: without the control
 * Fails where a feature fails with runt and not with the control, and where one fails with both without a reason in `known`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { spawnSync } from 'node:child_process'
import { daemons } from './daemons.ts'
import { known } from './known.ts'
import type { Results } from './suite.ts'

type Runtime = 'runt' | 'runc'
type Where = 'host' | 'vm' | 'systemd'

interface Row {
  readonly feature: string
  readonly where: Where
  readonly failures: Partial<Record<Runtime, string | null>>
}

const project = fileURLToPath(new URL('../..', import.meta.url))
const places: readonly Where[] = ['host', 'vm', 'systemd']
const smoke = process.argv.includes('--smoke')
const names = process.argv.slice(2).filter((arg) => !arg.startsWith('--'))
const text = process.env.FEATURE ?? ''
const wanted = smoke
  ? (['host'] as const)
  : places.filter((place) => [undefined, '', place].includes(process.env.WHERE))
const runtimes: readonly Runtime[] = smoke || process.env.CONTROL === '0' ? ['runt'] : ['runt', 'runc']
const whole = !smoke && names.length === 0 && text === '' && wanted.length === places.length && runtimes.length === 2

/** Runs the features of one daemon at one place, with each runtime. */
function results(daemon: string, where: Where, out: string): Map<Runtime, Results> {
  const command = (runtime: Runtime, folder: string) => [
    ...['test/daemons/enter.sh', runtime, process.execPath, '--import', 'tsx', 'test/daemons/suite.ts'],
    ...[daemon, runtime, where, `${folder}/${daemon}-${where}-${runtime}.json`, text],
    ...(smoke ? ['--smoke'] : []),
  ]
  const quoted = (words: readonly string[]) => words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const files = (runtime: Runtime) => path.join(out, `${daemon}-${where}-${runtime}.json`)
  if (where === 'host') {
    for (const runtime of runtimes) call(command(runtime, out), {})
  } else {
    const script = runtimes.map((runtime) => quoted(command(runtime, '/mnt/out'))).join('; ')
    const env = { INIT: where === 'vm' ? 'bash' : 'systemd', OUT: out, TIMEOUT: process.env.TIMEOUT ?? '3600' }
    call(['test/vm/run', `export RUNT_TEST_ENV=vm; ${script}`], env)
  }
  return new Map(runtimes.map((runtime) => [runtime, read(files(runtime))]))
}

function call(command: readonly string[], env: Readonly<Record<string, string>>): void {
  const [file, ...args] = command
  const { status, error } = spawnSync(file!, args, {
    cwd: project,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  })
  if (error !== undefined) throw error
  if (status !== 0) console.error(`${command.join(' ').slice(0, 200)}: status ${status}`)
}

function read(file: string): Results {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Results
  } catch (error) {
    throw new Error(`the suite left no results in ${file}`, { cause: error })
  }
}

/** The first line that says something, for a cell of a table. */
function brief(failure: string): string {
  const line = failure.split('\n').find((candidate) => candidate.trim() !== '') ?? ''
  return line.replaceAll('|', '\\|').slice(0, 160)
}

interface Section {
  readonly title: string
  readonly rows: readonly Row[]
}

function section(name: string, out: string): Section {
  const daemon = daemons[name]!
  const rows: Row[] = []
  let version = '?'
  for (const where of wanted) {
    const mine = daemon.features.filter((row) => (row.where ?? 'host') === where && row.feature.includes(text))
    if (mine.length === 0) continue
    const found = results(name, where, out)
    version = found.get('runt')!.version
    const outcomes = found.get('runt')!.outcomes
    for (const { feature } of outcomes) {
      const failures: Partial<Record<Runtime, string | null>> = {}
      for (const [runtime, { outcomes: theirs }] of found) {
        failures[runtime] = theirs.find((row) => row.feature === feature)?.failure ?? null
      }
      rows.push({ feature, where, failures })
    }
  }
  return { title: `${daemon.name} ${version}`, rows }
}

const placeNames: Readonly<Record<Where, string>> = {
  host: 'natively',
  vm: 'in the virtual machine',
  systemd: 'in the virtual machine, with systemd',
}

/** A failure that needs no mending here. */
function excused(row: Row): string | undefined {
  return known[row.feature]
}

function markdown(sections: readonly Section[]): string {
  const lines = [
    '# Compatibility',
    '',
    'Daemons of Debian, unmodified, with runt as their only runtime, and the same features with Debian’s runc as a control.',
    '`npm run test:daemons` runs them (test/daemons) and writes this page.',
    '',
  ]
  for (const { title, rows } of sections) {
    lines.push(`## ${title}`, '', '| feature | runt | runc | run | note |', '| --- | --- | --- | --- | --- |')
    for (const row of rows) {
      const cell = (runtime: Runtime) => (row.failures[runtime] === null ? 'yes' : '**no**')
      lines.push(
        `| ${row.feature.replaceAll('|', '\\|')} | ${cell('runt')} | ${cell('runc')} | ${placeNames[row.where]} | ${excused(row) ?? ''} |`,
      )
    }
    lines.push('')
  }
  return lines.join('\n')
}

const out = mkdtempSync(path.join(process.env.TMPDIR ?? '/tmp', 'runt-daemons.'))
let failed = 0
try {
  const chosen = names.length > 0 ? names : Object.keys(daemons)
  const sections = chosen.map((name) => section(name, out))
  let passed = 0
  for (const { title, rows } of sections) {
    console.log(`\n${title}`)
    for (const row of rows) {
      const { runt, runc } = row.failures
      const words = runt === null ? 'passed' : excused(row) === undefined ? 'FAILED' : 'excused'
      if (words === 'FAILED') failed++
      else passed++
      const control = runc === undefined ? '' : runc === null ? 'passed' : `failed: ${brief(runc)}`
      console.log(`${words.padEnd(8)} ${row.feature.padEnd(70)} ${control}`)
    }
  }
  if (whole && failed === 0) writeFileSync(path.join(project, 'docs/compatibility.md'), markdown(sections))
  console.log(`${passed} passed, ${failed} failed`)
} finally {
  rmSync(out, { recursive: true })
}
process.exit(failed === 0 ? 0 : 1)
