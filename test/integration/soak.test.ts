/** The short form of `npm run test:soak` (docs/reliability.md). */
// Not in the virtual machine: hundreds of commands, of which none needs controllers.
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { lacks, underTest } from './harness.ts'

interface Found {
  reports: { scenario: string; figures: Record<string, unknown>; failures: string[] }[]
}

function soak(t: ExecutionContext, scenario: string): Record<string, unknown> | undefined {
  if (lacks(t, 'executable')) return undefined
  const file = path.join(tmpdir(), `runt-soak-${process.pid}-${scenario}.json`)
  t.teardown(() => {
    rmSync(file, { force: true })
  })
  const args = ['scripts/test-soak.sh', '--short', '--only', scenario, '--json', file]
  const { status, stderr } = spawnSync('bash', args, { encoding: 'utf8', env: { ...process.env, PATIENCE: '240' } })
  t.true(status === 0 || status === 1, stderr)
  const { reports } = JSON.parse(readFileSync(file, 'utf8')) as Found
  t.deepEqual(reports[0]!.failures, [])
  t.is(status, 0, stderr)
  return reports[0]!.figures
}

test('sixty containers at the same time are told apart, and leave nothing', (t) => {
  const figures = soak(t, 'many')
  if (figures !== undefined) t.is(figures.containers, 60)
})

test('of what a machine has, there is as much after many containers as before', (t) => {
  const figures = soak(t, 'cycles')
  if (figures !== undefined) t.is(figures.cycles, 150)
})

test('of many commands on one container at the same time one start wins, and all others say why not', (t) => {
  const figures = soak(t, 'at-once')
  if (figures !== undefined) t.is(figures['commands at once'], 32)
})

test('what has no room where it is to be printed is a failure, and says so', (t) => {
  if (lacks(t, 'runt')) return
  for (const args of [['features'], ['list'], ['--version'], ['state', '--help']]) {
    const command = ['-c', 'exec "$@" > /dev/full', 'sh', ...underTest, ...args]
    const { status, stderr } = spawnSync('sh', command, { encoding: 'utf8' })
    t.is(status, 1, args.join(' '))
    t.regex(stderr, /write standard output: no space left on device/, args.join(' '))
  }
})

test('on a full disk commands name the file, leave nothing, and what is there can be removed', (t) => {
  const figures = soak(t, 'full-disk')
  if (figures !== undefined) t.true(Number(figures['creations that failed, default']) > 3)
})
