// Both ways of making an overlay: of descriptors, and of names, which is that of kernels before Linux 6.15.
import test from 'ava'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { Register } from '../../src/plan/fields.ts'
import { lacksRoot, Workbench } from './workbench.ts'

const ENOTDIR = 20

/** A workbench with an overlay of so many layers on its target: each has a file of its own, and all have one of the same name. */
function overlay(bench: Workbench, count: number, names: number, upper: 'tmpfs' | 'none'): Register {
  for (let index = 0; index < count; index++) {
    mkdirSync(`${bench.dir}/${index}`)
    writeFileSync(`${bench.dir}/${index}/${index}.file`, '')
    writeFileSync(`${bench.dir}/${index}/same`, `${index}\n`)
  }
  const layers = Array.from({ length: count }, (_, index) => bench.register(`layer ${index}`))
  layers.forEach((dst, index) => {
    bench.add('openTree', { dst, path: `${bench.dir}/${index}`, flags: 0 })
  })
  const changes = bench.register('upper')
  if (upper === 'tmpfs')
    bench.add('newMount', { dst: changes, type: 'tmpfs', source: 'tmpfs', parameters: [], attributes: 0 })
  const dst = bench.register('overlay')
  const parameters = ['index=off', 'metacopy=off', 'redirect_dir=nofollow', 'xino=off']
  bench.add('overlay', { dst, layers, upper: changes, parameters, owner: 0, names })
  return dst
}

const script = `
  ls target | grep -c file
  cat target/same
  echo changed > target/same && cat target/same
  grep -c tmpfs.*mode=755 /proc/self/mountinfo
  ls -d /proc/self/fd`

for (const names of [0, 1]) {
  const way = names === 0 ? 'descriptors' : 'names'

  test(`an overlay of ${way} has its layers in their order, and leaves nothing but itself`, async (t) => {
    if (lacksRoot(t)) return
    for (const count of [1, 2, 65, 200]) {
      const plain = new Workbench(t)
      const before = (await plain.script('grep -c tmpfs.*mode=755 /proc/self/mountinfo')).stdout.trim()
      const bench = new Workbench(t)
      bench.attach(overlay(bench, count, names, 'tmpfs'), 'target')
      const { stdout, stderr } = await bench.script(script)
      t.is(stdout, `${count}\n${count - 1}\nchanged\n${before}\n/proc/self/fd\n`, stderr)
    }
  })

  test(`an overlay of ${way} without a place for changes takes none`, async (t) => {
    if (lacksRoot(t)) return
    for (const count of [1, 3]) {
      const bench = new Workbench(t)
      bench.attach(overlay(bench, count, names, 'none'), 'target')
      const { stdout } = await bench.script('cat target/same; touch target/file 2>&1')
      t.is(stdout, `${count - 1}\ntouch: cannot touch 'target/file': Read-only file system\n`)
    }
  })

  test(`an overlay of ${way} tells which of its layers is no directory`, async (t) => {
    if (lacksRoot(t)) return
    const bench = new Workbench(t)
    writeFileSync(`${bench.dir}/file`, '')
    const [first, second, upper, dst] = ['first', 'second', 'upper', 'overlay'].map((name) => bench.register(name))
    bench.add('openTree', { dst: first!, path: `${bench.dir}/target`, flags: 0 })
    bench.add('openTree', { dst: second!, path: `${bench.dir}/file`, flags: 0 })
    bench.add('overlay', {
      dst: dst!,
      layers: [first!, second!],
      upper: upper!,
      parameters: [],
      owner: 0,
      names,
    })
    const { messages } = await bench.run()
    t.like(messages[0], { type: 'failed', errno: ENOTDIR, syscall: 'statx', subject: 'layer 1' })
  })
}

test('a plan whose row of registers is longer than its registers is refused', async (t) => {
  const bench = new Workbench(t)
  const dst = bench.register('overlay')
  const upper = bench.register('upper')
  bench.add('overlay', { dst, layers: [upper], upper, parameters: [], owner: 0, names: 0 })
  const { encodePlan } = await import('../../src/plan/wire.ts')
  const { runPlan } = await import('./machine.ts')
  const bytes = Buffer.from(encodePlan(bench.builder.plan))
  const row = Buffer.alloc(8)
  row.writeUInt32LE(upper, 0)
  row.writeUInt32LE(1, 4)
  // The last one: the overlay's own.
  const at = bytes.lastIndexOf(row)
  t.true(at > 0)
  for (const count of [2, 0x7fffffff, 0xffffffff]) {
    bytes.writeUInt32LE(count, at + 4)
    const { status, messages } = await runPlan(bytes)
    t.not(status, 0)
    t.like(messages[0], { type: 'failed' })
  }
})
