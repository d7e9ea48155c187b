/** `events` and `top` of a container in a scope of systemd: no flag says so to them. */
import test from 'ava'
import { eventually, lines, Sandbox } from '../integration/harness.ts'

test('events and top find the cgroup of a scope by themselves', async (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.process!.args = ['inside', 'wait']
    spec.linux!.resources = { ...spec.linux!.resources, memory: { limit: 24 << 20, swap: 24 << 20 } }
  })
  t.is(sandbox.detached(['--systemd-cgroup', 'create', sandbox.id]).status, 0)
  const { stdout, status } = sandbox.run(['events', '--stats', sandbox.id])
  t.is(status, 0)
  const { data } = JSON.parse(stdout) as { data: { memory: { usage: { limit: number } } } }
  t.is(data.memory.usage.limit, 24 << 20)
  t.regex(sandbox.run(['top']).stdout, new RegExp(`${sandbox.id} +created`))

  const child = sandbox.start(['events', '--interval', '500ms', sandbox.id])
  let text = ''
  let ended = false
  child.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.on('close', () => (ended = true))
  await eventually(() => text !== '', 'it watches')
  t.is(sandbox.run(['start', sandbox.id]).status, 0)
  t.is(sandbox.run(['exec', sandbox.id, 'inside', 'memory', '48']).status, 137)
  await eventually(() => lines(text).some((line) => line === `{"type":"oom","id":"${sandbox.id}"}`), 'the OOM kill')
  t.is(sandbox.run(['kill', sandbox.id, 'KILL']).status, 0)
  await eventually(() => ended, 'it ended with the container')
})
