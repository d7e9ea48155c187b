/** What is done to a container once it is there. */
import { strict as assert } from 'node:assert'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Docker } from './docker.ts'
import { ended, ofRunning, sh, unique, until, type Feature } from './feature.ts'

const image = 'box'

export const lifeFeatures: readonly Feature<Docker>[] = [
  {
    ...ofRunning('exec, and its exit status', async ({ client }, name) => {
      assert.equal(await client.ok`exec ${name} echo hello`, 'hello')
      ended(await client.result`exec ${name} ${sh('exit 9')}`, 9)
      ended(await client.result`exec ${name} ${sh('kill -KILL $$')}`, 137)
    }),
    smoke: true,
  },
  ofRunning('exec -i', async ({ client }, name) => {
    assert.equal(await client.fed('text')`exec -i ${name} cat`, 'text')
  }),
  ofRunning('exec -d', async ({ client }, name) => {
    await client.ok`exec -d ${name} touch /made`
    await until('the file is there', async () => (await client.result`exec ${name} test -e /made`).status === 0)
  }),
  ofRunning('exec -it', async ({ client }, name) => {
    ended(await client.typed('tty; exit 3\n')`exec -it ${name} sh`, 3, /\/dev\/pts\/\d/)
  }),
  ofRunning('exec -u, -w and -e', async ({ client }, name) => {
    const output = await client.ok`exec -u someone -w /tmp -e A=b ${name} ${sh('id -un; pwd; echo $A')}`
    assert.equal(output, 'someone\n/tmp\nb')
  }),
  ofRunning('exec --privileged', async ({ client }, name) => {
    assert.equal(await client.ok`exec ${name} sed -n ${'s/^CapEff:\\t//p'} /proc/self/status`, '00000000a80425fb')
    assert.match(
      await client.ok`exec --privileged ${name} sed -n ${'s/^CapEff:\\t//p'} /proc/self/status`,
      /^0{6}[13]ff/,
    )
  }),
  ofRunning('exec: its processes end with the container', async (docker, name) => {
    await docker.client.ok`exec -d ${name} sleep 2000`
    await docker.client.ok`kill ${name}`
    await until('it has exited', async () => (await docker.inspect(name, '{{.State.Running}}')) === 'false')
  }),
  ofRunning(
    'attach',
    async (docker, name) => {
      const result = await docker.client.typed('hello\n')`attach --detach-keys=ctrl-x ${name}`
      ended(result, 5, /got hello/)
    },
    ['-it'],
    sh('echo up; read line; echo got $line; exit 5'),
  ),
  ofRunning('stop: SIGTERM, then SIGKILL', async (docker, name) => {
    // sleep is the first process: it has no handler, so SIGTERM does nothing.
    await docker.client.ok`stop -t 1 ${name}`
    assert.equal(await docker.inspect(name, '{{.State.Status}} {{.State.ExitCode}}'), 'exited 137')
  }),
  ofRunning(
    'stop: the program’s own handler',
    async (docker, name) => {
      await docker.client.ok`stop -t 30 ${name}`
      assert.equal(await docker.inspect(name, '{{.State.ExitCode}}'), '21')
    },
    [],
    sh('trap "exit 21" TERM; echo up; while :; do sleep 0.1; done'),
  ),
  ofRunning(
    'kill -s',
    async (docker, name) => {
      await docker.client.ok`kill -s USR1 ${name}`
      await docker.logged(name, 'got it')
      await docker.client.ok`kill ${name}`
      assert.equal(await docker.client.ok`wait ${name}`, '137')
    },
    [],
    sh('trap "echo got it" USR1; echo up; while :; do sleep 0.1; done'),
  ),
  ofRunning('start again, restart', async (docker, name) => {
    await docker.client.ok`kill ${name}`
    await docker.client.ok`start ${name}`
    assert.equal(await docker.inspect(name, '{{.State.Running}}'), 'true')
    await docker.client.ok`restart -t 0 ${name}`
    assert.equal(await docker.inspect(name, '{{.State.Running}}'), 'true')
  }),
  {
    feature: '--restart on-failure',
    run: async (docker) => {
      const name = unique()
      await docker.client.ok`run -d --name ${name} --restart on-failure:2 ${image} ${sh('exit 4')}`
      await until('it was tried three times', async () => {
        return (
          (await docker.inspect(name, '{{.RestartCount}} {{.State.Running}} {{.State.Restarting}}')) === '2 false false'
        )
      })
      assert.equal(await docker.inspect(name, '{{.State.ExitCode}}'), '4')
      await docker.client.ok`rm ${name}`
    },
  },
  ofRunning(
    '--restart always',
    async (docker, name) => {
      const pid = await docker.inspect(name, '{{.State.Pid}}')
      process.kill(Number(pid), 'SIGKILL')
      await until('it runs again', async () => {
        const now = await docker.inspect(name, '{{.State.Pid}} {{.State.Running}}')
        return now.endsWith('true') && !now.startsWith(`${pid} `) && !now.startsWith('0 ')
      })
    },
    ['--restart', 'always'],
  ),
  ofRunning('pause, unpause', async (docker, name) => {
    await docker.client.ok`pause ${name}`
    assert.equal(await docker.inspect(name, '{{.State.Status}}'), 'paused')
    ended(await docker.client.result`exec ${name} true`, 1, /paused/)
    await docker.client.ok`unpause ${name}`
    assert.equal(await docker.client.ok`exec ${name} echo on`, 'on')
  }),
  ofRunning('kill while it is paused', async (docker, name) => {
    await docker.client.ok`pause ${name}`
    await docker.client.ok`kill ${name}`
    await until('it has exited', async () => (await docker.inspect(name, '{{.State.Status}}')) === 'exited')
  }),
  ofRunning('top', async ({ client }, name) => {
    assert.match(await client.ok`top ${name}`, /sleep 1000/)
  }),
  ofRunning('cp, both ways', async (docker, name) => {
    const there = docker.file(unique('in'), 'copied')
    await docker.client.ok`cp ${there} ${name}:/tmp/in`
    assert.equal(await docker.client.ok`exec ${name} cat /tmp/in`, 'copied')
    await docker.client.ok`cp ${name}:/tmp/in ${there}.back`
    assert.equal(readFileSync(`${there}.back`, 'utf8'), 'copied')
  }),
  ofRunning('diff, commit', async ({ client }, name) => {
    await client.ok`exec ${name} touch /added`
    assert.match(await client.ok`diff ${name}`, /^A \/added$/m)
    const copy = unique('committed')
    await client.ok`commit ${name} ${copy}`
    await client.ok`run --rm ${copy} test -e /added`
  }),
  {
    feature: 'create, start -a',
    run: async ({ client }) => {
      const name = unique()
      await client.ok`create --name ${name} ${image} ${sh('echo later; exit 6')}`
      ended(await client.result`start -a ${name}`, 6, /later/)
      await client.ok`rm ${name}`
    },
  },
  {
    feature: 'wait: exit status',
    run: async ({ client }) => {
      const name = unique()
      await client.ok`run -d --name ${name} ${image} ${sh('sleep 1; exit 12')}`
      assert.equal(await client.ok`wait ${name}`, '12')
      await client.ok`rm ${name}`
    },
  },
  {
    feature: 'healthcheck',
    run: async (docker) => {
      const name = unique()
      const flags = ['--health-cmd', 'test -e /ready', '--health-interval', '1s', '--health-retries', '1']
      await docker.client.ok`run -d --name ${name} ${flags} ${image} sleep 1000`
      await until(
        'it is unhealthy',
        async () => (await docker.inspect(name, '{{.State.Health.Status}}')) === 'unhealthy',
      )
      await docker.client.ok`exec ${name} touch /ready`
      await until('it is healthy', async () => (await docker.inspect(name, '{{.State.Health.Status}}')) === 'healthy')
      await docker.client.ok`rm -f ${name}`
    },
  },
  {
    feature: 'wait: 126, 127 and 128 + n',
    run: async (docker) => {
      const made = async (command: readonly string[]): Promise<string> => {
        const name = unique()
        await docker.client.ok`create --init --name ${name} ${image} ${command}`
        return name
      }
      for (const [command, status] of [
        [['/etc/text'], '126'],
        [['no-such-program'], '127'],
      ] as const) {
        // With --init the first process is docker-init: it is that which does not find the program.
        const name = await made(command)
        await docker.client.ok`start ${name}`
        assert.equal(await docker.client.ok`wait ${name}`, status)
        const direct = unique()
        await docker.client.ok`create --name ${direct} ${image} ${command}`
        assert.notEqual((await docker.client.result`start ${direct}`).status, 0)
        assert.equal(await docker.inspect(direct, '{{.State.ExitCode}}'), status)
        await docker.client.ok`rm ${name} ${direct}`
      }
      for (const [signal, status] of [
        ['KILL', '137'],
        ['TERM', '143'],
        ['SEGV', '139'],
      ] as const) {
        const name = await made(sh(`kill -${signal} $$`))
        await docker.client.ok`start ${name}`
        assert.equal(await docker.client.ok`wait ${name}`, status)
        await docker.client.ok`rm ${name}`
      }
    },
  },
  ofRunning<Docker>(
    'attach: the client’s signal reaches the program',
    async (docker, name) => {
      const client = spawn('docker', ['--host', docker.address, 'attach', name], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const ended = new Promise<number | null>((resolve) => client.on('exit', resolve))
      // It is attached once it tells what the program says.
      await new Promise((resolve) => client.stdout.once('data', resolve))
      client.kill('SIGTERM')
      assert.equal(await ended, 7)
      assert.equal(await docker.inspect(name, '{{.State.ExitCode}}'), '7')
    },
    [],
    sh('trap "exit 7" TERM; while :; do echo up; sleep 0.1; done'),
  ),
  ofRunning<Docker>(
    'attach: --detach-keys leave it running',
    async (docker, name) => {
      ended(await docker.client.typed('\x18')`attach --detach-keys=ctrl-x ${name}`, [0, 1], /read escape sequence/)
      assert.equal(await docker.inspect(name, '{{.State.Running}}'), 'true')
      ended(await docker.client.typed('hello\n')`attach ${name}`, 5, /got hello/)
    },
    ['-it'],
    sh('echo up; read line; echo got $line; exit 5'),
  ),
  ofRunning<Docker>(
    'healthcheck: one that takes too long',
    async (docker, name) => {
      await until('it is unhealthy', async () => {
        return (await docker.inspect(name, '{{.State.Health.Status}}')) === 'unhealthy'
      })
      assert.match(await docker.inspect(name, '{{(index .State.Health.Log 0).Output}}'), /exceeded timeout/)
    },
    ['--health-cmd', 'sleep 999', '--health-timeout', '1s', '--health-interval', '1s', '--health-retries', '1'],
  ),
  ofRunning<Docker>(
    '--stop-signal',
    async (docker, name) => {
      await docker.client.ok`stop -t 250 ${name}`
      assert.equal(await docker.inspect(name, '{{.State.ExitCode}}'), '22')
    },
    ['--stop-signal', 'SIGUSR1'],
    sh('trap "exit 22" USR1; echo up; while :; do sleep 0.1; done'),
  ),
  {
    feature: 'logs --tail, --timestamps, -f until it ends',
    run: async ({ client }) => {
      const name = unique()
      await client.ok`run -d --name ${name} ${image} ${sh('echo one; echo two; sleep 1; echo three')}`
      assert.equal(await client.ok`logs -f ${name}`, 'one\ntwo\nthree')
      assert.match(await client.ok`logs --tail 1 --timestamps ${name}`, /^\d{4}-\d\d-\d\dT[\d:.]+Z three$/)
      await client.ok`rm ${name}`
    },
  },
  ofRunning<Docker>('top with options of ps', async ({ client }, name) => {
    assert.match(await client.ok`top ${name} -o pid,args`, /^PID\s+COMMAND\n\d+\s+sleep 1000$/)
  }),
  ofRunning('rename', async ({ client }, name) => {
    await client.ok`rename ${name} ${name}-new`
    assert.equal(await client.ok`exec ${name}-new echo there`, 'there')
    await client.ok`rename ${name}-new ${name}`
  }),
  ofRunning('inspect: the pid is the program’s', async (docker, name) => {
    const pid = await docker.inspect(name, '{{.State.Pid}}')
    assert.equal(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), 'sleep\x001000\x00')
  }),
  {
    feature: 'rm -f of a running container leaves nothing behind',
    run: async (docker) => {
      const name = unique()
      await docker.client.ok`run -d --name ${name} ${image} sleep 1000`
      const [id, pid] = (await docker.inspect(name, '{{.Id}} {{.State.Pid}}')).split(' ')
      const cgroup = `/sys/fs/cgroup${/^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1]}`
      assert.ok(existsSync(cgroup), cgroup)
      await docker.client.ok`rm -f ${name}`
      await until('the cgroup and the state are gone', async () => {
        return !existsSync(cgroup) && !existsSync(`${docker.states}/${id}`)
      })
    },
  },
  {
    feature: 'save, load',
    run: async (docker) => {
      const name = unique('saved')
      await docker.client.ok`tag ${image} ${name}`
      const file = path.join(docker.dir, `${name}.tar`)
      await docker.client.ok`save -o ${file} ${name}`
      await docker.client.ok`rmi ${name}`
      await docker.client.ok`load -i ${file}`
      assert.equal(await docker.client.ok`run --rm ${name} echo loaded`, 'loaded')
    },
  },
  {
    feature: 'ten containers at once',
    run: async ({ client }) => {
      const outputs = Array.from({ length: 10 }, (_, index) => client.ok`run --rm ${image} echo ${index}`)
      assert.deepEqual(await Promise.all(outputs), [...Array(10).keys()].map(String))
    },
  },
  {
    feature: 'volumes-from',
    run: async (docker) => {
      const [name, folder] = [unique(), path.join(docker.dir, unique('bind'))]
      mkdirSync(folder)
      writeFileSync(path.join(folder, 'file'), 'shared')
      await docker.client.ok`create --name ${name} -v ${folder}:/data:ro ${image} true`
      assert.equal(await docker.client.ok`run --rm --volumes-from ${name} ${image} cat /data/file`, 'shared')
      await docker.client.ok`rm ${name}`
    },
  },
]
