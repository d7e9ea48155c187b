/** The program of `npm run test:soak`: `--help` tells its options. scripts/test-soak.sh starts it in namespaces of its own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { intoPage, table } from '../../bench/measure.ts'
import { othersSince, processorTime } from '../../bench/processors.ts'
import { describeMachine, type Results } from '../../bench/results.ts'
import { prepare } from '../../bench/prepare.ts'
import { runtime } from '../integration/harness.ts'
import { atOnce } from './at-once.ts'
import { cycles } from './cycles.ts'
import { fullDisk } from './full-disk.ts'
import { Ground, hasLimits, type Report } from './ground.ts'
import { many } from './many.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    short: { type: 'boolean', default: false },
    containers: { type: 'string' },
    cycles: { type: 'string' },
    commands: { type: 'string' },
    rounds: { type: 'string' },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
    render: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

/** A size that an option gives, or the usual one. */
function size(option: 'containers' | 'cycles' | 'commands' | 'rounds', usual: number, small: number): number {
  const given = values[option]
  if (given === undefined) return values.short ? small : usual
  if (!/^[1-9]\d{0,5}$/.test(given)) throw new Error(`--${option} is a number above 0`)
  return Number(given)
}

const scenarios: Readonly<Record<string, (ground: Ground) => Promise<Report>>> = {
  many: (ground) => many(ground, size('containers', 500, 60)),
  cycles: (ground) => cycles(ground, size('cycles', 5000, 150)),
  'at-once': (ground) => atOnce(ground, size('commands', 64, 32), size('rounds', 10, 1)),
  'full-disk': (ground) => fullDisk(ground),
}

const help = `npm run test:soak [-- OPTION …]: containers in great number, as root. Fails where anything is left or grows.
  --only NAME,…    only these scenarios:
                     many       containers alive at the same time
                     cycles     create, start and delete, over and over: what the machine has of everything stays as much
                     at-once    commands on one container at the same time
                     full-disk  a state directory without room
  --containers N   alive at the same time (500)
  --cycles N       (5000); their course is judged from 1000 on, but for what nobody else has
  --commands N     at the same time (64)
  --rounds N       how often each mixture of commands is tried (10)
  --short          the short form: 60 containers, 150 cycles, 32 commands, one round
  --json FILE      writes the figures there, too, after each scenario; - is standard output, and then nothing else is printed there
  --write          fills docs/reliability.md in
  --render FILE    does so from what --json wrote, and runs nothing
RUNT_UNDER_TEST is the command line under test (dist/bin/runt): runc as a control. PATIENCE is how many seconds it may take (3600).`

/** What a run found, as JSON has it. */
interface Outcome {
  runtime: string
  limits: boolean
  machine: Results['machine']
  reports: (Report & { seconds: number })[]
}

function text({ machine, limits, reports }: Outcome): string {
  const { processor, processors, memoryGib, kernel, others } = machine
  const rest = `Other programs used ${Math.round(others * 100)} % of the processors meanwhile`
  const parts = [
    `Linux ${kernel}, ${processors} processors (${processor}), ${memoryGib} GiB, ${limits ? 'with' : 'without'} limits of cgroups. ${rest}.`,
  ]
  for (const { scenario, seconds, figures, tables, failures } of reports) {
    const rows = Object.entries(figures).map(([name, value]) => [name, String(value)])
    parts.push(`### ${scenario}, ${seconds.toFixed(0)} s: ${failures.length === 0 ? 'no failure' : 'FAILED'}`)
    parts.push(...failures.map((failure) => `- ${failure}`))
    if (rows.length > 0) parts.push(table(['', ''], rows))
    parts.push(...tables.map(({ head, rows: lines }) => table(head, lines)))
  }
  return parts.join('\n\n')
}

const json = (outcome: Outcome): string => `${JSON.stringify(outcome, null, 2)}\n`

const fillPage = (outcome: Outcome): void => intoPage('docs/reliability.md', 'figures of test:soak', text(outcome))

async function main(): Promise<void> {
  if (values.help) {
    console.log(help)
    return
  }
  if (values.render !== undefined) {
    fillPage(JSON.parse(readFileSync(values.render, 'utf8')) as Outcome)
    return
  }
  const names = values.only?.split(',') ?? Object.keys(scenarios)
  const unknown = names.find((name) => !(name in scenarios))
  if (unknown !== undefined) throw new Error(`there is no scenario '${unknown}'\n${help}`)
  if (values.write && (names.length !== Object.keys(scenarios).length || values.short))
    throw new Error('--write needs all scenarios, and not the short form')
  const dir = mkdtempSync(path.join(tmpdir(), 'runt-soak-'))
  const outcome: Outcome = { runtime, limits: hasLimits, machine: describeMachine(0), reports: [] }
  const since = processorTime()
  const ground = new Ground(dir, process.env.SOAK_PREFIX ?? `soak-${process.pid}-`)
  try {
    prepare(dir)
    for (const name of names) {
      const start = performance.now()
      const report = await scenarios[name]!(ground).catch((error: unknown): Report => {
        return { scenario: name, figures: {}, tables: [], failures: [(error as Error).stack ?? String(error)] }
      })
      const seconds = (performance.now() - start) / 1000
      outcome.reports.push({ ...report, seconds: Number(seconds.toFixed(1)) })
      outcome.machine = describeMachine(othersSince(since))
      if (values.json !== undefined && values.json !== '-') writeFileSync(values.json, json(outcome))
      console.error(`soak: ${name}: ${seconds.toFixed(0)} s${report.failures.length > 0 ? ', FAILED' : ''}`)
    }
  } finally {
    ground.remove()
    spawnSync('umount', ['--recursive', '--lazy', dir])
    rmSync(dir, { recursive: true, force: true })
  }
  if (values.json === '-') process.stdout.write(json(outcome))
  else console.log(text(outcome))
  if (values.write) fillPage(outcome)
  if (outcome.reports.some(({ failures }) => failures.length > 0)) process.exitCode = 1
}

main().catch((error: unknown) => {
  console.error(`soak: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
})
