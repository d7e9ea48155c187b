/**
 * `npm run test:daemons -- [--smoke] [DAEMON …]`: real daemons with runt as their only runtime, and as a control with the
 * distribution's runc, feature by feature. Natively, and in the virtual machine for what needs cgroup controllers or systemd. Prints a
 * table, and brings docs/compatibility.md up to date with what was run. As root.
 *   WHERE     host, vm, systemd: only what runs there
 *   FEATURE   only features whose name has this text
 *   CONTROL   0: without the control
 * Fails where a feature fails with runt and not with the control, and where one fails with both without a reason in `known`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
const names = process.argv.slice(2).filter((arg) => arg !== '--smoke')
const unknown = names.find((name) => !(name in daemons))
if (unknown !== undefined) {
  console.error(`usage: npm run test:daemons -- [--smoke] [${Object.keys(daemons).join('|')}] …: ${unknown} is none`)
  process.exit(2)
}
const text = process.env.FEATURE ?? ''
const wanted = smoke
  ? (['host'] as const)
  : places.filter((place) => [undefined, '', place].includes(process.env.WHERE))
const runtimes: readonly Runtime[] = smoke || process.env.CONTROL === '0' ? ['runt'] : ['runt', 'runc']
/** Whether every row that is run has its control beside it, for the page. */
const complete = !smoke && runtimes.length === 2

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
  /** Of the daemon. */
  readonly name: string
  readonly version: string
  readonly rows: readonly Row[]
}

/** The failure of a feature that its machine did not live to see. */
const neverRun = 'never run'

function section(name: string, out: string): Section {
  const daemon = daemons[name]!
  const rows: Row[] = []
  let version = '?'
  for (const where of wanted) {
    const mine = daemon.features.filter(
      (row) => (row.where ?? 'host') === where && (!smoke || row.smoke === true) && row.feature.includes(text),
    )
    if (mine.length === 0) continue
    const found = results(name, where, out)
    version = found.get('runt')!.version
    for (const { feature } of mine) {
      const failures: Partial<Record<Runtime, string | null>> = {}
      for (const [runtime, { outcomes: theirs }] of found) {
        const outcome = theirs.find((row) => row.feature === feature)
        failures[runtime] = outcome === undefined ? neverRun : outcome.failure
      }
      rows.push({ feature, where, failures })
    }
  }
  return { name: daemon.name, version, rows }
}

const placeNames: Readonly<Record<Where, string>> = {
  host: 'natively',
  vm: 'in the virtual machine',
  systemd: 'in the virtual machine, with systemd',
}

/** The reason of a failure that needs no mending here: never of one that runt alone has. */
function excused({ feature, failures }: Row): string | undefined {
  return failures.runc === null || failures.runc === undefined ? undefined : known[feature]
}

function needsMending(row: Row): boolean {
  const { runt, runc } = row.failures
  return runc === neverRun || (runt !== null && excused(row) === undefined)
}

/** Rows of the page as it is, by daemon and feature: what was not run this time stays. */
function pageRows(page: string): Map<string, string> {
  const rows = new Map<string, string>()
  let daemon = ''
  for (const line of page.split('\n')) {
    daemon = /^## (.*) \S+$/.exec(line)?.[1] ?? daemon
    const feature = /^\| (.*?) +\| (?:yes|\*\*no\*\*) /.exec(line)?.[1]
    if (feature !== undefined) rows.set(`${daemon} ${feature}`, line)
  }
  return rows
}

function pageRow(row: Row): string {
  const cell = (runtime: Runtime) => (row.failures[runtime] === null ? 'yes' : '**no**')
  return `| ${row.feature} | ${cell('runt')} | ${cell('runc')} | ${placeNames[row.where]} | ${excused(row) ?? ''} |`
}

function markdown(sections: readonly Section[], page: string): string {
  const before = pageRows(page)
  const versions = new Map([...page.matchAll(/^## (.*) (\S+)$/gm)].map(([, name, version]) => [name!, version!]))
  const lines = [
    '# Compatibility',
    '',
    'Daemons of Debian, unmodified, with runt as their only runtime, and the same features with Debian’s runc as a control.',
    '`npm run test:daemons` runs them (test/daemons) and writes this page.',
    'A feature that was not yet seen to pass has no line, unless runc fails too and the note says why. Where it was run: natively, in',
    'namespaces on the host, or in a virtual machine, which alone is sure to have the controllers that limits need.',
  ]
  for (const daemon of Object.values(daemons)) {
    const now = sections.find(({ name }) => name === daemon.name)
    const table = daemon.features.flatMap(({ feature }) => {
      // A failure that needs mending is told, and no line of the page.
      const row = now?.rows.find((candidate) => candidate.feature === feature && !needsMending(candidate))
      const line = row === undefined ? before.get(`${daemon.name} ${feature}`) : pageRow(row)
      return line === undefined ? [] : [line]
    })
    if (table.length === 0) continue
    // A section without rows, or of a machine that was killed early, knows none.
    const version = [now?.version, versions.get(daemon.name)].find((each) => each !== undefined && each !== '?') ?? '?'
    lines.push('', `## ${daemon.name} ${version}`, '')
    lines.push('| feature | runt | runc | where | note |', '| --- | --- | --- | --- | --- |', ...table)
  }
  return `${lines.join('\n')}\n`
}

const out = mkdtempSync(path.join(process.env.TMPDIR ?? '/tmp', 'runt-daemons.'))
let failed = 0
try {
  const chosen = names.length > 0 ? names : Object.keys(daemons)
  const sections = chosen.map((name) => section(name, out))
  let passed = 0
  for (const { name, version, rows } of sections) {
    console.log(`\n${name} ${version}`)
    for (const row of rows) {
      const { runt, runc } = row.failures
      const words = needsMending(row) ? 'FAILED' : runt === null ? 'passed' : 'excused'
      if (words === 'FAILED') failed++
      else passed++
      const control = runc === undefined ? '' : runc === null ? 'passed' : `failed: ${brief(runc)}`
      console.log(`${words.padEnd(8)} ${row.feature.padEnd(70)} ${control}`)
    }
  }
  if (complete) {
    const page = path.join(project, 'docs/compatibility.md')
    writeFileSync(page, markdown(sections, existsSync(page) ? readFileSync(page, 'utf8') : ''))
  }
  console.log(`${passed} passed, ${failed} failed`)
  if (passed + failed === 0) {
    console.error('no feature was chosen')
    failed = 1
  }
} finally {
  rmSync(out, { recursive: true })
}
process.exit(failed === 0 ? 0 : 1)
