/** Many commands on one container at the same time: one start wins, every refusal is of a known kind, and nothing is left. */
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, runtime } from '../integration/harness.ts'
import { type Ended, launch } from '../integration/concurrent.ts'
import { type Ground, type Report } from './ground.ts'

/** Milliseconds after which a command hangs. */
const patience = 120_000

/** A command and what it answered. */
interface Answer extends Ended {
  /** As the mixture names it. */
  command: string
}

/**
 * What runt says where another command came first; all else that a command fails with is a failure of the test. runtime.md leaves the
 * words to the runtime; these are runc's where it has any, as daemons read them.
 */
const refusals: Readonly<Record<string, readonly RegExp[]>> = {
  create: [
    /container with given ID already exists/,
    /container was deleted while it was being created/,
    /container init died while it was being set up\n.*delete --force/,
  ],
  start: [
    /cannot start an already running container/,
    /cannot start a container that has stopped/,
    /cannot start a container in the paused state/,
    /container does not exist/,
  ],
  state: [/container does not exist/],
  ps: [/container does not exist/, /container not running/],
  exec: [
    /container does not exist/,
    /cannot exec in a stopped container/,
    /cannot exec in a paused container/,
    /cannot exec in a frozen cgroup/,
    /cannot exec in a container that is being created/,
  ],
  kill: [/container does not exist/, /container not running/],
  pause: [/container does not exist/, /container not running/],
  resume: [/container does not exist/, /container not paused/],
  delete: [/container does not exist/, /cannot delete container \S+ that is not stopped/],
}

/** Runs the mixture over and over until there are so many commands, all started before any is waited for. */
async function together(ground: Ground, id: string, count: number, mixture: readonly string[]): Promise<Answer[]> {
  const place = ground.place(ground.bundle())
  const args = (command: string): string[] => {
    const [verb, ...rest] = command.split(' ')
    if (verb === 'list') return [verb, ...rest]
    if (verb === 'exec') return [verb, id, ...rest]
    if (verb === 'kill') return [verb, id, ...rest]
    return [verb!, ...rest, id]
  }
  const pending = Array.from({ length: count }, async (_, index): Promise<Answer> => {
    const command = mixture[index % mixture.length]!
    return { command, ...(await launch(place, args(command), { killAfter: patience })) }
  })
  // What was paused last would wait for ever, and with it every `exec` on the way.
  let over = false
  const thaw = async (): Promise<void> => {
    while (!over) {
      await sleep(500)
      if (mixture.includes('pause')) await launch(place, args('resume'))
    }
  }
  const thawing = thaw()
  const answers = await Promise.all(pending)
  over = true
  await thawing
  return answers
}

/** Answers that nobody documents. */
function strange(answers: readonly Answer[]): string[] {
  return answers.flatMap(({ command, status, killed, stderr }) => {
    // A process that was ended with its container had been executed, and has nothing to say.
    if (status === 0 || killed || (command.startsWith('exec') && status === 137 && stderr === '')) return []
    const verb = command.split(' ')[0]!
    const known = (refusals[verb] ?? []).some((words) => words.test(stderr))
    return known && !command.includes('--force') ? [] : [`${command}: status ${status}: ${stderr.trim()}`]
  })
}

interface Mixture {
  readonly name: string
  /** What the container is when the commands begin. */
  readonly before: 'none' | 'created' | 'running'
  readonly commands: readonly string[]
  /** How many commands of a kind succeed, at least and at most. */
  readonly wins: Readonly<Record<string, readonly [least: number, most: number]>>
}

const mixtures: readonly Mixture[] = [
  {
    name: 'started by many',
    before: 'created',
    commands: ['start', 'state', 'start', 'exec /bin/true', 'start', 'kill 0', 'start', 'list --quiet'],
    wins: { start: [1, 1], state: [1, Infinity] },
  },
  {
    name: 'used by many',
    before: 'running',
    commands: ['state', 'exec /bin/true', 'kill WINCH', 'pause', 'exec /bin/true', 'resume', 'ps', 'list --quiet'],
    wins: { state: [1, Infinity], kill: [1, Infinity], pause: [1, Infinity], resume: [0, Infinity] },
  },
  {
    name: 'started and ended at the same time',
    before: 'created',
    commands: ['start', 'delete', 'state', 'start', 'kill KILL', 'delete', 'exec /bin/true', 'start'],
    wins: { start: [0, 1], delete: [0, 1] },
  },
  {
    name: 'ended by force meanwhile',
    before: 'created',
    commands: ['start', 'delete --force', 'exec /bin/true', 'state', 'kill KILL', 'pause', 'resume', 'start'],
    wins: { start: [0, 1] },
  },
  {
    name: 'created by many',
    before: 'none',
    commands: ['create'],
    wins: { create: [1, 1] },
  },
  {
    name: 'created and removed at the same time',
    before: 'none',
    commands: ['create', 'start', 'create', 'delete --force', 'state', 'exec /bin/true', 'create', 'kill KILL'],
    wins: { create: [1, Infinity] },
  },
]

async function round(
  ground: Ground,
  { name, before, commands, wins }: Mixture,
  count: number,
): Promise<{ failures: string[]; refused: number }> {
  const id = ground.bench.id()
  if (before !== 'none') ground.must('create', '--bundle', ground.bundle(), id)
  if (before === 'running') ground.must('start', id)
  const answers = await together(ground, id, count, commands)
  const failures = runtime === 'runt' ? strange(answers) : []
  for (const { command, killed, stderr } of answers)
    if (killed) failures.push(`${command} took longer than ${patience / 1000} s: ${stderr}`)
  for (const [verb, [least, most]] of Object.entries(wins)) {
    const won = answers.filter(({ command, status }) => command.split(' ')[0] === verb && status === 0).length
    if (won < least || won > most) failures.push(`${won} of ${verb} succeeded, not ${least} to ${most}`)
  }
  if (before === 'running') {
    const { status, stderr } = ground.run('exec', id, '/bin/true')
    if (status !== 0) failures.push(`exec afterwards: ${stderr}`)
  }
  const { status, stderr } = ground.run('delete', '--force', id)
  if (status !== 0) failures.push(`delete --force afterwards: ${stderr}`)
  await eventually(() => ground.left().length === 0, 'nothing is left', 5000).catch(() => undefined)
  failures.push(...ground.left().map((what) => `left: ${what}`))
  return {
    failures: failures.map((failure) => `${name}: ${failure}`),
    refused: answers.filter((answer) => answer.status !== 0).length,
  }
}

export async function atOnce(ground: Ground, count: number, rounds: number): Promise<Report> {
  const failures: string[] = []
  const rows: string[][] = []
  for (const mixture of mixtures) {
    let refused = 0
    for (let at = 0; at < rounds; at++) {
      const found = await round(ground, mixture, count)
      failures.push(...found.failures)
      refused += found.refused
    }
    const total = count * rounds
    rows.push([mixture.name, [...new Set(mixture.commands)].join(', '), String(total - refused), String(refused)])
  }
  return {
    scenario: 'at-once',
    figures: { 'commands at once': count, 'rounds of each mixture': rounds },
    tables: [{ head: ['a container is', 'commands', 'done', 'refused'], rows }],
    failures: [...new Set(failures)],
  }
}
