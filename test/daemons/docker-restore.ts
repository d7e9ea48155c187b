/** What becomes of containers whose daemon goes and comes back. */
import { strict as assert } from 'node:assert'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Docker } from './docker.ts'
import { ended, sh, unique, until, type Feature } from './feature.ts'

const image = 'box'

/** A feature of a daemon of its own, with these arguments. */
function ofAnother(
  feature: string,
  args: readonly string[],
  run: (other: Docker) => Promise<void>,
  where?: 'vm' | 'systemd',
): Feature<Docker> {
  return {
    feature,
    ...(where && { where }),
    alone: true,
    run: async (docker) => {
      const other = await docker.another(unique('daemon'), ...args)
      try {
        await run(other)
      } finally {
        const ids = (await other.client.result`ps --all --quiet`).stdout.split('\n').filter(Boolean)
        if (ids.length > 0) await other.client.result`rm -f ${ids}`
        await other.end()
      }
    },
  }
}

const comesBack = async (other: Docker): Promise<void> => {
  await other.end('SIGKILL')
  await other.start()
}

const state = (other: Docker, name: string): Promise<string> =>
  other.inspect(name, '{{.State.Status}} {{.State.ExitCode}}')

const hasState = async (other: Docker, name: string, expected: string): Promise<void> => {
  await until(`${name} is ${expected}`, async () => (await state(other, name)) === expected)
}

async function livesOn(other: Docker): Promise<void> {
  const name = unique()
  const script =
    'trap "echo told; exit 8" TERM; echo up; while :; do [ -e /say ] && rm /say && echo said; sleep 0.1; done'
  await other.client.ok`run -d --name ${name} ${image} ${sh(script)}`
  await other.logged(name, 'up')
  const pid = await other.inspect(name, '{{.State.Pid}}')
  await other.end('SIGKILL')
  assert.ok(existsSync(`/proc/${pid}`))
  // What it says meanwhile is not lost.
  writeFileSync(`/proc/${pid}/root/say`, '')
  await until('it has read that', () => Promise.resolve(!existsSync(`/proc/${pid}/root/say`)))
  await other.start()
  assert.equal(await other.inspect(name, '{{.State.Pid}} {{.State.Running}}'), `${pid} true`)
  await other.logged(name, 'said')
  assert.equal(await other.client.ok`exec ${name} echo still here`, 'still here')
  ended(await other.client.result`exec ${name} ${sh('exit 5')}`, 5)
  assert.match(await other.client.ok`top ${name}`, /sleep/)
  await other.client.ok`stop -t 250 ${name}`
  assert.equal(await state(other, name), 'exited 8')
  assert.match(await other.client.ok`logs ${name}`, /up\nsaid\ntold$/)
  await other.client.ok`rm ${name}`
  assert.ok(!existsSync(`${other.states}/${name}`))
}

async function endsMeanwhile(other: Docker): Promise<void> {
  const [itself, killed, again] = [unique(), unique(), unique()]
  const folder = path.join(other.dir, 'shared')
  mkdirSync(folder)
  const script = 'echo up; until [ -e /shared/go ]; do sleep 0.1; done; exit 3'
  await other.client.ok`run -d --name ${itself} -v ${folder}:/shared ${image} ${sh(script)}`
  await other.client.ok`run -d --name ${killed} ${image} sleep 1000`
  await other.client.ok`run -d --name ${again} --restart always ${image} sleep 1000`
  await other.logged(itself, 'up')
  const pids = await Promise.all([itself, killed, again].map((name) => other.inspect(name, '{{.State.Pid}}')))
  await other.end('SIGKILL')
  writeFileSync(path.join(folder, 'go'), '')
  for (const pid of pids.slice(1)) process.kill(Number(pid), 'SIGKILL')
  await until('all have ended', () => Promise.resolve(pids.every((pid) => !existsSync(`/proc/${pid}`))))
  await other.start()
  await hasState(other, itself, 'exited 3')
  assert.equal(await other.client.ok`logs ${itself}`, 'up')
  await hasState(other, killed, 'exited 137')
  await hasState(other, again, 'running 0')
  assert.notEqual(await other.inspect(again, '{{.State.Pid}}'), pids[2])
  assert.equal(await other.client.ok`exec ${again} echo here`, 'here')
  await other.client.ok`start ${killed}`
  assert.equal(await other.client.ok`exec ${killed} echo here`, 'here')
}

async function pausedMeanwhile(other: Docker): Promise<void> {
  const name = unique()
  await other.client.ok`run -d --name ${name} ${image} sleep 1000`
  await other.client.ok`pause ${name}`
  await comesBack(other)
  await hasState(other, name, 'paused 0')
  await other.client.ok`unpause ${name}`
  assert.equal(await other.client.ok`exec ${name} echo on`, 'on')
}

async function policies(other: Docker): Promise<void> {
  const started = async (...flags: string[]): Promise<string> => {
    const name = unique()
    await other.client.ok`run -d --name ${name} ${flags} ${image} sleep 1000`
    return name
  }
  const never = await started()
  const always = await started('--restart', 'always')
  const unlessStopped = await started('--restart', 'unless-stopped')
  const [stoppedAlways, stopped] = [await started('--restart', 'always'), await started('--restart', 'unless-stopped')]
  await other.client.ok`stop -t 0 ${stoppedAlways} ${stopped}`
  await other.end()
  await other.start()
  for (const name of [always, unlessStopped, stoppedAlways]) {
    await hasState(other, name, 'running 0')
    assert.equal(await other.client.ok`exec ${name} echo here`, 'here')
  }
  for (const name of [never, stopped]) assert.match(await state(other, name), /^exited/)
}

async function withTerminal(other: Docker): Promise<void> {
  const name = unique()
  await other.client.ok`run -dit --name ${name} ${image} ${sh('echo up; read line; echo got $line; exit 5')}`
  await other.logged(name, 'up')
  await comesBack(other)
  ended(await other.client.typed('hello\n')`attach ${name}`, 5, /got hello/)
}

export const restoreFeatures: readonly Feature<Docker>[] = [
  ofAnother('live-restore: the daemon is killed and comes back, the container lives', ['--live-restore'], livesOn),
  ofAnother('live-restore: what ended while the daemon was down', ['--live-restore'], endsMeanwhile),
  ofAnother('live-restore: attach to a terminal', ['--live-restore'], withTerminal),
  ofAnother('live-restore, with controllers: the container lives', ['--live-restore'], livesOn, 'vm'),
  ofAnother(
    'live-restore, with controllers: what ended while the daemon was down',
    ['--live-restore'],
    endsMeanwhile,
    'vm',
  ),
  ofAnother(
    'live-restore, with controllers: a paused container stays paused',
    ['--live-restore'],
    pausedMeanwhile,
    'vm',
  ),
  ofAnother('live-restore, cgroup driver systemd: the container lives', ['--live-restore'], livesOn, 'systemd'),
  ofAnother('the daemon is killed without live-restore: what it left is cleaned up', [], async (other) => {
    const name = unique()
    await other.client.ok`run -d --name ${name} --restart always ${image} sleep 1000`
    await comesBack(other)
    await hasState(other, name, 'running 0')
    assert.equal(await other.client.ok`exec ${name} echo here`, 'here')
  }),
  ofAnother('the daemon is restarted: restart policies always, unless-stopped, no', [], policies),
]
