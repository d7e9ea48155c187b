/**
 * Runs one daemon's features with one runtime, in the machine that enter.sh made:
 *
 *   suite.ts DAEMON RUNTIME WHERE RESULTS [--smoke] [TEXT]    only features whose name has the text
 *
 * Prints a line for each and writes them to the file RESULTS, as JSON.
 */
import { realpathSync, writeFileSync } from 'node:fs'
import { daemons } from './daemons.ts'
import { slow, type Feature, type Setting } from './feature.ts'
import { asAny, strangers } from './strangers.ts'

/** What came of a feature. */
export interface Outcome {
  readonly feature: string
  /** Why it failed; null where it passed. */
  readonly failure: string | null
}

export interface Results {
  readonly version: string
  readonly outcomes: readonly Outcome[]
}

const lanes = slow ? 1 : 3

async function main(args: readonly string[]): Promise<void> {
  const smoke = args.includes('--smoke')
  const [name, runtime, where, file, text] = args.filter((arg) => arg !== '--smoke')
  const daemon = daemons[name ?? '']
  if (daemon === undefined || file === undefined || (runtime !== 'runt' && runtime !== 'runc'))
    throw new Error(`usage: ${Object.keys(daemons).join('|')} runt|runc host|vm|systemd RESULTS`)
  const place = where as Setting['where']
  const chosen = daemon.features.filter(
    (row) => (row.where ?? 'host') === place && (!smoke || row.smoke === true) && row.feature.includes(text ?? ''),
  )
  const executable = realpathSync(runtime === 'runt' ? '/usr/bin/runt' : '/usr/sbin/runc')
  const setting: Setting = { runtime, executable, where: place, smoke, work: process.env.DAEMONS_WORK! }
  const outcomes = new Map<string, string | null>()
  let version = '?'
  // After each feature: what a machine that is killed did before counts.
  const write = () => {
    const done = chosen.filter(({ feature }) => outcomes.has(feature))
    const results: Results = {
      version,
      outcomes: done.map(({ feature }) => ({ feature, failure: outcomes.get(feature)! })),
    }
    writeFileSync(file, JSON.stringify(results))
  }
  const tell = (feature: string, failure: string | null) => {
    outcomes.set(feature, failure)
    write()
    const line = `${daemon.name} with ${runtime} › ${feature}`
    console.log(failure === null ? `  ✔ ${line}` : `  ✘ [fail]: ${line}\n${failure.replace(/^/gm, '      ')}`)
  }
  let engine: unknown
  try {
    // Else rows could pass with the machine's own runtime, wherever a daemon looks for one by itself.
    const others = runtime === 'runt' ? strangers(executable, process.env.PATH!, asAny) : []
    if (others.length > 0) throw new Error(`not the runtime under test: ${others.join(' ')}`)
    engine = await daemon.start(setting)
  } catch (error) {
    for (const { feature } of chosen) tell(feature, `the daemon did not start: ${message(error)}`)
  }
  version = await daemon.version()
  write()
  if (engine !== undefined) {
    const queue = chosen.filter((row) => row.alone !== true)
    const lane = async () => {
      for (let row = queue.shift(); row !== undefined; row = queue.shift())
        tell(row.feature, await outcome(row, engine))
    }
    await Promise.all(Array.from({ length: lanes }, lane))
    for (const row of chosen) if (row.alone === true) tell(row.feature, await outcome(row, engine))
    await daemon.stop(engine)
  }
}

async function outcome(row: Feature<unknown>, engine: unknown): Promise<string | null> {
  try {
    await row.run(engine)
    return null
  } catch (error) {
    return message(error)
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

await main(process.argv.slice(2))
process.exit(0)
