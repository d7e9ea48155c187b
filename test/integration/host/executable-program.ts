/** A program of the tests: spawns init, and prints what /proc/PID/exe is and whether it can be opened for writing. */
import { closeSync, openSync } from 'node:fs'
import { directHost } from '../../../src/host/direct.ts'
import { PlanBuilder } from '../../../src/plan/plan.ts'
import { encodePlan } from '../../../src/plan/wire.ts'

const { files, processes } = directHost()
const builder = new PlanBuilder()
builder.add('sync', '', { point: 1 })
builder.add('program', '', { args: ['true'], env: ['PATH=/usr/bin:/bin'] })
builder.add('exec', '', {})
const child = await processes.spawn({
  plan: encodePlan(builder.plan),
  inputs: [],
  cloneFlags: 0,
  cgroup: -1,
  preserveFds: 0,
})
await processes.receive(child.socket)

const exe = `/proc/${child.pid}/exe`
function openForWriting(flags: string): string {
  try {
    closeSync(openSync(exe, flags))
    return 'opened'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}
const facts = { exe: await files.readLink(exe), update: openForWriting('r+'), truncate: openForWriting('w') }
await processes.proceed(child.socket)
await processes.receive(child.socket)
await files.close(child.socket)
console.log(JSON.stringify({ ...facts, status: await processes.wait(child.pid) }))
