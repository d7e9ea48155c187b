/**
 * A program of the tests: runs its arguments, in a new pid namespace, on a new pseudoterminal, in the foreground.
 * Prints `ready` before and the exit status after it. With `--no-terminal`, the standard streams are the program's; with
 * `--subreaper` before it, in this pid namespace, and what children are left is printed.
 */
import { directHost } from '../../../src/host/direct.ts'
import { openFlags } from '../../../src/host/host.ts'
import { clone } from '../../../src/plan/kernel.ts'
import { PlanBuilder } from '../../../src/plan/plan.ts'
import { encodePlan } from '../../../src/plan/wire.ts'

const args = process.argv.slice(2)
const asSubreaper = args[0] === '--subreaper'
if (asSubreaper) args.shift()
const onTerminal = args[0] !== '--no-terminal'
if (!onTerminal) args.shift()

const host = directHost()
const builder = new PlanBuilder()
const root = builder.input('root', '', { kind: 'path', path: '/', flags: 'path' })
builder.add('dieWithParent', '', { signal: 9 })
builder.add('setsid', '', {})
if (onTerminal) {
  const terminal = builder.register('terminal')
  builder.add('openConsole', '', { dst: terminal, root, rows: 0, columns: 0, uid: 0, gid: 0 })
  builder.add('useConsole', '', { terminal })
}
builder.add('program', '', { args, env: ['PATH=/usr/bin:/bin'] })
builder.add('exec', '', {})
builder.plan.cloneFlags = asSubreaper ? 0 : clone.NEWPID
if (asSubreaper) await host.processes.becomeSubreaper()

const input = await host.files.open('/', openFlags.path | openFlags.directory)
const child = await host.processes.spawn({
  plan: encodePlan(builder.plan),
  inputs: [input],
  cloneFlags: builder.plan.cloneFlags,
  cgroup: -1,
  preserveFds: 0,
})
let terminal = -1
for (;;) {
  const message = await host.processes.receive(child.socket)
  if (message.type === 'descriptor') terminal = message.fd
  if (message.type === 'failed') throw new Error(JSON.stringify(message))
  if (message.type === 'closed') break
}
await host.output.stderr('ready\n')
const status = await host.processes.foreground({ pid: child.pid, pidfd: child.pidfd, terminal })
await host.output.stderr(`${JSON.stringify(status)}\n`)
if (asSubreaper) {
  const children = await host.files.readText(`/proc/self/task/${process.pid}/children`)
  await host.output.stderr(`children: ${children.trim() || 'none'}\n`)
}
