/** Swarm: one node, its services, their secrets and their networks. */
import { strict as assert } from 'node:assert'
import type { Docker } from './docker.ts'
import { withRegistry } from './docker-registry.ts'
import { ended, run, sh, unique, until, type Feature } from './feature.ts'

/** The node's address: a swarm wants one that is not a loopback's. */
const address = '10.77.0.1'

/** For tasks a swarm pulls what it runs; what does not answer leaves it with the image that is here. */
const image = '127.0.0.1:1/box'

/** Without waiting where a user could wait: for a task's end, before the next is started, until it is taken for stable. */
const quick = [
  ...['--no-resolve-image', '--detach', '--stop-grace-period', '1s', '--restart-delay', '0s'],
  ...['--update-monitor', '0s', '--rollback-monitor', '0s'],
]

const sleeper = ['sleep', '1000']

/** The daemon's network has an address while this runs, and the daemon is a swarm's manager. */
async function inSwarm(docker: Docker, test: () => Promise<void>): Promise<void> {
  const link = unique('veth')
  const ip = async (...args: string[]) => {
    ended(await run('ip', args), 0)
  }
  await ip('link', 'add', link, 'type', 'veth', 'peer', 'name', `${link}p`)
  try {
    await ip('address', 'add', `${address}/24`, 'dev', link)
    for (const end of [link, `${link}p`]) await ip('link', 'set', end, 'up')
    await docker.client.ok`tag ${docker.image} ${image}`
    await docker.client.ok`swarm init --advertise-addr ${address}`
    await test()
  } finally {
    await docker.client.result`swarm leave --force`
    await ip('link', 'del', link)
  }
}

/** A feature of a swarm. */
function ofSwarm(feature: string, test: (docker: Docker) => Promise<void>): Feature<Docker> {
  return {
    feature,
    // A node is in one swarm or in none.
    alone: true,
    run: (docker) => inSwarm(docker, () => test(docker)),
  }
}

/** The containers of a service that run. */
async function containers({ client }: Docker, service: string): Promise<readonly string[]> {
  const ids = await client.ok`ps --quiet --no-trunc --filter label=com.docker.swarm.service.name=${service}`
  return ids.split('\n').filter(Boolean)
}

/** Waits until the service runs so many tasks, and returns their containers. */
async function settled(docker: Docker, service: string, replicas: number): Promise<readonly string[]> {
  let found: readonly string[] = []
  await until(`${service} has ${replicas} tasks`, async () => {
    const shown = await docker.client.ok`service ls --filter name=${service} --format {{.Replicas}}`
    found = await containers(docker, service)
    if (shown === `${replicas}/${replicas}` && found.length === replicas) return true
    throw new Error(await docker.client.ok`service ps --no-trunc ${service}`)
  })
  return found
}

export const swarmFeatures: readonly Feature<Docker>[] = [
  ofSwarm('Swarm: init, a service of three replicas, ls, ps, logs, inspect, rm, leave', async (docker) => {
    const { client } = docker
    assert.match(await client.ok`node ls --format ${'{{.Status}} {{.ManagerStatus}}'}`, /^Ready Leader$/)
    const name = unique('service')
    await client.ok`service create ${quick} --name ${name} --replicas 3 ${image} ${sh('echo up; exec sleep 1000')}`
    const found = await settled(docker, name, 3)
    for (const id of found) assert.equal(await client.ok`exec ${id} echo there`, 'there')
    assert.equal(await docker.inspect(found[0]!, '{{.HostConfig.Runtime}}'), 'under-test')
    const tasks = await client.ok`service ps --format ${'{{.Name}} {{.CurrentState}}'} ${name}`
    for (const slot of [1, 2, 3]) assert.match(tasks, new RegExp(`^${name}\\.${slot} Running`, 'm'))
    await until('all have logged', async () => (await client.ok`service logs ${name}`).split('| up').length === 4)
    await client.ok`service rm ${name}`
    await until('its containers are gone', async () => (await containers(docker, name)).length === 0)
  }),
  ofSwarm('Swarm: service scale, and a task that ended is replaced', async (docker) => {
    const { client } = docker
    const name = unique('service')
    await client.ok`service create ${quick} --name ${name} ${image} ${sleeper}`
    const [first] = await settled(docker, name, 1)
    await client.ok`service scale --detach ${name}=4`
    await settled(docker, name, 4)
    await client.ok`service scale --detach ${name}=2`
    const [gone] = await settled(docker, name, 2)
    await client.ok`kill ${gone!}`
    await until('another has its place', async () => {
      const now = await settled(docker, name, 2)
      return !now.includes(gone!)
    })
    await client.ok`service rm ${name}`
    await until('its containers are gone', async () => (await client.result`inspect ${first!}`).status !== 0)
  }),
  ofSwarm('Swarm: a rolling update, one task after another; rollback', async (docker) => {
    const { client } = docker
    const name = unique('service')
    const grade = async (ids: readonly string[]) =>
      Promise.all(ids.map((id) => client.ok`exec ${id} ${sh('echo $GRADE')}`))
    const state = async () => client.ok`service inspect --format {{.UpdateStatus.State}} ${name}`
    await client.ok`service create ${quick} --name ${name} --replicas 3 --env GRADE=old ${image} ${sleeper}`
    const before = await settled(docker, name, 3)
    assert.deepEqual(await grade(before), ['old', 'old', 'old'])
    await client.ok`service update --detach --update-parallelism 1 --env-add GRADE=new ${name}`
    await until('the update is complete', async () => (await state()) === 'completed')
    const after = await settled(docker, name, 3)
    assert.deepEqual(await grade(after), ['new', 'new', 'new'])
    await client.ok`service rollback --detach ${name}`
    await until('the rollback is complete', async () => (await state()) === 'rollback_completed')
    assert.deepEqual(await grade(await settled(docker, name, 3)), ['old', 'old', 'old'])
    await client.ok`service rm ${name}`
  }),
  ofSwarm('Swarm: secrets, configs and the settings of a service', async (docker) => {
    const { client } = docker
    const name = unique('service')
    await client.fed('hidden')`secret create ${name}-secret -`
    await client.fed('shown')`config create ${name}-config -`
    const settings = [
      ...['--secret', `source=${name}-secret,target=told,mode=0400,uid=1000`],
      ...['--config', `source=${name}-config,target=/etc/some/config`],
      ...['--user', 'someone', '--read-only', '--init', '--hostname', 'named', '--cap-drop', 'ALL'],
      ...['--mount', 'type=tmpfs,destination=/scratch', '--mount', `type=volume,source=${name},destination=/data`],
      ...['--sysctl', 'net.ipv4.ip_default_ttl=77', '--ulimit', 'nofile=99', '--env', 'SOME=value'],
    ]
    await client.ok`service create ${quick} ${settings} --name ${name} ${image} ${sleeper}`
    const [id] = await settled(docker, name, 1)
    const questions = [
      'cat /run/secrets/told; echo; cat /etc/some/config; echo; id -un; hostname; echo $SOME; ulimit -n',
      'cat /proc/sys/net/ipv4/ip_default_ttl /proc/1/comm; sed -n "s/^CapBnd:.//p" /proc/self/status',
      'touch /x 2>/dev/null || echo read-only; touch /scratch/x && grep -c " /data " /proc/mounts',
    ]
    assert.deepEqual((await client.ok`exec ${id!} ${sh(questions.join('; '))}`).split('\n'), [
      ...['hidden', 'shown', 'someone', 'named', 'value', '99', '77', 'docker-init'],
      ...['0000000000000000', 'read-only', '1'],
    ])
    await client.ok`service rm ${name}`
  }),
  ofSwarm('Swarm: the tasks of a service have names on an overlay network', async (docker) => {
    const { client } = docker
    const [name, network] = [unique('service'), unique('net')]
    await client.ok`network create --driver overlay --attachable ${network}`
    await client.ok`service create ${quick} --network ${network} --replicas 2 --name ${name} ${image} ${sleeper}`
    await settled(docker, name, 2)
    const found = await client.ok`run --rm --network ${network} ${image} nslookup tasks.${name}`
    assert.equal(found.match(/^Address: 10\./gm)?.length, 2, found)
    const pinged = await client.result`run --rm --network ${network} ${image} ping -c 1 tasks.${name}`
    ended(pinged, 0, /1 packets received/)
    await client.ok`service rm ${name}`
  }),
  ofSwarm('Swarm: a job of three tasks runs to its end', async (docker) => {
    const { client } = docker
    const name = unique('job')
    const args = ['--no-resolve-image', '--detach', '--mode', 'replicated-job', '--replicas', '3', '--name', name]
    await client.ok`service create ${args} ${image} true`
    await until('all are complete', async () => {
      return (await client.ok`service ps --format {{.CurrentState}} ${name}`).split('Complete ').length === 4
    })
    await client.ok`service rm ${name}`
  }),
  ofSwarm('Swarm: a service of an image in a registry', async (docker) => {
    await withRegistry(docker, async (registry) => {
      const { client } = docker
      const [name, reference] = [unique('service'), `${registry}/box`]
      await client.ok`tag ${docker.image} ${reference}`
      await client.ok`push ${reference}`
      await client.ok`rmi ${reference}`
      const args = quick.filter((arg) => arg !== '--no-resolve-image')
      await client.ok`service create ${args} --name ${name} ${reference} ${sleeper}`
      const [id] = await settled(docker, name, 1)
      assert.match(await docker.inspect(id!, '{{.Config.Image}}'), /\/box:latest@sha256:[0-9a-f]{64}$/)
      await client.ok`service rm ${name}`
      await until('its container is gone', async () => (await client.result`inspect ${id!}`).status !== 0)
    })
  }),
  ofSwarm('Swarm: error: a missing program', async (docker) => {
    const { client } = docker
    const name = unique('service')
    const args = ['--restart-condition', 'none', '--name', name]
    await client.ok`service create ${quick} ${args} ${image} no-such-program`
    await until('the task says why', async () => {
      const shown = await client.ok`service ps --no-trunc --format ${'{{.CurrentState}} {{.Error}}'} ${name}`
      return shown.includes('"no-such-program": executable file not found in $PATH')
    })
    await client.ok`service rm ${name}`
  }),
]
