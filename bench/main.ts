/** The program of `npm run bench`: `--help` tells its options. bench/run.sh starts it in namespaces of its own. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Bench } from './bench.ts'
import { configs } from './configs.ts'
import { findPeers, type Peer, runOnce } from './peers.ts'
import { prepare } from './prepare.ts'
import { makeResults, readResults, type Results, writeJson } from './results.ts'
import { fillDocument, report } from './report.ts'
import { othersSince, processorTime } from './processors.ts'
import { scenarios } from './scenarios.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    limit: { type: 'string', default: '0.9' },
    write: { type: 'boolean', default: false },
    render: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const help = `npm run bench [-- OPTION …]: runt against runc and crun, as root. Figures go to build/bench, too.
  --only NAME,…   only these scenarios:
${scenarios.map(({ name, doc }) => `                    ${name.padEnd(12)} ${doc}`).join('\n')}
  --rounds N      measurements of each kind, instead of what each scenario has
  --quick         the short form: the default configuration, the installed runc and crun; fails where run takes too long
  --limit RATIO   what is too long there, as a part of what runc takes (0.9): three times in a row
  --write         keep the figures of all scenarios in docs/performance.{json,md,svg}
  --render        write docs/performance.{md,svg} anew from docs/performance.json, and measure nothing`

/** Whether a peer runs a container with the default configuration. */
function works(dir: string, peer: Peer): boolean {
  const probe = new Bench(dir, [peer], true, undefined)
  const bundle = probe.bundle('probe', configs.default!, '/bin/true')
  const { ok } = runOnce(peer, [...probe.state(peer), 'run', '--bundle', bundle, 'bench-probe'])
  // Debian 12's crun leaves it where it cannot go on.
  if (!ok && existsSync('/sys/fs/cgroup/bench-probe')) rmdirSync('/sys/fs/cgroup/bench-probe')
  return ok
}

function chooseScenarios(): typeof scenarios {
  const names = values.only?.split(',')
  const unknown = names?.find((name) => !scenarios.some((scenario) => scenario.name === name))
  if (unknown !== undefined) throw new Error(`there is no scenario '${unknown}'\n${help}`)
  return scenarios.filter(({ name, quick }) => names?.includes(name) ?? (quick || !values.quick))
}

function measure(dir: string): Results {
  const rounds = values.rounds === undefined ? (values.quick ? 12 : undefined) : Number(values.rounds)
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) throw new Error('--rounds is a number above 0')
  const chosen = chooseScenarios()
  prepare(dir)
  const peers = findPeers(!values.quick, (peer) => works(dir, peer))
  const bench = new Bench(dir, peers, values.quick, rounds)
  const since = processorTime()
  try {
    for (const { name, measure: take } of chosen) {
      const start = performance.now()
      take(bench)
      console.error(`bench: ${name}: ${((performance.now() - start) / 1000).toFixed(0)} s`)
    }
    const results = makeResults(peers, bench.rows, othersSince(since))
    if (values.quick) checkLimit(dir, peers, rounds)
    return results
  } finally {
    bench.clean()
  }
}

/** Measures `run`; tells runt's fastest as a part of runc's fastest, and the part of the processors that others took meanwhile. */
function compareRun(dir: string, peers: Peer[], rounds: number | undefined): { found: number; others: number } {
  const bench = new Bench(dir, peers, true, rounds)
  const since = processorTime()
  scenarios.find(({ name }) => name === 'run')!.measure(bench)
  const fastest = (name: string): number => bench.rows.find(({ peer }) => peer === name)!.min
  return {
    found: fastest('runt') / fastest(peers.find(({ family }) => family === 'runc')!.name),
    others: othersSince(since),
  }
}

/**
 * Compares `run` with runc's, by the fastest of each, which what else the machine does disturbs least; up to three times. runt's threads
 * wait longer than runc's for processors that others use, so a busy machine judges nothing.
 */
function checkLimit(dir: string, peers: Peer[], rounds: number | undefined): void {
  const limit = Number(values.limit)
  if (!peers.some(({ family }) => family === 'runc')) return
  for (let tries = 1; ; tries++) {
    const { found, others } = compareRun(dir, peers, rounds)
    const told = `the fastest run took ${found.toFixed(2)} × runc's, and may take ${limit} × at most`
    if (found <= limit) {
      console.error(`bench: ${told}`)
    } else if (others > 0.3) {
      console.error(`bench: ${told}; other programs used ${(others * 100).toFixed(0)} % of the processors: not judged`)
    } else {
      if (tries === 3) throw new Error(told)
      console.error(`bench: ${told}: once more`)
      continue
    }
    return
  }
}

async function write(results: Results, folder: string): Promise<void> {
  const { draw } = await import('./picture.ts')
  writeFileSync(path.join(folder, 'performance.svg'), draw(results))
}

async function main(): Promise<void> {
  if (values.help) {
    console.log(help)
    return
  }
  if (values.write && (values.only !== undefined || values.quick)) throw new Error('--write needs all scenarios')
  if (values.render) {
    const results = readResults('docs/performance.json')
    fillDocument('docs/performance.md', results)
    return write(results, 'docs')
  }
  const dir = mkdtempSync(path.join(tmpdir(), 'runt-bench-'))
  let results: Results
  try {
    results = measure(dir)
  } finally {
    spawnSync('umount', ['--recursive', '--lazy', dir])
    rmSync(dir, { recursive: true, force: true })
  }
  console.log(report(results))
  const folder = values.write ? 'docs' : 'build/bench'
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'performance.json'), writeJson(results))
  if (values.write) fillDocument('docs/performance.md', results)
  // The short form has nothing to draw.
  if (!values.quick) await write(results, folder)
}

main().catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
})
