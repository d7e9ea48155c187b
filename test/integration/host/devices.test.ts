import test, { type ExecutionContext } from 'ava'
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import path from 'node:path'
import { SystemError } from '../../../src/errors.ts'
import { directHost } from '../../../src/host/direct.ts'
import { openFlags } from '../../../src/host/host.ts'
import { run } from './helpers.ts'

const { files, cgroups } = directHost()

/** A new cgroup below the tests' own place in the v2 tree. */
async function cgroup(t: ExecutionContext): Promise<{ directory: string; fd: number }> {
  // The last one mounted: a later mount may lie over an earlier one.
  const mounts = [...readFileSync('/proc/self/mountinfo', 'utf8').matchAll(/^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 /gm)]
  const mount = mounts.at(-1)?.[1]
  if (mount === undefined) throw new Error('no cgroup v2 filesystem is mounted')
  const directory = path.join(mount, `runt-devices-test-${process.pid}-${t.title.length}`)
  mkdirSync(directory)
  const fd = await files.open(directory, openFlags.readOnly | openFlags.directory)
  t.teardown(async () => {
    await files.close(fd)
    rmdirSync(directory)
  })
  return { directory, fd }
}

/** `r0 = value; exit`: what 0 forbids and 1 allows. */
function answering(value: number): Uint8Array {
  const program = Buffer.alloc(16)
  program.writeUInt8(0xb7, 0)
  program.writeInt32LE(value, 4)
  program.writeUInt8(0x95, 8)
  return program
}

async function canReadNull(directory: string): Promise<boolean> {
  const child = run(['sh', '-c', `echo $$ > ${directory}/cgroup.procs && exec head -c 1 /dev/null`])
  return (await child.ended).code === 0
}

test.serial('a filter decides, and a new one takes the place of the old', async (t) => {
  const { directory, fd } = await cgroup(t)
  t.true(await canReadNull(directory))
  await cgroups.setDeviceFilter(fd, answering(0))
  t.false(await canReadNull(directory))
  await cgroups.setDeviceFilter(fd, answering(1))
  t.true(await canReadNull(directory), 'the first program is gone: a device must pass every one')
  await cgroups.setDeviceFilter(fd, answering(0))
  t.false(await canReadNull(directory))
})

test.serial('a program that the kernel refuses is an error with the reason, and the old filter stays', async (t) => {
  const { directory, fd } = await cgroup(t)
  await cgroups.setDeviceFilter(fd, answering(0))
  // Without `exit`.
  const error = await t.throwsAsync(async () => cgroups.setDeviceFilter(fd, answering(1).subarray(0, 8)), {
    instanceOf: SystemError,
  })
  t.like(error, { code: 'EINVAL', syscall: 'bpf' })
  t.regex(error.path ?? '', /BPF_PROG_LOAD \(.+\)/)
  t.false(await canReadNull(directory))
})

test.serial('a descriptor that is no cgroup is refused', async (t) => {
  const fd = await files.open('/', openFlags.readOnly | openFlags.directory)
  const error = await t.throwsAsync(async () => cgroups.setDeviceFilter(fd, answering(1)), { instanceOf: SystemError })
  t.like(error, { syscall: 'bpf', path: 'BPF_PROG_QUERY' })
  await files.close(fd)
})
