/**
 * Makes every system call of runt's commands fail in turn, and ends processes at each: docs/reliability.md.
 *   --command NAME[,NAME]  only these (see scenarios.ts)
 *   --part K/N             every N-th point, from the K-th
 *   --every N              every N-th point
 *   --actions NAME[,NAME]  only these: an errno, kill, killrunt
 *   --report FILE          what every fault came to, as JSON lines
 *   --messages             prints each different message once
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { inVm } from '../integration/harness.ts'
import { machine, type Point } from './inject.ts'
import { actionsAt, scenarios, Stage, type Outcome } from './scenarios.ts'

const { values } = parseArgs({
  options: {
    command: { type: 'string' },
    part: { type: 'string', default: '1/1' },
    every: { type: 'string', default: '1' },
    actions: { type: 'string' },
    report: { type: 'string' },
    messages: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  const [, about] = readFileSync(new URL(import.meta.url), 'utf8').split(/\/\*\*\n|\n \*\//)
  console.log(about!.replace(/^ \* ?/gm, ''))
  process.exit()
}
const [part, parts] = values.part.split('/').map(Number) as [number, number]
const stride = parts * Number(values.every)
const wanted = values.command?.split(',')
const actions = values.actions?.split(',')
const unknown = wanted?.filter((name) => !scenarios.some((scenario) => scenario.name === name)) ?? []
if (unknown.length > 0 || !(part >= 1 && part <= parts))
  throw new Error(`no such command or part: ${unknown.join(' ')} ${values.part}`)
if (values.report !== undefined) writeFileSync(values.report, '')

const place = ({ role, call, nth, name }: Point): string => `${role} ${call} #${nth}${name === '' ? '' : ` ${name}`}`
const before = machine()
const totals = { points: 0, faults: 0, failed: 0, survived: 0, killed: 0, missed: 0, defects: 0 }
const began = Date.now()

/** Messages without ids and numbers of this run. */
const kind = (message: string): string =>
  message
    .replace(/t\d+-\d+/g, 'ID')
    .replace(/runt-test-\w+/g, 'DIR')
    .replace(/\d{3,}/g, 'N')

for (const scenario of scenarios) {
  if (wanted !== undefined && !wanted.includes(scenario.name)) continue
  const stage = new Stage(scenario)
  const counts = { failed: 0, survived: 0, killed: 0, missed: 0 }
  const messages = new Map<string, string>()
  let points = 0
  let defects = 0
  const started = Date.now()
  try {
    for (const [index, point] of stage.points.entries()) {
      if (index % stride !== (part - 1) * Number(values.every)) continue
      points++
      for (const action of actionsAt(point)) {
        if (actions !== undefined && !actions.includes(action)) continue
        const outcome: Outcome = stage.meet(point, action)
        counts[outcome.result]++
        if (outcome.message !== '') messages.set(kind(outcome.message), `${place(point)} ${action}`)
        if (values.report !== undefined)
          appendFileSync(values.report, `${JSON.stringify({ command: scenario.name, ...outcome })}\n`)
        if (outcome.defects.length === 0) continue
        defects++
        console.log(`✘ ${scenario.name}: ${place(point)}: ${action}: ${outcome.result}`)
        for (const defect of outcome.defects) console.log(`    ${defect}`)
        if (outcome.message !== '') console.log(`    said: ${outcome.message.replaceAll('\n', '\n          ')}`)
      }
    }
  } finally {
    stage.close()
  }
  if (values.messages)
    for (const [message, where] of messages) console.log(`${scenario.name}: ${where}\n    ${message}`)
  const faults = counts.failed + counts.survived + counts.killed + counts.missed
  const seconds = Math.round((Date.now() - started) / 1000)
  console.log(
    `${scenario.name}: ${points} of ${stage.points.length} calls, ${faults} faults: ${counts.failed} failed, ${counts.survived} survived, ` +
      `${counts.killed} killed, ${counts.missed} not reached; ${defects} defects; ${seconds} s`,
  )
  totals.points += points
  totals.faults += faults
  totals.defects += defects
  for (const name of ['failed', 'survived', 'killed', 'missed'] as const) totals[name] += counts[name]
}

// Elsewhere others use the machine, too.
if (inVm) {
  const after = machine()
  for (const [what, had] of Object.entries(before)) {
    const left = after[what]!.filter((line) => !had.includes(line))
    if (left.length === 0) continue
    totals.defects++
    console.log(`✘ left on the machine: ${what}: ${left.join(', ')}`)
  }
}
const seconds = Math.round((Date.now() - began) / 1000)
console.log(
  `in all: ${totals.points} calls, ${totals.faults} faults: ${totals.failed} failed, ${totals.survived} survived, ${totals.killed} killed, ` +
    `${totals.missed} not reached; ${totals.defects} defects; ${seconds} s`,
)
if (totals.defects > 0 || totals.faults === 0) process.exitCode = 1
