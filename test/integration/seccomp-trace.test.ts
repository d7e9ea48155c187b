import test from 'ava'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually, lines, Sandbox } from './harness.ts'

const tracer = fileURLToPath(new URL('tracer.py', import.meta.url))

/** All that comes of a stream until it ends, and what came so far. */
function collect(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.on('data', (data: Buffer) => (text += data.toString()))
  return () => text
}

// covers: /linux/seccomp/syscalls/*/action, /linux/seccomp/syscalls/*/errnoRet
test('SCMP_ACT_TRACE asks a tracer, who is told the number of the rule and lets the call be made', async (t) => {
  const sandbox = new Sandbox(t, (spec) => {
    spec.root!.readonly = false
    spec.process!.args = ['inside', 'read-all', '--', 'mkdir', '/tmp/made']
    spec.linux!.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_TRACE', errnoRet: 1234 }],
    }
  })
  const container = sandbox.start(['run', sandbox.id])
  const said = collect(container.stdout!)
  await eventually(() => sandbox.run(['state', sandbox.id]).stdout.includes('"running"'), 'the container runs')

  const child = spawn('python3', [tracer, String(sandbox.state().pid)], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const traced = collect(child.stdout)
  await eventually(() => traced().startsWith('attached\n'), 'the tracer is there')

  container.stdin!.end()
  await eventually(() => container.exitCode !== null, 'the container has ended')
  await eventually(() => child.exitCode !== null, 'the tracer has seen it')
  t.is(container.exitCode, 0)
  t.is(said(), 'made\n')
  t.deepEqual(lines(traced()), ['attached', 'message 1234'])
  t.true(existsSync(path.join(sandbox.rootfs, 'tmp/made')))
})
